//! Interpreter and compiled form together: the compiled form answers where it has been seen to agree, and is looked at
//! again and again. The first time it does not agree, it is not used any more for that policy.

use super::{
    Limits, Path,
    check::Checked,
    compiled::Compiled,
    evaluator::{self, Answer, Evaluator, Interpreter},
    memory::{self, Bound},
    probe, suits, survey,
};
use crate::input::PolicyNames;
use assay_model::policy::Policy;
use jiff::Timestamp;
use regorus::{Engine, Value};
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

/// Evaluations at first that both do.
const FIRST: u64 = 16;
/// After that, one in so many is done by both.
const SHARE: u64 = 128;
/// So many evaluations show whether the compiled form is worth asking.
const TRIAL: u64 = 64;
/// How long a probe may take.
const PROBE: Duration = Duration::from_millis(200);

/// Both evaluators of one policy. What the interpreter says is right.
#[derive(Debug)]
pub(super) struct Agreed {
    slug: String,
    path: Path,
    reference: Interpreter,
    fast: Option<Compiled>,
    /// The compiled form is out of use.
    dropped: AtomicBool,
    evaluations: AtomicU64,
    gave_up: AtomicU64,
    memory: Bound,
}

impl Agreed {
    /// Prepares a checked policy.
    pub(super) fn new(
        policy: &Policy,
        checked: &Checked,
        names: &PolicyNames,
        path: Path,
        limits: &Limits,
    ) -> anyhow::Result<Self> {
        let slug = policy.slug.as_str();
        let (engine, fast) = memory::apart(|| -> anyhow::Result<_> {
            let mut engine = evaluator::with_entry(checked, &policy.rego, limits)?;
            let fast = if path == Path::Interpreter { None } else { fast(slug, checked, engine.clone()) };
            // Analysed once here, so that clones need not.
            engine.compile_with_entrypoint(&evaluator::ENTRY.into())?;
            Ok((engine, fast))
        })?;
        let reference = Interpreter::new(engine);
        let fast = fast.filter(|fast| agree(slug, &reference, fast, (names, limits)));
        Ok(Self {
            slug: slug.to_owned(),
            path,
            reference,
            fast,
            dropped: AtomicBool::new(false),
            evaluations: AtomicU64::new(0),
            gave_up: AtomicU64::new(0),
            memory: Bound::new(limits.memory),
        })
    }

    fn drop_fast(&self) {
        self.dropped.store(true, Ordering::Relaxed);
    }

    fn compare(&self, quick: &Answer, right: &Result<Answer, String>) -> Result<(), String> {
        let (quick, right) =
            (quick.exact(), right.as_ref().map_or_else(|error| format!("failed: {error}"), Answer::exact));
        if quick == right {
            return Ok(());
        }
        self.drop_fast();
        tracing::error!(
            policy = %self.slug, compiled = %brief(&quick), interpreter = %brief(&right),
            "the compiled form of a policy disagrees with the interpreter and is not used any more"
        );
        Err(format!("the compiled form says {}, the interpreter {}", brief(&quick), brief(&right)))
    }
}

impl Evaluator for Agreed {
    fn evaluate(&self, input: &Value, now: Timestamp, limit: Duration) -> Result<Answer, String> {
        self.memory.keep(|| self.answer(input, now, limit))
    }
}

impl Agreed {
    fn answer(&self, input: &Value, now: Timestamp, limit: Duration) -> Result<Answer, String> {
        let Some(fast) = self.fast.as_ref().filter(|_| !self.dropped.load(Ordering::Relaxed)) else {
            return self.reference.evaluate(input, now, limit);
        };
        let number = self.evaluations.fetch_add(1, Ordering::Relaxed);
        let Ok(quick) = fast.evaluate(input, now, limit) else {
            let gave_up = self.gave_up.fetch_add(1, Ordering::Relaxed);
            // Asking in vain costs more than it saves.
            if self.path == Path::Checked && number >= TRIAL && gave_up * 2 > number {
                self.drop_fast();
            }
            return self.reference.evaluate(input, now, limit);
        };
        let both = match self.path {
            Path::Checked => number < FIRST || number.is_multiple_of(SHARE),
            Path::Both => true,
            Path::Interpreter | Path::Compiled => false,
        };
        if !both {
            return Ok(quick);
        }
        let right = self.reference.evaluate(input, now, limit);
        let compared = self.compare(&quick, &right);
        if self.path == Path::Both { compared.and(right) } else { right }
    }
}

/// The compiled form, where the policy can have one.
fn fast(slug: &str, checked: &Checked, mut engine: Engine) -> Option<Compiled> {
    let module = engine.get_modules().first()?;
    let survey = survey::survey(module);
    if !suits::suits(module, &survey) {
        return None;
    }
    match Compiled::new(engine) {
        Ok(compiled) => Some(compiled),
        Err(error) => {
            tracing::debug!(policy = slug, package = checked.package, %error, "the policy has no compiled form");
            None
        }
    }
}

/// Whether both say the same of example documents.
fn agree(slug: &str, reference: &Interpreter, fast: &Compiled, (names, limits): (&PolicyNames, &Limits)) -> bool {
    let memory = Bound::new(limits.memory);
    probe::documents(names).into_iter().all(|(input, now)| {
        // Where the compiled form gives up, there is nothing to compare.
        let Ok(quick) = memory.keep(|| fast.evaluate(&input, now, PROBE)) else { return true };
        let right = memory.keep(|| reference.evaluate(&input, now, PROBE));
        let agreed = right.is_ok_and(|right| right.exact() == quick.exact());
        if !agreed {
            tracing::debug!(policy = slug, "the compiled form of a policy disagrees on an example and is not used");
        }
        agreed
    })
}

/// The first part of a long text.
fn brief(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
