//! Sigstore bundles (0.1 to 0.3), alone or in a list, and the attestations of PEP 740, which hold the same in other words.

use crate::{
    PIECES, log,
    statement::{damaged, enveloped},
    unbase64,
};
use assay_model::trust::{Evidence, Held, Seal};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const FORM: &str = "sigstore-bundle";
const PEP_740: &str = "pep740";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// The evidence in a bundle.
pub(crate) fn one(path: &str, bundle: &Value, subjects: &[String]) -> Evidence {
    let material = &bundle["verificationMaterial"];
    let mut certificates: Vec<String> = Vec::new();
    certificates.extend(material["certificate"]["rawBytes"].as_str().map(str::to_owned));
    if certificates.is_empty() {
        let chain = material["x509CertificateChain"]["certificates"].as_array().into_iter().flatten();
        certificates
            .extend(chain.take(crate::CERTIFICATES).filter_map(|one| one["rawBytes"].as_str()).map(str::to_owned));
    }
    let hint = material["publicKey"]["hint"].as_str().filter(|hint| !hint.is_empty());
    let entries = log::entries(&material["tlogEntries"]);
    if bundle["dsseEnvelope"].is_null() {
        let why = "it signs bytes and makes no statement about them, which is not supported";
        let foreign = !material.is_object() || !bundle["messageSignature"].is_object();
        return Evidence { unchecked: true, foreign, ..damaged(FORM, path, why) };
    }
    enveloped(FORM, path, &bundle["dsseEnvelope"], subjects, |seal| Seal {
        key_id: seal.key_id.or_else(|| hint.map(str::to_owned)),
        certificates: certificates.clone(),
        log: entries.clone(),
        ..seal
    })
}

/// A list as registries hand it out, or one alone.
pub(crate) fn listed(held: &Held, bytes: &[u8]) -> Vec<Evidence> {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else {
        return vec![damaged(FORM, &held.path, "it is no JSON")];
    };
    if document["verificationMaterial"].is_object() {
        return vec![one(&held.path, &document, &held.subjects)];
    }
    let all = document["attestations"].as_array().into_iter().flatten().take(PIECES);
    all.map(|attestation| one(&held.path, &attestation["bundle"], &held.subjects)).collect()
}

/// A provenance document (PEP 740).
pub(crate) fn pep740(held: &Held, bytes: &[u8]) -> Vec<Evidence> {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else {
        return vec![damaged(PEP_740, &held.path, "it is no JSON")];
    };
    let bundles = document["attestation_bundles"].as_array().into_iter().flatten();
    let all = bundles.filter_map(|bundle| bundle["attestations"].as_array()).flatten().take(PIECES);
    all.map(|attestation| attested(held, attestation)).collect()
}

fn attested(held: &Held, attestation: &Value) -> Evidence {
    let envelope = &attestation["envelope"];
    let material = &attestation["verification_material"];
    let text = |value: &Value| value.as_str().and_then(unbase64).map(|bytes| STANDARD.encode(bytes));
    let (Some(statement), Some(signature)) = (text(&envelope["statement"]), text(&envelope["signature"])) else {
        return damaged(PEP_740, &held.path, "its envelope has no statement and signature");
    };
    let envelope = json!({"payloadType": IN_TOTO, "payload": statement, "signatures": [{"sig": signature}]});
    enveloped(PEP_740, &held.path, &envelope, &held.subjects, |seal| Seal {
        certificates: material["certificate"].as_str().map(str::to_owned).into_iter().collect(),
        log: log::entries(&material["transparency_entries"]),
        ..seal
    })
}
