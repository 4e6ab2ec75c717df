//! What policies may hold in memory while they are evaluated. The evaluator brings the allocator of every program that it is
//! in (mimalloc, which makes small pulls a tenth faster than the system's). It counts what the whole process holds, and the
//! evaluators look at that count every few steps; the bound is therefore one on what is added while any evaluation is
//! under way. One that meets it may have been pushed there by others: it is done again by itself, and what meets the bound
//! then is the policy's own doing. Such a policy is evaluated by itself from then on.

use regorus::set_global_memory_limit;
use regorus_mimalloc::limits::global_allocation_stats_snapshot;
use std::{
    fmt,
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// What an evaluation says that was stopped.
pub(super) const FULL: &str = "the policy holds more memory than";

/// What the evaluator says where the bound is met.
pub(super) const EXCEEDED: &str = "execution exceeded memory limit";

/// Evaluations share this; one that is done by itself has it alone. Evaluations do not begin others.
static TURN: RwLock<()> = RwLock::new(());
/// How many evaluations are under way.
static ACTIVE: Mutex<usize> = Mutex::new(0);

/// The bound of one policy, and whether it met it before.
#[derive(Debug)]
pub(super) struct Bound {
    limit: u64,
    hungry: AtomicBool,
}

impl Bound {
    /// A bound, in bytes. What is held when the first of several evaluations begins does not count.
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, hungry: AtomicBool::new(false) }
    }

    /// Evaluates within the bound.
    pub(super) fn keep<T>(&self, evaluate: impl Fn() -> Result<T, String>) -> Result<T, String> {
        if !self.hungry.load(Ordering::Relaxed) {
            let _turn = TURN.read().unwrap_or_else(PoisonError::into_inner);
            let _share = Share::take(self.limit);
            match evaluate() {
                Err(message) if message.starts_with(FULL) => {}
                other => return other,
            }
        }
        let _turn = TURN.write().unwrap_or_else(PoisonError::into_inner);
        let _share = Share::take(self.limit);
        evaluate().map_err(|message| {
            if !message.starts_with(FULL) {
                return message;
            }
            self.hungry.store(true, Ordering::Relaxed);
            format!("{FULL} {} MiB", self.limit >> 20)
        })
    }
}

/// Reads or compiles something, which evaluates nothing. The evaluators' bound holds for all that the process does with them:
/// what met it because of an evaluation elsewhere is done again while there is none.
pub(super) fn apart<T, E: fmt::Display>(work: impl Fn() -> Result<T, E>) -> Result<T, E> {
    match work() {
        Err(error) if error.to_string().contains(EXCEEDED) => {
            let _turn = TURN.write().unwrap_or_else(PoisonError::into_inner);
            work()
        }
        done => done,
    }
}

/// An evaluation that is under way.
struct Share;

impl Share {
    fn take(limit: u64) -> Self {
        let mut active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner);
        if *active == 0 {
            set_global_memory_limit(Some(global_allocation_stats_snapshot().allocated.saturating_add(limit)));
        }
        *active += 1;
        Self
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner);
        *active -= 1;
        if *active == 0 {
            set_global_memory_limit(None);
        }
    }
}
