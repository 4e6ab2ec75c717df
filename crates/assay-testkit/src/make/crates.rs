//! Tiny Rust packages: as folders that cargo builds and publishes, and as `.crate` files with the request that publishes
//! them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use super::{gzip, tar};

/// A library without dependencies, as cargo packs it.
///
/// # Errors
/// When the name is too long for tar.
pub fn packed(name: &str, version: &str) -> Result<Vec<u8>> {
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
    let source = format!("pub const VERSION: &str = \"{version}\";\n");
    let root = format!("{name}-{version}");
    let files = [(format!("{root}/Cargo.toml"), manifest), (format!("{root}/src/lib.rs"), source)];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    gzip(&tar(&files)?)
}

/// The body of `PUT api/v1/crates/new`.
///
/// # Errors
/// As [`packed`].
pub fn publication(name: &str, version: &str) -> Result<Vec<u8>> {
    let metadata = json!({ "name": name, "vers": version, "deps": [], "features": {}, "description": "tiny" });
    Ok(framed(metadata.to_string().as_bytes(), &packed(name, version)?))
}

/// Two documents, each after its length.
#[must_use]
pub fn framed(metadata: &[u8], packed: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(metadata.len() + packed.len() + 8);
    for part in [metadata, packed] {
        body.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        body.extend(part);
    }
    body
}

/// Writes a package to build; `dependencies` are lines of that table. The answer is its folder.
///
/// # Errors
/// When it cannot be written.
pub fn folder(at: &Path, name: &str, version: &str, dependencies: &str, source: (&str, &str)) -> Result<PathBuf> {
    let folder = at.join(format!("{name}-{version}"));
    std::fs::create_dir_all(folder.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\ndescription = \"A {name} that is \
         tiny\"\nlicense = \"MIT\"\n\n[dependencies]\n{dependencies}\n"
    );
    std::fs::write(folder.join("Cargo.toml"), manifest)?;
    let (file, code) = source;
    std::fs::write(folder.join("src").join(file), code)?;
    Ok(folder)
}
