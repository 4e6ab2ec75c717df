//! Trivy-compatible JSON, schema version 2: what programs that read Trivy's reports expect, field by field, with the same
//! identifiers. Also the form from which the other reports (SARIF, GitLab, JUnit, CSV, HTML) are made, so that an earlier
//! report can be turned into them.
//!
//! Pure: the time comes from outside, UUIDs are made from time and content.

mod cyclonedx;
mod group;
mod hash;
mod identity;
mod json;
mod kinds;
mod model;
mod package;
mod purl;
mod secrets;
mod vulnerability;

#[cfg(test)]
mod tests;

pub use cyclonedx::cyclonedx;
pub use identity::Uuids;
pub use json::text;
pub use kinds::analyzers_of;
pub use model::*;
pub use package::installed as whole_version;

use crate::{ScanResult, ignore::Suppressed};
use assay_model::{
    finding::FindingKind,
    inventory::{ImageFacts, Inventory},
};
use jiff::Timestamp;
use serde_json::Value;

/// The schema that is written and read.
pub const SCHEMA_VERSION: u32 = 2;

/// What kind of thing was scanned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArtifactKind {
    /// An image: an archive, a layout, or in a registry.
    Image,
    /// A file or directory.
    #[default]
    FileSystem,
    /// Sources: a directory or a git repository.
    Repository,
    /// A bill of materials in CycloneDX.
    CycloneDx,
    /// A bill of materials in SPDX.
    Spdx,
}

impl ArtifactKind {
    /// The word of reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "container_image",
            Self::FileSystem => "filesystem",
            Self::Repository => "repository",
            Self::CycloneDx => "cyclonedx",
            Self::Spdx => "spdx",
        }
    }
}

/// What was scanned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// As it was named.
    pub name: String,
    /// What it is.
    pub kind: ArtifactKind,
    /// Where its sources are kept, for repositories.
    pub git: Option<Git>,
}

/// A commit of a git repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Git {
    /// Address, without credentials.
    pub url: String,
    /// Branch.
    pub branch: String,
    /// Tags of the commit.
    pub tags: Vec<String>,
    /// Commit.
    pub commit: String,
    /// Its message.
    pub message: String,
    /// Who wrote it.
    pub author: String,
    /// Who committed it.
    pub committer: String,
}

/// What goes into the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Packages, also those that nothing is wrong with.
    pub packages: bool,
    /// What is only needed to develop.
    pub include_dev: bool,
    /// Vulnerabilities.
    pub vulnerabilities: bool,
    /// Secrets.
    pub secrets: bool,
    /// Licences.
    pub licenses: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { packages: true, include_dev: false, vulnerabilities: true, secrets: true, licenses: false }
    }
}

/// The report of a scan, made at this time.
#[must_use]
pub fn report(scan: &ScanResult, subject: &Subject, options: &Options, at: Timestamp) -> Report {
    report_with(scan, subject, options, &[], at)
}

/// The same with what was left out of its findings, and why, as findings that were modified.
#[must_use]
pub fn report_with(
    scan: &ScanResult,
    subject: &Subject,
    options: &Options,
    suppressed: &[Suppressed],
    at: Timestamp,
) -> Report {
    let metadata = metadata(scan, subject);
    let artifact_id = match subject.kind {
        ArtifactKind::Image => {
            let name = [&metadata.reference].into_iter().chain(&metadata.repo_tags).chain(&metadata.repo_digests);
            let name = name.into_iter().find(|name| !name.is_empty());
            identity::of_image(&metadata.image_id, name.map_or("", String::as_str))
        }
        ArtifactKind::Repository => identity::of_repository(&metadata.repo_url, &metadata.commit),
        _ => String::new(),
    };
    let mut results = group::outcomes(scan, subject, &artifact_id, options, suppressed);
    if options.secrets {
        results.extend(secrets::secrets(&scan.inventory));
    }
    if options.licenses {
        results.extend(secrets::licenses(subject, &scan.inventory));
    }
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        trivy: Scanner { version: format!("assay {}", env!("CARGO_PKG_VERSION")) },
        report_id: String::new(),
        created_at: at.to_string(),
        artifact_id,
        artifact_name: subject.name.clone(),
        artifact_type: subject.kind.as_str().to_owned(),
        metadata,
        results,
    };
    report.report_id = Uuids::new(text(&report).unwrap_or_default().as_bytes(), at).by_time();
    report
}

fn metadata(scan: &ScanResult, subject: &Subject) -> Metadata {
    let inventory = &scan.inventory;
    let ended = scan.findings.iter().any(|f| f.finding.kind == FindingKind::EndOfLife && f.component.purl.is_empty());
    let os = inventory.os.as_ref().map(|os| Os {
        family: kinds::family(os).to_owned(),
        name: os.version.clone(),
        eosl: ended,
    });
    let mut metadata = Metadata { os, ..image(inventory) };
    if let Some(git) = &subject.git {
        metadata.repo_url.clone_from(&git.url);
        metadata.branch.clone_from(&git.branch);
        metadata.tags.clone_from(&git.tags);
        metadata.commit.clone_from(&git.commit);
        metadata.commit_msg.clone_from(&git.message);
        metadata.author.clone_from(&git.author);
        metadata.committer.clone_from(&git.committer);
    }
    metadata
}

fn image(inventory: &Inventory) -> Metadata {
    let Some(image) = &inventory.image else { return Metadata::default() };
    let layers: Vec<Layer> = image
        .layers
        .iter()
        .map(|l| Layer {
            size: l.size,
            digest: l.digest.clone(),
            diff_id: l.diff_id.clone(),
            created_by: l.created_by.clone(),
        })
        .collect();
    Metadata {
        size: image.layers.iter().map(|l| l.size).sum(),
        image_id: image.id.clone(),
        diff_ids: image.layers.iter().map(|l| l.diff_id.clone()).filter(|id| !id.is_empty()).collect(),
        repo_tags: image.tags.clone(),
        repo_digests: image.digests.clone(),
        reference: image.tags.first().or(image.digests.first()).cloned().unwrap_or_default(),
        image_config: config(image),
        layers: layers.into_iter().filter(|l| *l != Layer::default()).collect(),
        ..Metadata::default()
    }
}

/// The members of an image configuration that reports carry (OCI image specification, and two of Docker's own).
const CONFIG: [&str; 12] = [
    "architecture",
    "author",
    "config",
    "container",
    "created",
    "docker_version",
    "history",
    "os",
    "os.features",
    "os.version",
    "rootfs",
    "variant",
];

fn config(image: &ImageFacts) -> Value {
    let Value::Object(map) = &image.config else { return Value::Null };
    let kept = map.iter().filter(|(key, _)| CONFIG.contains(&key.as_str()));
    let kept = kept.map(|(key, value)| (key.clone(), lean(value))).filter(|(_, value)| !is_empty(value));
    let kept: serde_json::Map<String, Value> = kept.collect();
    if kept.is_empty() { Value::Null } else { Value::Object(kept) }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Without members that say nothing. Keys of maps whose values are empty by design (volumes, ports) stay.
fn lean(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let by_design = |key: &String| key.contains('/');
            let kept = map.iter().map(|(key, value)| (key.clone(), lean(value)));
            Value::Object(kept.filter(|(key, value)| by_design(key) || !is_empty(value)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(lean).collect()),
        other => other.clone(),
    }
}

/// Reads an earlier report.
///
/// # Errors
/// When it is no JSON, or none of this schema; the sentence says so.
pub fn parse(text: &str) -> Result<Report, String> {
    let report: Report = serde_json::from_str(text).map_err(|error| format!("this is no report: {error}"))?;
    match report.schema_version {
        SCHEMA_VERSION => Ok(report),
        0 => Err("this is no Trivy-compatible report: it has no SchemaVersion".to_owned()),
        other => Err(format!("schema version {other} cannot be read, only {SCHEMA_VERSION}")),
    }
}
