//! CycloneDX 1.6 JSON (ECMA-424). The same inventory gives the same document, byte for byte.

use crate::catalogue::ScoredFinding;
use assay_model::{
    component::Occurrence,
    digest::Digest,
    finding::{Cvss, Severity},
    inventory::Inventory,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What the document is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Name of the package or scanned artifact.
    pub name: String,
    /// Its version, or empty.
    pub version: String,
    /// Whether it is a container image.
    pub is_image: bool,
    /// SHA-256 of its bytes, where there is one file.
    pub sha256: Option<String>,
}

/// Renders an inventory, with vulnerabilities where `findings` has any. `at` becomes the document's timestamp.
pub fn render(subject: &Subject, inventory: &Inventory, findings: &[ScoredFinding], at: Timestamp) -> Value {
    let subject_ref = format!("artifact:{}@{}", subject.name, subject.version);
    let mut refs = Refs::starting_with(&subject_ref);
    let mut components: Vec<Value> =
        inventory.components.iter().map(|o| component(o, &refs.unique(&o.component.purl))).collect();
    components.extend(inventory.os.as_ref().map(|os| {
        json!({
            "type": "operating-system", "bom-ref": refs.unique(&format!("os:{}@{}", os.id, os.version)),
            "name": os.id, "version": os.version, "description": os.name,
        })
    }));
    let all: Vec<&str> = components.iter().filter_map(|c| c.get("bom-ref").and_then(Value::as_str)).collect();
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": second(at),
            "tools": {"components": [{"type": "application", "name": "assay", "version": env!("CARGO_PKG_VERSION")}]},
            "component": subject_component(subject, &subject_ref),
        },
        "dependencies": [{"ref": subject_ref, "dependsOn": all}],
        "compositions": [{
            "aggregate": if inventory.is_complete() { "complete" } else { "incomplete" },
            "assemblies": [subject_ref],
        }],
        "components": components,
    });
    if let Some(map) = document.as_object_mut() {
        if !findings.is_empty() {
            map.insert("vulnerabilities".into(), vulnerabilities(findings, &refs));
        }
        let serial = serial(&Value::Object(map.clone()));
        map.insert("serialNumber".into(), serial.into());
    }
    document
}

/// Hands out references that are unique in the document and remembers which purl has which.
struct Refs {
    taken: BTreeSet<String>,
    by_purl: BTreeMap<String, Vec<String>>,
}

impl Refs {
    fn starting_with(subject: &str) -> Self {
        Self {
            taken: BTreeSet::from([subject.to_owned()]),
            by_purl: BTreeMap::from([(subject.to_owned(), vec![subject.to_owned()])]),
        }
    }
    fn unique(&mut self, purl: &str) -> String {
        let mut candidate = purl.to_owned();
        let mut n = 1;
        while !self.taken.insert(candidate.clone()) {
            n += 1;
            candidate = format!("{purl}#{n}");
        }
        self.by_purl.entry(purl.to_owned()).or_default().push(candidate.clone());
        candidate
    }
}

/// RFC 3339 with whole seconds, as validators of `date-time` expect.
fn second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// A name-based UUID (version 8, RFC 9562) of the content.
fn serial(document: &Value) -> String {
    let digest = Digest::of(document.to_string().as_bytes());
    let hex: Vec<char> = digest.hex().chars().collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().iter().collect::<String>();
    format!("urn:uuid:{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// The artifact itself. The package that a file is stands among the components, where other tools look for it.
fn subject_component(subject: &Subject, reference: &str) -> Value {
    let kind = if subject.is_image { "container" } else { "file" };
    let mut map = object(json!({"type": kind, "bom-ref": reference, "name": subject.name}));
    if !subject.version.is_empty() {
        map.insert("version".into(), subject.version.clone().into());
    }
    if let Some(sha256) = &subject.sha256 {
        map.insert("hashes".into(), json!([{"alg": "SHA-256", "content": sha256}]));
    }
    Value::Object(map)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn component(o: &Occurrence, reference: &str) -> Value {
    let c = &o.component;
    let mut map = object(json!({"type": "library", "bom-ref": reference, "name": c.name, "purl": c.purl}));
    if !c.namespace.is_empty() {
        map.insert("group".into(), c.namespace.clone().into());
    }
    if !c.version.is_empty() {
        map.insert("version".into(), c.version.clone().into());
    }
    if let Some(summary) = &o.summary {
        map.insert("description".into(), summary.clone().into());
    }
    let licenses: Vec<Value> =
        o.licenses.iter().filter(|l| !l.trim().is_empty()).map(|l| json!({"license": {"name": l}})).collect();
    if !licenses.is_empty() {
        map.insert("licenses".into(), licenses.into());
    }
    map.insert("properties".into(), properties(o));
    Value::Object(map)
}

fn properties(o: &Occurrence) -> Value {
    let mut all: Vec<(String, String)> = vec![("assay:analyzer".into(), o.analyzer.clone())];
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            all.push((format!("assay:{name}"), value.to_owned()));
        }
    };
    add("path", &o.path);
    add("layer", o.layer.as_deref().unwrap_or_default());
    add("ownedBy", o.owned_by.as_deref().unwrap_or_default());
    if o.component.match_name != o.component.name || o.component.match_version != o.component.version {
        add("source:name", &o.component.match_name);
        add("source:version", &o.component.match_version);
    }
    for requirement in &o.requires {
        add("requires", requirement);
    }
    for (name, value) in &o.properties {
        add(name, value);
    }
    all.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn vulnerabilities(findings: &[ScoredFinding], refs: &Refs) -> Value {
    let mut by_id: BTreeMap<&str, Vec<&ScoredFinding>> = BTreeMap::new();
    for finding in findings {
        by_id.entry(&finding.finding.id).or_default().push(finding);
    }
    by_id.into_iter().map(|(id, same)| vulnerability(id, &same, refs)).collect()
}

fn vulnerability(id: &str, same: &[&ScoredFinding], refs: &Refs) -> Value {
    let ratings: BTreeMap<&String, &Cvss> = same.iter().flat_map(|f| &f.finding.cvss).collect();
    let ratings: Vec<Value> = ratings.into_iter().flat_map(|(source, cvss)| rated(source, cvss)).collect();
    let affects: Vec<Value> = same
        .iter()
        .flat_map(|f| refs.by_purl.get(&f.component.purl).into_iter().flatten())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|reference| json!({"ref": reference}))
        .collect();
    let mut map =
        object(json!({"bom-ref": format!("vulnerability:{id}"), "id": id, "ratings": ratings, "affects": affects}));
    if let Some(title) = same.first().map(|f| &f.finding.title).filter(|t| !t.is_empty()) {
        map.insert("description".into(), title.clone().into());
    }
    let fixes: BTreeSet<String> = same
        .iter()
        .filter_map(|f| Some(format!("update {} to {}", f.component.name, f.finding.nearest_fixed.as_ref()?)))
        .collect();
    if !fixes.is_empty() {
        map.insert("recommendation".into(), fixes.into_iter().collect::<Vec<_>>().join("; ").into());
    }
    Value::Object(map)
}

fn rated(source: &str, cvss: &Cvss) -> Vec<Value> {
    let rating = |score: Option<f64>, vector: &Option<String>, method: &str| {
        let score = score?;
        let severity = Severity::of_score(score).as_str().to_lowercase();
        let method = match vector.as_deref() {
            Some(v) if v.starts_with("CVSS:3.1") => "CVSSv31",
            _ => method,
        };
        let mut map =
            object(json!({"source": {"name": source}, "score": score, "severity": severity, "method": method}));
        map.extend(vector.clone().map(|v| ("vector".to_owned(), Value::from(v))));
        Some(Value::Object(map))
    };
    [
        rating(cvss.v2_score, &cvss.v2_vector, "CVSSv2"),
        rating(cvss.v3_score, &cvss.v3_vector, "CVSSv3"),
        rating(cvss.v4_score, &cvss.v4_vector, "CVSSv4"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
