//! Responses: problems to status codes, documents with validators, answers of formats.

use assay_model::{
    digest::Digest,
    problem::{Kind, Problem},
    seam::format::{Answer, Document},
};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde_json::json;

pub(super) type Reply = Response<Body>;

/// The one place where kinds become status codes.
pub(super) fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Range => StatusCode::RANGE_NOT_SATISFIABLE,
        Kind::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Upstream => StatusCode::BAD_GATEWAY,
        Kind::Unsupported => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Logs what only we can mend; everything else is the client's to read.
pub(super) fn note(problem: &Problem) {
    if problem.kind == Kind::Internal {
        let cause = std::error::Error::source(problem).map(ToString::to_string);
        tracing::error!(%problem, cause, "a request failed");
    }
}

pub(super) fn plain(status: StatusCode, media_type: &str, body: impl Into<Bytes>) -> Reply {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    insert(response.headers_mut(), "content-type", media_type);
    response
}

pub(super) fn json_reply(status: StatusCode, value: &impl serde::Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => plain(status, "application/json", body),
        Err(e) => problem(&Problem::internal("cannot write JSON", e)),
    }
}

/// A problem in the API's own dialect.
pub(super) fn problem(problem: &Problem) -> Reply {
    note(problem);
    let body = json!({"error": {"code": problem.code, "message": problem.message}});
    let mut response = json_reply(status_of(problem.kind), &body);
    if let Some(seconds) = problem.retry_after {
        insert(response.headers_mut(), "retry-after", &seconds.to_string());
    }
    if problem.kind == Kind::Unauthenticated {
        insert(response.headers_mut(), "www-authenticate", "Basic realm=\"assay\"");
    }
    response
}

/// Header values that are not valid are left out rather than sent broken.
pub(super) fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

/// A format's answer, with the reason phrase where the client prints it.
pub(super) fn answer(answer: Answer) -> Reply {
    let length = answer.body.len();
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !answer.media_type.is_empty() {
        insert(response.headers_mut(), "content-type", answer.media_type);
    }
    if length == 0 && answer.status != 204 {
        insert(response.headers_mut(), "content-length", "0");
    }
    for (name, value) in answer.headers {
        insert(response.headers_mut(), name, &value);
    }
    if let Some(phrase) = answer.reason.and_then(|r| hyper::ext::ReasonPhrase::try_from(r.into_bytes()).ok()) {
        response.extensions_mut().insert(phrase);
    }
    response
}

/// A rendered document: strong ETag, `If-None-Match`, HEAD.
pub(super) fn document(method: &Method, headers: &HeaderMap, document: Document) -> Reply {
    let given = document.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("etag"));
    let etag = match given {
        Some((_, etag)) => etag.clone(),
        None => format!("\"{}\"", Digest::of(&document.body).hex().get(..32).unwrap_or_default()),
    };
    let mut response = Response::new(Body::empty());
    insert(response.headers_mut(), "etag", &etag);
    for (name, value) in &document.headers {
        insert(response.headers_mut(), name, value);
    }
    if !response.headers().contains_key(header::CACHE_CONTROL) {
        insert(response.headers_mut(), "cache-control", "no-cache");
    }
    if matches_any(headers, &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    insert(response.headers_mut(), "content-type", &document.media_type);
    insert(response.headers_mut(), "content-length", &document.body.len().to_string());
    if method != Method::HEAD {
        *response.body_mut() = Body::from(document.body);
    }
    response
}

/// Whether `If-None-Match` names this validator (RFC 9110, section 13.1.2).
pub(super) fn matches_any(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .any(|list| list.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag))
}
