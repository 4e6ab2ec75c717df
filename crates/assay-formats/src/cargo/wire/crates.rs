//! What the web API does with crates that are there: yank, owners, search.

use super::no_crate;
use crate::{
    cargo::{line, names, render},
    kit::path::Query,
};
use assay_model::{
    Kind, Problem,
    access::Caller,
    seam::format::{Claim, Reply, Repo},
};
use serde_json::Value;

/// Hits of one page, and the most that can be asked for.
const PER_PAGE: usize = 10;
const MOST: usize = 100;

pub(super) async fn set_yanked(repo: &dyn Repo, name: &str, version: &str, yanked: bool) -> Result<Reply, Problem> {
    let missing = || no_crate(repo, name);
    let lower = names::normalise(name).map_err(|_| missing())?;
    let wanted = names::version(version)?.to_string();
    let view = repo.view(&lower).await?.ok_or_else(missing)?;
    let found = view.versions.iter().find(|there| there.package.at.version == wanted);
    let found = found.ok_or_else(|| Problem::not_found(format!("crate `{name}` has no version {wanted} here")))?;
    let package = &found.package;
    if found.files.is_empty() || package.origin.is_some() {
        return Err(Problem::new(
            Kind::Forbidden,
            "not-published-here",
            format!("{lower} {wanted} was published at an upstream; only there can it be yanked"),
        ));
    }
    let mut metadata = package.metadata.clone();
    if let Value::Object(kept) = &mut metadata {
        kept.insert(line::YANKED.into(), yanked.into());
    }
    repo.publish(Claim {
        name: lower,
        version: wanted,
        metadata,
        files: Vec::new(),
        references: Vec::new(),
        published_at: package.published_at,
        replaces_others: false,
        replaces_files: false,
    })
    .await?;
    Ok(Reply::Answer(render::done()))
}

pub(super) async fn owners(repo: &dyn Repo, name: &str) -> Result<Reply, Problem> {
    let lower = names::normalise(name).map_err(|_| no_crate(repo, name))?;
    let view = repo.view(&lower).await?.ok_or_else(|| no_crate(repo, name))?;
    Ok(Reply::Document(render::owners(&view)))
}

/// What a request to change owners is told.
pub(super) fn no_owners(repo: &dyn Repo) -> Problem {
    if matches!(repo.caller(), Caller::Anonymous) {
        return Problem::new(Kind::Unauthenticated, "unauthenticated", "authentication required");
    }
    let repository = repo.repository();
    Problem::new(
        Kind::Forbidden,
        "no-owners",
        format!(
            "crates have no owners here: whoever has a token with `write` on repository {repository} publishes and yanks; \
             an administrator makes one with `assay tokens create NAME --permission write --repository {repository}`"
        ),
    )
}

pub(super) async fn search(repo: &dyn Repo, query: &Query) -> Result<Reply, Problem> {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let per_page = number("per_page").unwrap_or(PER_PAGE).clamp(1, MOST);
    let skip = number("page").unwrap_or(1).saturating_sub(1).saturating_mul(per_page);
    let (names, total) = repo.search(query.get("q").unwrap_or_default(), skip, per_page).await?;
    let mut views = Vec::with_capacity(names.len());
    for name in names {
        views.extend(repo.view(&name).await?);
    }
    Ok(Reply::Document(render::search(views.iter().map(AsRef::as_ref), total)))
}
