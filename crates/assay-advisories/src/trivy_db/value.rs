//! The values of the database, as its builder writes them. Numbers may be written with a fraction, lists as `null`, and
//! letter case of a key differs here and there.

use assay_model::finding::{Cvss, Severity, Status};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// An entry of a package: of a language by constraints, of a distribution by the fixed version.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Entry {
    #[serde(deserialize_with = "nullable")]
    pub(super) fixed_version: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) affected_version: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) severity: f64,
    #[serde(deserialize_with = "nullable")]
    pub(super) status: f64,
    #[serde(deserialize_with = "nullable", rename = "VendorIDs", alias = "VendorIds")]
    pub(super) vendor_ids: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) arches: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) vulnerable_versions: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) patched_versions: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) unaffected_versions: Vec<String>,
    /// The same again for some architectures, or in Red Hat's bucket for some products.
    #[serde(deserialize_with = "nullable")]
    pub(super) entries: Vec<Entry>,
    /// Red Hat: what it is about.
    #[serde(deserialize_with = "nullable")]
    pub(super) cves: Vec<Cve>,
    /// Red Hat: numbers of products.
    #[serde(deserialize_with = "nullable")]
    pub(super) affected: Vec<u64>,
}

/// A vulnerability that an announcement is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cve {
    #[serde(deserialize_with = "nullable", rename = "ID")]
    pub(super) id: String,
    #[serde(deserialize_with = "nullable", rename = "Severity")]
    pub(super) severity: f64,
}

/// A value of `vulnerability`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Vulnerability {
    #[serde(deserialize_with = "nullable")]
    pub(super) title: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) description: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) severity: String,
    #[serde(deserialize_with = "nullable", rename = "CweIDs")]
    pub(super) cwe_ids: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) vendor_severity: BTreeMap<String, f64>,
    #[serde(deserialize_with = "nullable", rename = "CVSS")]
    pub(super) cvss: BTreeMap<String, Scores>,
    #[serde(deserialize_with = "nullable")]
    pub(super) references: Vec<String>,
    pub(super) published_date: Option<String>,
    pub(super) last_modified_date: Option<String>,
}

/// What one database scores.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Scores {
    v2_vector: Option<String>,
    v3_vector: Option<String>,
    v40_vector: Option<String>,
    v2_score: Option<f64>,
    v3_score: Option<f64>,
    v40_score: Option<f64>,
}

/// A value of `data-source`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DataSource {
    #[serde(deserialize_with = "nullable", rename = "ID")]
    pub(super) id: String,
    #[serde(deserialize_with = "nullable", rename = "Name")]
    pub(super) name: String,
    #[serde(deserialize_with = "nullable", rename = "URL")]
    pub(super) url: String,
    #[serde(deserialize_with = "nullable", rename = "BaseID")]
    pub(super) base: String,
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// A value, where `null` is an empty one.
///
/// # Errors
/// The reason why it cannot be read.
pub(super) fn read<'de, T: Default + Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, String> {
    let value: Option<T> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(value.unwrap_or_default())
}

impl Scores {
    /// As findings have it. A score is the database's own where it gives one beside the vector.
    pub(super) fn cvss(self) -> Cvss {
        let filled = |vector: Option<String>| vector.filter(|text| !text.is_empty());
        let (v2, v3, v4) = (filled(self.v2_vector), filled(self.v3_vector), filled(self.v40_vector));
        Cvss {
            v2_score: score(self.v2_score, v2.as_ref()),
            v3_score: score(self.v3_score, v3.as_ref()),
            v4_score: score(self.v40_score, v4.as_ref()),
            v2_vector: v2,
            v3_vector: v3,
            v4_vector: v4,
        }
    }
}

fn score(stated: Option<f64>, vector: Option<&String>) -> Option<f64> {
    let stated = stated.filter(|score| *score > 0.0 && *score <= 10.0);
    stated.or_else(|| crate::cvss::Vector::parse(vector?).ok().map(|vector| vector.score))
}

/// The severity of a number; none for 0 and what is no severity.
#[allow(clippy::cast_possible_truncation, reason = "a fraction says nothing, and what is too large is no severity")]
pub(super) fn severity(number: f64) -> Option<Severity> {
    match number as i64 {
        1 => Some(Severity::Low),
        2 => Some(Severity::Medium),
        3 => Some(Severity::High),
        4 => Some(Severity::Critical),
        _ => None,
    }
}

/// What the number of a status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    NotAffected,
    /// Affected; with what is done about it where that is said.
    Affected(Option<Status>),
}

#[allow(clippy::cast_possible_truncation, reason = "a fraction says nothing, and what is too large is no status")]
pub(super) fn standing(number: f64) -> Standing {
    Standing::Affected(match number as i64 {
        1 => return Standing::NotAffected,
        2 => Some(Status::Affected),
        3 => Some(Status::Fixed),
        4 => Some(Status::UnderInvestigation),
        5 => Some(Status::WillNotFix),
        6 => Some(Status::FixDeferred),
        7 => Some(Status::EndOfLife),
        _ => None,
    })
}
