//! Ports of what was: facts as they stood before they changed, and reports of simulations that are kept for a while.
//! Part of the metadata store like the ports in [`super::meta`].

use crate::{
    component::ComponentId,
    finding::Finding,
    problem::Problem,
    score::{Epss, Kev},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

type R<T> = Result<T, Problem>;

/// A finding as it stands, or as it stood until it changed or went away.
#[derive(Clone, Debug, PartialEq)]
pub struct DatedFinding {
    /// Whose.
    pub component: ComponentId,
    /// What.
    pub finding: Finding,
    /// Since when it stands like this; nothing where it is older than what is remembered.
    pub since: Option<Timestamp>,
    /// Until when it stood; nothing where it still does.
    pub until: Option<Timestamp>,
}

/// An entry of the catalogue of exploited vulnerabilities that was changed or taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastKev {
    /// As it was.
    pub entry: Kev,
    /// Until when.
    pub until: Timestamp,
}

/// Scores that are no more; those in force are in [`super::meta::ScoreTables`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastScores {
    /// Each with the day of its model run, by CVE and day.
    pub epss: Vec<Epss>,
    /// By CVE and time.
    pub kev: Vec<PastKev>,
}

/// Facts as they stood before. Written by the ports that change them, in the same transaction, and only when something
/// changes; scores only of vulnerabilities that something stored has.
pub trait FactHistory {
    /// Findings of these components that stand, and those that stood at or after `since`; by component and id.
    fn dated_findings(&mut self, components: &[ComponentId], since: Timestamp) -> R<Vec<DatedFinding>>;
    /// Earlier scores of these CVEs.
    fn past_scores(&mut self, cves: &[String]) -> R<PastScores>;
    /// Since when this server remembers.
    fn remembers_since(&mut self) -> R<Option<Timestamp>>;
    /// Forgets what stood only before `before`; gives how many rows went.
    fn forget_past(&mut self, before: Timestamp) -> R<u64>;
}

/// A report of a simulation, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptReport {
    /// Unguessable id.
    pub id: String,
    /// `simulation` or `backtest`.
    pub kind: String,
    /// When it was made.
    pub at: Timestamp,
    /// Who asked for it.
    pub author: String,
    /// One line for lists.
    pub title: String,
    /// The whole of it.
    pub document: serde_json::Value,
}

/// Reports that are kept so that a page can show them; they are no history.
pub trait KeptReports {
    /// Keeps one.
    fn keep_report(&mut self, report: &KeptReport) -> R<()>;
    /// By id.
    fn kept_report(&mut self, id: &str) -> R<Option<KeptReport>>;
    /// The newest ones, with an empty document.
    fn kept_reports(&mut self, limit: usize) -> R<Vec<KeptReport>>;
    /// Forgets those made before `before`, and all but the newest `most`; gives how many went.
    fn forget_reports(&mut self, before: Timestamp, most: usize) -> R<u64>;
}
