//! Ports of what is known of projects and packages apart from advisories: scorecards, popularity, and which source
//! repository a package comes from. Part of the metadata store like the ports in [`super::meta`].

use super::meta::Change;
use crate::{
    health::{Popularity, Scorecard},
    package::PackageId,
    problem::Problem,
};
use jiff::Timestamp;
use std::collections::BTreeMap;

type R<T> = Result<T, Problem>;

/// Scorecards by source repository.
pub trait ScorecardTable {
    /// Writes those that differ and are not older than what is there; gives what happened to each, in order. A changed
    /// day alone is written and is no change.
    fn put_scorecards(&mut self, cards: &[Scorecard]) -> R<Vec<Change>>;
    /// By repository, those that there are.
    fn scorecards(&mut self, repositories: &[String]) -> R<BTreeMap<String, Scorecard>>;
    /// All after this repository, in order.
    fn scorecards_after(&mut self, after: &str, limit: usize) -> R<Vec<Scorecard>>;
    /// Removes those of these repositories.
    fn remove_scorecards(&mut self, repositories: &[String]) -> R<()>;
}

/// Catalogues of popular packages.
pub trait PopularityTable {
    /// Writes those that differ; gives what happened to each, in order.
    fn put_popularity(&mut self, entries: &[Popularity]) -> R<Vec<Change>>;
    /// The catalogue of a type, by name.
    fn popularity(&mut self, purl_type: &str) -> R<Vec<Popularity>>;
    /// Removes these names of a type.
    fn remove_popularity(&mut self, purl_type: &str, names: &[String]) -> R<()>;
}

/// Advisories that take effect by themselves ([`crate::advisory::Advisory::effective_at`]).
pub trait ComingAdvisories {
    /// Notes by source and id when they do; nothing for those that are not waited for any longer.
    fn put_advisories_due(&mut self, due: &[(String, String, Option<Timestamp>)]) -> R<()>;
    /// Source and id of those that are due, the longest due first.
    fn advisories_due(&mut self, now: Timestamp, limit: usize) -> R<Vec<(String, String)>>;
    /// When the next one is.
    fn next_advisory_due(&mut self) -> R<Option<Timestamp>>;
}

/// Which source repository a package is made from, by its own metadata.
pub trait PackageSources {
    /// Notes it, or that none is known; writes nothing where that is known already.
    fn set_package_source(&mut self, package: PackageId, repository: Option<&str>) -> R<()>;
    /// Of these packages.
    fn package_sources(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, String>>;
    /// Packages, not deleted, that are made from any of these.
    fn packages_from(&mut self, repositories: &[String]) -> R<Vec<PackageId>>;
    /// All that occur, in order, after `after`.
    fn source_repositories(&mut self, after: &str, limit: usize) -> R<Vec<String>>;
    /// Packages, not deleted, of any repository with these names.
    fn packages_called(&mut self, format: &str, names: &[String]) -> R<Vec<PackageId>>;
    /// Distinct names of packages of a format, not deleted, in order, after `after`.
    fn names_of_format(&mut self, format: &str, after: &str, limit: usize) -> R<Vec<String>>;
}
