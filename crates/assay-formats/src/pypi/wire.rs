//! Requests: the index and files here; uploads and what changes a release in files of their own.

mod manage;
mod upload;

use super::{SPEC, kept, names, render};
use crate::kit::{
    accept, answer,
    path::{Query, decode, encode_segment},
};
use assay_model::{
    Problem,
    seam::format::{Answer, Reply, Repo, Request},
};
use http::{HeaderMap, Method, header::CONTENT_TYPE};

/// Names asked for at once while the list of projects is rendered.
const PAGE: usize = 1000;

/// What a request asks for besides its path.
struct Asked {
    headers: HeaderMap,
    query: Option<String>,
    base_url: String,
}

pub(super) async fn handle(repo: &dyn Repo, request: Request) -> Result<Reply, Problem> {
    let Request { method, path, query, headers, body, base_url } = request;
    let asked = Asked { headers, query, base_url };
    let path = decode(&path)?.into_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let reading = matches!(method, Method::GET | Method::HEAD);
    match (segments.as_slice(), &method) {
        ([""] | ["simple"] | ["simple", ""] | ["pypi"] | ["legacy"] | ["legacy", ""], &Method::POST)
            if is_xml(&asked.headers) =>
        {
            no_search(repo, &asked.base_url).await
        }
        ([""] | ["legacy"] | ["legacy", ""], &Method::POST) => upload::upload(repo, asked.headers, body).await,
        ([""] | ["simple"], _) if reading => Ok(moved(repo, "simple/", asked.query.as_deref())),
        (["simple", ""], _) if reading => projects(repo, &asked).await,
        (["simple", name] | ["simple", name, ""], _) if reading => {
            let normal = names::normalise(name).map_err(|_| no_project(repo, name))?;
            if segments.len() == 2 || normal != *name {
                return Ok(moved(repo, &format!("simple/{normal}/"), asked.query.as_deref()));
            }
            project(repo, name, &asked).await
        }
        (["files", name, file], _) if reading => download(repo, name, file).await,
        (["files", name, file], &Method::DELETE) => manage::remove_file(repo, name, file).await,
        (["project", rest @ ..], _) if !reading => {
            manage::handle(repo, rest, &method, asked.query.as_deref(), body).await
        }
        (["pypi", rest @ ..] | rest, _) if reading && render::legacy::asks(rest) => legacy(repo, rest, &asked).await,
        (["legacy"] | ["legacy", ""], _) => Ok(not_allowed("POST", "this address takes uploads")),
        (["simple", ..], _) if !reading => Ok(not_allowed("GET, HEAD", "the index is read-only; upload to legacy/")),
        (["files", _, _], _) => Ok(not_allowed("GET, HEAD, DELETE", "files are uploaded to legacy/")),
        _ => Err(Problem::not_found(format!(
            "there is nothing here; the index is at /{prefix}/{repository}/simple/, uploads go to \
             /{prefix}/{repository}/legacy/",
            prefix = SPEC.prefix,
            repository = repo.repository()
        ))),
    }
}

/// What `pip search` sends.
fn is_xml(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.starts_with("text/xml") || media_type.starts_with("application/xml")
}

/// Said to those who may read here only, as everything else.
async fn no_search(repo: &dyn Repo, base_url: &str) -> Result<Reply, Problem> {
    repo.names(None, 1).await?;
    Ok(Reply::Answer(render::no_search(base_url, repo.repository())))
}

fn moved(repo: &dyn Repo, to: &str, query: Option<&str>) -> Reply {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    answer::moved(format!("/{}/{}/{to}{query}", SPEC.prefix, encode_segment(repo.repository())))
}

fn not_allowed(allow: &str, hint: &str) -> Reply {
    answer::not_allowed(render::problem, allow, hint)
}

fn no_project(repo: &dyn Repo, name: &str) -> Problem {
    Problem::not_found(format!("there is no project `{}` in repository {}", names::shown(name), repo.repository()))
}

/// Which of the index's forms the client wants; none when it accepts no form that there is.
fn negotiate(asked: &Asked) -> Option<render::Shape> {
    let chosen = match Query::parse(asked.query.as_deref()).get("format") {
        Some(wanted) => render::OFFERS.iter().position(|(offer, _)| *offer == wanted),
        None => accept::choose(&asked.headers, &render::OFFERS.map(|(offer, _)| offer)),
    };
    chosen.and_then(|index| render::OFFERS.get(index)).map(|(_, shape)| *shape)
}

fn not_acceptable() -> Reply {
    let offers = render::OFFERS.map(|(offer, _)| offer).join(", ");
    let headers = vec![("Vary", "Accept".to_owned())];
    Reply::Answer(Answer { headers, ..answer::text(406, format!("the index is served as {offers}\n")) })
}

async fn projects(repo: &dyn Repo, asked: &Asked) -> Result<Reply, Problem> {
    let Some(shape) = negotiate(asked) else { return Ok(not_acceptable()) };
    let mut names: Vec<String> = Vec::new();
    loop {
        let more = repo.names(names.last().map(String::as_str), PAGE).await?;
        let full = more.len() == PAGE;
        names.extend(more);
        if !full {
            return Ok(Reply::Document(render::projects(shape, &names)));
        }
    }
}

async fn project(repo: &dyn Repo, name: &str, asked: &Asked) -> Result<Reply, Problem> {
    let Some(shape) = negotiate(asked) else { return Ok(not_acceptable()) };
    let view = repo.view(name).await?.ok_or_else(|| no_project(repo, name))?;
    let document = repo.rendered(&view, shape.media_type(), &|view| render::project(shape, view));
    let absolute = render::has_places(&view);
    let document = if absolute { render::addressed(document, &asked.base_url, repo.repository()) } else { document };
    Ok(Reply::Document(document))
}

/// The project and release documents of the older JSON API.
async fn legacy(repo: &dyn Repo, rest: &[&str], asked: &Asked) -> Result<Reply, Problem> {
    let (name, version) = match rest {
        [name, version, _] => (*name, Some(*version)),
        _ => (rest.first().copied().unwrap_or_default(), None),
    };
    let normal = names::normalise(name).map_err(|_| no_project(repo, name))?;
    let view = repo.view(&normal).await?.ok_or_else(|| no_project(repo, name))?;
    let document = match version {
        None => Some(repo.rendered(&view, "legacy", &|view| render::legacy::project(view))),
        Some(version) => names::version(version)
            .ok()
            .and_then(|version| names::find(&view, &version))
            .map(|(found, _)| render::legacy::release(&view, found)),
    };
    let document = document.ok_or_else(|| {
        Problem::not_found(format!("there is no version {} of `{normal}`", names::shown(version.unwrap_or_default())))
    })?;
    Ok(Reply::Document(render::addressed(document, &asked.base_url, repo.repository())))
}

async fn download(repo: &dyn Repo, name: &str, file: &str) -> Result<Reply, Problem> {
    let missing =
        || Problem::not_found(format!("there is no file `{}` of `{}` here", names::shown(file), names::shown(name)));
    let name = names::normalise(name).map_err(|_| missing())?;
    let distribution = kept::distribution(file);
    if let Some(view) = repo.view(&name).await?
        && view.versions.iter().any(|version| kept::is_removed(version, distribution))
    {
        return Err(Problem::not_found(format!("the file `{}` was removed", names::shown(distribution))));
    }
    let file = repo.fetch(&name, file).await?.ok_or_else(missing)?;
    Ok(Reply::File { file, headers: Vec::new() })
}
