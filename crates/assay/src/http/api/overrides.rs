//! What people say of single packages: overrides, tags, licences, approvals.

use super::{Answer, App, Call, ok, packages::id};
use assay_engine::{Answer as Said, LicenseDraft, OverrideDraft, TagEdit};
use assay_model::{overrides::ApprovalStatus, package::PackageId, problem::Problem};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    repository: Option<String>,
    status: Option<String>,
    before: Option<i64>,
    limit: Option<usize>,
}

/// Lines of a list where none is asked for.
const LIMIT: usize = 100;

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let asked: Asked = call.query()?;
    let (repository, before) = (asked.repository.as_deref(), asked.before.map(PackageId));
    let rows = app.engine.overrides(&call.caller, repository, before, asked.limit.unwrap_or(LIMIT)).await?;
    ok(&json!({"packages": rows}))
}

/// Forces a state.
pub(crate) async fn set(app: Arc<App>, mut call: Call) -> Answer {
    let (id, draft): (_, OverrideDraft) = (id(&call)?, call.json().await?);
    ok(&app.engine.override_package(&call.caller, id, draft).await?)
}

/// Ends an operator's word.
pub(crate) async fn end(app: Arc<App>, call: Call) -> Answer {
    ok(&json!({"state": app.engine.end_override(&call.caller, id(&call)?).await?}))
}

/// Adds and removes tags.
pub(crate) async fn tags(app: Arc<App>, mut call: Call) -> Answer {
    let (id, edit): (_, TagEdit) = (id(&call)?, call.json().await?);
    ok(&json!({"tags": app.engine.edit_tags(&call.caller, id, edit).await?}))
}

/// Corrects the licence.
pub(crate) async fn license(app: Arc<App>, mut call: Call) -> Answer {
    let (id, draft): (_, LicenseDraft) = (id(&call)?, call.json().await?);
    ok(&app.engine.correct_license(&call.caller, id, Some(draft)).await?)
}

/// Takes the correction back.
pub(crate) async fn declared_license(app: Arc<App>, call: Call) -> Answer {
    ok(&json!({"correction": app.engine.correct_license(&call.caller, id(&call)?, None).await?}))
}

pub(crate) async fn approvals(app: Arc<App>, call: Call) -> Answer {
    let asked: Asked = call.query()?;
    let status = match asked.status.as_deref() {
        None | Some("") => None,
        Some(word) => Some(ApprovalStatus::parse(word).ok_or_else(|| {
            let known = "requested, approved, refused, withdrawn or expired";
            Problem::invalid("bad-status", format!("`{word}` is no status of a request; use {known}"))
        })?),
    };
    let (repository, before) = (asked.repository.as_deref(), asked.before.map(PackageId));
    let rows = app.engine.approvals(&call.caller, status, repository, before, asked.limit.unwrap_or(LIMIT)).await?;
    ok(&json!({"approvals": rows}))
}

/// Approves or refuses.
pub(crate) async fn answer(app: Arc<App>, mut call: Call) -> Answer {
    let (id, said): (_, Said) = (id(&call)?, call.json().await?);
    ok(&json!({"approvals": app.engine.answer_approval(&call.caller, id, said).await?}))
}
