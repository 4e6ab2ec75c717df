//! Histories: forge → owner → repository → earlier results and the current one, scores without checks.

use super::result::day;
use assay_model::{Problem, health::Scorecard, seam::source::Intel, source_repository::repository_of};
use serde_json::Value;
use std::collections::BTreeMap;

const FORGES: [&str; 2] = ["github.com", "gitlab.com"];

/// Whether a document that begins so is a history.
pub(super) fn begins(text: &str) -> bool {
    let key = text.trim_start_matches('{').trim_start();
    FORGES.iter().any(|forge| key.starts_with(&format!("\"{forge}\"")))
}

/// Whether the document is one.
pub(super) fn is_one(document: &Value) -> bool {
    document.as_object().is_some_and(|map| !map.is_empty() && map.keys().all(|key| FORGES.contains(&key.as_str())))
}

/// Tells the newest score of each repository; gives how many there are.
pub(super) fn tell(document: &Value, out: &mut dyn Intel) -> Result<u64, Problem> {
    let mut told = 0;
    for (forge, owners) in document.as_object().into_iter().flatten() {
        for (owner, names) in owners.as_object().into_iter().flatten() {
            for (name, results) in names.as_object().into_iter().flatten() {
                let address = format!("https://{forge}/{owner}/{name}");
                let (Some(repository), Some((date, score))) = (repository_of(&address), newest(results)) else {
                    continue;
                };
                told += 1;
                out.scorecard(Scorecard { repository, score, checks: BTreeMap::new(), date })?;
            }
        }
    }
    Ok(told)
}

fn newest(results: &Value) -> Option<(String, f64)> {
    let earlier = results.get("previous").and_then(Value::as_array).into_iter().flatten();
    let read = |one: &Value| {
        let date = day(one.get("date")?.as_str()?)?;
        Some((date, one.get("score")?.as_f64().filter(|s| (-1.0..=10.0).contains(s))?))
    };
    let mut best: Option<(String, f64)> = None;
    for one in earlier.chain(results.get("current")).filter_map(read) {
        if best.as_ref().is_none_or(|(date, _)| *date <= one.0) {
            best = Some(one);
        }
    }
    best
}
