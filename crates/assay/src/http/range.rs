//! Cleared bytes over HTTP: ranges, validators, HEAD (RFC 9110, sections 8.8, 13, 14).

use super::{
    App,
    answer::{self, Asked as Request, Reply, extend, insert, put},
};
use assay_engine::{Cleared, Opened};
use assay_model::problem::Problem;
use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use std::ops::Range;

/// What a `Range` header asks for, of `size` bytes.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<u64>),
    Unsatisfiable,
}

/// One range is served; several, and units other than bytes, are answered with the whole, as the RFC allows.
fn asked(header: Option<&str>, size: u64) -> Asked {
    let Some(spec) = header.and_then(|h| h.strip_prefix("bytes=")) else { return Asked::Whole };
    let Some((first, last)) = spec.trim().split_once('-').filter(|_| !spec.contains(',')) else { return Asked::Whole };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (number(first), number(last)) {
        // The RFC lets such a range be ignored or rejected; conformance with the distribution specification rejects it.
        (Some(from), Some(to)) if from > to => return Asked::Unsatisfiable,
        (Some(from), Some(to)) => from..to.saturating_add(1).min(size),
        (Some(from), None) if last.trim().is_empty() => from..size,
        (None, Some(suffix)) if first.trim().is_empty() => size.saturating_sub(suffix)..size,
        _ => return Asked::Whole,
    };
    if range.start >= range.end { Asked::Unsatisfiable } else { Asked::Part(range) }
}

/// HTTP-date (RFC 9110, section 5.6.7). Written out, because formatting by a pattern costs more than the rest of a header.
fn http_date(at: jiff::Timestamp) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let at = jiff::tz::Offset::UTC.to_datetime(at);
    let name = |names: &'static [&'static str], at: i8| usize::try_from(at).ok().and_then(|at| names.get(at).copied());
    let day = name(&DAYS, at.weekday().to_monday_zero_offset()).unwrap_or_default();
    let month = name(&MONTHS, at.month() - 1).unwrap_or_default();
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    format!("{day}, {:02} {month} {:04} {hour:02}:{minute:02}:{second:02} GMT", at.day(), at.year())
}

/// Whether a reply has the first bytes of a file: a download that goes on where another stopped is the same download.
pub(super) fn begins(reply: &Reply) -> bool {
    let range = reply.headers().get(header::CONTENT_RANGE).and_then(|v| v.to_str().ok());
    match reply.status() {
        StatusCode::OK => true,
        StatusCode::PARTIAL_CONTENT => range.is_some_and(|range| range.starts_with("bytes 0-")),
        _ => false,
    }
}

const DECISION: HeaderName = HeaderName::from_static("x-assay-decision");

pub(super) async fn send(
    app: &App,
    request: &Request,
    cleared: &Cleared,
    more: Vec<(&'static str, String)>,
) -> Result<Reply, Problem> {
    let etag = cleared.digest().map(|digest| format!("\"{digest}\""));
    let unchanged = etag.as_ref().is_some_and(|etag| request.has(etag));
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let if_range = request.if_range.as_ref().and_then(text);
    let range = request.range.as_ref().and_then(text);
    let range = range.filter(|_| if_range.is_none_or(|validator| etag.as_deref() == Some(&*validator)));
    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    out.reserve(more.len() + 9);
    if let Some(etag) = etag {
        put(out, header::ETAG, etag);
    }
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(at) = cleared.stored_at() {
        put(out, header::LAST_MODIFIED, http_date(at));
    }
    if let Some(decision) = cleared.decision() {
        put(out, DECISION, decision.0.clone());
    }
    extend(out, more);
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let part = match asked(range.as_deref(), cleared.size()) {
        Asked::Unsatisfiable => {
            let mut refused =
                answer::plain(StatusCode::RANGE_NOT_SATISFIABLE, "text/plain", "the range lies outside the file\n");
            insert(refused.headers_mut(), "content-range", &format!("bytes */{}", cleared.size()));
            return Ok(refused);
        }
        Asked::Whole => None,
        Asked::Part(part) => Some(part),
    };
    let length = part.as_ref().map_or(cleared.size(), |p| p.end - p.start);
    if let Ok(media_type) = HeaderValue::try_from(cleared.media_type()) {
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    }
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(part) = &part {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let shown = format!("bytes {}-{}/{}", part.start, part.end - 1, cleared.size());
        insert(response.headers_mut(), "content-range", &shown);
    }
    if request.method != Method::HEAD {
        *response.body_mut() = match app.engine.open(cleared, part).await? {
            Opened::Whole(bytes) => Body::from(bytes),
            Opened::Stream(stream) => Body::from_stream(stream),
        };
    }
    Ok(response)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_rfc() {
        for text in ["1994-11-06T08:49:37Z", "2024-02-29T23:59:59.9Z", "2026-01-01T00:00:00Z", "0999-12-31T12:00:00Z"] {
            let at: jiff::Timestamp = text.parse().unwrap();
            assert_eq!(http_date(at), at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
        }
        assert_eq!(http_date("1994-11-06T08:49:37Z".parse().unwrap()), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn ranges_follow_the_rfc() {
        assert_eq!(asked(None, 10), Asked::Whole);
        assert_eq!(asked(Some("bytes=0-3"), 10), Asked::Part(0..4));
        assert_eq!(asked(Some("bytes=4-"), 10), Asked::Part(4..10));
        assert_eq!(asked(Some("bytes=-3"), 10), Asked::Part(7..10));
        assert_eq!(asked(Some("bytes=-30"), 10), Asked::Part(0..10));
        assert_eq!(asked(Some("bytes=5-99"), 10), Asked::Part(5..10));
        assert_eq!(asked(Some("bytes=10-"), 10), Asked::Unsatisfiable);
        assert_eq!(asked(Some("bytes=-0"), 10), Asked::Unsatisfiable);
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Unsatisfiable);
        assert_eq!(asked(Some("bytes=5-3"), 10), Asked::Unsatisfiable);
        for whole in ["bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "bytes=", "bytes=--"] {
            assert_eq!(asked(Some(whole), 10), Asked::Whole, "{whole}");
        }
    }
}
