//! The one error that crosses a seam, and the kinds that decide a status code. What a client reads is worded by its format.

use std::fmt;

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
    /// A fault of ours or of the storage; `source` is kept for the log.
    pub fn internal(message: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::new(Kind::Internal, "internal", message) }
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
