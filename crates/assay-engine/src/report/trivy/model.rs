//! The document: Trivy's JSON report, schema version 2, field by field and in its order. What is empty is left out, as Go's
//! `omitempty` does. Nothing here decides what goes into it.

use assay_model::score::{Epss, Kev};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Whether a value is what its type begins as.
fn zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A whole report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Report {
    /// 2.
    pub schema_version: u32,
    /// What made it.
    #[serde(skip_serializing_if = "zero")]
    pub trivy: Scanner,
    /// UUID of version 7.
    #[serde(rename = "ReportID", skip_serializing_if = "zero")]
    pub report_id: String,
    /// RFC 3339.
    #[serde(skip_serializing_if = "zero")]
    pub created_at: String,
    /// Digest of what identifies the artifact, where anything does.
    #[serde(rename = "ArtifactID", skip_serializing_if = "zero")]
    pub artifact_id: String,
    /// As it was named.
    #[serde(skip_serializing_if = "zero")]
    pub artifact_name: String,
    /// `container_image`, `filesystem`, `repository`, `cyclonedx`, `spdx`.
    #[serde(skip_serializing_if = "zero")]
    pub artifact_type: String,
    /// About the artifact as a whole.
    #[serde(skip_serializing_if = "zero")]
    pub metadata: Metadata,
    /// What was found, by where.
    #[serde(skip_serializing_if = "zero")]
    pub results: Vec<Outcome>,
}

/// The program that made a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Scanner {
    /// Its version.
    #[serde(skip_serializing_if = "zero")]
    pub version: String,
}

/// About the artifact as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Metadata {
    /// Bytes of all layers.
    #[serde(skip_serializing_if = "zero")]
    pub size: u64,
    /// The operating system.
    #[serde(rename = "OS", skip_serializing_if = "Option::is_none")]
    pub os: Option<Os>,
    /// Digest of the image's configuration.
    #[serde(rename = "ImageID", skip_serializing_if = "zero")]
    pub image_id: String,
    /// Digests of the uncompressed layers, lowest first.
    #[serde(rename = "DiffIDs", skip_serializing_if = "zero")]
    pub diff_ids: Vec<String>,
    /// Names with tags.
    #[serde(skip_serializing_if = "zero")]
    pub repo_tags: Vec<String>,
    /// Names with digests.
    #[serde(skip_serializing_if = "zero")]
    pub repo_digests: Vec<String>,
    /// The name by which it was found.
    #[serde(skip_serializing_if = "zero")]
    pub reference: String,
    /// The image's configuration.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub image_config: Value,
    /// Lowest first.
    #[serde(skip_serializing_if = "zero")]
    pub layers: Vec<Layer>,
    /// Address of the git repository.
    #[serde(rename = "RepoURL", skip_serializing_if = "zero")]
    pub repo_url: String,
    /// Branch of the commit.
    #[serde(skip_serializing_if = "zero")]
    pub branch: String,
    /// Tags of the commit.
    #[serde(skip_serializing_if = "zero")]
    pub tags: Vec<String>,
    /// The commit.
    #[serde(skip_serializing_if = "zero")]
    pub commit: String,
    /// Its message.
    #[serde(skip_serializing_if = "zero")]
    pub commit_msg: String,
    /// Who wrote it.
    #[serde(skip_serializing_if = "zero")]
    pub author: String,
    /// Who committed it.
    #[serde(skip_serializing_if = "zero")]
    pub committer: String,
}

/// An operating system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Os {
    /// `alpine`, `debian`, `redhat`.
    pub family: String,
    /// Version.
    pub name: String,
    /// Whether its support has ended.
    #[serde(rename = "EOSL", skip_serializing_if = "zero")]
    pub eosl: bool,
}

/// A layer of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Layer {
    /// Bytes.
    #[serde(skip_serializing_if = "zero")]
    pub size: u64,
    /// Digest as stored.
    #[serde(skip_serializing_if = "zero")]
    pub digest: String,
    /// Digest of the uncompressed tar.
    #[serde(rename = "DiffID", skip_serializing_if = "zero")]
    pub diff_id: String,
    /// The step that made it.
    #[serde(skip_serializing_if = "zero")]
    pub created_by: String,
}

/// What was found in one place: the system's packages, one lock file, one file with secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Outcome {
    /// Where.
    pub target: String,
    /// `os-pkgs`, `lang-pkgs`, `secret`, `license`, `license-file`.
    #[serde(skip_serializing_if = "zero")]
    pub class: String,
    /// Family of the system, or kind of lock file.
    #[serde(rename = "Type", skip_serializing_if = "zero")]
    pub kind: String,
    /// What is there.
    #[serde(skip_serializing_if = "zero")]
    pub packages: Vec<Package>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "zero")]
    pub vulnerabilities: Vec<Vulnerability>,
    /// Secrets of the file.
    #[serde(skip_serializing_if = "zero")]
    pub secrets: Vec<Secret>,
    /// Licences.
    #[serde(skip_serializing_if = "zero")]
    pub licenses: Vec<License>,
    /// Findings that were set aside, and by what.
    #[serde(rename = "ExperimentalModifiedFindings", skip_serializing_if = "zero")]
    pub modified_findings: Vec<ModifiedFinding>,
}

/// A package.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Package {
    /// As its package manager writes it.
    #[serde(rename = "ID", skip_serializing_if = "zero")]
    pub id: String,
    /// Name.
    #[serde(skip_serializing_if = "zero")]
    pub name: String,
    /// Names for programs.
    #[serde(skip_serializing_if = "zero")]
    pub identifier: Identifier,
    /// Version; without release and epoch for packages of a system.
    #[serde(skip_serializing_if = "zero")]
    pub version: String,
    /// Release.
    #[serde(skip_serializing_if = "zero")]
    pub release: String,
    /// Epoch.
    #[serde(skip_serializing_if = "zero")]
    pub epoch: i64,
    /// Architecture.
    #[serde(skip_serializing_if = "zero")]
    pub arch: String,
    /// Only needed to develop.
    #[serde(skip_serializing_if = "zero")]
    pub dev: bool,
    /// Source package.
    #[serde(skip_serializing_if = "zero")]
    pub src_name: String,
    /// Its version.
    #[serde(skip_serializing_if = "zero")]
    pub src_version: String,
    /// Its release.
    #[serde(skip_serializing_if = "zero")]
    pub src_release: String,
    /// Its epoch.
    #[serde(skip_serializing_if = "zero")]
    pub src_epoch: i64,
    /// Licences.
    #[serde(skip_serializing_if = "zero")]
    pub licenses: Vec<String>,
    /// Who maintains it.
    #[serde(skip_serializing_if = "zero")]
    pub maintainer: String,
    /// Module stream of an rpm.
    #[serde(rename = "Modularitylabel", skip_serializing_if = "zero")]
    pub modularity_label: String,
    /// Not asked for by the project itself.
    #[serde(skip_serializing_if = "zero")]
    pub indirect: bool,
    /// `root`, `workspace`, `direct`, `indirect`.
    #[serde(skip_serializing_if = "zero")]
    pub relationship: String,
    /// `ID`s.
    #[serde(skip_serializing_if = "zero")]
    pub depends_on: Vec<String>,
    /// The layer that brought it.
    #[serde(skip_serializing_if = "zero")]
    pub layer: Layer,
    /// Where it lies.
    #[serde(skip_serializing_if = "zero")]
    pub file_path: String,
    /// `algorithm:hex`.
    #[serde(skip_serializing_if = "zero")]
    pub digest: String,
    /// Lines of the lock file.
    #[serde(skip_serializing_if = "zero")]
    pub locations: Vec<Location>,
    /// Files it owns.
    #[serde(skip_serializing_if = "zero")]
    pub installed_files: Vec<String>,
    /// What found it.
    #[serde(skip_serializing_if = "zero")]
    pub analyzed_by: String,
}

/// Names of a package for programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identifier {
    /// Package URL.
    #[serde(rename = "PURL", skip_serializing_if = "zero")]
    pub purl: String,
    /// Hash of all that is said of the package.
    #[serde(rename = "UID", skip_serializing_if = "zero")]
    pub uid: String,
    /// Its reference in the bill of materials that was read.
    #[serde(rename = "BOMRef", skip_serializing_if = "zero")]
    pub bom_ref: String,
}

/// Lines, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Location {
    /// First.
    #[serde(skip_serializing_if = "zero")]
    pub start_line: u32,
    /// Last.
    #[serde(skip_serializing_if = "zero")]
    pub end_line: u32,
}

/// A vulnerability of a package.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Vulnerability {
    /// Its id.
    #[serde(rename = "VulnerabilityID")]
    pub vulnerability_id: String,
    /// Ids of the distribution's announcements.
    #[serde(rename = "VendorIDs", skip_serializing_if = "zero")]
    pub vendor_ids: Vec<String>,
    /// `ID` of the package.
    #[serde(rename = "PkgID", skip_serializing_if = "zero")]
    pub pkg_id: String,
    /// Its name.
    pub pkg_name: String,
    /// Where it lies.
    #[serde(skip_serializing_if = "zero")]
    pub pkg_path: String,
    /// Its names for programs.
    #[serde(skip_serializing_if = "zero")]
    pub pkg_identifier: Identifier,
    /// Its version, with release and epoch.
    pub installed_version: String,
    /// Versions that mend it, separated by commas.
    #[serde(skip_serializing_if = "zero")]
    pub fixed_version: String,
    /// `affected`, `fixed`, `will_not_fix` and so on.
    #[serde(skip_serializing_if = "zero")]
    pub status: String,
    /// The layer that brought the package.
    #[serde(skip_serializing_if = "zero")]
    pub layer: Layer,
    /// Whose word the severity is.
    #[serde(skip_serializing_if = "zero")]
    pub severity_source: String,
    /// A page about it.
    #[serde(rename = "PrimaryURL", skip_serializing_if = "zero")]
    pub primary_url: String,
    /// The database that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_source: Option<DataSource>,
    /// Hash of artifact, target, package and vulnerability.
    #[serde(skip_serializing_if = "zero")]
    pub fingerprint: String,
    /// One line.
    #[serde(skip_serializing_if = "zero")]
    pub title: String,
    /// Longer text.
    #[serde(skip_serializing_if = "zero")]
    pub description: String,
    /// `UNKNOWN`, `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`.
    pub severity: String,
    /// Weaknesses.
    #[serde(rename = "CweIDs", skip_serializing_if = "zero")]
    pub cwe_ids: Vec<String>,
    /// 0 to 4 by source.
    #[serde(skip_serializing_if = "zero")]
    pub vendor_severity: BTreeMap<String, u8>,
    /// Vectors and scores by source.
    #[serde(rename = "CVSS", skip_serializing_if = "zero")]
    pub cvss: BTreeMap<String, Cvss>,
    /// Links.
    #[serde(skip_serializing_if = "zero")]
    pub references: Vec<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "zero")]
    pub published_date: String,
    /// RFC 3339.
    #[serde(skip_serializing_if = "zero")]
    pub last_modified_date: String,
    /// Exploit prediction; for formats that have room for it.
    #[serde(skip)]
    pub epss: Option<Epss>,
    /// Known to be exploited; for formats that have room for it.
    #[serde(skip)]
    pub kev: Option<Kev>,
}

/// A database of advisories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataSource {
    /// Short id.
    #[serde(rename = "ID", skip_serializing_if = "zero")]
    pub id: String,
    /// Name.
    #[serde(rename = "Name", skip_serializing_if = "zero")]
    pub name: String,
    /// Address.
    #[serde(rename = "URL", skip_serializing_if = "zero")]
    pub url: String,
    /// The database it is built upon.
    #[serde(rename = "BaseID", skip_serializing_if = "zero")]
    pub base: String,
}

/// CVSS of one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Cvss {
    /// Version 2.
    #[serde(skip_serializing_if = "zero")]
    pub v2_vector: String,
    /// Version 3.
    #[serde(skip_serializing_if = "zero")]
    pub v3_vector: String,
    /// Version 4.
    #[serde(skip_serializing_if = "zero")]
    pub v40_vector: String,
    /// Version 2.
    #[serde(skip_serializing_if = "zero", serialize_with = "super::json::number")]
    pub v2_score: f64,
    /// Version 3.
    #[serde(skip_serializing_if = "zero", serialize_with = "super::json::number")]
    pub v3_score: f64,
    /// Version 4.
    #[serde(skip_serializing_if = "zero", serialize_with = "super::json::number")]
    pub v40_score: f64,
}

/// A secret, redacted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Secret {
    /// Rule that found it.
    #[serde(rename = "RuleID")]
    pub rule_id: String,
    /// Whose.
    pub category: String,
    /// How bad.
    pub severity: String,
    /// What.
    pub title: String,
    /// First line.
    pub start_line: u32,
    /// Last line.
    pub end_line: u32,
    /// Lines around it.
    pub code: Code,
    /// The line.
    #[serde(rename = "Match")]
    pub matched: String,
    /// The layer that has it.
    #[serde(skip_serializing_if = "zero")]
    pub layer: Layer,
    /// Bytes before it.
    #[serde(skip_serializing_if = "zero")]
    pub offset: u64,
}

/// Lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Code {
    /// In their order.
    pub lines: Vec<Line>,
}

/// A line of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Line {
    /// Counted from 1.
    pub number: u32,
    /// Text.
    pub content: String,
    /// Whether the secret is in it.
    pub is_cause: bool,
    /// Not used.
    pub annotation: String,
    /// Whether it was cut.
    pub truncated: bool,
    /// With colours; the same text here.
    #[serde(skip_serializing_if = "zero")]
    pub highlighted: String,
    /// First of the lines with the secret.
    pub first_cause: bool,
    /// Last of them.
    pub last_cause: bool,
}

/// A licence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct License {
    /// By class.
    pub severity: String,
    /// Class.
    pub category: String,
    /// Whose.
    pub pkg_name: String,
    /// Where it was told.
    pub file_path: String,
    /// SPDX expression, or as written.
    pub name: String,
    /// Its text, where that is all there is.
    pub text: String,
    /// 0 to 1.
    #[serde(serialize_with = "super::json::number")]
    pub confidence: f64,
    /// A page about it.
    pub link: String,
}

/// A finding that something set aside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ModifiedFinding {
    /// `vulnerability`, `secret`, `license`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// `ignored`, `not_affected`, `fixed`.
    pub status: String,
    /// Why.
    pub statement: String,
    /// The file that says so.
    pub source: String,
    /// The finding as it would stand in the report.
    pub finding: Value,
}
