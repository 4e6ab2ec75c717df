//! The report as CycloneDX 1.7 in Trivy's shape and words, for programs that expect its properties. What we say in our
//! own words, with what was not read, is in `report::cyclonedx`.

use super::{
    identity::Uuids,
    json,
    model::{Cvss, Outcome, Package, Report, Vulnerability},
    package::installed,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PREFIX: &str = "aquasecurity:trivy:";

/// The document.
#[must_use]
pub fn cyclonedx(report: &Report) -> Value {
    let at: Timestamp = report.created_at.parse().unwrap_or_default();
    let uuids = Uuids::new(json::text(report).unwrap_or_default().as_bytes(), at);
    let mut bill =
        Bill { uuids, components: Vec::new(), edges: BTreeMap::new(), found: BTreeMap::new(), taken: taken(report) };
    let root = bill.uuids.plain();
    let subject = bill.subject(report, &root);
    for outcome in report.results.iter().filter(|outcome| !outcome.packages.is_empty()) {
        bill.place(report, outcome, &root);
    }
    let mut vulnerabilities: BTreeMap<&str, Merged<'_>> = BTreeMap::new();
    for (outcome, v) in report.results.iter().flat_map(|o| o.vulnerabilities.iter().map(move |v| (o, v))) {
        let reference = bill.found.get(&key(outcome, &v.pkg_identifier.uid)).cloned().unwrap_or_default();
        let merged =
            vulnerabilities.entry(&v.vulnerability_id).or_insert_with(|| Merged { first: v, affects: Vec::new() });
        merged.affects.push((reference, v));
    }
    let serial = bill.uuids.plain();
    let moment = moment(&report.created_at);
    let mut components = bill.components;
    components.sort_by_key(order);
    let edges = bill.edges.into_iter().map(|(from, to)| json!({"ref": from, "dependsOn": to})).collect::<Vec<_>>();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": format!("urn:uuid:{serial}"),
        "version": 1,
        "metadata": {
            "timestamp": moment,
            "tools": {"components": [{
                "type": "application", "manufacturer": {"name": "Assay"}, "group": "assay", "name": "assay",
                "version": env!("CARGO_PKG_VERSION"),
            }]},
            "component": subject,
        },
        "components": components,
        "dependencies": edges,
        "vulnerabilities": vulnerabilities.values().map(vulnerability).collect::<Vec<_>>(),
    })
}

struct Merged<'a> {
    first: &'a Vulnerability,
    affects: Vec<(String, &'a Vulnerability)>,
}

struct Bill {
    uuids: Uuids,
    components: Vec<Value>,
    edges: BTreeMap<String, BTreeSet<String>>,
    /// References of packages, by target and UID.
    found: BTreeMap<(String, String), String>,
    /// How many packages have a purl.
    taken: BTreeMap<String, usize>,
}

fn key(outcome: &Outcome, uid: &str) -> (String, String) {
    (outcome.target.clone(), uid.to_owned())
}

fn taken(report: &Report) -> BTreeMap<String, usize> {
    let mut taken = BTreeMap::new();
    for package in report.results.iter().flat_map(|outcome| &outcome.packages) {
        *taken.entry(package.identifier.purl.clone()).or_default() += 1;
    }
    taken
}

/// By reference; those that are made up for the document come before package URLs, as they were made.
fn order(component: &Value) -> Option<String> {
    let reference = component.get("bom-ref").and_then(Value::as_str).unwrap_or_default();
    reference.starts_with("pkg:").then(|| reference.to_owned())
}

fn properties(list: &[(&str, &str)]) -> Value {
    let mut list: Vec<(String, &str)> = list
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (format!("{PREFIX}{name}"), *value))
        .collect();
    list.sort();
    list.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

impl Bill {
    fn subject(&mut self, report: &Report, root: &str) -> Value {
        let about = &report.metadata;
        let (size, schema) = (about.size.to_string(), report.schema_version.to_string());
        let mut list =
            vec![("SchemaVersion", schema.as_str()), ("ImageID", &about.image_id), ("Reference", &about.reference)];
        if about.size > 0 {
            list.push(("Size", &size));
        }
        let several = [("DiffID", &about.diff_ids), ("RepoDigest", &about.repo_digests), ("RepoTag", &about.repo_tags)];
        list.extend(several.iter().flat_map(|(name, values)| values.iter().map(|value| (*name, value.as_str()))));
        let kind = if report.artifact_type == "container_image" { "container" } else { "application" };
        self.edges.entry(root.to_owned()).or_default();
        json!({"bom-ref": root, "type": kind, "name": report.artifact_name, "properties": properties(&list)})
    }

    fn place(&mut self, report: &Report, outcome: &Outcome, root: &str) {
        let parent = if outcome.class == "os-pkgs" {
            self.system(report, outcome)
        } else if outcome.packages.iter().any(|p| !p.file_path.is_empty()) {
            root.to_owned()
        } else {
            let reference = self.uuids.plain();
            let list = [("Class", outcome.class.as_str()), ("Type", &outcome.kind)];
            self.components.push(json!({
                "bom-ref": reference, "type": "application", "name": outcome.target, "properties": properties(&list),
            }));
            reference
        };
        if parent != root {
            self.edges.entry(root.to_owned()).or_default().insert(parent.clone());
        }
        let references: Vec<String> = outcome.packages.iter().map(|package| self.package(outcome, package)).collect();
        let by_id: BTreeMap<&str, &String> = outcome
            .packages
            .iter()
            .zip(&references)
            .filter(|(package, _)| !package.id.is_empty())
            .map(|(package, reference)| (package.id.as_str(), reference))
            .collect();
        let mut wanted: BTreeSet<&String> = BTreeSet::new();
        for (package, reference) in outcome.packages.iter().zip(&references) {
            let needs: BTreeSet<String> =
                package.depends_on.iter().filter_map(|id| by_id.get(id.as_str())).map(|r| (*r).clone()).collect();
            wanted.extend(package.depends_on.iter().filter_map(|id| by_id.get(id.as_str())).copied());
            self.edges.entry(reference.clone()).or_default().extend(needs);
        }
        let has_root = outcome.packages.iter().any(|p| p.relationship == "root");
        let below = self.edges.entry(parent).or_default();
        for (package, reference) in outcome.packages.iter().zip(&references) {
            let is_top = match package.relationship.as_str() {
                "root" => true,
                "workspace" => !has_root,
                "direct" => !has_root,
                "indirect" => false,
                _ => !wanted.contains(reference),
            };
            if is_top {
                below.insert(reference.clone());
            }
        }
    }

    fn system(&mut self, report: &Report, outcome: &Outcome) -> String {
        let reference = self.uuids.plain();
        let version = report.metadata.os.as_ref().map(|os| os.name.as_str()).unwrap_or_default();
        let list = [("Class", outcome.class.as_str()), ("Type", &outcome.kind)];
        self.components.push(json!({
            "bom-ref": reference, "type": "operating-system", "name": outcome.kind, "version": version,
            "properties": properties(&list),
        }));
        reference
    }

    fn package(&mut self, outcome: &Outcome, package: &Package) -> String {
        let purl = &package.identifier.purl;
        let unique = !purl.is_empty() && self.taken.get(purl) == Some(&1);
        let reference = if unique { purl.clone() } else { self.uuids.plain() };
        self.found.insert(key(outcome, &package.identifier.uid), reference.clone());
        let mut map = Map::new();
        let (group, name) = group(package);
        map.insert("bom-ref".into(), reference.clone().into());
        map.insert("type".into(), "library".into());
        map.insert("name".into(), name.into());
        map.insert("version".into(), installed_without_epoch(package).into());
        let text = |key: &str, value: &str, map: &mut Map<String, Value>| {
            if !value.is_empty() {
                map.insert(key.to_owned(), value.into());
            }
        };
        text("group", &group, &mut map);
        text("purl", purl, &mut map);
        if !package.maintainer.is_empty() {
            map.insert("supplier".into(), json!({"name": package.maintainer}));
        }
        let licenses = package.licenses.iter().map(|name| json!({"license": {"name": name}}));
        let licenses: Vec<Value> = licenses.collect();
        if !licenses.is_empty() {
            map.insert("licenses".into(), licenses.into());
        }
        map.insert("properties".into(), about(outcome, package));
        self.components.push(Value::Object(map));
        reference
    }
}

fn about(outcome: &Outcome, p: &Package) -> Value {
    let epoch = if p.src_epoch == 0 { String::new() } else { p.src_epoch.to_string() };
    properties(&[
        ("FilePath", &p.file_path),
        ("LayerDiffID", &p.layer.diff_id),
        ("LayerDigest", &p.layer.digest),
        ("Modularitylabel", &p.modularity_label),
        ("PkgID", &p.id),
        ("PkgType", &outcome.kind),
        ("SrcEpoch", &epoch),
        ("SrcName", &p.src_name),
        ("SrcRelease", &p.src_release),
        ("SrcVersion", &p.src_version),
    ])
}

fn installed_without_epoch(package: &Package) -> String {
    installed(&Package { epoch: 0, ..package.clone() })
}

/// Maven's group and npm's scope stand apart from the name.
fn group(package: &Package) -> (String, String) {
    let kind = package.identifier.purl.split([':', '/']).nth(1).unwrap_or_default();
    let parted = match kind {
        "maven" => package.name.rsplit_once(':'),
        "npm" => package.name.split_once('/').filter(|(scope, _)| scope.starts_with('@')),
        _ => None,
    };
    parted.map_or((String::new(), package.name.clone()), |(group, name)| (group.to_owned(), name.to_owned()))
}

fn moment(text: &str) -> String {
    text.parse::<Timestamp>().map(|at| at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()).unwrap_or_default()
}

fn vulnerability(merged: &Merged<'_>) -> Value {
    let v = merged.first;
    let mut map = Map::new();
    map.insert("id".into(), v.vulnerability_id.clone().into());
    if let Some(source) = &v.data_source {
        map.insert("source".into(), json!({"name": source.id, "url": source.url}));
    }
    map.insert("ratings".into(), ratings(v).into());
    let cwes: Vec<u32> = v.cwe_ids.iter().filter_map(|id| id.strip_prefix("CWE-")?.parse().ok()).collect();
    if !cwes.is_empty() {
        map.insert("cwes".into(), json!(cwes));
    }
    map.insert("description".into(), v.description.clone().into());
    let fixes: BTreeSet<String> = merged
        .affects
        .iter()
        .filter(|(_, v)| !v.fixed_version.is_empty())
        .map(|(_, v)| format!("Upgrade {} to version {}", v.pkg_name, v.fixed_version))
        .collect();
    if !fixes.is_empty() {
        map.insert("recommendation".into(), fixes.into_iter().collect::<Vec<_>>().join("; ").into());
    }
    let links = [&v.primary_url].into_iter().chain(&v.references).filter(|link| !link.is_empty());
    let mut seen = BTreeSet::new();
    let links = links.filter(|link| seen.insert(link.as_str())).map(|link| json!({"url": link}));
    map.insert("advisories".into(), links.collect());
    for (name, date) in [("published", &v.published_date), ("updated", &v.last_modified_date)] {
        if !date.is_empty() {
            map.insert(name.into(), moment(date).into());
        }
    }
    let affects: BTreeMap<&String, &str> =
        merged.affects.iter().map(|(reference, v)| (reference, v.installed_version.as_str())).collect();
    let affects = affects.into_iter();
    let affects = affects.map(
        |(reference, version)| json!({"ref": reference, "versions": [{"version": version, "status": "affected"}]}),
    );
    map.insert("affects".into(), affects.collect());
    Value::Object(map)
}

/// A rating per source and version of CVSS; a source that has only a word gives that.
fn ratings(v: &Vulnerability) -> Vec<Value> {
    let mut all = Vec::new();
    let none = Cvss::default();
    let names: BTreeSet<&String> = v.cvss.keys().chain(v.vendor_severity.keys()).collect();
    for source in names {
        let cvss = v.cvss.get(source).unwrap_or(&none);
        let word = v.vendor_severity.get(source).copied();
        let before = all.len();
        let three = if cvss.v3_vector.starts_with("CVSS:3.1") { "CVSSv31" } else { "CVSSv3" };
        for (score, vector, method) in [
            (cvss.v2_score, &cvss.v2_vector, "CVSSv2"),
            (cvss.v3_score, &cvss.v3_vector, three),
            (cvss.v40_score, &cvss.v40_vector, "CVSSv4"),
        ] {
            if score > 0.0 || !vector.is_empty() {
                let word =
                    if method == "CVSSv2" { of_second(score) } else { word.map_or_else(|| of_score(score), of_rank) };
                let score = serde_json::to_value(json::Plain(score)).unwrap_or_default();
                all.push(json!({"source": {"name": source}, "score": score, "severity": word, "method": method, "vector": vector}));
            }
        }
        if all.len() == before
            && let Some(rank) = word
        {
            all.push(json!({"source": {"name": source}, "severity": of_rank(rank)}));
        }
    }
    all
}

fn of_rank(rank: u8) -> &'static str {
    ["unknown", "low", "medium", "high", "critical"].get(usize::from(rank)).copied().unwrap_or("unknown")
}

/// CVSS 2 knows no critical.
fn of_second(score: f64) -> &'static str {
    match score {
        s if s >= 7.0 => "high",
        s if s >= 4.0 => "medium",
        s if s > 0.0 => "low",
        _ => "none",
    }
}

fn of_score(score: f64) -> &'static str {
    match score {
        s if s >= 9.0 => "critical",
        s if s > 0.0 => of_second(score),
        _ => "none",
    }
}
