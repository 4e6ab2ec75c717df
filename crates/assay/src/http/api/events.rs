//! The event log.

use super::{Answer, App, Call, ok};
use assay_model::seam::meta::EventFilter;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    after: i64,
    limit: Option<usize>,
    subject: Option<String>,
    order: Option<String>,
}

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let asked: Asked = call.query()?;
    let filter = EventFilter {
        after: asked.after,
        limit: asked.limit.unwrap_or(100).clamp(1, 1000),
        subject: asked.subject.filter(|s| !s.is_empty()),
        newest_first: asked.order.as_deref() == Some("newest"),
    };
    ok(&json!({"events": app.engine.events(&call.caller, filter).await?}))
}

pub(crate) async fn verify(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.verify_log(&call.caller).await?)
}
