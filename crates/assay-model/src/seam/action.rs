//! An action: what a matching policy does. Actions are reconciled, not fired: each is a pure change of the desired
//! standing and its way back.

use crate::{package::State, problem::Problem};
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
    fn apply(&self, params: &Value, standing: &mut Standing);
    /// Takes back what `apply` with the same parameters did to a standing that began as `base`. Idempotent.
    fn revoke(&self, params: &Value, base: &Standing, standing: &mut Standing);
}
