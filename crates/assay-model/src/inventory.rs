//! An inventory: all that was found in one digest, and how complete the look was. Made once per digest and role.

use crate::{component::Occurrence, digest::Digest, package::Role};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What analyzers leave behind about one artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// What was found, in a deterministic order: by path, then purl.
    pub components: Vec<Occurrence>,
    /// The operating system release, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<OsRelease>,
    /// Ids of analyzers that read something.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub analyzers: BTreeSet<String>,
    /// Number of files looked at.
    #[serde(default)]
    pub files_seen: u64,
    /// What was not read, and why. Empty means that everything was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// For a layer: paths it removes from the layers below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub whiteouts: Vec<Whiteout>,
}

/// Operating system release, from `os-release` or a distribution's own file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsRelease {
    /// `ID` of os-release (`alpine`, `debian`).
    pub id: String,
    /// `VERSION_ID` as written (`3.10.4`, `12`).
    pub version: String,
    /// `PRETTY_NAME`, or id and version.
    pub name: String,
    /// OSV ecosystem with release (`Alpine:v3.10`), empty when there is none.
    pub ecosystem: String,
    /// Where it was read.
    pub path: String,
}

/// Something that was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Path inside the artifact.
    pub path: String,
    /// Stable word: `limit`, `encrypted`, `unsupported`, `corrupt`, `unsafe-path`.
    pub reason: String,
    /// A sentence.
    pub detail: String,
}

/// A removal recorded by a layer (OCI image specification, whiteouts).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whiteout {
    /// The removed path, or the directory whose lower content is hidden.
    pub path: String,
    /// Whether everything below `path` in lower layers is hidden (`.wh..wh..opq`).
    pub opaque: bool,
}

/// An inventory with what it was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredInventory {
    /// What was looked into.
    pub digest: Digest,
    /// As what.
    pub role: Role,
    /// Revision of the scanner that looked.
    pub scanner: String,
    /// When.
    pub made_at: Timestamp,
    /// Found.
    pub inventory: Inventory,
}

impl Inventory {
    /// Whether everything was read.
    pub fn is_complete(&self) -> bool {
        self.skipped.is_empty()
    }
    /// Puts components into the order in which they are rendered.
    pub fn sort(&mut self) {
        self.components
            .sort_by(|a, b| (!a.is_subject, &a.path, &a.component).cmp(&(!b.is_subject, &b.path, &b.component)));
    }
}
