//! Provenance as a client publishes it: a Sigstore bundle beside the archive. Whom it was signed by is for whoever
//! verifies it; here it must speak of the archive that it comes with.

use super::names::Name;
use assay_model::{Problem, seam::format::Staged};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Bytes of a bundle.
pub(super) const BUNDLE: usize = 1 << 20;

/// An attestation about one archive.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bundle {
    /// Type of the statement's predicate (`https://slsa.dev/provenance/v1`).
    pub(super) predicate: String,
    bundle: Value,
}

impl Bundle {
    /// # Errors
    /// `Invalid` when it is no bundle with an in-toto statement, or one about another archive.
    pub(super) fn parse(text: &str, name: &Name, version: &str, staged: &Staged) -> Result<Self, Problem> {
        let bad = |why: &str| Problem::invalid("bad-provenance", format!("the provenance bundle {why}"));
        let bundle: Value = serde_json::from_str(text).map_err(|_| bad("is not JSON"))?;
        let payload = bundle["dsseEnvelope"]["payload"].as_str().and_then(|text| STANDARD.decode(text).ok());
        let statement: Value = payload
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| bad("has no statement in a DSSE envelope"))?;
        let predicate = statement["predicateType"].as_str().ok_or_else(|| bad("has a statement without a type"))?;
        let subject = format!("pkg:npm/{}@{version}", name.as_str().replacen('@', "%40", 1));
        let sha512 = staged.hashes.get("sha512").map(String::as_str).unwrap_or_default();
        let about = statement["subject"].as_array().into_iter().flatten().any(|one| {
            one["name"].as_str() == Some(&subject) && one["digest"]["sha512"].as_str().is_some_and(|hex| hex == sha512)
        });
        if !about {
            return Err(bad(&format!("does not speak of {subject} with the digest of this archive")));
        }
        Ok(Self { predicate: predicate.to_owned(), bundle })
    }

    /// The document that clients ask for.
    pub(super) fn document(&self) -> String {
        json!({ "attestations": [{ "predicateType": self.predicate, "bundle": self.bundle }] }).to_string()
    }
}
