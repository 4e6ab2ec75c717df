//! What the rules of retention would delete now.

use crate::web::{
    Outcome, WebRequest,
    frame::Frame,
    pieces::{When, plural, readable, size},
    reply,
};
use askama::Template;
use assay_engine::{Doomed, Engine};
use assay_model::access::Permission;
use std::sync::Arc;

/// Lines that are shown.
const MOST: usize = 1_000;

#[derive(Template)]
#[template(path = "retention.html")]
pub(in crate::web) struct PreviewPage {
    frame: Frame,
    name: String,
    rules: usize,
    total: String,
    bytes: String,
    cut: bool,
    rows: Vec<Row>,
    may_run: bool,
    restorable: bool,
}

struct Row {
    id: i64,
    display: String,
    format: String,
    arrived: When,
    pulled: Option<When>,
    size: String,
    rule: String,
    why: String,
}

/// The page.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub(in crate::web) async fn page(engine: &Arc<Engine>, request: &WebRequest, name: &str) -> Outcome {
    let repository = engine.repository(&request.caller, name, Permission::Read).await?;
    let doomed = engine.preview_retention(&request.caller, name, None).await?;
    let may_run = request.caller.require(Permission::Admin, &repository).is_ok();
    let frame = Frame::of(request, format!("Retention in {name}"), "repositories");
    let page = PreviewPage {
        rules: repository.settings.retention.iter().filter(|rule| !rule.disabled).count(),
        restorable: repository.settings.trash_days > 0,
        ..PreviewPage::of(frame, name, doomed, may_run)
    };
    reply::html(200, &page)
}

impl PreviewPage {
    pub(in crate::web) fn of(frame: Frame, name: &str, doomed: Vec<Doomed>, may_run: bool) -> Self {
        let row = |doomed: Doomed| Row {
            id: doomed.package.0,
            display: readable(&doomed.display),
            format: doomed.format,
            arrived: When(doomed.uploaded_at),
            pulled: doomed.last_download.map(When),
            size: size(doomed.bytes),
            rule: doomed.rule,
            why: doomed.why,
        };
        Self {
            frame,
            name: name.to_owned(),
            rules: 1,
            total: plural(doomed.len(), "package"),
            bytes: size(doomed.iter().map(|d| d.bytes).sum()),
            cut: doomed.len() > MOST,
            rows: doomed.into_iter().take(MOST).map(row).collect(),
            may_run,
            restorable: true,
        }
    }
}
