//! Storage: collecting bytes that nothing refers to, and rules of retention.

use super::{Answer, App, Call, ok};
use assay_engine::{CollectOptions, Doomed};
use assay_model::keeping::RetentionRule;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

pub(crate) async fn collection(app: Arc<App>, _: Call) -> Answer {
    ok(&app.engine.collection())
}

/// Starts a run that goes on after the answer; where one goes on already, that one is told.
pub(crate) async fn collect(app: Arc<App>, mut call: Call) -> Answer {
    let options: CollectOptions = call.json().await?;
    let before = app.engine.collection();
    if before.running {
        return ok(&before);
    }
    let engine = app.engine.clone();
    tokio::spawn(async move {
        if let Err(problem) = engine.collect(options).await {
            tracing::warn!(%problem, "collection stopped");
        }
    });
    // the run is there before its first step is done
    for _ in 0..100 {
        let now = app.engine.collection();
        if now.running || now.started_at != before.started_at {
            return ok(&now);
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    ok(&app.engine.collection())
}

/// Stops a run after its current step.
pub(crate) async fn stop(app: Arc<App>, _: Call) -> Answer {
    app.engine.stop_collection();
    ok(&app.engine.collection())
}

/// Most packages that are told one by one.
const TOLD: usize = 1000;

fn told(doomed: &[Doomed]) -> Answer {
    let bytes: u64 = doomed.iter().map(|one| one.bytes).sum();
    let packages: Vec<&Doomed> = doomed.iter().take(TOLD).collect();
    ok(&json!({"count": doomed.len(), "bytes": bytes, "packages": packages}))
}

/// What the rules in force would delete now.
pub(crate) async fn preview(app: Arc<App>, call: Call) -> Answer {
    told(&app.engine.preview_retention(&call.caller, call.param("name"), None).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Retain {
    rules: Option<Vec<RetentionRule>>,
}

/// With `rules`, what these would delete; without, deletes what the rules in force say.
pub(crate) async fn retain(app: Arc<App>, mut call: Call) -> Answer {
    let asked: Retain = call.json().await?;
    let name = call.param("name").to_owned();
    match asked.rules {
        Some(rules) => told(&app.engine.preview_retention(&call.caller, &name, Some(rules)).await?),
        None => told(&app.engine.run_retention(&call.caller, &name).await?),
    }
}
