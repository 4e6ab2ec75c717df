//! API tokens: shown once, stored hashed.

use super::{Answer, App, Call, created, done, ok};
use assay_model::{access::Permission, problem::Problem};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    ok(&json!({"tokens": app.engine.tokens(&call.caller).await?}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    name: String,
    permission: Permission,
    #[serde(default)]
    repositories: Vec<String>,
    expires_days: Option<u32>,
}

pub(crate) async fn create(app: Arc<App>, mut call: Call) -> Answer {
    let draft: Draft = call.json().await?;
    let known = app.engine.readable_repositories(&call.caller).await?;
    if let Some(unknown) = draft.repositories.iter().find(|name| !known.iter().any(|r| r.name == **name)) {
        return Err(Problem::invalid("unknown-repository", format!("there is no repository `{unknown}`")));
    }
    let expires = draft.expires_days.map(|days| Timestamp::now() + SignedDuration::from_hours(24 * i64::from(days)));
    let issued =
        app.engine.issue_token(&call.caller, &draft.name, draft.permission, draft.repositories, expires).await?;
    created(&json!({"token": issued.token, "secret": issued.secret}))
}

pub(crate) async fn revoke(app: Arc<App>, call: Call) -> Answer {
    app.engine.revoke_token(&call.caller, call.param("id")).await?;
    done()
}
