//! Port of what was worked on of late. Part of the metadata store like the ports in [`super::meta`].

use crate::{problem::Problem, work::Stage};
use jiff::Timestamp;

type R<T> = Result<T, Problem>;

/// Components matched and packages decided, each once, with when that was last.
pub trait Attendance {
    /// Notes that a stage was done for these.
    fn note_attended(&mut self, stage: Stage, keys: &[i64], at: Timestamp) -> R<()>;
    /// For how many different ones it was done at or after that moment; a count over what is kept.
    fn attended_since(&mut self, stage: Stage, since: Timestamp) -> R<u64>;
    /// Forgets what was before.
    fn forget_attended(&mut self, before: Timestamp) -> R<()>;
}
