//! Cleared bytes over HTTP: ranges, validators, HEAD (RFC 9110, sections 8.8, 13, 14).

use super::{
    App,
    answer::{self, Reply, insert, matches_any},
};
use assay_engine::{Cleared, Opened};
use assay_model::problem::Problem;
use axum::body::Body;
use http::{HeaderMap, Method, Response, StatusCode, header};
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

/// HTTP-date (RFC 9110, section 5.6.7).
fn http_date(at: jiff::Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
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

pub(super) async fn send(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
    cleared: &Cleared,
    more: Vec<(&'static str, String)>,
) -> Result<Reply, Problem> {
    let etag = cleared.digest().map(|digest| format!("\"{digest}\""));
    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    if let Some(etag) = &etag {
        insert(out, "etag", etag);
    }
    insert(out, "accept-ranges", "bytes");
    insert(out, "cache-control", "private, no-cache");
    insert(out, "x-content-type-options", "nosniff");
    if let Some(at) = cleared.stored_at() {
        insert(out, "last-modified", &http_date(at));
    }
    if let Some(decision) = cleared.decision() {
        insert(out, "x-assay-decision", &decision.0);
    }
    for (name, value) in more {
        insert(out, name, &value);
    }
    if etag.as_ref().is_some_and(|etag| matches_any(headers, etag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let if_range = headers.get(header::IF_RANGE).and_then(|v| v.to_str().ok());
    let range = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
    let range = range.filter(|_| if_range.is_none_or(|validator| etag.as_deref() == Some(validator)));
    let part = match asked(range, cleared.size()) {
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
    insert(response.headers_mut(), "content-type", cleared.media_type());
    insert(response.headers_mut(), "content-length", &length.to_string());
    if let Some(part) = &part {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let shown = format!("bytes {}-{}/{}", part.start, part.end - 1, cleared.size());
        insert(response.headers_mut(), "content-range", &shown);
    }
    if method != Method::HEAD {
        *response.body_mut() = match app.engine.open(cleared, part).await? {
            Opened::Whole(bytes) => Body::from(bytes),
            Opened::Stream(stream) => Body::from_stream(stream),
        };
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

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
