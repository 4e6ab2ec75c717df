//! The names that a package goes by in statements and waivers: package URLs and digests; and which of its components hold
//! others.

use assay_model::{
    component::{Component, Occurrence},
    holders::holders,
    package::{File, Package, Role},
    problem::Problem,
    purl::{OCI, Purl, UNTYPED},
    repository::Repository,
    seam::meta::Tx,
    upstream::Upstream,
    vex::{REPOSITORY_URL, VexStatement, VexSubject},
};
use std::collections::BTreeSet;

/// Names of a package: what its inventories call it; an image by its name and digest.
pub(crate) fn names_of(
    tx: &mut dyn Tx,
    package: &Package,
    repository: &Repository,
    upstream: Option<&Upstream>,
    files: &[File],
) -> Result<VexSubject, Problem> {
    let mut names = VexSubject::default();
    for file in files {
        names.digests.push(file.digest.to_string());
        match file.role {
            Some(Role::File) => {
                let Some(stored) = tx.inventory(&file.digest, Role::File)? else { continue };
                let own = stored.inventory.components.into_iter().filter(|found| found.is_subject);
                names.purls.extend(own.map(|found| found.component.purl));
            }
            Some(Role::Image) => names.purls.extend(image_purls(package, repository, upstream, file)),
            Some(Role::Layer) | None => {}
        }
    }
    if names.purls.is_empty() {
        let (name, version) = (package.at.name.as_str(), package.at.version.as_str());
        names.purls.extend(Purl::builder(UNTYPED, name).version(version).build().map(String::from));
    }
    names.purls.sort();
    names.purls.dedup();
    names.digests.sort();
    names.digests.dedup();
    Ok(names)
}

/// Notes which components of a package hold those with findings, where statements have a product that is a component of it.
/// Inventories are read only then.
pub(crate) fn note_holders<'a>(
    tx: &mut dyn Tx,
    names: &mut VexSubject,
    files: &[File],
    statements: &[&VexStatement],
    with_findings: impl Iterator<Item = &'a Component>,
) -> Result<(), Problem> {
    let Some(package) = files.first().map(|file| file.package) else { return Ok(()) };
    let products = statements.iter().flat_map(|one| &one.products).flat_map(|product| &product.purls);
    let products: Vec<Purl> =
        products.filter_map(|purl| purl.parse().ok()).filter(|p: &Purl| p.kind() != OCI).collect();
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let near = |purl: &str| products.iter().any(|one| !plain(one.name()) || purl.contains(one.name()));
    let may_hold = |purl: &str| near(purl) && statements.iter().any(|one| one.names(purl));
    if products.is_empty() {
        return Ok(());
    }
    let inside = tx.components_of(&[package])?.remove(&package).unwrap_or_default();
    if !inside.iter().any(|stored| may_hold(&stored.component.purl)) {
        return Ok(());
    }
    let mut all: Vec<Occurrence> = Vec::new();
    for file in files {
        let Some(role) = file.role.filter(|role| *role != Role::Layer) else { continue };
        all.extend(tx.inventory(&file.digest, role)?.into_iter().flat_map(|stored| stored.inventory.components));
    }
    let parts: BTreeSet<&str> = with_findings.map(|component| component.purl.as_str()).collect();
    names.within = holders(&all, may_hold, &parts);
    Ok(())
}

/// `pkg:oci/app@sha256:…` by itself, under its path here, and where it was taken from.
fn image_purls(package: &Package, repository: &Repository, upstream: Option<&Upstream>, file: &File) -> Vec<String> {
    let name = package.at.name.as_str();
    let last = name.rsplit('/').next().unwrap_or(name);
    let here = format!("{}/{name}", repository.name);
    let there = upstream.map(|upstream| {
        let url = upstream.settings.url.as_str();
        let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
        format!("{}/{name}", bare.trim_end_matches('/'))
    });
    let places = [None, Some(here), there.clone()].into_iter().enumerate();
    let purl = |(index, place): (usize, Option<String>)| {
        let builder = Purl::builder(OCI, last).version(file.digest.to_string());
        match (index, place) {
            (0, _) => builder.build().ok(),
            (_, Some(place)) => builder.qualifier(REPOSITORY_URL, place).build().ok(),
            (_, None) => None,
        }
    };
    places.filter_map(purl).map(String::from).collect()
}
