//! Channels and what was told to them.

use super::{Answer, App, Call, created, done, ok, settings::changed};
use assay_engine::{ChannelDraft, ChannelEdit};
use assay_model::{notification::DeliveryStatus, problem::Problem};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    ok(&json!({"channels": app.engine.channels(&call.caller).await?}))
}

pub(crate) async fn show(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.channel(&call.caller, call.param("name")).await?)
}

pub(crate) async fn create(app: Arc<App>, mut call: Call) -> Answer {
    let draft: ChannelDraft = call.json().await?;
    created(&app.engine.add_channel(&call.caller, draft).await?)
}

/// Changes what is named of the settings; `secrets` takes the place of those there were.
pub(crate) async fn update(app: Arc<App>, mut call: Call) -> Answer {
    let mut wanted: Map<String, Value> = call.json().await?;
    let secrets = wanted.remove("secrets").map(serde_json::from_value).transpose();
    let secrets = secrets.map_err(|e| Problem::invalid("bad-channel", format!("`secrets` cannot be read: {e}")))?;
    let before = app.engine.channel(&call.caller, call.param("name")).await?.channel.settings;
    let settings = changed(&before, wanted)?;
    let edit = ChannelEdit { settings: Some(settings), secrets, pause: None };
    ok(&app.engine.change_channel(&call.caller, call.param("name"), edit).await?)
}

pub(crate) async fn remove(app: Arc<App>, call: Call) -> Answer {
    app.engine.remove_channel(&call.caller, call.param("name")).await?;
    done()
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Why {
    reason: String,
}

/// Tells it nothing for now; nothing is lost.
pub(crate) async fn pause(app: Arc<App>, mut call: Call) -> Answer {
    let why: Why = call.json().await?;
    let edit = ChannelEdit { pause: Some(Some(why.reason)), ..ChannelEdit::default() };
    ok(&app.engine.change_channel(&call.caller, call.param("name"), edit).await?)
}

pub(crate) async fn resume(app: Arc<App>, call: Call) -> Answer {
    let edit = ChannelEdit { pause: Some(None), ..ChannelEdit::default() };
    ok(&app.engine.change_channel(&call.caller, call.param("name"), edit).await?)
}

/// Sends a test at once.
pub(crate) async fn test(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.test_channel(&call.caller, call.param("name")).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    status: Option<String>,
    limit: Option<usize>,
}

pub(crate) async fn deliveries(app: Arc<App>, call: Call) -> Answer {
    let asked: Asked = call.query()?;
    let status = match asked.status.as_deref() {
        None | Some("") => None,
        Some(word) => Some(DeliveryStatus::parse(word).ok_or_else(|| {
            Problem::invalid("bad-status", "a delivery is gathering, waiting, sending, sent or failed")
        })?),
    };
    let rows = app.engine.deliveries(&call.caller, call.param("name"), status, asked.limit.unwrap_or(100)).await?;
    ok(&json!({"deliveries": rows}))
}

/// Sends all again that was given up.
pub(crate) async fn redeliver_failed(app: Arc<App>, call: Call) -> Answer {
    ok(&json!({"deliveries": app.engine.redeliver_failed(&call.caller, call.param("name")).await?}))
}

/// Sends one again.
pub(crate) async fn redeliver(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.redeliver(&call.caller, call.param("name"), call.param("id")).await?)
}
