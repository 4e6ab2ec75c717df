//! What uploaders of Dependency-Track call, beside our own API: a bill of materials of something stored elsewhere becomes a
//! package of the format that has such documents, in the repository that `dependency_track.repository` names. Nothing here
//! stores anything itself: documents go through that format and its desk like any other upload.

mod project;
mod ticket;
mod upload;

pub(in crate::http) use project::{create, findings, list, lookup, show, violations};
pub(in crate::http) use upload::{post, processing, put};

use super::{
    super::answer::{self, json_reply, plain},
    Answer, App, Call,
};
use assay_model::problem::{Kind, Problem};
use http::StatusCode;
use serde_json::json;
use std::sync::Arc;

/// The version of the protocol that is spoken here; uploaders compare it with what they need.
const PROTOCOL: &str = "4.12.0";

/// Problems as these clients read them: a bad document as problem details (RFC 9457), what is missing as a line of text.
fn worded(outcome: Answer) -> Answer {
    let problem = match outcome {
        Err(problem) => problem,
        reply => return reply,
    };
    match problem.kind {
        Kind::Invalid | Kind::TooLarge => {
            answer::note(&problem);
            let status = answer::status_of(problem.kind);
            let title =
                if problem.code == "bad-bom" { "The uploaded BOM is invalid" } else { "The request is invalid" };
            let body = json!({
                "status": status.as_u16(), "title": title, "detail": problem.message, "errors": [problem.message],
            });
            let mut reply = json_reply(status, &body);
            answer::insert(reply.headers_mut(), "content-type", "application/problem+json");
            Ok(reply)
        }
        Kind::NotFound => Ok(plain(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", problem.message)),
        _ => Err(problem),
    }
}

fn no_project() -> Problem {
    Problem::not_found("The project could not be found.")
}

pub(in crate::http) async fn version(app: Arc<App>, _: Call) -> Answer {
    super::ok(&json!({
        "application": "Assay", "version": PROTOCOL, "timestamp": "2026-01-01T00:00:00Z", "systemUuid": app.workspace,
        "framework": {"name": "Assay", "version": env!("CARGO_PKG_VERSION")},
    }))
}
