//! How the evaluator is set up: Rego v1, errors of built-in functions are undefined values as in the contract, limits
//! on source and time, nothing printed.

use super::{Limits, builtins};
use regorus::{Engine, PolicyLengthConfig, utils::limits::ExecutionTimerConfig};
use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

/// The name under which a policy's source is known to the evaluator; it occurs in no message.
pub(super) const SOURCE: &str = "policy.rego";

/// How many steps of the evaluator pass between looks at the clock.
const CHECK_EVERY: u32 = 64;
/// Longest line of a source, columns.
const MAX_COLUMNS: u32 = 8_192;
/// Most lines of a source.
const MAX_LINES: usize = 20_000;

/// An evaluator without policies.
pub(super) fn new(limits: &Limits) -> anyhow::Result<Engine> {
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(false);
    engine.set_gather_prints(true);
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: NonZeroU32::new(MAX_COLUMNS).unwrap_or(NonZeroU32::MIN),
        max_file_bytes: NonZeroUsize::new(limits.source_bytes).unwrap_or(NonZeroUsize::MIN),
        max_lines: NonZeroUsize::new(MAX_LINES).unwrap_or(NonZeroUsize::MIN),
    });
    set_time(&mut engine, limits.evaluation);
    builtins::register(&mut engine)?;
    Ok(engine)
}

/// Sets how long the next evaluation may take.
pub(super) fn set_time(engine: &mut Engine, limit: Duration) {
    engine.set_execution_timer_config(timer(limit));
}

/// A bound on time as evaluators take it.
pub(super) fn timer(limit: Duration) -> ExecutionTimerConfig {
    ExecutionTimerConfig { limit, check_interval: NonZeroU32::new(CHECK_EVERY).unwrap_or(NonZeroU32::MIN) }
}
