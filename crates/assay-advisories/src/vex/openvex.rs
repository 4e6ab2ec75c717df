//! OpenVEX 0.2 (and 0.0.1, where products and vulnerabilities were plain texts).

use super::{digest, items, text, time, unknown_word};
use assay_model::problem::Problem;
use assay_model::vex::{VexProduct, VexStatement, VexStatus};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn is_one(document: &Value) -> bool {
    text(document, "@context").is_some_and(|context| context.contains("openvex"))
}

pub(super) fn read(name: &str, document: &Value) -> Result<Vec<VexStatement>, Problem> {
    let whole_time = time(text(document, "last_updated").or(text(document, "timestamp")));
    items(document, "statements")
        .filter_map(|one| {
            let at = text(one, "last_updated").or(text(one, "timestamp"));
            let (vulnerability, word) = (vulnerability(one.get("vulnerability")?), text(one, "status")?);
            let Some(status) = status(word) else {
                return Some(Err(unknown_word(name, word, &vulnerability, &STATUSES)));
            };
            Some(Ok(VexStatement {
                vulnerability,
                products: products(one),
                status,
                justification: text(one, "justification").map(str::to_owned),
                statement: text(one, "impact_statement").or(text(one, "action_statement")).map(str::to_owned),
                at: time(at).or(whole_time),
                author: text(document, "author").unwrap_or_default().to_owned(),
                document: text(document, "@id").unwrap_or(name).to_owned(),
            }))
        })
        .collect()
}

fn vulnerability(value: &Value) -> BTreeSet<String> {
    if let Some(id) = value.as_str() {
        return BTreeSet::from([id.to_owned()]);
    }
    let aliases = items(value, "aliases").filter_map(Value::as_str);
    text(value, "name").into_iter().chain(aliases).map(str::to_owned).collect()
}

fn products(statement: &Value) -> Vec<VexProduct> {
    let of_statement: Vec<String> = items(statement, "subcomponents").flat_map(|part| purls(part).0).collect();
    items(statement, "products")
        .map(|product| {
            let (purls, digests) = purls(product);
            let own: Vec<String> = items(product, "subcomponents").flat_map(|part| self::purls(part).0).collect();
            VexProduct { purls, digests, parts: if own.is_empty() { of_statement.clone() } else { own } }
        })
        .filter(|product| !product.purls.is_empty() || !product.digests.is_empty())
        .collect()
}

/// Names and digests of a component.
fn purls(component: &Value) -> (Vec<String>, Vec<String>) {
    let plain = component.as_str();
    let named = component.get("identifiers").and_then(|names| text(names, "purl"));
    let id = plain.or_else(|| text(component, "@id"));
    let mut purls: Vec<String> = id.into_iter().chain(named).map(str::to_owned).collect();
    purls.dedup();
    let hashes = component.get("hashes").and_then(Value::as_object);
    let digests = hashes.into_iter().flatten().filter_map(|(key, value)| Some(digest(key, value.as_str()?))).collect();
    (purls, digests)
}

const STATUSES: [&str; 4] = ["not_affected", "affected", "fixed", "under_investigation"];

fn status(word: &str) -> Option<VexStatus> {
    [VexStatus::NotAffected, VexStatus::Affected, VexStatus::Fixed, VexStatus::UnderInvestigation]
        .into_iter()
        .find(|status| status.as_str() == word)
}
