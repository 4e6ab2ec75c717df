//! The judge over the Rego interpreter. Everything that knows the evaluator's types is below this module.
//!
//! The interpreter is the reference. The evaluator's faster compiled mode answers differently for some constructs,
//! silently, so it is used only where it is seen to agree, and watched (`agreement`).

mod agreement;
mod arithmetic;
mod bounds;
mod builtins;
mod check;
mod compare;
mod compiled;
mod diagnose;
mod engine;
mod evaluator;
mod format;
mod graph;
mod heads;
mod keywords;
mod limits;
mod locals;
mod memory;
mod mend;
mod paths;
mod pattern;
mod probe;
mod reads;
mod rules;
mod safety;
mod scan;
mod suits;
mod survey;
mod templates;
pub mod testing;
mod verdict;
mod visit;
mod walks;
mod wrap;

use crate::input::{Document, Inputs, PolicyNames, sheet};
use assay_model::{
    Problem,
    decision::Verdict,
    facts::Facts,
    policy::Policy,
    seam::judge::{Checked, Faults, Judge, Rules},
    sheet::Sheet,
};
use jiff::Timestamp;
use regorus::Value;
use std::{sync::Arc, time::Duration};

/// What one policy may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest source, bytes.
    pub source_bytes: usize,
    /// Wall-clock time of one evaluation. Checked between steps of the evaluator, so a single built-in function can
    /// overrun it.
    pub evaluation: Duration,
    /// What evaluations may add to what the process holds, bytes. Checked between steps as well.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { source_bytes: 256 * 1024, evaluation: Duration::from_secs(1), memory: 64 << 20 }
    }
}

/// Which of the two evaluators answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// The compiled form where it agrees with the interpreter; a share of evaluations is done by both.
    #[default]
    Checked,
    /// The interpreter alone, which is the reference.
    Interpreter,
    /// The compiled form where there is one, without looking whether it still agrees: for measuring.
    Compiled,
    /// Both, always; a policy fails where they disagree: for tests.
    Both,
}

/// Compiles and checks policies.
#[derive(Clone, Debug, Default)]
pub struct RegoJudge {
    names: Arc<PolicyNames>,
    limits: Limits,
    path: Path,
}

impl RegoJudge {
    /// A judge for which formats go by these names: pairs of format id and the name that policies use.
    pub fn new(policy_names: &[(&str, &str)]) -> Self {
        Self { names: Arc::new(PolicyNames::new(policy_names)), ..Self::default() }
    }
    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
    /// The same by another way of evaluating.
    #[must_use]
    pub fn with_path(self, path: Path) -> Self {
        Self { path, ..self }
    }
}

impl RegoJudge {
    /// What a policy says of an input document (`{"v0": …, "v1": …}`) that is given as JSON.
    ///
    /// # Errors
    /// `Invalid` with line and column for a policy that would not be saved.
    pub fn evaluate(&self, policy: &Policy, input: &serde_json::Value, now: Timestamp) -> Result<Verdict, Problem> {
        Ok(self.trial(policy, input)?(now))
    }
    /// The same to be done again and again, at any time.
    ///
    /// # Errors
    /// `Invalid` with line and column for a policy that would not be saved.
    pub fn trial(
        &self,
        policy: &Policy,
        input: &serde_json::Value,
    ) -> Result<impl Fn(Timestamp) -> Verdict + use<>, Problem> {
        let checked = check::check(&policy.rego, &self.limits)?;
        let unready = |error| Problem::internal("the evaluator did not start", error);
        let evaluator =
            agreement::Agreed::new(policy, &checked, &self.names, self.path, &self.limits).map_err(unready)?;
        let value = memory::apart(|| Value::from_json_str(&input.to_string())).map_err(unready)?;
        let (policy, limits) = (policy.clone(), self.limits);
        Ok(move |now| verdict::evaluate(&policy, &evaluator, &value, now, &limits))
    }
}

impl Judge for RegoJudge {
    fn check(&self, rego: &str) -> Result<Checked, Faults> {
        let checked = check::look(rego, &self.limits, true)?;
        Ok(Checked { reads: checked.reads, warnings: checked.warnings })
    }
    fn schema(&self, version: &str) -> Option<serde_json::Value> {
        crate::input::schema::schema(version)
    }
    fn compile(&self, policies: Vec<Policy>) -> Result<Arc<dyn Rules>, Problem> {
        Ok(Arc::new(rules::Prepared::new(policies, Arc::clone(&self.names), self.limits, self.path)?))
    }
    fn input(&self, facts: &Facts) -> Result<serde_json::Value, Problem> {
        Document::build(facts, &self.names).json()
    }
    fn shown(&self, document: &[u8], policy: &str) -> Result<serde_json::Value, Problem> {
        serde_json::to_value(Inputs::read(document)?.of(policy))
            .map_err(|error| Problem::internal("the policy input cannot be written", error))
    }
    fn sheet(&self, document: &[u8]) -> Result<Sheet, Problem> {
        sheet::read(document)
    }
}
