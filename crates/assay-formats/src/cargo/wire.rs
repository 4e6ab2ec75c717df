//! Requests: the index, files, and the web API.

mod crates;
mod publish;

use super::{SPEC, names, render};
use crate::kit::{
    answer,
    path::{Query, decode},
};
use assay_model::{
    Problem,
    seam::format::{Reply, Repo, Request},
};
use http::Method;

pub(super) async fn handle(repo: &dyn Repo, request: Request) -> Result<Reply, Problem> {
    let path = decode(&request.path)?.into_owned();
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        ["api", "v1", "crates", rest @ ..] => web_api(repo, rest, request).await,
        _ if !matches!(request.method, Method::GET | Method::HEAD) => {
            Ok(not_allowed("GET, HEAD", "the index is read-only; the web API is under api/v1/"))
        }
        ["config.json"] => Ok(Reply::Document(render::config(&request.base_url, repo.repository(), repo.caller()))),
        ["me"] => Ok(answer::moved("/ui/".to_owned())),
        [.., name] if names::normalise(name).is_ok_and(|lower| names::index_path(&lower) == path) => {
            index(repo, name).await
        }
        _ => Err(Problem::not_found(format!(
            "there is nothing here; the index is at sparse+{}/{}/{}/",
            request.base_url,
            SPEC.prefix,
            repo.repository()
        ))),
    }
}

async fn web_api(repo: &dyn Repo, rest: &[&str], request: Request) -> Result<Reply, Problem> {
    let reading = matches!(request.method, Method::GET | Method::HEAD);
    match (rest, &request.method) {
        ([] | [""], _) if reading => crates::search(repo, &Query::parse(request.query.as_deref())).await,
        (["new"], &Method::PUT) => publish::publish(repo, request.body).await,
        (["new"], _) => Ok(not_allowed("PUT", "this address takes publications")),
        ([name, version, "download"], _) if reading => download(repo, name, version).await,
        ([name, version, "yank"], &Method::DELETE) => crates::set_yanked(repo, name, version, true).await,
        ([name, version, "unyank"], &Method::PUT) => crates::set_yanked(repo, name, version, false).await,
        ([name, "owners"], _) if reading => crates::owners(repo, name).await,
        ([_, "owners"], &Method::PUT | &Method::DELETE) => Err(crates::no_owners(repo)),
        ([_, _, "download"] | [_, "owners"], _) => Ok(not_allowed("GET, HEAD", "this address is read")),
        ([_, _, "yank"], _) => Ok(not_allowed("DELETE", "a version is yanked with DELETE")),
        ([_, _, "unyank"], _) => Ok(not_allowed("PUT", "a yank is taken back with PUT")),
        _ => {
            Err(Problem::not_found("the web API has nothing here: publish, yank, unyank, owners, search and download"))
        }
    }
}

fn not_allowed(allow: &str, hint: &str) -> Reply {
    answer::not_allowed(render::problem, allow, hint)
}

fn no_crate(repo: &dyn Repo, name: &str) -> Problem {
    Problem::not_found(format!("there is no crate `{}` in repository {}", names::shown(name), repo.repository()))
}

async fn index(repo: &dyn Repo, name: &str) -> Result<Reply, Problem> {
    let view = repo.view(name).await?.ok_or_else(|| no_crate(repo, name))?;
    Ok(Reply::Document(repo.rendered(&view, "index", &render::index)))
}

async fn download(repo: &dyn Repo, name: &str, version: &str) -> Result<Reply, Problem> {
    let missing = || {
        let (name, version) = (names::shown(name), names::shown(version));
        Problem::not_found(format!(
            "there is no version {version} of crate `{name}` in repository {}",
            repo.repository()
        ))
    };
    let lower = names::normalise(name).map_err(|_| missing())?;
    names::version(version).map_err(|_| missing())?;
    let file = repo.fetch(&lower, &names::file_path(&lower, version)).await?.ok_or_else(missing)?;
    Ok(Reply::File { file, headers: Vec::new() })
}
