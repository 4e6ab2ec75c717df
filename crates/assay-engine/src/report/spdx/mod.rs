//! SPDX 2.3 (ISO/IEC 5962) as JSON and tag-value, and SPDX 3.0.1 as JSON-LD.

mod names;
mod tag_value;
mod v2;
mod v3;
mod v3_security;

use super::bom::Document;

/// SPDX 2.3 JSON, indented, ended by a line feed.
#[must_use]
pub fn json(document: &Document) -> String {
    let mut text = serde_json::to_string_pretty(&v2::spdx(document)).unwrap_or_default();
    text.push('\n');
    text
}

/// SPDX 2.3 tag-value.
#[must_use]
pub fn tag_value(document: &Document) -> String {
    tag_value::text(&v2::spdx(document))
}

/// SPDX 3.0.1 JSON-LD, indented, ended by a line feed.
#[must_use]
pub fn json3(document: &Document) -> String {
    let mut text = serde_json::to_string_pretty(&v3::spdx(document)).unwrap_or_default();
    text.push('\n');
    text
}
