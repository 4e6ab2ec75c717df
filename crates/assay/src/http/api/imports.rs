//! Imports of a repository: started, watched, ended. Credentials are taken and never given.

use super::{Answer, App, Call, created, ok, settings::changed};
use assay_engine::ImportDraft;
use assay_model::{
    access::Permission,
    problem::Problem,
    upstream::{Secrets, UpstreamSettings},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Settings of an upstream that mean something for an import.
const SETTINGS: [&str; 6] = ["url", "include", "exclude", "allow_private", "timeout_seconds", "ca_certificates"];

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let rows = app.engine.list_imports(&call.caller, call.param("name")).await?;
    ok(&json!({"imports": rows}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    format: String,
    settings: Map<String, Value>,
    #[serde(default)]
    secrets: Secrets,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    as_cache: bool,
    #[serde(default)]
    dry_run: bool,
}

/// Starts one, or lets an earlier one go on.
pub(crate) async fn start(app: Arc<App>, mut call: Call) -> Answer {
    app.engine.repository(&call.caller, call.param("name"), Permission::Admin).await?;
    let Draft { format, settings, secrets, names, as_cache, dry_run } = call.json().await?;
    if let Some(other) = settings.keys().find(|key| !SETTINGS.contains(&key.as_str())) {
        let known = SETTINGS.join(", ");
        return Err(Problem::invalid("bad-settings", format!("imports have no setting `{other}`; known are {known}")));
    }
    let settings = changed(&UpstreamSettings::default(), settings)?;
    let draft = ImportDraft { format, settings, secrets, names, as_cache, dry_run };
    created(&app.engine.start_import(&call.caller, call.param("name"), draft).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    failures_after: Option<String>,
}

pub(crate) async fn show(app: Arc<App>, call: Call) -> Answer {
    let asked: Asked = call.query()?;
    let (repository, id) = (call.param("name"), number(&call)?);
    ok(&app.engine.show_import(&call.caller, repository, id, asked.failures_after.as_deref()).await?)
}

pub(crate) async fn cancel(app: Arc<App>, call: Call) -> Answer {
    let id = match number(&call) {
        Ok(id) => id,
        Err(problem) => {
            app.engine.repository(&call.caller, call.param("name"), Permission::Admin).await?;
            return Err(problem);
        }
    };
    ok(&app.engine.cancel_import(&call.caller, call.param("name"), id).await?)
}

fn number(call: &Call) -> Result<i64, Problem> {
    let text = call.param("import");
    text.parse().map_err(|_| Problem::invalid("bad-id", format!("`{text}` is no number of an import")))
}
