//! An analyzer: reads one kind of file that names components. Pure over bytes: no network, no clock.

use super::ReadSeek;
use crate::{inventory::Inventory, problem::Problem};

/// What varies by analyzer.
#[derive(Debug)]
pub struct AnalyzerSpec {
    /// Id, as in `Occurrence::analyzer`.
    pub id: &'static str,
    /// Raised when its results change; inventories made by an older one can be made again.
    pub revision: u32,
    /// What kind of evidence its files are.
    pub reads: Reads,
    /// One line for documentation: what it reads and what it finds.
    pub summary: &'static str,
}

/// What kind of evidence a file is. Decides in which trees an analyzer is asked: a lock file in an image says what was once
/// asked for, not what is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reads {
    /// A package file as published: wheel, jar, deb. Also read where one lies inside something else.
    Package,
    /// What an operating system has installed, and which one it is.
    System,
    /// What a language's package manager has installed, and what executables say of themselves.
    Installed,
    /// A lock file or manifest of a project. Not read in images.
    Project,
    /// A bill of materials.
    Sbom,
}

/// A file that is offered to analyzers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry<'a> {
    /// Normalised path with `/`, without a leading one; for a package file its file name.
    pub path: &'a str,
    /// Bytes.
    pub size: u64,
    /// Whether this is the uploaded artifact itself rather than something inside it.
    pub is_artifact: bool,
    /// The first bytes, up to 512, for files whose names do not tell what they are (executables). Empty where they are not
    /// known: when it is asked what a list of owned files speaks of, and for files whose names rule everything else out.
    pub head: &'a [u8],
}

/// One kind of file.
pub trait Analyzer: Send + Sync {
    /// What varies by kind.
    fn spec(&self) -> &'static AnalyzerSpec;
    /// Whether it wants to read this entry. Called for every file, so it has to be quick.
    fn wants(&self, entry: &Entry<'_>) -> bool;
    /// Reads the entry and adds what it found.
    ///
    /// # Errors
    /// When the bytes are not what the path promises; recorded as skipped, never fatal for the rest.
    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem>;
}
