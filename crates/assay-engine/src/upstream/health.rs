//! How upstreams fare: a circuit breaker for each. After some failures in a row an upstream is left alone for a while,
//! longer each time; then one request tries it. `Retry-After` is obeyed.

use assay_model::{clock::is_ahead, problem::Problem, upstream::UpstreamId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Failures in a row that open the circuit.
const FAILURES: u32 = 3;
/// First and longest pause, in seconds.
const PAUSE: i64 = 5;
const LONGEST: i64 = 300;

/// What is known of an upstream's condition on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpstreamHealth {
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that were not, or with an error of the server.
    pub failed: u64,
    /// Failures since the last answer.
    pub failures_in_a_row: u32,
    /// Last answer.
    pub answered_at: Option<Timestamp>,
    /// Last failure, in words.
    pub error: Option<String>,
    /// When it happened.
    pub failed_at: Option<Timestamp>,
    /// Until when it is left alone.
    pub paused_until: Option<Timestamp>,
}

/// A condition in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing was asked since this node started.
    Unknown,
    /// The last request was answered.
    Answers,
    /// The last request was not answered, or with an error of the server.
    Failing,
    /// It is left alone for a while.
    Paused,
}

impl Condition {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "not asked yet",
            Self::Answers => "answers",
            Self::Failing => "failing",
            Self::Paused => "paused",
        }
    }
    /// Whether someone should look at it.
    pub fn is_ill(self) -> bool {
        matches!(self, Self::Failing | Self::Paused)
    }
}

/// A pause that is longer than any began by a clock that has been set back since.
fn is_paused(until: Timestamp, now: Timestamp) -> bool {
    is_ahead(until, now, SignedDuration::from_secs(LONGEST))
}

impl UpstreamHealth {
    /// All of it in one word.
    pub fn condition(&self, now: Timestamp) -> Condition {
        match self.paused_until {
            Some(until) if is_paused(until, now) => Condition::Paused,
            _ if self.failures_in_a_row > 0 => Condition::Failing,
            _ if self.answered > 0 => Condition::Answers,
            _ => Condition::Unknown,
        }
    }
}

/// All of them.
#[derive(Default)]
pub(crate) struct Healths(Mutex<HashMap<UpstreamId, UpstreamHealth>>);

impl Healths {
    pub(crate) fn of(&self, id: UpstreamId) -> UpstreamHealth {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned().unwrap_or_default()
    }

    fn change(&self, id: UpstreamId, change: impl FnOnce(&mut UpstreamHealth)) {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default());
    }

    /// Whether it may be asked now; otherwise until when it is left alone. The first to ask after a pause prolongs it
    /// for the others until its answer is known.
    pub(crate) fn may_ask(&self, id: UpstreamId, now: Timestamp) -> Result<(), Timestamp> {
        let mut outcome = Ok(());
        self.change(id, |health| match health.paused_until {
            Some(until) if is_paused(until, now) => outcome = Err(until),
            Some(_) => health.paused_until = Some(now + SignedDuration::from_secs(PAUSE)),
            None => {}
        });
        outcome
    }

    pub(crate) fn answered(&self, id: UpstreamId, now: Timestamp) {
        self.change(id, |health| {
            health.answered += 1;
            health.failures_in_a_row = 0;
            health.answered_at = Some(now);
            health.paused_until = None;
        });
    }

    /// `wait` is what the upstream asked for, in seconds.
    pub(crate) fn failed(&self, id: UpstreamId, now: Timestamp, problem: &Problem, wait: Option<i64>) {
        self.change(id, |health| {
            health.failed += 1;
            health.failures_in_a_row += 1;
            health.error = Some(problem.to_string());
            health.failed_at = Some(now);
            let over = health.failures_in_a_row.saturating_sub(FAILURES);
            let own = (health.failures_in_a_row >= FAILURES).then(|| (PAUSE << over.min(10)).min(LONGEST));
            if let Some(seconds) = own.max(wait.map(|seconds| seconds.clamp(1, LONGEST))) {
                health.paused_until = Some(now + SignedDuration::from_secs(seconds));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    #[test]
    fn a_failing_upstream_is_left_alone_and_tried_by_one() {
        let (healths, id) = (Healths::default(), UpstreamId(1));
        let problem = Problem::bug("connection refused");
        for _ in 0..2 {
            healths.failed(id, at(0), &problem, None);
            assert!(healths.may_ask(id, at(0)).is_ok());
        }
        assert_eq!(healths.of(id).condition(at(0)), Condition::Failing);
        healths.failed(id, at(0), &problem, None);
        assert_eq!(healths.of(id).condition(at(4)), Condition::Paused);
        assert_eq!(healths.may_ask(id, at(4)), Err(at(5)));
        assert!(healths.may_ask(id, at(5)).is_ok(), "one tries");
        assert!(healths.may_ask(id, at(5)).is_err(), "the others wait for what it finds");
        healths.failed(id, at(6), &problem, None);
        assert_eq!(healths.may_ask(id, at(7)), Err(at(16)), "twice as long");
        healths.answered(id, at(17));
        assert!(healths.may_ask(id, at(17)).is_ok() && healths.of(id).failures_in_a_row == 0);
        assert_eq!(healths.of(id).condition(at(17)), Condition::Answers);
        assert_eq!(healths.of(UpstreamId(2)).condition(at(17)), Condition::Unknown);
    }

    #[test]
    fn what_the_upstream_asks_for_is_obeyed_within_bounds() {
        let (healths, id) = (Healths::default(), UpstreamId(1));
        healths.failed(id, at(0), &Problem::bug("429"), Some(20));
        assert_eq!(healths.may_ask(id, at(19)), Err(at(20)));
        healths.failed(id, at(0), &Problem::bug("429"), Some(86_400));
        assert_eq!(healths.of(id).paused_until, Some(at(LONGEST)));
    }
}
