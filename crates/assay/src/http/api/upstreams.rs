//! Upstreams of a repository. Credentials are taken and never given.

use super::{Answer, App, Call, created, done, ok, settings::changed};
use assay_engine::{UpstreamChange, UpstreamDraft};
use assay_model::{
    access::Permission,
    upstream::{Secrets, UpstreamSettings},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Place in the order where none is named: between those that are to come first and those that are to come last.
const PRIORITY: i32 = 100;

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let rows = app.engine.list_upstreams(&call.caller, call.param("name")).await?;
    ok(&json!({"upstreams": rows}))
}

pub(crate) async fn show(app: Arc<App>, call: Call) -> Answer {
    let row = app.engine.show_upstream(&call.caller, call.param("name"), call.param("upstream")).await?;
    ok(&row)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    name: String,
    format: String,
    priority: Option<i32>,
    settings: Map<String, Value>,
    #[serde(default)]
    secrets: Secrets,
}

pub(crate) async fn create(app: Arc<App>, mut call: Call) -> Answer {
    app.engine.repository(&call.caller, call.param("name"), Permission::Admin).await?;
    let Draft { name, format, priority, settings, secrets } = call.json().await?;
    let settings = changed(&UpstreamSettings::default(), settings)?;
    let draft = UpstreamDraft { name, format, priority: priority.unwrap_or(PRIORITY), settings, secrets };
    let row = app.engine.add_upstream(&call.caller, call.param("name"), draft).await?;
    created(&row)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    priority: Option<i32>,
    #[serde(default)]
    settings: Map<String, Value>,
    /// Not named: those that are kept stay. `null`: they go.
    #[serde(default, deserialize_with = "named")]
    secrets: Option<Secrets>,
}

fn named<'a, D: serde::Deserializer<'a>>(deserializer: D) -> Result<Option<Secrets>, D::Error> {
    Option::<Secrets>::deserialize(deserializer).map(|secrets| Some(secrets.unwrap_or_default()))
}

/// Changes what is named.
pub(crate) async fn update(app: Arc<App>, mut call: Call) -> Answer {
    app.engine.repository(&call.caller, call.param("name"), Permission::Admin).await?;
    let Changes { priority, settings, secrets } = call.json().await?;
    let (repository, name) = (call.param("name"), call.param("upstream"));
    let before = app.engine.show_upstream(&call.caller, repository, name).await?.upstream.settings;
    let settings = if settings.is_empty() { None } else { Some(changed(&before, settings)?) };
    let change = UpstreamChange { priority, settings, secrets };
    let row = app.engine.change_upstream(&call.caller, repository, name, change).await?;
    ok(&row)
}

pub(crate) async fn remove(app: Arc<App>, call: Call) -> Answer {
    app.engine.remove_upstream(&call.caller, call.param("name"), call.param("upstream")).await?;
    done()
}

/// Asks it once.
pub(crate) async fn check(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.check_upstream(&call.caller, call.param("name"), call.param("upstream")).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    name: String,
    path: String,
}

/// Lets other bytes come where a digest is pinned.
pub(crate) async fn unpin(app: Arc<App>, mut call: Call) -> Answer {
    app.engine.repository(&call.caller, call.param("name"), Permission::Admin).await?;
    let pin: Pin = call.json().await?;
    let (repository, upstream) = (call.param("name"), call.param("upstream"));
    app.engine.unpin_upstream(&call.caller, repository, upstream, &pin.name, &pin.path).await?;
    done()
}
