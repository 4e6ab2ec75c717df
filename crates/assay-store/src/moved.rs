//! What this process has committed to the log, and whether it is about to commit more: for caches that must never be behind
//! their own process.

use assay_model::event::Seq;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// How far the log is, as this process knows.
#[derive(Default)]
pub struct Moved {
    head: AtomicI64,
    under_way: AtomicUsize,
}

/// Counts a commit for as long as it may have taken effect without our knowing.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Moved {
    /// Runs a commit of events up to `last`; nothing is counted where it has none.
    ///
    /// # Errors
    /// Those of `commit`.
    pub fn commit<E>(&self, last: Option<Seq>, commit: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let Some(last) = last else { return commit() };
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let _under_way = UnderWay(&self.under_way);
        commit()?;
        self.see(last);
        Ok(())
    }

    /// Notes that the log has an event of that number; gives the highest that is known.
    pub fn see(&self, seq: Seq) -> Seq {
        self.head.fetch_max(seq, Ordering::SeqCst).max(seq)
    }

    /// Whether the log may have moved on after `seen`.
    pub fn since(&self, seen: Seq) -> bool {
        self.under_way.load(Ordering::SeqCst) > 0 || self.head.load(Ordering::SeqCst) > seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_committed_may_have_moved_the_log() {
        let moved = Moved::default();
        assert!(!moved.since(0) && moved.since(-1));
        let done = moved.commit(Some(3), || {
            assert!(moved.since(9), "it may be there already");
            Ok::<(), ()>(())
        });
        assert!(done.is_ok() && moved.since(2) && !moved.since(3));
        assert!(moved.commit(Some(4), || Err(())).is_err());
        assert!(!moved.since(3), "it failed");
        assert!(moved.commit(None, || Ok::<(), ()>(())).is_ok() && !moved.since(3));
        assert_eq!((moved.see(7), moved.see(5)), (7, 7));
        assert!(moved.since(6) && !moved.since(7));
    }
}
