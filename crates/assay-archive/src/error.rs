//! What can be wrong with an archive, and the way such an error travels through `io::Read`.

use std::io;

use crate::limits::LimitKind;

/// Why an archive could not be walked to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// A configured bound was exceeded; the message names the key that raises it.
    #[error("the archive exceeds {which} ({limit} {unit}); raise `{key}` if this archive is expected",
        unit = which.unit(), key = which.key())]
    Limit {
        /// Which bound.
        which: LimitKind,
        /// The configured value, in the bound's own unit.
        limit: u64,
    },
    /// The bytes end before the structure does.
    #[error("the archive is truncated: {0}")]
    Truncated(String),
    /// The structure contradicts itself or the format.
    #[error("the archive is corrupt: {0}")]
    Corrupt(String),
    /// An entry's name, or a link's target, points outside the archive or is read differently by different tools.
    #[error("the archive has an unsafe path {path:?}: {why}")]
    UnsafePath {
        /// The name as stored, lossily decoded.
        path: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// The entry can only be read with a password.
    #[error("the archive entry {0:?} is encrypted")]
    Encrypted(String),
    /// A feature of the format that is not read.
    #[error("the archive uses something that is not supported: {0}")]
    Unsupported(String),
    /// The reader below failed; not the archive's fault.
    #[error("reading the archive failed: {1}")]
    Io(io::ErrorKind, String),
}

impl ArchiveError {
    /// True where the archive itself is bad, false where the machine, or a bound of ours, is the reason.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        matches!(self, Self::Truncated(_) | Self::Corrupt(_) | Self::UnsafePath { .. })
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }

    pub(crate) fn truncated(what: impl Into<String>) -> Self {
        Self::Truncated(what.into())
    }

    /// The error of a reader that hands us foreign bytes; keeps an `ArchiveError` that travelled inside.
    pub(crate) fn of_input(error: &io::Error) -> Self {
        error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Self>())
            .cloned()
            .unwrap_or_else(|| Self::Io(error.kind(), error.to_string()))
    }

    /// The error of a decoder: whatever is not ours and not the input's is the data's fault.
    pub(crate) fn of_decoder(error: &io::Error) -> Self {
        if let Some(own) = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            return own.clone();
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::truncated("the compressed data ends early"),
            _ => Self::corrupt(format!("the compressed data cannot be read: {error}")),
        }
    }
}

impl From<ArchiveError> for io::Error {
    fn from(error: ArchiveError) -> Self {
        let kind = match &error {
            ArchiveError::Truncated(_) => io::ErrorKind::UnexpectedEof,
            ArchiveError::Io(kind, _) => *kind,
            ArchiveError::Unsupported(_) => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof if error.get_ref().is_none_or(|e| !e.is::<Self>()) => {
                Self::truncated("the data ends early")
            }
            _ => Self::of_input(&error),
        }
    }
}
