//! What is in a package: its files, and the components found in them.

use super::Cut;
use crate::web::pieces::{plural, short, size};
use assay_model::{
    component::Occurrence,
    inventory::{Inventory, OsRelease, Skipped},
    package::File,
};

/// One file.
pub(super) struct FileLine {
    pub(super) path: String,
    /// Where it can be downloaded; none when its format says nothing, or the gate would refuse it.
    pub(super) link: Option<String>,
    pub(super) size: String,
    pub(super) media_type: String,
    pub(super) role: &'static str,
    pub(super) digest: String,
    pub(super) hashes: Vec<(String, String)>,
}

impl FileLine {
    pub(super) fn of(file: File, link: Option<String>) -> Self {
        Self {
            link,
            path: file.path,
            size: size(file.size),
            media_type: file.media_type,
            role: file.role.map_or("", |r| r.as_str()),
            digest: file.digest.to_string(),
            hashes: file.hashes.into_iter().collect(),
        }
    }
}

/// An inventory.
pub(super) struct InventoryView {
    pub(super) done: bool,
    pub(super) os: Option<OsRelease>,
    /// How many components there are, in words.
    pub(super) found: String,
    pub(super) files_seen: u64,
    pub(super) analyzers: Vec<String>,
    pub(super) skipped: Vec<Skipped>,
    /// How many things were not read, in words; none when all were.
    pub(super) unread: Option<String>,
    pub(super) components: Cut<ComponentLine>,
    /// Whether any component names the layer that brought it.
    pub(super) layers: bool,
}

/// One component where it was found.
pub(super) struct ComponentLine {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) purl: String,
    pub(super) license: String,
    pub(super) path: String,
    pub(super) layer: String,
    pub(super) analyzer: String,
    pub(super) is_subject: bool,
    pub(super) owner: Option<String>,
    pub(super) requires: Vec<String>,
    pub(super) summary: Option<String>,
}

impl ComponentLine {
    fn of(found: Occurrence) -> Self {
        Self {
            license: found.license().unwrap_or_default(),
            name: found.component.name,
            version: found.component.version,
            purl: found.component.purl,
            path: found.path,
            layer: found.layer.as_deref().map(short).unwrap_or_default(),
            analyzer: found.analyzer,
            is_subject: found.is_subject,
            owner: found.owned_by,
            requires: found.requires,
            summary: found.summary,
        }
    }
}

impl InventoryView {
    pub(super) fn of(inventory: Inventory, done: bool, most: usize) -> Self {
        let layers = inventory.components.iter().any(|c| c.layer.is_some());
        let unread = Some(inventory.skipped.len()).filter(|n| *n > 0).map(|n| format!("not read: {n}"));
        Self {
            done,
            os: inventory.os,
            found: plural(inventory.components.len(), "component"),
            files_seen: inventory.files_seen,
            analyzers: inventory.analyzers.into_iter().collect(),
            skipped: inventory.skipped.into_iter().take(most).collect(),
            unread,
            components: Cut::of(inventory.components, most, ComponentLine::of),
            layers,
        }
    }
}
