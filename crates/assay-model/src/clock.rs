//! The clock, as a value: everything that reads time takes it from here, so that tests and replay can set it.

use jiff::{SignedDuration, Timestamp};
use std::sync::atomic::{AtomicI64, Ordering};

/// How far apart the clocks of two nodes may be. What was noted for a moment later than this and can only have been noted
/// before now was noted by a clock that has been set back since.
pub const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// The latest moment that nodes whose clocks are a little apart can have noted by `now`.
pub fn latest(now: Timestamp) -> Timestamp {
    now.checked_add(SKEW).unwrap_or(Timestamp::MAX)
}

/// Whether waiting until `until` makes sense now, for a wait that never was longer than `longest` when it began: one that
/// is longer began by a clock that has been set back since.
pub fn is_ahead(until: Timestamp, now: Timestamp, longest: SignedDuration) -> bool {
    until > now && until <= latest(now.checked_add(longest).unwrap_or(Timestamp::MAX))
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, with microseconds.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        truncate(Timestamp::now())
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// Stands at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.as_microsecond()))
    }
    /// Moves to `at`.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.as_microsecond(), Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

fn truncate(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_is_longer_than_it_can_be_has_ended() {
        let (now, minute) = (Timestamp::UNIX_EPOCH, SignedDuration::from_secs(60));
        assert!(is_ahead(now + minute, now, minute));
        assert!(is_ahead(now + minute + SKEW, now, minute), "another node's clock may be ahead a little");
        assert!(!is_ahead(now, now, minute) && !is_ahead(now - minute, now, minute));
        assert!(!is_ahead(now + minute * 60, now, minute), "the clock was set back");
        assert!(is_ahead(Timestamp::MAX, now, SignedDuration::MAX));
    }
}
