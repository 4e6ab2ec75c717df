//! Ports of bundles: facts that are carried from one installation to another that reaches no network.

use super::matcher::StoredAdvisory;
use crate::problem::Problem;
use jiff::Timestamp;

type R<T> = Result<T, Problem>;

/// An advisory with its bytes as read.
#[derive(Clone, Debug)]
pub struct CarriedAdvisory {
    /// Place in the store, for going on.
    pub number: i64,
    /// The record.
    pub stored: StoredAdvisory,
    /// Its bytes as read, which its revision is the digest of.
    pub bytes: Vec<u8>,
}

/// A bundle that was made here or taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleRecord {
    /// SHA-256 of its manifest.
    pub digest: String,
    /// Its number: bundles of one key rise.
    pub number: i64,
    /// The public key that it is signed with, hexadecimal.
    pub key: String,
    /// Whether it was taken in, rather than made here.
    pub taken_in: bool,
    /// Its manifest.
    pub manifest: String,
    /// When.
    pub at: Timestamp,
}

/// What bundles are made of, and which there were.
pub trait Bundles {
    /// Current advisories that were last changed at `since` or later, in order of number, after `after`.
    fn advisories_since(&mut self, since: Timestamp, after: i64, limit: usize) -> R<Vec<CarriedAdvisory>>;
    /// When an advisory was last changed.
    fn newest_advisory(&mut self) -> R<Option<Timestamp>>;
    /// Notes a bundle; one with the same digest is noted already.
    fn put_bundle(&mut self, bundle: &BundleRecord) -> R<()>;
    /// By digest, or the one that was made here with this number.
    fn bundle(&mut self, digest_or_number: &str) -> R<Option<BundleRecord>>;
    /// The highest number that was taken in under a key.
    fn last_bundle(&mut self, key: &str) -> R<Option<i64>>;
}
