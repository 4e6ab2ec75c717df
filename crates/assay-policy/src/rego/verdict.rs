//! One evaluation: from a prepared policy and the document to a verdict.

use super::{Limits, builtins, check::Checked, diagnose::failure, engine};
use assay_model::{
    decision::{Outcome, Verdict},
    policy::Policy,
};
use jiff::Timestamp;
use regorus::{Engine, Value};
use serde_json::{Map, Value as Json};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

/// Most reasons kept of one verdict.
const MAX_REASONS: usize = 200;
/// Longest reason, characters.
const MAX_REASON: usize = 2_000;
/// Largest output kept of one verdict, bytes of JSON.
const MAX_OUTPUT: usize = 256 * 1024;

/// Evaluates one policy. Every failure, even a fault of the evaluator itself, becomes a verdict.
pub(super) fn evaluate(policy: &Policy, checked: &Checked, input: &Value, now: Timestamp, limits: &Limits) -> Verdict {
    // Nothing shared is written during an evaluation, so nothing can be left half done.
    let evaluation = AssertUnwindSafe(|| run(&checked.engine, &checked.package, input, now, limits));
    let outcome =
        catch_unwind(evaluation).unwrap_or_else(|_| Err("the evaluator failed; please report this policy".into()));
    let (outcome, reasons, output) = match outcome {
        Ok(Some((reasons, output))) => (Outcome::Match, reasons, output),
        Ok(None) => (Outcome::NoMatch, Vec::new(), Json::Null),
        Err(message) => (Outcome::Failed(message), Vec::new(), Json::Null),
    };
    Verdict {
        policy: policy.slug.clone(),
        revision: policy.revision,
        name: policy.name.clone(),
        description: policy.description.clone(),
        outcome,
        reasons,
        output,
        waived_by: None,
    }
}

/// Reasons and output of a match; `None` when the policy does not match.
type Matched = Option<(Vec<String>, Json)>;

fn run(engine: &Engine, package: &str, input: &Value, now: Timestamp, limits: &Limits) -> Result<Matched, String> {
    let started = Instant::now();
    let mut engine = engine.clone();
    builtins::register_clock(&mut engine, now).map_err(|error| failure(&error))?;
    engine.set_input(input.clone());
    // Most packages do not match, so the rest of the module is evaluated only for those that do.
    match engine.eval_rule(format!("data.{package}.match")).map_err(|error| failure(&error))? {
        Value::Bool(true) => {}
        Value::Bool(false) | Value::Undefined => return Ok(None),
        other => return Err(format!("`match` must be true or false and is {}", kind(&other))),
    }
    engine::set_time(&mut engine, limits.evaluation.saturating_sub(started.elapsed()));
    let whole = engine.eval_query(format!("data.{package}"), false).map_err(|error| failure(&error))?;
    let document = whole.result.first().and_then(|result| result.expressions.first());
    let document = document.map(|expression| &expression.value).and_then(|value| value.as_object().ok());
    let mut reason_list = Vec::new();
    let mut output = Map::new();
    for (key, value) in document.into_iter().flat_map(|document| document.iter_sorted()) {
        match key.as_string().map(AsRef::as_ref) {
            Ok("match") | Err(_) => {}
            Ok("reason") => reason_list = reasons(value),
            Ok(name) => {
                output.insert(name.to_owned(), json(value)?);
            }
        }
    }
    Ok(Some((reason_list, bounded(output))))
}

fn json(value: &Value) -> Result<Json, String> {
    serde_json::to_value(value).map_err(|error| format!("a value of the policy cannot be written: {error}"))
}

/// A policy may compute anything; a decision keeps what has a sensible size.
fn bounded(output: Map<String, Json>) -> Json {
    let output = Json::Object(output);
    if output.to_string().len() <= MAX_OUTPUT { output } else { serde_json::json!({ "omitted": "too large" }) }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object",
        Value::Undefined => "undefined",
    }
}

/// Reasons in any of the shapes policies give them: a set or array of texts, an object whose keys are the texts, or one
/// text. Sorted, without duplicates.
fn reasons(value: &Value) -> Vec<String> {
    let mut reasons: Vec<String> = match value {
        Value::Set(items) => items.iter().map(reason).collect(),
        Value::Array(items) => items.iter().map(reason).collect(),
        Value::Object(fields) => fields.keys_sorted().map(reason).collect(),
        Value::Null | Value::Undefined | Value::Bool(_) => Vec::new(),
        other => vec![reason(other)],
    };
    reasons.retain(|reason| !reason.is_empty());
    reasons.sort();
    reasons.dedup();
    reasons.truncate(MAX_REASONS);
    reasons
}

fn reason(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.as_ref().to_owned(),
        other => serde_json::to_string(other).unwrap_or_default(),
    };
    match text.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
