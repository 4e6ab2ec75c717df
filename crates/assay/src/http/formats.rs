//! Requests of package clients: from path and headers to a format's request, from its reply through the gate to bytes.

use super::{
    App,
    answer::{self, Asked, Reply, insert},
    auth, drain, pages, range,
};
use assay_engine::{Denied, Desk};
use assay_model::{
    access::Caller,
    problem::{Kind, Problem},
    seam::{
        ByteStream,
        format::{self, Challenge, Format, Repo as _},
    },
};
use axum::body::Body;
use http::{Method, Request, StatusCode};
use std::sync::Arc;

/// The format that serves this path, with what comes after its prefix.
pub(super) fn find<'p>(app: &App, path: &'p str) -> Option<(&'static dyn Format, &'p str)> {
    let rest = path.strip_prefix('/')?;
    let (prefix, rest) = rest.split_once('/').unwrap_or((rest, ""));
    app.engine.formats().iter().find(|f| f.spec().prefix == prefix).map(|f| (*f, rest))
}

pub(super) async fn handle(app: Arc<App>, format: &'static dyn Format, rest: &str, request: Request<Body>) -> Reply {
    let (parts, body) = request.into_parts();
    let asked = Asked::of(&parts.method, &parts.headers);
    // only a problem needs it once the format has the request
    let host = parts.headers.get(http::header::HOST).cloned();
    let base_url = |app: &App| app.base_url(host.as_ref());
    let login = match logged_in(&app, format, rest, &parts.method, body).await {
        Ok(login) => login,
        Err(problem) => return worded(format, &problem, &base_url(&app), parts.uri.path()),
    };
    let (caller, body) = match login {
        Login::Proved(caller, body) => (Some(caller), body),
        Login::NotAsked(body) => (None, drain::drained(&parts.headers, body)),
    };
    let arrived = format::Request {
        method: parts.method,
        path: String::new(),
        query: parts.uri.query().map(str::to_owned),
        body,
        headers: parts.headers,
        base_url: base_url(&app),
    };
    match route(&app, format, rest, arrived, &asked, caller).await {
        Ok(reply) => reply,
        Err(Denied::Problem(problem)) => worded(format, &problem, &base_url(&app), parts.uri.path()),
        Err(Denied::Refused(refusal)) => {
            let mut reply = answer::answer(format.refuse(&refusal));
            if let Some(decision) = &refusal.decision {
                insert(reply.headers_mut(), "x-assay-decision", &decision.0);
            }
            without_body(&asked.method, reply)
        }
    }
}

fn without_body(method: &Method, mut reply: Reply) -> Reply {
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
            Challenge::LoginUrl { scheme } => format!("{scheme} login_url=\"{base_url}/ui/\""),
        };
        insert(reply.headers_mut(), "www-authenticate", &challenge);
    }
    if let Some(seconds) = problem.retry_after {
        insert(reply.headers_mut(), "retry-after", &seconds.to_string());
    }
    reply
}

/// Bytes of a login request.
const LOGIN_BYTES: usize = 64 << 10;

/// Whether a request is a client's login, and if so whose.
enum Login {
    NotAsked(Body),
    Proved(Caller, ByteStream),
}

/// Checks the secret that a login request carries. No secret, or a wrong one, goes no further than this.
async fn logged_in(app: &App, format: &dyn Format, rest: &str, method: &Method, body: Body) -> Result<Login, Problem> {
    let (repository, path) = split(rest);
    let asked = names_repository(repository).then(|| format.login(method, path)).flatten();
    let Some(secret_in) = asked else { return Ok(Login::NotAsked(body)) };
    let bytes = axum::body::to_bytes(body, LOGIN_BYTES)
        .await
        .map_err(|_| Problem::new(Kind::TooLarge, "too-large", "the login request is too large, or broke off"))?;
    let secret = secret_in(&bytes).filter(|secret| !secret.is_empty()).ok_or_else(|| {
        Problem::new(Kind::Unauthenticated, "unauthenticated", "log in with any user name and a token as the password")
    })?;
    let caller = app.engine.identify(&secret).await?;
    Ok(Login::Proved(caller, Box::pin(futures_util::stream::once(async { Ok(bytes) }))))
}

fn split(rest: &str) -> (&str, &str) {
    rest.split_once('/').unwrap_or((rest, ""))
}

fn names_repository(name: &str) -> bool {
    !name.is_empty() && assay_model::repository::check_name(name).is_ok()
}

async fn route(
    app: &Arc<App>,
    format: &'static dyn Format,
    rest: &str,
    arrived: format::Request,
    asked: &Asked,
    proved: Option<Caller>,
) -> Result<Reply, Denied> {
    let reads = matches!(asked.method, Method::GET | Method::HEAD);
    let caller = match (proved, reads) {
        (Some(caller), _) => caller,
        (None, true) => pages::reader(app, &arrived.headers).await?,
        (None, false) => auth::caller(app, &arrived.headers).await?,
    };
    let (repository, path) = split(rest);
    if !names_repository(repository) {
        let lobby = app.engine.lobby(format, caller).await?;
        let reply = format.lobby(&lobby, format::Request { path: rest.to_owned(), ..arrived }).await?;
        return match reply {
            format::Reply::Document(document) => Ok(answer::document(asked, document)),
            format::Reply::Answer(given) => Ok(without_body(&asked.method, answer::answer(given))),
            format::Reply::File { .. } | format::Reply::Staged { .. } => {
                Err(Problem::bug("a lobby has no files").into())
            }
        };
    }
    let writer = (!reads).then(|| caller.clone());
    let desk = app.engine.desk(repository, format, caller).await?.for_signing(signs(&arrived.headers));
    let desk = desk.for_naming(asked.method == Method::HEAD);
    let mut reply = answered(app, format, &desk, format::Request { path: path.to_owned(), ..arrived }, asked).await?;
    if let Some(writer) = writer
        && let Some(warning) = app.engine.quota_warning(&writer, repository).await?
    {
        insert(reply.headers_mut(), "x-assay-warning", &warning);
    }
    Ok(reply)
}

/// Whether the client says that it is a tool that signs. It decides nothing by itself.
fn signs(headers: &http::HeaderMap) -> bool {
    const TOOLS: [&str; 2] = ["cosign/", "notation/"];
    let named = headers.get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    named.is_some_and(|agent| TOOLS.iter().any(|tool| agent.starts_with(tool)))
}

async fn answered(
    app: &Arc<App>,
    format: &'static dyn Format,
    desk: &Desk,
    request: format::Request,
    asked: &Asked,
) -> Result<Reply, Denied> {
    match format.handle(desk, request).await? {
        format::Reply::File { file, headers: more } => {
            let cleared = desk.clear(file).await?;
            let reply = range::send(app, asked, &cleared, more).await?;
            if asked.method == Method::GET && range::begins(&reply) {
                app.engine.count_download(&cleared, desk.caller());
            }
            Ok(reply)
        }
        format::Reply::Staged { digest, headers: more } => {
            let cleared = desk.clear_staged(&digest).await?;
            Ok(range::send(app, asked, &cleared, more).await?)
        }
        format::Reply::Document(document) => Ok(answer::document(asked, document)),
        format::Reply::Answer(given) => Ok(without_body(&asked.method, answer::answer(given))),
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
