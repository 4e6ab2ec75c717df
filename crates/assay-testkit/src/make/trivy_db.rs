//! A vulnerability database in the form that Trivy publishes, out of the YAML in which its buckets are written down:
//! `bucket` with `pairs`, each a `bucket` again or a `key` with its `value`.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use super::bolt::Bucket;

#[derive(Deserialize)]
struct Pair {
    bucket: Option<String>,
    key: Option<String>,
    #[serde(default)]
    pairs: Vec<Pair>,
    value: Option<Value>,
}

/// The file made of every `.yaml` of a folder.
///
/// # Errors
/// When a file cannot be read, or is no such YAML.
pub fn of_folder(folder: &Path) -> Result<Vec<u8>> {
    let mut root = Bucket::default();
    let mut paths: Vec<_> = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "yaml")) {
        add(&mut root, &std::fs::read_to_string(path)?).with_context(|| path.display().to_string())?;
    }
    Ok(root.file(4096))
}

/// Adds what a text says to what is there.
///
/// # Errors
/// When it is no such YAML.
pub fn add(root: &mut Bucket, yaml: &str) -> Result<()> {
    let pairs: Vec<Pair> = serde_saphyr::from_str(yaml)?;
    pairs.into_iter().try_for_each(|pair| put(root, pair))
}

fn put(into: &mut Bucket, pair: Pair) -> Result<()> {
    if let Some(name) = &pair.bucket {
        let bucket = into.bucket(name);
        return pair.pairs.into_iter().try_for_each(|pair| put(bucket, pair));
    }
    let key = pair.key.context("a pair has neither bucket nor key")?;
    into.put(&key, serde_json::to_vec(&pair.value)?);
    Ok(())
}
