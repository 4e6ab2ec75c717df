//! The seam between verdicts and whatever evaluates Rego: what every evaluator answers, the module through which all of
//! them are asked, and the interpreter, which is the reference. The compiled form is in `compiled`, the two together in
//! `agreement`.

use super::{Limits, builtins, check::Checked, diagnose::failure, engine};
use jiff::Timestamp;
use regorus::{Engine, Value};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// Most prepared evaluators of one policy that are kept for the next evaluation.
const MAX_KEPT: usize = 8;

/// What an evaluation says.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// `match` is false or undefined. The rest of the module was not looked at.
    No,
    /// `match` is true: all values of the package.
    Whole(Value),
}

impl Answer {
    /// From the value of the entry rule.
    pub(super) fn read(value: Value) -> Result<Self, String> {
        match value {
            whole @ Value::Object(_) => Ok(Self::Whole(whole)),
            Value::Undefined => Ok(Self::No),
            Value::String(kind) if kind.as_ref() == "boolean" => Ok(Self::No),
            Value::String(kind) => {
                let article = if matches!(kind.as_ref(), "array" | "object") { "an " } else { "a " };
                let article = if kind.as_ref() == "null" { "" } else { article };
                Err(format!("`match` must be true or false and is {article}{kind}"))
            }
            other => Err(format!("the evaluator answered {other}, which is no verdict")),
        }
    }
    /// The answer as text in which even the ways to write a number count.
    pub(super) fn exact(&self) -> String {
        match self {
            Self::No => "no match".into(),
            Self::Whole(whole) => serde_json::to_string(whole).unwrap_or_default(),
        }
    }
}

/// One way to evaluate a policy. Implementations may be asked from many threads at once.
pub(super) trait Evaluator: std::fmt::Debug + Send + Sync {
    /// Evaluates on a document, at a time, for at most that long. The error is a sentence.
    fn evaluate(&self, input: &Value, now: Timestamp, limit: Duration) -> Result<Answer, String>;
}

/// The rule that every evaluator is asked for.
pub(super) const ENTRY: &str = "data.assay_entry.answer";

/// A policy with the module beside it that asks for everything at once: rules that `match` needs are evaluated once, and
/// the others only for packages that match.
pub(super) fn with_entry(checked: &Checked, rego: &str, limits: &Limits) -> anyhow::Result<Engine> {
    let decision = format!("data.{}.match", checked.package);
    let module = format!(
        "package assay_entry\nimport rego.v1\nanswer := data.{} if {decision} == true\nanswer := type_name({decision}) \
         if {decision} != true\n",
        checked.package
    );
    let mut engine = engine::new(limits)?;
    engine::add(&mut engine, limits, engine::SOURCE, rego, &BTreeSet::new())?;
    engine.add_policy("entry.rego".into(), module)?;
    Ok(engine)
}

/// The time of an evaluation, shared with the function that tells it. `i64::MIN` stands for a time that has no number.
pub(super) type Clock = Arc<AtomicI64>;

/// Nanoseconds since 1970 as [`Clock`] holds them.
pub(super) fn nanoseconds(now: Timestamp) -> i64 {
    i64::try_from(now.as_nanosecond()).unwrap_or(i64::MIN)
}

/// The interpreter. Evaluators are made by cloning a prepared one and kept for the next evaluation.
pub(super) struct Interpreter {
    base: Engine,
    kept: Mutex<Vec<(Engine, Clock)>>,
}

impl std::fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interpreter").finish_non_exhaustive()
    }
}

impl Interpreter {
    /// From what [`with_entry`] made.
    pub(super) fn new(base: Engine) -> Self {
        Self { base, kept: Mutex::default() }
    }
    fn take(&self) -> anyhow::Result<(Engine, Clock)> {
        if let Some(kept) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(kept);
        }
        let clock = Clock::default();
        let mut engine = self.base.clone();
        builtins::register_clock(&mut engine, Arc::clone(&clock))?;
        Ok((engine, clock))
    }
}

impl Evaluator for Interpreter {
    fn evaluate(&self, input: &Value, now: Timestamp, limit: Duration) -> Result<Answer, String> {
        let (mut engine, clock) = self.take().map_err(|error| failure(&error))?;
        clock.store(nanoseconds(now), Ordering::Relaxed);
        engine::set_time(&mut engine, limit);
        engine.set_input(input.clone());
        let value = engine.eval_rule(ENTRY.into()).map_err(|error| failure(&error))?;
        // What was printed and the document would otherwise stay in memory until the next evaluation.
        drop(engine.take_prints());
        engine.set_input(Value::Undefined);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_KEPT {
            kept.push((engine, clock));
        }
        drop(kept);
        Answer::read(value)
    }
}
