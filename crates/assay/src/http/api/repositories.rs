//! Repositories.

use super::{Answer, App, Call, created, ok, settings::changed};
use assay_engine::Holding;
use assay_model::{
    access::Permission,
    repository::{Repository, Settings},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let repositories = app.engine.readable_repositories(&call.caller).await?;
    let holdings = app.engine.holdings().await?;
    let row = |repository: Repository| {
        let holds = holdings.get(&repository.id).copied().unwrap_or_default();
        Row { repository, holds }
    };
    ok(&json!({"repositories": repositories.into_iter().map(row).collect::<Vec<_>>()}))
}

/// A repository with what it holds.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    repository: Repository,
    holds: Holding,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    name: String,
    #[serde(default)]
    settings: Map<String, Value>,
}

pub(crate) async fn create(app: Arc<App>, mut call: Call) -> Answer {
    let draft: Draft = call.json().await?;
    let settings = changed(&Settings::default(), draft.settings)?;
    created(&app.engine.create_repository(&call.caller, &draft.name, settings).await?)
}

/// Changes the settings that are named; the others stay.
pub(crate) async fn update(app: Arc<App>, mut call: Call) -> Answer {
    let changes: Map<String, Value> = call.json().await?;
    let repository = app.engine.repository(&call.caller, call.param("name"), Permission::Admin).await?;
    let settings = changed(&repository.settings, changes)?;
    app.engine.update_repository(&call.caller, call.param("name"), settings.clone()).await?;
    ok(&json!({"name": call.param("name"), "settings": settings}))
}
