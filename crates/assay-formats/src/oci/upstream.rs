//! Other registries that speak the distribution API: which tags a name has, and what a tag or digest stands for. The token
//! flow is the transport's. An index of several platforms is one version, whose only file is itself; its images are found
//! when they are asked for by digest. Layers that registries do not distribute are left out.

use super::{
    inspect::{ACCEPT, MANIFEST, Manifest},
    names,
};
use crate::kit::upstream::unusable;
use assay_model::{
    Digest, Problem,
    seam::{
        Task,
        machine::{Detected, Machine},
        upstream::{Complete, Everything, Origin, Remote, RemoteDocument, RemoteFile, RemoteIndex, RemoteVersion},
    },
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Tags that are listed of one name, and pages read for them.
const TAGS: usize = 20_000;
const PAGES: usize = 200;

/// What the format knows of other registries.
pub(super) static REMOTE: Registry = Registry;

/// A registry that speaks the distribution API.
pub(super) struct Registry;

/// Where an upstream has a name: the address up to and without the last `/`.
///
/// The path of an upstream's address is put before all names. A path that begins with `/_/` is the namespace of those
/// names alone that have none of their own, as the clients of public hubs know it.
fn place(base: &str, name: &str) -> String {
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.trim_matches('/');
    let namespace = match path.strip_prefix("_/") {
        Some(_) if name.contains('/') => "",
        Some(default) => default,
        None => path,
    };
    let slash = if namespace.is_empty() { "" } else { "/" };
    format!("{scheme}://{authority}/v2/{namespace}{slash}{name}")
}

#[derive(Deserialize)]
struct TagPage {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

async fn tags(origin: &dyn Origin, name: &str) -> Result<Option<Vec<String>>, Problem> {
    let mut tags = BTreeSet::new();
    let mut address = format!("{}/tags/list?n=1000", place(origin.base(), name));
    for page in 0..PAGES {
        let Some(document) = origin.document(&address, "application/json").await? else {
            return Ok((page > 0).then(|| tags.into_iter().collect()));
        };
        let listed: TagPage =
            serde_json::from_slice(&document.body).map_err(|error| unusable("list of tags", error))?;
        tags.extend(listed.tags.unwrap_or_default().into_iter().filter(|tag| names::check_tag(tag).is_ok()));
        match next(&address, &document) {
            Some(after) if tags.len() < TAGS => address = after,
            _ => break,
        }
    }
    Ok(Some(tags.into_iter().take(TAGS).collect()))
}

/// The address of the next page: the target of `Link: <...>; rel="next"`, on the same host.
fn next(address: &str, document: &RemoteDocument) -> Option<String> {
    let link = document.headers.get("link")?;
    let (target, relation) = link.strip_prefix('<')?.split_once('>')?;
    if !relation.contains("next") {
        return None;
    }
    let here = url::Url::parse(address).ok()?;
    let there = here.join(target).ok()?;
    (there.origin() == here.origin() && there != here).then(|| there.to_string())
}

async fn find(origin: &dyn Origin, name: &str, what: &str) -> Result<Option<RemoteVersion>, Problem> {
    let wanted = what.contains(':').then(|| names::digest(what)).transpose()?;
    if wanted.is_none() {
        names::check_tag(what)?;
    }
    let base = place(origin.base(), name);
    let Some(document) = origin.document(&format!("{base}/manifests/{what}"), ACCEPT).await? else { return Ok(None) };
    if document.body.len() > MANIFEST {
        return Err(unusable("manifest", format!("it is larger than {MANIFEST} bytes")));
    }
    if let Some(wanted) = wanted.filter(names::is_own)
        && wanted != Digest::of(&document.body)
    {
        return Err(unusable("manifest", format!("{wanted} was asked for, and other bytes came")));
    }
    let media_type = Some(document.media_type.as_str()).filter(|text| !text.is_empty());
    let manifest = Manifest::parse(&document.body, media_type).map_err(|problem| unusable("manifest", problem))?;
    manifest.remote(name, &document.body, &base).map(Some)
}

#[derive(Deserialize)]
struct Catalogue {
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

/// The names below the namespace that the upstream's address has.
async fn catalogue(origin: &dyn Origin) -> Result<Option<Vec<String>>, Problem> {
    let start = place(origin.base(), "_catalog");
    let (root, below) = start.split_once("/v2/").unwrap_or((&start, ""));
    let namespace = below.strip_suffix("_catalog").unwrap_or_default().to_owned();
    let mut address = format!("{root}/v2/_catalog?n=1000");
    let mut names = BTreeSet::new();
    for page in 0..PAGES {
        let Some(document) = origin.document(&address, "application/json").await? else {
            return Ok((page > 0).then(|| names.into_iter().collect()));
        };
        let listed: Catalogue = serde_json::from_slice(&document.body).map_err(|error| unusable("catalogue", error))?;
        let all = listed.repositories.unwrap_or_default();
        let mine = all.iter().filter_map(|name| name.strip_prefix(&namespace));
        names.extend(mine.filter(|name| names::check_name(name).is_ok()).map(str::to_owned));
        match next(&address, &document) {
            Some(after) => address = after,
            None => break,
        }
    }
    Ok(Some(names.into_iter().collect()))
}

#[derive(Deserialize)]
struct Referrers {
    #[serde(default)]
    manifests: Vec<Referrer>,
}

#[derive(Deserialize)]
struct Referrer {
    digest: String,
}

/// Digests of the manifests that refer to one. Registries that cannot tell say nothing here; their clients use tags.
async fn referrers(origin: &dyn Origin, name: &str, digest: &str) -> Result<Vec<String>, Problem> {
    let mut address = format!("{}/referrers/{digest}", place(origin.base(), name));
    let mut found = Vec::new();
    for _ in 0..PAGES {
        let asked = origin.document(&address, "application/vnd.oci.image.index.v1+json").await;
        let Ok(Some(document)) = asked else { break };
        let Ok(listed) = serde_json::from_slice::<Referrers>(&document.body) else { break };
        found.extend(listed.manifests.into_iter().map(|one| one.digest).filter(|digest| names::digest(digest).is_ok()));
        match next(&address, &document) {
            Some(after) if found.len() < TAGS => address = after,
            _ => break,
        }
    }
    Ok(found)
}

impl Remote for Registry {
    fn detect(&self, machine: &dyn Machine) -> Vec<Detected> {
        super::detect::detect(machine)
    }

    fn greeting(&self, base: &str) -> String {
        let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
        format!("{scheme}://{}/v2/", rest.split('/').next().unwrap_or_default())
    }

    /// Which digest a tag stands for is known only when it is asked for, so there is no index.
    fn index<'a>(&'a self, _origin: &'a dyn Origin, _name: &'a str) -> Task<'a, Option<RemoteIndex>> {
        Box::pin(async { Ok(None) })
    }

    fn find<'a>(&'a self, origin: &'a dyn Origin, name: &'a str, what: &'a str) -> Task<'a, Option<RemoteVersion>> {
        Box::pin(find(origin, name, what))
    }

    /// Manifests have their digest as path.
    fn locate<'a>(
        &'a self,
        origin: &'a dyn Origin,
        name: &'a str,
        path: &'a str,
    ) -> Task<'a, Option<(RemoteVersion, RemoteFile)>> {
        Box::pin(async move {
            if names::digest(path).is_err() {
                return Ok(None);
            }
            let Some(version) = find(origin, name, path).await? else { return Ok(None) };
            let file = version.files.iter().find(|file| file.path == path).cloned();
            Ok(file.map(|file| (version, file)))
        })
    }

    fn spelled(&self, name: &str) -> Result<String, Problem> {
        names::check_name(name).map(|()| name.to_owned())
    }

    fn catalogue<'a>(&'a self, origin: &'a dyn Origin) -> Task<'a, Option<Vec<String>>> {
        Box::pin(catalogue(origin))
    }

    fn everything<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<Everything>> {
        Box::pin(async move {
            let tags = tags(origin, name).await?;
            Ok(tags.map(|asks| Everything { asks, ..Everything::default() }))
        })
    }

    /// The images of an index come before it, what refers to it comes after it. What is referred to by tags is found by
    /// them.
    fn complete<'a>(&'a self, origin: &'a dyn Origin, name: &'a str, version: RemoteVersion) -> Task<'a, Complete> {
        Box::pin(async move {
            let listed = version.metadata.get("manifests").and_then(Value::as_array);
            let digests = listed.into_iter().flatten().filter_map(|part| part.get("digest")?.as_str());
            let before = digests.map(str::to_owned).collect();
            let after = referrers(origin, name, &version.version).await?;
            Ok(Complete { before, after, ..version.into() })
        })
    }

    fn tags<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<Vec<String>>> {
        Box::pin(tags(origin, name))
    }
}
