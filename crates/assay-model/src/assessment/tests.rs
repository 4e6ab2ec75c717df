//! Who takes which finding away, and from whom.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::{
    vex::{VexProduct, VexStatement},
    waiver::{PackageRange, WaiverScope, WaiverStatus},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn finding() -> (Component, Finding) {
    let component = Component { purl: "pkg:pypi/requests@2.6.0".into(), ..Component::default() };
    let finding =
        Finding { id: "CVE-2018-1".into(), aliases: BTreeSet::from(["GHSA-x".to_owned()]), ..Finding::default() };
    (component, finding)
}

fn said(status: VexStatus, when: &str, trusted: bool) -> Said {
    Said {
        statement: VexStatement {
            vulnerability: BTreeSet::from(["GHSA-x".to_owned()]),
            products: vec![VexProduct { purls: vec!["pkg:pypi/requests".into()], ..VexProduct::default() }],
            status,
            justification: None,
            statement: None,
            at: Some(at(when)),
            author: "someone".into(),
            document: when.into(),
        },
        origin: VexOrigin::Uploaded("me".into()),
        trusted,
    }
}

fn waiver(number: i64, scope: WaiverScope) -> Waiver {
    Waiver {
        id: WaiverId::of(number),
        scope,
        reason: "because".into(),
        author: "me".into(),
        status: WaiverStatus::Active,
        expires_at: at("2026-06-01T00:00:00Z"),
        ..Waiver::default()
    }
}

fn about(vulnerability: &str) -> WaiverScope {
    WaiverScope { vulnerabilities: BTreeSet::from([vulnerability.to_owned()]), ..WaiverScope::default() }
}

fn assessed(statements: &[Said], waivers: &[Waiver], now: &str) -> Assessment {
    let subject = VexSubject { purls: vec!["pkg:oci/app@sha256:ab".into()], ..VexSubject::default() };
    let (component, finding) = finding();
    Assessor::new(&subject, "main", statements, waivers, at(now)).assess(&component, &finding)
}

const NOW: &str = "2026-05-01T00:00:00Z";

#[test]
fn the_latest_trusted_statement_counts() {
    let not = said(VexStatus::NotAffected, "2026-01-01T00:00:00Z", true);
    let affected = said(VexStatus::Affected, "2026-02-01T00:00:00Z", true);
    let untrusted = said(VexStatus::Fixed, "2026-03-01T00:00:00Z", false);
    assert!(assessed(std::slice::from_ref(&not), &[], NOW).for_all().is_some());
    let both = assessed(&[affected.clone(), not.clone()], &[], NOW);
    assert!(both.suppressed.is_empty(), "an author thought again");
    assert_eq!(both.said.unwrap().statement.status, VexStatus::Affected);
    let told = assessed(std::slice::from_ref(&untrusted), &[], NOW);
    assert!(told.suppressed.is_empty() && told.said.is_some_and(|said| !said.trusted), "it informs");
    assert!(assessed(&[not, untrusted], &[], NOW).for_all().is_some(), "an untrusted word undoes nothing");
}

#[test]
fn a_waiver_holds_where_and_as_long_as_it_says() {
    let here = |scope: WaiverScope| assessed(&[], &[waiver(1, scope)], NOW).for_all().is_some();
    assert!(here(about("CVE-2018-1")) && here(about("GHSA-x")) && !here(about("CVE-2018-2")));
    let range = |purl: &str, versions: &str| PackageRange { purl: purl.into(), versions: versions.into() };
    let of = |packages: Vec<PackageRange>| WaiverScope { packages, ..about("GHSA-x") };
    assert!(here(of(vec![range("pkg:pypi/requests", "<2.20")])));
    assert!(!here(of(vec![range("pkg:pypi/requests", ">=2.20")])));
    assert!(here(of(vec![range("pkg:oci/app", "")])), "all that is in the image");
    let places = |name: &str| WaiverScope { repositories: vec![name.into()], ..about("GHSA-x") };
    assert!(here(places("ma*")) && !here(places("prod")));
    let one = [waiver(1, about("GHSA-x"))];
    assert!(assessed(&[], &one, "2026-05-31T23:59:59Z").for_all().is_some());
    assert!(assessed(&[], &one, "2026-06-01T00:00:00Z").for_all().is_none(), "ended");
    let asked = Waiver { status: WaiverStatus::Requested, ..waiver(1, about("GHSA-x")) };
    assert!(assessed(&[], &[asked], NOW).for_all().is_none(), "not approved");
}

#[test]
fn a_waiver_limited_to_policies_leaves_the_others() {
    let limited = WaiverScope { policies: BTreeSet::from(["max-cvss".to_owned()]), ..about("GHSA-x") };
    let found = assessed(&[], &[waiver(1, limited.clone())], NOW);
    assert!(found.for_all().is_none() && found.for_policy("kev").is_none());
    assert_eq!(found.for_policy("max-cvss").and_then(Suppression::waiver), Some(&WaiverId::of(1)));
    let found = assessed(&[], &[waiver(1, limited), waiver(2, about("GHSA-x"))], NOW);
    assert_eq!(
        found.for_policy("max-cvss").and_then(Suppression::waiver),
        Some(&WaiverId::of(2)),
        "the general one first"
    );
}

#[test]
fn a_waiver_of_policies_alone_takes_verdicts_back() {
    let subject = VexSubject { purls: vec!["pkg:pypi/requests@2.6.0".into()], ..VexSubject::default() };
    let scope = |versions: &str| WaiverScope {
        packages: vec![PackageRange { purl: "pkg:pypi/requests".into(), versions: versions.into() }],
        policies: BTreeSet::from(["licences".to_owned()]),
        ..WaiverScope::default()
    };
    let waived = |waivers: &[Waiver]| Assessor::new(&subject, "main", &[], waivers, at(NOW)).waived_policies();
    assert_eq!(waived(&[waiver(3, scope("<3"))]), BTreeMap::from([("licences".to_owned(), WaiverId::of(3))]));
    assert!(waived(&[waiver(3, scope(">=3"))]).is_empty());
    let (component, finding) = finding();
    let found = Assessor::new(&subject, "main", &[], &[waiver(3, scope("<3"))], at(NOW)).assess(&component, &finding);
    assert!(found.suppressed.is_empty(), "findings stay");
}
