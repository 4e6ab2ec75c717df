//! The parameter that the actions which tell somebody share: `{"channel": "..."}`.

use assay_model::{Problem, channel::check_name};
use serde_json::Value;

/// Checks the parameter.
pub(super) fn check(params: &Value) -> Result<(), Problem> {
    match of(params) {
        Some(name) => check_name(name).map_err(|problem| Problem::invalid("bad-action", problem.message)),
        None => Err(Problem::invalid("bad-action", "`channel` is missing; write {\"channel\": \"security\"}")),
    }
}

/// The channel of parameters.
pub(super) fn of(params: &Value) -> Option<&str> {
    params.get("channel").and_then(Value::as_str)
}
