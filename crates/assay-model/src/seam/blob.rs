//! Where bytes are kept: by digest only. No paths, no moves, no listing by folder. The upload protocol is spool, hash,
//! blob, one transaction; a blob without a row is an orphan and is collected.

use super::{ByteStream, ReadSeek, Task};
use crate::digest::Digest;
use std::{ops::Range, path::Path};

/// Content-addressed bytes.
pub trait BlobStore: Send + Sync {
    /// Stores the file at `spooled`, whose digest and size the caller has computed, durably: when this returns, the bytes
    /// survive a crash. Storing a digest again is harmless. The file is consumed where that saves a copy.
    fn put<'a>(&'a self, digest: &'a Digest, spooled: &'a Path) -> Task<'a, ()>;
    /// Streams a range of bytes, or all. `NotFound` when there is no such blob.
    fn open<'a>(&'a self, digest: &'a Digest, range: Option<Range<u64>>) -> Task<'a, ByteStream>;
    /// A local, seekable copy for analysis; temporary where the store is remote.
    fn local<'a>(&'a self, digest: &'a Digest) -> Task<'a, Box<dyn ReadSeek>>;
    /// Size in bytes, or nothing.
    fn stat<'a>(&'a self, digest: &'a Digest) -> Task<'a, Option<u64>>;
    /// Removes a blob; removing what is not there is fine.
    fn delete<'a>(&'a self, digest: &'a Digest) -> Task<'a, ()>;
    /// Digests after `after`, in order, for collection and scrubbing.
    fn list<'a>(&'a self, after: Option<&'a Digest>, limit: usize) -> Task<'a, Vec<(Digest, u64)>>;
}
