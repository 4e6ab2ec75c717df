//! CycloneDX 1.6 and 1.7 (ECMA-424), JSON and XML. The same inventory gives the same document, byte for byte.

mod model;
mod write;
mod xml;

pub use super::bom::Subject;
pub use model::Version;

use super::bom::{Document, Sources};
use crate::catalogue::ScoredFinding;
use assay_model::inventory::Inventory;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// Version 1.6 as JSON, with vulnerabilities where `findings` has any. `at` becomes the document's timestamp.
pub fn render(subject: &Subject, inventory: &Inventory, findings: &[ScoredFinding], at: Timestamp) -> Value {
    let details = BTreeMap::new();
    let document = Document::new(Sources { subject, inventory, findings, details: &details, at });
    serde_json::to_value(write::bom(&document, Version::V16)).unwrap_or_default()
}

/// JSON, indented, ended by a line feed.
#[must_use]
pub fn json(document: &Document, version: Version) -> String {
    let mut text = serde_json::to_string_pretty(&write::bom(document, version)).unwrap_or_default();
    text.push('\n');
    text
}

/// XML, indented, ended by a line feed.
#[must_use]
pub fn xml(document: &Document, version: Version) -> String {
    xml::text(&write::bom(document, version), version)
}
