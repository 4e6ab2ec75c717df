//! What a set of policies is evaluated on: the document that all see, and what waivers change of that for some of them.

use super::{Document, Parts, PolicyNames};
use assay_model::{
    Digest, Problem,
    assessment::{Suppression, assess, seen_by, waived_policies},
    decision::{Evaluated, Outcome},
    facts::Facts,
    policy::Policy,
    waiver::WaiverId,
};
use regorus::Value;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The document, and beside it what waivers do. Where there are none, it is the document alone, also as bytes.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    document: Document,
    /// Of policies that see less than the others.
    own: BTreeMap<String, Document>,
    waivers: Waived,
}

/// What waivers do apart from what is in the documents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waived {
    /// Policies whose verdict is taken back.
    verdicts: BTreeMap<String, WaiverId>,
    /// Waivers that took findings from all policies.
    findings: BTreeSet<WaiverId>,
    /// Waivers that took findings from a policy.
    own: BTreeMap<String, BTreeSet<WaiverId>>,
}

/// As it is written where waivers have a part in it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    input: Value,
    own: BTreeMap<String, Value>,
    waivers: Waived,
}

impl Inputs {
    /// What these policies see of the facts.
    pub(crate) fn build(facts: &Facts, policies: &[Policy], names: &PolicyNames, parts: &Parts) -> Self {
        let document = Document::build_parts(facts, names, parts);
        let mut inputs = Self { document, own: BTreeMap::new(), waivers: Waived::default() };
        if facts.waivers.is_empty() {
            return inputs;
        }
        let assessments = assess(facts);
        let taken = |why: Option<&Suppression>| why.and_then(Suppression::waiver).cloned();
        inputs.waivers.verdicts = waived_policies(facts);
        inputs.waivers.findings = assessments.iter().filter_map(|one| taken(one.for_all())).collect();
        for policy in policies {
            let Some(seen) = seen_by(facts, &assessments, policy) else { continue };
            inputs.own.insert(policy.slug.clone(), Document::build_parts(&seen, names, parts));
            let counting = assessments.iter().filter(|one| one.for_all().is_none());
            let by = counting.filter_map(|one| taken(one.for_policy(&policy.slug))).collect();
            inputs.waivers.own.insert(policy.slug.clone(), by);
        }
        inputs
    }

    /// What a policy sees.
    pub(crate) fn of(&self, policy: &str) -> Value {
        self.own.get(policy).unwrap_or(&self.document).value()
    }

    /// The waiver that takes the verdict of a policy back.
    pub(crate) fn waiver_of(&self, policy: &str) -> Option<WaiverId> {
        self.waivers.verdicts.get(policy).cloned()
    }

    /// The waivers without which the evaluation might have come to something else.
    pub(crate) fn used(&self, evaluated: &[Evaluated]) -> BTreeSet<WaiverId> {
        let mut used = self.waivers.findings.clone();
        for one in evaluated {
            used.extend(self.waivers.own.get(&one.verdict.policy).into_iter().flatten().cloned());
            if one.verdict.outcome != Outcome::NoMatch {
                used.extend(one.verdict.waived_by.clone());
            }
        }
        used
    }

    /// Canonical JSON of all that the evaluation is a function of, and its SHA-256 as `sha256:<hex>`.
    pub(crate) fn canonical(&self) -> Result<(Vec<u8>, String), Problem> {
        let (bytes, digest) = self.document.canonical()?;
        if self.waivers == Waived::default() {
            return Ok((bytes, digest));
        }
        let own = self.own.iter().map(|(slug, document)| Ok((slug.clone(), parsed(&document.canonical()?.0)?)));
        let own = own.collect::<Result<BTreeMap<_, _>, Problem>>()?;
        let written = Written { input: parsed(&bytes)?, own, waivers: self.waivers.clone() };
        let bytes = serde_json::to_vec(&written)
            .map_err(|error| Problem::internal("the policy input cannot be written", error))?;
        let digest = Digest::of(&bytes).to_string();
        Ok((bytes, digest))
    }

    /// Reads what [`Inputs::canonical`] wrote.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        if !bytes.starts_with(b"{") {
            let document = Document::read(bytes)?;
            return Ok(Self { document, own: BTreeMap::new(), waivers: Waived::default() });
        }
        let written: Written = serde_json::from_slice(bytes)
            .map_err(|error| Problem::invalid("bad-input", "this is no policy input").caused_by(error))?;
        let own = written.own.into_iter().map(|(slug, value)| Ok((slug, Document::read(&text(&value)?)?)));
        let own = own.collect::<Result<BTreeMap<_, _>, Problem>>()?;
        Ok(Self { document: Document::read(&text(&written.input)?)?, own, waivers: written.waivers })
    }
}

fn parsed(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::internal("the policy input cannot be read", error))
}

fn text(value: &Value) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| Problem::internal("the policy input cannot be written", error))
}
