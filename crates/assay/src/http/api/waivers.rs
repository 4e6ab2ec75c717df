//! Waivers: lists, one of them, its uses, and every change of it.

use super::{Answer, App, Call, created, ok};
use assay_model::waiver::Waiver;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let filter = call.query()?;
    ok(&json!({"waivers": app.engine.waivers(&call.caller, filter).await?}))
}

pub(crate) async fn create(app: Arc<App>, mut call: Call) -> Answer {
    let draft = call.json().await?;
    made(&app, app.engine.add_waiver(&call.caller, draft).await?).await
}

/// A new waiver, with how many stored packages it is about now.
async fn made(app: &App, waiver: Waiver) -> Answer {
    let packages = app.engine.waiver_reach(&waiver).await?;
    created(&Made { waiver, packages })
}

#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    waiver: Waiver,
    packages: usize,
}

pub(crate) async fn show(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.waiver(&call.caller, call.param("id")).await?)
}

pub(crate) async fn uses(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.waiver_uses(&call.caller, call.param("id")).await?)
}

pub(crate) async fn approve(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.approve_waiver(&call.caller, call.param("id")).await?)
}

pub(crate) async fn refuse(app: Arc<App>, mut call: Call) -> Answer {
    let change = call.json().await?;
    ok(&app.engine.refuse_waiver(&call.caller, call.param("id"), change).await?)
}

pub(crate) async fn revoke(app: Arc<App>, mut call: Call) -> Answer {
    let change = call.json().await?;
    ok(&app.engine.revoke_waiver(&call.caller, call.param("id"), change).await?)
}

pub(crate) async fn extend(app: Arc<App>, mut call: Call) -> Answer {
    let change = call.json().await?;
    ok(&app.engine.extend_waiver(&call.caller, call.param("id"), change).await?)
}

/// Another one in its place.
pub(crate) async fn replace(app: Arc<App>, mut call: Call) -> Answer {
    let edit = call.json().await?;
    made(&app, app.engine.replace_waiver(&call.caller, call.param("id"), edit).await?).await
}

pub(crate) async fn rules(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.waiver_rules(&call.caller).await?)
}

pub(crate) async fn set_rules(app: Arc<App>, mut call: Call) -> Answer {
    let rules = call.json().await?;
    ok(&app.engine.set_waiver_rules(&call.caller, rules).await?)
}
