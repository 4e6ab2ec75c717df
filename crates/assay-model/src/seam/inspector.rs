//! The inspector: takes a whole artifact apart with all analyzers. Implemented by `assay-analyzers`, called by the engine
//! on a blocking thread and by `assay scan`.

use super::ReadSeek;
use crate::{digest::Digest, inventory::Inventory, package::Role, problem::Problem, renewal::Outline};
use std::{collections::BTreeSet, io::Read};

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
    /// What of this inspector the one that made `revision` did not have, or had in an older revision: ids of analyzers, and
    /// `secrets` and `licenses`.
    fn newer_than(&self, revision: &str) -> BTreeSet<String>;
    /// Whether any of `newer` could make another inventory of what `known` was made of. Without an outline, or with one
    /// that is cut, it could.
    fn may_improve(&self, newer: &BTreeSet<String>, role: Role, known: &Inventory, outline: Option<&Outline>) -> bool;
}
