//! Ports of what decisions leave behind: the documents that they were functions of, and their log. Part of the metadata
//! store like the ports in [`super::meta`].

use crate::{
    decision::{Decision, DecisionId},
    package::{Coordinates, PackageId},
    problem::Problem,
    repository::RepositoryId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

type R<T> = Result<T, Problem>;

/// A document that decisions were functions of, compressed; who packs and unpacks it is the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedInput {
    /// SHA-256 of the document, as `sha256:<hex>`.
    pub digest: String,
    /// How it is compressed.
    pub packing: u32,
    /// Bytes of the document itself.
    pub size: u64,
    /// The compressed document.
    pub bytes: Vec<u8>,
}

/// Documents that decisions were functions of: each once, however many decisions it was the same for.
pub trait DecisionInputs {
    /// Keeps a document. Decisions appended after it in the same transaction refer to it; without it they refer to none.
    fn keep_input(&mut self, input: &PackedInput) -> R<()>;
    /// Those of these digests that are kept.
    fn inputs(&mut self, digests: &[String]) -> R<Vec<PackedInput>>;
    /// Lets up to `limit` decisions that were superseded before a moment forget theirs, and deletes the documents that no
    /// decision refers to afterwards. Gives how many decisions forgot.
    fn forget_inputs(&mut self, before: Timestamp, limit: usize) -> R<usize>;
}

/// Which decisions to list. Empty fields do not restrict.
#[derive(Clone, Debug, Default)]
pub struct DecisionFilter {
    /// In these repositories; `None` means all.
    pub repositories: Option<Vec<RepositoryId>>,
    /// About these packages.
    pub packages: Option<Vec<PackageId>>,
    /// In which this policy matched or failed.
    pub said_by: Option<String>,
    /// In which any policy matched or failed.
    pub said: bool,
    /// Ids above this one.
    pub after: Option<DecisionId>,
    /// Ids below this one.
    pub before: Option<DecisionId>,
    /// From the highest id down.
    pub newest_first: bool,
    /// At most this many.
    pub limit: usize,
}

/// A decision with what its log says of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Logged {
    /// The decision.
    pub decision: Decision,
    /// What it is about.
    pub at: Coordinates,
    /// Where that is.
    pub repository: RepositoryId,
    /// Whether the document that it was a function of is kept.
    pub kept: bool,
    /// When the next decision about the package was made.
    pub superseded_at: Option<Timestamp>,
}

/// The log of decisions.
pub trait DecisionLog {
    /// Decisions in the order of their ids.
    fn logged_decisions(&mut self, filter: &DecisionFilter) -> R<Vec<Logged>>;
    /// One of them.
    fn logged_decision(&mut self, id: &DecisionId) -> R<Option<Logged>>;
    /// The decision about a package that was in force at a moment.
    fn decision_in_force(&mut self, package: PackageId, at: Timestamp) -> R<Option<Decision>>;
    /// How many there are; counts them.
    fn count_decisions(&mut self, filter: &DecisionFilter) -> R<u64>;
}
