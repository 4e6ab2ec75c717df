//! What can be changed afterwards: deprecations, dist-tags, and taking versions back.

use super::{
    super::{
        inspect::Document,
        names::{self, Name},
        render,
    },
    unsupported, view,
};
use crate::kit::body;
use assay_model::{
    Kind, Problem,
    seam::{
        ByteStream,
        format::{Claim, Reply, Repo, Withdraw},
    },
    view::{PackageView, VersionView},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Bytes of a version as the body of a request, and of a deprecation.
const VERSION: usize = 1 << 10;
const DEPRECATION: usize = 10 << 10;

fn done() -> Reply {
    Reply::Answer(render::say(201, &json!({ "ok": true, "success": true })))
}

/// A version's claim with other metadata or more dist-tags, and no new files.
fn amended(version: &VersionView, metadata: Value, references: Vec<String>) -> Claim {
    let at = &version.package.at;
    Claim {
        name: at.name.clone(),
        version: at.version.clone(),
        metadata,
        files: Vec::new(),
        references,
        published_at: version.package.published_at,
        replaces_others: false,
        replaces_files: false,
    }
}

/// Takes over what a client changed in a packument that it read before. Without a revision nothing is removed.
pub(super) async fn edit(
    repo: &dyn Repo,
    name: &Name,
    revision: Option<&str>,
    document: &Document,
) -> Result<Reply, Problem> {
    let Some(versions) = &document.versions else {
        let what = if document.users.is_some() { "stars" } else { "owners" };
        let what = if document.maintainers.is_some() { "owners" } else { what };
        return Err(unsupported(format!(
            "{what} are not kept here; who may publish is said by tokens and their permissions"
        )));
    };
    let view = view(repo, name).await?;
    let mut changes: Vec<Claim> = Vec::new();
    for version in &view.versions {
        let said = versions.get(&version.package.at.version).map(|manifest| manifest.get("deprecated"));
        if let Some(metadata) = said.and_then(|said| deprecated(&version.package.metadata, said)).transpose()? {
            changes.push(amended(version, metadata, Vec::new()));
        }
    }
    match revision {
        Some(revision) => {
            check_revision(&view, revision)?;
            remove_absent(repo, &view, versions).await?;
            for (tag, version) in document.tags.iter().flatten() {
                point(&view, tag, version, &mut changes)?;
            }
        }
        None if changes.is_empty() && document.users.is_some() => {
            return Err(unsupported("stars are not kept here"));
        }
        None => {}
    }
    for claim in changes {
        if versions.contains_key(&claim.version) {
            repo.publish(claim).await?;
        }
    }
    Ok(done())
}

/// The metadata with the deprecation that a client wants, where that is another one.
fn deprecated(metadata: &Value, said: Option<&Value>) -> Option<Result<Value, Problem>> {
    let wanted = match said {
        None | Some(Value::Null | Value::Bool(false)) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::Bool(true)) => Some("this version is deprecated"),
        Some(Value::String(text)) if text.len() <= DEPRECATION => Some(text.as_str()),
        Some(_) => {
            let message = format!("`deprecated` is a text of at most {DEPRECATION} bytes");
            return Some(Err(Problem::invalid("bad-document", message)));
        }
    };
    let before = metadata.get("deprecated").and_then(Value::as_str);
    if wanted == before {
        return None;
    }
    let mut metadata = metadata.clone();
    if let Value::Object(fields) = &mut metadata {
        match wanted {
            Some(text) => drop(fields.insert("deprecated".into(), text.into())),
            None => drop(fields.remove("deprecated")),
        }
    }
    Some(Ok(metadata))
}

/// Removes the versions that a client took out of the packument it read.
async fn remove_absent<V>(repo: &dyn Repo, view: &PackageView, versions: &BTreeMap<String, V>) -> Result<(), Problem> {
    for version in &view.versions {
        let at = &version.package.at;
        if version.package.id.0 != 0 && !versions.contains_key(&at.version) {
            repo.withdraw(Withdraw::Version { name: at.name.clone(), version: at.version.clone() }).await?;
        }
    }
    Ok(())
}

/// Adds the claim that points a dist-tag somewhere else, unless it points there.
fn point(view: &PackageView, tag: &str, to: &str, changes: &mut Vec<Claim>) -> Result<(), Problem> {
    names::tag(tag)?;
    if view.references.iter().any(|reference| reference.name == tag && reference.version == to) {
        return Ok(());
    }
    let version = view.versions.iter().find(|version| version.package.at.version == to).ok_or_else(|| {
        Problem::not_found(format!("there is no version {} of `{}` to tag", names::shown(to), view.name))
    })?;
    match changes.iter_mut().find(|claim| claim.version == to) {
        Some(claim) => claim.references.push(tag.to_owned()),
        None => changes.push(amended(version, version.package.metadata.clone(), vec![tag.to_owned()])),
    }
    Ok(())
}

/// Of two clients that edit at once, the second reads again.
fn check_revision(view: &PackageView, revision: &str) -> Result<(), Problem> {
    if revision == render::revision(view) {
        return Ok(());
    }
    let message = format!("`{}` was changed meanwhile; read it again and repeat the change", view.name);
    Err(Problem::new(Kind::Conflict, "stale-revision", message))
}

/// Removes the whole package.
pub(super) async fn unpublish(repo: &dyn Repo, name: &Name, revision: &str) -> Result<Reply, Problem> {
    let view = view(repo, name).await?;
    check_revision(&view, revision)?;
    remove_absent::<()>(repo, &view, &BTreeMap::new()).await?;
    Ok(done())
}

/// The archive of a version that was taken out of the packument just before is gone already. One that is still listed
/// goes with its version: there is none without an archive.
pub(super) async fn remove_archive(repo: &dyn Repo, name: &Name, file: &str) -> Result<Reply, Problem> {
    let version = name.version_in(file, ".tgz").ok_or_else(|| {
        Problem::not_found(format!("there is no archive `{}` of `{}`", names::shown(file), name.as_str()))
    })?;
    repo.withdraw(Withdraw::Version { name: name.as_str().to_owned(), version: version.to_owned() }).await?;
    Ok(done())
}

pub(super) async fn set_tag(repo: &dyn Repo, name: &Name, tag: &str, body: ByteStream) -> Result<Reply, Problem> {
    let body = body::collect(body, VERSION, "the version").await?;
    let version: String = serde_json::from_slice(&body)
        .map_err(|_| Problem::invalid("bad-document", "the body is not a version as a JSON text"))?;
    let view = view(repo, name).await?;
    let mut changes = Vec::new();
    point(&view, tag, &version, &mut changes)?;
    for claim in changes {
        repo.publish(claim).await?;
    }
    Ok(done())
}

pub(super) async fn remove_tag(repo: &dyn Repo, name: &Name, tag: &str) -> Result<Reply, Problem> {
    if tag == "latest" {
        return Err(Problem::invalid("bad-tag", "`latest` cannot be removed; point it to another version"));
    }
    let reference = Withdraw::Reference { name: name.as_str().to_owned(), reference: tag.to_owned() };
    if !repo.withdraw(reference).await? {
        return Err(Problem::not_found(format!("`{}` has no dist-tag `{}`", name.as_str(), names::shown(tag))));
    }
    Ok(done())
}
