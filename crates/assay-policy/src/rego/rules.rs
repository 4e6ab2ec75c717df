//! A set of policies made ready: each parsed and analysed once, the document built once per package and shared.

use super::{Limits, Path, agreement::Agreed, bounds::Bounds, check, memory, verdict};
use crate::input::{Inputs, Parts, PolicyNames};
use assay_model::{
    Problem,
    decision::{Evaluated, Judged, Outcome},
    facts::Facts,
    policy::{FactKind, Policy},
    score::Epss,
    seam::judge::Rules,
};
use jiff::Timestamp;
use std::{collections::BTreeSet, sync::Arc};

/// Enabled policies in order. Policies are not locked while judging: every evaluation has an evaluator of its own, and
/// all share the parsed policy.
#[derive(Debug)]
pub(super) struct Prepared {
    policies: Vec<Policy>,
    evaluators: Vec<Agreed>,
    reads: BTreeSet<FactKind>,
    /// Of those policies that read EPSS.
    bounds: Vec<Option<Bounds>>,
    /// Parts of the document that they read.
    parts: Parts,
    names: Arc<PolicyNames>,
    limits: Limits,
}

impl Prepared {
    /// Prepares the enabled policies.
    pub(super) fn new(
        mut policies: Vec<Policy>,
        names: Arc<PolicyNames>,
        limits: Limits,
        path: Path,
    ) -> Result<Self, Problem> {
        policies.retain(|policy| policy.enabled);
        policies.sort_by(|a, b| (a.precedence, &a.slug).cmp(&(b.precedence, &b.slug)));
        let mut reads = BTreeSet::new();
        let mut bounds = Vec::new();
        let mut parts = Parts::none();
        let mut evaluators = Vec::with_capacity(policies.len());
        for policy in &policies {
            let checked = check::check(&policy.rego, &limits).map_err(|problem| {
                Problem::invalid("bad-policy", format!("policy `{}`: {problem}", policy.slug)).caused_by(problem)
            })?;
            let evaluator = Agreed::new(policy, &checked, &names, path, &limits)
                .map_err(|error| Problem::internal("the evaluator did not start", error))?;
            evaluators.push(evaluator);
            if checked.reads.contains(&FactKind::Epss) {
                bounds.push(checked.bounds);
            }
            reads.extend(checked.reads);
            parts.add(checked.parts);
        }
        Ok(Self { policies, evaluators, reads, bounds, parts, names, limits })
    }
}

impl Rules for Prepared {
    fn policies(&self) -> &[Policy] {
        &self.policies
    }
    fn reads(&self) -> &BTreeSet<FactKind> {
        &self.reads
    }
    fn concerns(&self, before: Option<&Epss>, after: Option<&Epss>) -> bool {
        self.bounds.iter().any(|bounds| bounds.as_ref().is_none_or(|bounds| bounds.concern(before, after)))
    }
    fn judge(&self, facts: &Facts) -> Result<Judged, Problem> {
        self.judged(&Inputs::build(facts, &self.policies, &self.names, &Parts::all()), facts.now)
    }
    fn suppose(&self, facts: &Facts) -> Judged {
        let inputs = Inputs::build(facts, &self.policies, &self.names, &self.parts);
        let evaluated = self.evaluate(&inputs, facts.now);
        let waivers = inputs.used(&evaluated);
        Judged { evaluated, waivers, input: String::new(), document: Vec::new() }
    }
    fn replay(&self, document: &[u8], now: Timestamp) -> Result<Judged, Problem> {
        self.judged(&memory::apart(|| Inputs::read(document))?, now)
    }
}

impl Prepared {
    fn judged(&self, inputs: &Inputs, now: Timestamp) -> Result<Judged, Problem> {
        let evaluated = self.evaluate(inputs, now);
        let (document, input) = inputs.canonical()?;
        let waivers = inputs.used(&evaluated);
        Ok(Judged { evaluated, input, document, waivers })
    }

    fn evaluate(&self, inputs: &Inputs, now: Timestamp) -> Vec<Evaluated> {
        let mut evaluated = Vec::with_capacity(self.policies.len());
        for (policy, evaluator) in self.policies.iter().zip(&self.evaluators) {
            let mut verdict = verdict::evaluate(policy, evaluator, &inputs.of(&policy.slug), now, &self.limits);
            if verdict.outcome != Outcome::NoMatch {
                verdict.waived_by = inputs.waiver_of(&policy.slug);
            }
            let last = policy.terminal && verdict.outcome == Outcome::Match && verdict.waived_by.is_none();
            evaluated.push(Evaluated {
                verdict,
                actions: policy.actions.clone(),
                on_failure: policy.on_failure,
                terminal: policy.terminal,
            });
            if last {
                break;
            }
        }
        evaluated
    }
}
