//! Listings of folders, for people and browsers.

use super::super::{
    names::{Artifact, folder_of},
    render::{self, Listing},
};
use super::PAGE;
use crate::kit::{accept, answer, path::Query};
use assay_model::{
    Problem,
    seam::format::{Reply, Repo},
};
use http::HeaderMap;

/// Entries of one listing; the rest is said to be missing.
const ENTRIES: usize = 10_000;

const OFFERS: &[&str] = &["text/html", "application/json"];

pub(super) async fn list(
    repo: &dyn Repo,
    folder: &[String],
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Reply, Problem> {
    let json = match Query::parse(query).get("format") {
        Some("json") => true,
        Some("html") => false,
        Some(_) => return Err(Problem::invalid("bad-format", "a listing has the formats html and json")),
        None => accept::choose(headers, OFFERS) == Some(1),
    };
    let listing = read(repo, folder).await?;
    if listing.len() == 0 && !folder.is_empty() {
        return Err(nothing(repo, folder));
    }
    let path = folder.join("/");
    let document = if json { listing.json(repo.repository(), &path) } else { listing.html(repo.repository(), &path) };
    Ok(Reply::Document(document))
}

fn nothing(repo: &dyn Repo, folder: &[String]) -> Problem {
    Problem::not_found(format!("there is nothing at {} in repository {}", folder.join("/"), repo.repository()))
}

/// A folder without its slash leads to the one with it; relative links need that.
pub(super) async fn slash(repo: &dyn Repo, folder: &[String]) -> Result<Reply, Problem> {
    let listing = read(repo, folder).await?;
    if listing.len() == 0 {
        return Err(nothing(repo, folder));
    }
    Ok(answer::moved(render::location(repo.repository(), &format!("{}/", super::shown(folder)))))
}

/// Groups below, artifacts of the group, versions of the artifact, files of the version: one path may be all of them.
async fn read(repo: &dyn Repo, folder: &[String]) -> Result<Listing, Problem> {
    let mut listing = Listing::default();
    if folder.iter().all(|segment| !segment.contains('.')) {
        let group = folder.join(".");
        if folder.is_empty() {
            children(repo, "", &mut listing).await?;
        } else {
            children(repo, &format!("{group}."), &mut listing).await?;
            children(repo, &format!("{group}:"), &mut listing).await?;
        }
    }
    if let Some(of) = Artifact::of_folder(folder)
        && let Some(view) = repo.view(&of.name()).await?
    {
        listing.add_versions(&view);
    }
    if let Some((version, above)) = folder.split_last()
        && let Some(of) = Artifact::of_folder(above)
        && let Some(view) = repo.view(&of.name()).await?
        && view.versions.iter().any(|known| folder_of(&known.package.at.version) == *version)
    {
        listing.add_files(&view, version);
    }
    Ok(listing)
}

/// What stands next in the names that begin with `prefix`. All that lies deeper is stepped over, so the work follows the
/// number of entries; this relies on names being ordered by their bytes.
async fn children(repo: &dyn Repo, prefix: &str, listing: &mut Listing) -> Result<(), Problem> {
    let artifacts = prefix.ends_with(':');
    let mut after = (!prefix.is_empty()).then(|| prefix.to_owned());
    loop {
        let names = repo.names(after.as_deref(), PAGE).await?;
        let full = names.len() == PAGE;
        let mut next = None;
        for name in names {
            if after_is_past(next.as_deref(), &name) {
                continue;
            }
            let Some(rest) = name.strip_prefix(prefix) else { return Ok(()) };
            if listing.len() >= ENTRIES {
                listing.truncated = true;
                return Ok(());
            }
            let end = if artifacts { None } else { rest.find(['.', ':']) };
            listing.folders.insert(end.and_then(|end| rest.get(..end)).unwrap_or(rest).to_owned());
            next = Some(match end.and_then(|end| rest.get(..=end)) {
                Some(inner) => format!("{prefix}{inner}{}", char::MAX),
                None => name,
            });
        }
        if !full || next.is_none() {
            return Ok(());
        }
        after = next;
    }
}

/// Whether a name of this page lies in what is stepped over.
fn after_is_past(next: Option<&str>, name: &str) -> bool {
    next.is_some_and(|next| name <= next)
}
