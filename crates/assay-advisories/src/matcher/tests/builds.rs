//! Which build of a package a record is about, and what a record is of beside a vulnerability.

use super::*;
use assay_model::finding::FindingKind;

fn of_purl(ecosystem: &str, name: &str, version: &str, purl: &str) -> Component {
    Component { purl: purl.to_owned(), ..component(ecosystem, name, version) }
}

fn with(mut record: Value, extra: Value) -> Value {
    record.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    record
}

#[test]
fn records_for_other_systems_are_passed_over() {
    let windows = json!({ "id": "GO-1", "affected": [{ "package": { "ecosystem": "Go", "name": "stdlib" },
        "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }] }],
        "ecosystem_specific": { "imports": [{ "path": "os", "goos": ["windows"] }] } }] });
    let on = |purl: &str| ids(&of_purl("Go", "stdlib", "1.20.0", purl), std::slice::from_ref(&windows)).len();
    assert_eq!(on("pkg:golang/stdlib@1.20.0?goos=linux"), 0);
    assert_eq!(on("pkg:golang/stdlib@1.20.0?goos=windows"), 1);
    assert_eq!(on("pkg:golang/stdlib@1.20.0"), 1, "what is not known excludes nothing");
    let arm = json!({ "id": "RUSTSEC-1", "affected": [{ "package": { "ecosystem": "crates.io", "name": "a" },
        "ecosystem_specific": { "affects": { "arch": ["arm"], "os": [] } } }] });
    let on = |purl: &str| ids(&of_purl("crates.io", "a", "1.0.0", purl), std::slice::from_ref(&arm)).len();
    assert_eq!((on("pkg:cargo/a@1.0.0?arch=x86_64"), on("pkg:cargo/a@1.0.0")), (0, 1));
}

#[test]
fn names_and_versions_are_those_that_the_database_uses() {
    let ours = Component {
        name: "libssl3".into(),
        version: "3.0.2-1".into(),
        match_version: "3.0.2-0ubuntu1".into(),
        ..component("Debian:12", "openssl", "")
    };
    let by_source = json!({ "id": "DSA-1", "affected": below("Debian:12", "openssl", "3.0.2-0ubuntu2") });
    let by_own = json!({ "id": "DSA-2", "affected": below("Debian:12", "libssl3", "9") });
    assert_eq!(ids(&ours, &[by_source, by_own.clone()]), ["DSA-1"]);
    let said = json!({ "id": "X/1", "aliases": ["CVE-2026-0001"], "affected": with(below("Debian:12", "libssl3", "9")[0].clone(), json!({ "database_specific": { "assay": { "named": "binary" } } })) });
    let said = with(said.clone(), json!({ "affected": [said["affected"]] }));
    assert_eq!(ids(&ours, &[said]), ["CVE-2026-0001"], "the id of an entry names nothing");
    let rpm = Component {
        version: "1.0.2k-16.el7".into(),
        name: "openssl-libs".into(),
        ..of_purl(
            "Red Hat:enterprise_linux:7",
            "openssl",
            "1.0.2k-16.el7",
            "pkg:rpm/redhat/openssl-libs@1.0.2k-16.el7?epoch=1",
        )
    };
    let record = |fixed: &str| json!({ "id": "RHSA-1", "affected": below("Red Hat:enterprise_linux:7::server", "openssl-libs", fixed) });
    assert_eq!((ids(&rpm, &[record("1:1.0.2k-19.el7")]).len(), ids(&rpm, &[record("0:9")]).len()), (1, 0));
}

#[test]
fn a_range_without_end_ends_where_it_is_last_known_to_hold() {
    let open = |extra: Value| {
        let mut entry = affected("npm", "a", "SEMVER", &[("introduced", "0")])[0].clone();
        entry["database_specific"] = extra;
        json!({ "id": "GHSA-a", "affected": [entry] })
    };
    let last = open(json!({ "last_known_affected_version_range": "<= 1.4.0" }));
    let hit =
        |version: &str, record: &Value| !ids(&component("npm", "a", version), std::slice::from_ref(record)).is_empty();
    assert!(hit("1.4.0", &last) && !hit("1.5.0", &last) && hit("1.5.0", &open(json!({}))));
}

#[test]
fn malice_and_ends_of_life_are_findings_of_their_own_kind() {
    let mal = json!({ "id": "MAL-2026-1", "affected": affected("npm", "a", "SEMVER", &[("introduced", "0")]) });
    let found = findings(&component("npm", "a", "1.0.0"), &[mal]);
    assert_eq!((found[0].kind, found[0].severity), (FindingKind::Malware, Severity::Critical));
    let eol = json!({ "id": "EOL-a-1", "affected": affected("npm", "a", "SEMVER", &[("introduced", "0")]), "database_specific": { "kind": "end-of-life" } });
    let found = findings(&component("npm", "a", "1.0.0"), &[eol]);
    assert_eq!((found[0].kind, found[0].status), (FindingKind::EndOfLife, Status::EndOfLife));
}

#[test]
fn extended_support_has_its_own_say() {
    let ours = component("Ubuntu:Pro:18.04:LTS", "bash", "4.4-5ubuntu1+esm1");
    let entry = |release: &str, events: &[(&str, &str)]| affected(release, "bash", "ECOSYSTEM", events)[0].clone();
    let open = entry("Ubuntu:18.04:LTS", &[("introduced", "0")]);
    let fixed = |version| entry("Ubuntu:Pro:18.04:LTS", &[("introduced", "0"), ("fixed", version)]);
    let record = |entries: Vec<Value>| json!({ "id": "UBUNTU-CVE-2026-0001", "affected": entries });
    assert_eq!(ids(&ours, &[record(vec![open.clone(), fixed("4.4-5ubuntu1+esm1")])]), [""; 0]);
    assert_eq!(ids(&ours, &[record(vec![open.clone(), fixed("4.4-5ubuntu1+esm2")])]), ["CVE-2026-0001"]);
    assert_eq!(ids(&ours, &[record(vec![open])]), ["CVE-2026-0001"]);
}
