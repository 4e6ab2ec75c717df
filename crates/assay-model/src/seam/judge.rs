//! The judge: evaluates policies on facts. Pure: simulation, replay and the live decision are the same call.

use crate::{
    decision::Evaluated,
    facts::Facts,
    policy::{FactKind, Policy},
    problem::Problem,
};
use std::{collections::BTreeSet, sync::Arc};

/// Policies made ready for evaluation, in order of precedence. Cheap to share.
pub trait Rules: Send + Sync {
    /// The enabled policies, in order.
    fn policies(&self) -> &[Policy];
    /// Which kinds of fact any of them reads.
    fn reads(&self) -> &BTreeSet<FactKind>;
    /// Evaluates them in order until a terminal one matches. A failing policy yields a verdict of its own, never silence.
    /// Also gives the SHA-256 of the input document.
    ///
    /// # Errors
    /// Only when the facts cannot be turned into a document.
    fn judge(&self, facts: &Facts) -> Result<(Vec<Evaluated>, String), Problem>;
}

/// Compiles policies.
pub trait Judge: Send + Sync {
    /// Checks one source when it is saved and says which facts it reads.
    ///
    /// # Errors
    /// `Invalid` with line, column and what to do.
    fn check(&self, rego: &str) -> Result<BTreeSet<FactKind>, Problem>;
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
}
