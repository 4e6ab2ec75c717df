//! How bad: vectors and words that records state, joined by database.

use super::identity::{self, Vulnerability};
use super::{Hit, database};
use crate::cvss::{self, Vector, Version};
use crate::statement::{Note, Statement};
use assay_model::advisory::{Advisory, Affected, SeverityVector};
use assay_model::finding::{Cvss, Severity};
use assay_model::score::StatedSeverity;
use assay_model::seam::matcher::StoredAdvisory;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Kind of a stated severity that is a word.
const WORD: &str = "word";

/// What the record states for each id it gives itself. A bundle's severity is none of its vulnerabilities' own.
pub(super) fn stated(advisory: &Advisory) -> Vec<StatedSeverity> {
    // An entry's word is about one package, and a record about a vulnerability is read as such.
    if super::is_withdrawn(advisory) || advisory.is_entry() {
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
#[derive(Default)]
pub(super) struct Judged {
    /// Scores by database.
    pub(super) cvss: BTreeMap<String, Cvss>,
    /// Words by database.
    pub(super) severities: BTreeMap<String, Severity>,
    /// The word that counts.
    pub(super) severity: Severity,
    /// Whose word that is, where it is one database's.
    pub(super) source: Option<String>,
}

/// The database whose advisory was followed, where its record names one: its word comes first, then those of the
/// databases that judge everything. Else the worst word by any score, or where there is none the worst stated.
pub(super) fn judge(
    spoken: &[&Hit<'_>],
    vulnerability: &Vulnerability,
    notes: &[(&StoredAdvisory, Note)],
    stated: &[StatedSeverity],
) -> Judged {
    let mut judged = Judged::default();
    let mut of_bundles = Severity::Unknown;
    for hit in spoken {
        let entries: Vec<&Affected> = hit.named.iter().map(|named| named.affected).collect();
        let said = words(hit.advisory(), &entries).into_iter().max().unwrap_or_default();
        let vectors = vectors(hit.advisory(), &entries);
        if identity::is_bundle(hit.advisory()) {
            let scored = vectors.iter().map(Vector::severity).max().unwrap_or_default();
            of_bundles = of_bundles.max(said).max(scored);
            continue;
        }
        judged.say(database::of(&hit.advisory().id).1, said);
        vectors.iter().for_each(|vector| enter(&mut judged.cvss, &hit.advisory().id, vector));
    }
    for stated in stated.iter().filter(|stated| vulnerability.ids.contains(&stated.id)) {
        if stated.kind == WORD {
            judged.say(database::of(&stated.advisory).1, word(&stated.vector).unwrap_or_default());
        } else if let Ok(vector) = Vector::parse(&stated.vector) {
            enter(&mut judged.cvss, &stated.advisory, &vector);
        }
    }
    let worst = judged.severities.values().copied().max().unwrap_or_default();
    for (_, note) in notes {
        for (by, cvss) in &note.cvss {
            judged.cvss.entry(by.clone()).or_insert_with(|| cvss.clone());
        }
        for (by, word) in &note.severities {
            judged.severities.entry(by.clone()).or_insert(*word);
        }
    }
    if let Some((word, source)) = followed(spoken, notes, &mut judged) {
        (judged.severity, judged.source) = (word, source);
        return judged;
    }
    let scored = judged.cvss.values().map(cvss::severity).max().unwrap_or_default();
    let noted = notes.iter().flat_map(|(_, note)| note.severities.values().copied()).max().unwrap_or_default();
    let severity = [scored, worst, of_bundles, noted].into_iter().find(|word| *word != Severity::Unknown);
    judged.severity = severity.unwrap_or_default();
    judged
}

impl Judged {
    fn say(&mut self, by: &str, word: Severity) {
        if word != Severity::Unknown {
            let said = self.severities.entry(by.to_owned()).or_default();
            *said = (*said).max(word);
        }
    }
}

/// The severity by the database that was followed, with whose word it is.
fn followed(
    spoken: &[&Hit<'_>],
    notes: &[(&StoredAdvisory, Note)],
    judged: &mut Judged,
) -> Option<(Severity, Option<String>)> {
    let statements = || spoken.iter().flat_map(|hit| &hit.named).filter_map(|named| named.statement.as_ref());
    let by = |said: &Statement| said.said_by.clone().or_else(|| said.origin.as_ref().map(|origin| origin.id.clone()));
    // A database without a name has no word of its own; those that judge everything still speak.
    let last = statements().rfind(|said| by(said).is_some()).or_else(|| statements().next_back())?;
    let own = statements().filter_map(|said| Some((said.severity?, by(said)?))).max();
    if let Some((word, by)) = own {
        judged.severities.insert(by.clone(), word);
        return Some((word, Some(by)));
    }
    let database = last.origin.as_ref().and_then(|origin| origin.base.clone()).or_else(|| by(last));
    let github = spoken.iter().filter_map(|hit| identity::name(hit.advisory())).any(|name| name.starts_with("GHSA-"));
    let chain = [database, github.then(|| "ghsa".to_owned()), Some("nvd".to_owned())];
    let known = |by: &String| judged.severities.get(by).copied().filter(|word| *word != Severity::Unknown);
    let chosen = chain.into_iter().flatten().find_map(|by| Some((known(&by)?, Some(by))));
    let of_nobody = || notes.iter().find_map(|(_, note)| note.severity).map(|word| (word, None));
    chosen.or_else(of_nobody)
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
