//! Gives a package another state some days after it arrived. Until then it only notes when; the engine looks again at that
//! moment.

use assay_model::{
    Problem,
    decision::Ending,
    package::State,
    seam::action::{Action, ActionSpec, Applied, Standing},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Ends packages.
#[derive(Clone, Copy, Debug)]
pub struct Expire;

/// Most days: a hundred years.
const MAX_DAYS: u64 = 36_500;

static SPEC: ActionSpec = ActionSpec {
    id: "expire",
    aliases: &[],
    summary: "Hide (or quarantine, or delete) the package some days after it arrived.",
    shorthands: &[("expire=", r#"{"days":""}"#)],
};

/// Days, also where they were typed as text.
fn days(params: &Value) -> Option<u64> {
    let days = params.get("days")?;
    let days = days.as_u64().or_else(|| days.as_str()?.trim().parse().ok())?;
    (1..=MAX_DAYS).contains(&days).then_some(days)
}

fn state(params: &Value) -> Option<State> {
    match params.get("state") {
        None => Some(State::Hidden),
        Some(named) => State::parse(named.as_str()?)
            .filter(|state| matches!(state, State::Hidden | State::Quarantined | State::Deleted)),
    }
}

fn ending(action: Applied<'_>) -> Option<(Timestamp, State)> {
    let hours = i64::try_from(days(action.params)?).ok()? * 24;
    let at = action.ground.arrived.checked_add(SignedDuration::from_hours(hours)).ok()?;
    Some((at, state(action.params)?))
}

impl Action for Expire {
    fn spec(&self) -> &'static ActionSpec {
        &SPEC
    }
    fn check(&self, params: &Value) -> Result<(), Problem> {
        if days(params).is_none() {
            let message = format!("`days` must be a number from 1 to {MAX_DAYS}; write {{\"days\": 90}}");
            return Err(Problem::invalid("bad-action", message));
        }
        match state(params) {
            Some(_) => Ok(()),
            None => Err(Problem::invalid("bad-action", "`state` must be hidden, quarantined or deleted")),
        }
    }
    fn apply(&self, action: Applied<'_>, standing: &mut Standing) {
        let Some((at, state)) = ending(action) else { return };
        let policy = action.policy.to_owned();
        standing.endings.insert(Ending { at, policy, state: state.as_str().to_owned() });
        if at <= action.ground.now {
            standing.state = state;
        }
    }
    fn revoke(&self, action: Applied<'_>, base: &Standing, standing: &mut Standing) {
        let Some((at, state)) = ending(action) else { return };
        let ending = Ending { at, policy: action.policy.to_owned(), state: state.as_str().to_owned() };
        if !base.endings.contains(&ending) {
            standing.endings.remove(&ending);
        }
        if at <= action.ground.now && standing.state == state {
            standing.state = base.state;
        }
    }
}
