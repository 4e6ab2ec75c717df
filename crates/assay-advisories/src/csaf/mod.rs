//! CSAF documents of distributions (Red Hat and SUSE, profile VEX): one JSON document per CVE, by itself, many in an
//! archive, or fetched by the list of changes that goes with them.
//!
//! They say of each package of each release what is done: fixed in which version, will not be fixed, not affected. What
//! is said for products without a package URL, and of releases that no ecosystem names, is passed over.

mod fetch;
mod product;

use crate::documents::{self, Reader};
use crate::input;
use crate::statement::{Named, Statement};
use assay_model::Problem;
use assay_model::advisory::{Advisory, Affected, AffectedPackage, Range, RangeEvent, SeverityVector};
use assay_model::finding::{Origin, Severity, Status};
use assay_model::seam::source::{Cursor, Fetched, Intel, Net, Source, SourceSpec};
use assay_model::seam::{ReadSeek, Task};
use product::{Package, Products};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Largest document, in bytes; the largest known has 60 MiB.
const MAX_DOCUMENT: usize = 128 << 20;

static SPEC: SourceSpec = SourceSpec {
    id: "csaf",
    summary: "CSAF VEX documents of Red Hat and SUSE, JSON",
    cadence: 6 * 3600,
    data_license: "CC-BY-4.0 (Red Hat, SUSE)",
};

/// The source.
#[derive(Debug)]
pub struct Csaf;

impl Source for Csaf {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, _name: &str, head: &[u8]) -> bool {
        let first = documents::first_entry(head);
        let content = first.map_or_else(|| input::peek(head), |(_, content)| content);
        let text = String::from_utf8_lossy(&content);
        text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
            && text.contains("\"csaf_version\"")
            && text.contains("\"document\"")
    }

    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(fetch::fetch(net, base, since))
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let is_document = |path: &str| path.ends_with(".json");
        let reader = Reader { source: SPEC.id, largest: MAX_DOCUMENT, is_document: &is_document };
        reader.each(name, file, out, &mut |name, bytes, out| match serde_json::from_slice(bytes) {
            Ok(document) => tell(name, &document, out),
            Err(error) => {
                out.bad(SPEC.id, name, &format!("no JSON: {error}"), &bytes[..bytes.len().min(input::KEPT_BYTES)])
            }
        })
    }
}

fn tell(name: &str, document: &Value, out: &mut dyn Intel) -> Result<(), Problem> {
    let head = &document["document"];
    let Some(publisher) = head["publisher"]["name"].as_str() else {
        return out.bad(SPEC.id, name, "it does not say who publishes it", &[]);
    };
    let products = Products::of(&document["product_tree"]);
    for vulnerability in document["vulnerabilities"].as_array().into_iter().flatten() {
        let Some(cve) = vulnerability["cve"].as_str().filter(|cve| input::is_cve(cve)) else { continue };
        let advisory = advisory(cve, publisher, head, vulnerability, &products);
        let bytes = serde_json::to_vec(&advisory).unwrap_or_default();
        out.advisory(SPEC.id, advisory, &bytes)?;
    }
    Ok(())
}

fn advisory(cve: &str, publisher: &str, head: &Value, vulnerability: &Value, products: &Products) -> Advisory {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let notes = vulnerability["notes"].as_array().into_iter().flatten();
    let described = notes.clone().find(|note| note["category"] == "description");
    let vector = |score: &Value| {
        let (kind, cvss) = [("CVSS_V4", "cvss_v4"), ("CVSS_V3", "cvss_v3"), ("CVSS_V2", "cvss_v2")]
            .into_iter()
            .find_map(|(kind, field)| Some((kind, score[field]["vectorString"].as_str()?)))?;
        Some(SeverityVector { kind: kind.to_owned(), score: cvss.to_owned() })
    };
    let references = vulnerability["references"].as_array().into_iter().flatten();
    let mut advisory = Advisory {
        id: format!("{}/{}/{cve}", SPEC.id, slug(publisher)),
        modified: text(&head["tracking"]["current_release_date"]).unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned()),
        published: text(&vulnerability["release_date"]).or_else(|| text(&head["tracking"]["initial_release_date"])),
        upstream: vec![cve.to_owned()],
        summary: text(&vulnerability["title"]),
        details: described.and_then(|note| text(&note["text"])),
        severity: vulnerability["scores"].as_array().into_iter().flatten().filter_map(vector).take(1).collect(),
        affected: affected(publisher, head, vulnerability, products),
        references: references
            .filter_map(|one| one["url"].as_str())
            .map(|url| json!({"type": "WEB", "url": url}))
            .collect(),
        database_specific: text(&vulnerability["cwe"]["id"]).map(|cwe| json!({"cwe_ids": [cwe]})),
        ..Advisory::default()
    };
    if advisory.affected.is_empty() {
        // What an earlier revision said of some package is said no more.
        advisory.withdrawn = Some(advisory.modified.clone());
    }
    advisory
}

/// `Red Hat Product Security` is `red-hat-product-security`.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

/// What is said of one package of one release.
#[derive(Default)]
struct Said {
    /// Fixed version to the architectures that have it.
    fixed: BTreeMap<String, Vec<String>>,
    status: Option<Status>,
    vendor_ids: Vec<String>,
    severity: Option<Severity>,
}

fn affected(publisher: &str, head: &Value, vulnerability: &Value, products: &Products) -> Vec<Affected> {
    let mut said: BTreeMap<(String, String), Said> = BTreeMap::new();
    let status = &vulnerability["product_status"];
    let named = |group: &str| status[group].as_array().into_iter().flatten().filter_map(Value::as_str);
    for id in named("fixed").chain(named("first_fixed")) {
        let Some(Package { ecosystem, name, version: Some(version), arch }) = products.package(id) else { continue };
        if arch.as_deref() == Some("src") {
            continue;
        }
        let one = said.entry((ecosystem, name)).or_default();
        one.fixed.entry(version).or_default().extend(arch);
        one.vendor_ids.extend(remedies(vulnerability, id).filter_map(announcement));
        one.severity = one.severity.max(impact(vulnerability, id));
    }
    for (group, otherwise) in
        [("known_affected", Status::Affected), ("under_investigation", Status::UnderInvestigation)]
    {
        for id in named(group) {
            let status = remedies(vulnerability, id).find_map(intention).unwrap_or(otherwise);
            let Some(Package { ecosystem, name, .. }) = products.package(id) else { continue };
            let one = said.entry((ecosystem, name)).or_default();
            one.status.get_or_insert(status);
            one.severity = one.severity.max(impact(vulnerability, id));
        }
    }
    let whole = head["aggregate_severity"]["text"].as_str().and_then(word);
    let origin = origin(publisher, head);
    said.into_iter().flat_map(|(place, one)| one.entries(&place, whole, &origin)).collect()
}

impl Said {
    fn entries(mut self, place: &(String, String), whole: Option<Severity>, origin: &Origin) -> Vec<Affected> {
        self.vendor_ids.sort();
        self.vendor_ids.dedup();
        let entry = |fixed: Option<&String>, mut arches: Vec<String>| {
            arches.sort();
            arches.dedup();
            let mut events = vec![RangeEvent { introduced: Some("0".to_owned()), ..RangeEvent::default() }];
            events.extend(fixed.map(|fixed| RangeEvent { fixed: Some(fixed.clone()), ..RangeEvent::default() }));
            let (ecosystem, name) = place.clone();
            let mut affected = Affected {
                package: AffectedPackage { ecosystem, name, purl: None },
                ranges: vec![Range { kind: "ECOSYSTEM".to_owned(), events, ..Range::default() }],
                ..Affected::default()
            };
            Statement {
                named: Some(Named::Binary),
                status: self.status.filter(|_| fixed.is_none()),
                severity: self.severity.or(whole),
                arches,
                vendor_ids: self.vendor_ids.clone(),
                origin: Some(origin.clone()),
                ..Statement::default()
            }
            .write(&mut affected);
            affected
        };
        if self.fixed.is_empty() {
            return vec![entry(None, Vec::new())];
        }
        self.fixed.iter().map(|(version, arches)| entry(Some(version), arches.clone())).collect()
    }
}

/// The remediations that hold for a product.
fn remedies<'a>(vulnerability: &'a Value, product: &'a str) -> impl Iterator<Item = &'a Value> {
    let of = move |entry: &&Value| {
        let named = entry["product_ids"].as_array().into_iter().flatten();
        named.filter_map(Value::as_str).any(|id| id == product)
    };
    vulnerability["remediations"].as_array().into_iter().flatten().filter(of)
}

/// `RHSA-2024:0001` of `https://access.example/errata/RHSA-2024:0001`.
fn announcement(remedy: &Value) -> Option<String> {
    let fix = remedy["category"] == "vendor_fix";
    let id = remedy["url"].as_str()?.trim_end_matches('/').rsplit('/').next()?;
    (fix && id.len() <= 64 && id.contains('-')).then(|| id.to_owned())
}

/// What the maker means to do.
fn intention(remedy: &Value) -> Option<Status> {
    let details = remedy["details"].as_str().unwrap_or_default().to_ascii_lowercase();
    match remedy["category"].as_str()? {
        "no_fix_planned" if details.contains("out of support") => Some(Status::EndOfLife),
        "no_fix_planned" => Some(Status::WillNotFix),
        "none_available" if details.contains("deferred") => Some(Status::FixDeferred),
        "none_available" => Some(Status::Affected),
        _ => None,
    }
}

fn impact(vulnerability: &Value, product: &str) -> Option<Severity> {
    let threats = vulnerability["threats"].as_array().into_iter().flatten();
    let of = |threat: &&Value| {
        let named = threat["product_ids"].as_array();
        threat["category"] == "impact" && named.is_none_or(|ids| ids.iter().any(|id| id == product))
    };
    threats.filter(of).find_map(|threat| word(threat["details"].as_str()?))
}

fn word(text: &str) -> Option<Severity> {
    match text.trim().to_ascii_lowercase().as_str() {
        "important" => Some(Severity::High),
        other => Severity::parse(other).filter(|severity| *severity != Severity::Unknown),
    }
}

fn origin(publisher: &str, head: &Value) -> Origin {
    let id = if publisher.starts_with("Red Hat") { "redhat".to_owned() } else { slug(publisher) };
    let url = head["publisher"]["namespace"].as_str().unwrap_or_default().to_owned();
    Origin { id, name: format!("{publisher} CSAF"), url, base: None }
}

#[cfg(test)]
mod tests;
