//! The bounds of a walk, and the budget that one look at one artifact spends, nested archives included.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::error::ArchiveError;

/// Below this many unpacked bytes the ratio is not looked at: a small file of zeros is no bomb.
pub const RATIO_FLOOR_BYTES: u64 = 32 << 20;

/// Bounds on what one artifact may cost. The configuration section is `limits.archive`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries, all nested archives together. Default 2,000,000.
    pub entries: u64,
    /// Unpacked bytes of one entry. Default 16 GiB: entries are streamed, so this bounds time, not memory.
    pub entry_bytes: u64,
    /// Unpacked bytes of everything together. Default 128 GiB.
    pub total_bytes: u64,
    /// Unpacked bytes per packed byte, looked at from [`RATIO_FLOOR_BYTES`] on. Default 500.
    pub ratio: u64,
    /// Archives inside archives; the artifact itself is depth 1. Default 8: an archive of an image has a
    /// layer, that an ear, that a war, that a jar.
    pub depth: u64,
    /// Bytes of one entry's name or link target. Default 4096, the longest path Linux takes.
    pub path_bytes: u64,
    /// Bytes of one file that must be held in memory to be understood (metadata, package databases). Default 32 MiB.
    pub metadata_bytes: u64,
    /// Wall time from the start of the look. Default 10 minutes.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 2_000_000,
            entry_bytes: 16 << 30,
            total_bytes: 128 << 30,
            ratio: 500,
            depth: 8,
            path_bytes: 4096,
            metadata_bytes: 32 << 20,
            deadline: Duration::from_secs(600),
        }
    }
}

macro_rules! with {
    ($($with:ident $field:ident: $kind:ty),* $(,)?) => {
        $(
            #[doc = concat!("The same bounds with another `", stringify!($field), "`.")]
            #[must_use]
            pub fn $with(mut self, $field: $kind) -> Self {
                self.$field = $field;
                self
            }
        )*
    };
}

static CONFIGURED: OnceLock<Limits> = OnceLock::new();

impl Limits {
    /// What the operator of this process allows; the defaults unless [`Limits::configure`] was called. For readers that no
    /// limits can be handed to.
    #[must_use]
    pub fn configured() -> Self {
        CONFIGURED.get().cloned().unwrap_or_default()
    }

    /// Sets what [`Limits::configured`] gives, once for the process; says whether it was the first to do so.
    pub fn configure(limits: Self) -> bool {
        CONFIGURED.set(limits).is_ok()
    }

    with! {
        with_entries entries: u64,
        with_entry_bytes entry_bytes: u64,
        with_total_bytes total_bytes: u64,
        with_ratio ratio: u64,
        with_depth depth: u64,
        with_path_bytes path_bytes: u64,
        with_metadata_bytes metadata_bytes: u64,
        with_deadline deadline: Duration,
    }

    /// The value of one bound in its own unit.
    #[must_use]
    pub fn get(&self, which: LimitKind) -> u64 {
        match which {
            LimitKind::Entries => self.entries,
            LimitKind::EntryBytes => self.entry_bytes,
            LimitKind::TotalBytes => self.total_bytes,
            LimitKind::Ratio => self.ratio,
            LimitKind::Depth => self.depth,
            LimitKind::PathBytes => self.path_bytes,
            LimitKind::MetadataBytes => self.metadata_bytes,
            LimitKind::Deadline => self.deadline.as_secs(),
        }
    }
}

/// Names one bound in errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKind {
    Entries,
    EntryBytes,
    TotalBytes,
    Ratio,
    Depth,
    PathBytes,
    MetadataBytes,
    Deadline,
}

impl LimitKind {
    /// All bounds, for documentation and configuration.
    pub const ALL: [Self; 8] = [
        Self::Entries,
        Self::EntryBytes,
        Self::TotalBytes,
        Self::Ratio,
        Self::Depth,
        Self::PathBytes,
        Self::MetadataBytes,
        Self::Deadline,
    ];

    /// The configuration key that sets this bound.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Entries => "limits.archive.entries",
            Self::EntryBytes => "limits.archive.entry_bytes",
            Self::TotalBytes => "limits.archive.total_bytes",
            Self::Ratio => "limits.archive.ratio",
            Self::Depth => "limits.archive.depth",
            Self::PathBytes => "limits.archive.path_bytes",
            Self::MetadataBytes => "limits.archive.metadata_bytes",
            Self::Deadline => "limits.archive.deadline",
        }
    }

    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::EntryBytes | Self::TotalBytes | Self::PathBytes | Self::MetadataBytes => "bytes",
            Self::Ratio => "to one",
            Self::Depth => "levels",
            Self::Deadline => "seconds",
        }
    }
}

impl std::fmt::Display for LimitKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Entries => "the number of entries",
            Self::EntryBytes => "the size of one entry",
            Self::TotalBytes => "the unpacked size",
            Self::Ratio => "the compression ratio",
            Self::Depth => "the depth of nested archives",
            Self::PathBytes => "the length of a path",
            Self::MetadataBytes => "the size of a metadata file",
            Self::Deadline => "the time for unpacking",
        })
    }
}

#[derive(Debug)]
struct Spent {
    limits: Limits,
    started: Instant,
    entries: AtomicU64,
    bytes: AtomicU64,
}

/// What is left of the limits. Clones share what was spent, so layers walked in parallel and archives inside archives
/// draw on one budget.
#[derive(Debug, Clone)]
pub struct Budget {
    spent: Arc<Spent>,
    depth: u64,
}

impl Budget {
    /// A fresh budget; the clock starts now.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let spent = Spent { limits, started: Instant::now(), entries: AtomicU64::new(0), bytes: AtomicU64::new(0) };
        Self { spent: Arc::new(spent), depth: 1 }
    }

    /// The bounds this budget was made from.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.spent.limits
    }

    /// The budget for an archive inside the present one.
    ///
    /// # Errors
    /// `Limit` if that is too deep.
    pub fn nested(&self) -> Result<Self, ArchiveError> {
        if self.depth >= self.limits().depth {
            return Err(self.exceeded(LimitKind::Depth));
        }
        Ok(Self { spent: Arc::clone(&self.spent), depth: self.depth + 1 })
    }

    /// Bytes unpacked so far, nested archives included.
    #[must_use]
    pub fn bytes_spent(&self) -> u64 {
        self.spent.bytes.load(Ordering::Relaxed)
    }

    /// Fails once the deadline has passed.
    ///
    /// # Errors
    /// `Limit` of the deadline.
    pub fn check_time(&self) -> Result<(), ArchiveError> {
        if self.spent.started.elapsed() > self.limits().deadline {
            return Err(self.exceeded(LimitKind::Deadline));
        }
        Ok(())
    }

    pub(crate) fn exceeded(&self, which: LimitKind) -> ArchiveError {
        ArchiveError::Limit { which, limit: self.limits().get(which) }
    }

    pub(crate) fn spend_entry(&self) -> Result<(), ArchiveError> {
        let before = self.spent.entries.fetch_add(1, Ordering::Relaxed);
        if before >= self.limits().entries {
            return Err(self.exceeded(LimitKind::Entries));
        }
        self.check_time()
    }

    pub(crate) fn spend_bytes(&self, count: u64) -> Result<(), ArchiveError> {
        let before = self.spent.bytes.fetch_add(count, Ordering::Relaxed);
        if before.saturating_add(count) > self.limits().total_bytes {
            return Err(self.exceeded(LimitKind::TotalBytes));
        }
        self.check_time()
    }

    pub(crate) fn check_entry_size(&self, size: u64) -> Result<(), ArchiveError> {
        if size > self.limits().entry_bytes {
            return Err(self.exceeded(LimitKind::EntryBytes));
        }
        Ok(())
    }

    pub(crate) fn check_path(&self, bytes: u64) -> Result<(), ArchiveError> {
        if bytes > self.limits().path_bytes {
            return Err(self.exceeded(LimitKind::PathBytes));
        }
        Ok(())
    }

    pub(crate) fn check_ratio(&self, packed: u64, unpacked: u64) -> Result<(), ArchiveError> {
        if unpacked > RATIO_FLOOR_BYTES && unpacked / packed.max(1) > self.limits().ratio {
            return Err(self.exceeded(LimitKind::Ratio));
        }
        Ok(())
    }
}

impl From<Limits> for Budget {
    fn from(limits: Limits) -> Self {
        Self::new(limits)
    }
}

impl From<&Limits> for Budget {
    fn from(limits: &Limits) -> Self {
        Self::new(limits.clone())
    }
}

impl From<&Budget> for Budget {
    fn from(budget: &Budget) -> Self {
        budget.clone()
    }
}
