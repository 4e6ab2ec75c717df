//! Requests: files and their checksums, metadata, listings.

mod list;
mod put;

use super::{
    names::{self, Algorithm, Artifact, Build, FileAt, Target},
    render::{self, Plugin},
};
use crate::kit::{answer, path::encode_path};
use assay_model::{
    Problem,
    seam::format::{Document, Reply, Repo, Request, Withdraw},
    view::PackageView,
};
use http::Method;
use std::collections::BTreeSet;

/// Artifacts of a group that are looked at for plugins, and names asked for at once.
const PLUGINS: usize = 5000;
const PAGE: usize = 1000;

pub(super) async fn handle(repo: &dyn Repo, request: Request) -> Result<Reply, Problem> {
    let target = Target::parse(&request.path)?;
    match (&request.method, target) {
        (&Method::GET | &Method::HEAD, Target::File(at, None)) => download(repo, &at).await,
        (&Method::GET | &Method::HEAD, Target::File(at, Some(algorithm))) => checksum(repo, &at, algorithm).await,
        (&Method::GET | &Method::HEAD, Target::Metadata(folder, algorithm)) => metadata(repo, &folder, algorithm).await,
        (&Method::GET | &Method::HEAD, Target::Folder(folder, true)) => {
            list::list(repo, &folder, &request.headers, request.query.as_deref()).await
        }
        (&Method::GET | &Method::HEAD, Target::Folder(folder, false)) => list::slash(repo, &folder).await,
        (&Method::PUT, Target::File(at, None)) => put::file(repo, at, request).await,
        (&Method::PUT, Target::File(at, Some(algorithm))) => put::checksum(repo, &at, algorithm, request.body).await,
        (&Method::PUT, Target::Metadata(_, algorithm)) => put::metadata(repo, algorithm, request.body).await,
        (&Method::PUT, Target::Folder(folder, _)) => Err(put::misplaced(&folder)),
        (&Method::DELETE, Target::Folder(folder, _)) => delete(repo, &folder).await,
        (&Method::DELETE, _) => Ok(not_allowed("GET, HEAD, PUT", "a version is one thing; DELETE its folder")),
        _ => Ok(not_allowed("GET, HEAD, PUT, DELETE", "deploy with PUT")),
    }
}

fn not_allowed(allow: &str, hint: &str) -> Reply {
    answer::not_allowed(render::problem, allow, hint)
}

fn no_file(repo: &dyn Repo, at: &FileAt) -> Problem {
    Problem::not_found(format!("there is no {} in repository {}", at.file(), repo.repository()))
}

/// The file to serve and its path in the package: for `1.0-SNAPSHOT` that of the newest build that has it and may be
/// had, else of the newest, so that the gate says why not.
async fn resolve(repo: &dyn Repo, at: &FileAt) -> Result<FileAt, Problem> {
    if !at.is_any_build() {
        return Ok(at.clone());
    }
    let name = at.of.name();
    let view = repo.view(&name).await?;
    let known = match view.as_deref().and_then(|view| build_having(view, at)) {
        Some(version) => Some(version),
        // An upstream may know of builds whose files nobody listed.
        None => repo.find(&name, &at.folder).await?,
    };
    let build = known.filter(|version| Build::parse(version).is_some_and(|build| build.folder() == at.folder));
    Ok(build.map_or_else(|| at.clone(), |version| at.of_build(&version)))
}

fn build_having(view: &PackageView, at: &FileAt) -> Option<String> {
    let mut newest = None;
    for (build, version) in render::builds(view, &at.folder) {
        if !render::files(view, version).any(|file| file.suffix == at.suffix) {
            continue;
        }
        if version.blocked.is_none() {
            return Some(build.version());
        }
        newest = newest.or(Some(build));
    }
    newest.map(|build| build.version())
}

async fn download(repo: &dyn Repo, at: &FileAt) -> Result<Reply, Problem> {
    let at = resolve(repo, at).await?;
    let (name, path) = (at.of.name(), at.path());
    let file = repo.fetch(&name, &path).await?.ok_or_else(|| no_file(repo, &at))?;
    let stored = repo.file(&name, &path).await?.filter(|stored| stored.id == file);
    Ok(Reply::File { file, headers: render::file_headers(stored.as_ref()) })
}

async fn checksum(repo: &dyn Repo, at: &FileAt, algorithm: Algorithm) -> Result<Reply, Problem> {
    let at = resolve(repo, at).await?;
    let (name, path) = (at.of.name(), at.path());
    let stored = match repo.file(&name, &path).await? {
        Some(stored) => stored,
        None => {
            repo.fetch(&name, &path).await?.ok_or_else(|| no_file(repo, &at))?;
            let on_its_way = || Problem::busy(format!("{} is on its way here", at.file()), 1);
            repo.file(&name, &path).await?.ok_or_else(on_its_way)?
        }
    };
    let missing = || Problem::not_found(format!("the {} of {} is not known here", algorithm.name(), at.file()));
    Ok(Reply::Document(render::checksum(render::stored_hash(&stored, algorithm).ok_or_else(missing)?)))
}

async fn metadata(repo: &dyn Repo, folder: &[String], algorithm: Option<Algorithm>) -> Result<Reply, Problem> {
    let document = match snapshot(repo, folder).await? {
        Some(document) => document,
        None => artifact_or_group(repo, folder).await?.ok_or_else(|| {
            let path = folder.join("/");
            Problem::not_found(format!("there is no metadata of {path} in repository {}", repo.repository()))
        })?,
    };
    Ok(Reply::Document(match algorithm {
        Some(algorithm) => render::checksum(render::hash_of(&document.body, algorithm)),
        None => document,
    }))
}

async fn snapshot(repo: &dyn Repo, folder: &[String]) -> Result<Option<Document>, Problem> {
    let Some((version, above)) = folder.split_last().filter(|(version, _)| names::is_snapshot(version)) else {
        return Ok(None);
    };
    let Some(of) = Artifact::of_folder(above) else { return Ok(None) };
    let Some(view) = repo.view(&of.name()).await? else { return Ok(None) };
    if let Some(document) = render::snapshot(&view, version) {
        return Ok(Some(document));
    }
    // An upstream may have the snapshot without its builds having been looked up for the view.
    let unlisted = view.versions.iter().any(|known| known.package.at.version == *version && known.blocked.is_none());
    let found = if unlisted { repo.find(&of.name(), version).await? } else { None };
    let build = found.and_then(|version| Build::parse(&version)).filter(|build| build.folder() == *version);
    Ok(build.map(|build| render::only_build(&of, version, &build)))
}

async fn artifact_or_group(repo: &dyn Repo, folder: &[String]) -> Result<Option<Document>, Problem> {
    let view = match Artifact::of_folder(folder) {
        Some(of) => repo.view(&of.name()).await?,
        None => None,
    };
    let plugins = plugins(repo, folder, view.is_none()).await?;
    Ok(match view {
        Some(view) if plugins.is_empty() => Some(repo.rendered(&view, "artifact", &render::artifact)),
        view if !plugins.is_empty() => Some(render::group(view.as_deref(), &plugins)),
        _ => None,
    })
}

/// The plugins of a group: those whose jars are stored here, and with `elsewhere` those that upstreams list.
async fn plugins(repo: &dyn Repo, folder: &[String], elsewhere: bool) -> Result<BTreeSet<Plugin>, Problem> {
    if folder.is_empty() || folder.iter().any(|segment| segment.contains('.')) {
        return Ok(BTreeSet::new());
    }
    let group = folder.join(".");
    let prefix = format!("{group}:");
    let (mut found, mut seen) = (BTreeSet::new(), 0);
    let mut after = prefix.clone();
    'pages: while seen < PLUGINS {
        let names = repo.names(Some(&after), PAGE).await?;
        let full = names.len() == PAGE;
        for name in names {
            if !name.starts_with(&prefix) || seen >= PLUGINS {
                break 'pages;
            }
            seen += 1;
            if let Some(view) = repo.view(&name).await? {
                found.extend(Plugin::of(&view));
            }
            after = name;
        }
        if !full {
            break;
        }
    }
    if elsewhere && let Some(view) = repo.view(&group).await? {
        let local: BTreeSet<String> = found.iter().map(|plugin| plugin.artifact.clone()).collect();
        found.extend(Plugin::listed(&view).filter(|plugin| !local.contains(&plugin.artifact)));
    }
    Ok(found)
}

/// Removes a version, all builds of a snapshot, or an artifact.
async fn delete(repo: &dyn Repo, folder: &[String]) -> Result<Reply, Problem> {
    let mut gone = false;
    let version = folder.split_last().and_then(|(version, above)| Some((Artifact::of_folder(above)?, Some(version))));
    let whole = Artifact::of_folder(folder).map(|of| (of, None));
    for (of, wanted) in version.into_iter().chain(whole) {
        let name = of.name();
        let Some(view) = repo.view(&name).await? else { continue };
        for version in versions_in(&view, wanted.map(String::as_str)) {
            gone |= repo.withdraw(Withdraw::Version { name: name.clone(), version }).await?;
        }
        if gone {
            break;
        }
    }
    if !gone {
        let path = folder.join("/");
        return Err(Problem::not_found(format!("there is no version at {path} in repository {}", repo.repository())));
    }
    Ok(answer::empty(204, Vec::new()))
}

fn versions_in(view: &PackageView, folder: Option<&str>) -> Vec<String> {
    let stored = view.versions.iter().filter(|version| version.package.id.0 != 0);
    let versions = stored.map(|version| version.package.at.version.clone());
    versions.filter(|version| folder.is_none_or(|folder| names::folder_of(version) == folder)).collect()
}

fn shown(folder: &[String]) -> String {
    encode_path(&folder.join("/"))
}
