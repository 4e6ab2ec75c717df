//! Lock files and manifests of the corpus, against what another scanner's reports say of each of their packages.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use assay_analyzers::pom_package_id;
use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Inventory;
use common::*;
use serde_json::{Value, json};

/// Analyzer, and the word that reports use for its kind.
const KINDS: [(&str, &str); 6] = [
    ("gomod", "gomod"),
    ("cargo", "cargo"),
    ("composer", "composer"),
    ("nuget", "nuget"),
    ("conan", "conan"),
    ("pom", "pom"),
];

/// The identifier as a report has it: that of a Maven package depends on the path the report was asked for.
fn identifier(found: &Occurrence, input: &str) -> String {
    match found.analyzer.as_str() {
        "pom" => {
            let (coordinates, _) = found.id.split_once("::").unwrap();
            pom_package_id(coordinates, &format!("testdata/fixtures/{input}/{}", found.path))
        }
        _ => found.id.clone(),
    }
}

fn kind(analyzer: &str) -> Option<&'static str> {
    KINDS.iter().find(|(id, _)| *id == analyzer).map(|(_, kind)| *kind)
}

fn name(found: &Occurrence) -> String {
    let separator = if found.component.purl_type == "maven" { ":" } else { "/" };
    match found.component.namespace.as_str() {
        "" => found.component.name.clone(),
        namespace => format!("{namespace}{separator}{}", found.component.name),
    }
}

/// The package as a report words it, without what cannot be compared.
fn package(found: &Occurrence) -> Value {
    let mut package = json!({"ID": found.id, "Name": name(found), "Identifier": {"PURL": found.component.purl}});
    let mut put = |key: &str, value: Value| {
        package[key] = value;
    };
    if !found.component.version.is_empty() {
        put("Version", found.component.version.clone().into());
    }
    let relationship = format!("{:?}", found.relationship).to_lowercase();
    if found.relationship == Relationship::Indirect {
        put("Indirect", true.into());
    }
    if found.relationship != Relationship::Unknown {
        put("Relationship", relationship.into());
    }
    if !found.depends_on.is_empty() {
        put("DependsOn", json!(found.depends_on));
    }
    if !found.licenses.is_empty() {
        put("Licenses", json!(found.licenses));
    }
    if !found.lines.is_empty() {
        let lines = found.lines.iter().map(|lines| json!({"StartLine": lines.first, "EndLine": lines.last}));
        put("Locations", lines.collect());
    }
    package
}

fn directory(path: &Path) -> Inventory {
    inspector().directory(path).unwrap()
}

/// The inputs of the goldens by `cases.tsv`.
fn cases(root: &Path) -> Vec<(String, String, String)> {
    let table = std::fs::read_to_string(root.join("cases.tsv")).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns = line.split('\t').map(str::to_owned);
        (columns.next().unwrap(), columns.nth(1).unwrap(), columns.next().unwrap_or_default())
    });
    rows.filter(|(golden, input, _)| input.starts_with("repo/") && !golden.contains("cyclonedx")).collect()
}

#[test]
fn packages_are_those_of_the_goldens() {
    let Some(root) = corpus("oracles/trivy") else { return };
    let mut compared = 0;
    for (golden, input, options) in cases(&root) {
        let golden: Value = serde_json::from_str(&std::fs::read_to_string(root.join(&golden)).unwrap()).unwrap();
        let inventory = directory(&root.join(&input));
        for result in golden["Results"].as_array().unwrap() {
            let Some(packages) = result["Packages"].as_array() else { continue };
            let of_result = |found: &&Occurrence| {
                Some(found.path.as_str()) == result["Target"].as_str()
                    && kind(&found.analyzer) == result["Type"].as_str()
                    && (!found.dev || options.contains("--include-dev-deps"))
            };
            let found: Vec<&Occurrence> = inventory.components.iter().filter(of_result).collect();
            let known = KINDS.iter().any(|(_, kind)| Some(*kind) == result["Type"].as_str());
            if !known {
                continue;
            }
            let shown: Vec<&str> = found.iter().map(|found| found.id.as_str()).collect();
            let ours: BTreeMap<&str, Value> = found.iter().map(|found| (found.id.as_str(), package(found))).collect();
            for theirs in packages {
                let mut theirs = theirs.clone();
                let fields = theirs.as_object_mut().unwrap();
                fields.remove("AnalyzedBy");
                fields["Identifier"].as_object_mut().unwrap().remove("UID");
                let id = fields["ID"].as_str().unwrap().to_owned();
                assert_eq!(ours.get(id.as_str()), Some(&theirs), "{input}: {id}");
                compared += 1;
            }
            assert_eq!(ours.len(), packages.len(), "{input}: {shown:?}");
        }
    }
    eprintln!("{compared} packages compared");
    assert!(compared > 0);
}

#[test]
fn vulnerable_packages_of_the_goldens_are_found() {
    let Some(root) = corpus("oracles/trivy") else { return };
    for (golden, input, _) in cases(&root) {
        let golden: Value = serde_json::from_str(&std::fs::read_to_string(root.join(&golden)).unwrap()).unwrap();
        let inventory = directory(&root.join(&input));
        for result in golden["Results"].as_array().unwrap() {
            if !KINDS.iter().any(|(_, kind)| Some(*kind) == result["Type"].as_str()) {
                continue;
            }
            for finding in result["Vulnerabilities"].as_array().into_iter().flatten() {
                let found = inventory.components.iter().any(|found| {
                    Some(found.path.as_str()) == result["Target"].as_str()
                        && Some(identifier(found, &input).as_str()) == finding["PkgID"].as_str()
                        && Some(found.component.version.as_str()) == finding["InstalledVersion"].as_str()
                        && Some(found.component.purl.as_str()) == finding["PkgIdentifier"]["PURL"].as_str()
                });
                assert!(found, "{input}: {finding}");
            }
        }
    }
}

#[test]
fn maven_s_packages_are_those_of_the_bill_of_materials() {
    let Some(root) = corpus("oracles/trivy") else { return };
    let golden = std::fs::read_to_string(root.join("golden/pom-cyclonedx.json.golden")).unwrap();
    let golden: Value = serde_json::from_str(&golden).unwrap();
    let property = |component: &Value| {
        let mut properties = component["properties"].as_array().unwrap().iter();
        let id = properties.find(|property| property["name"].as_str().unwrap().ends_with("PkgID"))?;
        Some(id["value"].as_str().unwrap().to_owned())
    };
    let mut theirs: Vec<String> = golden["components"].as_array().unwrap().iter().filter_map(property).collect();
    let inventory = directory(&root.join("repo/pom"));
    let found = inventory.components.iter().filter(|found| !found.dev);
    let mut ours: Vec<String> = found.map(|found| identifier(found, "repo/pom")).collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
    let main = named(&inventory, "log4shell");
    assert_eq!(main.relationship, Relationship::Root);
    assert_eq!(named(&inventory, "jackson-databind").lines[0].first, 41);
}
