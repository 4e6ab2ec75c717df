//! The judge: evaluates policies on facts. Pure: simulation, replay and the live decision are the same call.

use crate::{
    decision::Judged,
    facts::Facts,
    policy::{FactKind, Policy},
    problem::Problem,
    score::Epss,
    sheet::Sheet,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, sync::Arc};

/// Policies made ready for evaluation, in order of precedence. Cheap to share.
pub trait Rules: Send + Sync {
    /// The enabled policies, in order.
    fn policies(&self) -> &[Policy];
    /// Which kinds of fact any of them reads.
    fn reads(&self) -> &BTreeSet<FactKind>;
    /// Whether the move of an EPSS score can change what any of them says. False only where that is certain: each first
    /// compares the score with a number, and it fails before and after.
    fn concerns(&self, before: Option<&Epss>, after: Option<&Epss>) -> bool;
    /// Evaluates them in order until a terminal one matches. A failing policy yields a verdict of its own, never silence.
    ///
    /// # Errors
    /// Only when the facts cannot be turned into a document.
    fn judge(&self, facts: &Facts) -> Result<Judged, Problem>;
    /// The same for trying: only the parts of the document that any of them reads are made, and neither the document nor
    /// its digest is given.
    fn suppose(&self, facts: &Facts) -> Judged;
    /// Evaluates them on a document that [`Rules::judge`] gave, at the clock of then: the same policies at the same
    /// revisions say the same again.
    ///
    /// # Errors
    /// `Invalid` when it is no such document.
    fn replay(&self, document: &[u8], now: Timestamp) -> Result<Judged, Problem>;
}

/// What is known of a policy's source when it is saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Which facts it reads.
    pub reads: BTreeSet<FactKind>,
    /// What is allowed and probably not meant.
    pub warnings: Vec<Remark>,
}

/// A remark on a policy's source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Line, from 1; 0 when it is about the whole.
    pub line: u32,
    /// Column, from 1; 0 when it is about the whole.
    pub column: u32,
    /// A stable word (`unknown-field`, `always-matches`).
    pub code: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.message),
            line => write!(f, "line {line}, column {}: {}", self.column, self.message),
        }
    }
}

/// What keeps a source from being saved, in the order in which it stands there; never nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Remark>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, remark) in self.0.iter().enumerate() {
            write!(f, "{}{remark}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Compiles policies.
pub trait Judge: Send + Sync {
    /// Checks one source when it is saved.
    ///
    /// # Errors
    /// All that is wrong, with its place and what to do.
    fn check(&self, rego: &str) -> Result<Checked, Faults>;
    /// JSON Schema (2020-12) of a version of the input document, `v0` or `v1`.
    fn schema(&self, version: &str) -> Option<serde_json::Value>;
    /// Makes a set of policies ready.
    ///
    /// # Errors
    /// When a stored policy no longer compiles.
    fn compile(&self, policies: Vec<Policy>) -> Result<Arc<dyn Rules>, Problem>;
    /// The input document that a policy sees, for display and tests.
    ///
    /// # Errors
    /// When the facts cannot be turned into a document.
    fn input(&self, facts: &Facts) -> Result<serde_json::Value, Problem>;
    /// A document that [`Rules::judge`] gave, as the policy of that slug saw it.
    ///
    /// # Errors
    /// `Invalid` when it is no such document.
    fn shown(&self, document: &[u8], policy: &str) -> Result<serde_json::Value, Problem>;
    /// What such a document says, for people and for comparison.
    ///
    /// # Errors
    /// `Invalid` when it is no such document.
    fn sheet(&self, document: &[u8]) -> Result<Sheet, Problem>;
}
