//! What there is: tags of an image, artifacts that refer to one, and the catalogue of all images.

use super::Call;
use crate::{
    kit::path::{Query, encode_segment},
    oci::{SPEC, render},
};
use assay_model::{
    Digest, Kind, Problem,
    seam::format::{Lobby, Reply},
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

pub(super) async fn tags(call: &Call<'_>) -> Result<Reply, Problem> {
    let (n, last) = page(&call.query)?;
    let view = call.repo.view(&call.name).await?.ok_or_else(|| {
        Problem::new(Kind::NotFound, "name-unknown", format!("there is no image {}", call.full_name()))
    })?;
    let blocked: BTreeSet<_> = view.versions.iter().filter(|v| v.blocked.is_some()).map(|v| v.package.id).collect();
    let all: BTreeSet<&str> = view
        .references
        .iter()
        .filter(|reference| !blocked.contains(&reference.package))
        .map(|reference| reference.name.as_str())
        .collect();
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
    Ok(Reply::Document(render::referrers(versions, subject, wanted)))
}
