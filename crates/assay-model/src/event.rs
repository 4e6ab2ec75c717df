//! An event: an entry of the append-only, hash-chained log.

use crate::digest::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Position in the log, from 1, without gaps.
pub type Seq = i64;

/// Something that happened, about to be logged.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// When.
    pub at: Timestamp,
    /// What kind: `noun.verb` in the past tense (`package.published`, `decision.revised`, `feed.imported`).
    pub kind: &'static str,
    /// Who: a token's name, `system`, `cli`.
    pub actor: String,
    /// About what: `repository/format/name@version`, a policy's slug, a feed's id.
    pub subject: String,
    /// Details; never a secret.
    pub body: Value,
}

/// A logged event. `hash` covers everything else and the previous hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: String,
    /// Who.
    pub actor: String,
    /// About what.
    pub subject: String,
    /// Details.
    pub body: Value,
    /// Hash of the entry before, or `GENESIS`.
    pub previous: String,
    /// Hash of this entry.
    pub hash: String,
}

/// The `previous` of the first entry.
pub const GENESIS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// The hash of an entry: SHA-256 over the canonical JSON array of its fields, in the order below. `body` must be the text
/// exactly as stored.
pub fn chain_hash(
    previous: &str,
    seq: Seq,
    at: Timestamp,
    kind: &str,
    actor: &str,
    subject: &str,
    body: &str,
) -> String {
    let line = serde_json::json!([previous, seq, at.as_microsecond(), kind, actor, subject, body]).to_string();
    Digest::of(line.as_bytes()).to_string()
}
