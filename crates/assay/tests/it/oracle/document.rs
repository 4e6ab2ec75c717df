//! Comparing documents: decoded and member by member; SARIF to the letter.
//!
//! Mapped, because it is the maker's own: the version below `Trivy` and the tool's name. Checked for their form and then
//! taken as equal, because the expected documents were made with a fixed clock and counted UUIDs: `ReportID`, `CreatedAt`,
//! and in bills of materials the serial number, the time and the references that are UUIDs (which have to be distinct,
//! and stand for the same components).
//!
//! Left out of reports: image history, digests of repositories and of layers, as the corpus asks.
//! A bill of materials is expected to give the report of the image it was made from, but cannot know all of it. For these
//! cases the expected report loses `ArtifactID`, `Size`, `Layers` and `ImageConfig`, and the UIDs of packages (a UID hashes
//! layers and the files of a package, which only the image has); its `ArtifactName`, `ArtifactType` and targets are those of
//! the bill, and each `Fingerprint` is made anew from these. `PkgIdentifier.BOMRef`, which the image's report has not, has to be
//! the package's own reference where it is given: it is compared with the `PURL`, as the corpus' bills have it.

use super::case::Case;
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Differences that are told; there may be more.
const TOLD: usize = 12;

/// A report in Trivy's JSON.
pub(super) fn same_report(case: &Case, expected: &str, found: &str) -> Result<()> {
    let mut expected: Value = serde_json::from_str(expected).context("the expected document")?;
    let mut found: Value = serde_json::from_str(found).context("our document")?;
    check_own(&found)?;
    for document in [&mut expected, &mut found] {
        forget(document, &["Trivy", "ReportID", "CreatedAt"]);
        forget_layers(document);
    }
    let image = expected["ArtifactType"] == "container_image";
    if case.command == "sbom" && image {
        as_of_bill(case, &mut expected, &mut found)?;
    }
    compare(&expected, &found)
}

/// What is ours has to have the right form.
fn check_own(found: &Value) -> Result<()> {
    let id = found["ReportID"].as_str().unwrap_or_default();
    if id.len() != 36 || id.as_bytes().get(14) != Some(&b'7') {
        bail!("ReportID {id:?} is no UUID of version 7");
    }
    let at = found["CreatedAt"].as_str().unwrap_or_default();
    if at.parse::<jiff::Timestamp>().is_err() || !at.ends_with('Z') {
        bail!("CreatedAt {at:?} is no time in UTC");
    }
    Ok(())
}

fn forget(value: &mut Value, keys: &[&str]) {
    if let Some(map) = value.as_object_mut() {
        keys.iter().for_each(|key| drop(map.remove(*key)));
    }
}

/// Digests of repositories and layers, and the image's history.
fn forget_layers(document: &mut Value) {
    if let Some(metadata) = document.get_mut("Metadata") {
        forget(metadata, &["RepoDigests", "Layers"]);
        if let Some(config) = metadata.get_mut("ImageConfig") {
            forget(config, &["history"]);
        }
    }
    each_package(document, &mut |package| forget_digest(package));
}

fn forget_digest(package: &mut Map<String, Value>) {
    let emptied = package.get_mut("Layer").and_then(Value::as_object_mut).is_some_and(|layer| {
        layer.remove("Digest");
        layer.is_empty()
    });
    if emptied {
        package.remove("Layer");
    }
}

/// Calls for every package and every finding.
fn each_package(document: &mut Value, act: &mut dyn FnMut(&mut Map<String, Value>)) {
    for result in document["Results"].as_array_mut().into_iter().flatten() {
        for list in ["Packages", "Vulnerabilities"] {
            let items = result.get_mut(list).and_then(Value::as_array_mut);
            items.into_iter().flatten().filter_map(Value::as_object_mut).for_each(&mut *act);
        }
    }
}

/// The report of an image as that of the bill of materials that was made from it.
fn as_of_bill(case: &Case, expected: &mut Value, found: &mut Value) -> Result<()> {
    let (name, image) = (case.shown(), expected["ArtifactName"].as_str().unwrap_or_default().to_owned());
    let kind = if case.shown().contains("spdx") { "spdx" } else { "cyclonedx" };
    forget(expected, &["ArtifactID"]);
    expected["ArtifactName"] = name.as_str().into();
    expected["ArtifactType"] = kind.into();
    for document in [&mut *expected, &mut *found] {
        if let Some(metadata) = document.get_mut("Metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| !["Size", "Layers", "ImageConfig"].contains(&key.as_str()));
        }
    }
    for result in expected["Results"].as_array_mut().into_iter().flatten() {
        let target = result["Target"].as_str().unwrap_or_default().replace(&image, &name);
        for finding in result["Vulnerabilities"].as_array_mut().into_iter().flatten() {
            let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            let hashed = format!(":{target}:{}:{}", text("PkgID"), text("VulnerabilityID"));
            finding["Fingerprint"] = format!("sha256:{}", hex::encode(Sha256::digest(hashed.as_bytes()))).into();
        }
        result["Target"] = target.into();
    }
    let mut trouble = None;
    each_package(found, &mut |package| {
        let identifier = ["Identifier", "PkgIdentifier"].into_iter().find_map(|key| package.get(key).cloned());
        trouble = trouble.take().or_else(|| odd_identifier(identifier.as_ref()?));
    });
    if let Some(trouble) = trouble {
        bail!("{trouble}");
    }
    for document in [expected, found] {
        each_package(document, &mut |package| {
            for key in ["Identifier", "PkgIdentifier"] {
                if let Some(identifier) = package.get_mut(key) {
                    forget(identifier, &["UID", "BOMRef"]);
                }
            }
        });
    }
    Ok(())
}

/// A UID has to be there, and a reference that is a package URL has to be that of the package, whatever its order.
fn odd_identifier(identifier: &Value) -> Option<String> {
    if identifier["UID"].as_str().is_none_or(str::is_empty) {
        return Some(format!("no UID in {identifier}"));
    }
    let reference = identifier["BOMRef"].as_str().filter(|reference| reference.starts_with("pkg:"))?;
    let parts = |purl: &str| {
        let mut parts: Vec<String> = purl.split(['?', '&']).map(str::to_owned).collect();
        parts.sort();
        parts
    };
    let purl = identifier["PURL"].as_str().unwrap_or_default();
    (parts(reference) != parts(purl)).then(|| format!("the reference {reference} is not that of {purl}"))
}

/// CycloneDX in Trivy's shape.
pub(super) fn same_bill(expected: &str, found: &str) -> Result<()> {
    let mut expected: Value = serde_json::from_str(expected).context("the expected document")?;
    let mut found: Value = serde_json::from_str(found).context("our document")?;
    let at = found["metadata"]["timestamp"].as_str().unwrap_or_default().to_owned();
    if at.parse::<jiff::Timestamp>().is_err() {
        bail!("timestamp {at:?} is no time");
    }
    for document in [&mut expected, &mut found] {
        forget(&mut document["metadata"], &["timestamp", "tools"]);
        let mut names = BTreeMap::new();
        name_uuids(document, &mut names);
        sort_edges(document);
    }
    compare(&expected, &found)
}

/// UUIDs become numbers in the order in which the document has them.
fn name_uuids(value: &mut Value, names: &mut BTreeMap<String, usize>) {
    match value {
        Value::String(text) => {
            let uuid = text.strip_prefix("urn:uuid:").unwrap_or(text);
            let is_uuid = uuid.len() == 36 && uuid.bytes().filter(|b| *b == b'-').count() == 4;
            if is_uuid && uuid.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()) {
                let next = names.len();
                *text = format!("uuid {}", names.entry(uuid.to_owned()).or_insert(next));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| name_uuids(item, names)),
        Value::Object(map) => {
            // the dependencies last: their order is that of the UUIDs themselves
            let (last, first): (Vec<String>, Vec<String>) = map.keys().cloned().partition(|key| key == "dependencies");
            for key in first.into_iter().chain(last) {
                map.get_mut(&key).into_iter().for_each(|item| name_uuids(item, names));
            }
        }
        _ => {}
    }
}

fn sort_edges(document: &mut Value) {
    let Some(edges) = document["dependencies"].as_array_mut() else { return };
    for edge in edges.iter_mut() {
        if let Some(needs) = edge["dependsOn"].as_array_mut() {
            needs.sort_by_key(ToString::to_string);
        }
    }
    edges.sort_by_key(|edge| edge["ref"].to_string());
}

/// SARIF, letter by letter but for the tool's name, address and version.
pub(super) fn same_sarif(expected: &str, found: &str) -> Result<()> {
    let own = |line: &str| {
        let line = line.trim_start();
        let keys = ["\"fullName\": ", "\"informationUri\": ", "\"name\": \"Trivy\"", "\"name\": \"Assay\""];
        keys.iter().any(|key| line.starts_with(key)) || (line.starts_with("\"version\": ") && !line.ends_with(','))
    };
    let lines = |text: &str| -> Vec<String> {
        let mapped = |line: &str| match line.split_once(": ") {
            Some((key, _)) if own(line) => format!("{key}: the maker's own"),
            _ => line.to_owned(),
        };
        text.trim_end_matches('\n').split('\n').map(mapped).collect()
    };
    let (expected, found) = (lines(expected), lines(found));
    for (at, (a, b)) in expected.iter().zip(&found).enumerate() {
        if a != b {
            bail!("line {}:\n  expected {a}\n  found    {b}", at + 1);
        }
    }
    if expected.len() != found.len() {
        bail!("{} lines were expected, {} are there", expected.len(), found.len());
    }
    Ok(())
}

fn compare(expected: &Value, found: &Value) -> Result<()> {
    let mut differences = Vec::new();
    walk("", expected, found, &mut differences);
    if differences.is_empty() {
        return Ok(());
    }
    let more = differences.len().saturating_sub(TOLD);
    differences.truncate(TOLD);
    bail!("\n  {}{}", differences.join("\n  "), if more > 0 { format!("\n  and {more} more") } else { String::new() })
}

fn walk(at: &str, expected: &Value, found: &Value, out: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                match b.get(key) {
                    Some(other) => walk(&format!("{at}/{key}"), value, other, out),
                    None => out.push(format!("{at}/{key} is missing: {}", short(value))),
                }
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                out.push(format!("{at}/{key} is not expected: {}", short(value)));
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for (n, (x, y)) in a.iter().zip(b).enumerate() {
                walk(&format!("{at}/{n}"), x, y, out);
            }
            if a.len() != b.len() {
                out.push(format!("{at}: {} items were expected, {} are there", a.len(), b.len()));
            }
        }
        (a, b) if a == b => {}
        (a, b) => out.push(format!("{at}: expected {}, found {}", short(a), short(b))),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(160).collect()
}
