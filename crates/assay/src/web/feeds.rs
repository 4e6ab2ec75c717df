//! Sources of facts: how each stands and how fresh what it said is.

use super::{Outcome, WebRequest, frame::Frame, pieces::When, reply};
use askama::Template;
use assay_engine::{Engine, SourceHealth};
use assay_model::access::Permission;
use jiff::Timestamp;
use std::sync::Arc;

/// A source for people.
struct SourceLine {
    id: &'static str,
    summary: &'static str,
    license: &'static str,
    records: i64,
    state: &'static str,
    class: &'static str,
    synced: Option<When>,
    attempted: Option<When>,
    next: Option<When>,
    /// The moment of `next` is past, so it waits for its turn, or nothing fetches here.
    due: bool,
    every: String,
    error: Option<String>,
    failures: u32,
}

impl SourceLine {
    fn of(health: SourceHealth, now: Timestamp) -> Self {
        let (state, class) = match (&health.error, health.stale, health.synced_at) {
            (_, true, _) => ("stale", "state-quarantined"),
            (Some(_), ..) => ("failing", "state-pending"),
            (None, false, Some(_)) => ("fresh", "state-available"),
            (None, false, None) => ("never heard of", "state-hidden"),
        };
        Self {
            id: health.source,
            summary: health.summary,
            license: health.data_license,
            records: health.records,
            state,
            class,
            synced: health.synced_at.map(When),
            attempted: health.attempted_at.map(When),
            due: health.next_at.is_some_and(|at| at <= now),
            next: health.next_at.map(When),
            every: every(health.every_seconds),
            error: health.error,
            failures: health.failures,
        }
    }
}

/// `6 hours`, in the largest unit that divides it.
fn every(seconds: i64) -> String {
    let units = [(24 * 3600, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let found = units.into_iter().find(|(unit, _)| seconds % unit == 0);
    let (unit, name) = found.unwrap_or((1, "second"));
    match seconds / unit {
        1 => format!("every {name}"),
        n => format!("every {n} {name}s"),
    }
}

#[derive(Template)]
#[template(path = "feeds.html")]
pub(super) struct FeedsPage {
    frame: Frame,
    stale: Vec<&'static str>,
    sources: Vec<SourceLine>,
}

/// The page.
///
/// # Errors
/// `Forbidden` for those who may not read everything; otherwise from the store.
pub(super) async fn page(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    request.caller.require_everywhere(Permission::Read)?;
    let health = engine.source_health().await?;
    reply::html(200, &view(Frame::of(request, "Feeds", "feeds"), health, engine.now()))
}

pub(super) fn view(frame: Frame, health: Vec<SourceHealth>, now: Timestamp) -> FeedsPage {
    FeedsPage {
        frame,
        stale: health.iter().filter(|one| one.stale).map(|one| one.source).collect(),
        sources: health.into_iter().map(|one| SourceLine::of(one, now)).collect(),
    }
}
