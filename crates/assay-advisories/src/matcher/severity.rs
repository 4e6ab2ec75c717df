//! How bad: vectors and words that records state, joined by database.

use super::identity::{self, Vulnerability};
use super::{Hit, database};
use crate::cvss::{self, Vector, Version};
use assay_model::advisory::{Advisory, Affected, SeverityVector};
use assay_model::finding::{Cvss, Severity};
use assay_model::score::StatedSeverity;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Kind of a stated severity that is a word.
const WORD: &str = "word";

/// What the record states for each id it gives itself. A bundle's severity is none of its vulnerabilities' own.
pub(super) fn stated(advisory: &Advisory) -> Vec<StatedSeverity> {
    if super::is_withdrawn(advisory) {
        return Vec::new();
    }
    let entries: Vec<&Affected> = advisory.affected.iter().collect();
    let mut said: BTreeSet<(&'static str, String)> = BTreeSet::new();
    said.extend(vectors(advisory, &entries).into_iter().map(|vector| (kind(vector.version), vector.to_string())));
    said.extend(words(advisory, &entries).into_iter().map(|word| (WORD, word.as_str().to_owned())));
    let mut ids: BTreeSet<&str> = std::iter::once(&advisory.id).chain(&advisory.aliases).map(String::as_str).collect();
    if let [one] = advisory.upstream.as_slice() {
        ids.insert(one);
    }
    ids.remove("");
    let mut all = Vec::with_capacity(ids.len() * said.len());
    for id in ids {
        for (kind, vector) in &said {
            all.push(StatedSeverity {
                id: id.to_owned(),
                advisory: advisory.id.clone(),
                kind: (*kind).to_owned(),
                vector: vector.clone(),
            });
        }
    }
    all
}

fn kind(version: Version) -> &'static str {
    match version {
        Version::V2 => "CVSS_V2",
        Version::V3 => "CVSS_V3",
        Version::V4 => "CVSS_V4",
    }
}

/// Valid vectors of the record and of these entries.
fn vectors(advisory: &Advisory, entries: &[&Affected]) -> Vec<Vector> {
    let of_entries = entries.iter().flat_map(|affected| &affected.severity);
    let listed = advisory.severity.iter().chain(of_entries).map(|severity| severity.score.as_str());
    let own = entries.iter().filter_map(|affected| affected.rest.get("database_specific")?.get("cvss")?.as_str());
    listed.chain(own).filter_map(|text| Vector::parse(text).ok()).collect()
}

/// Words of the record and of these entries.
fn words(advisory: &Advisory, entries: &[&Affected]) -> Vec<Severity> {
    let field = |value: &Value| value.get("severity").and_then(Value::as_str).and_then(word);
    let specific = |rest: &Map<String, Value>, name: &str| rest.get(name).and_then(field);
    let mut words: Vec<Severity> = advisory.database_specific.as_ref().and_then(field).into_iter().collect();
    for affected in entries {
        words.extend(specific(&affected.rest, "ecosystem_specific"));
        words.extend(specific(&affected.rest, "database_specific"));
    }
    let typed = |severity: &&SeverityVector| !severity.kind.starts_with("CVSS");
    let listed = advisory.severity.iter().chain(entries.iter().flat_map(|affected| &affected.severity));
    words.extend(listed.filter(typed).filter_map(|severity| word(&severity.score)));
    words
}

/// The severity that a database's word means.
fn word(text: &str) -> Option<Severity> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "important" => Some(Severity::High),
        "negligible" => Some(Severity::Low),
        _ => Severity::parse(text).filter(|severity| *severity != Severity::Unknown),
    }
}

/// All that is said of one vulnerability.
pub(super) struct Judged {
    /// Scores by database.
    pub(super) cvss: BTreeMap<String, Cvss>,
    /// The worst word: by the scores, or where there is none by what databases call it.
    pub(super) severity: Severity,
}

pub(super) fn judge(hits: &[Hit<'_>], vulnerability: &Vulnerability, stated: &[StatedSeverity]) -> Judged {
    let mut cvss = BTreeMap::new();
    let (mut own, mut of_bundles) = (Severity::Unknown, Severity::Unknown);
    for hit in vulnerability.hits.iter().map(|&at| &hits[at]) {
        let said = words(hit.advisory(), &hit.affected).into_iter().max().unwrap_or_default();
        let vectors = vectors(hit.advisory(), &hit.affected);
        if identity::is_bundle(hit.advisory()) {
            let scored = vectors.iter().map(Vector::severity).max().unwrap_or_default();
            of_bundles = of_bundles.max(said).max(scored);
            continue;
        }
        own = own.max(said);
        vectors.iter().for_each(|vector| enter(&mut cvss, &hit.advisory().id, vector));
    }
    for stated in stated.iter().filter(|stated| vulnerability.ids.contains(&stated.id)) {
        if stated.kind == WORD {
            own = own.max(word(&stated.vector).unwrap_or_default());
        } else if let Ok(vector) = Vector::parse(&stated.vector) {
            enter(&mut cvss, &stated.advisory, &vector);
        }
    }
    let scored = cvss.values().map(cvss::severity).max().unwrap_or_default();
    let severity = [scored, own, of_bundles].into_iter().find(|word| *word != Severity::Unknown).unwrap_or_default();
    Judged { cvss, severity }
}

/// Enters a vector under its database. Of several of one version the highest stays, of equals the first as text.
fn enter(cvss: &mut BTreeMap<String, Cvss>, advisory: &str, vector: &Vector) {
    let entry = cvss.entry(database::of(advisory).1.to_owned()).or_default();
    let (score, text) = match vector.version {
        Version::V2 => (&mut entry.v2_score, &mut entry.v2_vector),
        Version::V3 => (&mut entry.v3_score, &mut entry.v3_vector),
        Version::V4 => (&mut entry.v4_score, &mut entry.v4_vector),
    };
    let new = vector.to_string();
    let better = match (&*score, &*text) {
        (Some(old), Some(old_text)) => vector.score.total_cmp(old).then_with(|| old_text.cmp(&new)).is_gt(),
        _ => true,
    };
    if better {
        (*score, *text) = (Some(vector.score), Some(new));
    }
}
