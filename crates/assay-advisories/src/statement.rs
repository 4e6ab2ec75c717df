//! What databases say beyond the OSV schema: of a package (`affected[].database_specific.assay`), and of a vulnerability
//! apart from any package (`database_specific.assay`). Sources write it, the matcher reads it.

use assay_model::advisory::{Advisory, Affected};
use assay_model::finding::{Cvss, Origin, Severity, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Key of both objects.
const KEY: &str = "assay";
const SPECIFIC: &str = "database_specific";

/// The ecosystem under which records about a vulnerability apart from any package are filed; the name is its id.
pub(crate) const VULNERABILITY: &str = "vulnerability";

/// Which of a distribution's names an entry uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Named {
    /// The source package's, with its version.
    Source,
    /// The installed package's, with its version; `module:stream::name` where it is part of a module.
    Binary,
}

/// What an entry says of one package.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Statement {
    /// Which name `package.name` is; the ecosystem's custom where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) named: Option<Named>,
    /// What its makers do about it, where no version fixes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<Status>,
    /// How bad it is in this package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<Severity>,
    /// Who says how bad, where it is not the origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) said_by: Option<String>,
    /// Architectures it holds for; all where none is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) arches: Vec<String>,
    /// The distribution's announcements of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) vendor_ids: Vec<String>,
    /// The fixed versions in one piece, as the database writes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fix: Option<String>,
    /// Affected when any of these holds, instead of `ranges` and `versions`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) vulnerable: Vec<String>,
    /// Not affected when any of these holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) patched: Vec<String>,
    /// Not affected when any of these holds, though nothing was fixed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unaffected: Vec<String>,
    /// The database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<Origin>,
}

impl Statement {
    /// What the entry says. Nothing where it says nothing, or says it in a way that cannot be read.
    pub(crate) fn of(affected: &Affected) -> Option<Self> {
        Self::deserialize(affected.rest.get(SPECIFIC)?.get(KEY)?).ok()
    }

    /// Writes it into the entry.
    pub(crate) fn write(&self, affected: &mut Affected) {
        affected.rest.insert(SPECIFIC.to_owned(), json!({ KEY: self }));
    }

    /// Whether versions are told by constraints rather than by ranges.
    pub(crate) fn has_constraints(&self) -> bool {
        [&self.vulnerable, &self.patched, &self.unaffected].iter().any(|list| !list.is_empty())
    }
}

/// What a record says of a vulnerability, whoever is affected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Note {
    /// What each database calls it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) severities: BTreeMap<String, Severity>,
    /// Vectors and scores by database.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) cvss: BTreeMap<String, Cvss>,
    /// A word that nobody in particular said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<Severity>,
}

impl Note {
    /// What the record says, where it is one about a vulnerability alone.
    pub(crate) fn of(advisory: &Advisory) -> Option<Self> {
        if !is_note(advisory) {
            return None;
        }
        let said = advisory.database_specific.as_ref()?.get(KEY)?;
        Self::deserialize(said).ok()
    }

    /// The object that carries it, with weaknesses as other databases name them.
    pub(crate) fn specific(&self, cwes: &[String]) -> Value {
        let mut specific = json!({ KEY: self });
        if let (false, Some(fields)) = (cwes.is_empty(), specific.as_object_mut()) {
            fields.insert("cwe_ids".to_owned(), json!(cwes));
        }
        specific
    }
}

/// Whether the record speaks of a vulnerability apart from any package.
pub(crate) fn is_note(advisory: &Advisory) -> bool {
    advisory.is_entry() && advisory.affected.is_empty()
}
