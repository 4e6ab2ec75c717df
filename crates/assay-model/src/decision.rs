//! A decision: the outcome for one package, with reasons and references to everything it was made from. Append-only.

use crate::{
    package::{PackageId, State},
    policy::{OnFailure, PolicyAction},
    waiver::WaiverId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeSet, fmt};

/// Identity of a decision: sortable by time, unguessable enough to be named in public.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecisionId(pub String);

impl DecisionId {
    /// Below every id of a decision of that millisecond, and above those of all before.
    pub fn first_at(at: Timestamp) -> Self {
        Self(format!("{:012x}", at.as_millisecond().max(0)))
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one policy said of one package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The policy.
    pub policy: String,
    /// Its revision.
    pub revision: u32,
    /// Its name at that revision.
    pub name: String,
    /// Its guidance at that revision.
    pub description: String,
    /// Matched, did not, or failed.
    pub outcome: Outcome,
    /// Reasons, sorted.
    pub reasons: Vec<String>,
    /// Every other top-level value of the module.
    pub output: Value,
    /// The waiver that takes a match back, so that its actions do not apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_by: Option<WaiverId>,
}

/// How the message of an evaluation begins that was ended because it took too long: the one outcome that depends on the
/// machine, and cannot be had again at will.
pub const OUT_OF_TIME: &str = "the policy took longer than";

/// How an evaluation ended. Undefined is not false: a `match` that is undefined is `NoMatch` only because the contract
/// says so; an error never is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "detail")]
pub enum Outcome {
    /// `match` is true.
    Match,
    /// `match` is false or undefined.
    NoMatch,
    /// Evaluation failed, with the error.
    Failed(String),
}

/// The outcome for one package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Identity.
    pub id: DecisionId,
    /// Whose.
    pub package: PackageId,
    /// When; also the clock that policies saw.
    pub at: Timestamp,
    /// What caused it, for people (`published`, `advisory GHSA-… changed`, `policy max-cvss added`).
    pub trigger: String,
    /// The state it gives.
    pub state: State,
    /// Tags it gives.
    pub tags_added: BTreeSet<String>,
    /// Tags it takes.
    pub tags_removed: BTreeSet<String>,
    /// Policies that matched or failed, in order; the rest is only counted.
    pub verdicts: Vec<Verdict>,
    /// How many policies were evaluated.
    pub evaluated: usize,
    /// Actions that were asked for, in order, each with its policy's slug.
    pub actions: Vec<(String, PolicyAction)>,
    /// Who is to be told.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub notices: BTreeSet<Notice>,
    /// Approvals that it waits for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub awaited: BTreeSet<Awaited>,
    /// What happens by itself, and when.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub endings: BTreeSet<Ending>,
    /// Vulnerabilities behind it, worst first, at most 20.
    pub vulnerabilities: Vec<Cited>,
    /// What it was made from.
    pub basis: Basis,
}

/// Somebody is to be told of a match.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Notice {
    /// Name of the channel.
    pub channel: String,
    /// Slug of the policy.
    pub policy: String,
    /// Whether each package is told by itself and at once, rather than together with others.
    #[serde(default)]
    pub alone: bool,
}

/// A package is held until somebody approves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Awaited {
    /// Slug of the policy that wants it.
    pub policy: String,
}

/// What happens to a package by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// Slug of the policy that says so.
    pub policy: String,
    /// Name of the state that it gets.
    pub state: String,
}

/// A vulnerability as a decision cites it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cited {
    /// Its id.
    pub id: String,
    /// Purl of the component.
    pub component: String,
    /// Highest score, 0 to 10.
    pub score: Option<f64>,
    /// Word.
    pub severity: crate::finding::Severity,
    /// The nearest version of the component that fixes it.
    pub fixed: Option<String>,
    /// One line.
    pub title: String,
}

/// References to everything a decision was made from; with these it can be computed again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// SHA-256 of the input document; see [`Judged::input`].
    pub input: String,
    /// Slug and revision of every policy that was evaluated, in order.
    pub policies: Vec<(String, u32)>,
    /// What these policies said, as [`Policy::text_of`](crate::policy::Policy::text_of) sums it up; nothing in decisions of
    /// versions that did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// Number of the last feed import before it.
    pub advisories: i64,
    /// Revision of the scanner.
    pub scanner: String,
    /// Waivers that took a finding or a verdict away.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub waivers: BTreeSet<WaiverId>,
    /// How long the policies took, in microseconds.
    #[serde(default)]
    pub micros: u64,
    /// Policies for which somebody had approved the package.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub approved: BTreeSet<String>,
    /// When the package arrived here, where a policy counts days from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<Timestamp>,
}

/// What judging facts came to.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// One for each policy that was evaluated, in order.
    pub evaluated: Vec<Evaluated>,
    /// SHA-256 of `document`, as `sha256:<hex>`.
    pub input: String,
    /// Canonical JSON of everything that the evaluation was a function of; see
    /// [`Rules::replay`](crate::seam::judge::Rules::replay).
    pub document: Vec<u8>,
    /// Waivers that took a finding or a verdict away.
    pub waivers: BTreeSet<WaiverId>,
}

/// One evaluated policy, with what the fold needs to know of it.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// What it said.
    pub verdict: Verdict,
    /// What a match does.
    pub actions: Vec<PolicyAction>,
    /// What a failure means.
    pub on_failure: OnFailure,
    /// Whether a match ends the evaluation.
    pub terminal: bool,
}
