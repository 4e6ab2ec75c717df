//! What an analyzer of this crate offers beyond the seam: a shared budget, and who owns which file. Also the one
//! translation of archive errors into problems.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use assay_archive::{ArchiveError, Budget, read_small};
use assay_model::inventory::{Inventory, Skipped};
use assay_model::problem::{Kind, Problem};
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, Entry};

use crate::inspector::INSIDE;

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

    /// Whether to keep this file until the whole tree has passed, for [`Part::conclude`]: a lock file that is read together
    /// with its manifest, a project file that refers to others. Called for every file; small ones only are kept.
    fn gathers(&self, entry: &Entry<'_>) -> bool {
        let _ = entry;
        false
    }

    /// Whether all its files are read when the tree has passed, and none of them alone.
    fn reads_together(&self) -> bool {
        false
    }

    /// Reads what takes several files at once, when the whole tree has passed. Called once, if anything was gathered.
    fn conclude(&self, files: &Gathered, budget: &Budget, out: &mut Inventory) {
        let _ = (files, budget, out);
    }

    /// Where, in a package file of this kind, the archive begins that holds what it installs; for those that do not begin
    /// with one.
    ///
    /// # Errors
    /// When the file is not what its name promises.
    fn payload(&self, bytes: &mut dyn ReadSeek) -> Result<Option<u64>, Problem> {
        let _ = bytes;
        Ok(None)
    }

    /// Whether this file lists what a package of the operating system owns.
    fn lists_owned_files(&self, path: &str) -> bool {
        let _ = path;
        false
    }

    /// Calls `owned(file, package)` for every file that the list names; paths are without a leading `/`.
    fn owned_files(&self, path: &str, list: &str, owned: &mut dyn FnMut(&str, &str)) {
        let _ = (path, list, owned);
    }

    /// The same for a list in any form; those that are no text override it.
    fn owns(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        owned: &mut dyn FnMut(&str, &str),
    ) -> Result<(), Problem> {
        self.owned_files(entry.path, &text(bytes, budget)?, owned);
        Ok(())
    }

    /// The package whose licences this file states.
    fn licence_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let _ = path;
        None
    }

    /// What such a file says, each licence as written.
    fn licences(&self, text: &str) -> Vec<String> {
        let _ = text;
        Vec::new()
    }
}

/// The path of something in the file that is read: `outer.zip!/inner/path`, and for the artifact itself just the inner path.
pub(crate) fn inside(entry: &Entry<'_>, inner: &str) -> String {
    if entry.is_artifact { inner.to_owned() } else { format!("{}{INSIDE}{inner}", entry.path) }
}

/// Files that one analyzer wanted to see together, by path.
#[derive(Debug, Default)]
pub struct Gathered {
    files: BTreeMap<String, Vec<u8>>,
    told: BTreeSet<String>,
}

impl Gathered {
    /// Adds a file; one of the same path is replaced.
    pub(crate) fn insert(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_owned(), bytes);
    }

    /// The analyzer was told to read this file as one of its own.
    pub(crate) fn mark_told(&mut self, path: &str) {
        self.told.insert(path.to_owned());
    }

    /// Whether it was told to.
    pub(crate) fn is_told(&self, path: &str) -> bool {
        self.told.contains(path)
    }

    /// Files of this name in any folder, and those that the analyzer was told to read so, in the order of path.
    pub(crate) fn read_as<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.iter().filter(move |(path, _)| path.rsplit('/').next() == Some(name) || self.is_told(path))
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.files.remove(path);
        self.told.remove(path);
    }

    /// Every file, in the order of path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The bytes of one file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// The bytes of a file in the same folder as `path`.
    #[must_use]
    pub fn beside(&self, path: &str, name: &str) -> Option<&[u8]> {
        match path.rsplit_once('/') {
            Some((folder, _)) => self.get(&format!("{folder}/{name}")),
            None => self.get(name),
        }
    }

    /// Files of this name in any folder, in the order of path.
    pub fn named(&self, name: &str) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().filter(move |(path, _)| path.rsplit('/').next() == Some(name))
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
