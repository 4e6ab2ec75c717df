//! Everything a policy can read about one package, gathered by the engine. The versioned input document is made from it
//! in `assay-policy`; nothing here knows Rego.

use crate::{
    advisory::Advisory,
    component::{Component, Occurrence},
    finding::Finding,
    health::{Freshness, Scorecard, Signature, Standing},
    inventory::{LicenseFile, OsRelease, Secret, Skipped},
    overrides::LicenseCorrection,
    package::{File, Package, Reference},
    repository::Repository,
    score::Scores,
    upstream::Upstream,
    vex::{Said, VexSubject},
    waiver::Waiver,
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
    /// The licence as an operator corrected it; wins over what is declared.
    pub corrected: Option<LicenseCorrection>,
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
    /// What the artifact goes by in statements of VEX.
    pub names: VexSubject,
    /// Statements of VEX about any of the findings.
    pub statements: Vec<Said>,
    /// Waivers in force, for this repository.
    pub waivers: Vec<Waiver>,
    /// Scorecard of the project that the package is made from.
    pub scorecard: Option<Scorecard>,
    /// What catalogues of popular packages say about its name.
    pub popularity: Standing,
    /// Signatures and attestations that came with it.
    pub signatures: Vec<Signature>,
    /// Version of the same name about which it holds evidence, where it holds nothing else.
    pub speaks_of: Option<String>,
    /// How fresh the sources are.
    pub freshness: Vec<Freshness>,
    /// Mutable names that point to it: tags of an image, dist-tags.
    pub references: Vec<Reference>,
    /// When a file of it was last downloaded.
    pub last_downloaded_at: Option<Timestamp>,
    /// When the installation got its first repository.
    pub workspace_since: Option<Timestamp>,
    /// Who asked for it, where a pull brought it here.
    pub requester: Option<String>,
    /// The clock.
    pub now: Timestamp,
}

impl Facts {
    /// Facts about a package of which nothing else is known yet.
    pub fn about(package: Package, repository: Repository, workspace: &str, now: Timestamp) -> Self {
        Self {
            package,
            files: Vec::new(),
            repository,
            upstream: None,
            workspace: workspace.to_owned(),
            components: Vec::new(),
            os: None,
            secrets: Vec::new(),
            licenses: Vec::new(),
            corrected: None,
            skipped: Vec::new(),
            inventoried: true,
            inventoried_at: None,
            findings: Vec::new(),
            scores: Scores::default(),
            advisories: Vec::new(),
            names: VexSubject::default(),
            statements: Vec::new(),
            waivers: Vec::new(),
            scorecard: None,
            popularity: Standing::default(),
            signatures: Vec::new(),
            speaks_of: None,
            freshness: Vec::new(),
            references: Vec::new(),
            last_downloaded_at: None,
            workspace_since: None,
            requester: None,
            now,
        }
    }
}
