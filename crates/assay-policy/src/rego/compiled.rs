//! The compiled form of a policy. It is never trusted alone (see `agreement`) and not used for every policy (see
//! `suits`): what goes wrong inside a rule is nothing for it, where the interpreter reports an error.

use super::{
    engine,
    evaluator::{Answer, ENTRY, Evaluator},
};
use jiff::Timestamp;
use regorus::{
    CompiledPolicy, Engine, Value,
    languages::rego::compiler::Compiler,
    rvm::{Program, RegoVM},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Most machines of one policy that are kept for the next evaluation.
const MAX_KEPT: usize = 8;

/// A compiled policy.
pub(super) struct Compiled {
    policy: CompiledPolicy,
    program: Arc<Program>,
    kept: Mutex<Vec<RegoVM>>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").finish_non_exhaustive()
    }
}

impl Compiled {
    /// Compiles what [`with_entry`](super::evaluator::with_entry) made.
    pub(super) fn new(mut engine: Engine) -> anyhow::Result<Self> {
        let policy = engine.compile_with_entrypoint(&ENTRY.into())?;
        let program = Compiler::compile_from_policy(&policy, &[ENTRY])?;
        Ok(Self { policy, program, kept: Mutex::default() })
    }
    fn machine(&self) -> Result<RegoVM, String> {
        if let Some(kept) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(kept);
        }
        let mut machine = RegoVM::new_with_policy(self.policy.clone());
        machine.load_program(Arc::clone(&self.program));
        machine.set_data(Value::new_object()).map_err(|error| error.to_string())?;
        // Time bounds an evaluation, as it does the interpreter's.
        machine.set_max_instructions(usize::MAX);
        Ok(machine)
    }
}

impl Evaluator for Compiled {
    fn evaluate(&self, input: &Value, _now: Timestamp, limit: Duration) -> Result<Answer, String> {
        let mut machine = self.machine()?;
        machine.set_execution_timer_config(Some(engine::timer(limit)));
        machine.set_input(input.clone());
        // A machine that failed is not used again.
        let value = machine.execute_entry_point_by_index(0).map_err(|error| error.to_string())?;
        machine.set_input(Value::Undefined);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_KEPT {
            kept.push(machine);
        }
        drop(kept);
        Answer::read(value)
    }
}
