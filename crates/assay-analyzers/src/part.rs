//! What an analyzer of this crate offers beyond the seam: a shared budget, and who owns which file. Also the one
//! translation of archive errors into problems.

use std::io::Read;

use assay_archive::{ArchiveError, Budget, read_small};
use assay_model::inventory::{Inventory, Skipped};
use assay_model::problem::{Kind, Problem};
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, Entry};

/// An analyzer as the inspector uses it.
pub trait Part: Analyzer {
    /// Like `analyze`, spending from the artifact's budget; for analyzers that unpack or hold whole files.
    ///
    /// # Errors
    /// As `analyze`.
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem>;

    /// Whether this file lists what a package of the operating system owns.
    fn lists_owned_files(&self, path: &str) -> bool {
        let _ = path;
        false
    }

    /// Calls `owned(file, package)` for every file that the list names; paths are without a leading `/`.
    fn owned_files(&self, path: &str, list: &str, owned: &mut dyn FnMut(&str, &str)) {
        let _ = (path, list, owned);
    }

    /// The package whose licences this file states.
    fn licence_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let _ = path;
        None
    }

    /// What such a file says, in one line.
    fn licence(&self, text: &str) -> Option<String> {
        let _ = text;
        None
    }
}

/// The problem of an archive error. Its code is the stable word that `Skipped::reason` uses.
pub(crate) fn problem(error: ArchiveError) -> Problem {
    let (kind, code) = match &error {
        ArchiveError::Limit { .. } => (Kind::TooLarge, LIMIT),
        ArchiveError::Encrypted(_) => (Kind::Invalid, "encrypted"),
        ArchiveError::Unsupported(_) => (Kind::Invalid, UNSUPPORTED),
        ArchiveError::UnsafePath { .. } => (Kind::Invalid, UNSAFE_PATH),
        ArchiveError::Corrupt(_) | ArchiveError::Truncated(_) => (Kind::Invalid, CORRUPT),
        ArchiveError::Io(..) => (Kind::Internal, "internal"),
    };
    Problem::new(kind, code, error.to_string()).caused_by(error)
}

pub(crate) const LIMIT: &str = "limit";
pub(crate) const UNSUPPORTED: &str = "unsupported";
pub(crate) const UNSAFE_PATH: &str = "unsafe-path";
pub(crate) const CORRUPT: &str = "corrupt";

pub(crate) fn corrupt(message: impl Into<String>) -> Problem {
    Problem::invalid(CORRUPT, message)
}

pub(crate) fn skipped(path: &str, problem: &Problem) -> Skipped {
    Skipped { path: path.to_owned(), reason: problem.code.to_owned(), detail: problem.message.clone() }
}

/// The error of a visitor: lets `?` take archive errors and problems alike.
pub(crate) struct Halt(pub(crate) Problem);

impl From<ArchiveError> for Halt {
    fn from(error: ArchiveError) -> Self {
        Self(problem(error))
    }
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

/// A whole small file as text; bytes that are no UTF-8 are replaced.
pub(crate) fn text(bytes: &mut dyn Read, budget: &Budget) -> Result<String, Problem> {
    let bytes = read_small(bytes, budget).map_err(problem)?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The longest name, version or requirement that is believed.
const FIELD_BYTES: usize = 1024;

/// A name or version that can be one: not empty, of bounded length, on one line.
pub(crate) fn field(value: Option<&str>) -> Option<String> {
    let value = value?.trim();
    let sane = !value.is_empty() && value.len() <= FIELD_BYTES && !value.contains(|c: char| c.is_control());
    sane.then(|| value.to_owned())
}

/// A line for people: cut to a readable length, empty ones are none.
pub(crate) fn line(value: Option<&str>) -> Option<String> {
    let first = value?.trim().lines().next()?.trim();
    let placeholder = first.eq_ignore_ascii_case("unknown") || first.eq_ignore_ascii_case("none");
    (!first.is_empty() && !placeholder).then(|| first.chars().take(300).collect())
}
