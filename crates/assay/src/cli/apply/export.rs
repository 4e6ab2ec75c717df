//! Objects written as files: one each, in a folder for their kind; a policy is a folder with its Rego beside it.

use super::object::{Kind, Object};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::{fs, path::Path};

/// One YAML document after the other.
pub(super) fn stream(objects: &[Object]) -> Result<String> {
    let documents = objects.iter().map(|object| yaml(&object.document())).collect::<Result<Vec<_>>>()?;
    Ok(documents.join("---\n"))
}

fn yaml(document: &Value) -> Result<String> {
    let mut text = serde_saphyr::to_string(document).context("cannot write YAML")?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// Writes them and says how many files that made. Files that are there already are replaced, others stay.
pub(super) fn write(directory: &Path, objects: &[Object]) -> Result<usize> {
    let mut files = 0;
    for (at, object) in objects.iter().enumerate() {
        let name = if object.name.is_empty() { format!("{}", at + 1) } else { plain(&object.name) };
        let mut document = object.document();
        let path = if object.kind == Kind::Policy {
            let folder = directory.join("policies").join(&name);
            if let Some(Value::String(rego)) = document.as_object_mut().and_then(|fields| fields.remove("rego")) {
                put(&folder.join("policy.rego"), &rego)?;
                files += 1;
            }
            folder.join("policy.yaml")
        } else {
            directory.join(folder(object.kind)).join(format!("{name}.yaml"))
        };
        put(&path, &yaml(&document)?)?;
        files += 1;
    }
    Ok(files)
}

fn folder(kind: Kind) -> &'static str {
    match kind {
        Kind::Repository => "repositories",
        Kind::Upstream => "upstreams",
        Kind::Trust => "trust",
        Kind::Channel => "channels",
        Kind::Policy => "policies",
        Kind::Waiver => "waivers",
    }
}

fn plain(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let plain: String = name.to_lowercase().chars().map(|c| if fits(c) { c } else { '-' }).collect();
    plain.trim_start_matches('.').to_owned()
}

fn put(path: &Path, text: &str) -> Result<()> {
    let unwritable = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(unwritable)?;
    }
    fs::write(path, text).with_context(unwritable)
}
