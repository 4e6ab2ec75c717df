//! Ports of upstreams: their settings and secrets, what they said, and the digests they are held to. Part of the metadata
//! store like the ports in [`super::meta`]; how upstreams are asked is in [`super::upstream`].

use crate::{
    digest::Digest,
    problem::Problem,
    repository::RepositoryId,
    upstream::{NewUpstream, Upstream, UpstreamId, UpstreamSettings},
};
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::BTreeMap;

type R<T> = Result<T, Problem>;

/// Remote registries that repositories take from.
pub trait Upstreams {
    /// Adds one; `Conflict` when the repository has one of that name.
    fn add_upstream(&mut self, upstream: &NewUpstream) -> R<Upstream>;
    /// All of a repository, in rising order of priority, then by name.
    fn upstreams(&mut self, repository: RepositoryId) -> R<Vec<Upstream>>;
    /// By name.
    fn upstream(&mut self, repository: RepositoryId, name: &str) -> R<Option<Upstream>>;
    /// By id.
    fn upstream_by_id(&mut self, id: UpstreamId) -> R<Option<Upstream>>;
    /// Changes its order and settings; `NotFound` when it is gone.
    fn update_upstream(&mut self, id: UpstreamId, priority: i32, settings: &UpstreamSettings) -> R<()>;
    /// Removes it with its secrets, documents and pins; says whether it existed.
    fn delete_upstream(&mut self, id: UpstreamId) -> R<bool>;
}

/// Secrets of upstreams, sealed by a [`super::upstream::Vault`] before they come here.
pub trait UpstreamSecrets {
    /// What was written last; empty where there are none.
    fn upstream_secrets(&mut self, id: UpstreamId) -> R<Vec<u8>>;
    /// Replaces them; an empty text takes them away. `NotFound` when the upstream is gone.
    fn put_upstream_secrets(&mut self, id: UpstreamId, sealed: &[u8]) -> R<()>;
}

/// Which document of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentKey<'a> {
    /// Of which upstream.
    pub upstream: UpstreamId,
    /// Its address as it was asked for.
    pub address: &'a str,
    /// What was said to be acceptable: the same address may give different documents.
    pub accept: &'a str,
}

/// What an upstream said under an address, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDocument {
    /// HTTP status: 200, or 404 for "no such thing".
    pub status: u16,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`, as the upstream wrote it.
    pub last_modified: Option<String>,
    /// `Content-Type`, empty where none was said.
    pub media_type: String,
    /// Other headers that formats read, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Bytes.
    pub body: Bytes,
    /// When these bytes came.
    pub fetched_at: Timestamp,
    /// When the upstream last said that they are current.
    pub checked_at: Timestamp,
}

/// What upstreams said.
pub trait RemoteDocuments {
    /// Reads one.
    fn remote_document(&mut self, key: &DocumentKey<'_>) -> R<Option<KeptDocument>>;
    /// Keeps one; replaces what was kept under the key.
    fn put_remote_document(&mut self, key: &DocumentKey<'_>, document: &KeptDocument) -> R<()>;
    /// Notes that what is kept is current; says whether anything is kept.
    fn touch_remote_document(&mut self, key: &DocumentKey<'_>, checked_at: Timestamp) -> R<bool>;
    /// Forgets all of an upstream; gives how many.
    fn forget_remote_documents(&mut self, upstream: UpstreamId) -> R<u64>;
    /// Forgets those that were checked longest ago, until at most `count` are left and these take at most `bytes` as
    /// they are kept (compressed); gives how many went.
    fn evict_remote_documents(&mut self, count: usize, bytes: u64) -> R<u64>;
}

/// Digests seen first under a name and path of an upstream.
pub trait Pins {
    /// Pins `digest` unless another is pinned; gives the one that is in force afterwards.
    fn pin(&mut self, upstream: UpstreamId, name: &str, path: &str, digest: &Digest, at: Timestamp) -> R<Digest>;
    /// The digest in force, and since when.
    fn pinned(&mut self, upstream: UpstreamId, name: &str, path: &str) -> R<Option<(Digest, Timestamp)>>;
    /// Takes a pin away, so that other bytes may come; says whether there was one.
    fn unpin(&mut self, upstream: UpstreamId, name: &str, path: &str) -> R<bool>;
}
