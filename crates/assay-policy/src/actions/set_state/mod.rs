//! Sets the state of a package. `deleted` takes it out of sight like any other state and is taken back like any other:
//! bytes are removed by the sweep of deleted packages, never by a policy.

use assay_model::{
    Problem,
    package::State,
    seam::action::{Action, ActionSpec, Applied, Standing},
};
use serde_json::Value;

/// Sets the state.
#[derive(Clone, Copy, Debug)]
pub struct SetState;

static SPEC: ActionSpec = ActionSpec {
    id: "set_state",
    aliases: &["SetPackageState"],
    summary: "Set the state of the package: available, quarantined, hidden or deleted.",
    shorthands: &[
        ("quarantine", r#"{"state":"quarantined"}"#),
        ("hide", r#"{"state":"hidden"}"#),
        ("allow", r#"{"state":"available"}"#),
        ("available", r#"{"state":"available"}"#),
        ("delete", r#"{"state":"deleted"}"#),
        ("set-state=", r#"{"state":""}"#),
    ],
};

/// The state that parameters name, under either name of the parameter.
fn state(params: &Value) -> Option<State> {
    let named = params.get("state").or_else(|| params.get("package_state"))?.as_str()?;
    State::parse(named).filter(|state| *state != State::Pending)
}

impl Action for SetState {
    fn spec(&self) -> &'static ActionSpec {
        &SPEC
    }
    fn check(&self, params: &Value) -> Result<(), Problem> {
        if params.get("state").is_some() && params.get("package_state").is_some() {
            return Err(Problem::invalid("bad-action", "`state` and `package_state` are the same; give one of them"));
        }
        if state(params).is_some() {
            return Ok(());
        }
        Err(Problem::invalid("bad-action", "`state` must be available, quarantined, hidden or deleted"))
    }
    fn apply(&self, action: Applied<'_>, standing: &mut Standing) {
        if let Some(state) = state(action.params) {
            standing.state = state;
        }
    }
    fn revoke(&self, action: Applied<'_>, base: &Standing, standing: &mut Standing) {
        // A state that a later policy set is not this action's to take back.
        if state(action.params) == Some(standing.state) {
            standing.state = base.state;
        }
    }
}
