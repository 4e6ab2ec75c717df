//! What comes with a distribution: attestations (PEP 740) and a detached OpenPGP signature (PEP 503). Their shape and what
//! they speak of are checked here; whether their signatures hold is for those who decide.

use crate::pypi::names::{self, FileName};
use assay_model::{Digest, Problem};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Bytes of the form's field; one attestation has about six thousand.
pub(crate) const FIELD: usize = 1 << 20;
/// Attestations of one file, and entries of the transparency log of one attestation.
const ATTESTATIONS: usize = 16;
const ENTRIES: usize = 16;
/// Bytes of a detached signature.
pub(crate) const SIGNATURE: usize = 64 << 10;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// The provenance document of a file, made of the attestations that its publisher sent.
///
/// # Errors
/// `Invalid`, naming the attestation and what is wrong with it.
pub(crate) fn provenance(text: &str, file: &FileName, digest: &Digest) -> Result<Vec<u8>, Problem> {
    let list: Vec<Value> = serde_json::from_str(text)
        .map_err(|error| wrong(format!("`attestations` is no JSON array of attestations: {error}")))?;
    if list.is_empty() || list.len() > ATTESTATIONS {
        return Err(wrong(format!("`attestations` has {} entries; 1 to {ATTESTATIONS} are taken", list.len())));
    }
    for (at, attestation) in list.iter().enumerate() {
        check(attestation, file, digest).map_err(|why| wrong(format!("attestation {}: {why}", at + 1)))?;
    }
    let document = json!({
        "version": 1,
        "attestation_bundles": [{ "publisher": { "kind": "API token" }, "attestations": list }],
    });
    Ok(document.to_string().into_bytes())
}

fn wrong(message: String) -> Problem {
    Problem::invalid("bad-attestation", message)
}

fn check(attestation: &Value, file: &FileName, digest: &Digest) -> Result<(), String> {
    if attestation["version"] != 1 {
        return Err("`version` must be 1".to_owned());
    }
    let material = &attestation["verification_material"];
    unbase64(&material["certificate"], "verification_material.certificate")?;
    let entries = material["transparency_entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() || entries.len() > ENTRIES || !entries.iter().all(Value::is_object) {
        return Err(format!("`verification_material.transparency_entries` must be 1 to {ENTRIES} objects"));
    }
    unbase64(&attestation["envelope"]["signature"], "envelope.signature")?;
    let statement = unbase64(&attestation["envelope"]["statement"], "envelope.statement")?;
    let statement: Value =
        serde_json::from_slice(&statement).map_err(|error| format!("its statement is no JSON: {error}"))?;
    if statement["_type"] != STATEMENT {
        return Err(format!("its statement must be of type {STATEMENT}"));
    }
    if !statement["predicateType"].is_string() {
        return Err("its statement has no `predicateType`".to_owned());
    }
    let Some([subject]) = statement["subject"].as_array().map(Vec::as_slice) else {
        return Err("its statement must have one subject".to_owned());
    };
    let said = subject["name"].as_str().unwrap_or_default();
    if spelled(said) != spelled(&file.text) {
        return Err(format!("its subject is `{}` and the file is `{}`", names::shown(said), file.text));
    }
    let said = subject["digest"]["sha256"].as_str().unwrap_or_default();
    if !said.eq_ignore_ascii_case(digest.hex()) {
        return Err(format!("its subject has the SHA-256 `{}` and the file has {}", names::shown(said), digest.hex()));
    }
    Ok(())
}

/// File names that differ in case and in `-`, `_` and `.` are those of one file.
fn spelled(name: &str) -> String {
    name.chars().map(|c| if matches!(c, '-' | '.') { '_' } else { c.to_ascii_lowercase() }).collect()
}

fn unbase64(value: &Value, what: &str) -> Result<Vec<u8>, String> {
    let text = value.as_str().filter(|text| !text.is_empty()).ok_or_else(|| format!("`{what}` is missing"))?;
    // Encoders of mail break lines.
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(text).map_err(|_| format!("`{what}` is not base64"))
}

/// # Errors
/// `Invalid` when it is no armoured signature.
pub(crate) fn signature(text: &str) -> Result<Vec<u8>, Problem> {
    let inner = text.trim();
    if inner.starts_with("-----BEGIN PGP SIGNATURE-----") && inner.ends_with("-----END PGP SIGNATURE-----") {
        return Ok(text.as_bytes().to_vec());
    }
    Err(Problem::invalid("bad-signature", "`gpg_signature` is no armoured detached OpenPGP signature (gpg --armor)"))
}
