//! An advisory in the form of the OSV schema (ossf/osv-schema 1.7), which every source is translated to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One record of a source. Unknown fields are kept in `rest`, so that writing it again loses nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Advisory {
    /// Id within the source, e.g. `GHSA-x84v-xcm2-53pg`.
    pub id: String,
    /// Last change by its author.
    pub modified: String,
    /// First publication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// Set when its author took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// Other ids of the same vulnerability.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Vulnerabilities a distribution's record is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstream: Vec<String>,
    /// Loosely related ids; never merged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
    /// One line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Longer text, Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// CVSS vectors of the whole record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<SeverityVector>,
    /// Which versions of which packages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub affected: Vec<Affected>,
    /// Links.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Value>,
    /// The source's own data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_specific: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A severity as OSV gives it: a kind and a vector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityVector {
    /// `CVSS_V2`, `CVSS_V3`, `CVSS_V4`, `Ubuntu`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The vector string, or a word for `Ubuntu`.
    pub score: String,
}

/// One package of one ecosystem that the advisory affects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Affected {
    /// Which.
    pub package: AffectedPackage,
    /// Ranges of versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
    /// Versions named one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// Severity for this package only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<SeverityVector>,
    /// Everything else (`ecosystem_specific`, `database_specific`).
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Ecosystem and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AffectedPackage {
    /// OSV ecosystem, with release after a colon.
    pub ecosystem: String,
    /// Name in that ecosystem.
    pub name: String,
    /// Package URL without version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
}

/// A range of versions as events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Range {
    /// `SEMVER`, `ECOSYSTEM` or `GIT`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Events, unordered; evaluated as the OSV schema says.
    pub events: Vec<RangeEvent>,
    /// Everything else (`repo`).
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// One event of a range; exactly one field is set in a valid record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RangeEvent {
    /// First affected version; `0` is before all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introduced: Option<String>,
    /// First version that is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
    /// Last affected version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_affected: Option<String>,
    /// Upper bound of what the range speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
}

/// Key of [`Advisory::effective_at`] in what is the source's own.
const EFFECTIVE: &str = "effective";

/// Whether an id is an address ([`Advisory::is_entry`]). No name of a vulnerability has a slash.
pub fn is_entry_id(id: &str) -> bool {
    id.contains('/')
}

impl Advisory {
    /// All ids of the vulnerability that this record names: its own, its aliases, and what it is upstream of.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str())
            .chain(self.aliases.iter().map(String::as_str))
            .chain(self.upstream.iter().map(String::as_str))
    }
    /// Whether the id is the address of an entry in a database (`debian/12/curl/CVE-2024-0001`) rather than the name of a
    /// vulnerability: it merges with nothing and names nothing.
    pub fn is_entry(&self) -> bool {
        is_entry_id(&self.id)
    }
    /// The same record, which takes effect at this moment (RFC 3339): until then it is a withdrawn one.
    #[must_use]
    pub fn from_then_on(mut self, moment: Option<&str>) -> Self {
        if let (Some(moment), Some(Value::Object(specific))) = (moment, &mut self.database_specific) {
            specific.insert(EFFECTIVE.to_owned(), moment.into());
        }
        self
    }
    /// When a withdrawn record takes effect by itself, if it does.
    pub fn effective_at(&self) -> Option<Timestamp> {
        self.withdrawn.as_ref()?;
        self.database_specific.as_ref()?.get(EFFECTIVE)?.as_str()?.parse().ok()
    }
    /// The record as it is from [`Advisory::effective_at`] on.
    #[must_use]
    pub fn in_effect(mut self) -> Self {
        self.withdrawn = None;
        if let Some(Value::Object(specific)) = &mut self.database_specific {
            specific.remove(EFFECTIVE);
        }
        self
    }
    /// The time of the last change, where it can be read.
    pub fn modified_at(&self) -> Option<Timestamp> {
        self.modified.parse().ok()
    }
}
