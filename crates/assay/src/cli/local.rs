//! What the commands without a server share: taking a file or directory apart, and opening the data directory.

use crate::{config::Config, wiring};
use anyhow::{Context as _, Result, bail};
use assay_analyzers::Selection;
use assay_engine::{Engine, report::Subject};
use assay_model::{inventory::Inventory, seam::inspector::Inspector};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::Read,
    path::Path,
    sync::Arc,
};
use tempfile::TempDir;

/// What was looked into.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Target {
    /// As it was named.
    pub(crate) path: String,
    /// `file`, `image archive` or `directory`.
    pub(super) kind: &'static str,
    /// Of a file's bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    /// Bytes of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u64>,
}

impl Target {
    /// Whether it is a container image.
    pub(super) fn is_image(&self) -> bool {
        matches!(self.kind, IMAGE | IMAGE_LAYOUT | IMAGE_IN_REGISTRY)
    }

    /// The subject of its CycloneDX document.
    pub(super) fn subject(&self, inventory: &Inventory) -> Subject {
        let own = inventory.components.iter().find(|o| o.is_subject).map(|o| &o.component);
        let name = Path::new(&self.path).file_name().map_or_else(|| self.path.clone(), |n| n.to_string_lossy().into());
        Subject {
            name: own.map_or(name, |c| c.name.clone()),
            version: own.map(|c| c.version.clone()).unwrap_or_default(),
            is_image: self.is_image(),
            sha256: self.sha256.clone(),
        }
    }
}

const IMAGE: &str = "image archive";
const IMAGE_LAYOUT: &str = "image layout";
/// Kinds of targets that are elsewhere.
pub(super) const IMAGE_IN_REGISTRY: &str = "image in a registry";
pub(super) const GIT: &str = "git repository";
pub(super) const STORED: &str = "stored package";

/// Takes a file or a directory apart, on a blocking thread.
pub(super) async fn inspect(config: &Config, path: &Path) -> Result<(Target, Inventory)> {
    inspect_for(config, path, Selection::default()).await
}

/// The same, looking only for what is selected.
pub(super) async fn inspect_for(config: &Config, path: &Path, selection: Selection) -> Result<(Target, Inventory)> {
    let inspector = wiring::inspector(config).selecting(selection);
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || look(&inspector, &path)).await?
}

fn look(inspector: &assay_analyzers::StandardInspector, path: &Path) -> Result<(Target, Inventory)> {
    let shown = path.display().to_string();
    let meta = fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
    if meta.is_dir() {
        let inventory = inspector.directory(path)?;
        let kind = if inventory.image.is_some() { IMAGE_LAYOUT } else { "directory" };
        return Ok((Target { path: shown, kind, sha256: None, size: None }, inventory));
    }
    if !meta.is_file() {
        bail!("{shown} is neither a file nor a directory");
    }
    let mut file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let sha256 = sha256(&mut file).with_context(|| format!("cannot read {shown}"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let inventory =
        inspector.file(&name, meta.len(), &mut file).with_context(|| format!("cannot take {shown} apart"))?;
    let layered = inventory.image.is_some() || inventory.components.iter().any(|o| o.layer.is_some());
    let kind = if layered { IMAGE } else { "file" };
    Ok((Target { path: shown, kind, sha256: Some(sha256), size: Some(meta.len()) }, inventory))
}

fn sha256(file: &mut File) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            n => hasher.update(buffer.get(..n).unwrap_or_default()),
        }
    }
}

/// An engine to read with. Where there is no data directory yet, none is left behind: an empty one is used while the
/// second value lives.
pub(super) async fn engine_to_read(config: &Config) -> Result<(Arc<Engine>, Option<TempDir>)> {
    if config.data.exists() || !config.database.url.is_empty() {
        return Ok((wiring::engine(config).await?, None));
    }
    let empty = tempfile::tempdir()?;
    let config = Config { data: empty.path().to_owned(), ..config.clone() };
    Ok((wiring::engine(&config).await?, Some(empty)))
}
