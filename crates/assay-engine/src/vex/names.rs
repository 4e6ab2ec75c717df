//! The names that a package goes by in statements and waivers: package URLs and digests.

use assay_model::{
    package::{File, Package, Role},
    problem::Problem,
    purl::{OCI, Purl},
    repository::Repository,
    seam::meta::Tx,
    upstream::Upstream,
    vex::{REPOSITORY_URL, VexSubject},
};

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
    names.purls.sort();
    names.purls.dedup();
    names.digests.sort();
    names.digests.dedup();
    Ok(names)
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
