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
        Kind::Full => StatusCode::INSUFFICIENT_STORAGE,
        Kind::Upstream => StatusCode::BAD_GATEWAY,
        Kind::Unsupported => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Logs what only we can mend; everything else is the client's to read.
pub(super) fn note(problem: &Problem) {
    if problem.is_ours() {
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

/// What a request says about the form of its answer; the rest of it goes to the format.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) range: Option<HeaderValue>,
    pub(super) if_range: Option<HeaderValue>,
    if_none_match: Vec<HeaderValue>,
}

impl Asked {
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Self {
        Self {
            method: method.clone(),
            range: headers.get(header::RANGE).cloned(),
            if_range: headers.get(header::IF_RANGE).cloned(),
            if_none_match: headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect(),
        }
    }

    /// Whether `If-None-Match` names this validator (RFC 9110, section 13.1.2).
    pub(super) fn has(&self, etag: &str) -> bool {
        self.if_none_match
            .iter()
            .filter_map(|v| v.to_str().ok())
            .any(|list| list.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag))
    }
}

/// A header whose text is made for it: the text is not copied.
pub(super) fn put(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// The headers that a format adds.
pub(super) fn extend(headers: &mut HeaderMap, more: Vec<(&'static str, String)>) {
    for (name, value) in more {
        if let Ok(name) = HeaderName::try_from(name) {
            put(headers, name, value);
        }
    }
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
    extend(response.headers_mut(), answer.headers);
    if let Some(phrase) = answer.reason.and_then(|r| hyper::ext::ReasonPhrase::try_from(r.into_bytes()).ok()) {
        response.extensions_mut().insert(phrase);
    }
    response
}

/// A rendered document: strong ETag, `If-None-Match`, HEAD.
pub(super) fn document(asked: &Asked, document: Document) -> Reply {
    let given = document.headers.iter().position(|(name, _)| name.eq_ignore_ascii_case("etag"));
    let made = || format!("\"{}\"", Digest::of(&document.body).hex().get(..32).unwrap_or_default());
    let mut headers = document.headers;
    let etag = given.map_or_else(made, |at| headers.swap_remove(at).1);
    let unchanged = asked.has(&etag);
    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    out.reserve(headers.len() + 6);
    put(out, header::ETAG, etag);
    extend(out, headers);
    out.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    put(out, header::CONTENT_TYPE, document.media_type);
    out.insert(header::CONTENT_LENGTH, HeaderValue::from(document.body.len()));
    if asked.method != Method::HEAD {
        *response.body_mut() = Body::from(document.body);
    }
    response
}
