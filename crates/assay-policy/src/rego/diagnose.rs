//! Errors of the evaluator, turned into a place in the source, a sentence, and what to do about it.

use super::{
    engine::SOURCE,
    memory::{EXCEEDED, FULL},
    scan,
};
use assay_model::{decision::OUT_OF_TIME, seam::judge::Remark};
use regorus::{Engine, LimitError};

/// A fault in a policy's source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub(super) struct Fault {
    /// From 1; 0 when the fault has no place.
    pub(super) line: u32,
    /// From 1; 0 when the fault has no place.
    pub(super) column: u32,
    /// What is wrong, and what to do.
    pub(super) message: String,
    /// A stable word for programs.
    pub(super) code: &'static str,
}

impl Fault {
    /// A fault at a place.
    pub(super) fn at((line, column): (u32, u32), message: impl Into<String>) -> Self {
        Self { line, column, message: message.into(), code: "bad_policy" }
    }
    /// The same under another word.
    pub(super) fn coded(self, code: &'static str) -> Self {
        Self { code, ..self }
    }
    /// As a remark on the source.
    pub(super) fn remark(self) -> Remark {
        Remark { line: self.line, column: self.column, code: self.code.to_owned(), message: self.message }
    }
}

/// The place and sentence in an error of the evaluator.
pub(super) fn fault(error: &anyhow::Error) -> Fault {
    if let Some(own) = error.downcast_ref::<Fault>() {
        return own.clone();
    }
    let text = error.to_string();
    let place = text.split_once(&format!("--> {SOURCE}:")).map(|(_, rest)| rest);
    let mut numbers = place.unwrap_or_default().lines().next().unwrap_or_default().split(':').map(str::parse::<u32>);
    let line = numbers.next().and_then(Result::ok).unwrap_or(0);
    let column = numbers.next().and_then(Result::ok).unwrap_or(0);
    let message = sentence(&text);
    let code = match message.as_str() {
        text if text.contains("unsafe") => "rego_unsafe_var_error",
        text if text.contains("recurs") => "rego_recursion_error",
        _ => "rego_parse_error",
    };
    Fault { line, column, message, code }
}

/// The message without the excerpt of the source that precedes it.
fn sentence(text: &str) -> String {
    let message = text.split_once("\nerror: ").map_or(text, |(_, message)| message);
    let first = message.trim().lines().next().unwrap_or_default();
    first.trim_end_matches('.').trim().to_owned()
}

/// What a run-time error says to the reader of a decision.
pub(super) fn failure(error: &anyhow::Error) -> String {
    if let Some(LimitError::TimeLimitExceeded { limit, .. }) = error.downcast_ref::<LimitError>() {
        return format!("{OUT_OF_TIME} {} ms", limit.as_millis());
    }
    if let Some(LimitError::MemoryLimitExceeded { .. }) = error.downcast_ref::<LimitError>() {
        return FULL.into();
    }
    if let Some(LimitError::RegexSizeLimitExceeded { .. }) = error.downcast_ref::<LimitError>() {
        return "a regular expression is too large".into();
    }
    let fault = fault(error);
    // what a function of ours reports reaches us as a text
    if fault.message.starts_with(EXCEEDED) {
        return FULL.into();
    }
    if fault.line == 0 { fault.message } else { fault.to_string() }
}

/// What to do about a source that does not parse.
pub(super) fn suggestion(source: &str, message: &str) -> &'static str {
    // Sources that know `if` are not v0; the evaluator would print warnings about them.
    let knows_if = source.split_whitespace().any(|word| word == "if");
    if !knows_if && parses_as_v0(source) {
        return "; this is Rego v0: write `if` before every rule body and `contains` in rules that make a set";
    }
    if source.trim().is_empty() || message.contains("package") {
        return "; begin with `package cloudsmith`";
    }
    "; the contract with examples is in docs/policies.md"
}

fn parses_as_v0(source: &str) -> bool {
    let mut engine = Engine::new();
    engine.set_rego_v0(true);
    let without_import: Vec<&str> = source.lines().filter(|line| !line.trim().starts_with("import rego.v1")).collect();
    let source = without_import.join("\n");
    scan::check(&source).is_ok() && engine.add_policy(SOURCE.into(), source).is_ok()
}
