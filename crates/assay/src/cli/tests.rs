//! What a person sees, from constructed data; and the promises that hold for every command.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::{Args, explain, findings, log, look::Look, packages, policy, repositories, status, tokens, views};
use assay_engine::{LogCheck, ScoredFinding};
use clap::{Command, CommandFactory, Parser};
use serde_json::{Value, json};

const PLAIN: Look = Look { width: None, color: false };

pub(super) fn finding(name: &str, version: &str, id: &str, severity: &str, score: f64) -> Value {
    json!({
        "component": {
            "purl": format!("pkg:pypi/{name}@{version}"), "purl_type": "pypi", "namespace": "", "name": name,
            "version": version, "ecosystem": "PyPI", "match_name": name, "match_version": version,
        },
        "id": id, "aliases": ["GHSA-0000-0000-0000"], "sources": [], "title": format!("What {id} is about"),
        "severity": severity, "cvss": {"nvd": {"v3_score": score}}, "status": "fixed",
        "fixed_versions": ["2.20.0"], "nearest_fixed": "2.20.0", "vulnerable_ranges": [">=0 <2.20.0"],
        "epss": {"cve": id, "score": 0.0567, "percentile": 0.9, "date": "2026-08-16"}, "kev": null,
    })
}

pub(super) fn scored(values: Vec<Value>) -> Vec<ScoredFinding> {
    values.into_iter().map(|value| serde_json::from_value::<views::Scored>(value).unwrap().into()).collect()
}

fn row() -> Value {
    json!({
        "id": 7, "repository_id": 1, "format": "pypi", "name": "requests", "version": "2.6.0", "metadata": {}, "tags": ["audited"],
        "state": "quarantined", "decision": "0192", "held": null, "uploader": "ci", "uploaded_at": "2026-08-16T10:00:00Z",
        "published_at": "2015-03-14T00:00:00Z", "repository_name": "main", "display": "requests 2.6.0", "references": [],
        "size": 470_000, "severities": {"HIGH": 1, "MEDIUM": 2}, "worst": "HIGH",
    })
}

fn decision() -> Value {
    json!({
        "id": "0192", "package": 7, "at": "2026-08-16T10:00:01Z", "trigger": "published", "state": "quarantined",
        "tags_added": [], "tags_removed": [], "evaluated": 2, "actions": [],
        "verdicts": [{
            "policy": "max-cvss", "revision": 3, "name": "Max CVSS", "description": "Ask security for a waiver.",
            "outcome": {"kind": "match"}, "reasons": ["CVE-2018-18074 has CVSS 9.8"], "output": {},
        }],
        "vulnerabilities": [{
            "id": "CVE-2018-18074", "component": "pkg:pypi/requests@2.6.0", "score": 9.8, "severity": "CRITICAL",
            "fixed": "2.20.0", "title": "Credentials are sent over http",
        }],
        "basis": {"input": "", "policies": [["max-cvss", 3]], "advisories": 4, "scanner": "wheel/1"},
    })
}

fn detail() -> views::Detail {
    let mut value = row();
    let more = json!({
        "repository": {"id": 1, "name": "main", "settings": {}, "created_at": "2026-08-16T09:00:00Z"},
        "files": [{
            "id": 1, "package": 7, "path": "requests-2.6.0-py2.py3-none-any.whl", "size": 470_000,
            "digest": format!("sha256:{}", "ab".repeat(32)), "media_type": "application/zip", "role": "file", "hashes": {},
            "metadata": {}, "uploaded_at": "2026-08-16T10:00:00Z",
        }],
        "inventory": {
            "components": [{
                "purl": "pkg:pypi/requests@2.6.0", "purl_type": "pypi", "namespace": "", "name": "requests", "version": "2.6.0",
                "ecosystem": "PyPI", "match_name": "requests", "match_version": "2.6.0", "path": "METADATA",
                "analyzer": "wheel", "is_subject": true, "licenses": ["Apache 2.0"],
            }],
            "analyzers": ["wheel"], "files_seen": 3,
            "secrets": [{
                "rule": "example-key", "category": "Example", "title": "Example key", "severity": "HIGH", "path": "requests/.env",
                "first_line": 3, "last_line": 3, "offset": 20, "matched": "KEY=********",
            }],
            "licenses": [{
                "path": "vendor/LICENSE", "expression": "AGPL-3.0-only", "confidence": 98, "class": "forbidden", "evidence": "text",
            }],
            "skipped": [{"path": "a/b.zip", "reason": "encrypted", "detail": "the entry has a password"}],
        }, "inventoried": true,
        "findings": [finding("requests", "2.6.0", "CVE-2018-18074", "CRITICAL", 9.8)],
        "decisions": [decision()],
        "refusal": {
            "decision": "0192", "package": "requests 2.6.0", "state": "quarantined", "policies": ["Max CVSS"],
            "reasons": ["CVE-2018-18074 has CVSS 9.8"], "vulnerabilities": [], "nearest_allowed": "2.20.0",
            "link": "http://127.0.0.1:8080/ui/packages/7",
        },
        "events": [{
            "seq": 12, "at": "2026-08-16T10:00:01Z", "kind": "decision.quarantined", "actor": "system",
            "subject": "main/pypi/requests@2.6.0", "body": {}, "previous": "", "hash": "",
        }],
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

#[test]
fn findings_are_worst_first_and_stable() {
    let mut all = scored(vec![
        finding("urllib3", "1.24", "CVE-2019-11324", "HIGH", 7.5),
        finding("requests", "2.6.0", "CVE-2024-35195", "MEDIUM", 5.6),
        finding("requests", "2.6.0", "CVE-2018-18074", "CRITICAL", 9.8),
        finding("jinja2", "2.10", "CVE-2019-10906", "HIGH", 8.6),
    ]);
    findings::sort(&mut all);
    let once = findings::table(&all, PLAIN);
    all.reverse();
    findings::sort(&mut all);
    assert_eq!(once, findings::table(&all, PLAIN));
    insta::assert_snapshot!(once);
    insta::assert_snapshot!("findings_on_a_terminal", findings::table(&all, Look { width: Some(100), color: false }));
}

#[test]
fn packages_are_listed_with_state_and_findings() {
    insta::assert_snapshot!(packages::table(&[serde_json::from_value(row()).unwrap()]).render(PLAIN));
}

#[test]
fn one_package_is_shown_whole() {
    insta::assert_snapshot!(packages::page(detail(), PLAIN));
}

#[test]
fn a_refusal_is_explained_with_the_way_out() {
    insta::assert_snapshot!(explain::explain(&detail()));
}

#[test]
fn administrators_see_tables() {
    let at = "2026-08-16T10:00:00Z";
    let policy = json!({
        "slug": "max-cvss", "name": "Max CVSS", "description": "", "rego": "package cloudsmith", "precedence": 100,
        "terminal": true, "enabled": true, "on_failure": "fail-closed", "revision": 3, "created_at": at, "updated_at": at,
        "actions": [{"kind": "set_state", "params": {"state": "quarantined"}}, {"kind": "add_tags", "params": {"tags": ["a", "b"]}}],
        "reads": ["findings"],
    });
    let repository =
        json!({"id": 1, "name": "main", "created_at": at, "settings": {"anonymous_read": true, "description": "Ours"}});
    let token = json!({
        "id": "ab12", "name": "ci", "permission": "write", "repositories": ["main"], "created_at": at, "expires_at": null,
    });
    let policies = json!({"policies": [policy], "failing": {}});
    let parts = [
        policy::table(&serde_json::from_value(policies).unwrap()).render(PLAIN),
        repositories::table(&[serde_json::from_value(repository).unwrap()]).render(PLAIN),
        tokens::table(&[serde_json::from_value(token).unwrap()]).render(PLAIN),
    ];
    insta::assert_snapshot!(parts.join("\n\n"));
}

#[test]
fn the_log_is_one_line_per_event() {
    let event = json!({
        "seq": 12, "at": "2026-08-16T10:00:01Z", "kind": "decision.quarantined", "actor": "system",
        "subject": format!("main/oci/alpine@sha256:{}", "cd".repeat(32)), "previous": "", "hash": "",
        "body": {"from": "available", "to": "quarantined", "reasons": ["CVE-1 has CVSS 9.8"], "counts": {"new": 2}, "empty": null},
    });
    insta::assert_snapshot!(log::table(&[serde_json::from_value(event).unwrap()]).render(PLAIN));
    let whole = LogCheck { entries: 1, head: "sha256:aa".into(), broken: None };
    assert!(log::verdict(&whole).starts_with("the log is whole: 1 entry, head sha256:aa"));
    let broken = LogCheck { broken: Some((2, "the entry is missing".into())), ..whole };
    assert!(log::verdict(&broken).starts_with("the log is BROKEN at entry 2: the entry is missing"));
}

#[test]
fn a_server_tells_its_state() {
    let status = json!({
        "version": "0.1.0", "workspace": "assay", "advisories": {"osv": 14_672}, "matched": 9, "decided": 1, "inventories": 2,
        "jobs": {"change": {"waiting": 1200, "running": 2, "dead": 0}, "scan": {"waiting": 0, "running": 0, "dead": 1}},
        "feeds": [{"feed": "osv", "cursor": "", "synced_at": "2026-08-16T10:00:00Z", "error": null},
                  {"feed": "kev", "cursor": "", "synced_at": null, "error": "cannot fetch it"}],
    });
    insta::assert_snapshot!(status::page(&serde_json::from_value(status).unwrap(), PLAIN));
}

fn commands(command: &Command, path: &str, all: &mut Vec<(String, Command)>) {
    for child in command.get_subcommands().filter(|c| c.get_name() != "help") {
        let name = format!("{path} {}", child.get_name());
        commands(child, &name, all);
        all.push((name, child.clone()));
    }
}

#[test]
fn the_page_names_every_command_and_every_option() {
    Args::command().debug_assert();
    let page = include_str!("../../../../docs/command-line.md");
    let mut all = Vec::new();
    commands(&Args::command(), "assay", &mut all);
    assert!(all.len() > 20);
    for (name, command) in all {
        assert!(page.contains(&format!("`{name}")), "docs/command-line.md does not name `{name}`");
        for option in
            command.get_arguments().filter_map(|arg| arg.get_long()).filter(|o| !matches!(*o, "help" | "version"))
        {
            assert!(page.contains(&format!("--{option}")), "docs/command-line.md does not name --{option} of `{name}`");
        }
    }
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    for line in [
        "assay",
        "assay scan",
        "assay scan x --severity dreadful",
        "assay scan x --exit-code 0",
        "assay policy add x.rego",
        "assay policy add x.rego --action explode",
        "assay policy add x.rego --action quarantine --precedence 40000",
        "assay tokens create ci --permission root",
        "assay packages --state lost",
        "assay feeds import",
    ] {
        let error = Args::try_parse_from(line.split(' ')).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
    }
    for line in [
        "assay scan x --severity HIGH,critical --exit-code 3 --format cyclonedx --output y",
        "assay policy add x.rego --action quarantine --action add-tags=a,b --terminal --on-failure fail-open",
        "assay log --follow --json --subject main/pypi/x@1",
        "assay log verify --json",
        "assay repositories set main --anonymous-read true --hold-seconds 5",
        "assay version compare pypi 1.0 -1",
    ] {
        Args::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}
