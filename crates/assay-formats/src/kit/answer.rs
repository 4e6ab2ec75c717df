//! Short answers: which status a problem has, and bodies in JSON, plain text and problem details (RFC 9457).

use assay_model::{
    Kind, Problem,
    refusal::Refusal,
    seam::format::{Answer, Reply},
};
use bytes::Bytes;
use serde_json::{Value, json};

/// Longest reason phrase, in bytes; a refusal's sentence fits.
const REASON: usize = 600;

/// The HTTP status of a kind of problem, where a protocol has no other custom.
pub(crate) fn status(kind: Kind) -> u16 {
    match kind {
        Kind::Invalid => 400,
        Kind::TooLarge => 413,
        Kind::NotFound => 404,
        Kind::Conflict => 409,
        Kind::Unauthenticated => 401,
        Kind::Forbidden => 403,
        Kind::Range => 416,
        Kind::Busy => 503,
        Kind::Full => 507,
        Kind::Upstream => 502,
        Kind::Unsupported => 405,
        Kind::Internal => 500,
    }
}

/// An HTTP/1.1 reason phrase: one line of printable ASCII.
pub(crate) fn reason(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).take(REASON).collect()
}

/// Headers that keep a browser from running what somebody uploaded.
pub(crate) fn inert() -> Vec<(&'static str, String)> {
    vec![("Content-Security-Policy", "sandbox".to_owned()), ("X-Content-Type-Options", "nosniff".to_owned())]
}

/// An answer without a body.
pub(crate) fn empty(status: u16, headers: Vec<(&'static str, String)>) -> Reply {
    Reply::Answer(Answer { status, headers, ..Answer::default() })
}

/// A permanent redirection within this server.
pub(crate) fn moved(location: String) -> Reply {
    empty(301, vec![("Location", location)])
}

/// "Method not allowed", in the words of a format.
pub(crate) fn not_allowed(words: fn(&Problem) -> Answer, allow: &str, hint: &str) -> Reply {
    let problem = Problem::new(Kind::Unsupported, "method-not-allowed", format!("method not allowed: {hint}"));
    let mut answer = words(&problem);
    answer.headers.push(("Allow", allow.to_owned()));
    Reply::Answer(answer)
}

/// A line of plain text.
pub(crate) fn text(status: u16, body: impl Into<String>) -> Answer {
    Answer { status, media_type: "text/plain; charset=utf-8", body: Bytes::from(body.into()), ..Answer::default() }
}

/// A JSON document as a short answer.
pub(crate) fn json(status: u16, media_type: &'static str, body: &Value) -> Answer {
    Answer { status, media_type, body: Bytes::from(format!("{body}\n")), ..Answer::default() }
}

/// `Retry-After`, where the problem says when.
pub(crate) fn retry_after(problem: &Problem) -> Vec<(&'static str, String)> {
    problem.retry_after.map(|seconds| ("Retry-After", seconds.to_string())).into_iter().collect()
}

/// Problem details of an error.
pub(crate) fn problem_json(status: u16, problem: &Problem) -> Answer {
    let body = json!({
        "type": "about:blank",
        "title": title(problem.kind),
        "status": status,
        "detail": problem.message,
        "code": problem.code,
    });
    Answer { headers: retry_after(problem), ..json(status, "application/problem+json", &body) }
}

/// Problem details of a refusal, with its parts for programs.
pub(crate) fn refusal_json(refusal: &Refusal) -> Answer {
    let mut body = refusal_parts(refusal);
    if let Value::Object(fields) = &mut body {
        fields.insert("type".into(), "about:blank".into());
        fields.insert("title".into(), "refused by policy".into());
        fields.insert("status".into(), 403.into());
        fields.insert("detail".into(), refusal.sentence().into());
    }
    json(403, "application/problem+json", &body)
}

/// The parts of a refusal, the same in every protocol that has room for them.
pub(crate) fn refusal_parts(refusal: &Refusal) -> Value {
    json!({
        "code": "refused-by-policy",
        "package": refusal.package,
        "state": refusal.state,
        "policies": refusal.policies,
        "reasons": refusal.reasons,
        "vulnerabilities": refusal.vulnerabilities,
        "nearest_allowed": refusal.nearest_allowed,
        "decision": refusal.decision,
        "link": refusal.link,
    })
}

fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "bad request",
        Kind::TooLarge => "too large",
        Kind::NotFound => "not found",
        Kind::Conflict => "conflict",
        Kind::Unauthenticated => "not signed in",
        Kind::Forbidden => "no permission",
        Kind::Range => "range not satisfiable",
        Kind::Busy => "try again later",
        Kind::Full => "storage full",
        Kind::Upstream => "upstream failed",
        Kind::Unsupported => "not supported",
        Kind::Internal => "server error",
    }
}
