//! Ports of what people say of single packages: overrides of the state, own tags, corrected licences, approvals. Part of
//! the metadata store like the ports in [`super::meta`].

use crate::{
    overrides::{Approval, ApprovalStatus, LicenseCorrection},
    package::PackageId,
    problem::Problem,
    repository::RepositoryId,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

type R<T> = Result<T, Problem>;

/// Which packages to list.
#[derive(Clone, Debug, Default)]
pub struct PersonalFilter {
    /// In these repositories; `None` means all.
    pub repositories: Option<Vec<RepositoryId>>,
    /// After this package (ids descend).
    pub before: Option<PackageId>,
    /// At most this many.
    pub limit: usize,
}

/// What operators set on packages.
pub trait Overrides {
    /// Packages whose state an operator forces, the highest id first.
    fn overridden(&mut self, filter: &PersonalFilter) -> R<Vec<PackageId>>;
    /// Keeps the tags that a package has apart from those that policies add and remove.
    fn put_own_tags(&mut self, package: PackageId, tags: &BTreeSet<String>) -> R<()>;
    /// Own tags of those of these packages for which they were kept.
    fn own_tags(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, BTreeSet<String>>>;
    /// Corrects the licence, or takes the correction back; says whether there was one before.
    fn correct_license(&mut self, package: PackageId, correction: Option<&LicenseCorrection>) -> R<bool>;
    /// Corrections of those of these packages that have one.
    fn corrected_licenses(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, LicenseCorrection>>;
    /// Packages that policies deleted and whose files are still there, decided before `before`, the lowest id first.
    fn deleted_by_policies(&mut self, before: Timestamp, limit: usize) -> R<Vec<PackageId>>;
}

/// Requests for approval.
pub trait Approvals {
    /// Writes one; replaces the one of the same package and policy.
    fn put_approval(&mut self, approval: &Approval) -> R<()>;
    /// All of these packages.
    fn approvals_of(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Vec<Approval>>>;
    /// Those of a status, or all; the highest package id first, then by policy.
    fn approvals(&mut self, status: Option<ApprovalStatus>, filter: &PersonalFilter) -> R<Vec<Approval>>;
}
