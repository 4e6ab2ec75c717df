//! VEX documents: OpenVEX 0.2, CSAF 2.0 (and 2.1) VEX, CycloneDX 1.4 and later. Reading only; whose word counts and
//! what it does is decided elsewhere.

mod csaf;
mod cyclonedx;
mod openvex;

use assay_model::Problem;
use assay_model::seam::vex::VexReader;
use assay_model::vex::VexStatement;
use serde_json::Value;
use std::collections::BTreeSet;

/// The largest document, in bytes.
pub const MAX_DOCUMENT: usize = 64 << 20;
/// More statements than any real document has.
const MAX_STATEMENTS: usize = 500_000;

/// Reads documents of any of the formats, for whoever keeps them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Documents;

/// What media types of documents, and of envelopes that hold one, have in them.
const MEDIA: [&str; 6] = ["openvex", "csaf", "cyclonedx", "in-toto", "dsse", "sigstore.bundle"];

impl VexReader for Documents {
    fn read(&self, name: &str, bytes: &[u8]) -> Result<Vec<VexStatement>, Problem> {
        read(name, bytes)
    }
    fn may_be_in(&self, media_type: &str) -> bool {
        MEDIA.iter().any(|part| media_type.contains(part))
    }
}

/// The statements of a document of any of the formats. `name` stands for the document where it does not name itself.
/// Statements that name no vulnerability or no product are left out.
///
/// # Errors
/// `Invalid` when it is no JSON or none of the formats, or a statement has a status that its format does not know: what was
/// meant is not guessed, and not passed over either; `TooLarge` past the limits.
pub fn read(name: &str, bytes: &[u8]) -> Result<Vec<VexStatement>, Problem> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(too_large(format!("{name} has more than {} MiB", MAX_DOCUMENT >> 20)));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::invalid("not-vex", format!("{name} is no JSON document: {error}")))?;
    let document = unwrapped(document);
    let read = if openvex::is_one(&document) {
        openvex::read(name, &document)?
    } else if csaf::is_one(&document) {
        csaf::read(name, &document)
    } else if cyclonedx::is_one(&document) {
        cyclonedx::read(name, &document)?
    } else {
        return Err(Problem::invalid(
            "not-vex",
            format!("{name} is no VEX document: neither OpenVEX, nor CSAF, nor CycloneDX"),
        ));
    };
    if read.len() > MAX_STATEMENTS {
        return Err(too_large(format!("{name} has more than {MAX_STATEMENTS} statements")));
    }
    Ok(read.into_iter().filter(|one| !one.vulnerability.is_empty() && !one.products.is_empty()).collect())
}

fn unknown_word(name: &str, word: &str, about: &BTreeSet<String>, known: &[&str]) -> Problem {
    let about = about.first().map_or("a vulnerability", String::as_str);
    let message = format!("{name} says `{word}` of {about}, which is no status; there are {}", known.join(", "));
    Problem::invalid("bad-vex", message)
}

fn too_large(message: String) -> Problem {
    Problem::new(assay_model::Kind::TooLarge, "limit", message)
}

/// The predicate where the document is an in-toto statement (in a DSSE envelope, in a Sigstore bundle, or by itself), else
/// the document itself.
fn unwrapped(document: Value) -> Value {
    use base64::Engine as _;
    let envelope = document.get("dsseEnvelope").unwrap_or(&document);
    let payload = envelope.get("payload").and_then(Value::as_str);
    let inner = payload
        .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok())
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let document = inner.unwrap_or(document);
    match document.get("predicate") {
        Some(predicate) if document.get("predicateType").is_some() => predicate.clone(),
        _ => document,
    }
}

/// The text of a field, where there is one.
fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// The items of a field that is a list.
fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn time(text: Option<&str>) -> Option<jiff::Timestamp> {
    text?.parse().ok()
}

/// `sha-256` and `SHA256` are `sha256`.
fn digest(algorithm: &str, hex: &str) -> String {
    format!("{}:{}", algorithm.replace('-', "").to_lowercase(), hex.to_lowercase())
}

#[cfg(test)]
mod tests;
