//! An action: what a matching policy does. Actions are reconciled, not fired: each is a pure change of the desired
//! standing and its way back. What reaches outside (messages, requests for approval) is derived from how one standing
//! differs from the one before.

use crate::{
    decision::{Awaited, Ending, Notice},
    package::State,
    problem::Problem,
};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// What varies by kind of action.
#[derive(Debug)]
pub struct ActionSpec {
    /// Id, as in a policy's `actions[].kind`.
    pub id: &'static str,
    /// Other names it is known by (Cloudsmith's `action_type`).
    pub aliases: &'static [&'static str],
    /// One line for help and documentation.
    pub summary: &'static str,
    /// Words a person may type for it on the command line, with the parameters they stand for, as JSON.
    pub shorthands: &'static [(&'static str, &'static str)],
}

/// The desired standing of a package while its decision is folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// State.
    pub state: State,
    /// Tags.
    pub tags: BTreeSet<String>,
    /// Who is to be told.
    pub notices: BTreeSet<Notice>,
    /// Approvals without which it is held.
    pub awaited: BTreeSet<Awaited>,
    /// What happens to it by itself, and when.
    pub endings: BTreeSet<Ending>,
}

impl Standing {
    /// A standing with nothing but state and tags: what a package has before any policy spoke.
    pub fn of(state: State, tags: BTreeSet<String>) -> Self {
        Self { state, tags, notices: BTreeSet::new(), awaited: BTreeSet::new(), endings: BTreeSet::new() }
    }
}

/// What actions may know beside their parameters. Kept with the decision, so that it can be computed again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ground {
    /// The clock of the decision.
    pub now: Timestamp,
    /// When the package arrived here.
    pub arrived: Timestamp,
    /// Policies for which somebody approved the package, and that approval holds.
    pub approved: BTreeSet<String>,
}

/// An action of one policy about to be applied or taken back.
#[derive(Clone, Copy, Debug)]
pub struct Applied<'a> {
    /// The policy's slug.
    pub policy: &'a str,
    /// Parameters that were checked.
    pub params: &'a Value,
    /// What else may be known.
    pub ground: &'a Ground,
}

/// One kind of action.
pub trait Action: Send + Sync {
    /// What varies by kind.
    fn spec(&self) -> &'static ActionSpec;
    /// Checks parameters when a policy is saved.
    ///
    /// # Errors
    /// `Invalid`, naming the parameter.
    fn check(&self, params: &Value) -> Result<(), Problem>;
    /// Changes the desired standing. Idempotent.
    fn apply(&self, action: Applied<'_>, standing: &mut Standing);
    /// Takes back what `apply` of the same action did to a standing that began as `base`. Idempotent.
    fn revoke(&self, action: Applied<'_>, base: &Standing, standing: &mut Standing);
    /// Name of the channel that the parameters name, where the kind has one; it must exist when the policy is saved.
    fn channel<'a>(&self, params: &'a Value) -> Option<&'a str> {
        let _ = params;
        None
    }
}
