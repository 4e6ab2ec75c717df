//! Ports of VEX: documents, and statements by the vulnerabilities that they speak of. Part of the metadata store like the
//! ports in [`super::meta`]; and the seam that reads documents.

use super::meta::Change;
use crate::{
    package::PackageId,
    problem::Problem,
    vex::{NewVex, VexDocument, VexId, VexOrigin, VexStatement},
};
use std::collections::BTreeSet;

type R<T> = Result<T, Problem>;

/// Reads documents of whatever format of VEX.
pub trait VexReader: Send + Sync {
    /// The statements of a document. `name` stands for the document where it does not name itself.
    ///
    /// # Errors
    /// `Invalid` when it is none; `TooLarge` past a limit.
    fn read(&self, name: &str, bytes: &[u8]) -> R<Vec<VexStatement>>;
    /// Whether something of this media type, artifact type or predicate type may hold such a document.
    fn may_be_in(&self, media_type: &str) -> bool;
}

/// What happened to a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VexPut {
    /// Its identity.
    pub id: VexId,
    /// New, changed, or the same bytes.
    pub change: Change,
    /// Every id that its statements speak of now or spoke of before; empty where nothing changed.
    pub vulnerabilities: BTreeSet<String>,
}

/// Which documents to list. Empty fields do not restrict.
#[derive(Clone, Debug, Default)]
pub struct VexFilter {
    /// Of this kind of origin.
    pub origin: Option<String>,
    /// Held by this package.
    pub package: Option<PackageId>,
    /// With a statement about this id.
    pub vulnerability: Option<String>,
    /// Before this one (ids descend).
    pub before: Option<VexId>,
    /// At most this many.
    pub limit: usize,
}

/// Documents and their statements.
pub trait Vex {
    /// Keeps a document in place of one with the same name and origin.
    fn put_vex(&mut self, new: &NewVex) -> R<VexPut>;
    /// The newest first.
    fn vex_documents(&mut self, filter: &VexFilter) -> R<Vec<VexDocument>>;
    /// One, with what it says.
    fn vex_document(&mut self, id: VexId) -> R<Option<(VexDocument, Vec<VexStatement>)>>;
    /// Removes one; gives the ids that its statements spoke of, or nothing where there was none.
    fn remove_vex(&mut self, id: VexId) -> R<Option<BTreeSet<String>>>;
    /// Statements about any of these ids, each once, in the order that documents came and have them.
    fn statements_about(&mut self, ids: &[String]) -> R<Vec<(VexOrigin, VexStatement)>>;
    /// Every id that statements of these documents speak of.
    fn vulnerabilities_in(&mut self, documents: &[VexId]) -> R<BTreeSet<String>>;
}
