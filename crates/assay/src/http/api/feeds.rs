//! Feeds: how each source stands, what it could not give, and fetching it now.

use super::{Answer, App, Call, ok};
use crate::net::HttpNet;
use assay_model::{problem::Problem, seam::meta};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let bad = app.engine.bad_records(&call.caller, 100).await?;
    let (feeds, advisories) =
        meta::read(app.engine.meta(), |tx| Ok((tx.feed_states()?, tx.advisory_counts()?))).await?;
    ok(&json!({"sources": sources(&app).await?, "feeds": feeds, "advisories": advisories, "bad": bad}))
}

/// How each source stands, with its address.
async fn sources(app: &App) -> Result<Vec<Value>, Problem> {
    let with_address = |health: assay_engine::SourceHealth| {
        let address = app.sources.get(health.source).map(|address| without_credentials(address)).unwrap_or_default();
        let mut value = serde_json::to_value(&health).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.insert("address".to_owned(), address.into());
        }
        value
    };
    Ok(app.engine.source_health().await?.into_iter().map(with_address).collect())
}

/// The address without user name and password.
fn without_credentials(address: &str) -> String {
    match url::Url::parse(address) {
        Ok(mut url) => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.to_string()
        }
        Err(_) => address.to_owned(),
    }
}

/// Fetches every configured source; one that fails is told and does not stop the others.
pub(crate) async fn sync(app: Arc<App>, _: Call) -> Answer {
    let ids: Vec<&str> = app.engine.sources().iter().map(|source| source.spec().id).collect();
    ok(&sync_each(&app, &ids).await?)
}

/// Fetches one source.
pub(crate) async fn sync_one(app: Arc<App>, call: Call) -> Answer {
    let id = call.param("source");
    let known: Vec<&str> = app.engine.sources().iter().map(|source| source.spec().id).collect();
    let Some(id) = known.iter().find(|known| **known == id) else {
        return Err(Problem::not_found(format!("there is no source `{id}`; known are {}", known.join(", "))));
    };
    if app.sources.get(*id).is_none_or(String::is_empty) {
        let message = format!("no address is configured for {id}: set `sources.{id}`, or import files");
        return Err(Problem::invalid("no-address", message));
    }
    ok(&sync_each(&app, &[id]).await?)
}

async fn sync_each(app: &App, ids: &[&str]) -> Result<Map<String, Value>, Problem> {
    let net = HttpNet::new().map_err(|e| Problem::internal("cannot make an HTTP client", e))?;
    let mut outcome = Map::new();
    for source in app.engine.sources().iter().filter(|source| ids.contains(&source.spec().id)) {
        let id = source.spec().id;
        let Some(address) = app.sources.get(id).filter(|a| !a.is_empty()) else { continue };
        let said = match app.engine.sync_source(*source, &net, address).await {
            Ok(report) => json!({"report": report}),
            Err(problem) => json!({"error": problem.to_string()}),
        };
        outcome.insert(id.to_owned(), said);
    }
    Ok(outcome)
}
