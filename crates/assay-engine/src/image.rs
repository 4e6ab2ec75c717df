//! What is in an image: its layers, each read once per digest and composed; its configuration; the images of an index; and
//! what travels as an image though it is none (charts, signatures, bills of materials). What a manifest's parts are is for
//! its format to say, in the package's metadata; nothing here knows a media type.

use crate::{
    Engine,
    analyze::{blocking, skipped, unreadable},
};
use assay_model::{
    digest::Digest,
    inventory::{Inventory, StoredInventory},
    package::{Package, Role},
    problem::Problem,
    renewal::Which,
    seam::meta,
};
use serde::Deserialize;
use serde_json::Value;
use std::{future::Future, io::Read, pin::Pin, sync::Arc};

type Made<'a> = Pin<Box<dyn Future<Output = Result<Inventory, Problem>> + Send + 'a>>;

/// Images within images within images: an index may name indexes, to this depth.
const NESTING: u8 = 3;
/// Configurations are small; a larger one is not read.
const CONFIGURATION: u64 = 4 << 20;

/// A part of an image as the format keeps it in the package's metadata.
#[derive(Clone, Debug, Deserialize)]
struct Part {
    digest: Digest,
    #[serde(default)]
    size: u64,
    #[serde(default, rename = "readAs")]
    read_as: ReadAs,
    /// The name of a file.
    #[serde(default)]
    title: Option<String>,
    /// Whether the image was pushed without it. It is then not looked at even if its bytes are stored for others.
    #[serde(default)]
    absent: bool,
}

/// What a part is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReadAs {
    /// Changes to a file system, or the configuration of an image.
    #[default]
    Layer,
    /// The same, encrypted.
    Encrypted,
    /// A file of any kind.
    File,
    /// A file that speaks of something else: what it names is not in it.
    Statement,
}

impl Engine {
    pub(crate) async fn image_inventory(self: &Arc<Self>, package: &Package) -> Result<Inventory, Problem> {
        self.image(package, NESTING).await
    }

    fn image<'a>(self: &'a Arc<Self>, package: &'a Package, nesting: u8) -> Made<'a> {
        Box::pin(async move {
            let children = parts_in(&package.metadata, "manifests");
            if !children.is_empty() {
                return self.index(package, &children, nesting).await;
            }
            let parts = parts_in(&package.metadata, "layers");
            let (layers, files): (Vec<Part>, Vec<Part>) =
                parts.into_iter().partition(|part| matches!(part.read_as, ReadAs::Layer | ReadAs::Encrypted));
            let mut whole = self.composed(layers, configuration(&package.metadata)).await?;
            for file in &files {
                whole.absorb(self.file_in_image(file).await?);
            }
            whole.settle();
            Ok(whole)
        })
    }

    /// One file system from its layers, with what the configuration says.
    async fn composed(self: &Arc<Self>, parts: Vec<Part>, configuration: Option<Part>) -> Result<Inventory, Problem> {
        let mut missing = Vec::new();
        let mut layers = Vec::new();
        for part in &parts {
            let digest = &part.digest;
            if part.read_as == ReadAs::Encrypted {
                missing.push(skipped(digest.as_str(), "encrypted", "the layer is encrypted"));
                continue;
            }
            let read = if part.absent { None } else { self.layer(digest).await? };
            match read {
                Some(inventory) => layers.push((digest.clone(), inventory)),
                None => missing.push(skipped(digest.as_str(), "unsupported", "the layer is stored elsewhere")),
            }
        }
        let config = match &configuration {
            Some(part) => {
                let read = self.configuration(part).await?;
                if read.is_none() {
                    let why = "the image's configuration is stored elsewhere, or too large";
                    missing.push(skipped(part.digest.as_str(), "unsupported", why));
                }
                Some(read.unwrap_or_default())
            }
            None => None,
        };
        let stored: Vec<(String, u64)> = parts.iter().map(|part| (part.digest.to_string(), part.size)).collect();
        let engine = self.clone();
        blocking(move || {
            let inspector = engine.parts.inspector.as_ref();
            let mut inventory = inspector.compose(&layers);
            if let Some(config) = config {
                inspector.describe(&mut inventory, &config, &stored);
            }
            inventory.skipped.extend(missing);
            Ok(inventory)
        })
        .await
    }

    /// The configuration of an image, where it is here and can be read.
    pub(crate) async fn image_configuration(&self, package: &Package) -> Result<Option<Value>, Problem> {
        let Some(part) = configuration(&package.metadata) else { return Ok(None) };
        let bytes = self.configuration(&part).await?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    async fn configuration(&self, part: &Part) -> Result<Option<Vec<u8>>, Problem> {
        if part.size > CONFIGURATION || self.parts.blobs.stat(&part.digest).await?.is_none() {
            return Ok(None);
        }
        let reader = self.parts.blobs.local(&part.digest).await?;
        blocking(move || {
            let mut bytes = Vec::new();
            let mut limited = reader.take(CONFIGURATION);
            let read = limited.read_to_end(&mut bytes);
            read.map_err(|error| Problem::internal("an image's configuration cannot be read", error))?;
            Ok(Some(bytes))
        })
        .await
    }

    /// A file that travels as a layer. What a statement names belongs to what the statement is about, and a statement of a
    /// kind that nobody reads hides nothing: the secrets in it are all that is of interest.
    async fn file_in_image(self: &Arc<Self>, part: &Part) -> Result<Inventory, Problem> {
        let name = part.title.as_deref().unwrap_or(part.digest.as_str());
        if part.absent || self.parts.blobs.stat(&part.digest).await?.is_none() {
            let absent = skipped(name, "unsupported", "the file is stored elsewhere");
            return Ok(Inventory { skipped: vec![absent], ..Inventory::default() });
        }
        let mut found = self.inspected(&part.digest, name, part.size).await?;
        if part.read_as == ReadAs::Statement {
            found.components.clear();
            found.os = None;
            found.read.clear();
            found.analyzers.clear();
            found.skipped.retain(|skipped| skipped.reason != "unsupported");
        }
        Ok(found)
    }

    /// An index holds what its images hold.
    async fn index(self: &Arc<Self>, package: &Package, children: &[Part], nesting: u8) -> Result<Inventory, Problem> {
        let mut whole = Inventory::default();
        if nesting == 0 {
            whole.skipped.push(skipped(&package.at.version, "limit", "indexes are nested too deeply"));
            return Ok(whole);
        }
        for child in children {
            let (place, at) = (package.repository, package.at.clone());
            let version = child.digest.to_string();
            let found =
                meta::read(self.meta(), move |tx| tx.packages_named(place, &at.format, &at.name, Some(&version)))
                    .await?;
            let Some(image) = found.first() else {
                let why = "the image is not in this repository";
                whole.skipped.push(skipped(child.digest.as_str(), "unsupported", why));
                continue;
            };
            whole.absorb(self.image(image, nesting - 1).await?);
        }
        whole.settle();
        Ok(whole)
    }

    /// The inventory of a layer, from the store when any image had it before and it was read as it would be now.
    async fn layer(self: &Arc<Self>, digest: &Digest) -> Result<Option<Inventory>, Problem> {
        if let Some(stored) = self.layer_in_force(digest).await? {
            return Ok(Some(stored));
        }
        let Some(made) = self.read_layer(digest).await? else { return Ok(None) };
        let inventory = made.inventory.clone();
        meta::write(self.meta(), move |tx| tx.put_inventory(&made).map(|_| ())).await?;
        Ok(Some(inventory))
    }

    async fn layer_in_force(self: &Arc<Self>, digest: &Digest) -> Result<Option<Inventory>, Problem> {
        let (engine, digest) = (self.clone(), digest.clone());
        meta::read(self.meta(), move |tx| {
            let Some(look) = tx.looks(&Which::Of(digest.clone(), Role::Layer))?.pop() else { return Ok(None) };
            if engine.may_improve(tx, &look)? {
                return Ok(None);
            }
            Ok(tx.inventory(&digest, Role::Layer)?.map(|stored| stored.inventory))
        })
        .await
    }

    /// The inventory of a layer, read now; nothing where its bytes are not stored.
    pub(crate) async fn read_layer(self: &Arc<Self>, digest: &Digest) -> Result<Option<StoredInventory>, Problem> {
        if self.parts.blobs.stat(digest).await?.is_none() {
            return Ok(None);
        }
        let reader = self.parts.blobs.local(digest).await?;
        let engine = self.clone();
        let made = blocking(move || {
            let mut reader: Box<dyn Read + Send> = Box::new(reader);
            engine.parts.inspector.layer(reader.as_mut())
        })
        .await;
        let inventory = made.or_else(|problem| unreadable(digest.as_str(), problem))?;
        Ok(Some(self.stored(digest.clone(), Role::Layer, inventory)))
    }
}

/// What an image is made of, for whoever asks whether any of it has changed.
pub(crate) struct Makings {
    /// Layers that are read.
    pub(crate) layers: Vec<Digest>,
    /// Whether files travel in it.
    pub(crate) files: bool,
    /// The images of an index.
    pub(crate) images: Vec<Digest>,
}

impl Makings {
    pub(crate) fn of(package: &Package) -> Self {
        let digests = |parts: &[Part]| parts.iter().map(|part| part.digest.clone()).collect();
        let mut parts = parts_in(&package.metadata, "layers");
        parts.retain(|part| !part.absent && part.read_as != ReadAs::Encrypted);
        let (layers, files): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| part.read_as == ReadAs::Layer);
        let images = digests(&parts_in(&package.metadata, "manifests"));
        Self { layers: digests(&layers), files: !files.is_empty(), images }
    }
}

/// Parts under `metadata.<key>[]`: how an image's package names its layers and an index its images.
fn parts_in(metadata: &Value, key: &str) -> Vec<Part> {
    let entries = metadata.get(key).and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(|entry| Part::deserialize(entry).ok()).collect()
}

/// The image configuration; artifacts that are no images have none.
fn configuration(metadata: &Value) -> Option<Part> {
    Part::deserialize(metadata.get("config")?).ok().filter(|part| part.read_as == ReadAs::Layer)
}
