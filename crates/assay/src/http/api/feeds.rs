//! Feeds: their state, what they could not give, and fetching them now.

use super::{Answer, App, Call, ok};
use crate::net::HttpNet;
use assay_model::{problem::Problem, seam::meta};
use serde_json::{Map, json};
use std::sync::Arc;

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let bad = app.engine.bad_records(&call.caller, 100).await?;
    let (feeds, advisories) =
        meta::read(app.engine.meta(), |tx| Ok((tx.feed_states()?, tx.advisory_counts()?))).await?;
    ok(&json!({"feeds": feeds, "advisories": advisories, "bad": bad}))
}

/// Fetches every configured source; one that fails is told and does not stop the others.
pub(crate) async fn sync(app: Arc<App>, _: Call) -> Answer {
    let net = HttpNet::new().map_err(|e| Problem::internal("cannot make an HTTP client", e))?;
    let mut outcome = Map::new();
    for source in app.engine.sources() {
        let id = source.spec().id;
        let Some(address) = app.sources.get(id).filter(|a| !a.is_empty()) else { continue };
        let said = match app.engine.sync_source(*source, &net, address).await {
            Ok(report) => json!({"report": report}),
            Err(problem) => json!({"error": problem.to_string()}),
        };
        outcome.insert(id.to_owned(), said);
    }
    ok(&outcome)
}
