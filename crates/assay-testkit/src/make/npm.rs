//! Folders of Node projects, as their authors have them before publishing.

use anyhow::Result;
use serde_json::{Value, json};
use std::path::Path;

/// Writes a package into a folder: a manifest with these further fields, and one module that says its version.
///
/// # Errors
/// When the folder cannot be written.
pub fn package(folder: &Path, name: &str, version: &str, more: &Value) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut manifest = json!({ "name": name, "version": version, "main": "index.js", "license": "MIT" });
    for (field, value) in more.as_object().into_iter().flatten() {
        manifest[field] = value.clone();
    }
    std::fs::write(folder.join("package.json"), serde_json::to_vec_pretty(&manifest)?)?;
    std::fs::write(folder.join("index.js"), format!("module.exports = \"{version}\";\n"))?;
    Ok(())
}
