//! A component: something found inside a package. Matching keys live here; version orders live in `ecosystem`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Row identity of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ComponentId(pub i64);

/// What was found, independent of where. Two finds with the same purl, ecosystem and match key are one component.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Component {
    /// Canonical package URL with version and qualifiers.
    pub purl: String,
    /// Package type of the purl (`pypi`, `apk`, `deb`, `npm`).
    pub purl_type: String,
    /// Namespace of the purl, or empty.
    pub namespace: String,
    /// Name as it is written by its publisher.
    pub name: String,
    /// Version as written.
    pub version: String,
    /// OSV ecosystem with release (`PyPI`, `Alpine:v3.10`, `Debian:12`); empty when no advisories can exist for it.
    pub ecosystem: String,
    /// Name that advisories of the ecosystem use: normalised; the source package for distributions.
    pub match_name: String,
    /// Version that advisories compare: the source package's for distributions, else `version`.
    pub match_version: String,
}

/// A component as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredComponent {
    /// Identity.
    pub id: ComponentId,
    /// What it is.
    pub component: Component,
}

/// A component in an inventory: what, where, and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// What was found.
    #[serde(flatten)]
    pub component: Component,
    /// Path inside the file system or archive it was read from.
    pub path: String,
    /// Digest of the layer that brought it, for images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Id of the analyzer that found it.
    pub analyzer: String,
    /// Whether it is the package itself (its first component).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_subject: bool,
    /// Purl of the operating system package that owns it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<String>,
    /// Declared licence, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// One line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Declared requirements, as written (`urllib3<1.22,>=1.21.1`, `so:libc.musl-x86_64.so.1`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// More properties, rendered under the analyzer's name (`apk.architecture`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}
