//! What is known of a CVE apart from any package: EPSS, KEV and severity, keyed by id and joined at read time.

use crate::health::Ssvc;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Exploit prediction (FIRST EPSS): probability and percentile, both 0 to 1, of a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epss {
    /// CVE id.
    pub cve: String,
    /// Probability of exploitation in the next 30 days.
    pub score: f64,
    /// Share of CVEs with the same or a lower score.
    pub percentile: f64,
    /// Day of the model run, `YYYY-MM-DD`.
    pub date: String,
}

/// An entry of CISA's catalogue of known exploited vulnerabilities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kev {
    /// CVE id.
    pub cve: String,
    /// Day it was added, `YYYY-MM-DD`.
    pub date_added: String,
    /// Day by which agencies must act.
    pub due_date: String,
    /// Whether ransomware campaigns use it.
    pub ransomware: bool,
    /// Its name in the catalogue.
    pub name: String,
}

/// Severity that one advisory states for an id, whether or not that advisory names the component at hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatedSeverity {
    /// The vulnerability: any id the advisory gives itself.
    pub id: String,
    /// The advisory that states it.
    pub advisory: String,
    /// `CVSS_V2`, `CVSS_V3`, `CVSS_V4`, or `word`.
    pub kind: String,
    /// Vector, or the word (`HIGH`).
    pub vector: String,
}

/// Scores of a set of ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// By CVE.
    pub epss: BTreeMap<String, Epss>,
    /// By CVE.
    pub kev: BTreeMap<String, Kev>,
    /// By CVE.
    pub ssvc: BTreeMap<String, Ssvc>,
}
