//! The log of decisions, what they were functions of, recomputing them, and why one differs from another.

use super::{Answer, App, Call, ok};
use crate::http::answer::{Reply, plain};
use assay_engine::{EntryFilter, ReplayScope};
use assay_model::{
    package::{PackageId, State},
    problem::Problem,
};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// Entries of a page where nothing is said.
const PAGE: usize = 50;

/// `2026-08-01T00:00:00Z`, `2026-08-01`, or a time ago: `90d`, `24h`, `30m`.
pub(crate) fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let wrong = || {
        Problem::invalid(
            "bad-time",
            format!("`{text}` is no time: write 2026-08-01T00:00:00Z, 2026-08-01, or 30m, 24h, 7d for a time ago"),
        )
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return day.to_zoned(jiff::tz::TimeZone::UTC).map(|day| day.timestamp()).map_err(|_| wrong());
    }
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let number = text.strip_suffix(unit).and_then(|n| n.parse::<u32>().ok()).ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return Err(wrong()),
    };
    now.checked_sub(SignedDuration::from_secs(i64::from(number) * seconds)).map_err(|_| wrong())
}

fn state(text: &str) -> Result<State, Problem> {
    let wrong = || {
        Problem::invalid("bad-state", format!("`{text}` is no state; use available, quarantined, hidden or deleted"))
    };
    State::parse(&text.to_lowercase()).ok_or_else(wrong)
}

/// The filter of a query string. Names may be repeated where they are lists, also as `package_format[]`.
///
/// # Errors
/// `Invalid`, naming what is wrong; unknown names too, since a filter that is not understood would show too much.
pub(crate) fn filter(query: &str, now: Timestamp) -> Result<EntryFilter, Problem> {
    let mut filter = EntryFilter { page_size: PAGE, ..EntryFilter::default() };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if value.is_empty() {
            continue;
        }
        let text = || Some(value.clone().into_owned());
        match name.as_ref() {
            "created_after" | "started_after" | "since" => filter.created_after = Some(moment(&value, now)?),
            "created_before" | "started_before" | "until" => filter.created_before = Some(moment(&value, now)?),
            "match" => filter.matched = Some(flag(&value)?),
            "package_format" | "package_format[]" => filter.formats.extend(value.split(',').map(str::to_owned)),
            "package_name" => filter.package_name = text(),
            "package" | "package_slug_perm" => filter.package = Some(PackageId(number("package", &value)?)),
            "policy" | "policy_slug_perm" => filter.policy = text(),
            "repository" | "repository_slug_perm" => filter.repository = text(),
            "correlation_id" => filter.correlation_id = text(),
            "state" => filter.state = Some(state(&value)?),
            "trigger" => filter.trigger = text(),
            "sort" => filter.newest_first = sort(&value)?,
            "page" | "cursor" => filter.cursor = text().filter(|page| page != "1"),
            "page_size" => filter.page_size = usize::try_from(number("page_size", &value)?).unwrap_or(PAGE),
            "format" | "follow" | "wait" => {}
            other => {
                return Err(Problem::invalid(
                    "bad-query",
                    format!(
                        "there is no filter `{other}`; known are created_after, created_before, match, package_format, package_name, \
                         package, policy, repository, correlation_id, state, trigger, sort, page, page_size, follow, wait"
                    ),
                ));
            }
        }
    }
    Ok(filter)
}

fn flag(text: &str) -> Result<bool, Problem> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(Problem::invalid("bad-query", "`match` must be true or false")),
    }
}

fn sort(text: &str) -> Result<bool, Problem> {
    match text {
        "-id" => Ok(true),
        "id" => Ok(false),
        _ => Err(Problem::invalid("bad-query", "`sort` must be id or -id")),
    }
}

fn number(name: &str, text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::invalid("bad-query", format!("`{name}` must be a number")))
}

fn value_of(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.into_owned())
}

/// A page of the log; with `format=ndjson` one entry per line, and where to go on in a header. With `follow`, what is
/// decided after that event, as soon as there is something or when `wait` seconds are over.
pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let query = call.query.clone().unwrap_or_default();
    let mut filter = filter(&query, Timestamp::now())?;
    let lines = url::form_urlencoded::parse(query.as_bytes()).any(|(n, v)| n == "format" && v == "ndjson");
    if !query.contains("sort=") {
        filter.newest_first = !lines;
    }
    let page = match value_of(&query, "follow") {
        None => app.engine.decision_entries(&call.caller, filter).await?,
        Some(after) => {
            let after = if after == "now" { None } else { Some(number("follow", &after)?) };
            let wait = value_of(&query, "wait").map_or(Ok(0), |text| number("wait", &text))?;
            let wait = Duration::from_secs(u64::try_from(wait).unwrap_or(0));
            app.engine.follow_decisions(&call.caller, filter, after, wait).await?
        }
    };
    if !lines {
        return ok(&page);
    }
    let mut text = String::new();
    for entry in &page.entries {
        text.push_str(&serde_json::to_string(entry).map_err(|e| Problem::internal("cannot write JSON", e))?);
        text.push('\n');
    }
    let mut reply: Reply = plain(StatusCode::OK, "application/x-ndjson", text);
    if let Some(next) = &page.next {
        crate::http::answer::insert(reply.headers_mut(), "x-assay-next-page", next);
    }
    if let Some(seen) = page.seen {
        crate::http::answer::insert(reply.headers_mut(), "x-assay-seen", &seen.to_string());
    }
    Ok(reply)
}

/// An entry with everything behind it; for the id of a decision, that decision as it is recorded. `fields` names those that
/// are wanted.
pub(crate) async fn show(app: Arc<App>, call: Call) -> Answer {
    let id = call.param("id");
    let fields = call.query.as_deref().and_then(|query| value_of(query, "fields"));
    let whole = match id.contains('-') {
        true => json!(app.engine.decision_entry(&call.caller, id).await?),
        false => json!(app.engine.decision(&call.caller, id).await?),
    };
    let Some(fields) = fields else { return ok(&whole) };
    let mut some = serde_json::Map::new();
    for field in fields.split(',').map(str::trim).filter(|field| !field.is_empty()) {
        let value = whole.get(field);
        let wrong = || Problem::invalid("bad-query", format!("a decision has no field `{field}`"));
        some.insert(field.to_owned(), value.ok_or_else(wrong)?.clone());
    }
    ok(&some)
}

/// The document that a decision was a function of.
pub(crate) async fn input(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.decision_input(&call.caller, call.param("id")).await?)
}

/// Recomputes decisions.
pub(crate) async fn replay(app: Arc<App>, mut call: Call) -> Answer {
    let scope: ReplayScope = call.json().await?;
    ok(&app.engine.replay(&call.caller, scope).await?)
}

#[derive(serde::Deserialize)]
struct Since {
    since: Option<String>,
}

/// Why a package is in its state, and why that is not as it was.
pub(crate) async fn explain(app: Arc<App>, call: Call) -> Answer {
    let asked: Since = call.query()?;
    let since = moment(asked.since.as_deref().filter(|s| !s.is_empty()).unwrap_or("1d"), Timestamp::now())?;
    let id = PackageId(number("id", call.param("id"))?);
    let told = app.engine.explain(&call.caller, id, since).await?;
    ok(&json!(told))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn times_are_moments_days_or_spans() {
        let now: Timestamp = "2026-08-16T12:00:00Z".parse().unwrap();
        let at = |text: &str| moment(text, now).unwrap().to_string();
        assert_eq!(at("2026-08-01T00:00:00Z"), "2026-08-01T00:00:00Z");
        assert_eq!(at("2026-08-01"), "2026-08-01T00:00:00Z");
        assert_eq!(
            (at("1d"), at("30m"), at("0s")),
            ("2026-08-15T12:00:00Z".into(), "2026-08-16T11:30:00Z".into(), now.to_string())
        );
        for wrong in ["", "d", "5", "yesterday", "-1d", "1é", "99999999999d"] {
            assert!(moment(wrong, now).is_err(), "{wrong}");
        }
    }

    #[test]
    fn filters_go_by_either_name_and_unknown_ones_are_refused() {
        let now = Timestamp::UNIX_EPOCH;
        let read = filter(
            "package_format[]=python&package_format=npm,oci&match=true&sort=-id&page_size=7&package=12&state=QUARANTINED",
            now,
        );
        let read = read.unwrap();
        assert_eq!(read.formats, ["python", "npm", "oci"]);
        assert_eq!((read.matched, read.newest_first, read.page_size), (Some(true), true, 7));
        assert_eq!((read.package, read.state), (Some(PackageId(12)), Some(State::Quarantined)));
        for wrong in ["sorted=id", "match=maybe", "sort=name", "page_size=many", "state=gone", "created_after=soon"] {
            assert!(filter(wrong, now).is_err(), "{wrong}");
        }
    }
}
