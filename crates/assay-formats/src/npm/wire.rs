//! Requests: which address means what, and what is read. Publishing, editing, accounts, audits and searches have a file
//! each beside this one.

mod account;
mod audit;
mod edit;
mod publish;
mod search;

use super::{
    PREFIX,
    names::{self, Name},
    render::{self, Asked, Place, Shape},
};
use crate::kit::{
    accept, answer,
    path::{Query, decode},
};
use assay_model::{
    Kind, Problem,
    seam::{
        ByteStream,
        format::{Answer, Reply, Repo, Request},
    },
    view::PackageView,
};
use http::{HeaderMap, Method};
use serde_json::json;
use std::sync::Arc;

pub(super) use account::{is_login, password};

/// Parts of a path; no address has more.
const PARTS: usize = 12;

/// A request without its body.
struct Head {
    method: Method,
    query: Option<String>,
    headers: HeaderMap,
    base_url: String,
}

impl Head {
    fn reads(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }
}

pub(super) async fn handle(repo: &dyn Repo, request: Request) -> Result<Reply, Problem> {
    let parts = split(&request.path)?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let Request { method, path: _, query, headers, body, base_url } = request;
    let head = Head { method, query, headers, base_url };
    let reading = head.reads();
    match (parts.as_slice(), &head.method) {
        ([], _) if reading => Ok(Reply::Answer(render::say(200, &json!({ "db_name": repo.repository() })))),
        (["-", service @ ..], _) => services(repo, service, &head, body).await,
        ([name], _) if reading => packument(repo, name, &head).await,
        ([name], &Method::PUT) => publish::document(repo, &Name::parse(name)?, None, body).await,
        ([name, "-rev", revision], &Method::PUT) => {
            publish::document(repo, &Name::parse(name)?, Some(revision), body).await
        }
        ([name, "-rev", revision], &Method::DELETE) => edit::unpublish(repo, &Name::parse(name)?, revision).await,
        ([name, "-", .., file, "-rev", _], &Method::DELETE) => {
            edit::remove_archive(repo, &Name::parse(name)?, file).await
        }
        ([name, "-", .., file], _) if reading => archive(repo, name, file).await,
        ([name, what], _) if reading => manifest(repo, name, what, &head).await,
        _ if reading => Err(nothing_here(repo)),
        _ => Err(unsupported("this address does not take that; see the documentation of this format")),
    }
}

/// The parts of a path, decoded, with a scoped name as one part however its slash is written.
fn split(path: &str) -> Result<Vec<String>, Problem> {
    let mut parts = Vec::new();
    for part in path.trim_end_matches('/').split('/').filter(|_| !path.is_empty()).take(PARTS) {
        parts.push(decode(part)?.into_owned());
    }
    let at = match parts.as_slice() {
        [first, package, ..] if first == "-" && package == "package" => 2,
        _ => 0,
    };
    let scoped = parts.get(at).is_some_and(|part| part.starts_with('@') && !part.contains('/'));
    if scoped && parts.len() > at + 1 {
        let base = parts.remove(at + 1);
        if let Some(scope) = parts.get_mut(at) {
            *scope = format!("{scope}/{base}");
        }
    }
    Ok(parts)
}

async fn services(repo: &dyn Repo, service: &[&str], head: &Head, body: ByteStream) -> Result<Reply, Problem> {
    let reading = head.reads();
    match (service, &head.method) {
        (["ping"], _) if reading => Ok(Reply::Answer(render::say(200, &json!({})))),
        (["v1", "search"], _) if reading => search::search(repo, head.query.as_deref()).await,
        (["package", name, "dist-tags"], _) if reading => {
            let name = Name::parse(name)?;
            let view = view(repo, &name).await?;
            Ok(Reply::Document(render::tags(&view, &name)))
        }
        (["package", name, "dist-tags", tag], &Method::PUT | &Method::POST) => {
            edit::set_tag(repo, &Name::parse(name)?, tag, body).await
        }
        (["package", name, "dist-tags", tag], &Method::DELETE) => {
            edit::remove_tag(repo, &Name::parse(name)?, tag).await
        }
        (["npm", "v1", "attestations", what], _) if reading => attestations(repo, what).await,
        (["npm", "v1", "attestations", scope, base], _) if reading => {
            attestations(repo, &format!("{scope}/{base}")).await
        }
        (["npm", "v1", "security", "advisories", "bulk"], &Method::POST) => {
            audit::bulk(repo, &head.headers, body).await
        }
        (["npm", "v1", "security", "audits"] | ["npm", "v1", "security", "audits", "quick"], &Method::POST) => {
            audit::report(repo, &head.headers, body).await
        }
        _ => account::answer(repo, service, &head.method, body).await,
    }
}

fn nothing_here(repo: &dyn Repo) -> Problem {
    Problem::not_found(format!("there is nothing here; the registry is at /{PREFIX}/{}/", repo.repository()))
}

fn unsupported(message: impl Into<String>) -> Problem {
    Problem::new(Kind::Unsupported, "unsupported", message)
}

fn place<'a>(repo: &'a dyn Repo, head: &'a Head) -> Place<'a> {
    Place { base: &head.base_url, repository: repo.repository() }
}

async fn view(repo: &dyn Repo, name: &Name) -> Result<Arc<PackageView>, Problem> {
    repo.view(name.as_str()).await?.ok_or_else(|| no_package(repo, name.as_str()))
}

fn no_package(repo: &dyn Repo, name: &str) -> Problem {
    Problem::not_found(format!("there is no package `{}` in repository {}", names::shown(name), repo.repository()))
}

async fn packument(repo: &dyn Repo, name: &str, head: &Head) -> Result<Reply, Problem> {
    let name = Name::parse(name).map_err(|_| no_package(repo, name))?;
    let edits = Query::parse(head.query.as_deref()).get("write") == Some("true");
    let shape = match accept::choose(&head.headers, &[render::JSON, render::ABBREVIATED]) {
        _ if edits => Shape::Edited,
        Some(0) => Shape::Full,
        Some(_) => Shape::Abbreviated,
        None => {
            let message = format!("packuments are served as {} and {}\n", render::JSON, render::ABBREVIATED);
            let headers = vec![("Vary", "Accept".to_owned())];
            return Ok(Reply::Answer(Answer { headers, ..answer::text(406, message) }));
        }
    };
    let view = view(repo, &name).await?;
    let place = place(repo, head);
    // Archives have absolute addresses, so what is rendered depends on how this server is reached.
    let form = format!("{shape:?} {}", place.base);
    Ok(Reply::Document(repo.rendered(&view, &form, &|view| render::packument(view, &name, &place, shape))))
}

async fn manifest(repo: &dyn Repo, name: &str, what: &str, head: &Head) -> Result<Reply, Problem> {
    let name = Name::parse(name).map_err(|_| no_package(repo, name))?;
    let view = view(repo, &name).await?;
    let missing =
        || Problem::not_found(format!("there is no version {} of `{}` here", names::shown(what), name.as_str()));
    match render::manifest(&view, &name, &place(repo, head), what) {
        Asked::Manifest(document) => Ok(Reply::Document(document)),
        // The gate words the refusal; were the version released meanwhile, the client would have to ask again.
        Asked::Blocked(version) => {
            let file = repo.fetch(name.as_str(), &name.archive(&version)).await?.ok_or_else(missing)?;
            Ok(Reply::File { file, headers: Vec::new() })
        }
        Asked::Missing => Err(missing()),
    }
}

async fn archive(repo: &dyn Repo, name: &str, file: &str) -> Result<Reply, Problem> {
    let missing =
        || Problem::not_found(format!("there is no file `{}` of `{}` here", names::shown(file), names::shown(name)));
    let name = Name::parse(name).map_err(|_| missing())?;
    let file = repo.fetch(name.as_str(), file).await?.ok_or_else(missing)?;
    Ok(Reply::File { file, headers: Vec::new() })
}

async fn attestations(repo: &dyn Repo, what: &str) -> Result<Reply, Problem> {
    let missing = || Problem::not_found(format!("there are no attestations of {} here", names::shown(what)));
    let (name, version) = what.rsplit_once('@').ok_or_else(missing)?;
    let name = Name::parse(name).map_err(|_| missing())?;
    let file = repo.fetch(name.as_str(), &name.attestations(version)).await?.ok_or_else(missing)?;
    Ok(Reply::File { file, headers: Vec::new() })
}
