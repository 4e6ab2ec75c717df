//! One OSV record from its bytes. What makes a record bad is decided here and nowhere else.

use assay_model::advisory::Advisory;
use serde_json::Value;

/// Longest id, in bytes.
const MAX_ID: usize = 256;

/// Keys that an OSV record may begin with.
const FIRST_KEYS: &[&str] = &[
    "schema_version",
    "id",
    "modified",
    "published",
    "withdrawn",
    "aliases",
    "upstream",
    "related",
    "summary",
    "details",
    "severity",
    "affected",
    "references",
    "credits",
    "database_specific",
];

/// The record.
///
/// # Errors
/// The reason why it cannot be used, for people.
pub(super) fn read(bytes: &[u8]) -> Result<Advisory, String> {
    let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err("it is not a JSON object".to_owned());
    }
    let advisory = match serde_json::from_slice(json) {
        Ok(advisory) => advisory,
        Err(first) => without_nulls(json).ok_or_else(|| first.to_string())?,
    };
    check(advisory)
}

/// Some databases write `null` where the schema wants the field left out.
fn without_nulls(json: &[u8]) -> Option<Advisory> {
    let mut value: Value = serde_json::from_slice(json).ok()?;
    drop_nulls(&mut value);
    serde_json::from_value(value).ok()
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

fn check(advisory: Advisory) -> Result<Advisory, String> {
    if advisory.id.is_empty() {
        return Err("it has no id".to_owned());
    }
    if advisory.id.len() > MAX_ID || advisory.id.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("its id is too long or has white space in it".to_owned());
    }
    if advisory.modified.is_empty() {
        return Err("it has no date of modification".to_owned());
    }
    Ok(advisory)
}

/// Whether these first bytes begin a record, an array of records, or a line with one.
pub(super) fn begins_one(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let text = text.strip_prefix('[').unwrap_or(text).trim_start();
    let key = text
        .strip_prefix('{')
        .and_then(|rest| rest.trim_start().strip_prefix('"'))
        .and_then(|rest| rest.split('"').next());
    // Other documents have an `id` too; these say what they are near their beginning.
    let other = ["\"bomFormat\"", "\"spdxVersion\"", "\"$schema\"", "\"@context\"", "\"catalogVersion\""];
    key.is_some_and(|key| FIRST_KEYS.contains(&key)) && !other.iter().any(|mark| text.contains(mark))
}
