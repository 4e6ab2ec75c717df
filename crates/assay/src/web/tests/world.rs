//! Data for the pages: one repository with one refused wheel.

use crate::web::{
    overview::{Summary, System},
    package::Around,
    repository::Gathered,
};
use assay_engine::{Doomed, Holding, PackageDetail, PackageRow, TrashRow, UpstreamRow};
use assay_model::{
    access::{Caller, Permission, Token},
    event::Event,
    finding::Severity,
    keeping::{Downloads, Usage},
    package::{Package, PackageId, Reference},
    policy::Policy,
    repository::Repository,
    seam::meta::{FeedState, JobCounts},
    work::Lane,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const T: &str = "2026-11-22T02:03:04Z";
const DIGEST: &str = "sha256:2d711642b726b04401627ca3fbac32f5c8530fb1903cc4db02258717921a4881";

fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub(super) fn admin() -> Caller {
    let token = Token {
        id: "a1".into(),
        name: "admin".into(),
        hash: String::new(),
        permission: Permission::Admin,
        repositories: vec![],
        created_at: T.parse().unwrap(),
        expires_at: None,
    };
    Caller::Token(token.into())
}

fn repository() -> Repository {
    of(json!({"id": 1, "name": "main", "settings": {"description": "For everyone"}, "created_at": T}))
}

pub(super) fn summary() -> Summary {
    Summary {
        repository: repository(),
        total: 3,
        more: false,
        states: BTreeMap::from([("available", 2), ("quarantined", 1)]),
        findings: BTreeMap::from([(Severity::Critical, 1), (Severity::High, 2), (Severity::Low, 2)]),
        suppressed: 2,
        looked_into: 3,
        downloads: 12,
    }
}

pub(super) fn holding() -> Holding {
    Holding { usage: Usage { packages: 3, bytes: 900 << 10 }, trash: Usage { packages: 1, bytes: 2048 } }
}

/// One upstream that answers, one that is left alone.
fn upstreams() -> Vec<UpstreamRow> {
    let row = |name: &str, settings: Value, health: Value| UpstreamRow {
        upstream: of(json!({"id": 1, "repository_id": 1, "format": "pypi", "name": name, "priority": 100,
            "settings": settings})),
        has_secrets: name == "corp",
        health: of(health),
    };
    vec![
        row(
            "public",
            json!({"url": "https://registry.example/simple", "cooldown_days": 3}),
            json!({"answered": 8, "answered_at": T, "failed": 1, "error": "timed out", "failed_at": T}),
        ),
        row(
            "corp",
            json!({"url": "http://packages.example/simple", "include": ["acme-*"], "mode": "open", "trust": "untrusted"}),
            json!({"failed": 3, "failures_in_a_row": 3, "error": "the connection was refused", "failed_at": T,
                "paused_until": "2026-11-22T02:03:34Z"}),
        ),
    ]
}

/// The repository with quota, rules, upstreams and something in its trash.
pub(super) fn gathered() -> Gathered {
    let mut summary = summary();
    let set = json!({"description": "For everyone", "quota_bytes": 2 << 20, "quota_packages": 3, "reserved": ["acme-*"],
        "immutable_tag_patterns": ["v*"],
        "retention": [{"name": "old", "keep_last": 2, "max_age_days": 90}, {"name": "dev", "versions": ["*.dev*"],
            "unused_days": 7, "disabled": true}],
        "promotion": [{"name": "ship", "format": "pypi", "tags": ["reviewed"], "target": "release"}]});
    summary.repository.settings = of(set);
    let deleted = json!({"deleted_at": T, "deleted_by": "ci", "cause": "retention: old", "purge_at": "2026-12-06T02:03:04Z",
        "references": [], "files": 1, "bytes": 2048});
    let mut trashed = serde_json::to_value(package(4)).unwrap();
    trashed.as_object_mut().unwrap().extend(deleted.as_object().unwrap().clone());
    Gathered {
        summary,
        holding: holding(),
        upstreams: Some(upstreams()),
        trash: vec![TrashRow {
            trashed: of(trashed),
            repository_name: "main".into(),
            display: "requests 2.5.0".into(),
        }],
        readable: vec!["main".into(), "team".into()],
        permission: Permission::Admin,
        now: T.parse().unwrap(),
    }
}

/// Two mutable names, and one place to promote to.
pub(super) fn around() -> Around {
    let name = |name: &str, package: i64, version: &str| Reference {
        name: name.into(),
        package: PackageId(package),
        version: version.into(),
        set_at: T.parse().unwrap(),
    };
    Around {
        names: vec![name("beta", 8, "2.7.0"), name("stable", 7, "2.6.0")],
        may_write: true,
        targets: vec!["release".into()],
        today: "2026-11-22".parse().unwrap(),
        why: None,
    }
}

pub(super) fn doomed() -> Doomed {
    Doomed {
        package: PackageId(4),
        format: "pypi".into(),
        name: "requests".into(),
        version: "2.5.0".into(),
        display: "requests 2.5.0".into(),
        bytes: 2048,
        uploaded_at: T.parse().unwrap(),
        last_download: None,
        rule: "old".into(),
        why: "arrived 91 days ago".into(),
    }
}

pub(super) fn system() -> System {
    let feed = |feed: &str, at: Option<&str>, error: Option<&str>| FeedState {
        feed: feed.into(),
        cursor: String::new(),
        synced_at: at.map(|t| t.parse().unwrap()),
        error: error.map(str::to_owned),
        ..FeedState::default()
    };
    System {
        feeds: vec![feed("osv/PyPI", Some(T), None), feed("epss", None, Some("no route to host"))],
        advisories: BTreeMap::from([("osv".to_owned(), 18_204)]),
        jobs: BTreeMap::from([(Lane::Scan, JobCounts { waiting: 2, later: 4, running: 1, dead: 3 })]),
    }
}

pub(super) fn event(seq: i64) -> Event {
    of(json!({"seq": seq, "at": T, "kind": "policy.added", "actor": "admin", "subject": "max-cvss",
        "body": {"revision": 1}, "previous": DIGEST, "hash": DIGEST}))
}

fn promoted() -> Event {
    Event {
        kind: "package.promoted".into(),
        subject: "main/pypi/requests@2.6.0".into(),
        body: json!({"from": "incoming", "mode": "move", "references": ["stable"]}),
        ..event(3)
    }
}

pub(super) fn events() -> Vec<Event> {
    let published = Event {
        kind: "package.published".into(),
        subject: "main/pypi/requests@2.6.0".into(),
        body: json!({}),
        ..event(1)
    };
    vec![event(2), published]
}

fn package(id: i64) -> Package {
    of(json!({"id": id, "repository_id": 1, "format": "pypi", "name": "requests", "version": "2.6.0", "metadata": {},
        "state": "quarantined", "held": null, "tags": ["reviewed"], "decision": "0192-d1", "uploader": "ci",
        "uploaded_at": T, "published_at": null, "origin": null}))
}

pub(super) fn row(id: i64) -> PackageRow {
    PackageRow {
        package: package(id),
        repository_name: "main".into(),
        display: "requests 2.6.0".into(),
        references: vec![],
        size: 469_982,
        findings: BTreeMap::from([(Severity::High, 1), (Severity::Medium, 3)]),
        suppressed: BTreeMap::from([(Severity::Medium, 1)]),
        worst: Some(Severity::High),
        downloads: Downloads { count: 12, last: Some(of(json!(T))) },
    }
}

pub(super) fn policy() -> Policy {
    of(
        json!({"slug": "max-cvss", "name": "Max CVSS", "description": "Nothing above 7.", "rego": "package cloudsmith\n\ndefault match := false\n",
        "precedence": 100, "terminal": true, "enabled": true, "on_failure": "fail-closed",
        "actions": [{"kind": "set-state", "params": {"state": "quarantined"}}, {"kind": "add-tags", "params": {"tags": ["cve", "held"]}}],
        "reads": ["findings", "epss"], "revision": 2, "created_at": T, "updated_at": T}),
    )
}

fn component() -> Value {
    json!({"purl": "pkg:pypi/requests@2.6.0", "purl_type": "pypi", "namespace": "", "name": "requests",
        "version": "2.6.0", "ecosystem": "PyPI", "match_name": "requests", "match_version": "2.6.0"})
}

fn finding() -> assay_engine::ScoredFinding {
    assay_engine::ScoredFinding {
        component: of(component()),
        finding: of(json!({"id": "CVE-2018-18074", "aliases": ["GHSA-x84v-xcm2-53pg", "PYSEC-2018-28"],
            "sources": [{"advisory": "GHSA-x84v-xcm2-53pg", "revision": DIGEST}], "title": "Credentials sent to another host",
            "severity": "HIGH", "cvss": {"osv": {"v3_score": 7.5, "v3_vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}},
            "status": "fixed", "fixed_versions": ["2.20.0"], "nearest_fixed": "2.20.0", "vulnerable_ranges": [">=0 <2.20.0"]})),
        epss: Some(of(json!({"cve": "CVE-2018-18074", "score": 0.0123, "percentile": 0.853, "date": "2026-11-20"}))),
        kev: Some(of(json!({"cve": "CVE-2018-18074", "date_added": "2026-11-01", "due_date": "2026-11-21",
            "ransomware": true, "name": "Requests"}))),
        assessment: Default::default(),
    }
}

fn decision() -> Value {
    json!({"id": "0192-d1", "package": 7, "at": T, "trigger": "policy max-cvss added", "state": "quarantined",
        "tags_added": ["held"], "tags_removed": [], "evaluated": 3,
        "verdicts": [
            {"policy": "max-cvss", "revision": 2, "name": "Max CVSS", "description": "Nothing above 7.",
                "outcome": {"kind": "match"}, "reasons": ["CVE-2018-18074 scores 7.5"], "output": {"limit": 7}},
            {"policy": "broken", "revision": 1, "name": "Broken", "description": "",
                "outcome": {"kind": "failed", "detail": "line 3: division by zero"}, "reasons": [], "output": null}],
        "actions": [["max-cvss", {"kind": "set-state", "params": {"state": "quarantined"}}]],
        "vulnerabilities": [{"id": "CVE-2018-18074", "component": "pkg:pypi/requests@2.6.0", "score": 7.5,
            "severity": "HIGH", "fixed": "2.20.0", "title": "Credentials sent to another host"}],
        "basis": {"input": DIGEST, "policies": [["max-cvss", 2], ["broken", 1]], "advisories": 4, "scanner": "1"}})
}

/// A component of a lock file.
fn bundled(name: &str, version: &str, more: Value) -> Value {
    let mut found = json!({"purl": format!("pkg:pypi/{name}@{version}"), "purl_type": "pypi", "namespace": "", "name": name,
        "version": version, "ecosystem": "PyPI", "match_name": name, "match_version": version, "path": "demo.lock",
        "analyzer": "lock"});
    found.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    found
}

/// Findings that are no vulnerability, or have a fix that will not come.
pub(super) fn other_findings() -> Vec<assay_engine::ScoredFinding> {
    let one = |id: &str, kind: &str, status: &str| {
        let mut found = finding();
        found.finding =
            of(json!({"id": id, "kind": kind, "aliases": [], "sources": [], "title": id, "severity": "LOW",
            "cvss": {}, "status": status, "fixed_versions": [], "vulnerable_ranges": []}));
        (found.epss, found.kev) = (None, None);
        found
    };
    vec![
        one("MAL-2026-1", "malware", "affected"),
        one("EOL-demo", "end_of_life", "end_of_life"),
        one("CVE-2026-1", "vulnerability", "will_not_fix"),
        one("CVE-2026-2", "vulnerability", "fix_deferred"),
        one("CVE-2026-3", "vulnerability", "under_investigation"),
    ]
}

pub(super) fn detail() -> PackageDetail {
    let mut found = component();
    let more = json!({"path": "requests-2.6.0.dist-info/METADATA", "analyzer": "wheel", "is_subject": true,
        "licenses": ["Apache 2.0"], "requires": ["certifi"], "summary": "Python HTTP for Humans."});
    found.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    PackageDetail {
        pulls: assay_engine::Pulls {
            month: 5,
            callers: [("ci".to_owned(), 4), ("ann".to_owned(), 1)].into(),
            days: [("2026-10-23", 9), ("2026-10-24", 1), ("2026-11-22", 4)]
                .map(|(d, n)| (d.parse().unwrap(), n))
                .into(),
            ..Default::default()
        },
        locations: BTreeMap::new(),
        signatures: Vec::new(),
        requester: None,
        corrected_license: None,
        approvals: Vec::new(),
        row: row(7),
        repository: repository(),
        files: vec![of(json!({"id": 3, "package": 7, "path": "requests-2.6.0-py2.py3-none-any.whl", "digest": DIGEST,
            "size": 469_982, "media_type": "application/zip", "role": "file", "hashes": {"md5": "00ff"}, "metadata": {},
            "uploaded_at": T}))],
        inventory: of(
            json!({"components": [found, bundled("urllib3", "1.0", json!({"id": "urllib3@1.0", "depends_on": ["chardet@2.0"],
                "relationship": "direct"})), bundled("chardet", "2.0", json!({"id": "chardet@2.0", "dev": true,
                "relationship": "indirect", "vendored_in": "pkg:pypi/requests@2.6.0"}))], "os": {"id": "alpine", "version": "3.10.4", "name": "Alpine Linux v3.10",
            "ecosystem": "Alpine:v3.10", "path": "etc/os-release"}, "analyzers": ["wheel"], "files_seen": 85,
            "secrets": [{"rule": "example-key", "category": "Example", "title": "Example key", "severity": "HIGH",
                "path": "requests/.env", "layer": DIGEST, "first_line": 3, "last_line": 4, "offset": 20,
                "matched": "KEY=********"}],
            "licenses": [
                {"path": "LICENSE", "expression": "Apache-2.0", "confidence": 98, "class": "notice", "evidence": "text"},
                {"path": "vendor/x.c", "expression": "AGPL-3.0-only", "confidence": 90, "class": "forbidden", "evidence": "header"}],
            "read": [{"path": "requests-2.6.0.dist-info/METADATA", "analyzer": "wheel", "found": 1}],
            "skipped": [{"path": "a/b.zip", "reason": "encrypted", "detail": "the entry has a password"}]}),
        ),
        inventoried: true,
        findings: vec![finding()],
        names: Default::default(),
        waivers: Vec::new(),
        decisions: vec![of(decision())],
        refusal: Some(assay_model::refusal::Refusal {
            decision: Some(of(json!("0192-d1"))),
            package: "requests 2.6.0".into(),
            state: assay_model::package::State::Quarantined,
            policies: vec!["Max CVSS".into()],
            reasons: vec!["CVE-2018-18074 scores 7.5".into()],
            vulnerabilities: of(decision()["vulnerabilities"].clone()),
            nearest_allowed: Some("2.20.0".into()),
            link: "http://assay.test:8080/ui/packages/7".into(),
        }),
        events: events().into_iter().chain([promoted()]).collect(),
    }
}
