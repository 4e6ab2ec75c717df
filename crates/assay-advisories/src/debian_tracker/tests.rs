#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::parse;

const DOCUMENT: &str = r#"{
 "openssl": {
  "CVE-2023-1": {"description": "bad", "scope": "remote", "releases": {
    "bookworm": {"status": "resolved", "repositories": {"bookworm": "3.0.9-1"}, "fixed_version": "3.0.8-1", "urgency": "not yet assigned"},
    "buster": {"status": "open", "repositories": {"buster": "1.1.1"}, "urgency": "low**", "nodsa": "Minor", "nodsa_reason": "ignored"},
    "bullseye": {"status": "open", "repositories": {}, "urgency": "unimportant", "nodsa_reason": "postponed"},
    "stretch": {"status": "undetermined", "repositories": {}, "urgency": "end-of-life"},
    "sid": {"status": "resolved", "repositories": {}, "fixed_version": "0", "urgency": "high"}}},
  "CVE-2023-2": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "0", "repositories": {}}}},
  "CVE-2023-3": {"releases": 7}
 },
 "zlib": {"TEMP-0000000-ABCDEF": {"releases": {"bookworm": {"status": "open", "repositories": {}, "urgency": "end-of-life"}}}}
}"#;

#[test]
fn releases_say_what_is_done() {
    assert!(DebianTracker.recognizes("json", DOCUMENT.as_bytes()));
    let kept = parse(&DebianTracker, "json", DOCUMENT.as_bytes()).unwrap();
    let first = &kept.advisories[0].0;
    assert_eq!((first.id.as_str(), first.upstream[0].as_str()), ("debian-tracker/openssl/CVE-2023-1", "CVE-2023-1"));
    let told: Vec<_> = first
        .affected
        .iter()
        .map(|one| {
            let said = Statement::of(one).unwrap();
            let fixed = one.ranges[0].events.get(1).and_then(|event| event.fixed.clone());
            (one.package.ecosystem.as_str(), said.status, said.severity, fixed)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Debian:12", None, None, Some("3.0.8-1".to_owned())),
            ("Debian:11", Some(Status::FixDeferred), Some(Severity::Low), None),
            ("Debian:10", Some(Status::WillNotFix), Some(Severity::Low), None),
            ("Debian:9", Some(Status::UnderInvestigation), None, None),
        ]
    );
    assert!(kept.advisories[1].0.withdrawn.is_some(), "never affected");
    assert_eq!(kept.bad.len(), 1);
    assert_eq!(kept.advisories[2].0.upstream, ["TEMP-0000000-ABCDEF"]);
}

#[test]
fn a_document_that_breaks_off_is_an_error() {
    assert!(parse(&DebianTracker, "json", &DOCUMENT.as_bytes()[..700]).is_err());
    assert!(parse(&DebianTracker, "json", b"[]").is_err());
}
