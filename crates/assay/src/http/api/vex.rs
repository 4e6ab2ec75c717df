//! VEX: documents, whose word is trusted, and what we say ourselves.

use super::{Answer, App, Call, created, done, ok};
use assay_model::{problem::Problem, seam::meta::VexFilter, vex::VexId};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Bytes of a document, and a little more so that the engine can say what the limit is.
const MAX_BODY: usize = (16 << 20) + 1;

#[derive(Deserialize)]
struct Asked {
    origin: Option<String>,
    vulnerability: Option<String>,
    before: Option<i64>,
    limit: Option<usize>,
}

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let asked: Asked = call.query()?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = VexFilter {
        origin: given(asked.origin),
        package: None,
        vulnerability: given(asked.vulnerability),
        before: asked.before.map(VexId),
        limit: asked.limit.unwrap_or(100),
    };
    ok(&json!({"documents": app.engine.vex_documents(&call.caller, filter).await?}))
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

/// The body is the document.
pub(crate) async fn add(app: Arc<App>, mut call: Call) -> Answer {
    let named: Named = call.query()?;
    let bytes = call.bytes(MAX_BODY).await?;
    created(&app.engine.add_vex(&call.caller, &named.name, &bytes).await?)
}

fn id(call: &Call) -> Result<VexId, Problem> {
    let text = call.param("id");
    let bad = |_| Problem::invalid("bad-id", format!("`{text}` is not the number of a document"));
    text.parse().map(VexId).map_err(bad)
}

pub(crate) async fn show(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.vex_document(&call.caller, id(&call)?).await?)
}

/// Findings that it speaks of.
pub(crate) async fn applied(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.vex_applied(&call.caller, id(&call)?).await?)
}

pub(crate) async fn remove(app: Arc<App>, call: Call) -> Answer {
    app.engine.remove_vex(&call.caller, id(&call)?).await?;
    done()
}

pub(crate) async fn trust(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.vex_trust(&call.caller).await?)
}

pub(crate) async fn set_trust(app: Arc<App>, mut call: Call) -> Answer {
    let trust = call.json().await?;
    ok(&app.engine.set_vex_trust(&call.caller, trust).await?)
}

pub(crate) async fn export(app: Arc<App>, call: Call) -> Answer {
    let what = call.query()?;
    ok(&app.engine.export_vex(&call.caller, what).await?)
}
