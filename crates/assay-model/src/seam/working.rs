//! Ports of the worklist and of leases: what is to be done, and who does it. Part of the metadata store like the ports in
//! [`super::meta`].

use crate::{
    problem::Problem,
    work::{Due, Job, Lane, NewJob},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

type R<T> = Result<T, Problem>;

/// Jobs waiting, by lane: ready, running, dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Waiting to be taken now.
    pub waiting: i64,
    /// To be taken later: reviews by the clock, retries.
    #[serde(default)]
    pub later: i64,
    /// Leased.
    pub running: i64,
    /// Given up after too many attempts.
    pub dead: i64,
}

/// The worklist.
pub trait Worklist {
    /// Writes jobs; one that waits already for the same stage and key absorbs a new one (the earlier due time wins). A job
    /// whose wait began later than it is now is due: the clock was set back.
    fn enqueue(&mut self, jobs: &[NewJob]) -> R<()>;
    /// Leases up to `limit` due jobs of a lane until `until`; jobs whose lease ran out, or was taken when the clock was ahead
    /// of now, are due again. With a `limit` of 0 none is leased, and what `owner` holds already is prolonged to `until`.
    fn claim(&mut self, lane: Lane, owner: &str, now: Timestamp, until: Timestamp, limit: usize) -> R<Vec<Job>>;
    /// Removes finished jobs.
    fn finish(&mut self, ids: &[i64]) -> R<()>;
    /// Puts a job back until `retry`, or gives it up (`None`).
    fn fail(&mut self, id: i64, error: &str, retry: Option<Due>) -> R<()>;
    /// Whether a claim may give any, at a cost that does not grow with their number.
    fn has_due(&mut self, lane: Lane, now: Timestamp) -> R<bool>;
}

/// The worklist as operators see it.
pub trait Backlog {
    /// How many there are at that moment; counts them.
    fn job_counts(&mut self, now: Timestamp) -> R<BTreeMap<Lane, JobCounts>>;
    /// Dead jobs; with `revive` they are made due again.
    fn dead_jobs(&mut self, revive: bool, now: Timestamp) -> R<Vec<Job>>;
}

/// What one node does for all.
pub trait Leases {
    /// Takes or prolongs a lease; says whether it is `owner`'s now. One that ran out may be taken by anyone.
    fn take_lease(&mut self, key: &str, owner: &str, now: Timestamp, until: Timestamp) -> R<bool>;
    /// Ends a lease before its time.
    fn end_lease(&mut self, key: &str, owner: &str) -> R<()>;
}
