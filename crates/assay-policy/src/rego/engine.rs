//! How the evaluator is set up: Rego v1, errors of built-in functions are undefined values as in the contract, limits
//! on source and time, nothing printed; and how a source comes into it, rewritten where the evaluator knows less of Rego
//! than the language allows (`templates`, `keywords`, `locals`, `heads`, `walks`, `arithmetic`).

use super::{
    Limits, arithmetic, builtins, heads, keywords,
    locals::{self, Written},
    scan, templates, walks,
    wrap::{self, Wrap},
};
use regorus::{Engine, PolicyLengthConfig, utils::limits::ExecutionTimerConfig};
use std::{
    collections::BTreeSet,
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

/// The name under which a policy's source is known to the evaluator; it occurs in no message.
pub(super) const SOURCE: &str = "policy.rego";

/// How many steps of the evaluator pass between looks at the clock.
const CHECK_EVERY: u32 = 64;
/// Longest line of a source as it is evaluated, columns.
const MAX_COLUMNS: u32 = 32_768;
/// How many times longer than written a source may be when it is evaluated.
const REWRITTEN: usize = 4;
/// Most lines of a source.
const MAX_LINES: usize = 20_000;

/// An evaluator without policies.
pub(super) fn new(limits: &Limits) -> anyhow::Result<Engine> {
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(false);
    engine.set_gather_prints(true);
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: NonZeroU32::new(MAX_COLUMNS).unwrap_or(NonZeroU32::MIN),
        max_file_bytes: NonZeroUsize::new(limits.source_bytes.saturating_mul(REWRITTEN)).unwrap_or(NonZeroUsize::MIN),
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

/// A source by itself, without imports of keywords; with the names that its locals were given.
///
/// # Errors
/// When the source does not parse.
pub(super) fn parsed(
    limits: &Limits,
    path: &str,
    rego: &str,
    others: &BTreeSet<String>,
) -> anyhow::Result<(Engine, String, Written)> {
    let rego = templates::plain(rego)?.text;
    let rego = keywords::without(&rego).into_owned();
    scan::check(&rego)?;
    let mut engine = alone(limits, path, &rego)?;
    let apart = engine.get_modules().first().and_then(|module| locals::apart(&rego, module, others));
    match apart {
        Some(apart) => Ok((alone(limits, path, &apart.source)?, apart.source, apart.written)),
        None => Ok((engine, rego, Written::new())),
    }
}

fn alone(limits: &Limits, path: &str, rego: &str) -> anyhow::Result<Engine> {
    let mut engine = new(limits)?;
    engine.add_policy(path.to_owned(), rego.to_owned())?;
    Ok(engine)
}

/// A source as it is evaluated, and whether that can be parsed; where it cannot, it is the source itself.
///
/// # Errors
/// When the source itself does not parse.
pub(super) fn rewritten(
    limits: &Limits,
    path: &str,
    rego: &str,
    others: &BTreeSet<String>,
) -> anyhow::Result<(String, bool)> {
    let (mut alone, rego, _) = parsed(limits, path, rego, others)?;
    let Some(module) = alone.get_modules().first() else { return Ok((rego, true)) };
    let mut wraps: Vec<Wrap> = heads::wraps(&rego, module).into_iter().chain(walks::wraps(module)).collect();
    let needed = wraps.len();
    wraps.extend(arithmetic::wraps(module, others));
    let fits = |wraps: &[Wrap]| {
        let wrapped = wrap::wrapped(&rego, wraps)?;
        (scan::check(&wrapped).is_ok() && self::alone(limits, path, &wrapped).is_ok()).then_some(wrapped)
    };
    // Without the operands, a policy fails where it should find nothing; without the others, it means something else.
    Ok(match fits(&wraps).or_else(|| fits(wraps.get(..needed)?)) {
        Some(wrapped) => (wrapped, true),
        None => (rego, needed == 0),
    })
}

/// Adds a source to an evaluator in which the rules of other files of its package may stand, by name.
///
/// # Errors
/// When the source does not parse.
pub(super) fn add(
    engine: &mut Engine,
    limits: &Limits,
    path: &str,
    rego: &str,
    others: &BTreeSet<String>,
) -> anyhow::Result<()> {
    let (rego, _) = rewritten(limits, path, rego, others)?;
    engine.add_policy(path.to_owned(), rego).map(drop)
}

/// What `match` is by these rules and this input.
#[cfg(test)]
pub(super) fn value(rules: &str, input: &str) -> anyhow::Result<regorus::Value> {
    let limits = Limits::default();
    let mut engine = new(&limits)?;
    add(&mut engine, &limits, "p.rego", &format!("package assay\n{rules}\n"), &BTreeSet::new())?;
    engine.set_input_json(input)?;
    engine.eval_rule("data.assay.match".into())
}
