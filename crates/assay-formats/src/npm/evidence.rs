//! What came with a version that somebody signed: signatures of the registry that it is from, over its name, version and
//! the hash of its archive; and its attestations.

use crate::kit::evidence::{OPENPGP, in_file};
use assay_model::{
    package::{File, Package, Role},
    trust::{Brought, Layout},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// Signatures of one version.
const SIGNATURES: usize = 16;

pub(super) fn of(package: &Package, files: &[File]) -> Brought {
    let Some(archive) = files.iter().find(|file| file.role == Some(Role::File)) else { return Brought::default() };
    let sha512 = archive.hashes.get("sha512");
    let subjects = sha512.map(|hex| format!("sha512:{hex}")).into_iter().chain([archive.digest.to_string()]);
    let subjects: Vec<String> = subjects.collect();
    let held = |layout, file| in_file(file, layout, subjects.clone());
    let dist = package.metadata.get("dist").unwrap_or(&Value::Null);
    let said = dist["signatures"].as_array().into_iter().flatten().take(SIGNATURES);
    let signatures: Vec<(Option<String>, String)> = said
        .filter_map(|one| Some((one["keyid"].as_str().map(str::to_owned), one["sig"].as_str()?.to_owned())))
        .collect();
    let mut all = Vec::new();
    if let (false, Some(Ok(hash))) = (signatures.is_empty(), sha512.map(hex::decode)) {
        let message = format!("{}@{}:sha512-{}", package.at.name, package.at.version, STANDARD.encode(hash));
        all.push(held(Layout::Registry { message, signatures }, archive));
    }
    if dist["npm-signature"].is_string() {
        all.push(held(OPENPGP, archive));
    }
    let attestations = files.iter().filter(|file| file.path.ends_with(".attestations.json"));
    all.extend(attestations.map(|file| held(Layout::Bundles, file)));
    Brought { held: all, ..Brought::default() }
}
