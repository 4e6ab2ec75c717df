//! The event log: newest first, by subject, and the proof that nothing was removed or altered.

use super::{
    Outcome, WebRequest,
    frame::Frame,
    pieces::EventLine,
    query::{Query, address},
    reply,
};
use askama::Template;
use assay_engine::{Engine, LogCheck};
use assay_model::{
    event::{Event, Seq},
    problem::Problem,
    seam::meta::EventFilter,
};
use std::sync::Arc;

const PAGE: usize = 100;
/// How far back the log of one subject can be read here; the API and the command line have no such end.
const DEEPEST: usize = 5_000;

#[derive(Template)]
#[template(path = "log.html")]
pub(super) struct LogPage {
    frame: Frame,
    subject: String,
    events: Vec<EventLine>,
    first: Option<String>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "verify.html")]
pub(super) struct VerifyPage {
    pub(super) frame: Frame,
    pub(super) check: LogCheck,
}

/// The log.
///
/// # Errors
/// `Forbidden` where the subject is not in a readable repository and the caller is no administrator.
pub(super) async fn page(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let query = Query::parse(request.query.as_deref().unwrap_or_default().as_bytes())?;
    let (subject, before) = (query.get("subject").map(str::to_owned), query.number("before")?);
    let events = older(engine, request, subject.clone(), before).await?;
    reply::html(200, &view(Frame::of(request, "Log", "log"), subject, before, events))
}

/// Up to a page and one more, newest first, all before `before`.
async fn older(
    engine: &Engine,
    request: &WebRequest,
    subject: Option<String>,
    before: Option<Seq>,
) -> Result<Vec<Event>, Problem> {
    let limit = PAGE + 1;
    let newest = EventFilter { after: 0, limit, subject: subject.clone(), newest_first: true };
    let filter = match (before, &subject) {
        (None, _) => newest,
        // Numbers have no gaps: the page before an entry is known without a search.
        (Some(before), None) => {
            let after = before.saturating_sub(1).saturating_sub_unsigned(limit as u64).max(0);
            let upto = usize::try_from(before.saturating_sub(1).saturating_sub(after)).unwrap_or_default();
            EventFilter { after, limit: upto, subject: None, newest_first: false }
        }
        (Some(_), Some(_)) => EventFilter { limit: DEEPEST, ..newest },
    };
    let mut events = engine.events(&request.caller, filter).await?;
    events.retain(|e| before.is_none_or(|b| e.seq < b));
    events.sort_by_key(|e| std::cmp::Reverse(e.seq));
    events.truncate(limit);
    Ok(events)
}

pub(super) fn view(frame: Frame, subject: Option<String>, before: Option<Seq>, mut events: Vec<Event>) -> LogPage {
    let more = events.len() > PAGE;
    events.truncate(PAGE);
    let last = events.last().map(|e| e.seq.to_string()).filter(|_| more);
    let to = |before: Option<&str>| address("/ui/log", &[("subject", subject.as_deref()), ("before", before)]);
    LogPage {
        frame,
        next: last.as_deref().map(|l| to(Some(l))),
        first: before.map(|_| to(None)),
        events: events.into_iter().map(EventLine::of).collect(),
        subject: subject.unwrap_or_default(),
    }
}

/// Checks the chain now.
///
/// # Errors
/// `Forbidden` unless the caller is an administrator.
pub(super) async fn verify(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let check = engine.verify_log(&request.caller).await?;
    reply::html(200, &VerifyPage { frame: Frame::of(request, "Check of the log", "log"), check })
}
