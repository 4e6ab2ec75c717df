//! Ports of what keeps and lets go: the trash, what repositories hold, downloads counted, and the collection of bytes
//! that nothing refers to. Part of the metadata store like the ports in [`super::meta`].

use crate::{
    digest::Digest,
    keeping::{Discard, Downloads, Restored, Trashed, Usage},
    package::{Coordinates, File, FileId, PackageId},
    problem::Problem,
    repository::RepositoryId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

type R<T> = Result<T, Problem>;

/// What to list of the trash. Empty fields do not restrict.
#[derive(Clone, Debug, Default)]
pub struct TrashFilter {
    /// In these repositories; `None` means all.
    pub repositories: Option<Vec<RepositoryId>>,
    /// Only what is to be purged before this moment.
    pub due: Option<Timestamp>,
    /// At this address.
    pub at: Option<Coordinates>,
    /// After this package (ids descend).
    pub before: Option<PackageId>,
    /// At most this many.
    pub limit: usize,
}

/// Packages that were deleted and can come back. Their files keep their bytes alive and are served to nobody.
pub trait Trash {
    /// Deletes a package: its files go to the trash, its references are noted and removed.
    fn discard(&mut self, package: PackageId, how: &Discard) -> R<()>;
    /// What is in the trash, the highest package id first; what is due, the longest due first.
    fn trash(&mut self, filter: &TrashFilter) -> R<Vec<Trashed>>;
    /// One of it.
    fn trashed(&mut self, package: PackageId) -> R<Option<Trashed>>;
    /// Its files, by path.
    fn trashed_files(&mut self, package: PackageId) -> R<Vec<File>>;
    /// Brings files and references back; references that point elsewhere by now are left. The package is pending
    /// afterwards. Nothing where it is not in the trash.
    fn restore(&mut self, package: PackageId, at: Timestamp) -> R<Option<Restored>>;
    /// Forgets the files for good; says whether there were any.
    fn purge(&mut self, package: PackageId) -> R<bool>;
}

/// What repositories hold; kept up to date by the ports that add and delete.
pub trait Holdings {
    /// Of one repository.
    fn usage(&mut self, repository: RepositoryId) -> R<Usage>;
    /// Of all.
    fn usages(&mut self) -> R<BTreeMap<RepositoryId, Usage>>;
    /// Bytes and packages in the trash of all; counts them.
    fn trash_usages(&mut self) -> R<BTreeMap<RepositoryId, Usage>>;
}

/// Downloads of one file by one caller on one day, to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// Of which package.
    pub package: PackageId,
    /// Of which file.
    pub file: FileId,
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// Name of the caller.
    pub who: String,
    /// How many.
    pub count: u64,
    /// The last one.
    pub last: Timestamp,
}

/// Downloads of a package on one day by one caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullsOfDay {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// Name of the caller, or [`OTHERS`].
    pub who: String,
    /// How many.
    pub count: u64,
}

/// Stands for callers beyond those that are told apart by name.
pub const OTHERS: &str = "(others)";
/// Callers of one package on one day that are told apart.
pub const CALLERS: usize = 20;

/// Counts of downloads.
pub trait DownloadCounts {
    /// Adds to what is there. Beyond [`CALLERS`] names of a package and day, the rest is [`OTHERS`].
    fn add_downloads(&mut self, pulled: &[Pulled]) -> R<()>;
    /// Of these packages; those that were never downloaded are left out.
    fn downloads_of(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Downloads>>;
    /// Of each file of a package.
    fn downloads_by_file(&mut self, package: PackageId) -> R<BTreeMap<FileId, Downloads>>;
    /// Days of a package from `since` on, by day, then name.
    fn download_days(&mut self, package: PackageId, since: i64) -> R<Vec<PullsOfDay>>;
    /// Days of these packages from `since` on, by package, day, then name.
    fn download_days_of(&mut self, packages: &[PackageId], since: i64) -> R<Vec<(PackageId, PullsOfDay)>>;
    /// Forgets days before `day`, at most `limit` rows; gives how many.
    fn forget_download_days(&mut self, day: i64, limit: usize) -> R<u64>;
}

/// What an upload learns before and after it stores bytes. It may name the bytes only if nothing is buried and the count
/// is the same as before it stored them: then nobody deletes them, and nobody did since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ground {
    /// Whether someone is deleting these bytes.
    pub buried: bool,
    /// How many burials of such digests were completed so far.
    pub closed: i64,
}

/// A part of the walk over all blobs, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Blobs that were looked at.
    pub examined: usize,
    /// Where to go on; nothing at the end.
    pub next: Option<(Timestamp, Digest)>,
    /// Those that nothing refers to, with their size.
    pub orphans: Vec<(Digest, u64)>,
}

/// Collection of bytes that nothing refers to: walk, bury, delete the bytes, close the grave. While a grave is open nobody
/// may name the digest.
pub trait Graves {
    /// Ends stages older than `before`, at most `limit`; gives how many.
    fn end_stages(&mut self, before: Timestamp, limit: usize) -> R<u64>;
    /// Looks at up to `limit` blobs stored before `before`, after a place.
    fn walk_blobs(&mut self, after: Option<&(Timestamp, Digest)>, before: Timestamp, limit: usize) -> R<Walked>;
    /// Forgets those of these blobs that nothing refers to and that were stored before `before`, and opens a grave for
    /// each; gives them with their size. Their bytes may be deleted once this is committed, until `until`.
    fn bury(&mut self, digests: &[Digest], before: Timestamp, owner: &str, until: Timestamp) -> R<Vec<(Digest, u64)>>;
    /// Opens a grave for bytes that no row names; gives those for which that is so.
    fn bury_unnamed(&mut self, digests: &[(Digest, u64)], owner: &str, until: Timestamp) -> R<Vec<Digest>>;
    /// Closes graves of this owner whose bytes are gone; gives how many there were.
    fn close_graves(&mut self, digests: &[Digest], owner: &str) -> R<u64>;
    /// Takes over graves whose owner's time ended before `now` (all of them where `now` is nothing), at most `limit`.
    fn take_graves(&mut self, owner: &str, now: Option<Timestamp>, until: Timestamp, limit: usize) -> R<Vec<Digest>>;
    /// What an upload of these bytes has to know.
    fn ground(&mut self, digest: &Digest) -> R<Ground>;
    /// How many graves are open.
    fn graves(&mut self) -> R<u64>;
}
