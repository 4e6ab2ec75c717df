//! Requests of package clients: from path and headers to a format's request, from its reply through the gate to bytes.

use super::{
    App,
    answer::{self, Reply, insert},
    auth, pages, range,
};
use assay_engine::Denied;
use assay_model::{
    problem::{Kind, Problem},
    seam::format::{self, Challenge, Format},
};
use axum::body::Body;
use futures_util::TryStreamExt;
use http::{HeaderMap, Method, Request, StatusCode};
use std::sync::Arc;

/// The format that serves this path, with what comes after its prefix.
pub(super) fn find<'p>(app: &App, path: &'p str) -> Option<(&'static dyn Format, &'p str)> {
    let rest = path.strip_prefix('/')?;
    let (prefix, rest) = rest.split_once('/').unwrap_or((rest, ""));
    app.engine.formats().iter().find(|f| f.spec().prefix == prefix).map(|f| (*f, rest))
}

pub(super) async fn handle(app: Arc<App>, format: &'static dyn Format, rest: &str, request: Request<Body>) -> Reply {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let uri = request.uri().clone();
    let base_url = app.base_url(&headers);
    match route(&app, format, rest, request, (&method, &headers, &base_url)).await {
        Ok(reply) => reply,
        Err(Denied::Problem(problem)) => worded(format, &problem, &base_url, uri.path()),
        Err(Denied::Refused(refusal)) => {
            let mut reply = answer::answer(format.refuse(&refusal));
            if let Some(decision) = &refusal.decision {
                insert(reply.headers_mut(), "x-assay-decision", &decision.0);
            }
            without_body(&method, reply, &headers)
        }
    }
}

fn without_body(method: &Method, mut reply: Reply, _headers: &HeaderMap) -> Reply {
    if method == Method::HEAD {
        *reply.body_mut() = Body::empty();
    }
    reply
}

/// A problem in the client's dialect, with the challenge its clients understand.
fn worded(format: &dyn Format, problem: &Problem, base_url: &str, path: &str) -> Reply {
    answer::note(problem);
    let mut reply = answer::answer(format.problem(problem));
    if problem.kind == Kind::Unauthenticated {
        let challenge = match format.spec().challenge {
            Challenge::Basic => "Basic realm=\"assay\"".to_owned(),
            Challenge::Bearer => auth::bearer_challenge(base_url, path),
        };
        insert(reply.headers_mut(), "www-authenticate", &challenge);
    }
    if let Some(seconds) = problem.retry_after {
        insert(reply.headers_mut(), "retry-after", &seconds.to_string());
    }
    reply
}

async fn route(
    app: &Arc<App>,
    format: &'static dyn Format,
    rest: &str,
    request: Request<Body>,
    (method, headers, base_url): (&Method, &HeaderMap, &str),
) -> Result<Reply, Denied> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let caller = match reads {
        true => pages::reader(app, headers).await?,
        false => auth::caller(app, headers).await?,
    };
    let (repository, path) = rest.split_once('/').unwrap_or((rest, ""));
    let names_repository = !repository.is_empty() && assay_model::repository::check_name(repository).is_ok();
    if !names_repository {
        let lobby = app.engine.lobby(format, caller).await?;
        let reply = format.lobby(&lobby, translate(request, rest, base_url)).await?;
        return match reply {
            format::Reply::Document(document) => Ok(answer::document(method, headers, document)),
            format::Reply::Answer(given) => Ok(without_body(method, answer::answer(given), headers)),
            format::Reply::File { .. } | format::Reply::Staged { .. } => {
                Err(Problem::bug("a lobby has no files").into())
            }
        };
    }
    let desk = app.engine.desk(repository, format, caller).await?;
    match format.handle(&desk, translate(request, path, base_url)).await? {
        format::Reply::File { file, headers: more } => {
            let cleared = desk.clear(file).await?;
            Ok(range::send(app, method, headers, &cleared, more).await?)
        }
        format::Reply::Staged { digest, headers: more } => {
            let cleared = desk.clear_staged(&digest).await?;
            Ok(range::send(app, method, headers, &cleared, more).await?)
        }
        format::Reply::Document(document) => Ok(answer::document(method, headers, document)),
        format::Reply::Answer(given) => Ok(without_body(method, answer::answer(given), headers)),
    }
}

fn translate(request: Request<Body>, path: &str, base_url: &str) -> format::Request {
    let (parts, body) = request.into_parts();
    format::Request {
        method: parts.method,
        path: path.to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body: Box::pin(body.into_data_stream().map_err(std::io::Error::other)),
        base_url: base_url.to_owned(),
    }
}

/// What an unknown path is told.
pub(super) fn unknown(app: &App) -> Reply {
    let prefixes: Vec<String> = app.engine.formats().iter().map(|f| format!("/{}/", f.spec().prefix)).collect();
    let text = format!(
        "nothing is served here; packages are under {}, pages under /ui/, the API under /api/v1/\n",
        prefixes.join(" ")
    );
    answer::plain(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", text)
}
