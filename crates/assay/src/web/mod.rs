//! The web pages: server-rendered, read-only but for signing in and out and for trying policies, which changes nothing.
//! [`handle`] is the only entry.
//!
//! Each page is two steps: *gather* asks the engine, as the caller, and a pure *view* turns the answer into text. Does not
//! live here: HTTP itself, identifying the caller, and any right to see something; those are the edge's and the engine's.

mod access;
mod assets;
mod channels;
mod dashboard;
mod decisions;
mod feeds;
mod frame;
mod log;
mod overview;
mod package;
mod packages;
mod pieces;
mod policies;
mod query;
mod reply;
mod repository;
mod session;
mod simulations;
#[cfg(test)]
mod tests;
mod vex;
mod waivers;

use assay_engine::Engine;
use assay_model::{
    access::Caller,
    problem::{Kind, Problem},
};
use bytes::Bytes;
use http::{HeaderMap, Method};
use std::sync::Arc;

pub use session::SESSION_COOKIE;

/// A request for a page.
pub struct WebRequest {
    /// Method.
    pub method: Method,
    /// Path after `/ui`, beginning with `/`.
    pub path: String,
    /// Raw query string.
    pub query: Option<String>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body: small forms only.
    pub body: Bytes,
    /// Who asks, from `Authorization` or the session cookie.
    pub caller: Caller,
    /// Scheme and authority under which the client reached us, without a trailing slash.
    pub base_url: String,
}

impl WebRequest {
    /// The address of this page on this server, with its query.
    fn here(&self) -> String {
        match &self.query {
            Some(query) => format!("/ui{}?{query}", self.path),
            None => format!("/ui{}", self.path),
        }
    }

    /// The authority of the base address.
    fn host(&self) -> &str {
        self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, host)| host)
    }
}

/// What is sent back.
#[derive(Clone, Debug)]
pub struct WebReply {
    /// HTTP status.
    pub status: u16,
    /// Headers, `Content-Type` among them.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Bytes,
}

type Outcome = Result<WebReply, Problem>;

/// Answers a request for a page. Never fails: problems become pages, and a caller who could see more with a token is sent
/// to sign in.
pub async fn handle(engine: &Arc<Engine>, request: WebRequest) -> WebReply {
    let path = request.path.clone();
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let outcome = match request.method {
        Method::GET | Method::HEAD => get(engine, &request, &segments).await,
        Method::POST => post(engine, &request, &segments).await,
        _ => Ok(reply::method_not_allowed(&request)),
    };
    outcome.unwrap_or_else(|problem| failed(&request, &problem))
}

async fn get(engine: &Arc<Engine>, request: &WebRequest, segments: &[&str]) -> Outcome {
    match segments {
        [] => dashboard::page(engine, request).await,
        ["static", name] => Ok(assets::serve(request, name)),
        ["login"] => session::form(request),
        ["session"] => Ok(session::probe(request)),
        ["repositories", name] => repository::page(engine, request, name).await,
        ["repositories", name, "retention"] => repository::retention_page(engine, request, name).await,
        ["packages"] => packages::page(engine, request).await,
        ["packages", "find"] => packages::find(engine, request).await,
        ["packages", id] => package::page(engine, request, id, package::Part::Whole).await,
        ["packages", id, "findings"] => package::page(engine, request, id, package::Part::Findings).await,
        ["packages", id, "inventory"] => package::page(engine, request, id, package::Part::Inventory).await,
        ["decisions"] => decisions::page(engine, request).await,
        ["decisions", id] => package::decision(engine, request, id).await,
        ["library"] => policies::library(engine, request).await,
        ["policies"] => policies::page(engine, request).await,
        ["policies", slug] => policies::one(engine, request, slug).await,
        ["policies", slug, "simulate"] => simulations::form(engine, request, slug).await,
        ["simulations"] => simulations::list(engine, request).await,
        ["simulations", id] => simulations::one(engine, request, id).await,
        ["waivers"] => waivers::page(engine, request).await,
        ["waivers", id] => waivers::one(engine, request, id).await,
        ["vex"] => vex::page(engine, request).await,
        ["vex", id] => vex::one(engine, request, id).await,
        ["channels"] => channels::page(engine, request).await,
        ["channels", name] => channels::one(engine, request, name).await,
        ["overrides"] => channels::overrides(engine, request).await,
        ["feeds"] => feeds::page(engine, request).await,
        ["log"] => log::page(engine, request).await,
        ["log", "verify"] => log::verify(engine, request).await,
        _ => Err(no_page()),
    }
}

async fn post(engine: &Arc<Engine>, request: &WebRequest, segments: &[&str]) -> Outcome {
    session::same_site(request)?;
    match segments {
        ["login"] => session::sign_in(engine, request).await,
        ["logout"] => Ok(session::sign_out(request)),
        ["channels", name, "deliveries", id, "redeliver"] => channels::redeliver(engine, request, name, id).await,
        ["channels", name, "redeliver"] => channels::redeliver_failed(engine, request, name).await,
        ["simulations"] => simulations::run(engine, request).await,
        _ => Err(no_page()),
    }
}

fn no_page() -> Problem {
    Problem::not_found("there is no page at this address")
}

/// Words a problem. Someone without a token is asked for one where that could help, and cannot tell what is hidden from
/// what does not exist.
fn failed(request: &WebRequest, problem: &Problem) -> WebReply {
    let anonymous = request.caller == Caller::Anonymous;
    let hidden = matches!(problem.kind, Kind::NotFound | Kind::Forbidden | Kind::Unauthenticated);
    if anonymous && hidden && access::has_private_pages(&request.path) && request.method != Method::POST {
        return reply::see_other(&session::login_address(&request.here()));
    }
    reply::problem(request, problem)
}
