//! Reports of constructed scans, compared with what they must say.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::ScoredFinding;
use assay_model::{
    component::{Component, Lines, Occurrence, Relationship},
    finding::{self, Finding, Severity, Status},
    inventory::{ImageLayer, OsRelease},
};
use std::collections::BTreeMap;

fn component(purl_type: &str, name: &str, version: &str) -> Component {
    Component {
        purl: format!("pkg:{purl_type}/{name}@{version}"),
        purl_type: purl_type.into(),
        name: name.into(),
        version: version.into(),
        match_name: name.into(),
        match_version: version.into(),
        ..Component::default()
    }
}

fn locked(analyzer: &str, path: &str, component: Component) -> Occurrence {
    Occurrence { component, path: path.into(), analyzer: analyzer.into(), ..Occurrence::default() }
}

fn finding(component: &Component, id: &str, severity: Severity, fixed: &str) -> ScoredFinding {
    let finding = Finding {
        id: id.into(),
        severity,
        status: if fixed.is_empty() { Status::Affected } else { Status::Fixed },
        fixed_versions: if fixed.is_empty() { vec![] } else { vec![fixed.into()] },
        ..Finding::default()
    };
    ScoredFinding { component: component.clone(), finding, epss: None, kev: None, assessment: Default::default() }
}

fn scan(components: Vec<Occurrence>, findings: Vec<ScoredFinding>) -> ScanResult {
    let inventory = Inventory { components, ..Inventory::default() };
    ScanResult { inventory, findings, details: BTreeMap::new(), advisories: BTreeMap::new() }
}

fn at() -> Timestamp {
    "2021-08-25T12:20:30.000000005Z".parse().unwrap()
}

fn made(scan: &ScanResult, options: &Options) -> Value {
    let subject = Subject { name: "there".into(), kind: ArtifactKind::Repository, git: None };
    let mut report = report(scan, &subject, options, at());
    (report.trivy.version, report.report_id) = ("[version]".into(), "[uuid]".into());
    serde_json::from_str(&text(&report).unwrap()).unwrap()
}

#[test]
fn a_lock_file_is_one_result() {
    let mut werkzeug = locked("pip", "requirements.txt", component("pypi", "Werkzeug", "0.11"));
    werkzeug.lines = vec![Lines { first: 6, last: 6 }];
    let flask = locked("pip", "requirements.txt", component("pypi", "Flask", "2.0.0"));
    let mut bad = finding(&werkzeug.component, "CVE-2019-14806", Severity::High, "0.15.3");
    bad.finding.severity_source = Some("ghsa".into());
    bad.finding.severities = [("ghsa".to_owned(), Severity::High)].into();
    bad.finding.cvss = BTreeMap::from([(
        "nvd".to_owned(),
        finding::Cvss { v2_score: Some(5.0), v3_score: Some(7.5), ..finding::Cvss::default() },
    )]);
    let mut scan = scan(vec![werkzeug, flask], vec![bad]);
    let detail = finding::Detail {
        title: Some("weak PIN".into()),
        published: Some("2019-08-09T15:15:00Z".into()),
        ..finding::Detail::default()
    };
    scan.details.insert("CVE-2019-14806".into(), detail);
    let told = made(&scan, &Options::default());
    insta::assert_json_snapshot!(told);
    assert_eq!(told["Results"][0]["Packages"][1]["Identifier"]["UID"], "8e52473a212c1e1b");
}

#[test]
fn development_goes_unless_it_is_wanted() {
    let mut root = locked("yarn", "yarn.lock", component("npm", "app", "1.0.0"));
    root.relationship = Relationship::Root;
    root.id = "app@1.0.0".into();
    root.depends_on = vec!["jest@1.0.0".into(), "jquery@3.2.1".into()];
    let mut jest = locked("yarn", "yarn.lock", component("npm", "jest", "1.0.0"));
    (jest.id, jest.dev) = ("jest@1.0.0".into(), true);
    let mut jquery = locked("yarn", "yarn.lock", component("npm", "jquery", "3.2.1"));
    (jquery.id, jquery.relationship) = ("jquery@3.2.1".into(), Relationship::Direct);
    let found = vec![
        finding(&jest.component, "CVE-2026-0001", Severity::Low, ""),
        finding(&jquery.component, "CVE-2026-0002", Severity::Low, ""),
    ];
    let scan = scan(vec![root, jest, jquery], found);
    let without = made(&scan, &Options::default());
    assert_eq!(without["Results"][0]["Packages"].as_array().unwrap().len(), 2);
    assert_eq!(without["Results"][0]["Packages"][0]["DependsOn"], serde_json::json!(["jquery@3.2.1"]));
    assert_eq!(without["Results"][0]["Vulnerabilities"].as_array().unwrap().len(), 1);
    let with = made(&scan, &Options { include_dev: true, ..Options::default() });
    assert_eq!(with["Results"][0]["Packages"].as_array().unwrap().len(), 3);
    // the UID counts all that the file says, whatever the report shows
    let uid = |told: &Value| told["Results"][0]["Packages"][0]["Identifier"]["UID"].clone();
    assert_eq!(uid(&with), uid(&without));
}

#[test]
fn an_image_has_its_system_first_and_languages_together() {
    let mut openssl = component("rpm", "openssl-libs", "1:1.0.2k-16.el7");
    (openssl.namespace, openssl.match_name) = ("centos".into(), "openssl".into());
    let mut system = locked("rpmdb", "var/lib/rpm/Packages", openssl.clone());
    for (key, value) in [("architecture", "x86_64"), ("source", "openssl")] {
        system.properties.insert(format!("rpmdb.{key}"), value.into());
    }
    system.layer = Some("sha256:aa".into());
    let egg = locked("python-dist-info", "usr/lib/six.dist-info/METADATA", component("pypi", "six", "1.0"));
    let mut owned = egg.clone();
    owned.owned_by = Some("pkg:rpm/centos/python-six".into());
    let layer =
        ImageLayer { digest: "sha256:aa".into(), diff_id: "sha256:bb".into(), size: 7, ..ImageLayer::default() };
    let mut scan =
        scan(vec![egg, owned, system], vec![finding(&openssl, "CVE-2019-1559", Severity::Medium, "1:1.0.2k-19.el7")]);
    scan.inventory.os = Some(OsRelease {
        id: "centos".into(),
        version: "7.6.1810".into(),
        name: String::new(),
        ecosystem: String::new(),
        path: String::new(),
    });
    scan.inventory.image = Some(ImageFacts {
        id: "sha256:961769676411f082461f9ef46626dd7a2d1e2b2a38e6a44364bcbecf51e66dd4".into(),
        tags: vec!["ghcr.io/aquasecurity/trivy-test-images:alpine-310".into()],
        layers: vec![layer],
        config: serde_json::json!({"architecture": "amd64", "os": "linux", "container_config": {"a": 1},
            "config": {"Cmd": ["sh"], "Tty": false, "Volumes": {"/data": {}}}}),
        ..ImageFacts::default()
    });
    let subject = Subject { name: "centos.tar".into(), kind: ArtifactKind::Image, git: None };
    let mut report = report(&scan, &subject, &Options::default(), at());
    (report.trivy.version, report.report_id) = ("[version]".into(), "[uuid]".into());
    insta::assert_json_snapshot!(report);
    let again = parse(&text(&report).unwrap()).unwrap();
    assert_eq!(again, report);
}

#[test]
fn the_higher_fix_is_by_version_and_not_by_letter() {
    let one = component("npm", "left", "1.0.0");
    let a = locked("npm", "package-lock.json", one.clone());
    let low = finding(&one, "CVE-2026-0003", Severity::Low, "9.0.0");
    let high = finding(&one, "CVE-2026-0003", Severity::Low, "10.0.0");
    let told = made(&scan(vec![a], vec![high, low]), &Options::default());
    let found = told["Results"][0]["Vulnerabilities"].as_array().unwrap();
    assert_eq!((found.len(), &found[0]["FixedVersion"]), (1, &serde_json::json!("10.0.0")));
}

#[test]
fn what_is_no_report_is_refused_with_a_reason() {
    assert!(parse("{}").unwrap_err().contains("SchemaVersion"));
    assert!(parse("no").unwrap_err().contains("no report"));
    assert!(parse("{\"SchemaVersion\": 1}").unwrap_err().contains('1'));
}

#[test]
fn what_was_left_out_is_told_with_its_reason() {
    let werkzeug = component("pypi", "Werkzeug", "0.11");
    let scan = scan(vec![locked("pip", "requirements.txt", werkzeug.clone())], vec![]);
    let left_out = |id: &str, status: &str, statement: Option<&str>, justification: Option<&str>| Suppressed {
        finding: finding(&werkzeug, id, Severity::High, "0.15.3"),
        status: status.into(),
        statement: statement.map(str::to_owned),
        justification: justification.map(str::to_owned),
        source: "vex.json".into(),
    };
    let suppressed = [
        left_out("CVE-2", "ignored", Some("later"), None),
        left_out("CVE-1", "not_affected", Some("in words"), Some("component_not_present")),
    ];
    let subject = Subject { name: "there".into(), kind: ArtifactKind::Repository, git: None };
    let report = report_with(&scan, &subject, &Options::default(), &suppressed, at());
    let report: Value = serde_json::from_str(&text(&report).unwrap()).unwrap();
    let outcome = &report["Results"][0];
    assert!(outcome.get("Vulnerabilities").is_none(), "{outcome}");
    let told = outcome["ExperimentalModifiedFindings"].as_array().unwrap();
    let said = |one: &Value| ["Type", "Status", "Statement", "Source"].map(|key| one[key].as_str().unwrap().to_owned());
    assert_eq!(told.len(), 2);
    assert_eq!(said(&told[0]), ["vulnerability", "not_affected", "component_not_present", "vex.json"]);
    assert_eq!(said(&told[1]), ["vulnerability", "ignored", "later", "vex.json"]);
    assert_eq!(told[0]["Finding"]["VulnerabilityID"], "CVE-1");
    assert_eq!(told[0]["Finding"]["PkgName"], "Werkzeug");
    assert_eq!(told[0]["Finding"]["FixedVersion"], "0.15.3");
}
