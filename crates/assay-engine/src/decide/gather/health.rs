//! Loads how projects and sources fare: the scorecard of the repository that a package is made from, what the catalogues of
//! popular packages say about its name, and how fresh the sources are.

use super::{Gathered, Gathering};
use assay_model::{package::PackageId, policy::FactKind, problem::Problem, seam::meta::Tx};

/// Adds to a batch what any policy reads of it.
pub(super) fn load(tx: &mut dyn Tx, batch: &mut [Gathered], gathering: &Gathering<'_>) -> Result<(), Problem> {
    if gathering.reads.contains(&FactKind::Freshness) {
        let freshness = gathering.engine.freshness(tx, gathering.now)?;
        batch.iter_mut().for_each(|one| one.facts.freshness.clone_from(&freshness));
    }
    if !gathering.reads.contains(&FactKind::Health) {
        return Ok(());
    }
    let ids: Vec<PackageId> = batch.iter().map(|one| one.facts.package.id).collect();
    let sources = tx.package_sources(&ids)?;
    let repositories: Vec<String> = sources.values().cloned().collect();
    let cards = tx.scorecards(&repositories)?;
    for one in batch {
        let package = &one.facts.package;
        one.facts.scorecard = sources.get(&package.id).and_then(|repository| cards.get(repository)).cloned();
        let kind = gathering.engine.format(&package.at.format).and_then(|format| format.spec().ecosystem);
        if let Some(kind) = kind {
            one.facts.popularity = gathering.engine.catalogues.standing(tx, kind, &package.at.name)?;
        }
    }
    Ok(())
}
