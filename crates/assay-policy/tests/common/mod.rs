//! Example packages and policies that the tests share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use assay_model::{
    Digest,
    advisory::{Advisory, Affected, Range, RangeEvent, SeverityVector},
    component::{Component, Occurrence, Relationship},
    facts::Facts,
    finding::{Cvss, Finding, FindingKind, FindingSource, Severity, Status},
    health::{Freshness, Popularity, Scorecard, Signature, Similar, Ssvc, Standing},
    inventory::{LicenseClass, LicenseEvidence, LicenseFile, OsRelease, Secret, Skipped},
    package::{Coordinates, File, FileId, Package, PackageId, Reference, Role, State},
    policy::{OnFailure, Policy, PolicyAction},
    repository::{Repository, RepositoryId, Settings},
    score::{Epss, Kev},
    seam::judge::{Judge, Rules},
    vex::{Said, VexOrigin, VexProduct, VexStatement, VexStatus},
    waiver::{Waiver, WaiverId, WaiverScope, WaiverStatus},
};
use assay_policy::RegoJudge;
use jiff::Timestamp;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub fn judge() -> RegoJudge {
    RegoJudge::new(&[("pypi", "python"), ("oci", "docker"), ("npm", "npm")])
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn policy(slug: &str, rego: &str) -> Policy {
    Policy {
        slug: slug.into(),
        name: slug.to_uppercase(),
        description: format!("what to do about {slug}"),
        rego: rego.into(),
        precedence: 100,
        terminal: false,
        enabled: true,
        on_failure: OnFailure::FailClosed,
        actions: vec![PolicyAction { kind: "set_state".into(), params: json!({ "state": "quarantined" }) }],
        reads: BTreeSet::new(),
        revision: 1,
        created_at: at("2026-01-01T00:00:00Z"),
        updated_at: at("2026-01-01T00:00:00Z"),
    }
}

pub fn rules(policies: Vec<Policy>) -> Arc<dyn Rules> {
    judge().compile(policies).unwrap_or_else(|problem| panic!("{problem}"))
}

pub fn component(kind: &str, name: &str, version: &str, ecosystem: &str) -> Component {
    Component {
        purl: format!("pkg:{kind}/{name}@{version}"),
        purl_type: kind.into(),
        namespace: String::new(),
        name: name.into(),
        version: version.into(),
        ecosystem: ecosystem.into(),
        match_name: name.into(),
        match_version: version.into(),
    }
}

pub fn occurrence(component: Component, path: &str) -> Occurrence {
    Occurrence { component, path: path.into(), analyzer: "example".into(), is_subject: false, ..Occurrence::default() }
}

fn v3(score: f64, vector: &str) -> Cvss {
    Cvss { v3_score: Some(score), v3_vector: Some(vector.into()), ..Cvss::default() }
}

pub fn finding(id: &str, severity: Severity, cvss: Vec<(&str, Cvss)>, fixed: &[&str], published: &str) -> Finding {
    Finding {
        id: id.into(),
        aliases: BTreeSet::new(),
        sources: vec![FindingSource { advisory: id.into(), revision: Digest::of(id.as_bytes()).to_string() }],
        title: format!("about {id}"),
        severity,
        cvss: cvss.into_iter().map(|(source, cvss)| (source.to_owned(), cvss)).collect(),
        status: if fixed.is_empty() { Status::Affected } else { Status::Fixed },
        fixed_versions: fixed.iter().map(|v| (*v).to_owned()).collect(),
        nearest_fixed: fixed.first().map(|v| (*v).to_owned()),
        vulnerable_ranges: vec![format!("<{}", fixed.first().unwrap_or(&"∞"))],
        published: Some(published.into()),
        ..Finding::default()
    }
}

fn package(format: &str, name: &str, version: &str) -> Package {
    Package {
        id: PackageId(7),
        repository: RepositoryId(1),
        at: Coordinates { format: format.into(), name: name.into(), version: version.into() },
        metadata: json!({}),
        state: State::Pending,
        held: None,
        tags: BTreeSet::new(),
        decision: None,
        uploader: "ci".into(),
        uploaded_at: at("2026-11-20T10:30:00Z"),
        published_at: None,
        origin: None,
    }
}

fn file(path: &str, role: Option<Role>) -> File {
    File {
        id: FileId(path.len() as i64),
        package: PackageId(7),
        path: path.into(),
        digest: Digest::of(path.as_bytes()),
        size: 1000,
        media_type: "application/octet-stream".into(),
        role,
        hashes: BTreeMap::from([("md5".to_owned(), "0".repeat(32))]),
        metadata: json!({}),
        uploaded_at: at("2026-11-20T10:30:00Z"),
    }
}

fn facts(package: Package, files: Vec<File>, components: Vec<Occurrence>) -> Facts {
    let repository = Repository {
        id: RepositoryId(1),
        name: "main".into(),
        settings: Settings { description: "everything".into(), ..Settings::default() },
        created_at: at("2026-01-01T00:00:00Z"),
    };
    Facts {
        files,
        components,
        inventoried_at: Some(at("2026-11-20T10:30:05Z")),
        ..Facts::about(package, repository, "example", at("2026-11-22T10:00:00Z"))
    }
}

const VECTOR: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";

/// A wheel with one high, one medium and one unscored finding.
pub fn wheel() -> Facts {
    let mut subject = occurrence(component("pypi", "requests", "2.6.0", "PyPI"), "requests-2.6.0.dist-info/METADATA");
    subject.is_subject = true;
    subject.licenses = vec!["Apache 2.0".into()];
    subject.summary = Some("Python HTTP for Humans.".into());
    subject.requires = vec!["certifi".into()];
    let mut package = package("pypi", "requests", "2.6.0");
    package.published_at = Some(at("2015-03-14T16:30:00Z"));
    package.metadata = json!({ "requires_python": ">=2.7" });
    let name = "requests-2.6.0-py2.py3-none-any.whl";
    let mut facts = facts(package, vec![file(name, Some(Role::File))], vec![subject.clone()]);
    let mut high = finding(
        "CVE-2018-18074",
        Severity::High,
        vec![("ghsa", v3(7.5, VECTOR)), ("nvd", Cvss { v2_score: Some(5.0), ..v3(7.5, VECTOR) })],
        &["2.20.0"],
        "2018-10-09T17:29:00Z",
    );
    high.aliases = BTreeSet::from(["GHSA-x84v-xcm2-53pg".to_owned(), "PYSEC-2018-28".to_owned()]);
    high.sources = vec![FindingSource { advisory: "GHSA-x84v-xcm2-53pg".into(), revision: "sha256:1".into() }];
    let medium = finding(
        "CVE-2024-35195",
        Severity::Medium,
        vec![("ghsa", v3(5.6, "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:H/I:H/A:N"))],
        &["2.32.0"],
        "2024-05-20T20:15:00Z",
    );
    let unscored = finding("PYSEC-2099-1", Severity::Low, vec![], &[], "2026-11-01T00:00:00Z");
    facts.findings = [high, medium, unscored].into_iter().map(|found| (subject.component.clone(), found)).collect();
    facts.scores.epss = BTreeMap::from([
        ("CVE-2018-18074".to_owned(), epss("CVE-2018-18074", 0.12, 0.96)),
        ("CVE-2024-35195".to_owned(), epss("CVE-2024-35195", 0.0005, 0.1)),
    ]);
    facts.advisories = vec![ghsa()];
    facts
}

fn epss(cve: &str, score: f64, percentile: f64) -> Epss {
    Epss { cve: cve.into(), score, percentile, date: "2026-11-21".into() }
}

fn ghsa() -> Advisory {
    let event = |introduced: Option<&str>, fixed: Option<&str>| RangeEvent {
        introduced: introduced.map(str::to_owned),
        fixed: fixed.map(str::to_owned),
        ..RangeEvent::default()
    };
    let mut affected = Affected::default();
    affected.package.ecosystem = "PyPI".into();
    affected.package.name = "requests".into();
    affected.ranges = vec![Range {
        kind: "ECOSYSTEM".into(),
        events: vec![event(Some("0"), None), event(None, Some("2.20.0"))],
        ..Range::default()
    }];
    let severity = |kind: &str, score: &str| SeverityVector { kind: kind.into(), score: score.into() };
    Advisory {
        id: "GHSA-x84v-xcm2-53pg".into(),
        modified: "2024-01-01T00:00:00Z".into(),
        published: Some("2018-10-29T19:06:00Z".into()),
        aliases: vec!["CVE-2018-18074".into()],
        summary: Some("Credentials sent to another host".into()),
        severity: vec![severity("CVSS_V3", VECTOR), severity("CVSS_V4", "CVSS:4.0/UNKNOWN")],
        affected: vec![affected],
        references: vec![
            json!({ "type": "WEB", "url": "https://example.org/web" }),
            json!({ "type": "ADVISORY", "url": "https://example.org/advisory" }),
        ],
        ..Advisory::default()
    }
}

/// An image with an operating system, a Node.js package, and one file that was not read.
pub fn image() -> Facts {
    let mut busybox = occurrence(component("apk", "busybox", "1.30.1-r2", "Alpine:v3.10"), "lib/apk/db/installed");
    busybox.licenses = vec!["GPL-2.0-only".into()];
    busybox.layer = Some("sha256:aa".into());
    let musl = occurrence(component("apk", "musl", "1.1.22-r3", "Alpine:v3.10"), "lib/apk/db/installed");
    let lodash = occurrence(component("npm", "lodash", "4.17.4", "npm"), "app/node_modules/lodash/package.json");
    let mut package = package("oci", "team/base", "sha256:00ff");
    package.tags = BTreeSet::from(["legacy".to_owned(), "upstream".to_owned()]);
    package.metadata = json!({ "architecture": "arm64" });
    let files = vec![file("manifests/sha256:00ff", Some(Role::Image)), file("blobs/sha256:aa", None)];
    let mut facts = facts(package, files, vec![busybox.clone(), musl, lodash.clone()]);
    facts.os = Some(OsRelease {
        id: "alpine".into(),
        version: "3.10.4".into(),
        name: "Alpine Linux v3.10".into(),
        ecosystem: "Alpine:v3.10".into(),
        path: "etc/os-release".into(),
    });
    facts.skipped =
        vec![Skipped { path: "usr/lib/big.jar".into(), reason: "limit".into(), detail: "larger than 1 GiB".into() }];
    let lodash_finding = finding(
        "CVE-2019-10744",
        Severity::Critical,
        vec![("ghsa", v3(9.1, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:H"))],
        &["4.17.12"],
        "2019-07-26T00:15:00Z",
    );
    let busybox_finding = finding(
        "CVE-2021-28831",
        Severity::High,
        vec![("nvd", v3(7.5, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"))],
        &["1.30.1-r5"],
        "2021-03-19T05:15:00Z",
    );
    facts.findings = vec![(lodash.component, lodash_finding), (busybox.component, busybox_finding)];
    facts.scores.kev.insert(
        "CVE-2021-28831".into(),
        Kev {
            cve: "CVE-2021-28831".into(),
            date_added: "2021-11-03".into(),
            due_date: "2022-05-03".into(),
            ransomware: false,
            name: "Example".into(),
        },
    );
    facts
}

/// A package without findings, cached from an upstream two days after its publication there.
pub fn clean() -> Facts {
    let mut subject = occurrence(component("npm", "left-pad", "1.3.0", "npm"), "package/package.json");
    subject.is_subject = true;
    subject.licenses = vec!["MIT".into()];
    let mut package = package("npm", "left-pad", "1.3.0");
    package.tags = BTreeSet::from(["approved".to_owned(), "upstream".to_owned()]);
    package.published_at = Some(at("2026-11-20T08:00:00Z"));
    package.uploaded_at = at("2026-11-22T08:00:00Z");
    package.origin = Some("npm-public".to_owned());
    facts(package, vec![file("left-pad-1.3.0.tgz", Some(Role::File))], vec![subject])
}

/// A package that an advisory calls malicious.
pub fn malware() -> Facts {
    let subject = component("npm", "evil-pkg", "0.1.0", "npm");
    let mut facts = facts(
        package("npm", "evil-pkg", "0.1.0"),
        vec![file("evil-pkg-0.1.0.tgz", Some(Role::File))],
        vec![occurrence(subject.clone(), "package/package.json")],
    );
    let found = finding("MAL-2024-1", Severity::Critical, vec![], &[], "2024-06-01T00:00:00Z");
    facts.findings = vec![(subject, Finding { kind: FindingKind::Malware, ..found })];
    facts.advisories = vec![Advisory { id: "MAL-2024-1".into(), ..Advisory::default() }];
    facts
}

/// An application with what is found beside vulnerabilities: a secret, licences, a runtime that nobody maintains any more, and
/// components that came in different ways.
pub fn application() -> Facts {
    let mut facts = clean();
    let lock = |name: &str, relationship, dev, vendored_in: Option<&str>| Occurrence {
        relationship,
        dev,
        vendored_in: vendored_in.map(str::to_owned),
        licenses: vec!["GPLv2+".into()],
        ..occurrence(component("npm", name, "1.0.0", "npm"), "package/package-lock.json")
    };
    facts.components.extend([
        lock("direct", Relationship::Direct, false, None),
        lock("tester", Relationship::Indirect, true, None),
        lock("copy", Relationship::Unknown, false, Some("pkg:npm/direct@1.0.0")),
    ]);
    facts.secrets = vec![Secret {
        rule: "example-key".into(),
        category: "Example".into(),
        title: "Example key".into(),
        severity: Severity::High,
        path: "package/.env".into(),
        layer: None,
        first_line: 3,
        last_line: 3,
        offset: 20,
        matched: "KEY=********".into(),
        context: Vec::new(),
    }];
    facts.licenses = vec![LicenseFile {
        path: "package/vendor/LICENSE".into(),
        layer: None,
        expression: "AGPL-3.0-only".into(),
        confidence: 97,
        class: LicenseClass::Forbidden,
        evidence: LicenseEvidence::Text,
    }];
    let ended = finding("EOL-example-1", Severity::Unknown, vec![], &[], "2025-01-01T00:00:00Z");
    let runtime = component("generic", "example", "1.2", "EndOfLife");
    let ended = Finding { kind: FindingKind::EndOfLife, status: Status::EndOfLife, ..ended };
    facts.findings = vec![(runtime, ended)];
    facts.advisories = vec![Advisory { id: "EOL-example-1".into(), ..Advisory::default() }];
    facts
}

/// The wheel with everything that can be known of a package besides, and two of its findings taken away.
pub fn known() -> Facts {
    let mut facts = wheel();
    let when = at("2026-11-20T11:00:00Z");
    facts.references =
        vec![Reference { name: "latest".into(), package: PackageId(7), version: "2.6.0".into(), set_at: when }];
    facts.package.tags = BTreeSet::from(["approved".to_owned()]);
    facts.repository.settings.labels = BTreeMap::from([("stage".to_owned(), "production".to_owned())]);
    facts.last_downloaded_at = Some(at("2026-11-21T00:00:00Z"));
    facts.workspace_since = Some(at("2026-01-01T00:00:00Z"));
    facts.requester = Some("someone".into());
    facts.scorecard = Some(Scorecard {
        repository: "code.example/owner/name".into(),
        score: 4.5,
        checks: BTreeMap::from([("Maintained".to_owned(), 3.0), ("Fuzzing".to_owned(), -1.0)]),
        date: "2026-11-16".into(),
    });
    let popular = Popularity { purl_type: "pypi".into(), name: "requests".into(), rank: 4, downloads: Some(9) };
    facts.popularity = Standing { own: None, similar: vec![Similar { popular, distance: 1 }], known: true };
    facts.signatures = vec![
        Signature { kind: "signature".into(), form: "openpgp".into(), path: "a.asc".into(), ..Signature::default() },
        Signature {
            kind: "provenance".into(),
            form: "dsse".into(),
            path: "a.json".into(),
            verified: Some(true),
            source: Some("https://registry.example/source".into()),
            ..Signature::default()
        },
    ];
    facts.freshness = vec![Freshness { source: "osv".into(), synced_at: Some(when), stale: true }];
    let ssvc = Ssvc {
        exploitation: "poc".into(),
        automatable: "no".into(),
        technical_impact: "partial".into(),
        at: "2026-11-01T00:00:00Z".into(),
    };
    facts.scores.ssvc.insert("CVE-2018-18074".into(), ssvc);
    facts.statements = vec![said("CVE-2024-35195", true), said("CVE-2018-18074", false)];
    facts.waivers = vec![Waiver {
        id: WaiverId("w-1".into()),
        scope: WaiverScope { vulnerabilities: BTreeSet::from(["PYSEC-2099-1".to_owned()]), ..WaiverScope::default() },
        reason: "not reachable".into(),
        author: "someone".into(),
        status: WaiverStatus::Active,
        created_at: when,
        expires_at: at("2027-01-01T00:00:00Z"),
        changed_at: when,
        ..Waiver::default()
    }];
    facts
}

fn said(vulnerability: &str, trusted: bool) -> Said {
    Said {
        statement: VexStatement {
            vulnerability: BTreeSet::from([vulnerability.to_owned()]),
            products: vec![VexProduct { purls: vec!["pkg:pypi/requests".into()], ..VexProduct::default() }],
            status: VexStatus::NotAffected,
            justification: Some("vulnerable_code_not_present".into()),
            statement: None,
            at: Some(at("2026-11-01T00:00:00Z")),
            author: "its maker".into(),
            document: "vex-1".into(),
        },
        origin: VexOrigin::Uploaded("someone".into()),
        trusted,
    }
}

/// The facts that a table names.
pub fn named(name: &str) -> Facts {
    match name {
        "wheel" => wheel(),
        "image" => image(),
        "clean" => clean(),
        "malware" => malware(),
        "application" => application(),
        "known" => known(),
        "copyleft" => {
            let mut facts = clean();
            facts.components[0].licenses = vec!["GPL-3.0-only".into()];
            facts
        }
        "debug" => {
            let mut facts = wheel();
            facts.files = vec![file("requests-2.6.0-debug.whl", Some(Role::File))];
            facts
        }
        "tagged" => {
            let mut facts = clean();
            facts.package.tags = (0..6).map(|number| format!("t{number}")).collect();
            facts
        }
        "fresh" => {
            let mut facts = wheel();
            facts.findings.iter_mut().for_each(|(_, found)| found.published = Some("2026-11-20T00:00:00Z".into()));
            facts
        }
        "risky" => {
            let mut facts = wheel();
            facts.files.push(file("weights/model.pkl", None));
            facts
        }
        other => panic!("no facts are named {other}"),
    }
}
