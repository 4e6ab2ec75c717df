//! Loads what came with packages that somebody signed, checked against those who are trusted now, and for whom packages
//! were taken from upstreams.

use super::{Gathered, Gathering};
use crate::trust::Signed;
use assay_model::{package::PackageId, policy::FactKind, problem::Problem, seam::meta::Tx};
use std::collections::BTreeMap;

/// Adds to a batch what any policy reads of it.
pub(super) fn load(tx: &mut dyn Tx, batch: &mut [Gathered], gathering: &Gathering<'_>) -> Result<(), Problem> {
    let ids: Vec<PackageId> = batch.iter().map(|one| one.facts.package.id).collect();
    if gathering.reads.contains(&FactKind::Signatures) {
        let signed = Signed::load(tx, &ids)?;
        let verifier = gathering.engine.parts.verifier.as_ref();
        let mut tags: BTreeMap<PackageId, Vec<String>> = BTreeMap::new();
        for reference in tx.references_to(&ids)? {
            tags.entry(reference.package).or_default().push(reference.name);
        }
        for one in batch.iter_mut() {
            signed.fill(verifier, &mut one.facts);
            let (package, files) = (&one.facts.package, &one.facts.files);
            let tags = tags.remove(&package.id).unwrap_or_default();
            let format = gathering.engine.format(&package.at.format);
            one.facts.speaks_of = format.and_then(|format| format.evidence(package, files, &tags).speaks_of);
        }
    }
    let is_taken = |one: &&Gathered| one.facts.package.origin.is_some();
    let taken: Vec<PackageId> = batch.iter().filter(is_taken).map(|one| one.facts.package.id).collect();
    if !taken.is_empty() && gathering.reads.contains(&FactKind::Package) {
        let mut requesters = tx.requesters(&taken)?;
        for one in batch {
            one.facts.requester = requesters.remove(&one.facts.package.id);
        }
    }
    Ok(())
}
