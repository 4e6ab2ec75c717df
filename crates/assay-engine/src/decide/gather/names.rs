//! Facts that come with a package rather than from what is in it: the names that point to it, when it was last downloaded,
//! and how old the installation is. Each is read only for policies that read it.

use assay_model::{
    facts::Facts,
    keeping::Downloads,
    package::{PackageId, Reference},
    policy::FactKind,
    problem::Problem,
    seam::meta::Tx,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Those facts for a batch of packages.
#[derive(Default)]
pub(super) struct Names {
    references: BTreeMap<PackageId, Vec<Reference>>,
    downloads: BTreeMap<PackageId, Downloads>,
    since: Option<Timestamp>,
}

impl Names {
    pub(super) fn load(tx: &mut dyn Tx, ids: &[PackageId], reads: &BTreeSet<FactKind>) -> Result<Self, Problem> {
        let mut names = Self::default();
        if reads.contains(&FactKind::Tags) {
            for reference in tx.references_to(ids)? {
                names.references.entry(reference.package).or_default().push(reference);
            }
        }
        if reads.contains(&FactKind::Downloads) {
            names.downloads = tx.downloads_of(ids)?;
        }
        if reads.contains(&FactKind::Repository) {
            names.since = tx.repositories()?.iter().map(|repository| repository.created_at).min();
        }
        Ok(names)
    }

    pub(super) fn fill(&mut self, facts: &mut Facts) {
        facts.references = self.references.remove(&facts.package.id).unwrap_or_default();
        facts.last_downloaded_at = self.downloads.get(&facts.package.id).and_then(|downloads| downloads.last);
        facts.workspace_since = self.since;
    }
}
