//! `osv`: the full advisory records, each severity with its score.
//!
//! Scores are not computed here. The findings carry the score of every vector that a source states for them, so a
//! vector's score is looked up by the vector; a vector that no finding carries has no `numerical_score`.

use super::{findings::Findings, value::from_json};
use assay_model::{
    advisory::Advisory,
    facts::Facts,
    finding::{Finding, FindingKind},
};
use regorus::Value;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// `osv`.
pub(super) fn records(facts: &Facts, findings: &Findings<'_>) -> Value {
    let scores = scores(facts);
    let left_out = left_out(facts, findings);
    let told = facts.advisories.iter().filter(|advisory| !left_out.contains(advisory.id.as_str()));
    super::value::list(told.filter_map(|advisory| record(advisory, &scores)))
}

/// Records behind findings that do not count, and behind ends of life, which are no advisories.
fn left_out<'a>(facts: &'a Facts, findings: &Findings<'a>) -> BTreeSet<&'a str> {
    fn cited(finding: &Finding) -> impl Iterator<Item = &str> {
        finding.sources.iter().map(|source| source.advisory.as_str())
    }
    let counts = findings.counted().filter(|(_, finding)| finding.kind != FindingKind::EndOfLife);
    let kept: BTreeSet<&str> = counts.flat_map(|(_, finding)| cited(finding)).collect();
    facts.findings.iter().flat_map(|(_, finding)| cited(finding)).filter(|id| !kept.contains(id)).collect()
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

/// Fields of a record that OSV does not know are ours or of a later schema; policies are not written against them.
const FIELDS: &[&str] = &[
    "id",
    "modified",
    "published",
    "withdrawn",
    "aliases",
    "upstream",
    "related",
    "summary",
    "details",
    "severity",
    "affected",
    "references",
    "credits",
    "schema_version",
    "database_specific",
];
/// The same of what is affected.
const AFFECTED: &[&str] = &["package", "ranges", "versions", "severity", "ecosystem_specific", "database_specific"];
/// The same of a range.
const RANGE: &[&str] = &["type", "repo", "events", "database_specific"];

fn keep(value: &mut Json, fields: &[&str]) {
    if let Some(map) = value.as_object_mut() {
        map.retain(|name, _| fields.contains(&name.as_str()));
    }
}

/// Adds what a record may lack and policies take for granted: lists that are empty, texts that are null.
fn complete(record: &mut Json) {
    keep(record, FIELDS);
    for affected in record.get_mut("affected").and_then(Json::as_array_mut).into_iter().flatten() {
        keep(affected, AFFECTED);
        for range in affected.get_mut("ranges").and_then(Json::as_array_mut).into_iter().flatten() {
            keep(range, RANGE);
        }
    }
    let Some(fields) = record.as_object_mut() else { return };
    for list in ["aliases", "upstream", "related", "severity", "affected", "references"] {
        fields.entry(list).or_insert_with(|| json!([]));
    }
    for text in ["summary", "details", "published", "withdrawn"] {
        fields.entry(text).or_insert(Json::Null);
    }
}
