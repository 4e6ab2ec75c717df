//! What reports say of a vulnerability, out of the records that speak of it.

use super::database;
use crate::statement;
use assay_model::advisory::Advisory;
use assay_model::finding::Detail;
use assay_model::seam::matcher::StoredAdvisory;
use serde_json::Value;

/// From these records, the preferred one first: a record about the vulnerability alone, then by database. What a record
/// lacks is taken from the next; lists are never mixed.
pub(super) fn of(records: &[&StoredAdvisory]) -> Detail {
    let mut ordered: Vec<&StoredAdvisory> = records.to_vec();
    ordered.sort_by(|a, b| rank(a).cmp(&rank(b)));
    let mut detail = Detail::default();
    for advisory in ordered.iter().map(|stored| &stored.advisory) {
        fill(&mut detail.title, advisory.summary.as_deref());
        fill(&mut detail.description, advisory.details.as_deref());
        fill(&mut detail.published, advisory.published.as_deref());
        fill(&mut detail.modified, Some(advisory.modified.as_str()));
        if detail.cwes.is_empty() {
            detail.cwes = weaknesses(advisory);
        }
        if detail.references.is_empty() {
            detail.references = references(advisory);
        }
    }
    detail
}

fn rank(stored: &StoredAdvisory) -> (bool, usize, &str, &str) {
    let advisory = &stored.advisory;
    (!statement::is_note(advisory), database::of(&advisory.id).0, &stored.source, &advisory.id)
}

fn fill(slot: &mut Option<String>, text: Option<&str>) {
    if slot.is_none() {
        *slot = text.filter(|text| !text.trim().is_empty()).map(str::to_owned);
    }
}

/// Under either of the names by which databases give them.
fn weaknesses(advisory: &Advisory) -> Vec<String> {
    let Some(specific) = &advisory.database_specific else { return Vec::new() };
    let lists = ["cwe_ids", "cwes", "cwe"].iter().filter_map(|name| specific.get(name));
    let mut found: Vec<String> = Vec::new();
    for value in lists.flat_map(|list| list.as_array().map_or(std::slice::from_ref(list), Vec::as_slice)) {
        let id = value.as_str().or_else(|| value.get("id").and_then(Value::as_str));
        if let Some(id) = id.filter(|id| id.starts_with("CWE-") && !found.iter().any(|known| known == id)) {
            found.push(id.to_owned());
        }
    }
    found
}

fn references(advisory: &Advisory) -> Vec<String> {
    let mut urls: Vec<String> =
        advisory.references.iter().filter_map(|one| one.get("url")?.as_str()).map(str::to_owned).collect();
    urls.sort();
    urls.dedup();
    urls
}
