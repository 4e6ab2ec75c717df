//! An inventory: all that was found in one digest, and how complete the look was. Made once per digest and role.

use crate::{
    component::{Component, Occurrence},
    digest::Digest,
    ecosystem::end_of_life,
    finding::Severity,
    package::Role,
    purl::{self, Purl},
    renewal::Outline,
};
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
    /// Secrets, in the order of path and line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// Licences that files state or contain, in the order of path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<LicenseFile>,
    /// What a container image says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageFacts>,
    /// Files that were read as what they are, in the order of path; those that only secrets or licences were looked for in
    /// are counted in `files_seen`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<Read>,
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
    /// For a layer: what each file in it says of the operating system's release, in the order of path. Which of them counts
    /// is known when all layers are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<OsRelease>,
    /// For an artifact or layer that was just looked into: which files it consists of. Stored apart from the rest.
    #[serde(skip)]
    pub outline: Option<Outline>,
}

/// Operating system release, from `os-release` or a distribution's own file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsRelease {
    /// `ID` of os-release (`alpine`, `debian`).
    pub id: String,
    /// The release as exactly as any file tells it (`3.10.4`, `12.5`, `7.6.1810`).
    pub version: String,
    /// `PRETTY_NAME`, or id and version.
    pub name: String,
    /// OSV ecosystem with release (`Alpine:v3.10`), empty when there is none.
    pub ecosystem: String,
    /// Where it was read.
    pub path: String,
}

/// A file that an analyzer read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Read {
    /// Path inside the artifact.
    pub path: String,
    /// Id of the analyzer.
    pub analyzer: String,
    /// Number of components it named.
    pub found: u32,
}

/// A secret in a file, redacted: the secret itself is nowhere in here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Id of the rule (`aws-access-key-id`).
    pub rule: String,
    /// Whose secret (`AWS`).
    pub category: String,
    /// What it is, for people.
    pub title: String,
    /// How bad it is to find one.
    pub severity: Severity,
    /// Path inside the artifact.
    pub path: String,
    /// Digest of the layer that has it, for images; a secret that a later layer deletes is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// First line, counted from 1.
    pub first_line: u32,
    /// Last line.
    pub last_line: u32,
    /// Bytes from the beginning of the file to the secret.
    pub offset: u64,
    /// The line with the secret, the secret replaced by `*`.
    pub matched: String,
    /// Lines around it, redacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<CodeLine>,
}

/// A line of a file around something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeLine {
    /// Counted from 1.
    pub number: u32,
    /// Redacted, cut to a bounded length.
    pub text: String,
    /// Whether the secret is in it.
    pub is_cause: bool,
}

/// A licence that a file states or contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseFile {
    /// Path inside the artifact.
    pub path: String,
    /// Digest of the layer that has it, for images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// SPDX licence expression (SPDX 2.3, annex D), or the text as written where it is none.
    pub expression: String,
    /// How sure, in percent; 100 for what is declared.
    pub confidence: u8,
    /// What it asks of users.
    pub class: LicenseClass,
    /// Whether it is the licence's text, a header in a source file, or a declaration.
    pub evidence: LicenseEvidence,
}

/// What a licence asks of those who use the work, the strictest last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LicenseClass {
    /// Public domain and the like.
    Unencumbered,
    /// No conditions to speak of.
    Permissive,
    /// Keep the notice.
    Notice,
    /// Changes to the work itself stay free (MPL).
    Reciprocal,
    /// Works built with it stay free (GPL).
    Restricted,
    /// Not to be used in most organisations (AGPL, non-commercial).
    Forbidden,
    /// Nobody has said.
    #[default]
    Unknown,
}

impl LicenseClass {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unencumbered => "unencumbered",
            Self::Permissive => "permissive",
            Self::Notice => "notice",
            Self::Reciprocal => "reciprocal",
            Self::Restricted => "restricted",
            Self::Forbidden => "forbidden",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a licence was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LicenseEvidence {
    /// The text of the licence.
    Text,
    /// A header of a source file.
    Header,
    /// A field that names it.
    Declared,
}

impl LicenseEvidence {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Header => "header",
            Self::Declared => "declared",
        }
    }
}

/// What a container image says of itself (OCI image specification, image configuration).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageFacts {
    /// Digest of its configuration.
    pub id: String,
    /// Names with tags, as the archive or registry has them.
    pub tags: Vec<String>,
    /// Names with digests.
    pub digests: Vec<String>,
    /// Lowest first.
    pub layers: Vec<ImageLayer>,
    /// The configuration as it is, but for secrets, which are blanked out with `*`.
    pub config: serde_json::Value,
}

/// A layer of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageLayer {
    /// Digest of the bytes as stored, compressed or not.
    pub digest: String,
    /// Digest of the uncompressed tar.
    pub diff_id: String,
    /// Bytes as stored.
    pub size: u64,
    /// The step that made it, from the history.
    pub created_by: String,
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

impl ImageFacts {
    /// Adds what another image says. Id and configuration stay those of the first.
    pub fn join(&mut self, other: Self) {
        for tag in other.tags {
            if !self.tags.contains(&tag) {
                self.tags.push(tag);
            }
        }
        for digest in other.digests {
            if !self.digests.contains(&digest) {
                self.digests.push(digest);
            }
        }
        for layer in other.layers {
            if !self.layers.iter().any(|known| known.digest == layer.digest) {
                self.layers.push(layer);
            }
        }
    }
}

impl Inventory {
    /// Whether everything was read.
    pub fn is_complete(&self) -> bool {
        self.skipped.is_empty()
    }
    /// What advisories are looked for: every component that no package of the operating system owns, and the operating
    /// system itself.
    pub fn matched(&self) -> impl Iterator<Item = Component> {
        let unowned = self.components.iter().filter(|found| found.owned_by.is_none());
        unowned.map(|found| found.component.clone()).chain(self.os.as_ref().and_then(OsRelease::component))
    }
    /// Adds what was found in another part of the same whole: an image of an index, a file of a package. What only layers
    /// have stays behind. Order and doubles are put right by [`Inventory::settle`].
    pub fn absorb(&mut self, part: Self) {
        self.components.extend(part.components);
        self.os = self.os.take().or(part.os);
        self.secrets.extend(part.secrets);
        self.licenses.extend(part.licenses);
        self.read.extend(part.read);
        self.analyzers.extend(part.analyzers);
        self.files_seen += part.files_seen;
        self.skipped.extend(part.skipped);
        if let Some(outline) = part.outline {
            self.outline.get_or_insert_default().absorb(outline);
        }
        match (self.image.as_mut(), part.image) {
            (Some(first), Some(other)) => first.join(other),
            (None, other) => self.image = other,
            (Some(_), None) => {}
        }
    }
    /// Sorts, and tells what several parts share once.
    pub fn settle(&mut self) {
        self.sort();
        self.components.dedup();
        self.secrets.dedup();
        self.licenses.dedup();
        self.read.dedup();
    }
    /// Puts components into the order in which they are rendered.
    pub fn sort(&mut self) {
        self.components.sort_by(|a, b| {
            (!a.is_subject, &a.path, &a.component, &a.id).cmp(&(!b.is_subject, &b.path, &b.component, &b.id))
        });
        self.secrets.sort_by(|a, b| {
            (&a.path, a.first_line, a.offset, &a.rule).cmp(&(&b.path, b.first_line, b.offset, &b.rule))
        });
        self.licenses.sort_by(|a, b| (&a.path, &a.expression).cmp(&(&b.path, &b.expression)));
        self.read.sort();
    }
}

impl OsRelease {
    /// The operating system as a component, so that its end of life can be a finding.
    pub fn component(&self) -> Option<Component> {
        let product = end_of_life::product(&self.id)?;
        let version = self.version.split_whitespace().next()?;
        let purl = Purl::builder(purl::UNTYPED, &self.id).version(version).build().ok()?;
        Some(Component {
            purl: purl.as_str().to_owned(),
            purl_type: purl::UNTYPED.to_owned(),
            namespace: String::new(),
            name: self.id.clone(),
            version: version.to_owned(),
            ecosystem: end_of_life::ECOSYSTEM.to_owned(),
            match_name: product.to_owned(),
            match_version: version.to_owned(),
        })
    }
}
