//! `osv`: the full advisory records, each severity with its score.
//!
//! Scores are not computed here. The findings carry the score of every vector that a source states for them, so a
//! vector's score is looked up by the vector; a vector that no finding carries has no `numerical_score`.

use super::value::from_json;
use assay_model::{advisory::Advisory, facts::Facts, finding::FindingKind};
use regorus::Value;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// `osv`.
pub(super) fn records(facts: &Facts) -> Value {
    let scores = scores(facts);
    let ends = ends_of_life(facts);
    let told = facts.advisories.iter().filter(|advisory| !ends.contains(advisory.id.as_str()));
    super::value::list(told.filter_map(|advisory| record(advisory, &scores)))
}

/// Records that only tell the end of a product's life, which is no advisory.
fn ends_of_life(facts: &Facts) -> BTreeSet<&str> {
    let ends = facts.findings.iter().filter(|(_, finding)| finding.kind == FindingKind::EndOfLife);
    ends.flat_map(|(_, finding)| finding.sources.iter().map(|source| source.advisory.as_str())).collect()
}

/// Score by vector, from everything the findings know.
fn scores(facts: &Facts) -> BTreeMap<&str, f64> {
    let all = facts.findings.iter().flat_map(|(_, finding)| finding.cvss.values());
    all.flat_map(|cvss| {
        [
            (cvss.v2_vector.as_deref(), cvss.v2_score),
            (cvss.v3_vector.as_deref(), cvss.v3_score),
            (cvss.v4_vector.as_deref(), cvss.v4_score),
        ]
    })
    .filter_map(|(vector, score)| Some((vector?, score?)))
    .collect()
}

fn record(advisory: &Advisory, scores: &BTreeMap<&str, f64>) -> Option<Value> {
    let mut record = serde_json::to_value(advisory).ok()?;
    score_each(record.get_mut("severity"), scores);
    for affected in record.get_mut("affected").and_then(Json::as_array_mut).into_iter().flatten() {
        score_each(affected.get_mut("severity"), scores);
    }
    complete(&mut record);
    Some(from_json(&record))
}

fn score_each(severities: Option<&mut Json>, scores: &BTreeMap<&str, f64>) {
    for severity in severities.and_then(Json::as_array_mut).into_iter().flatten() {
        let score = severity.get("score").and_then(Json::as_str).and_then(|vector| scores.get(vector)).copied();
        if let (Some(score), Some(fields)) = (score, severity.as_object_mut()) {
            fields.insert("numerical_score".into(), json!(score));
        }
    }
}

/// Adds what a record may lack and policies take for granted: lists that are empty, texts that are null.
fn complete(record: &mut Json) {
    let Some(fields) = record.as_object_mut() else { return };
    for list in ["aliases", "upstream", "related", "severity", "affected", "references"] {
        fields.entry(list).or_insert_with(|| json!([]));
    }
    for text in ["summary", "details", "published", "withdrawn"] {
        fields.entry(text).or_insert(Json::Null);
    }
}
