//! Requests to a repository's bills of materials.

use super::{
    inspect::{self, DOCUMENT, Place},
    render,
};
use crate::kit::{answer, path::Query};
use assay_model::{
    Digest, Problem,
    seam::{
        ByteStream,
        format::{Expect, Reply, Repo, Request, Staged, Withdraw},
    },
    view::VersionView,
};
use http::Method;
use std::io::Read as _;

/// Names of one listing.
const PAGE: usize = 1000;

pub(super) async fn handle(repo: &dyn Repo, request: Request) -> Result<Reply, Problem> {
    match (&request.method, Place::read(&request.path)?) {
        (&Method::GET | &Method::HEAD, Place::Names) => {
            let query = Query::parse(request.query.as_deref());
            let names = repo.names(query.get("after"), PAGE).await?;
            Ok(Reply::Document(render::names(repo.repository(), &names)))
        }
        (&Method::GET | &Method::HEAD, Place::Versions(name)) => versions(repo, &name).await,
        (&Method::GET | &Method::HEAD, Place::Document { name, version }) => get(repo, &name, &version).await,
        (&Method::PUT, Place::Document { name, version }) => put(repo, name, version, request.body).await,
        (&Method::DELETE, Place::Document { name, version }) => delete(repo, name, version).await,
        (_, Place::Document { .. }) => Ok(answer::not_allowed(
            render::problem,
            "GET, HEAD, PUT, DELETE",
            "send a document with PUT (curl -T FILE URL)",
        )),
        _ => Ok(answer::not_allowed(render::problem, "GET, HEAD", "PUT a document under /<name>/<version>")),
    }
}

async fn version_of(repo: &dyn Repo, name: &str, version: &str) -> Result<Option<VersionView>, Problem> {
    let view = repo.view(name).await?;
    let mut versions = view.iter().flat_map(|view| &view.versions);
    Ok(versions.find(|known| known.package.at.version == version).cloned())
}

fn absent(repo: &dyn Repo, name: &str, version: &str) -> Problem {
    Problem::not_found(format!("there is no document of `{name}` {version} in repository {}", repo.repository()))
}

async fn get(repo: &dyn Repo, name: &str, version: &str) -> Result<Reply, Problem> {
    let known = version_of(repo, name, version).await?;
    match known.and_then(|known| known.files.into_iter().next()) {
        Some(file) => Ok(Reply::File { file: file.id, headers: answer::inert() }),
        None => Err(absent(repo, name, version)),
    }
}

async fn versions(repo: &dyn Repo, name: &str) -> Result<Reply, Problem> {
    match repo.view(name).await? {
        Some(view) => Ok(Reply::Document(render::versions(repo.repository(), &view))),
        None => {
            Err(Problem::not_found(format!("there is no document of `{name}` in repository {}", repo.repository())))
        }
    }
}

async fn put(repo: &dyn Repo, name: String, version: String, body: ByteStream) -> Result<Reply, Problem> {
    let expect = Expect { at_most: Some(DOCUMENT), ..Expect::default() };
    let staged = repo.stage(&name, body, expect).await?;
    let kind = match look(repo, &staged).await {
        Ok(kind) => kind,
        Err(problem) => {
            forget(repo, &name, &staged.digest).await?;
            return Err(problem);
        }
    };
    let before = version_of(repo, &name, &version).await?.and_then(|known| known.files.into_iter().next());
    let (digest, created) = (staged.digest.clone(), before.is_none());
    let before = before.map(|file| file.digest.to_string());
    repo.publish(inspect::claim(name.clone(), version.clone(), &kind, staged, before.as_deref())).await?;
    Ok(render::stored(repo.repository(), &name, &version, &digest, created))
}

async fn look(repo: &dyn Repo, staged: &Staged) -> Result<inspect::Kind, Problem> {
    let mut bytes = Vec::new();
    let mut reader = repo.read(staged).await?.take(DOCUMENT);
    reader.read_to_end(&mut bytes).map_err(|e| Problem::internal("the document cannot be read back", e))?;
    inspect::kind(&bytes)
}

/// Bytes that are no document are not kept until stages are collected; where a package has them they stay.
async fn forget(repo: &dyn Repo, name: &str, digest: &Digest) -> Result<(), Problem> {
    repo.withdraw(Withdraw::Blob { name: name.to_owned(), digest: digest.clone() }).await.map(|_| ())
}

async fn delete(repo: &dyn Repo, name: String, version: String) -> Result<Reply, Problem> {
    let gone = repo.withdraw(Withdraw::Version { name: name.clone(), version: version.clone() }).await?;
    if gone { Ok(answer::empty(204, Vec::new())) } else { Err(absent(repo, &name, &version)) }
}
