//! What changes a release after it was published: yanking it and back (PEP 592), removing files and releases, the other
//! homes of a project (PEP 708). No Python client has a protocol for these; the addresses are ours and documented.

use super::not_allowed;
use crate::kit::{answer, body, path::Query};
use crate::pypi::{kept, names};
use assay_model::{
    Problem,
    package::Role,
    seam::{
        ByteStream,
        format::{Claim, Reply, Repo, Withdraw},
    },
    view::{PackageView, VersionView},
};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

/// Bytes of a reason, and of a list of addresses.
const REASON: usize = 1024;
const ADDRESSES: usize = 16 << 10;

/// Addresses of one project elsewhere.
const ALTERNATES: usize = 20;

const HINT: &str = "PUT or DELETE <project>/<version>/yank, DELETE <project>/<version>, PUT or DELETE \
                    <project>/alternate-locations";

pub(super) async fn handle(
    repo: &dyn Repo,
    segments: &[&str],
    method: &Method,
    query: Option<&str>,
    body: ByteStream,
) -> Result<Reply, Problem> {
    let segments = segments.strip_suffix(&[""]).unwrap_or(segments);
    match (segments, method) {
        ([name, "alternate-locations"], &Method::PUT) => {
            let bytes = body::collect(body, ADDRESSES, "the list of addresses").await?;
            set_alternates(repo, name, addresses(&bytes)?).await
        }
        ([name, "alternate-locations"], &Method::DELETE) => set_alternates(repo, name, Vec::new()).await,
        ([name, version], &Method::DELETE) => remove_release(repo, name, version).await,
        ([name, version, "yank"], &Method::PUT) => {
            let reason = reason(query, body).await?;
            yank(repo, name, version, reason.into()).await
        }
        ([name, version, "yank"], &Method::DELETE) => yank(repo, name, version, Value::Null).await,
        ([_, "alternate-locations"] | [_, _, "yank"], _) => Ok(not_allowed("PUT, DELETE", HINT)),
        ([_, _], _) => Ok(not_allowed("DELETE", HINT)),
        _ => Err(Problem::not_found(format!("there is nothing here; {HINT}"))),
    }
}

/// Why a release is yanked: the body, or `?reason=`.
async fn reason(query: Option<&str>, body: ByteStream) -> Result<String, Problem> {
    let said = Query::parse(query).get("reason").map(str::to_owned);
    let reason = match said {
        Some(reason) => reason,
        None => String::from_utf8_lossy(&body::collect(body, REASON, "the reason").await?).into_owned(),
    };
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    if reason.len() > REASON {
        return Err(Problem::invalid("bad-reason", format!("the reason is longer than {REASON} bytes")));
    }
    Ok(reason)
}

/// A project and the version of it that equals `version`.
async fn release(repo: &dyn Repo, name: &str, version: &str) -> Result<(Arc<PackageView>, String), Problem> {
    let wanted = names::version(version)?;
    let view = view_of(repo, name).await?;
    let found = names::find(&view, &wanted).map(|(found, _)| found.package.at.version.clone());
    let found = found.ok_or_else(|| Problem::not_found(format!("there is no version {wanted} of `{}`", view.name)))?;
    Ok((view, found))
}

async fn view_of(repo: &dyn Repo, name: &str) -> Result<Arc<PackageView>, Problem> {
    let name = names::normalise(name)?;
    let view = repo.view(&name).await?;
    view.ok_or_else(|| Problem::not_found(format!("there is no project `{name}` in repository {}", repo.repository())))
}

async fn amend(repo: &dyn Repo, version: &VersionView, metadata: Value) -> Result<(), Problem> {
    let at = &version.package.at;
    repo.publish(Claim {
        name: at.name.clone(),
        version: at.version.clone(),
        metadata,
        files: Vec::new(),
        references: Vec::new(),
        published_at: version.package.published_at,
        replaces_others: false,
        replaces_files: false,
    })
    .await
    .map(drop)
}

async fn yank(repo: &dyn Repo, name: &str, version: &str, reason: Value) -> Result<Reply, Problem> {
    let (view, version) = release(repo, name, version).await?;
    for found in view.versions.iter().filter(|found| found.package.at.version == version) {
        amend(repo, found, kept::changed(found, kept::YANKED, reason.clone())).await?;
    }
    let what = if reason.is_null() { "no longer yanked" } else { "yanked" };
    Ok(Reply::Answer(answer::text(200, format!("{} {version} is {what}\n", view.name))))
}

async fn remove_release(repo: &dyn Repo, name: &str, version: &str) -> Result<Reply, Problem> {
    let (view, version) = release(repo, name, version).await?;
    withdraw(repo, &view.name, &version).await
}

async fn withdraw(repo: &dyn Repo, name: &str, version: &str) -> Result<Reply, Problem> {
    let what = Withdraw::Version { name: name.to_owned(), version: version.to_owned() };
    if !repo.withdraw(what).await? {
        return Err(Problem::not_found(format!("{name} {version} is not stored here")));
    }
    Ok(answer::empty(204, Vec::new()))
}

/// Takes a file out of the index and out of reach. With the last one goes the release.
pub(super) async fn remove_file(repo: &dyn Repo, name: &str, file: &str) -> Result<Reply, Problem> {
    let view = view_of(repo, name).await?;
    let missing = || Problem::not_found(format!("there is no file `{}` of `{}` here", names::shown(file), view.name));
    let has = |version: &&VersionView| stored(version).any(|path| path == file);
    let found = view.versions.iter().find(has).ok_or_else(missing)?;
    if stored(found).filter(|path| *path != file).count() == 0 && found.remote.is_empty() {
        return withdraw(repo, &view.name, &found.package.at.version).await;
    }
    let mut removed = kept::removed(found);
    removed.push(file.to_owned());
    amend(repo, found, kept::with_removed(found, removed)).await?;
    Ok(answer::empty(204, Vec::new()))
}

/// Lists a removed file again; its bytes are still here.
pub(super) async fn bring_back(repo: &dyn Repo, version: &VersionView, file: &str) -> Result<(), Problem> {
    let mut removed = kept::removed(version);
    removed.retain(|name| name != file);
    amend(repo, version, kept::with_removed(version, removed)).await
}

/// Distributions of a version that were not removed.
fn stored(version: &VersionView) -> impl Iterator<Item = &str> {
    let files = version.files.iter().filter(|file| file.role == Some(Role::File)).map(|file| file.path.as_str());
    files.filter(|path| !kept::is_removed(version, path))
}

fn addresses(body: &[u8]) -> Result<Vec<String>, Problem> {
    let list: Vec<String> = serde_json::from_slice(body)
        .map_err(|error| Problem::invalid("bad-addresses", format!("expected a JSON array of addresses: {error}")))?;
    if list.len() > ALTERNATES {
        return Err(Problem::invalid("bad-addresses", format!("more than {ALTERNATES} addresses")));
    }
    let bad = list.iter().find(|text| {
        let web = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        !web || text.len() > 1024
    });
    match bad {
        Some(bad) => {
            Err(Problem::invalid("bad-addresses", format!("`{}` is no http or https address", names::shown(bad))))
        }
        None => Ok(list),
    }
}

/// They are said of the project, and kept with each of its versions.
async fn set_alternates(repo: &dyn Repo, name: &str, list: Vec<String>) -> Result<Reply, Problem> {
    let view = view_of(repo, name).await?;
    for version in view.versions.iter().filter(|version| !version.files.is_empty()) {
        amend(repo, version, kept::changed(version, kept::ALTERNATES, json!(list))).await?;
    }
    Ok(Reply::Answer(answer::text(200, format!("{} has {} alternate locations\n", view.name, list.len()))))
}
