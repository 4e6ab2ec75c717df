//! The trash: what is in it, and the two ways out.

use super::{Answer, App, Call, ok};
use assay_model::{package::PackageId, problem::Problem};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    repository: Option<String>,
    before: Option<i64>,
    limit: Option<usize>,
}

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let asked: Asked = call.query()?;
    let repository = asked.repository.filter(|name| !name.is_empty());
    let before = asked.before.map(PackageId);
    let rows = app.engine.trash(&call.caller, repository.as_deref(), before, asked.limit.unwrap_or(100)).await?;
    ok(&json!({"trash": rows}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct What {
    package: Option<String>,
    repository: Option<String>,
}

fn unnamed() -> Problem {
    Problem::invalid("bad-request", "name one `package`, as repository/format/name@version or by its number")
}

pub(crate) async fn restore(app: Arc<App>, mut call: Call) -> Answer {
    let what: What = call.json().await?;
    let package = what.package.filter(|_| what.repository.is_none()).ok_or_else(unnamed)?;
    ok(&app.engine.restore(&call.caller, &package).await?)
}

/// One package, or all of a repository.
pub(crate) async fn purge(app: Arc<App>, mut call: Call) -> Answer {
    let what: What = call.json().await?;
    let purged = match (what.package, what.repository) {
        (Some(package), None) => {
            app.engine.purge(&call.caller, &package).await?;
            1
        }
        (None, Some(repository)) => app.engine.empty_trash(&call.caller, &repository).await?,
        _ => return Err(unnamed()),
    };
    ok(&json!({"purged": purged}))
}
