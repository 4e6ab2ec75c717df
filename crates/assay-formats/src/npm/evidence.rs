//! What came with a version that somebody signed: signatures of the registry that it is from, over its name, version and
//! the hash of its archive; and its attestations.

use crate::kit::evidence::NO_OPENPGP;
use assay_model::{
    package::{File, Package, Role},
    trust::{Brought, Held, Layout},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// Signatures of one version.
const SIGNATURES: usize = 16;

pub(super) fn of(package: &Package, files: &[File]) -> Brought {
    let Some(archive) = files.iter().find(|file| file.role == Some(Role::File)) else { return Brought::default() };
    let sha512 = archive.hashes.get("sha512").map(String::as_str).unwrap_or_default();
    let held = |layout, file: &File| Held {
        layout,
        path: file.path.clone(),
        about: None,
        place: None,
        documents: vec![file.digest.clone()],
        subjects: vec![format!("sha512:{sha512}"), archive.digest.to_string()],
    };
    let dist = package.metadata.get("dist").unwrap_or(&Value::Null);
    let said = dist["signatures"].as_array().into_iter().flatten().take(SIGNATURES);
    let signatures: Vec<(Option<String>, String)> = said
        .filter_map(|one| Some((one["keyid"].as_str().map(str::to_owned), one["sig"].as_str()?.to_owned())))
        .collect();
    let mut all = Vec::new();
    if let (false, Ok(hash)) = (signatures.is_empty(), hex::decode(sha512)) {
        let message = format!("{}@{}:sha512-{}", package.at.name, package.at.version, STANDARD.encode(hash));
        all.push(held(Layout::Registry { message, signatures }, archive));
    }
    if dist["npm-signature"].is_string() {
        all.push(held(Layout::Opaque { form: "openpgp", why: NO_OPENPGP }, archive));
    }
    let attestations = files.iter().filter(|file| file.path.ends_with(".attestations.json"));
    all.extend(attestations.map(|file| held(Layout::Bundles, file)));
    Brought { held: all, ..Brought::default() }
}
