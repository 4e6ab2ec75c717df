//! Package, file and reference: what a format publishes into a repository, and the state the gate reads.

use crate::{decision::DecisionId, digest::Digest, repository::RepositoryId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Row identity of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PackageId(pub i64);

/// Row identity of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(pub i64);

/// Whether a package may be had. Derived from the last decision and the operator's override, and read by the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not decided yet: listed, held by the gate.
    Pending,
    /// Served.
    Available,
    /// Listed as blocked, refused with a reason.
    Quarantined,
    /// Absent from indexes and not found when asked for.
    Hidden,
    /// Gone.
    Deleted,
}

impl State {
    /// Lower-case name, as in the API and the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Quarantined => "quarantined",
            Self::Hidden => "hidden",
            Self::Deleted => "deleted",
        }
    }
    /// The state of that name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Available, Self::Quarantined, Self::Hidden, Self::Deleted]
            .into_iter()
            .find(|s| s.as_str().eq_ignore_ascii_case(text))
    }
}

/// A package's address inside a workspace: repository, format, name, version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Coordinates {
    /// Id of the format that published it.
    pub format: String,
    /// Name, normalised by the format.
    pub name: String,
    /// Version; for an OCI image the manifest's digest.
    pub version: String,
}

impl Coordinates {
    /// `repository/format/name@version`: what events are about, and how people write it.
    pub fn subject(&self, repository: &str) -> String {
        format!("{repository}/{}/{}@{}", self.format, self.name, self.version)
    }
    /// Name and version in lower-case letters, digits and hyphens, as policies and the log of decisions have it.
    pub fn slug(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        format!("{}-{}", self.name, self.version).chars().map(plain).collect()
    }
}

/// One format, name and version in one repository: the unit of decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// Identity.
    pub id: PackageId,
    /// Where it lives.
    #[serde(rename = "repository_id")]
    pub repository: RepositoryId,
    /// Its address there.
    #[serde(flatten)]
    pub at: Coordinates,
    /// What the format keeps about it (typed by the format, opaque elsewhere).
    pub metadata: serde_json::Value,
    /// What the gate reads.
    pub state: State,
    /// An operator's word that outranks decisions, if any.
    pub held: Option<Override>,
    /// Labels: set by operators, publishers and policies.
    pub tags: BTreeSet<String>,
    /// The decision that made `state`.
    pub decision: Option<DecisionId>,
    /// Who published it.
    pub uploader: String,
    /// When it arrived here.
    pub uploaded_at: Timestamp,
    /// When its author published it, where that is known.
    pub published_at: Option<Timestamp>,
    /// Name of the upstream that it was taken from; nothing for what was published here.
    pub origin: Option<String>,
}

/// An operator's explicit word on a package; outranks every decision until it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// The state it forces.
    pub state: State,
    /// Why.
    pub reason: String,
    /// Who.
    pub author: String,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A package that is about to be stored.
#[derive(Clone, Debug)]
pub struct NewPackage {
    /// Where.
    pub repository: RepositoryId,
    /// Its address there.
    pub at: Coordinates,
    /// Kept for the format.
    pub metadata: serde_json::Value,
    /// Who publishes.
    pub uploader: String,
    /// Now.
    pub uploaded_at: Timestamp,
    /// The author's publish time, where known.
    pub published_at: Option<Timestamp>,
    /// The upstream that it comes from, if any.
    pub origin: Option<String>,
}

/// How a file is looked into. A file without a role (a layer, a signature) is served and not inventoried by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A package file, read as what its name says (wheel, sdist, archive).
    File,
    /// An image manifest or index: its layers are read and composed.
    Image,
    /// A layer of an image; shared by every image that has it. Never a role of a package's file.
    Layer,
}

impl Role {
    /// Lower-case name, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Image => "image",
            Self::Layer => "layer",
        }
    }
    /// The role of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::File, Self::Image, Self::Layer].into_iter().find(|r| r.as_str() == text)
    }
}

/// A downloadable part of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// Identity.
    pub id: FileId,
    /// The package it belongs to.
    pub package: PackageId,
    /// Its path, unique in the package; formats address files by (format, path) or by digest.
    pub path: String,
    /// Its bytes.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// Sent as `Content-Type`.
    pub media_type: String,
    /// How it is looked into, if at all.
    pub role: Option<Role>,
    /// Other checksums by algorithm name (`md5`, `blake2_256`), lower-case hex.
    pub hashes: BTreeMap<String, String>,
    /// Kept for the format.
    pub metadata: serde_json::Value,
    /// When it arrived.
    pub uploaded_at: Timestamp,
}

/// A file that is about to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFile {
    /// See [`File::path`].
    pub path: String,
    /// Bytes that are staged or stored already.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// Sent as `Content-Type`.
    pub media_type: String,
    /// How it is looked into.
    pub role: Option<Role>,
    /// Other checksums.
    pub hashes: BTreeMap<String, String>,
    /// Kept for the format.
    pub metadata: serde_json::Value,
}

/// A mutable name for a package: an OCI tag, an npm dist-tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The mutable name.
    pub name: String,
    /// The package it points to.
    pub package: PackageId,
    /// That package's version.
    pub version: String,
    /// When it was last set.
    pub set_at: Timestamp,
}
