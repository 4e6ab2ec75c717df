//! Bills of materials: valid by the official schemas, the same bytes for the same content, nothing lost between encodings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use assay_engine::{
    ScoredFinding,
    report::{Document, SbomFormat, Sources, Subject, render},
};
use assay_model::{
    component::{Component, Lines, Occurrence, Relationship},
    finding::{Cvss, Detail, Finding, Origin, Severity, Status},
    inventory::{ImageFacts, ImageLayer, Inventory, OsRelease, Secret, Skipped},
    score::{Epss, Kev},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::PathBuf,
};

fn corpus(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ASSAY_CORPUS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let path = root.join(path);
    if !path.exists() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: test data is not there: {}", path.display());
        return None;
    }
    Some(path)
}

fn component(purl: &str, ecosystem: &str, namespace: &str, name: &str, version: &str) -> Component {
    Component {
        purl: purl.into(),
        purl_type: purl.trim_start_matches("pkg:").split('/').next().unwrap().into(),
        namespace: namespace.into(),
        name: name.into(),
        version: version.into(),
        ecosystem: ecosystem.into(),
        match_name: name.into(),
        match_version: version.into(),
    }
}

fn in_lock_file(name: &str, version: &str, needs: &[&str], relationship: Relationship) -> Occurrence {
    Occurrence {
        component: component(&format!("pkg:npm/{name}@{version}"), "npm", "", name, version),
        path: "app/package-lock.json".into(),
        analyzer: "npm-lock".into(),
        id: format!("{name}@{version}"),
        depends_on: needs.iter().map(|&id| id.to_owned()).collect(),
        relationship,
        lines: vec![Lines { first: 3, last: 9 }],
        ..Occurrence::default()
    }
}

fn world() -> (Subject, Inventory) {
    let mut client = Occurrence {
        component: component(
            "pkg:apk/alpine/ssl_client@1.36.1-r29?arch=x86_64&distro=alpine-3.20.3&upstream=busybox",
            "Alpine:v3.20",
            "alpine",
            "ssl_client",
            "1.36.1-r29",
        ),
        path: "lib/apk/db/installed".into(),
        layer: Some(format!("sha256:{}", "a".repeat(64))),
        analyzer: "apk".into(),
        licenses: vec!["GPL-2.0-only".into()],
        digest: Some(format!("sha1:{}", "b".repeat(40))),
        requires: vec!["so:libc.musl-x86_64.so.1".into()],
        properties: BTreeMap::from([("apk.maintainer".into(), "Somebody <somebody@example.org>".into())]),
        ..Occurrence::default()
    };
    client.component.match_name = "busybox".into();
    let mut tool = in_lock_file("tool", "1.0.0", &[], Relationship::Direct);
    tool.dev = true;
    tool.licenses = vec!["MIT".into(), "See \u{1} LICENSE".into(), "MIT OR Apache-2.0".into()];
    let mut leaf = in_lock_file("leaf", "3.1.0", &[], Relationship::Indirect);
    leaf.licenses = vec!["(MIT OR Apache-2.0)".into()];
    let mut twice = leaf.clone();
    twice.path = "other/package-lock.json".into();
    let components = vec![
        in_lock_file("app", "0.1.0", &["tool@1.0.0", "web@2.0.0"], Relationship::Root),
        tool,
        in_lock_file("web", "2.0.0", &["leaf@3.1.0", "gone@1.0.0"], Relationship::Direct),
        leaf,
        twice,
        client,
    ];
    let os = OsRelease {
        id: "alpine".into(),
        version: "3.20.3".into(),
        name: "Alpine Linux v3.20".into(),
        ecosystem: "Alpine:v3.20".into(),
        path: "etc/os-release".into(),
    };
    let image = ImageFacts {
        id: format!("sha256:{}", "c".repeat(64)),
        tags: vec!["example/app:1".into()],
        layers: vec![ImageLayer { digest: format!("sha256:{}", "a".repeat(64)), ..ImageLayer::default() }],
        config: json!({"os": "linux", "architecture": "amd64", "config": {"Labels": {"maintainer": "x"}}}),
        ..ImageFacts::default()
    };
    let secret = Secret {
        rule: "some-key".into(),
        category: "Some".into(),
        title: "A key".into(),
        severity: Severity::High,
        path: "app/.env".into(),
        layer: None,
        first_line: 1,
        last_line: 1,
        offset: 0,
        matched: "KEY=**********".into(),
        context: Vec::new(),
    };
    let skipped =
        Skipped { path: "app/x.zip".into(), reason: "encrypted".into(), detail: "the entry x is encrypted".into() };
    let inventory = Inventory {
        components,
        os: Some(os),
        image: Some(image),
        secrets: vec![secret],
        skipped: vec![skipped],
        ..Inventory::default()
    };
    (Subject { name: "example/app".into(), version: "1".into(), is_image: true, sha256: None }, inventory)
}

fn findings(inventory: &Inventory) -> (Vec<ScoredFinding>, BTreeMap<String, Detail>) {
    let of = |name: &str, id: &str, status: Status| {
        let found = inventory.components.iter().find(|one| one.component.name == name).unwrap();
        let v3 = Cvss {
            v3_score: Some(9.8),
            v3_vector: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".into()),
            v2_score: Some(6.8),
            v2_vector: Some("AV:N/AC:M/Au:N/C:P/I:P/A:P".into()),
            ..Cvss::default()
        };
        ScoredFinding {
            component: found.component.clone(),
            assessment: Default::default(),
            finding: Finding {
                id: id.into(),
                aliases: BTreeSet::from(["GHSA-aaaa-bbbb-cccc".into()]),
                severity: Severity::Critical,
                severities: BTreeMap::from([("ghsa".into(), Severity::High)]),
                cvss: BTreeMap::from([("nvd".into(), v3)]),
                status,
                fixed_versions: vec!["4.0.0".into()],
                nearest_fixed: Some("4.0.0".into()),
                origin: Some(Origin {
                    id: "ghsa".into(),
                    url: "https://example.org/db?a=b".into(),
                    ..Origin::default()
                }),
                ..Finding::default()
            },
            epss: Some(Epss { cve: id.into(), score: 0.5, percentile: 0.9, date: "2026-08-16".into() }),
            kev: Some(Kev {
                cve: id.into(),
                date_added: "2026-01-01".into(),
                due_date: "2026-02-01".into(),
                ransomware: true,
                name: "A thing".into(),
            }),
        }
    };
    let detail = Detail {
        title: Some("Title & <more>".into()),
        description: Some("Long\ntext".into()),
        cwes: vec!["CWE-502".into(), "unknown".into()],
        references: vec!["https://example.org/a?b=[c]".into(), "javascript:alert(1)".into()],
        published: Some("2026-01-01T00:00:00Z".into()),
        modified: Some("yesterday".into()),
    };
    let all = vec![
        of("leaf", "CVE-2026-0001", Status::Fixed),
        of("ssl_client", "CVE-2026-0002", Status::WillNotFix),
        of("web", "CVE-2026-0002", Status::Affected),
        of("tool", "CVE-2026-0003", Status::UnderInvestigation),
    ];
    (all, BTreeMap::from([("CVE-2026-0001".into(), detail)]))
}

fn written(format: SbomFormat) -> String {
    let (subject, inventory) = world();
    let (findings, details) = findings(&inventory);
    let at = "2026-08-16T12:00:00.5Z".parse().unwrap();
    render(format, Sources { subject: &subject, inventory: &inventory, findings: &findings, details: &details, at })
}

fn json_of(format: SbomFormat) -> Value {
    serde_json::from_str(&written(format)).unwrap()
}

fn assert_valid(document: &Value, schema: &str) {
    let Some(folder) = corpus("feeds/schemas") else { return };
    let read = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
    let parts = ["spdx.schema.json", "jsf-0.82.schema.json", "cryptography-defs.schema.json"];
    let registry = parts.iter().fold(jsonschema::Registry::new(), |registry, name| {
        registry.add(format!("http://cyclonedx.org/schema/{name}"), read(&format!("cyclonedx/{name}"))).unwrap()
    });
    let registry = registry.prepare().unwrap();
    let schema_text = read(schema);
    let validator =
        jsonschema::options().should_validate_formats(true).with_registry(&registry).build(&schema_text).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "not valid by {schema}: {wrong:#?}");
    let mut broken = document.clone();
    for part in ["components", "packages"] {
        if broken.get(part).is_some() {
            broken[part] = "none".into();
        }
    }
    assert!(!validator.is_valid(&broken), "the schema is really applied");
}

#[test]
fn documents_are_valid_by_the_official_schemas() {
    assert_valid(&json_of(SbomFormat::CycloneDx16Json), "cyclonedx/bom-1.6.schema.json");
    assert_valid(&json_of(SbomFormat::CycloneDx17Json), "cyclonedx/bom-1.7.schema.json");
    assert_valid(&json_of(SbomFormat::Spdx23Json), "spdx-2.3.schema.json");
}

#[test]
fn the_same_content_gives_the_same_bytes_and_other_content_another_number() {
    for format in SbomFormat::ALL {
        assert_eq!(written(format), written(format), "{format}");
    }
    let (subject, mut inventory) = world();
    let at = "2026-08-16T12:00:00Z".parse().unwrap();
    let details = BTreeMap::new();
    let number = |inventory: &Inventory| {
        let sources = Sources { subject: &subject, inventory, findings: &[], details: &details, at };
        let document: Value = serde_json::from_str(&render(SbomFormat::CycloneDx16Json, sources)).unwrap();
        document["serialNumber"].as_str().unwrap().to_owned()
    };
    let before = number(&inventory);
    inventory.components.pop();
    assert_ne!(before, number(&inventory));
}

#[test]
fn secrets_are_in_no_document() {
    for format in SbomFormat::ALL {
        let text = written(format);
        assert!(!text.contains("KEY=") && !text.contains("some-key"), "{format}");
    }
}

fn graph(document: &Value) -> BTreeMap<&str, Vec<&str>> {
    let below = |one: &'_ Value| one["dependsOn"].as_array().map(|all| all.len());
    let all = document["dependencies"].as_array().unwrap();
    assert!(all.iter().all(|one| below(one).is_some()));
    all.iter()
        .map(|one| {
            let to = one["dependsOn"].as_array().unwrap().iter().map(|to| to.as_str().unwrap()).collect();
            (one["ref"].as_str().unwrap(), to)
        })
        .collect()
}

#[test]
fn the_graph_leads_from_the_artifact_over_files_to_packages() {
    let document = json_of(SbomFormat::CycloneDx16Json);
    let graph = graph(&document);
    let root = document["metadata"]["component"]["bom-ref"].as_str().unwrap();
    assert_eq!(document["metadata"]["component"]["type"], "container");
    assert_eq!(graph[root], ["file:app/package-lock.json", "file:other/package-lock.json", "os:alpine@3.20.3"]);
    assert_eq!(graph["file:app/package-lock.json"], ["pkg:npm/app@0.1.0"]);
    assert_eq!(graph["pkg:npm/app@0.1.0"], ["pkg:npm/tool@1.0.0", "pkg:npm/web@2.0.0"]);
    assert_eq!(graph["pkg:npm/web@2.0.0"], ["pkg:npm/leaf@3.1.0"]);
    assert_eq!(graph["file:other/package-lock.json"], ["pkg:npm/leaf@3.1.0#2"]);
    assert_eq!(graph["os:alpine@3.20.3"].len(), 1);
    assert_eq!(document["compositions"][0]["aggregate"], "incomplete");
    assert_eq!(document["metadata"]["properties"][0]["name"], "assay:skipped:encrypted");
}

#[test]
fn licences_are_ids_expressions_or_names() {
    let document = json_of(SbomFormat::CycloneDx16Json);
    let of = |name: &str| {
        let all = document["components"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap()["licenses"].clone()
    };
    assert_eq!(of("ssl_client"), json!([{"license": {"id": "GPL-2.0-only"}}]));
    assert_eq!(of("leaf"), json!([{"expression": "(MIT OR Apache-2.0)"}]));
    let several = json!([
        {"license": {"id": "MIT"}}, {"license": {"name": "See \u{1} LICENSE"}}, {"license": {"name": "MIT OR Apache-2.0"}}
    ]);
    assert_eq!(of("tool"), several);
    let spdx = json_of(SbomFormat::Spdx23Json);
    let tool = spdx["packages"].as_array().unwrap().iter().find(|one| one["name"] == "tool").unwrap().clone();
    let reference = spdx["hasExtractedLicensingInfos"][0]["licenseId"].as_str().unwrap();
    assert_eq!(tool["licenseDeclared"], format!("MIT AND {reference} AND (MIT OR Apache-2.0)"));
}

#[test]
fn vulnerabilities_tell_ratings_affected_versions_and_what_is_intended() {
    let document = json_of(SbomFormat::CycloneDx17Json);
    let all = document["vulnerabilities"].as_array().unwrap();
    assert_eq!(all.len(), 4, "one id with two answers is two entries");
    let first = &all[0];
    assert_eq!(first["affects"].as_array().unwrap().len(), 2, "both copies of it");
    let methods: Vec<&Value> = first["ratings"].as_array().unwrap().iter().map(|one| &one["method"]).collect();
    assert_eq!(methods, [&Value::Null, &"CVSSv2".into(), &"CVSSv31".into()]);
    assert_eq!(first["cwes"], json!([502]));
    assert_eq!(first["advisories"], json!([{"url": "https://example.org/a?b=%5Bc%5D"}]));
    assert_eq!(first["updated"], Value::Null);
    assert_eq!(first["affects"][0]["versions"][1], json!({"version": "4.0.0", "status": "unaffected"}));
    let properties: BTreeMap<&str, &str> = first["properties"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["value"].as_str().unwrap()))
        .collect();
    assert_eq!((properties["assay:epss:score"], properties["assay:kev:ransomware"]), ("0.5", "true"));
    let will_not: Vec<&Value> = all.iter().filter(|one| one["analysis"]["response"][0] == "will_not_fix").collect();
    assert_eq!(will_not.len(), 1);
    assert!(all.iter().any(|one| one["analysis"]["state"] == "in_triage"));
}

#[test]
fn xml_says_what_json_says() {
    for (xml, json) in [
        (SbomFormat::CycloneDx16Xml, SbomFormat::CycloneDx16Json),
        (SbomFormat::CycloneDx17Xml, SbomFormat::CycloneDx17Json),
    ] {
        let (text, json) = (written(xml), json_of(json));
        let tree = roxmltree::Document::parse(&text).unwrap();
        let root = tree.root_element();
        let version = json["specVersion"].as_str().unwrap();
        assert_eq!(root.tag_name().namespace(), Some(format!("http://cyclonedx.org/schema/bom/{version}").as_str()));
        assert_eq!(root.attribute("serialNumber"), json["serialNumber"].as_str());
        let order: Vec<&str> = root.children().filter(|n| n.is_element()).map(|n| n.tag_name().name()).collect();
        assert_eq!(order, ["metadata", "components", "dependencies", "compositions", "vulnerabilities"]);
        let child = |name: &str| {
            root.children().find(|n| n.has_tag_name((root.tag_name().namespace().unwrap(), name))).unwrap()
        };
        let text_of = |n: roxmltree::Node<'_, '_>, name: &str| {
            n.children().find(|c| c.tag_name().name() == name).and_then(|c| c.text().map(str::to_owned))
        };
        let components: Vec<_> = child("components").children().filter(|n| n.is_element()).collect();
        let expected = json["components"].as_array().unwrap();
        assert_eq!(components.len(), expected.len());
        for (one, expected) in components.iter().zip(expected) {
            assert_eq!(text_of(*one, "purl").as_deref(), expected["purl"].as_str());
            assert_eq!(one.attribute("bom-ref"), expected["bom-ref"].as_str());
            let places: Vec<usize> = one
                .children()
                .filter(|n| n.is_element())
                .map(|n| ORDER.iter().position(|known| *known == n.tag_name().name()).unwrap())
                .collect();
            assert!(places.is_sorted(), "the schema fixes the order");
        }
        let vulnerabilities = child("vulnerabilities").children().filter(|n| n.is_element()).count();
        assert_eq!(vulnerabilities, json["vulnerabilities"].as_array().unwrap().len());
    }
}

/// The elements of a component as the XML schema orders them.
const ORDER: [&str; 10] =
    ["supplier", "group", "name", "version", "description", "scope", "hashes", "licenses", "purl", "properties"];

#[test]
fn every_identifier_of_spdx_is_defined_once() {
    let text = written(SbomFormat::Spdx23TagValue);
    let defined: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("SPDXID: ")).collect();
    let unique: BTreeSet<&str> = defined.iter().copied().collect();
    assert_eq!(defined.len(), unique.len());
    for line in text.lines().filter_map(|line| line.strip_prefix("Relationship: ")) {
        let parts: Vec<&str> = line.split(' ').collect();
        assert!(unique.contains(parts[0]) && unique.contains(parts[2]), "{line}");
    }
    let three = json_of(SbomFormat::Spdx3Json);
    let graph = three["@graph"].as_array().unwrap();
    let addresses: Vec<&str> = graph.iter().filter_map(|one| one["spdxId"].as_str()).collect();
    let unique: BTreeSet<&str> = addresses.iter().copied().collect();
    assert_eq!(addresses.len(), unique.len());
    for one in graph.iter().filter(|one| one.get("from").is_some()) {
        assert!(unique.contains(one["from"].as_str().unwrap()));
        assert!(one["to"].as_array().unwrap().iter().all(|to| unique.contains(to.as_str().unwrap())), "{one}");
    }
    assert!(graph.iter().all(|one| one["type"] == "CreationInfo" || one["creationInfo"] == "_:creation"));
}

#[test]
fn an_empty_inventory_is_a_document_too() {
    let (subject, inventory, details) = (Subject::default(), Inventory::default(), BTreeMap::new());
    let at = "2026-08-16T12:00:00Z".parse().unwrap();
    let sources = Sources { subject: &subject, inventory: &inventory, findings: &[], details: &details, at };
    assert!(Document::new(sources).is_complete());
    let json = |format| serde_json::from_str(&render(format, sources)).unwrap();
    assert_valid(&json(SbomFormat::CycloneDx16Json), "cyclonedx/bom-1.6.schema.json");
    assert_valid(&json(SbomFormat::CycloneDx17Json), "cyclonedx/bom-1.7.schema.json");
    assert_valid(&json(SbomFormat::Spdx23Json), "spdx-2.3.schema.json");
}
