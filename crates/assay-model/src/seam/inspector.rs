//! The inspector: takes a whole artifact apart with all analyzers. Implemented by `assay-analyzers`, called by the engine
//! on a blocking thread and by `assay scan`.

use super::ReadSeek;
use crate::{digest::Digest, inventory::Inventory, problem::Problem};
use std::io::Read;

/// Takes artifacts apart.
pub trait Inspector: Send + Sync {
    /// Names the revisions of all analyzers; changes when any of them does.
    fn revision(&self) -> &str;
    /// A package file, read as what its name and first bytes say.
    ///
    /// # Errors
    /// Only when nothing could be read at all; a damaged part is recorded as skipped.
    fn file(&self, name: &str, size: u64, bytes: &mut dyn ReadSeek) -> Result<Inventory, Problem>;
    /// One layer: a tar, compressed or not. Its whiteouts are recorded.
    ///
    /// # Errors
    /// As [`Inspector::file`].
    fn layer(&self, bytes: &mut dyn Read) -> Result<Inventory, Problem>;
    /// One image from its layers, lowest first: whiteouts honoured, overwritten databases replaced, each component with
    /// the layer that brought it.
    fn compose(&self, layers: &[(Digest, Inventory)]) -> Inventory;
    /// Adds to an image what it says of itself: its facts, and the secrets in them, which the facts keep redacted.
    ///
    /// `config` is the image configuration as stored, `layers` are digest and size in bytes of the layers that the manifest
    /// names, lowest first. A configuration that cannot be read leaves the facts empty but for the layers.
    fn describe(&self, image: &mut Inventory, config: &[u8], layers: &[(String, u64)]);
}
