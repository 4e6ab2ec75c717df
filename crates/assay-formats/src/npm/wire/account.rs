//! Who one is: logging in with a token as password, and clear answers where this registry has no such thing.

use super::{super::render, nothing_here, split, unsupported};
use crate::kit::body;
use assay_model::{
    Kind, Problem,
    access::{Caller, Permission},
    seam::{
        ByteStream,
        format::{Reply, Repo},
    },
};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const USER: &str = "org.couchdb.user:";

/// Bytes of a login.
const LOGIN: usize = 64 << 10;

#[derive(Deserialize)]
struct Credentials {
    password: String,
}

/// Whether this is the request of `npm login` and `yarn npm login`.
pub(in super::super) fn is_login(method: &Method, path: &str) -> bool {
    let parts = split(path).unwrap_or_default();
    let user = match parts.as_slice() {
        [dash, what, user] if dash == "-" && what == "user" => Some(user),
        [dash, what, user, rev, _] if dash == "-" && what == "user" && rev == "-rev" => Some(user),
        _ => None,
    };
    *method == Method::PUT && user.is_some_and(|user| user.starts_with(USER))
}

/// The password in a login's body.
pub(in super::super) fn password(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Credentials>(body).ok().map(|credentials| credentials.password)
}

fn say(status: u16, body: &Value) -> Result<Reply, Problem> {
    Ok(Reply::Answer(render::say(status, body)))
}

/// All that comes after `-/` and is about accounts.
pub(super) async fn answer(
    repo: &dyn Repo,
    service: &[&str],
    method: &Method,
    body: ByteStream,
) -> Result<Reply, Problem> {
    let reading = matches!(*method, Method::GET | Method::HEAD);
    match (service, method) {
        (["whoami"], _) if reading => say(200, &json!({ "username": user(repo)? })),
        (["user", user, ..], &Method::PUT) if user.starts_with(USER) => login(repo, user, body).await,
        (["user", user], _) if reading && user.starts_with(USER) => {
            Err(Problem::not_found("there are no users here; a token says what its bearer may do"))
        }
        // A login hands back the token that it was given: forgetting it on this machine is all that a logout means.
        (["user", "token", _], &Method::DELETE) => say(200, &json!({ "ok": true })),
        (["npm", "v1", "user"], _) if reading => profile(repo),
        (["npm", "v1", "user"], _) => {
            Err(unsupported("profiles cannot be changed here; tokens are made by an administrator"))
        }
        (["npm", "v1", "tokens", ..], _) => {
            user(repo)?;
            Err(unsupported("tokens are managed with `assay token`, not by the client"))
        }
        (
            ["package", _, "access" | "visibility" | "collaborators"] | ["org" | "team", ..] | ["user", _, "package"],
            _,
        ) => Err(unsupported("access is said by tokens and their permissions, not by the client")),
        _ if reading => Err(nothing_here(repo)),
        _ => Err(unsupported("this registry does not have that")),
    }
}

fn user(repo: &dyn Repo) -> Result<&str, Problem> {
    match repo.caller() {
        Caller::Anonymous => {
            Err(Problem::new(Kind::Unauthenticated, "unauthenticated", "authentication required: log in with a token"))
        }
        known => Ok(known.name()),
    }
}

/// The edge has proved the password of this request: [`password`] took it from the body.
async fn login(repo: &dyn Repo, said: &str, body: ByteStream) -> Result<Reply, Problem> {
    user(repo)?;
    let body = body::collect(body, LOGIN, "the login").await?;
    let token = password(&body).ok_or_else(|| Problem::invalid("bad-document", "the login has no password"))?;
    say(201, &json!({ "ok": true, "id": said, "rev": "1", "token": token }))
}

fn profile(repo: &dyn Repo) -> Result<Reply, Problem> {
    let name = user(repo)?;
    let (created, permission) = match repo.caller() {
        Caller::Token(token) => (Some(token.created_at.to_string()), token.permission),
        _ => (None, Permission::Admin),
    };
    say(
        200,
        &json!({
            "tfa": false,
            "name": name,
            "email": "",
            "email_verified": true,
            "fullname": format!("a token that allows `{}`", permission.as_str()),
            "created": created,
            "updated": created,
        }),
    )
}
