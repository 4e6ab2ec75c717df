//! Images in one tar: what `docker save` writes (`manifest.json`), and OCI image layouts (`index.json`).
//!
//! The document that names the layers often comes last. So whatever lies where layers lie is read as one when it passes
//! by, in the one pass over the archive, and sorted out afterwards.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use assay_archive::{ArchiveError, Budget, EntryHead, EntryKind, Report, SNIFF_BYTES, sniff};
use assay_model::digest::Digest;
use assay_model::inventory::{Inventory, Skipped};
use assay_model::problem::Problem;
use assay_model::seam::inspector::Inspector;
use serde_json::Value;

use super::hashing::Hashing;
use super::missing;
use crate::part::{CORRUPT, Halt, LIMIT, UNSAFE_PATH, UNSUPPORTED, corrupt, skipped};

const DOCKER_MANIFEST: &str = "manifest.json";
const OCI_INDEX: &str = "index.json";
/// Blobs are named by their digest; only this algorithm is checked.
const BLOBS: &str = "blobs/sha256/";
/// Manifests and configurations are small; larger documents are not kept.
const DOCUMENT_BYTES: u64 = 4 << 20;
const DOCUMENTS_BYTES: usize = 32 << 20;
/// An index may name indexes, but not for ever.
const INDEX_DEPTH: u32 = 4;
/// More than any client accepts.
const LAYERS: usize = 1000;
/// Descriptors that are followed in all indexes together: one index may be named by many others, and those again.
const DESCRIPTORS: usize = 10_000;
/// Components of all layers of all images together, each layer counted as often as it is named.
const COMPONENTS: usize = 1_000_000;

#[derive(Default)]
pub(super) struct ImageArchive {
    documents: BTreeMap<String, Document>,
    documents_bytes: usize,
    layers: BTreeMap<String, Result<Layer, Problem>>,
    /// Older `docker save` repeats a layer as a link to the first.
    links: BTreeMap<String, String>,
}

struct Document {
    bytes: Vec<u8>,
    json: Value,
}

struct Layer {
    digest: Digest,
    /// Bytes as stored.
    size: u64,
    inventory: Inventory,
}

/// An image as the documents name it.
#[derive(Default)]
struct Named {
    /// Paths, lowest layer first.
    layers: Vec<String>,
    config: String,
    tags: Vec<String>,
    digests: Vec<String>,
}

impl ImageArchive {
    /// Takes the entry if it can be part of an image archive.
    pub(super) fn visit(
        &mut self,
        head: &EntryHead,
        body: &mut dyn Read,
        budget: &Budget,
        inspect: impl FnOnce(&mut dyn Read) -> Result<Inventory, Problem>,
    ) -> Result<bool, Halt> {
        let path = head.path.as_str();
        if let EntryKind::Symlink(target) | EntryKind::Hardlink(target) = &head.kind {
            let is_layer = path.ends_with("/layer.tar");
            if is_layer {
                self.links.insert(path.to_owned(), target.trim_start_matches("../").to_owned());
            }
            return Ok(is_layer);
        }
        if !head.is_file() || !has_a_place(path) {
            return Ok(false);
        }
        let mut first = Vec::new();
        (&mut *body).take(SNIFF_BYTES as u64).read_to_end(&mut first).map_err(ArchiveError::from)?;
        let looks_like_layer = sniff(&first).is_some();
        let mut whole = Cursor::new(first).chain(body);
        if looks_like_layer && !path.ends_with(".json") {
            self.layer(head, &mut whole, inspect)?;
        } else if head.size <= DOCUMENT_BYTES {
            self.document(path, &mut whole, budget)?;
        }
        Ok(true)
    }

    fn layer(
        &mut self,
        head: &EntryHead,
        body: &mut dyn Read,
        inspect: impl FnOnce(&mut dyn Read) -> Result<Inventory, Problem>,
    ) -> Result<(), Halt> {
        let path = head.path.as_str();
        if self.layers.len() >= LAYERS {
            return Err(Halt(Problem::invalid(CORRUPT, format!("the archive has more than {LAYERS} layers"))));
        }
        let mut hashing = Hashing::new(body);
        let inspected = inspect(&mut hashing);
        let digest = hashing.finish().map_err(ArchiveError::from)??;
        let inspected = match blob_path(digest.as_str()) {
            Some(right) if path.starts_with(BLOBS) && path != right => {
                Err(corrupt(format!("{path} has other content than its name says")))
            }
            _ => inspected,
        };
        self.layers.insert(path.to_owned(), inspected.map(|inventory| Layer { digest, size: head.size, inventory }));
        Ok(())
    }

    fn document(&mut self, path: &str, body: &mut dyn Read, budget: &Budget) -> Result<(), Halt> {
        let bytes = assay_archive::read_small(body, budget)?;
        self.documents_bytes += bytes.len();
        if self.documents_bytes <= DOCUMENTS_BYTES
            && let Ok(json) = serde_json::from_slice(&bytes)
        {
            self.documents.insert(path.to_owned(), Document { bytes, json });
        }
        io::copy(body, &mut io::sink()).map_err(ArchiveError::from)?;
        Ok(())
    }

    fn json(&self, path: &str) -> Option<&Value> {
        self.documents.get(path).map(|document| &document.json)
    }

    /// Known once the whole archive has passed.
    pub(super) fn is_one(&self) -> bool {
        self.json(DOCKER_MANIFEST).is_some_and(|manifest| manifest[0]["Layers"].is_array())
            || self.json(OCI_INDEX).is_some_and(|index| index["manifests"].is_array())
    }

    /// The inventory of the image, or of all images if the archive has several.
    pub(super) fn compose(self, inspector: &dyn Inspector, report: &Report) -> Inventory {
        let Followed { images, is_cut, .. } = match self.json(DOCKER_MANIFEST).filter(|manifest| manifest.is_array()) {
            Some(manifest) => Followed { images: docker_images(manifest), ..Followed::default() },
            None => self.oci_images(),
        };
        let mut out = Inventory::default();
        if is_cut {
            out.skipped.push(too_many(OCI_INDEX, "the index names more indexes and images than are followed"));
        }
        let mut left = COMPONENTS;
        for image in images {
            let mut skipped = Vec::new();
            let layers = self.layers_of(&image, &mut left, &mut skipped);
            let inventories: Vec<_> = layers.iter().map(|l| (l.digest.clone(), l.inventory.clone())).collect();
            let mut one = inspector.compose(&inventories);
            let stored: Vec<_> = layers.iter().map(|layer| (layer.digest.as_str().to_owned(), layer.size)).collect();
            let config = self.documents.get(&image.config).map_or(&[][..], |document| &document.bytes);
            inspector.describe(&mut one, config, &stored);
            if let Some(facts) = one.image.as_mut() {
                facts.tags = image.tags;
                facts.digests = image.digests;
            }
            out.absorb(one);
            out.skipped.extend(skipped);
        }
        let unsafe_entries = report.notices.iter().filter(|notice| !notice.path.is_empty());
        out.skipped.extend(unsafe_entries.map(|notice| Skipped {
            path: notice.path.clone(),
            reason: UNSAFE_PATH.to_owned(),
            detail: notice.what.clone(),
        }));
        out.settle();
        out
    }

    /// `left` is the number of components that may still be taken.
    fn layers_of(&self, image: &Named, left: &mut usize, skips: &mut Vec<Skipped>) -> Vec<&Layer> {
        let mut layers = Vec::new();
        for (at, path) in image.layers.iter().enumerate() {
            let place = self.links.get(path).unwrap_or(path);
            if at >= LAYERS {
                skips.push(too_many(path, "the image names more layers than any client accepts"));
                break;
            }
            match self.layers.get(place) {
                Some(Ok(layer)) if layer.inventory.components.len() > *left => {
                    skips.push(too_many(
                        path,
                        "the images of this archive name more layers with packages than are read",
                    ));
                }
                Some(Ok(layer)) => {
                    *left -= layer.inventory.components.len();
                    layers.push(layer);
                }
                Some(Err(problem)) => skips.push(skipped(path, problem)),
                None if self.documents.contains_key(place) => skips.push(Skipped {
                    path: path.clone(),
                    reason: UNSUPPORTED.to_owned(),
                    detail: "this layer is no archive".to_owned(),
                }),
                None => skips.push(skipped(path, &missing(path))),
            }
        }
        layers
    }

    fn oci_images(&self) -> Followed {
        let mut followed = Followed::default();
        if let Some(index) = self.json(OCI_INDEX) {
            self.descend(index, &Named::default(), INDEX_DEPTH, &mut followed);
        }
        followed
    }

    /// `above` has the names that the descriptors on the way down gave.
    fn descend(&self, document: &Value, above: &Named, depth: u32, out: &mut Followed) {
        if let Some(layers) = document["layers"].as_array() {
            if !is_attestation(document) {
                out.images.push(Named {
                    layers: layers.iter().filter_map(|layer| blob_path(layer["digest"].as_str()?)).collect(),
                    config: document["config"]["digest"].as_str().and_then(blob_path).unwrap_or_default(),
                    tags: above.tags.clone(),
                    digests: above.digests.clone(),
                });
            }
            return;
        }
        for descriptor in document["manifests"].as_array().into_iter().flatten() {
            if depth == 0 || out.images.len() >= LAYERS || out.descriptors >= DESCRIPTORS {
                out.is_cut = true;
                return;
            }
            out.descriptors += 1;
            let digest = descriptor["digest"].as_str().unwrap_or_default();
            let path = blob_path(digest).unwrap_or_default();
            let named = names(descriptor, digest, above);
            match self.json(&path) {
                Some(inner) => self.descend(inner, &named, depth - 1, out),
                // Named as a layer, so that its absence is told.
                None => out.images.push(Named { layers: vec![path], ..named }),
            }
        }
    }
}

/// What indexes lead to.
#[derive(Default)]
struct Followed {
    images: Vec<Named>,
    descriptors: usize,
    /// Whether there was more than is followed.
    is_cut: bool,
}

fn too_many(path: &str, detail: &str) -> Skipped {
    Skipped { path: path.to_owned(), reason: LIMIT.to_owned(), detail: detail.to_owned() }
}

/// Names that a descriptor of an index gives what it describes. Tools differ in which annotation has the full one.
fn names(descriptor: &Value, digest: &str, above: &Named) -> Named {
    let annotation = |key: &str| descriptor["annotations"][key].as_str().map(str::to_owned);
    let Some(tag) = annotation("io.containerd.image.name").or_else(|| annotation("org.opencontainers.image.ref.name"))
    else {
        return Named { tags: above.tags.clone(), digests: above.digests.clone(), ..Named::default() };
    };
    // A tag follows the last `/`; without one the annotation is a bare tag.
    let name_ends = tag.rfind(':').filter(|colon| !tag.get(*colon..).unwrap_or_default().contains('/'));
    let digests = name_ends.and_then(|end| Some(format!("{}@{digest}", tag.get(..end)?))).into_iter().collect();
    Named { tags: vec![tag], digests, ..Named::default() }
}

/// Provenance and bills of material travel as manifests whose layers are statements, not files.
fn is_attestation(manifest: &Value) -> bool {
    let of_statement = |layer: &Value| layer["mediaType"].as_str().is_some_and(|media| media.contains("in-toto"));
    manifest["layers"].as_array().is_some_and(|layers| !layers.is_empty() && layers.iter().all(of_statement))
}

fn docker_images(manifest: &Value) -> Vec<Named> {
    let strings = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let path = |name: &str| name.trim_start_matches("./").to_owned();
    let image = |image: &Value| Named {
        layers: strings(&image["Layers"]).iter().map(|name| path(name)).collect(),
        config: image["Config"].as_str().map(path).unwrap_or_default(),
        tags: strings(&image["RepoTags"]),
        digests: Vec::new(),
    };
    manifest.as_array().into_iter().flatten().map(image).collect()
}

/// `sha256:…` as a path of an image layout.
fn blob_path(digest: &str) -> Option<String> {
    let digest: Digest = digest.parse().ok()?;
    Some(format!("blobs/{}/{}", digest.algorithm(), digest.hex()))
}

/// Where image archives keep documents and layers: `<id>/layer.tar`, `blobs/<algorithm>/<hex>`, `<hex>.tar[.gz]`, and
/// documents at the top.
fn has_a_place(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [file] => {
            file.ends_with(".json")
                || file.split_once('.').is_some_and(|(stem, rest)| is_hex(stem) && rest.starts_with("tar"))
        }
        [folder, "layer.tar"] => is_hex(folder),
        ["blobs", "sha256" | "sha512", hex] => is_hex(hex),
        _ => false,
    }
}

fn is_hex(text: &str) -> bool {
    text.len() >= 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
