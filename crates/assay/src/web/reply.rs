//! Replies: pages, redirects and problems, each with the headers that keep a browser honest.

use super::{Outcome, WebReply, WebRequest, frame::Frame};
use askama::Template;
use assay_model::problem::{Kind, Problem};
use bytes::Bytes;

/// Nothing from elsewhere, nothing inline, no frames.
const POLICY: &str =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

fn headers(content_type: &str) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", content_type.to_owned()),
        ("content-security-policy", POLICY.to_owned()),
        ("cache-control", "no-store".to_owned()),
        ("referrer-policy", "same-origin".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("x-frame-options", "DENY".to_owned()),
    ]
}

/// A page.
///
/// # Errors
/// When the template fails, which only formatting can cause.
pub(super) fn html(status: u16, page: &impl Template) -> Outcome {
    let text = page.render().map_err(|e| Problem::internal("the page cannot be rendered", e))?;
    Ok(WebReply { status, headers: headers("text/html; charset=utf-8"), body: Bytes::from(text) })
}

/// A line of text.
pub(super) fn plain(status: u16, text: &str) -> WebReply {
    WebReply { status, headers: headers("text/plain; charset=utf-8"), body: Bytes::from(format!("{text}\n")) }
}

/// A redirect to a page of this server, with GET.
pub(super) fn see_other(address: &str) -> WebReply {
    let mut reply = WebReply { status: 303, headers: headers("text/plain; charset=utf-8"), body: Bytes::new() };
    reply.headers.push(("location", address.to_owned()));
    reply
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    status: u16,
    heading: &'static str,
    message: &'a str,
    hint: &'static str,
}

/// A problem as a page. What went wrong inside is for the log only.
pub(super) fn problem(request: &WebRequest, problem: &Problem) -> WebReply {
    let (status, heading, hint) = words(problem.kind);
    if problem.is_ours() {
        let cause = std::error::Error::source(problem).map(ToString::to_string);
        tracing::error!(path = request.path, cause, "a page failed: {problem}");
    }
    let message = match problem.kind {
        Kind::Internal => "something went wrong on the server; its log says what",
        _ => problem.message.as_str(),
    };
    let frame = Frame::of(request, heading, "");
    let page = ProblemPage { frame, status, heading, message, hint };
    let mut reply = html(status, &page).unwrap_or_else(|_| plain(status, message));
    if let Some(seconds) = problem.retry_after {
        reply.headers.push(("retry-after", seconds.to_string()));
    }
    reply
}

/// Neither GET nor POST.
pub(super) fn method_not_allowed(request: &WebRequest) -> WebReply {
    let told = Problem::new(Kind::Unsupported, "method-not-allowed", "pages answer to GET and POST only");
    let mut reply = problem(request, &told);
    reply.headers.push(("allow", "GET, HEAD, POST".to_owned()));
    reply
}

fn words(kind: Kind) -> (u16, &'static str, &'static str) {
    match kind {
        Kind::Invalid => (400, "This request does not make sense", "Check the address and the fields of the form."),
        Kind::TooLarge => (413, "Too large", ""),
        Kind::NotFound => (404, "Not found", "It may have been removed, or the address has a mistake in it."),
        Kind::Conflict => (409, "Conflict", ""),
        Kind::Unauthenticated => (401, "Sign in first", "This needs a token."),
        Kind::Forbidden => {
            (403, "Not permitted", "Sign in with another token, or ask an administrator for one that allows this.")
        }
        Kind::Range => (416, "Out of range", ""),
        Kind::Busy => (503, "Not ready yet", "Try again in a moment."),
        Kind::Full => (507, "The storage is full", "Nothing that was stored is lost. Tell an administrator."),
        Kind::Upstream => (502, "A remote service failed", "Try again in a moment."),
        Kind::Unsupported => (405, "Not supported", ""),
        Kind::Internal => (500, "Something went wrong", "Try again; if it stays like this, tell an administrator."),
    }
}
