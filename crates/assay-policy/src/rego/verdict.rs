//! One evaluation: from a prepared policy and the document to a verdict.

use super::{
    Limits,
    evaluator::{Answer, Evaluator},
};
use assay_model::{
    decision::{Outcome, Verdict},
    policy::Policy,
};
use jiff::Timestamp;
use regorus::Value;
use serde_json::{Map, Value as Json};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Most reasons kept of one verdict.
const MAX_REASONS: usize = 200;
/// Longest reason, characters.
const MAX_REASON: usize = 2_000;
/// Largest output kept of one verdict, bytes of JSON.
const MAX_OUTPUT: usize = 256 * 1024;

/// Evaluates one policy. Every failure, even a fault of the evaluator itself, becomes a verdict.
pub(super) fn evaluate(
    policy: &Policy,
    evaluator: &dyn Evaluator,
    input: &Value,
    now: Timestamp,
    limits: &Limits,
) -> Verdict {
    // An evaluator that fails is not used again, so nothing can be left half done.
    let evaluation = AssertUnwindSafe(|| run(evaluator, input, now, limits));
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

fn run(evaluator: &dyn Evaluator, input: &Value, now: Timestamp, limits: &Limits) -> Result<Matched, String> {
    let Answer::Whole(whole) = evaluator.evaluate(input, now, limits.evaluation)? else { return Ok(None) };
    let mut reason_list = Vec::new();
    let mut output = Map::new();
    for (key, value) in whole.as_object().into_iter().flat_map(|document| document.iter_sorted()) {
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
