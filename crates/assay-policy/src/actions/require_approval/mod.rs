//! Holds a package until somebody approves it. The request is made, and withdrawn when the policy no longer matches, by
//! the engine; an approval that holds makes this action do nothing.

use assay_model::{
    Problem,
    decision::Awaited,
    package::State,
    seam::action::{Action, ActionSpec, Applied, Standing},
};
use serde_json::Value;

/// Wants an approval.
#[derive(Clone, Copy, Debug)]
pub struct RequireApproval;

static SPEC: ActionSpec = ActionSpec {
    id: "require_approval",
    aliases: &[],
    summary: "Quarantine the package until somebody approves it.",
    shorthands: &[("require-approval", "{}")],
};

impl Action for RequireApproval {
    fn spec(&self) -> &'static ActionSpec {
        &SPEC
    }
    fn check(&self, params: &Value) -> Result<(), Problem> {
        match params {
            Value::Null => Ok(()),
            Value::Object(fields) if fields.is_empty() => Ok(()),
            _ => Err(Problem::invalid("bad-action", "`require_approval` has no parameters; write {}")),
        }
    }
    fn apply(&self, action: Applied<'_>, standing: &mut Standing) {
        if !action.ground.approved.contains(action.policy) {
            standing.awaited.insert(Awaited { policy: action.policy.to_owned() });
            standing.state = State::Quarantined;
        }
    }
    fn revoke(&self, action: Applied<'_>, base: &Standing, standing: &mut Standing) {
        if action.ground.approved.contains(action.policy) {
            return;
        }
        let awaited = Awaited { policy: action.policy.to_owned() };
        if !base.awaited.contains(&awaited) {
            standing.awaited.remove(&awaited);
        }
        if standing.state == State::Quarantined {
            standing.state = base.state;
        }
    }
}
