//! The judge over the Rego interpreter. Everything that knows the evaluator's types is below this module.
//!
//! The interpreter is the reference: the evaluator's faster compiled mode answers differently for defaults of functions,
//! silently, so it is not used.

mod builtins;
mod check;
mod diagnose;
mod engine;
mod format;
mod graph;
mod pattern;
mod reads;
mod rules;
mod scan;
mod survey;
mod verdict;

use crate::input::{Document, PolicyNames};
use assay_model::{
    Problem,
    facts::Facts,
    policy::{FactKind, Policy},
    seam::judge::{Judge, Rules},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// What one policy may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest source, bytes.
    pub source_bytes: usize,
    /// Wall-clock time of one evaluation. Checked between steps of the evaluator, so a single built-in function can
    /// overrun it.
    pub evaluation: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { source_bytes: 256 * 1024, evaluation: Duration::from_secs(1) }
    }
}

/// Compiles and checks policies.
#[derive(Clone, Debug, Default)]
pub struct RegoJudge {
    names: Arc<PolicyNames>,
    limits: Limits,
}

impl RegoJudge {
    /// A judge for which formats go by these names: pairs of format id and the name that policies use.
    pub fn new(policy_names: &[(&str, &str)]) -> Self {
        Self { names: Arc::new(PolicyNames::new(policy_names)), limits: Limits::default() }
    }
    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
}

impl Judge for RegoJudge {
    fn check(&self, rego: &str) -> Result<BTreeSet<FactKind>, Problem> {
        check::check(rego, &self.limits).map(|checked| checked.reads)
    }
    fn compile(&self, policies: Vec<Policy>) -> Result<Arc<dyn Rules>, Problem> {
        Ok(Arc::new(rules::Prepared::new(policies, Arc::clone(&self.names), self.limits)?))
    }
    fn input(&self, facts: &Facts) -> Result<serde_json::Value, Problem> {
        Document::build(facts, &self.names).json()
    }
}
