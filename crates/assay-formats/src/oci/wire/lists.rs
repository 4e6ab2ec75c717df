//! What there is: tags of an image, artifacts that refer to one, and the catalogue of all images.

use super::Call;
use crate::{
    kit::path::{Query, encode_segment},
    oci::{SPEC, inspect, render},
};
use assay_model::{
    Digest, Kind, Problem,
    seam::format::{Lobby, Reply},
    view::VersionView,
};
use std::collections::BTreeSet;

/// Entries of one page, unless the client asks for fewer.
const PAGE: usize = 1000;

/// How many entries the client wants, and after which.
fn page(query: &Query) -> Result<(usize, Option<&str>), Problem> {
    let n = match query.get("n") {
        None | Some("") => PAGE,
        Some(text) => text
            .parse::<usize>()
            .map(|n| n.min(PAGE))
            .map_err(|_| Problem::invalid("pagination-number-invalid", "`n` must be the number of entries wanted"))?,
    };
    Ok((n, query.get("last").filter(|last| !last.is_empty())))
}

/// The link to the page after the one that ends with `last`.
fn next(path: &str, n: usize, last: &str) -> String {
    format!("<{path}?n={n}&last={}>; rel=\"next\"", encode_segment(last))
}

/// Tags that are here, and those that upstreams have.
pub(super) async fn tags(call: &Call<'_>) -> Result<Reply, Problem> {
    let (n, last) = page(&call.query)?;
    let view = call.repo.view(&call.name).await?;
    let elsewhere = call.repo.remote_tags(&call.name).await?;
    if view.is_none() && elsewhere.is_empty() {
        return Err(Problem::new(Kind::NotFound, "name-unknown", format!("there is no image {}", call.full_name())));
    }
    let (versions, references) = match &view {
        Some(view) => (view.versions.as_slice(), view.references.as_slice()),
        None => Default::default(),
    };
    let blocked: BTreeSet<_> = versions.iter().filter(|v| v.blocked.is_some()).map(|v| v.package.id).collect();
    let (refused, shown): (Vec<_>, Vec<_>) =
        references.iter().partition(|reference| blocked.contains(&reference.package));
    let mut all: BTreeSet<&str> = elsewhere.iter().map(String::as_str).collect();
    for reference in refused {
        all.remove(reference.name.as_str());
    }
    all.extend(shown.iter().map(|reference| reference.name.as_str()));
    let mut after = all.into_iter().filter(|tag| last.is_none_or(|last| *tag > last));
    let tags: Vec<&str> = after.by_ref().take(n).collect();
    let link = match tags.last() {
        Some(last) if after.next().is_some() => Some(next(&call.location("tags/list"), n, last)),
        _ => None,
    };
    Ok(Reply::Document(render::tags(&call.full_name(), &tags, link)))
}

pub(super) async fn catalog(lobby: &dyn Lobby, query: &Query) -> Result<Reply, Problem> {
    let (n, last) = page(query)?;
    let mut names = lobby.names(last, n + 1).await?;
    let more = names.len() > n;
    names.truncate(n);
    let link = names.last().filter(|_| more).map(|last| next(&format!("/{}/_catalog", SPEC.prefix), n, last));
    Ok(Reply::Document(render::catalog(&names, link)))
}

/// An empty list when there are none, or no such image: an error would say that the registry cannot tell.
pub(super) async fn referrers(call: &Call<'_>, subject: &Digest) -> Result<Reply, Problem> {
    let wanted = call.query.get("artifactType").filter(|wanted| !wanted.is_empty());
    let view = call.repo.view(&call.name).await?;
    let versions = view.as_ref().map(|view| view.versions.as_slice()).unwrap_or_default();
    let known_as = known_as(versions, subject);
    let (manifests, last) = render::referrers(versions, &known_as, wanted, call.query.get("after"));
    let link = last.map(|last| {
        let kind = wanted.map(|wanted| format!("artifactType={}&", encode_segment(wanted))).unwrap_or_default();
        let path = call.location(&format!("referrers/{subject}"));
        format!("<{path}?{kind}after={}>; rel=\"next\"", encode_segment(&last))
    });
    Ok(Reply::Document(render::referrers_page(&manifests, wanted.is_some(), link)))
}

/// The digests that the same manifest may be referred to by.
fn known_as(versions: &[VersionView], subject: &Digest) -> BTreeSet<String> {
    let asked = subject.to_string();
    let own = versions.iter().flat_map(|version| version.files.iter().find(|file| file.role.is_some()));
    let same = own.map(|file| [file.digest.to_string(), inspect::known_as(file)]).find(|known| known.contains(&asked));
    same.into_iter().flatten().chain([asked.clone()]).collect()
}
