//! The words of what is about no single package: a sentence of what happened, whom it concerns, and what to do.

use super::collect::text;
use assay_model::{
    event::Event,
    notification::MessageNews,
    package::PackageId,
    problem::Problem,
    seam::meta::{Tx, UseFilter},
    waiver::{WaiverId, WaiverScope},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Longest sentence, characters.
const LONGEST: usize = 400;
/// Uses of a waiver that are looked at.
const USES: usize = 1000;
/// Packages that are named.
const NAMED: usize = 5;
/// Decisions that are looked through for the one before an end.
const DECISIONS: usize = 10;

/// Tells of an event; adds the packages that it concerns to `concerned`.
pub(super) fn told(
    tx: &mut dyn Tx,
    event: &Event,
    url: &str,
    concerned: &mut BTreeSet<PackageId>,
) -> Result<MessageNews, Problem> {
    let waiver = event.subject.strip_prefix("waiver/").map(|id| WaiverId(id.to_owned()));
    let covered = match &waiver {
        Some(id) => covered(tx, id, event, concerned)?,
        None => String::new(),
    };
    let (what, advice, page) = match event.kind.split_once('.') {
        Some(("waiver", _)) if waiver.is_some() => of_waiver(event, &covered),
        Some(("feed", "stale")) => stale(event),
        Some(("quota", "warned")) => quota(event),
        Some(("channel", "paused")) => paused(event),
        _ => (plain(&event.body), String::new(), "log".to_owned()),
    };
    Ok(MessageNews {
        event: event.kind.clone(),
        subject: event.subject.clone(),
        actor: event.actor.clone(),
        text: what.chars().take(LONGEST).collect(),
        advice,
        link: format!("{url}/ui/{page}"),
    })
}

/// Whether the waiver of an event is over with it.
fn has_ended(event: &Event) -> bool {
    matches!(event.kind.as_str(), "waiver.expired" | "waiver.revoked" | "waiver.replaced")
}

/// Notes the packages whose decision rests on a waiver, or rested on it when it ended; names some.
fn covered(
    tx: &mut dyn Tx,
    id: &WaiverId,
    event: &Event,
    concerned: &mut BTreeSet<PackageId>,
) -> Result<String, Problem> {
    if id.number().is_none() {
        return Ok(String::new());
    }
    let uses = tx.waiver_uses(&UseFilter { waiver: Some(id.clone()), package: None, limit: USES })?;
    let users: BTreeSet<PackageId> = uses.iter().map(|one| one.package).collect();
    let mut users = tx.packages(&users.into_iter().collect::<Vec<_>>())?;
    let mut resting = BTreeSet::new();
    for package in &users {
        // decisions are the newest first; what was decided because of the end came after it
        let decisions = tx.decisions_of(package.id, DECISIONS)?;
        let then = decisions.into_iter().find(|decision| !has_ended(event) || decision.at < event.at);
        if then.is_some_and(|decision| decision.basis.waivers.contains(id)) {
            resting.insert(package.id);
        }
    }
    users.retain(|package| resting.contains(&package.id));
    let mut names = Vec::new();
    for package in users.iter().take(NAMED) {
        let place = tx.repository_by_id(package.repository)?.map(|one| one.name).unwrap_or_default();
        names.push(package.at.subject(&place));
    }
    concerned.extend(users.iter().map(|package| package.id));
    let more = users.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Ok(if names.is_empty() { String::new() } else { format!("{}{more}", names.join(", ")) })
}

fn of_waiver(event: &Event, covered: &str) -> (String, String, String) {
    let id = event.subject.trim_start_matches("waiver/");
    let scope: WaiverScope =
        event.body.get("scope").and_then(|scope| serde_json::from_value(scope.clone()).ok()).unwrap_or_default();
    let about: Vec<&str> = scope.vulnerabilities.iter().chain(&scope.policies).map(String::as_str).collect();
    let (about, until) = (about.join(", "), text(event, "expires_at"));
    let rests = match (covered.is_empty(), has_ended(event)) {
        (true, _) => String::new(),
        (false, true) => format!(" Rested on it: {covered}."),
        (false, false) => format!(" Rests on it: {covered}."),
    };
    let why = format!("{} (asked for by {})", text(event, "reason"), text(event, "author"));
    let (what, advice) = match event.kind.as_str() {
        "waiver.requested" => (
            format!("A waiver of {about} until {until} is asked for: {why}."),
            format!("answer, if you are not {0}: assay waiver approve {id}, or refuse", text(event, "author")),
        ),
        "waiver.ending" => {
            let days = event.body.get("days").and_then(Value::as_u64).unwrap_or_default();
            (
                format!("The waiver of {about} ends within {days} days, at {until}: {why}.{rests}"),
                format!("fix what it covers before it ends, or: assay waiver extend {id} --expires WHEN"),
            )
        }
        "waiver.expired" => (
            format!("The waiver of {about} has ended: {why}. What it took away counts again.{rests}"),
            "fix what it covered; where that cannot be, ask for another".to_owned(),
        ),
        "waiver.revoked" | "waiver.refused" | "waiver.replaced" => (
            format!("The waiver of {about} was {}: {}.{rests}", words(&event.kind), text(event, "comment")),
            String::new(),
        ),
        _ => (format!("The waiver of {about} until {until} was {}: {why}.{rests}", words(&event.kind)), String::new()),
    };
    (what, advice, format!("waivers/{id}"))
}

fn words(kind: &str) -> &str {
    kind.split_once('.').map_or(kind, |(_, verb)| verb)
}

fn stale(event: &Event) -> (String, String, String) {
    let since = match text(event, "synced_at") {
        "" => "It was never fetched.".to_owned(),
        at => format!("It was fetched last at {at}."),
    };
    let error = match text(event, "error") {
        "" => String::new(),
        error => format!(" The last error: {error}."),
    };
    let advice = "see why, and fetch it by hand: assay feeds status, assay feeds sync".to_owned();
    (format!("Source {} is stale. {since}{error}", event.subject), advice, "feeds".to_owned())
}

fn quota(event: &Event) -> (String, String, String) {
    let percent = event.body.get("percent").and_then(Value::as_u64).unwrap_or_default();
    let what = format!("Repository {} is at {percent} % of its quota. Full, it takes nothing more.", event.subject);
    let advice = "delete what is not needed, or raise the quota".to_owned();
    (what, advice, format!("repositories/{}", event.subject))
}

fn paused(event: &Event) -> (String, String, String) {
    let why = event.body.pointer("/paused/reason").and_then(Value::as_str).unwrap_or_default();
    let what = format!("Channel {} is told nothing for now: {why}.", event.subject);
    (
        what,
        format!("assay channel test {0}; assay channel resume {0}", event.subject),
        format!("channels/{}", event.subject),
    )
}

/// Fields of a body on a line, those that are lists or objects as JSON.
fn plain(body: &Value) -> String {
    let Some(fields) = body.as_object() else { return String::new() };
    let shown = fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| match value {
        Value::String(text) => format!("{name}: {text}"),
        other => format!("{name}: {other}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::json;

    fn event(kind: &str, subject: &str, body: Value) -> Event {
        let (at, hash) = (Timestamp::UNIX_EPOCH, String::new());
        let (kind, actor, subject) = (kind.to_owned(), "ann".to_owned(), subject.to_owned());
        Event { seq: 1, at, kind, actor, subject, body, previous: hash.clone(), hash }
    }

    #[test]
    fn a_waiver_says_what_ends_for_whom_and_what_to_do() {
        let body = json!({"scope": {"vulnerabilities": ["CVE-2026-1"]}, "days": 7, "reason": "never called",
            "author": "ann", "expires_at": "2026-04-01T00:00:00Z"});
        let (what, advice, page) = of_waiver(&event("waiver.ending", "waiver/W3", body), "main/pypi/a@1");
        assert_eq!(
            what,
            "The waiver of CVE-2026-1 ends within 7 days, at 2026-04-01T00:00:00Z: never called (asked for by ann). \
             Rests on it: main/pypi/a@1."
        );
        assert_eq!(advice, "fix what it covers before it ends, or: assay waiver extend W3 --expires WHEN");
        assert_eq!(page, "waivers/W3");
    }

    #[test]
    fn other_events_are_told_in_sentences() {
        let (what, ..) = stale(&event("feed.stale", "osv", json!({"synced_at": null, "error": "no answer"})));
        assert_eq!(what, "Source osv is stale. It was never fetched. The last error: no answer.");
        let (what, ..) = paused(&event("channel.paused", "team", json!({"paused": {"reason": "it fails"}})));
        assert_eq!(what, "Channel team is told nothing for now: it fails.");
        assert_eq!(plain(&json!({"a": "x", "b": [1], "c": null})), "a: x, b: [1]");
    }
}
