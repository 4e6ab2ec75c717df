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
        let signed = Signed::load(tx, gathering.engine.parts.verifier.as_ref(), &ids)?;
        let mut speaking = BTreeMap::new();
        let mut tags: BTreeMap<PackageId, Vec<String>> = BTreeMap::new();
        for reference in tx.references_to(&ids)? {
            tags.entry(reference.package).or_default().push(reference.name);
        }
        for one in batch.iter_mut() {
            signed.fill(&mut one.facts);
            let (package, files) = (&one.facts.package, &one.facts.files);
            let tags = tags.remove(&package.id).unwrap_or_default();
            let format = gathering.engine.format(&package.at.format);
            let brought = format.map(|format| format.evidence(package, files, &tags)).unwrap_or_default();
            if let Some(about) = brought.speaks_of {
                let documents = brought.held.iter().map(|held| held.documents.len().saturating_sub(1)).sum();
                speaking.insert(package.id, (about, documents));
            }
        }
        speak(tx, batch, &mut speaking)?;
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

/// What says that it holds evidence and nothing else does, where all that it holds was read as such: how a signer calls it
/// takes nothing else out of what policies ask of packages. `speaking` is of what each speaks, and how many documents it has.
fn speak(
    tx: &mut dyn Tx,
    batch: &mut [Gathered],
    speaking: &mut BTreeMap<PackageId, (String, usize)>,
) -> Result<(), Problem> {
    if speaking.is_empty() {
        return Ok(());
    }
    let held = tx.evidence_held(&speaking.keys().copied().collect::<Vec<_>>())?;
    for one in batch {
        let Some((about, documents)) = speaking.remove(&one.facts.package.id) else { continue };
        let pieces = held.get(&one.facts.package.id).map(Vec::as_slice).unwrap_or_default();
        let all_read = pieces.len() >= documents && pieces.iter().all(|piece| !piece.foreign);
        one.facts.speaks_of = all_read.then_some(about);
    }
    Ok(())
}
