//! One result, as `scorecard --format json` and the public API write it.

use assay_model::{health::Scorecard, source_repository::repository_of};
use serde_json::Value;
use std::collections::BTreeMap;

/// Checks that are kept of one result; the tool has about twenty.
const CHECKS: usize = 200;

/// The scorecard, or why it is none.
pub(super) fn read(entry: &Value) -> Result<Scorecard, String> {
    let name = entry.get("repo").and_then(|repo| repo.as_str().or_else(|| repo.get("name")?.as_str()));
    let repository = name.and_then(repository_of).ok_or("it names no repository of a known forge")?;
    let score = entry.get("score").and_then(Value::as_f64).filter(|s| (-1.0..=10.0).contains(s));
    let date = entry.get("date").and_then(Value::as_str).and_then(day).ok_or("it has no date")?;
    let mut checks = BTreeMap::new();
    for check in entry.get("checks").and_then(Value::as_array).into_iter().flatten().take(CHECKS) {
        let name = check.get("name").and_then(Value::as_str).filter(|name| !name.is_empty() && name.len() <= 100);
        let score = check.get("score").and_then(Value::as_f64).filter(|s| (-1.0..=10.0).contains(s));
        checks.extend(name.zip(score).map(|(name, score)| (name.to_owned(), score)));
    }
    Ok(Scorecard { repository, score: score.ok_or("its score is no number up to 10")?, checks, date })
}

/// `YYYY-MM-DD` of a text that begins with a valid one.
pub(super) fn day(text: &str) -> Option<String> {
    let day = text.get(..10)?;
    day.parse::<jiff::civil::Date>().ok().map(|_| day.to_owned())
}
