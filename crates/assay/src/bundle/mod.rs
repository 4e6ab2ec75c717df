//! Bundles: everything that is known of the world, or what changed since an earlier bundle, in one signed file that an
//! installation without a network takes in. `write` makes one, `read` verifies and applies one, `key` signs and trusts.
//!
//! A bundle is a `.tar.gz` of members with one JSON document a line, then `manifest.json`, which has the SHA-256 of each, then
//! `manifest.sig`, the Ed25519 signature of the manifest's bytes. The same facts, heard of at the same
//! times, give the same bytes.

pub mod key;
pub mod read;
pub mod write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the manifest says that it is.
pub const FORMAT: &str = "assay-facts/1";
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";
/// Sources of what is in tables of its own, by member.
const EPSS: &str = "epss.jsonl";
const KEV: &str = "kev.jsonl";
const SSVC: &str = "ssvc.jsonl";
const SCORECARDS: &str = "scorecards.jsonl";
const POPULARITY: &str = "popularity.jsonl";
const ADVISORIES: &str = "advisories.jsonl";
const VEX: &str = "vex.jsonl";
/// In the order of the file.
const MEMBERS: [&str; 7] = [ADVISORIES, EPSS, KEV, SSVC, SCORECARDS, POPULARITY, VEX];

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// File name.
    pub name: String,
    /// Of its bytes.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
    /// Lines.
    pub records: u64,
}

/// The bundle that a delta builds on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Its number.
    pub number: i64,
    /// SHA-256 of its manifest.
    pub digest: String,
}

/// What a bundle holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// Rises with every import that brought news.
    pub number: i64,
    /// The last change of an advisory.
    pub as_of: Timestamp,
    /// For a delta.
    pub base: Option<Base>,
    /// Public key of the signature, hexadecimal.
    pub key: String,
    /// In the order of the file.
    pub members: Vec<Member>,
    /// When each source was last heard of where the bundle was made.
    #[serde(default)]
    pub heard: BTreeMap<String, Timestamp>,
    /// Digests of tables that a delta leaves out because they are as they were.
    pub unchanged: Vec<Member>,
}
