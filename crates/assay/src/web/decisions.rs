//! The log of decisions: what each policy said of each package, with filters.

use super::{
    Outcome, WebRequest,
    frame::Frame,
    pieces::{StateBadge, When, readable},
    query::{Query, address},
    reply,
};
use askama::Template;
use assay_engine::{Engine, Entries, Entry};
use assay_model::decision;
use std::sync::Arc;

/// Filters of the page, in the order of the form: name in the query, and for people.
const FIELDS: [(&str, &str); 7] = [
    ("package_name", "Package"),
    ("repository", "Repository"),
    ("policy", "Policy"),
    ("package_format", "Format"),
    ("state", "State"),
    ("trigger", "Cause has"),
    ("created_after", "Since"),
];

struct Field {
    name: &'static str,
    label: &'static str,
    value: String,
}

struct Line {
    at: When,
    policy: String,
    revision: u32,
    said: &'static str,
    reasons: Vec<String>,
    state: StateBadge,
    package: String,
    href: String,
    trigger: String,
    input: String,
}

#[derive(Template)]
#[template(path = "decisions.html")]
struct DecisionsPage {
    frame: Frame,
    fields: Vec<Field>,
    matched: String,
    lines: Vec<Line>,
    filtered: bool,
    next: Option<String>,
}

/// The log, newest first; what matched where nothing is said.
///
/// # Errors
/// `Invalid` for a filter that cannot be read; `NotFound` or `Forbidden` for a repository that is named.
pub(super) async fn page(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let text = request.query.as_deref().unwrap_or_default();
    let mut filter = crate::http::entry_filter(text, engine.now())?;
    let query = Query::parse(text.as_bytes())?;
    let matched = query.get("match").unwrap_or_default().to_owned();
    filter.newest_first = true;
    let entries = engine.decision_entries(&request.caller, filter).await?;
    reply::html(200, &view(Frame::of(request, "Decisions", "decisions"), &query, matched, entries))
}

fn view(frame: Frame, query: &Query, matched: String, entries: Entries) -> DecisionsPage {
    let value = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let fields: Vec<Field> = FIELDS.iter().map(|(name, label)| Field { name, label, value: value(name) }).collect();
    let next = entries.next.map(|next| {
        let mut pairs: Vec<(&str, Option<&str>)> = FIELDS.iter().map(|(name, _)| (*name, query.get(name))).collect();
        pairs.extend([("match", query.get("match")), ("page", Some(next.as_str()))]);
        address("/ui/decisions", &pairs)
    });
    DecisionsPage {
        frame,
        filtered: !matched.is_empty() || fields.iter().any(|field| !field.value.is_empty()),
        fields,
        matched,
        lines: entries.entries.into_iter().map(line).collect(),
        next,
    }
}

fn line(entry: Entry) -> Line {
    let said = match (&entry.outcome, &entry.waived_by) {
        (decision::Outcome::Match, Some(_)) => "matched, waived",
        (decision::Outcome::Match, None) => "matched",
        (decision::Outcome::NoMatch, _) => "did not match",
        (decision::Outcome::Failed(_), _) => "failed",
    };
    let name =
        format!("{}/{}/{}@{}", entry.repository_name, entry.package_format, entry.package_name, entry.package_version);
    Line {
        at: When(entry.started_at),
        said,
        state: StateBadge(entry.state),
        package: readable(&name),
        href: format!("/ui/decisions/{}", entry.correlation_id),
        input: format!("/api/v1/decisions/{}", entry.id),
        policy: entry.policy_slug_perm,
        revision: entry.policy_version,
        reasons: entry.reasons.into_iter().take(5).collect(),
        trigger: entry.trigger,
    }
}
