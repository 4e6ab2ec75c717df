//! What a bill of materials says, whatever format it is written in: nodes, what depends on what, gaps, vulnerabilities.
//!
//! Lives here: choosing and naming what goes into the document. Does not live here: how a format writes it down.

mod build;
mod format;
mod graph;
mod identity;
mod license;
mod properties;
mod vulnerability;

pub use format::{SbomFormat, UnknownFormat};
pub use vulnerability::{Affected, Rating, Response, Vulnerability};

pub(super) use identity::{second, uuid_of};
pub(super) use license::{License, joined, licenses};

use crate::catalogue::ScoredFinding;
use assay_model::{
    finding::Detail,
    inventory::{Inventory, Skipped},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Name of this program in documents.
pub(super) const TOOL: &str = "assay";
/// Its version.
pub(super) const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");
/// What comes before the name of every property of ours.
pub(super) const PREFIX: &str = "assay:";

/// What the document is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Name of the package or scanned artifact.
    pub name: String,
    /// Its version, or empty.
    pub version: String,
    /// Whether it is a container image.
    pub is_image: bool,
    /// SHA-256 of its bytes, where there is one file.
    pub sha256: Option<String>,
}

/// A bill of materials before it is written down. Everything is in the order in which it is rendered.
#[derive(Clone, Debug)]
pub struct Document {
    /// When it was made.
    pub at: Timestamp,
    /// The first is what the document is about.
    pub nodes: Vec<Node>,
    /// What each node contains or depends on, as places in `nodes`.
    pub edges: Vec<BTreeSet<usize>>,
    /// What was not read, and why.
    pub gaps: Vec<Skipped>,
    /// Vulnerabilities of the nodes, by id.
    pub vulnerabilities: Vec<Vulnerability>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file that was looked into.
    File,
    /// A container image.
    Container,
    /// A lock file, manifest or archive that names packages.
    Application,
    /// The operating system.
    OperatingSystem,
    /// A package.
    Library,
}

/// A component of the document.
#[derive(Clone, Debug)]
pub struct Node {
    /// Unique in the document: the purl where that is unique, else the purl with a number.
    pub reference: String,
    /// What it is.
    pub kind: Kind,
    /// Namespace, or empty.
    pub group: String,
    /// Name.
    pub name: String,
    /// Version, or empty.
    pub version: String,
    /// Package URL.
    pub purl: Option<String>,
    /// One line about it.
    pub summary: Option<String>,
    /// Who supplies it, where that is known.
    pub supplier: Option<String>,
    /// Declared licences, each as written.
    pub licenses: Vec<String>,
    /// Algorithm as CycloneDX names it (`SHA-256`) and lower-case hexadecimal value.
    pub hashes: Vec<(&'static str, String)>,
    /// Whether it is needed to develop, build or test only.
    pub development: bool,
    /// The source package it was built from, name and version, where that is another one.
    pub source: Option<(String, String)>,
    /// Name without [`PREFIX`], value; sorted by name where a name comes once.
    pub properties: Vec<(String, String)>,
}

/// Everything a document is made from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// What it is about.
    pub subject: &'a Subject,
    /// What was found.
    pub inventory: &'a Inventory,
    /// Findings; without any, the document says nothing of vulnerabilities.
    pub findings: &'a [ScoredFinding],
    /// What is known of each vulnerability, by the id of its findings.
    pub details: &'a BTreeMap<String, Detail>,
    /// The document's time.
    pub at: Timestamp,
}

impl Document {
    /// Arranges what was found. The same sources give the same document.
    #[must_use]
    pub fn new(sources: Sources<'_>) -> Self {
        build::document(sources)
    }

    /// Whether everything was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }

    /// References of what a node contains or depends on.
    pub(super) fn below(&self, at: usize) -> impl Iterator<Item = &str> {
        self.edges.get(at).into_iter().flatten().filter_map(|to| Some(self.nodes.get(*to)?.reference.as_str()))
    }
}
