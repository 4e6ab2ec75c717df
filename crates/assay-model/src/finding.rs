//! A finding: a component and a vulnerability, merged over sources through the alias graph. Scores join at read time.

use crate::component::ComponentId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How bad, in the words of CVSS 3 and 4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// No source says.
    #[default]
    Unknown,
    /// 0.1 to 3.9.
    Low,
    /// 4.0 to 6.9.
    Medium,
    /// 7.0 to 8.9.
    High,
    /// 9.0 to 10.
    Critical,
}

impl Severity {
    /// The word in upper case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
    /// The severity of that name, in any case; `MODERATE` is medium.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("moderate") {
            return Some(Self::Medium);
        }
        [Self::Unknown, Self::Low, Self::Medium, Self::High, Self::Critical]
            .into_iter()
            .find(|s| s.as_str().eq_ignore_ascii_case(text))
    }
    /// The word for a CVSS 3 or 4 base score.
    pub fn of_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            _ => Self::Unknown,
        }
    }
}

/// What the sources say about fixing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Affected, and no fix is known.
    #[default]
    Affected,
    /// A fixed version exists.
    Fixed,
    /// The distribution has decided not to fix it.
    WillNotFix,
    /// The distribution fixes it later.
    FixDeferred,
    /// The release gets no fixes any more.
    EndOfLife,
    /// Nobody knows yet whether it is affected.
    UnderInvestigation,
}

impl Status {
    /// The word, as in VEX and in other scanners' reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::WillNotFix => "will_not_fix",
            Self::FixDeferred => "fix_deferred",
            Self::EndOfLife => "end_of_life",
            Self::UnderInvestigation => "under_investigation",
        }
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A flaw in what was made in good faith.
    #[default]
    Vulnerability,
    /// Made to do harm.
    Malware,
    /// No longer maintained by its makers.
    EndOfLife,
}

impl FindingKind {
    /// Whether it is a vulnerability.
    pub fn is_vulnerability(&self) -> bool {
        *self == Self::Vulnerability
    }
}

/// A vulnerability of a component, all sources merged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    #[serde(default, skip_serializing_if = "FindingKind::is_vulnerability")]
    pub kind: FindingKind,
    /// The id it goes by: a CVE where there is one, else the first source's id.
    pub id: String,
    /// Every other id of it, sorted.
    pub aliases: BTreeSet<String>,
    /// The records that say so, sorted by source and id.
    pub sources: Vec<FindingSource>,
    /// One line.
    pub title: String,
    /// The worst word of any source that speaks of this vulnerability, after scores.
    pub severity: Severity,
    /// The source whose word `severity` is, where one word was taken rather than the worst score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_source: Option<String>,
    /// What each source calls it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub severities: BTreeMap<String, Severity>,
    /// The database that says this component is affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Ids that a distribution gave its announcements of it (`RHSA-2019:2304`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendor_ids: Vec<String>,
    /// The fixed versions as the origin writes them, where it writes them in one piece (`2.2.24, 3.0.10`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated_fix: Option<String>,
    /// Scores and vectors by source.
    pub cvss: BTreeMap<String, Cvss>,
    /// Fixed or not.
    pub status: Status,
    /// Versions that fix it, in version order, without duplicates.
    pub fixed_versions: Vec<String>,
    /// The smallest of `fixed_versions` above the component's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest_fixed: Option<String>,
    /// The ranges as text, for people (`>=0 <2.20.0`).
    pub vulnerable_ranges: Vec<String>,
    /// First publication by any source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

/// A database of advisories, as reports name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Short id (`ghsa`, `redhat`).
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Where it is published.
    pub url: String,
    /// The database that this one is built upon, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

/// What reports say of a vulnerability, whoever is affected; read from the advisories when a report is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// One line.
    pub title: Option<String>,
    /// Longer text, Markdown.
    pub description: Option<String>,
    /// Weaknesses (`CWE-79`), in the order of the source.
    pub cwes: Vec<String>,
    /// Links, sorted.
    pub references: Vec<String>,
    /// First publication, RFC 3339.
    pub published: Option<String>,
    /// Last change, RFC 3339.
    pub modified: Option<String>,
}

/// One advisory that a finding rests on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FindingSource {
    /// Advisory id.
    pub advisory: String,
    /// Digest of the revision that was matched.
    pub revision: String,
}

/// CVSS of one source. Scores are base scores computed from the vectors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cvss {
    /// CVSS 2 base score, 0 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v2_score: Option<f64>,
    /// CVSS 2 vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v2_vector: Option<String>,
    /// CVSS 3.0 or 3.1 base score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v3_score: Option<f64>,
    /// CVSS 3 vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v3_vector: Option<String>,
    /// CVSS 4.0 score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v4_score: Option<f64>,
    /// CVSS 4.0 vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v4_vector: Option<String>,
}

impl Cvss {
    /// The newest version's score.
    pub fn score(&self) -> Option<f64> {
        self.v4_score.or(self.v3_score).or(self.v2_score)
    }
}

/// A finding with its component.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentFinding {
    /// Whose.
    pub component: ComponentId,
    /// What.
    pub finding: Finding,
}

impl Finding {
    /// Its id and every alias.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
    /// The highest score of any source.
    pub fn score(&self) -> Option<f64> {
        self.cvss.values().filter_map(Cvss::score).reduce(f64::max)
    }
}
