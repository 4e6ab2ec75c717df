//! The fold: verdicts in order of precedence become one standing. Pure; the live decision, simulation and replay share it.

use assay_model::{
    decision::{Evaluated, Outcome},
    package::State,
    policy::{OnFailure, PolicyAction},
    seam::action::{Action, Applied, Ground, Standing},
};

/// What the verdicts ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The desired standing.
    pub standing: Standing,
    /// The actions that made it, each with its policy's slug, in order.
    pub actions: Vec<(String, PolicyAction)>,
}

/// Applies the actions of matching policies to `base` in order, so that the last word wins; a matching terminal policy
/// ends it. A failed policy that fails closed quarantines: failure means hold, never allow by absence.
pub fn fold(evaluated: &[Evaluated], base: &Standing, actions: &[&dyn Action], ground: &Ground) -> Folded {
    let mut folded = Folded { standing: base.clone(), actions: Vec::new() };
    let mut held = false;
    for policy in evaluated {
        match policy.verdict.outcome {
            _ if policy.verdict.waived_by.is_some() => {}
            Outcome::Match => {
                for action in &policy.actions {
                    if let Some(kind) = actions.iter().find(|a| a.spec().id == action.kind) {
                        let applied = Applied { policy: &policy.verdict.policy, params: &action.params, ground };
                        kind.apply(applied, &mut folded.standing);
                    }
                    folded.actions.push((policy.verdict.policy.clone(), action.clone()));
                }
                if policy.terminal {
                    break;
                }
            }
            Outcome::Failed(_) => held |= policy.on_failure == OnFailure::FailClosed,
            Outcome::NoMatch => {}
        }
    }
    if held && folded.standing.state == State::Available {
        folded.standing.state = State::Quarantined;
    }
    folded
}

/// The state that these actions alone give to what is available.
pub(crate) fn state_by<'a>(
    taken: impl Iterator<Item = &'a (String, PolicyAction)>,
    actions: &[&dyn Action],
    ground: &Ground,
) -> State {
    let mut standing = Standing::of(State::Available, std::collections::BTreeSet::new());
    for (policy, action) in taken {
        if let Some(kind) = actions.iter().find(|a| a.spec().id == action.kind) {
            kind.apply(Applied { policy, params: &action.params, ground }, &mut standing);
        }
    }
    standing.state
}

/// The standing that was there before a decision's actions: each action's way back, last first.
pub(crate) fn unfold(
    current: &Standing,
    base_tags: &std::collections::BTreeSet<String>,
    taken: &[(String, PolicyAction)],
    actions: &[&dyn Action],
) -> Standing {
    let (base, ground) = (Standing::of(State::Available, base_tags.clone()), Ground::default());
    let mut standing = current.clone();
    for (policy, action) in taken.iter().rev() {
        if let Some(kind) = actions.iter().find(|a| a.spec().id == action.kind) {
            kind.revoke(Applied { policy, params: &action.params, ground: &ground }, &base, &mut standing);
        }
    }
    Standing::of(State::Available, standing.tags)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod tests {
    use super::*;
    use assay_model::{decision::Verdict, problem::Problem, seam::action::ActionSpec};
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    /// Sets the state that it is given.
    pub(crate) struct SetTo;
    static SPEC: ActionSpec = ActionSpec { id: "set", aliases: &[], summary: "", shorthands: &[] };

    impl Action for SetTo {
        fn spec(&self) -> &'static ActionSpec {
            &SPEC
        }
        fn check(&self, _: &Value) -> Result<(), Problem> {
            Ok(())
        }
        fn apply(&self, action: Applied<'_>, standing: &mut Standing) {
            standing.state = State::parse(action.params.as_str().unwrap()).unwrap();
        }
        fn revoke(&self, _: Applied<'_>, base: &Standing, standing: &mut Standing) {
            standing.state = base.state;
        }
    }

    /// What one policy said, with an action that sets a state.
    pub(crate) fn said(outcome: Outcome, state: &str, terminal: bool, on_failure: OnFailure) -> Evaluated {
        let verdict = Verdict {
            policy: state.to_owned(),
            revision: 1,
            name: String::new(),
            description: String::new(),
            outcome,
            reasons: vec![],
            output: Value::Null,
            waived_by: None,
        };
        let actions = vec![PolicyAction { kind: "set".into(), params: json!(state) }];
        Evaluated { verdict, actions, on_failure, terminal }
    }

    fn state_of(evaluated: &[Evaluated]) -> State {
        let base = Standing::of(State::Available, BTreeSet::new());
        fold(evaluated, &base, &[&SetTo], &Ground::default()).standing.state
    }

    #[test]
    fn the_last_word_wins_and_a_terminal_match_is_the_last() {
        let matches = |state, terminal| said(Outcome::Match, state, terminal, OnFailure::FailClosed);
        assert_eq!(state_of(&[matches("quarantined", false), matches("available", false)]), State::Available);
        assert_eq!(state_of(&[matches("available", false), matches("hidden", false)]), State::Hidden);
        assert_eq!(state_of(&[matches("quarantined", true), matches("available", false)]), State::Quarantined);
        assert_eq!(state_of(&[said(Outcome::NoMatch, "hidden", true, OnFailure::FailClosed)]), State::Available);
    }

    #[test]
    fn a_waived_verdict_does_nothing() {
        let waived = |outcome, state, terminal| {
            let mut one = said(outcome, state, terminal, OnFailure::FailClosed);
            one.verdict.waived_by = Some(assay_model::waiver::WaiverId::of(1));
            one
        };
        let hides = said(Outcome::Match, "hidden", false, OnFailure::FailClosed);
        assert_eq!(state_of(&[waived(Outcome::Match, "quarantined", true)]), State::Available);
        assert_eq!(state_of(&[waived(Outcome::Match, "quarantined", true), hides]), State::Hidden, "nor ends the rest");
        assert_eq!(state_of(&[waived(Outcome::Failed("x".into()), "available", false)]), State::Available);
    }

    #[test]
    fn failure_holds_unless_it_may_not() {
        let failed = |on_failure| said(Outcome::Failed("x".into()), "available", false, on_failure);
        assert_eq!(state_of(&[failed(OnFailure::FailClosed)]), State::Quarantined);
        assert_eq!(state_of(&[failed(OnFailure::FailOpen)]), State::Available);
        let freed = said(Outcome::Match, "available", false, OnFailure::FailClosed);
        assert_eq!(state_of(&[failed(OnFailure::FailClosed), freed]), State::Quarantined);
    }
}
