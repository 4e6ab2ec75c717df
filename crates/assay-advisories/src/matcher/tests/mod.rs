//! The matcher on small worlds: keys, ranges, merging, severity.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod builds;
mod corpus;
mod properties;

use super::*;
use crate::testing::component;
use assay_model::finding::{Severity, Status};
use serde_json::{Value, json};

fn stored(record: &Value) -> StoredAdvisory {
    let mut record = record.clone();
    record.as_object_mut().unwrap().entry("modified").or_insert(json!("2026-01-01T00:00:00Z"));
    let advisory: Advisory = serde_json::from_value(record).unwrap();
    StoredAdvisory { revision: format!("rev-{}", advisory.id), source: "osv".into(), advisory }
}

fn affected(ecosystem: &str, name: &str, kind: &str, events: &[(&str, &str)]) -> Value {
    let events: Vec<Value> = events.iter().map(|(kind, version)| json!({ *kind: version })).collect();
    json!([{ "package": { "ecosystem": ecosystem, "name": name }, "ranges": [{ "type": kind, "events": events }] }])
}

fn below(ecosystem: &str, name: &str, fixed: &str) -> Value {
    affected(ecosystem, name, "ECOSYSTEM", &[("introduced", "0"), ("fixed", fixed)])
}

fn match_all(
    component: &Component,
    records: &[StoredAdvisory],
    aliases: &[(String, String)],
    stated: &[StatedSeverity],
) -> Vec<Finding> {
    OsvMatcher.findings(component, &records.iter().collect::<Vec<_>>(), aliases, stated)
}

fn findings(component: &Component, records: &[Value]) -> Vec<Finding> {
    let records: Vec<_> = records.iter().map(stored).collect();
    match_all(component, &records, &[], &[])
}

fn ids(component: &Component, records: &[Value]) -> Vec<String> {
    findings(component, records).into_iter().map(|finding| finding.id).collect()
}

#[test]
fn components_and_records_meet_under_the_same_keys() {
    let keys = |ecosystem, name| {
        OsvMatcher
            .keys(&component(ecosystem, name, "1"))
            .into_iter()
            .map(|(e, n)| format!("{e}/{n}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(keys("Alpine:v3.10", "openssl"), ["Alpine:v3.10/openssl", "Alpine/openssl"]);
    assert_eq!(keys("PyPI", "Zope.Interface"), ["PyPI/zope-interface"]);
    assert_eq!(keys("Root:Alpine:3.18", "a"), ["Root:Alpine:3.18/a"]);
    assert_eq!(keys("", "a"), [""; 0]);
    let filed = |ecosystem| {
        OsvMatcher.filed_under(&stored(&json!({ "id": "A", "affected": below(ecosystem, "N", "1") })).advisory)
    };
    assert_eq!(filed("Debian:12"), [("Debian:12".to_owned(), "N".to_owned())]);
    assert_eq!(filed("Maven:https://repo.example/x").len(), 2);
}

#[test]
fn a_release_matches_itself_and_records_without_one() {
    let ours = component("Debian:12", "curl", "7.0-1");
    for (ecosystem, expected) in [("Debian:12", true), ("Debian", true), ("Debian:11", false), ("Ubuntu:12", false)] {
        assert_eq!(
            !ids(&ours, &[json!({ "id": "DSA-1", "affected": below(ecosystem, "curl", "7.0-2") })]).is_empty(),
            expected,
            "{ecosystem}"
        );
    }
    assert!(
        ids(
            &component("Debian", "curl", "7"),
            &[json!({ "id": "DSA-1", "affected": below("Debian:12", "curl", "8") })]
        )
        .is_empty()
    );
    let other = json!({ "id": "A", "affected": below("Maven:https://a.example", "g:a", "2") });
    assert_eq!(ids(&component("Maven", "g:a", "1"), std::slice::from_ref(&other)).len(), 1);
    assert!(ids(&component("Maven:https://b.example", "g:a", "1"), &[other]).is_empty());
}

#[test]
fn versions_are_affected_as_osv_says() {
    let ours = |version| component("PyPI", "a", version);
    let hit = |version, affected: Value| !ids(&ours(version), &[json!({ "id": "A", "affected": affected })]).is_empty();
    let package = json!({ "ecosystem": "PyPI", "name": "A" });
    let listed = json!([{ "package": package, "versions": ["1.0", "2.0"] }]);
    assert!(hit("1.0.0", listed.clone()), "spellings of one version are equal");
    assert!(!hit("1.1", listed));
    assert!(hit("1.1", json!([{ "package": package }])), "no range and no list is every version");
    assert!(
        !hit("1.0", affected("PyPI", "a", "GIT", &[("introduced", "0"), ("fixed", "abc")])),
        "commits are not evaluated"
    );
    assert!(hit("1.10rc1", affected("PyPI", "a", "ECOSYSTEM", &[("introduced", "1.9"), ("last_affected", "1.10")])));
    assert!(!hit("1.11", affected("PyPI", "a", "ECOSYSTEM", &[("introduced", "1.9"), ("last_affected", "1.10")])));
    assert!(!hit(
        "2.5",
        affected("PyPI", "a", "ECOSYSTEM", &[("introduced", "1"), ("fixed", "2"), ("introduced", "3")])
    ));
}

#[test]
fn a_version_without_order_is_compared_with_the_list_only() {
    let record = json!({ "id": "A", "affected": [{ "package": { "ecosystem": "npm", "name": "a" }, "versions": ["weird"],
        "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": "2.0.0" }] }] }] });
    assert_eq!(ids(&component("npm", "a", "weird"), std::slice::from_ref(&record)), ["A"]);
    assert!(ids(&component("npm", "a", "odd"), std::slice::from_ref(&record)).is_empty());
    assert!(ids(&component("npm", "a", ""), &[record]).is_empty());
}

#[test]
fn a_merge_is_one_finding_with_every_name() {
    let ghsa = json!({ "id": "GHSA-x84v-xcm2-53pg", "aliases": ["CVE-2018-18074", "PYSEC-2018-28"], "published": "2018-10-29T19:06:46Z",
        "summary": "Requests sends credentials", "affected": below("PyPI", "requests", "2.20.0"),
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N" }] });
    let pysec = json!({ "id": "PYSEC-2018-28", "aliases": ["CVE-2018-18074"], "published": "2018-10-09T17:29:00Z",
        "details": "The Requests package before 2.20.0", "affected": below("PyPI", "requests", "2.20") });
    insta::assert_json_snapshot!(findings(&component("PyPI", "requests", "2.6.0"), &[ghsa, pysec]));
}

#[test]
fn given_alias_pairs_join_too() {
    let records = [
        json!({ "id": "GHSA-a", "affected": below("npm", "a", "2.0.0") }),
        json!({ "id": "CVE-2024-0001", "affected": below("npm", "a", "2.0.0") }),
    ];
    let records: Vec<_> = records.iter().map(stored).collect();
    let pairs = [("X-1".to_owned(), "GHSA-a".to_owned()), ("CVE-2024-0001".to_owned(), "X-1".to_owned())];
    let found = match_all(&component("npm", "a", "1.0.0"), &records, &pairs, &[]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].ids().collect::<Vec<_>>(), ["CVE-2024-0001", "GHSA-a", "X-1"]);
}

#[test]
fn a_bundle_is_a_finding_for_each_cve() {
    let ours = component("Debian:12", "curl", "7.0-1");
    let bundle = json!({ "id": "DSA-7-1", "upstream": ["CVE-2024-0002", "CVE-2024-0001"], "affected": below("Debian:12", "curl", "7.0-2"), "summary": "curl - update" });
    let single = json!({ "id": "DEBIAN-CVE-2024-0002", "upstream": ["CVE-2024-0002"], "affected": below("Debian:12", "curl", "7.0-3") });
    let found = findings(&ours, &[bundle, single]);
    let told: Vec<_> =
        found.iter().map(|f| (f.id.as_str(), f.aliases.len(), f.sources.len(), f.fixed_versions.join(","))).collect();
    assert_eq!(told, [("CVE-2024-0001", 0, 1, "7.0-2".to_owned()), ("CVE-2024-0002", 1, 2, "7.0-3".to_owned())]);
    let nameless = json!({ "id": "DSA-8-1", "affected": below("Debian:12", "curl", "7.0-2") });
    assert_eq!(ids(&ours, &[nameless]), ["DSA-8-1"]);
    let related = json!({ "id": "ALSA-2024:1", "related": ["CVE-2024-0001", "CVE-2024-0002", "ALBA-1"], "affected": below("AlmaLinux:9", "curl", "7.0-2") });
    assert_eq!(ids(&component("AlmaLinux:9", "curl", "7.0-1"), &[related]), ["CVE-2024-0001", "CVE-2024-0002"]);
    let loosely = json!({ "id": "GHSA-b", "related": ["CVE-2024-0001"], "affected": below("npm", "a", "2.0.0") });
    assert_eq!(ids(&component("npm", "a", "1.0.0"), &[loosely]), ["GHSA-b"]);
}

#[test]
fn pairs_that_come_from_a_bundle_join_nothing() {
    let ours = component("Debian:12", "curl", "7.0-1");
    let bundle = json!({ "id": "DSA-7-1", "upstream": ["CVE-2024-0002", "CVE-2024-0001"], "affected": below("Debian:12", "curl", "7.0-2") });
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    // As a store keeps them, which does not tell an alias from an upstream: of this record and of one about another package.
    let pairs = [
        pair("DSA-7-1", "CVE-2024-0001"),
        pair("DSA-7-1", "CVE-2024-0002"),
        pair("USN-9-1", "CVE-2024-0001"),
        pair("USN-9-1", "UBUNTU-CVE-2024-0002"),
        pair("UBUNTU-CVE-2024-0002", "CVE-2024-0002"),
        pair("GHSA-a", "CVE-2024-0001"),
    ];
    let found = match_all(&ours, &[stored(&bundle)], &pairs, &[]);
    let told: Vec<Vec<&str>> = found.iter().map(|f| f.ids().collect()).collect();
    assert_eq!(told, [vec!["CVE-2024-0001", "GHSA-a"], vec!["CVE-2024-0002", "UBUNTU-CVE-2024-0002"]]);
}

#[test]
fn withdrawn_records_say_nothing() {
    let record = json!({ "id": "A", "withdrawn": "2026-01-01T00:00:00Z", "affected": below("npm", "a", "2.0.0"), "database_specific": { "severity": "HIGH" } });
    assert!(ids(&component("npm", "a", "1.0.0"), std::slice::from_ref(&record)).is_empty());
    assert!(OsvMatcher.stated(&stored(&record).advisory).is_empty());
}

#[test]
fn fixes_are_those_above_that_all_agree_on() {
    let branches = affected(
        "npm",
        "a",
        "SEMVER",
        &[("introduced", "1.0.0"), ("fixed", "1.5.0"), ("introduced", "2.0.0"), ("fixed", "2.10.0")],
    );
    let record = |id: &str, affected| json!({ "id": id, "aliases": ["CVE-2024-0001"], "affected": affected });
    let found = findings(&component("npm", "a", "1.2.0"), &[record("A", branches.clone())]);
    assert_eq!(
        (found[0].fixed_versions.join(" "), found[0].nearest_fixed.as_deref()),
        ("1.5.0 2.10.0".to_owned(), Some("1.5.0"))
    );
    assert_eq!(found[0].vulnerable_ranges, [">=1.0.0 <1.5.0", ">=2.0.0 <2.10.0"]);
    let found = findings(
        &component("npm", "a", "2.2.0"),
        &[record("A", branches.clone()), record("B", below("npm", "a", "2.9.0"))],
    );
    assert_eq!(found[0].fixed_versions, ["2.10.0"], "2.9.0 is affected by what the other record says");
    let open = affected("npm", "a", "SEMVER", &[("introduced", "1.0.0")]);
    let found = findings(&component("npm", "a", "2.2.0"), &[record("A", branches), record("B", open)]);
    assert_eq!((found[0].fixed_versions.join(" "), found[0].status), ("2.10.0".to_owned(), Status::Fixed));
    let never = affected("npm", "a", "SEMVER", &[("introduced", "1.0.0"), ("last_affected", "3.0.0")]);
    let found = findings(&component("npm", "a", "2.2.0"), &[record("A", never)]);
    assert_eq!(
        (found[0].status, found[0].vulnerable_ranges.join(" ")),
        (Status::Affected, ">=1.0.0 <=3.0.0".to_owned())
    );
}

const HIGH: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";

#[test]
fn severity_comes_from_records_that_do_not_name_the_component() {
    let alpine = stored(
        &json!({ "id": "ALPINE-CVE-2024-0001", "upstream": ["CVE-2024-0001"], "affected": below("Alpine:v3.10", "zlib", "1.2-r1") }),
    );
    let elsewhere = stored(&json!({ "id": "BIT-zlib-2024-0001", "aliases": ["CVE-2024-0001"],
        "affected": [{ "package": { "ecosystem": "Bitnami", "name": "zlib" }, "severity": [{ "type": "CVSS_V3", "score": HIGH }] }] }));
    let stated = OsvMatcher.stated(&elsewhere.advisory);
    assert_eq!(stated.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["BIT-zlib-2024-0001", "CVE-2024-0001"]);
    let found = match_all(&component("Alpine:v3.10", "zlib", "1.2-r0"), &[alpine], &[], &stated);
    assert_eq!(
        (found[0].id.as_str(), found[0].severity, found[0].score()),
        ("CVE-2024-0001", Severity::High, Some(7.5))
    );
    assert_eq!(found[0].cvss.keys().collect::<Vec<_>>(), ["bitnami"]);
    assert_eq!(found[0].sources.len(), 1);
}

#[test]
fn words_count_where_there_is_no_score() {
    let record = |extra: Value| {
        let mut record = json!({ "id": "A", "affected": below("npm", "a", "2.0.0") });
        record.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        findings(&component("npm", "a", "1.0.0"), &[record])[0].severity
    };
    assert_eq!(record(json!({})), Severity::Unknown);
    assert_eq!(record(json!({ "database_specific": { "severity": "Moderate" } })), Severity::Medium);
    assert_eq!(record(json!({ "severity": [{ "type": "Ubuntu", "score": "negligible" }] })), Severity::Low);
    assert_eq!(
        record(
            json!({ "database_specific": { "severity": "LOW" }, "severity": [{ "type": "CVSS_V3", "score": HIGH }] })
        ),
        Severity::High
    );
    assert_eq!(record(json!({ "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/rubbish" }] })), Severity::Unknown);
    assert_eq!(
        record(json!({ "severity": [{ "type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:C/I:C/A:C" }] })),
        Severity::High
    );
}

#[test]
fn a_bundle_states_its_severity_for_itself_only() {
    let bundle = stored(
        &json!({ "id": "USN-1", "upstream": ["CVE-2024-0001", "CVE-2024-0002"], "severity": [{ "type": "CVSS_V3", "score": HIGH }] }),
    );
    assert_eq!(OsvMatcher.stated(&bundle.advisory).iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["USN-1"]);
}

#[test]
fn titles_are_one_line_of_bounded_length() {
    let title = |extra: Value| {
        let mut record = json!({ "id": "A", "affected": below("npm", "a", "2.0.0") });
        record.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        findings(&component("npm", "a", "1.0.0"), &[record])[0].title.clone()
    };
    assert_eq!(title(json!({ "summary": " ", "details": "### Impact\n\nIt  breaks.\nMore" })), "It breaks.");
    assert_eq!(title(json!({ "summary": "é".repeat(300) })).chars().count(), 120);
    assert_eq!(title(json!({})), "A");
}
