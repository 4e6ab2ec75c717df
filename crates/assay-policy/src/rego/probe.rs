//! Example documents on which the two evaluators of a new policy are compared: one of a package about which little is
//! known, and one of a package that has some of everything.

use crate::input::{Document, PolicyNames};
use assay_model::{
    component::{Component, Occurrence},
    ecosystem,
    facts::Facts,
    finding::{Cvss, Finding, FindingKind, Severity, Status},
    inventory::{LicenseClass, LicenseEvidence, LicenseFile, Secret},
    package::{Coordinates, Package, PackageId, State},
    repository::{Repository, RepositoryId, Settings},
    score::{Epss, Kev},
};
use jiff::{Span, Timestamp};
use regorus::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The documents, each with the time at which it is judged.
pub(super) fn documents(names: &PolicyNames) -> Vec<(Value, Timestamp)> {
    [plain(), rich()].into_iter().map(|facts| (Document::build(&facts, names).value(), facts.now)).collect()
}

/// An ordinary day, so that differences of times have ordinary sizes.
fn day(offset: i64) -> Timestamp {
    let base = Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH);
    base.checked_add(Span::new().hours(offset * 24)).unwrap_or(base)
}

fn plain() -> Facts {
    let at = Coordinates { format: ecosystem::NPM.into(), name: "example".into(), version: "1.2.3".into() };
    let package = Package {
        id: PackageId(1),
        repository: RepositoryId(1),
        at,
        metadata: serde_json::json!({}),
        state: State::Pending,
        held: None,
        tags: BTreeSet::from(["a".to_owned()]),
        decision: None,
        uploader: "someone".into(),
        uploaded_at: day(-1),
        published_at: Some(day(-2)),
        origin: None,
    };
    let repository = Repository {
        id: RepositoryId(1),
        name: "example".into(),
        settings: Settings::default(),
        created_at: day(-100),
    };
    Facts::about(package, repository, "example", day(0))
}

fn rich() -> Facts {
    let component = Component { purl: "pkg:npm/example@1.2.3".into(), name: "example".into(), ..component() };
    let found = |id: &str, kind, score, fixed: &[&str]| Finding {
        kind,
        id: id.into(),
        title: "example".into(),
        severity: Severity::of_score(score),
        cvss: BTreeMap::from([("nvd".to_owned(), Cvss { v3_score: Some(score), ..Cvss::default() })]),
        status: if fixed.is_empty() { Status::Affected } else { Status::Fixed },
        fixed_versions: fixed.iter().map(|version| (*version).to_owned()).collect(),
        nearest_fixed: fixed.first().map(|version| (*version).to_owned()),
        published: Some("2025-06-01T00:00:00Z".into()),
        ..Finding::default()
    };
    let findings = [
        found("CVE-2025-0001", FindingKind::Vulnerability, 9.8, &["2.0.0"]),
        found("CVE-2025-0002", FindingKind::Vulnerability, 5.0, &[]),
        found("MAL-2025-1", FindingKind::Malware, 0.0, &[]),
        found("EOL-example-1", FindingKind::EndOfLife, 0.0, &[]),
    ];
    let mut facts = plain();
    facts.findings = findings.into_iter().map(|found| (component.clone(), found)).collect();
    facts.components = vec![Occurrence {
        component,
        path: "package/package.json".into(),
        analyzer: "example".into(),
        is_subject: true,
        licenses: vec!["GPL-3.0-only".into()],
        ..Occurrence::default()
    }];
    let cve = "CVE-2025-0001".to_owned();
    let epss = Epss { cve: cve.clone(), score: 0.5, percentile: 0.99, date: "2025-12-31".into() };
    facts.scores.epss = BTreeMap::from([(cve.clone(), epss)]);
    let date = || "2025-07-01".to_owned();
    let kev = Kev { cve: cve.clone(), date_added: date(), due_date: date(), ransomware: true, name: "example".into() };
    facts.scores.kev = BTreeMap::from([(cve, kev)]);
    facts.secrets = vec![Secret {
        rule: "example".into(),
        category: "Example".into(),
        title: "Example key".into(),
        severity: Severity::High,
        path: ".env".into(),
        layer: None,
        first_line: 1,
        last_line: 1,
        offset: 0,
        matched: "****".into(),
        context: Vec::new(),
    }];
    facts.licenses = vec![LicenseFile {
        path: "LICENSE".into(),
        layer: None,
        expression: "GPL-3.0-only".into(),
        confidence: 100,
        class: LicenseClass::Restricted,
        evidence: LicenseEvidence::Text,
    }];
    facts
}

fn component() -> Component {
    Component {
        purl: String::new(),
        purl_type: ecosystem::NPM.into(),
        namespace: String::new(),
        name: String::new(),
        version: "1.2.3".into(),
        ecosystem: ecosystem::NPM.into(),
        match_name: "example".into(),
        match_version: "1.2.3".into(),
    }
}
