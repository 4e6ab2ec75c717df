//! When policies that read the clock say something else by themselves. The evaluation is a pure function of its document
//! and the time, so it can be asked what it would say later: if that differs an hour from now, the moment at which it
//! begins to is found by halving, and that is when the package is decided again. A change back and forth within the hour
//! can be missed until the hour is over.

use crate::fold::{Folded, fold};
use assay_model::{
    decision::Outcome,
    seam::{
        action::{Action, Ground, Standing},
        judge::Rules,
    },
};
use jiff::{SignedDuration, Timestamp};

/// Packages are looked at again after so long where nothing is foreseen.
const LOOK: SignedDuration = SignedDuration::from_hours(1);
/// How exactly the moment is found.
const EXACTLY: SignedDuration = SignedDuration::from_secs(1);
/// An evaluation that takes longer, in microseconds, is not repeated to look ahead.
const CHEAP: u64 = 50_000;

/// What an outcome follows from.
pub(super) struct Foresight<'a> {
    pub(super) rules: &'a dyn Rules,
    pub(super) document: &'a [u8],
    pub(super) base: &'a Standing,
    pub(super) ground: &'a Ground,
    pub(super) actions: &'static [&'static dyn Action],
}

/// The next look at a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) at: Timestamp,
    /// The outcome is another one then.
    pub(super) foreseen: bool,
}

/// The moment from which on policies ask for something else than `folded`, or when to look again. `micros` is what the
/// evaluation took.
pub(super) fn next_turn(after: &Foresight<'_>, now: Timestamp, folded: &Folded, micros: u64) -> Look {
    let (mut same, mut other) = (now, now + LOOK);
    if micros > CHEAP || !after.differs(other, folded) {
        return Look { at: other, foreseen: false };
    }
    while other.duration_since(same) > EXACTLY {
        let middle = same + other.duration_since(same) / 2;
        if after.differs(middle, folded) {
            other = middle;
        } else {
            same = middle;
        }
    }
    Look { at: other, foreseen: true }
}

impl Foresight<'_> {
    /// Whether something else is asked for at that time. A policy that fails tells nothing about times.
    fn differs(&self, at: Timestamp, folded: &Folded) -> bool {
        let Ok(judged) = self.rules.replay(self.document, at) else { return false };
        if judged.evaluated.iter().any(|one| matches!(one.verdict.outcome, Outcome::Failed(_))) {
            return false;
        }
        let ground = Ground { now: at, ..self.ground.clone() };
        let then = fold(&judged.evaluated, self.base, self.actions, &ground);
        (&then.standing.state, &then.standing.tags, &then.actions)
            != (&folded.standing.state, &folded.standing.tags, &folded.actions)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::fold::tests::{SetTo, said};
    use assay_model::{
        decision::Judged,
        facts::Facts,
        package::State,
        policy::{FactKind, OnFailure, Policy},
        problem::Problem,
        score::Epss,
    };
    use std::collections::BTreeSet;

    static ACTIONS: &[&dyn Action] = &[&SetTo];

    /// Matches until a moment; from another on it fails.
    struct Until(Timestamp, Timestamp, BTreeSet<FactKind>);

    impl Rules for Until {
        fn policies(&self) -> &[Policy] {
            &[]
        }
        fn reads(&self) -> &BTreeSet<FactKind> {
            &self.2
        }
        fn concerns(&self, _: Option<&Epss>, _: Option<&Epss>) -> bool {
            true
        }
        fn judge(&self, facts: &Facts) -> Result<Judged, Problem> {
            self.replay(&[], facts.now)
        }
        fn suppose(&self, facts: &Facts) -> Judged {
            self.replay(&[], facts.now).unwrap()
        }
        fn replay(&self, _: &[u8], now: Timestamp) -> Result<Judged, Problem> {
            let outcome = match now {
                now if now >= self.1 => Outcome::Failed("late".into()),
                now if now < self.0 => Outcome::Match,
                _ => Outcome::NoMatch,
            };
            let evaluated = vec![said(outcome, "quarantined", false, OnFailure::FailOpen)];
            Ok(Judged { evaluated, input: String::new(), document: vec![], waivers: BTreeSet::new() })
        }
    }

    fn look(turn: i64, fails: i64, micros: u64) -> (i64, bool) {
        let at = |seconds: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        let (rules, base) =
            (Until(at(turn), at(fails), BTreeSet::new()), Standing::of(State::Available, BTreeSet::new()));
        let ground = Ground::default();
        let Ok(judged) = rules.replay(&[], at(0)) else { return (0, false) };
        let folded = fold(&judged.evaluated, &base, ACTIONS, &ground);
        let after = Foresight { rules: &rules, document: &[], base: &base, ground: &ground, actions: ACTIONS };
        let look = next_turn(&after, at(0), &folded, micros);
        (look.at.as_second(), look.foreseen)
    }

    #[test]
    fn the_moment_of_a_change_is_found_within_the_hour() {
        for turn in [1, 25, 1799, 1800, 3599, 3600] {
            let (at, foreseen) = look(turn, i64::MAX / 2_000_000_000, 10);
            assert!(foreseen && (turn..=turn + 1).contains(&at), "{turn}: {at}");
        }
        assert_eq!(look(3601, 1_000_000, 10), (3600, false), "not yet");
        assert_eq!(look(25, 100, 10), (3600, false), "a policy that fails tells nothing");
        assert_eq!(look(25, 1_000_000, CHEAP + 1), (3600, false), "what takes long is not asked again");
    }
}
