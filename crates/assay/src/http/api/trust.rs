//! Who is trusted to sign.

use super::{Answer, App, Call, ok};
use assay_engine::TrustDraft;
use serde_json::json;
use std::sync::Arc;

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    ok(&json!({"trusted": app.engine.trusted(&call.caller).await?}))
}

pub(crate) async fn put(app: Arc<App>, mut call: Call) -> Answer {
    let draft: TrustDraft = call.json().await?;
    ok(&app.engine.trust(&call.caller, draft).await?)
}

pub(crate) async fn remove(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.distrust(&call.caller, call.param("name")).await?)
}
