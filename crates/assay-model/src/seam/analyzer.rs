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
    /// One line for documentation: what it reads and what it finds.
    pub summary: &'static str,
}

/// A file that is offered to analyzers.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Normalised path with `/`, without a leading one; for a package file its file name.
    pub path: &'a str,
    /// Bytes.
    pub size: u64,
    /// Whether this is the uploaded artifact itself rather than something inside it.
    pub is_artifact: bool,
}

/// One kind of file.
pub trait Analyzer: Send + Sync {
    /// What varies by kind.
    fn spec(&self) -> &'static AnalyzerSpec;
    /// Whether it wants to read this entry. Called for every file: path and size only.
    fn wants(&self, entry: &Entry<'_>) -> bool;
    /// Reads the entry and adds what it found.
    ///
    /// # Errors
    /// When the bytes are not what the path promises; recorded as skipped, never fatal for the rest.
    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem>;
}
