//! One image from its layers (OCI image specification, "Applying changesets").
//!
//! A package database is rewritten whole by each layer that installs something. What it says replaces what the lower
//! one said; a package that stood there before in the same version keeps the layer that first brought it.

use std::collections::{BTreeSet, HashMap, HashSet};

use assay_model::component::Occurrence;
use assay_model::digest::Digest;
use assay_model::inventory::{Inventory, LicenseFile, OsRelease, Read, Secret, Skipped, Whiteout};

use super::place::outermost;
use super::release::{settle, tell_unmatchable};
use crate::component;

#[derive(Default)]
struct Image {
    components: Vec<Occurrence>,
    releases: Vec<OsRelease>,
    skipped: Vec<Skipped>,
    secrets: Vec<Secret>,
    licenses: Vec<LicenseFile>,
    read: Vec<Read>,
    analyzers: BTreeSet<String>,
    files_seen: u64,
}

/// Lowest layer first.
pub(super) fn compose(layers: &[(Digest, Inventory)]) -> Inventory {
    let mut image = Image::default();
    for (digest, layer) in layers {
        image.add(digest, layer);
    }
    let mut out = Inventory {
        components: image.components,
        analyzers: image.analyzers,
        files_seen: image.files_seen,
        skipped: image.skipped,
        secrets: image.secrets,
        licenses: image.licenses,
        read: image.read,
        releases: image.releases,
        ..Inventory::default()
    };
    settle(&mut out);
    out.releases.clear();
    keep_owners(&mut out);
    // What nobody wanted to look at is left out of every layer.
    let mut told = HashSet::new();
    out.skipped.retain(|one| told.insert((one.path.clone(), one.reason.clone(), one.detail.clone())));
    tell_unmatchable(&mut out);
    out.sort();
    out
}

/// A file that a lower layer brought is still owned by a package that an upper layer upgraded; by none if that was removed.
fn keep_owners(out: &mut Inventory) {
    let owners = out.components.iter().filter(|found| component::is_distribution(&found.component));
    let purls: HashSet<String> = owners.clone().map(|found| found.component.purl.clone()).collect();
    let by_name: HashMap<String, String> =
        owners.map(|found| (unversioned(&found.component.purl).to_owned(), found.component.purl.clone())).collect();
    for found in &mut out.components {
        found.owned_by = found.owned_by.take().and_then(|owner| match purls.contains(&owner) {
            true => Some(owner),
            false => by_name.get(unversioned(&owner)).cloned(),
        });
    }
}

/// A package URL up to its version.
fn unversioned(purl: &str) -> &str {
    purl.split('@').next().unwrap_or(purl)
}

/// What makes two occurrences the same package in the same place.
fn key(found: &Occurrence) -> (&str, &str, &str, &str) {
    (&found.path, &found.analyzer, &found.component.name, &found.component.version)
}

impl Image {
    fn add(&mut self, digest: &Digest, layer: &Inventory) {
        let hidden = Hidden::new(&layer.whiteouts);
        self.releases.retain(|found| !hidden.covers(&found.path));
        self.skipped.retain(|skipped| skipped.path.is_empty() || !hidden.covers(&skipped.path));
        let (covered, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.components).into_iter().partition(|found| hidden.covers(&found.path));
        self.components = kept;
        let origins: HashMap<_, _> = covered.iter().map(|found| (key(found), &found.layer)).collect();
        for found in &layer.components {
            let mut found = found.clone();
            let origin = origins.get(&key(&found)).and_then(|origin| (*origin).clone());
            found.layer = Some(origin.unwrap_or_else(|| digest.as_str().to_owned()));
            self.components.push(found);
        }
        self.releases.extend(layer.releases.iter().cloned());
        self.read.retain(|read| !hidden.covers(&read.path));
        self.read.extend(layer.read.iter().cloned());
        self.licenses.retain(|license| !hidden.covers(&license.path));
        let of_layer = || Some(digest.as_str().to_owned());
        self.licenses.extend(layer.licenses.iter().cloned().map(|found| LicenseFile { layer: of_layer(), ..found }));
        // Whoever has the image has all its layers, also what a later one deletes.
        self.secrets.extend(layer.secrets.iter().cloned().map(|found| Secret { layer: of_layer(), ..found }));
        self.skipped.extend(layer.skipped.iter().cloned());
        self.analyzers.extend(layer.analyzers.iter().cloned());
        self.files_seen += layer.files_seen;
    }
}

/// The paths of lower layers that a layer hides.
struct Hidden<'a> {
    removed: BTreeSet<&'a str>,
    emptied: BTreeSet<&'a str>,
}

impl<'a> Hidden<'a> {
    fn new(whiteouts: &'a [Whiteout]) -> Self {
        let of = |opaque: bool| {
            whiteouts.iter().filter(move |whiteout| whiteout.opaque == opaque).map(|whiteout| whiteout.path.as_str())
        };
        Self { removed: of(false).collect(), emptied: of(true).collect() }
    }

    fn covers(&self, path: &str) -> bool {
        // What lies in an archive goes with it.
        let path = outermost(path);
        let mut above = path;
        loop {
            if self.removed.contains(above) || above != path && self.emptied.contains(above) {
                return true;
            }
            match above.rsplit_once('/') {
                Some((folder, _)) => above = folder,
                // The root itself can be made opaque.
                None => return self.emptied.contains(""),
            }
        }
    }
}
