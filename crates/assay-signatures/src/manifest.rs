//! Manifests of container registries that hold signatures: layers as cosign writes them (simple signing with annotations,
//! DSSE envelopes), Sigstore bundles, and statements that nobody signed.

use crate::{bundle, certificate, log, statement, unbase64};
use assay_model::{
    Digest,
    trust::{Evidence, Held, Seal},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::collections::BTreeMap;

const SIMPLE_SIGNING: &str = "simplesigning";
const ENVELOPE: &str = "dsse.envelope";
const BUNDLE: &str = "dev.sigstore.bundle";
const STATEMENT: &str = "in-toto";
const COSIGN: &str = "cosign";
const DSSE: &str = "dsse";
/// Annotations of a layer.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const ENTRY: &str = "dev.sigstore.cosign/bundle";

/// Every piece of evidence in the layers of a manifest.
pub(crate) fn read(held: &Held, documents: &BTreeMap<Digest, Vec<u8>>) -> Vec<Evidence> {
    let Some(manifest) = held.documents.first().and_then(|digest| documents.get(digest)) else { return Vec::new() };
    let Ok(manifest) = serde_json::from_slice::<Value>(manifest) else { return Vec::new() };
    let layers = manifest["layers"].as_array().into_iter().flatten().take(crate::PIECES);
    layers.filter_map(|layer| in_layer(held, layer, documents)).collect()
}

fn in_layer(held: &Held, layer: &Value, documents: &BTreeMap<Digest, Vec<u8>>) -> Option<Evidence> {
    let kind = layer["mediaType"].as_str().unwrap_or_default();
    let read: fn(&Held, &Value, &[u8]) -> Evidence = match () {
        () if kind.contains(SIMPLE_SIGNING) => simple,
        () if kind.contains(ENVELOPE) => envelope,
        () if kind.contains(BUNDLE) => bundled,
        () if kind.contains(STATEMENT) => |held, _, bytes| match serde_json::from_slice::<Value>(bytes) {
            // What is signed is kept under the type of what it says, too.
            Ok(said) if said["payload"].is_string() => envelope(held, &Value::Null, bytes),
            _ => statement::bare(&held.path, bytes, &held.subjects),
        },
        () => return None,
    };
    let digest: Digest = layer["digest"].as_str()?.parse().ok()?;
    Some(match documents.get(&digest) {
        Some(bytes) => read(held, layer, bytes),
        None => statement::damaged(COSIGN, &held.path, "a part of it is not here, or is too large"),
    })
}

fn simple(held: &Held, layer: &Value, bytes: &[u8]) -> Evidence {
    let annotation = |key: &str| layer["annotations"][key].as_str().filter(|text| !text.is_empty());
    let Some(signature) = annotation(SIGNATURE) else {
        return statement::damaged(COSIGN, &held.path, "its layer has no signature beside it");
    };
    let payload: Value = serde_json::from_slice(bytes).unwrap_or_default();
    if !payload["critical"].is_object() {
        return statement::damaged(COSIGN, &held.path, "its layer says nothing of an image");
    }
    let said = payload["critical"]["image"]["docker-manifest-digest"].as_str().unwrap_or_default();
    let is_about = held.subjects.iter().any(|subject| subject.eq_ignore_ascii_case(said));
    let shown: String = said.chars().take(80).collect();
    Evidence {
        kind: "signature".to_owned(),
        form: COSIGN.to_owned(),
        path: held.path.clone(),
        message: STANDARD.encode(bytes),
        seals: vec![beside(layer, Seal { signature: signature.to_owned(), ..Seal::default() })],
        objection: (!is_about).then(|| format!("it is about another image, {shown}")),
        ..Evidence::default()
    }
}

fn envelope(held: &Held, layer: &Value, bytes: &[u8]) -> Evidence {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(envelope) => statement::enveloped(DSSE, &held.path, &envelope, &held.subjects, |seal| beside(layer, seal)),
        Err(_) => statement::damaged(DSSE, &held.path, "it is no JSON"),
    }
}

fn bundled(held: &Held, _: &Value, bytes: &[u8]) -> Evidence {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(whole) => bundle::one(&held.path, &whole, &held.subjects),
        Err(_) => statement::damaged("sigstore-bundle", &held.path, "it is no JSON"),
    }
}

/// A signature with what the annotations of its layer add.
fn beside(layer: &Value, seal: Seal) -> Seal {
    let annotation = |key: &str| layer["annotations"][key].as_str();
    let pems = [annotation(CERTIFICATE), annotation(CHAIN)].into_iter().flatten();
    let certificates = pems.flat_map(certificate::from_pem).take(crate::CERTIFICATES).collect();
    let log = annotation(ENTRY).and_then(log::annotated).into_iter().collect();
    // Encoders differ in padding and lines; one spelling compares.
    let signature = unbase64(&seal.signature).map_or(seal.signature, |bytes| STANDARD.encode(bytes));
    Seal { certificates, log, signature, ..seal }
}
