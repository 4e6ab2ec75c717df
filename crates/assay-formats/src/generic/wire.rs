//! Requests to a repository of files.

use super::{inspect, render};
use crate::kit::{accept, answer, path};
use assay_model::{
    Kind, Problem,
    package::PackageId,
    seam::format::{Reply, Repo, Request, Withdraw},
};
use http::{HeaderMap, Method};

/// Names asked for at once while a folder is listed.
const PAGE: usize = 1000;

/// Entries of one listing; the rest is said to be missing.
const ENTRIES: usize = 10_000;

const OFFERS: &[&str] = &["application/json", "text/html"];

pub(super) async fn handle(repo: &dyn Repo, request: Request) -> Result<Reply, Problem> {
    let path = inspect::path(&request.path)?;
    let folder = path.is_empty() || path.ends_with('/');
    match (&request.method, folder) {
        (&Method::GET | &Method::HEAD, true) => list(repo, &path, &request.headers, request.query.as_deref()).await,
        (&Method::GET | &Method::HEAD, false) => get(repo, &path).await,
        (&Method::PUT, false) => put(repo, &path, request).await,
        (&Method::DELETE, false) => delete(repo, &path).await,
        (&Method::DELETE, true) => {
            Ok(not_allowed("GET, HEAD", "a folder goes with its last file; delete the files one by one"))
        }
        (_, true) => Ok(not_allowed("GET, HEAD", "a folder cannot be written to; PUT the file under its full path")),
        (_, false) => Ok(not_allowed("GET, HEAD, PUT, DELETE", "send a file with PUT (curl -T FILE URL)")),
    }
}

fn not_allowed(allow: &str, hint: &str) -> Reply {
    answer::not_allowed(render::problem, allow, hint)
}

async fn get(repo: &dyn Repo, name: &str) -> Result<Reply, Problem> {
    let last = inspect::last(name);
    if let Some(file) = repo.fetch(name, last).await? {
        return Ok(Reply::File { file, headers: answer::inert() });
    }
    if let Some(reply) = checksum(repo, name).await? {
        return Ok(reply);
    }
    let folder = format!("{name}/");
    if repo.names(Some(&folder), 1).await?.first().is_some_and(|next| next.starts_with(&folder)) {
        return Ok(answer::moved(render::location(repo.repository(), &folder)));
    }
    Err(Problem::not_found(format!("there is no file at `{name}` in repository {}", repo.repository())))
}

/// The checksum file of a file that is stored here, where nobody uploaded one. For a file that the gate refuses, it is
/// asked for that file, so that it says why.
async fn checksum(repo: &dyn Repo, name: &str) -> Result<Option<Reply>, Problem> {
    let Some((of, algorithm)) = inspect::checksum_of(name) else { return Ok(None) };
    let Some(file) = repo.file(of, inspect::last(of)).await? else { return Ok(None) };
    let view = repo.view(of).await?;
    let blocked = view.iter().flat_map(|view| &view.versions).any(|version| version.blocked.is_some());
    if blocked {
        return Ok(Some(Reply::File { file: file.id, headers: answer::inert() }));
    }
    let hex = match algorithm {
        "sha256" => Some(file.digest.hex()),
        other => file.hashes.get(other).map(String::as_str),
    };
    Ok(hex.map(|hex| Reply::Document(render::checksum(hex, inspect::last(of)))))
}

async fn put(repo: &dyn Repo, name: &str, request: Request) -> Result<Reply, Problem> {
    if request.headers.contains_key("content-range") {
        return Err(Problem::new(Kind::Unsupported, "partial-put", "a file is sent whole; leave out Content-Range"));
    }
    let condition = inspect::Condition::read(&request.headers)?;
    let announced = inspect::Announced::read(&request.headers)?;
    let media_type = inspect::media_type(&request.headers);
    let existed = repo.view(name).await?.is_some();
    if existed && condition == inspect::Condition::Absent {
        return Ok(render::exists(name));
    }
    let staged = repo.stage(name, request.body, announced.expect()).await?;
    announced.verify(&staged)?;
    let digest = staged.digest.clone();
    let mut claim = inspect::claim(name, media_type, staged);
    if condition == inspect::Condition::Always {
        repo.publish(claim).await?;
        return Ok(render::stored(repo.repository(), name, &digest, !existed));
    }
    claim.replaces_others = false;
    let receipt = repo.publish(claim).await?;
    if receipt.created && is_first(repo, name, receipt.package).await? {
        return Ok(render::stored(repo.repository(), name, &digest, true));
    }
    if receipt.created {
        let what = Withdraw::Version { name: name.to_owned(), version: digest.to_string() };
        repo.withdraw(what).await?;
    }
    Ok(render::exists(name))
}

/// Of several that came to an empty place at once the first stays; each of them sees all that came before it.
async fn is_first(repo: &dyn Repo, name: &str, package: PackageId) -> Result<bool, Problem> {
    let view = repo.view(name).await?;
    let mut others = view.iter().flat_map(|view| &view.versions).map(|version| version.package.id);
    Ok(others.all(|other| other >= package))
}

async fn delete(repo: &dyn Repo, name: &str) -> Result<Reply, Problem> {
    let mut gone = false;
    let view = repo.view(name).await?;
    for version in view.iter().flat_map(|view| &view.versions) {
        let what = Withdraw::Version { name: name.to_owned(), version: version.package.at.version.clone() };
        gone |= repo.withdraw(what).await?;
    }
    if !gone {
        return Err(Problem::not_found(format!("there is no file at `{name}` in repository {}", repo.repository())));
    }
    Ok(answer::empty(204, Vec::new()))
}

async fn list(repo: &dyn Repo, folder: &str, headers: &HeaderMap, query: Option<&str>) -> Result<Reply, Problem> {
    let query = path::Query::parse(query);
    let json = match query.get("format") {
        Some("json") => true,
        Some("html") => false,
        Some(other) => {
            return Err(Problem::invalid(
                "bad-format",
                format!("`{other}` is no format of a listing; json and html are"),
            ));
        }
        // Programs that say nothing get JSON, browsers ask for HTML.
        None => accept::choose(headers, OFFERS) != Some(1),
    };
    let listing = read_folder(repo, folder).await?;
    if listing.is_empty() && !folder.is_empty() {
        return Err(Problem::not_found(format!(
            "there is nothing under `{folder}` in repository {}",
            repo.repository()
        )));
    }
    Ok(Reply::Document(if json { listing.json() } else { listing.html() }))
}

/// The folder's own entries. What lies deeper is stepped over by asking for the names after it, so the work follows the
/// number of entries and not that of files below; this relies on names being ordered by their bytes.
async fn read_folder(repo: &dyn Repo, folder: &str) -> Result<render::Listing, Problem> {
    let mut listing = render::Listing::new(repo.repository(), folder);
    let mut after = (!folder.is_empty()).then(|| folder.to_owned());
    loop {
        let names = repo.names(after.as_deref(), PAGE).await?;
        let full = names.len() == PAGE;
        let mut next = None;
        for name in names {
            let Some(rest) = name.strip_prefix(folder) else { return Ok(listing) };
            if listing.len() >= ENTRIES {
                listing.truncated = true;
                return Ok(listing);
            }
            match rest.split_once('/') {
                Some((inner, _)) => {
                    listing.add_folder(inner);
                    next = Some(format!("{folder}{inner}/{}", char::MAX));
                }
                None => {
                    listing.add_file(rest);
                    next = Some(name);
                }
            }
        }
        if !full {
            return Ok(listing);
        }
        after = next;
    }
}
