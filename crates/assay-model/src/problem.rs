//! The one error that crosses a seam, and the kinds that decide a status code. What a client reads is worded by its format.

use std::{
    fmt,
    io::{self, ErrorKind},
};

/// What went wrong, as far as a caller must tell cases apart. Each kind has one HTTP status, chosen at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request or its bytes are wrong; retrying the same will fail again.
    Invalid,
    /// Foreign bytes passed a limit set in the configuration.
    TooLarge,
    /// No such thing, or nothing the caller may know of.
    NotFound,
    /// It contradicts what is stored already.
    Conflict,
    /// The caller is not known.
    Unauthenticated,
    /// The caller is known and lacks the permission.
    Forbidden,
    /// A requested byte range lies outside the file.
    Range,
    /// Not ready yet; the same request may pass later.
    Busy,
    /// There is no room to store anything; nothing was lost, and there may be room later.
    Full,
    /// A remote service failed.
    Upstream,
    /// The protocol has this operation and Assay does not.
    Unsupported,
    /// A fault of ours or of the storage below.
    Internal,
}

/// An error with a kind, a stable code and a sentence for its reader.
#[derive(Debug)]
pub struct Problem {
    /// Decides the status code.
    pub kind: Kind,
    /// Stable, kebab-case, for programs.
    pub code: &'static str,
    /// Says what happened, and what to do where that is known. Lower case, no full stop.
    pub message: String,
    /// Seconds after which a retry makes sense, for [`Kind::Busy`].
    pub retry_after: Option<u32>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Results across seams.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// A problem of `kind`, told by `message`.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), retry_after: None, source: None }
    }
    /// The request is wrong.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, code, message)
    }
    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, "not-found", message)
    }
    /// It contradicts what is stored.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, "conflict", message)
    }
    /// A fault of ours or of the storage; `source` is kept for the log. A source that says that the storage is full, or
    /// may only be read, makes the problem one of these: wherever bytes are written, who sent them is told.
    pub fn internal(message: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        match source.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge) => Self::full(source),
            Some(ErrorKind::ReadOnlyFilesystem) => Self::unavailable("the storage is read-only", source),
            _ => Self { source: Some(source), ..Self::new(Kind::Internal, "internal", message) },
        }
    }
    /// There is no room left to store anything.
    pub fn full(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let message = "the storage of this server is full; nothing was stored, and nothing that was is lost; tell its \
                       administrator";
        Self { source: Some(source.into()), ..Self::new(Kind::Full, "storage-full", message) }
    }
    /// The storage below does not answer, or cannot be written: not ready, and worth a line in the log. `what` is a whole
    /// sentence without its end.
    pub fn unavailable(what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let message = format!("{what}; try again in a few seconds");
        let problem = Self::new(Kind::Busy, "storage-unavailable", message).caused_by(source);
        Self { retry_after: Some(5), ..problem }
    }
    /// Whether an operator has to see it: it is not the client's doing, and waiting may not help.
    pub fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Internal | Kind::Full) || self.code == "storage-unavailable"
    }
    /// Something that cannot happen unless our own code is wrong.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, "bug", message)
    }
    /// The same problem with the error that caused it.
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
    /// Not ready; try again after `seconds`.
    pub fn busy(message: impl Into<String>, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(Kind::Busy, "try-again-later", message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_that_is_full_or_read_only_is_told_apart() {
        let of = |kind: ErrorKind| Problem::internal("cannot write", io::Error::from(kind));
        assert_eq!(of(ErrorKind::StorageFull).kind, Kind::Full);
        assert_eq!(of(ErrorKind::QuotaExceeded).code, "storage-full");
        let read_only = of(ErrorKind::ReadOnlyFilesystem);
        assert_eq!((read_only.kind, read_only.retry_after), (Kind::Busy, Some(5)));
        let other = of(ErrorKind::NotFound);
        assert_eq!((other.kind, other.message.as_str()), (Kind::Internal, "cannot write"));
        assert!(other.is_ours() && read_only.is_ours() && !Problem::busy("wait", 1).is_ours());
    }
}
