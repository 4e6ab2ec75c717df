//! What people said of packages: own tags, corrected licences, approvals. Loaded for a batch, whatever policies read: the
//! standing depends on it.

use assay_model::{
    facts::Facts,
    overrides::{Approval, LicenseCorrection},
    package::PackageId,
    problem::Problem,
    seam::meta::Tx,
};
use std::collections::{BTreeMap, BTreeSet};

/// Of a batch of packages.
pub(super) struct Said {
    tags: BTreeMap<PackageId, BTreeSet<String>>,
    licenses: BTreeMap<PackageId, LicenseCorrection>,
    approvals: BTreeMap<PackageId, Vec<Approval>>,
}

impl Said {
    pub(super) fn load(tx: &mut dyn Tx, packages: &[PackageId]) -> Result<Self, Problem> {
        Ok(Self {
            tags: tx.own_tags(packages)?,
            licenses: tx.corrected_licenses(packages)?,
            approvals: tx.approvals_of(packages)?,
        })
    }

    /// Tags that a package has by itself, where operators said so.
    pub(super) fn own_tags(&self, package: PackageId) -> Option<&BTreeSet<String>> {
        self.tags.get(&package)
    }

    pub(super) fn approvals(&self, package: PackageId) -> Vec<Approval> {
        self.approvals.get(&package).cloned().unwrap_or_default()
    }

    /// Puts the corrected licence in the place of the declared one.
    pub(super) fn correct(&self, facts: &mut Facts) {
        let Some(said) = self.licenses.get(&facts.package.id) else { return };
        for subject in facts.components.iter_mut().filter(|found| found.is_subject) {
            subject.licenses = vec![said.expression.clone()];
        }
        facts.corrected = Some(said.clone());
    }
}
