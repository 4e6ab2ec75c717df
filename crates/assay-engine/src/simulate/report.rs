//! What a simulation says: totals, by repository, by policy and reason, and the packages that matter most. Bounded,
//! whatever the catalogue.

use super::set::SetLine;
use assay_model::package::{PackageId, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Packages of each list in a report.
pub const LISTED: usize = 200;
/// Reasons in a report.
pub const REASONS: usize = 50;
/// Callers in a report, and of one package.
pub const CALLERS: usize = 20;
/// Days whose pulls count.
pub const DAYS: i64 = 30;

/// Counts of packages and pulls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Packages that were looked at.
    pub packages: u64,
    /// Blocked as things are.
    pub blocked_before: u64,
    /// Blocked by the set that was tried.
    pub blocked_after: u64,
    /// Not blocked as things are, blocked by the set.
    pub newly_blocked: u64,
    /// Blocked as things are, not blocked by the set.
    pub released: u64,
    /// Blocked both times, in another state (hidden instead of quarantined).
    pub moved: u64,
    /// Pulls of the newly blocked packages in the last 30 days: these would have been refused.
    pub refused_pulls: u64,
    /// Newly blocked packages that were pulled in the last 30 days.
    pub pulled_packages: u64,
}

/// What one policy of the set does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyTally {
    /// Packages that it matches.
    pub matched: u64,
    /// Packages on which it fails.
    pub failed: u64,
    /// Newly blocked packages that it matches, or fails on.
    pub newly_blocked: u64,
    /// Released packages that it blocks as things are.
    pub released: u64,
}

/// A reason and how many packages it is given for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonLine {
    /// The policy that gives it.
    pub policy: String,
    /// Its words; empty where a policy gives none.
    pub reason: String,
    /// Newly blocked packages.
    pub newly_blocked: u64,
    /// Released packages for which it was given before.
    pub released: u64,
}

/// A package whose state would be another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Which.
    pub id: PackageId,
    /// Name of its repository.
    pub repository: String,
    /// Its format.
    pub format: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// State now.
    pub from: State,
    /// State then.
    pub to: State,
    /// Policies with their reasons: those that would block it, or those that do.
    pub reasons: Vec<(String, String)>,
    /// Vulnerabilities that the decision would cite.
    pub vulnerabilities: Vec<String>,
    /// Pulls in the last 30 days.
    pub pulls: u64,
    /// Who pulled it then, the most first.
    pub callers: Vec<(String, u64)>,
}

impl Changed {
    /// `main/pypi/requests@2.6.0`.
    pub fn address(&self) -> String {
        format!("{}/{}/{}@{}", self.repository, self.format, self.name, self.version)
    }
}

/// The whole report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulationReport {
    /// Under which it is kept for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The clock that policies saw.
    pub at: Timestamp,
    /// Milliseconds that it took.
    pub took: u64,
    /// Whether stored policies were left out.
    pub alone: bool,
    /// Only of this repository.
    pub repository: Option<String>,
    /// Only what this search finds.
    pub query: Option<String>,
    /// The policies.
    pub set: Vec<SetLine>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// All packages.
    pub totals: Tally,
    /// Packages that are not decided yet, and were left out.
    pub undecided: u64,
    /// By repository.
    pub repositories: BTreeMap<String, Tally>,
    /// By policy of the set, and those of before that block what is released.
    pub policies: BTreeMap<String, PolicyTally>,
    /// The reasons given most.
    pub reasons: Vec<ReasonLine>,
    /// Who pulled most of what would have been refused.
    pub callers: Vec<(String, u64)>,
    /// Newly blocked packages, the most pulled first; at most 200.
    pub newly_blocked: Vec<Changed>,
    /// Released packages, the most pulled first; at most 200.
    pub released: Vec<Changed>,
}

/// How far a simulation is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SimulationStep {
    /// Packages looked at, of how many where that is known.
    Progress {
        /// So far.
        done: u64,
        /// In all.
        total: Option<u64>,
    },
    /// A package whose state would be another one.
    Package(Box<Changed>),
}

/// Whether a state keeps clients from having a package.
pub(crate) fn blocks(state: State) -> bool {
    matches!(state, State::Quarantined | State::Hidden | State::Deleted)
}
