//! Waivers: the list, and one with its scope and who used it.

use super::{Outcome, WebRequest, frame::Frame, pieces::When, reply};
use askama::Template;
use assay_engine::{Engine, UseRow, WaiverFilter};
use assay_model::waiver::{Waiver, WaiverScope, WaiverStatus};
use std::sync::Arc;

/// A waiver for people.
struct WaiverView {
    id: String,
    status: &'static str,
    class: &'static str,
    vulnerabilities: Vec<String>,
    packages: Vec<String>,
    repositories: Vec<String>,
    policies: Vec<String>,
    reason: String,
    author: String,
    approver: Option<String>,
    comment: String,
    created: When,
    ends: When,
    changed: When,
    vex: Option<String>,
    replaces: Option<String>,
}

/// A use for people.
struct UseView {
    at: When,
    package: i64,
    name: String,
    decision: String,
    current: bool,
    pulled_by: String,
}

impl WaiverView {
    fn of(waiver: Waiver) -> Self {
        let WaiverScope { vulnerabilities, packages, repositories, policies } = waiver.scope;
        Self {
            class: match waiver.status {
                WaiverStatus::Active => "state-available",
                WaiverStatus::Requested => "state-pending",
                WaiverStatus::Refused | WaiverStatus::Revoked | WaiverStatus::Expired => "state-hidden",
            },
            vex: waiver.vex.map(|vex| match vex.justification {
                Some(why) => format!("{}: {why}", vex.status.as_str()),
                None => vex.status.as_str().to_owned(),
            }),
            replaces: waiver.replaces.map(|id| id.0),
            id: waiver.id.0,
            status: waiver.status.as_str(),
            vulnerabilities: vulnerabilities.into_iter().collect(),
            packages: packages
                .into_iter()
                .map(|one| format!("{} {}", one.purl, one.versions).trim_end().to_owned())
                .collect(),
            repositories,
            policies: policies.into_iter().collect(),
            reason: waiver.reason,
            author: waiver.author,
            approver: waiver.approver,
            comment: waiver.comment,
            created: When(waiver.created_at),
            ends: When(waiver.expires_at),
            changed: When(waiver.changed_at),
        }
    }
}

impl UseView {
    fn of(row: UseRow) -> Self {
        Self {
            at: When(row.used.at),
            package: row.used.package.0,
            name: row.name,
            decision: row.used.decision.0,
            current: row.current,
            pulled_by: row.pulled_by.into_iter().collect::<Vec<_>>().join(", "),
        }
    }
}

#[derive(Template)]
#[template(path = "waivers.html")]
struct WaiversPage {
    frame: Frame,
    waivers: Vec<WaiverView>,
}

#[derive(Template)]
#[template(path = "waiver.html")]
struct WaiverPage {
    frame: Frame,
    waiver: WaiverView,
    uses: Vec<UseView>,
}

/// The list.
///
/// # Errors
/// From the store.
pub(super) async fn page(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let waivers = engine.waivers(&request.caller, WaiverFilter::default()).await?;
    let waivers = waivers.into_iter().map(WaiverView::of).collect();
    reply::html(200, &WaiversPage { frame: Frame::of(request, "Waivers", "policies"), waivers })
}

/// One waiver.
///
/// # Errors
/// `NotFound`.
pub(super) async fn one(engine: &Arc<Engine>, request: &WebRequest, id: &str) -> Outcome {
    let waiver = WaiverView::of(engine.waiver(&request.caller, id).await?);
    let uses = engine.waiver_uses(&request.caller, id).await?.uses.into_iter().map(UseView::of).collect();
    let frame = Frame::of(request, format!("Waiver {}", waiver.id), "policies");
    reply::html(200, &WaiverPage { frame, waiver, uses })
}
