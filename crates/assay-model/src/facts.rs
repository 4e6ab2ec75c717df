//! Everything a policy can read about one package, gathered by the engine. The versioned input document is made from it
//! in `assay-policy`; nothing here knows Rego.

use crate::{
    advisory::Advisory,
    component::{Component, Occurrence},
    finding::Finding,
    inventory::{LicenseFile, OsRelease, Secret, Skipped},
    package::{File, Package},
    repository::Repository,
    score::Scores,
    upstream::Upstream,
};
use jiff::Timestamp;

/// The facts about one package at one moment.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The package, with its own tags (those of publishers and operators, not those that policies added).
    pub package: Package,
    /// Its files.
    pub files: Vec<File>,
    /// Where it lives.
    pub repository: Repository,
    /// The upstream that it came from, if that is still configured.
    pub upstream: Option<Upstream>,
    /// Name of the installation.
    pub workspace: String,
    /// All components of its inventories, in rendering order.
    pub components: Vec<Occurrence>,
    /// Operating system, for images.
    pub os: Option<OsRelease>,
    /// Secrets in its files, redacted.
    pub secrets: Vec<Secret>,
    /// Licences that its files contain or state.
    pub licenses: Vec<LicenseFile>,
    /// What was not read.
    pub skipped: Vec<Skipped>,
    /// Whether every file with a role has an inventory.
    pub inventoried: bool,
    /// When the last inventory was made.
    pub inventoried_at: Option<Timestamp>,
    /// Findings with their components, worst first.
    pub findings: Vec<(Component, Finding)>,
    /// Scores of the findings' ids.
    pub scores: Scores,
    /// Full records behind the findings; empty when no policy reads them.
    pub advisories: Vec<Advisory>,
    /// The clock.
    pub now: Timestamp,
}
