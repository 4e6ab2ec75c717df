//! Signing in and out. The session is the token itself in a cookie that scripts cannot read and other sites cannot send.

use super::{
    Outcome, WebReply, WebRequest,
    frame::Frame,
    query::{Query, address},
    reply,
};
use askama::Template;
use assay_engine::Engine;
use assay_model::{
    access::Caller,
    problem::{Kind, Problem},
};
use http::{HeaderMap, header};
use std::sync::Arc;

/// Name of the cookie; its value is the API token.
pub const SESSION_COOKIE: &str = "assay_session";

const HOME: &str = "/ui/";

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    frame: Frame,
    next: &'a str,
    error: Option<&'a str>,
}

/// The address of the form, coming back to `next` afterwards.
pub(super) fn login_address(next: &str) -> String {
    address("/ui/login", &[("next", Some(local(next)).filter(|n| *n != HOME))])
}

/// Only pages of this server: a link to the form must not be a way to send people elsewhere.
pub(super) fn local(next: &str) -> &str {
    let rest = next.strip_prefix("/ui");
    let ours = rest.is_some_and(|r| r.is_empty() || r.starts_with('/') || r.starts_with('?'));
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let signing = rest.is_some_and(|r| r.starts_with("/login") || r.starts_with("/logout"));
    if ours && plain && !signing && !next.contains("//") { next } else { HOME }
}

/// The form.
///
/// # Errors
/// When the query is too large.
pub(super) fn form(request: &WebRequest) -> Outcome {
    let query = Query::parse(request.query.as_deref().unwrap_or_default().as_bytes())?;
    form_page(request, 200, local(query.get("next").unwrap_or(HOME)), None)
}

fn form_page(request: &WebRequest, status: u16, next: &str, error: Option<&str>) -> Outcome {
    reply::html(status, &LoginPage { frame: Frame::of(request, "Sign in", "login"), next, error })
}

/// Whether the browser is signed in. A link from another site arrives without the cookie; a script on the form asks
/// again from here, where the cookie is sent.
pub(super) fn probe(request: &WebRequest) -> WebReply {
    reply::plain(200, if request.caller == Caller::Anonymous { "anonymous" } else { "signed in" })
}

/// Checks the token and sets the cookie.
///
/// # Errors
/// From the store; a wrong token is a page.
pub(super) async fn sign_in(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let form = Query::parse(&request.body)?;
    let next = local(form.get("next").unwrap_or(HOME));
    let Some(token) = form.get("token") else {
        return form_page(request, 400, next, Some("enter a token"));
    };
    if !token.bytes().all(fits_a_cookie) {
        let message = "a browser cannot keep this token: it has spaces or other special characters; make another one";
        return form_page(request, 400, next, Some(message));
    }
    match engine.identify(token).await {
        Ok(_) => {
            let mut reply = reply::see_other(next);
            reply.headers.push(("set-cookie", cookie(token, request, "")));
            Ok(reply)
        }
        Err(problem) if problem.kind == Kind::Unauthenticated => form_page(request, 401, next, Some(&problem.message)),
        Err(problem) => Err(problem),
    }
}

/// Takes the cookie back.
pub(super) fn sign_out(request: &WebRequest) -> WebReply {
    let mut reply = reply::see_other("/ui/login");
    reply.headers.push(("set-cookie", cookie("", request, "; Max-Age=0")));
    reply
}

/// `cookie-octet` of RFC 6265, section 4.1.1.
fn fits_a_cookie(b: u8) -> bool {
    matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

fn cookie(value: &str, request: &WebRequest, more: &str) -> String {
    let secure = if request.base_url.starts_with("https:") { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}")
}

/// Refuses a form that another site sent. Browsers say where a form comes from (`Sec-Fetch-Site`, or `Origin` in older
/// ones); a client that says neither is not a browser and has no cookie to abuse.
///
/// # Errors
/// `Forbidden`.
pub(super) fn same_site(request: &WebRequest) -> Result<(), Problem> {
    let ours = match (text(&request.headers, "sec-fetch-site"), text(&request.headers, "origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            let asked = text(&request.headers, header::HOST.as_str());
            host.is_some_and(|h| {
                h.eq_ignore_ascii_case(request.host()) || asked.is_some_and(|a| a.eq_ignore_ascii_case(h))
            })
        }
        (None, None) => true,
    };
    if ours {
        return Ok(());
    }
    Err(Problem::new(
        Kind::Forbidden,
        "cross-site",
        "this form was sent from another site; open the page here and try again",
    ))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::tests::request;

    #[test]
    fn only_pages_of_this_server_follow_a_sign_in() {
        for good in ["/ui/", "/ui", "/ui/packages/12?q=a%20b", "/ui?x=1"] {
            assert_eq!(local(good), good);
        }
        for bad in [
            "https://elsewhere.example/",
            "//elsewhere.example/ui/",
            "/ui//elsewhere.example",
            "/ui/\\elsewhere.example",
            "/uix",
            "/ui/a\r\nset-cookie: x",
            "/ui/login?next=/ui/login",
            "",
        ] {
            assert_eq!(local(bad), HOME, "{bad}");
        }
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        let sent = |headers: &[(&'static str, &'static str)]| {
            let mut request = request("/login");
            for (name, value) in headers {
                request.headers.insert(*name, http::HeaderValue::from_static(value));
            }
            same_site(&request).is_ok()
        };
        assert!(sent(&[]));
        assert!(sent(&[("sec-fetch-site", "same-origin")]));
        assert!(sent(&[("origin", "http://assay.test:8080")]));
        assert!(sent(&[("origin", "https://proxied.test"), ("host", "proxied.test")]));
        assert!(!sent(&[("sec-fetch-site", "cross-site")]));
        assert!(!sent(&[("sec-fetch-site", "same-site")]));
        assert!(!sent(&[("origin", "http://elsewhere.example")]));
        assert!(!sent(&[("origin", "null")]));
        assert!(!sent(&[("sec-fetch-site", "cross-site"), ("origin", "http://assay.test:8080")]));
    }

    #[test]
    fn the_cookie_is_out_of_reach_for_scripts_and_other_sites() {
        let mut request = request("/login");
        assert_eq!(cookie("t", &request, ""), "assay_session=t; Path=/; HttpOnly; SameSite=Strict");
        request.base_url = "https://assay.test".into();
        assert_eq!(
            cookie("", &request, "; Max-Age=0"),
            "assay_session=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0"
        );
        assert!("assay_0a1b_c2d3".bytes().all(fits_a_cookie));
        assert!(!"a;b".bytes().all(fits_a_cookie));
    }
}
