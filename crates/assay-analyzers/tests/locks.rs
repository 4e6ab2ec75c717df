//! Lock files of the corpus against the lists that another scanner made of them, field by field.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;

use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Inventory;
use common::*;
use serde_json::{Map, Value, json};

/// A repository of the corpus as this crate sees it, and the packages of the expected report.
fn repository(name: &str, golden: &str) -> Option<(Inventory, Vec<Value>)> {
    let folder = corpus(&format!("oracles/trivy/repo/{name}"))?;
    let golden = corpus(&format!("oracles/trivy/golden/{golden}.json.golden"))?;
    let report: Value = serde_json::from_slice(&fs::read(golden).unwrap()).unwrap();
    let packages = report["Results"].as_array().unwrap().iter().flat_map(|result| {
        let target = result["Target"].clone();
        let packages = result["Packages"].as_array().cloned().unwrap_or_default();
        packages.into_iter().map(move |package| (target.clone(), package))
    });
    let expected = packages.map(|(target, package)| compared(&target, &package)).collect();
    Some((inspector().directory(&folder).unwrap(), expected))
}

/// The fields of an expected package that an inventory decides.
fn compared(target: &Value, package: &Value) -> Value {
    let mut fields = Map::new();
    fields.insert("Target".to_owned(), target.clone());
    for key in ["ID", "Name", "Version", "Licenses", "Relationship", "DependsOn", "Locations", "Dev"] {
        if let Some(value) = package.get(key) {
            fields.insert(key.to_owned(), value.clone());
        }
    }
    Value::Object(fields)
}

/// The same fields of what was found.
fn as_expected(found: &Occurrence, known: &dyn Fn(&str) -> bool) -> Value {
    let component = &found.component;
    let name = match component.namespace.as_str() {
        "" => component.name.clone(),
        namespace => format!("{namespace}/{}", component.name),
    };
    let mut package = json!({ "Target": found.path, "Name": name, "Version": component.version });
    let mut set = |key: &str, value: Value, is_set: bool| {
        if is_set {
            package[key] = value;
        }
    };
    set("ID", json!(found.id), !found.id.is_empty());
    set("Licenses", json!(found.licenses), !found.licenses.is_empty());
    let relationship = format!("{:?}", found.relationship).to_lowercase();
    set("Relationship", json!(relationship), found.relationship != Relationship::Unknown);
    let needs: Vec<&String> = found.depends_on.iter().filter(|id| known(id)).collect();
    set("DependsOn", json!(needs), !needs.is_empty());
    let lines: Vec<Value> =
        found.lines.iter().map(|lines| json!({ "StartLine": lines.first, "EndLine": lines.last })).collect();
    set("Locations", json!(lines), !lines.is_empty());
    set("Dev", json!(true), found.dev);
    package
}

fn agrees(name: &str, golden: &str, analyzer: &str, with_dev: bool) {
    let Some((inventory, mut expected)) = repository(name, golden) else { return };
    let listed: Vec<&Occurrence> =
        inventory.components.iter().filter(|found| found.analyzer == analyzer && (with_dev || !found.dev)).collect();
    let known = |id: &str| listed.iter().any(|found| found.id == id);
    let mut found: Vec<Value> = listed.iter().map(|found| as_expected(found, &known)).collect();
    let key = |package: &Value| (package["Name"].to_string(), package["Version"].to_string());
    found.sort_by_key(key);
    expected.sort_by_key(key);
    assert!(!expected.is_empty());
    assert_eq!(found, expected, "{golden}");
}

#[test]
fn npm() {
    agrees("npm", "npm", "npm", false);
    agrees("npm", "npm-with-dev", "npm", true);
}

#[test]
fn yarn() {
    agrees("yarn", "yarn", "yarn", false);
}

#[test]
fn pip() {
    agrees("pip", "pip", "pip", false);
    let Some((inventory, _)) = repository("pip", "pip") else { return };
    let unpinned: Vec<&str> = inventory.skipped.iter().map(|skipped| skipped.detail.as_str()).collect();
    assert_eq!(unpinned, ["no version is known of: MarkupSafe>2.0.0 (line 5)"]);
}

#[test]
fn poetry() {
    agrees("poetry", "poetry", "poetry", false);
}

const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {"version": "1.0.0"}}}"#;

#[test]
fn a_lock_file_by_itself_in_an_archive_and_in_an_image() {
    let alone = inspect("package-lock.json", LOCK.as_bytes()).unwrap();
    assert_eq!(purls(&alone), ["pkg:npm/a@1.0.0"]);
    assert_eq!(alone.components[0].path, "package-lock.json");
    let manifest = r#"{"name": "a", "version": "1.0.0", "license": "MIT"}"#;
    let files = [("x/node_modules/a/package.json", manifest), ("x/package-lock.json", LOCK)];
    let tree = inspect("source.tar", &tar_of(&files)).unwrap();
    let locked: Vec<&Occurrence> = tree.components.iter().filter(|found| found.analyzer == "npm").collect();
    assert_eq!(locked.len(), 1);
    assert_eq!((locked[0].path.as_str(), locked[0].licenses.join(" ").as_str()), ("x/package-lock.json", "MIT"));
    assert!(tree.read.iter().any(|read| read.path == "x/package-lock.json" && read.found == 1));
    let image = layer(&tar_of(&files));
    assert!(image.components.iter().all(|found| found.analyzer != "npm"));
}
