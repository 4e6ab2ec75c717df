//! CycloneDX 1.4 and later: `vulnerabilities` with an `analysis`. What it affects is a reference to a component of the
//! document, a package URL, or a BOM-Link into another document, whose fragment is the reference there.

use super::{items, text, time, unknown_word};
use assay_model::problem::Problem;
use assay_model::vex::{VexProduct, VexStatement, VexStatus};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const MAX_DEPTH: u32 = 30;

pub(super) fn is_one(document: &Value) -> bool {
    text(document, "bomFormat") == Some("CycloneDX")
}

pub(super) fn read(name: &str, document: &Value) -> Result<Vec<VexStatement>, Problem> {
    let metadata = document.get("metadata").unwrap_or(&Value::Null);
    let mut names = BTreeMap::new();
    metadata.get("component").into_iter().for_each(|subject| collect(subject, MAX_DEPTH, &mut names));
    items(document, "components").for_each(|component| collect(component, MAX_DEPTH, &mut names));
    let whole_time = time(text(metadata, "timestamp"));
    let author = items(metadata, "authors").find_map(|author| text(author, "name"));
    let organisation = |field| metadata.get(field).and_then(|who| text(who, "name"));
    let supplier = organisation("supplier").or(organisation("manufacturer")).or(organisation("manufacture"));
    items(document, "vulnerabilities")
        .filter_map(|one| {
            let analysis = one.get("analysis")?;
            let at = text(analysis, "lastUpdated").or(text(one, "updated"));
            let (vulnerability, word) = (ids(one), text(analysis, "state")?);
            let Some(status) = status(word) else {
                return Some(Err(unknown_word(name, word, &vulnerability, &STATES)));
            };
            Some(Ok(VexStatement {
                vulnerability,
                products: items(one, "affects").filter_map(|to| Some(product(text(to, "ref")?, &names))).collect(),
                status,
                justification: text(analysis, "justification").map(str::to_owned),
                statement: text(analysis, "detail").map(str::to_owned),
                at: time(at).or(whole_time),
                author: author.or(supplier).unwrap_or_default().to_owned(),
                document: text(document, "serialNumber").unwrap_or(name).to_owned(),
            }))
        })
        .collect()
}

/// Package URLs of the document's components by their reference.
fn collect(component: &Value, depth: u32, names: &mut BTreeMap<String, String>) {
    if let (Some(reference), Some(purl)) = (text(component, "bom-ref"), text(component, "purl")) {
        names.insert(reference.to_owned(), purl.to_owned());
    }
    if depth > 0 {
        items(component, "components").for_each(|inner| collect(inner, depth - 1, names));
    }
}

fn ids(vulnerability: &Value) -> BTreeSet<String> {
    let references = items(vulnerability, "references").filter_map(|reference| text(reference, "id"));
    text(vulnerability, "id").into_iter().chain(references).map(str::to_owned).collect()
}

fn product(reference: &str, names: &BTreeMap<String, String>) -> VexProduct {
    let inside = reference.strip_prefix("urn:cdx:").and_then(|link| link.split_once('#')).map(|(_, inside)| inside);
    let inside = inside.map(|text| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned());
    let reference = inside.as_deref().unwrap_or(reference);
    let purl = names.get(reference).map_or(reference, String::as_str);
    VexProduct { purls: vec![purl.to_owned()], ..VexProduct::default() }
}

const STATES: [&str; 6] =
    ["not_affected", "false_positive", "resolved", "resolved_with_pedigree", "exploitable", "in_triage"];

fn status(state: &str) -> Option<VexStatus> {
    match state {
        "not_affected" | "false_positive" => Some(VexStatus::NotAffected),
        "resolved" | "resolved_with_pedigree" => Some(VexStatus::Fixed),
        "exploitable" => Some(VexStatus::Affected),
        "in_triage" => Some(VexStatus::UnderInvestigation),
        _ => None,
    }
}
