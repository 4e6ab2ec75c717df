#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::testing;
use assay_model::vex::VexStatus;
use serde_json::json;
use std::io::Read as _;

fn of(document: &Value) -> Vec<VexStatement> {
    read("doc.json", document.to_string().as_bytes()).unwrap()
}

#[test]
fn openvex() {
    let said = of(&json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.org/vex-1", "author": "Us",
        "timestamp": "2026-01-01T00:00:00Z",
        "statements": [
            {"vulnerability": {"name": "CVE-2024-1", "aliases": ["GHSA-a"]}, "status": "not_affected",
             "justification": "component_not_present",
             "products": [{"@id": "pkg:oci/app", "hashes": {"sha-256": "AB"},
                           "subcomponents": [{"@id": "pkg:npm/a@1"}]}]},
            {"vulnerability": "CVE-2024-2", "status": "fixed", "timestamp": "2026-02-01T00:00:00Z",
             "products": ["pkg:npm/b@2"]},
        ]
    }));
    assert_eq!(said.len(), 2);
    assert_eq!(said[0].vulnerability.iter().collect::<Vec<_>>(), ["CVE-2024-1", "GHSA-a"]);
    assert_eq!(said[0].products[0].digests, ["sha256:ab"]);
    assert_eq!(said[0].products[0].parts, ["pkg:npm/a@1"]);
    assert_eq!((said[1].status, said[1].products[0].purls[0].as_str()), (VexStatus::Fixed, "pkg:npm/b@2"));
    assert_eq!(said[1].at.unwrap().to_string(), "2026-02-01T00:00:00Z");
}

#[test]
fn csaf() {
    let helper = |purl: &str| json!({"purl": purl});
    let said = of(&json!({
        "document": {"csaf_version": "2.0", "category": "csaf_vex", "publisher": {"name": "Vendor"},
                     "tracking": {"id": "V-1", "current_release_date": "2026-03-01T00:00:00Z"}},
        "product_tree": {
            "branches": [{"category": "vendor", "name": "v", "branches": [
                {"category": "product_version", "name": "1",
                 "product": {"product_id": "P1", "name": "p", "product_identification_helper": helper("pkg:rpm/redhat/bash@5")}},
                {"category": "product_name", "name": "os", "product": {"product_id": "OS", "name": "the system"}}]}],
            "full_product_names": [{"product_id": "P2", "name": "q", "product_identification_helper": helper("pkg:oci/app")}],
            "relationships": [
                {"category": "default_component_of", "product_reference": "P1", "relates_to_product_reference": "OS",
                 "full_product_name": {"product_id": "OS:P1", "name": "p of os"}},
                {"category": "default_component_of", "product_reference": "P1", "relates_to_product_reference": "P2",
                 "full_product_name": {"product_id": "P2:P1", "name": "p of q"}}]},
        "vulnerabilities": [{"cve": "CVE-2024-1",
            "product_status": {"known_not_affected": ["OS:P1", "P2:P1"], "known_affected": ["P2"], "fixed": ["nowhere"]},
            "flags": [{"label": "vulnerable_code_not_present", "product_ids": ["OS:P1"]}],
            "threats": [{"category": "impact", "details": "not built in", "product_ids": ["OS:P1"]}]}]
    }));
    let not: Vec<_> = said.iter().filter(|one| one.status == VexStatus::NotAffected).collect();
    assert_eq!(not.len(), 2, "one statement per reason: {said:?}");
    let with_reason = not.iter().find(|one| one.justification.is_some()).unwrap();
    assert_eq!(with_reason.products[0].purls, ["pkg:rpm/redhat/bash@5"]);
    assert_eq!(with_reason.statement.as_deref(), Some("not built in"));
    let within = not.iter().find(|one| one.justification.is_none()).unwrap();
    assert_eq!(
        (&within.products[0].purls[0], &within.products[0].parts[0]),
        (&"pkg:oci/app".to_owned(), &"pkg:rpm/redhat/bash@5".to_owned())
    );
    assert!(said.iter().any(|one| one.status == VexStatus::Affected && one.author == "Vendor"));
}

#[test]
fn cyclonedx() {
    let said = of(&json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": "urn:uuid:1",
        "components": [{"type": "library", "bom-ref": "a", "name": "a", "purl": "pkg:npm/a@1"}],
        "vulnerabilities": [
            {"id": "CVE-2024-1", "analysis": {"state": "not_affected", "justification": "code_not_reachable", "detail": "no"},
             "affects": [{"ref": "a"}, {"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Anpm%2Fb%402"}]},
            {"id": "CVE-2024-2", "affects": [{"ref": "a"}]},
        ]
    }));
    assert_eq!(said.len(), 1);
    let purls: Vec<&str> = said[0].products.iter().flat_map(|product| &product.purls).map(String::as_str).collect();
    assert_eq!(purls, ["pkg:npm/a@1", "pkg:npm/b@2"]);
}

#[test]
fn an_envelope_is_opened() {
    use base64::Engine as _;
    let vex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "statements": [
        {"vulnerability": "CVE-2024-2", "status": "fixed", "products": ["pkg:npm/b@2"]}]});
    let statement = json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://openvex.dev/ns/v0.2.0", "predicate": vex});
    let payload = base64::engine::general_purpose::STANDARD.encode(statement.to_string());
    assert_eq!(of(&json!({"payloadType": "application/vnd.in-toto+json", "payload": payload})).len(), 1);
}

#[test]
fn a_status_that_is_none_is_told_and_not_passed_over() {
    let openvex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "statements": [
        {"vulnerability": "CVE-2024-2", "status": "fixed", "products": ["pkg:npm/b@2"]},
        {"vulnerability": "CVE-2024-3", "status": "not-affected", "products": ["pkg:npm/c"]}]});
    let cyclonedx = json!({"bomFormat": "CycloneDX", "vulnerabilities": [
        {"id": "CVE-2024-3", "analysis": {"state": "fixed"}, "affects": [{"ref": "pkg:npm/c@1"}]}]});
    for (document, word) in [(openvex, "`not-affected`"), (cyclonedx, "`fixed`")] {
        let problem = read("doc.json", document.to_string().as_bytes()).unwrap_err();
        assert!(problem.message.contains(word) && problem.message.contains("CVE-2024-3"), "{}", problem.message);
    }
}

#[test]
fn other_documents_are_refused() {
    for text in ["", "{}", "[]", "nonsense", r#"{"bomFormat":"SPDX"}"#] {
        assert!(read("x", text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn the_documents_of_a_real_hub() {
    let Some(zip) = testing::corpus("feeds/vex/aquasecurity-vexhub.zip") else { return };
    let mut archive = zip::ZipArchive::new(std::fs::File::open(zip).unwrap()).unwrap();
    let (mut documents, mut statements) = (0, 0);
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let name = file.name().unwrap().into_owned();
        let is_document = name.ends_with(".json")
            && !["manifest.json", "index.json", "vex-repository.json"].iter().any(|other| name.ends_with(other));
        if !is_document {
            continue;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        let said = read(&name, &bytes).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert!(!said.is_empty(), "{name} says nothing");
        documents += 1;
        statements += said.len();
    }
    println!("{documents} documents, {statements} statements");
    assert!(documents > 20 && statements > documents);
}
