//! The matcher on real feeds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::super::*;
use crate::testing::{self, Kept, component};
use assay_model::finding::Severity;
use assay_model::seam::source::Source as _;
use std::collections::BTreeMap;
use std::fs::File;

/// A store in memory that files as the real one does.
#[derive(Default)]
struct Feeds {
    filed: BTreeMap<(String, String), Vec<StoredAdvisory>>,
    stated: Vec<StatedSeverity>,
    pairs: Vec<(String, String)>,
}

impl Feeds {
    fn read(names: &[&str]) -> Option<Self> {
        let mut feeds = Self::default();
        for name in names {
            let mut file = File::open(testing::corpus(&format!("feeds/{name}/all.zip"))?).unwrap();
            let mut kept = Kept::default();
            crate::osv::Osv.parse(name, &mut file, &mut kept).unwrap();
            for (advisory, bytes) in kept.advisories {
                let revision = assay_model::Digest::of(&bytes).to_string();
                feeds.stated.extend(OsvMatcher.stated(&advisory));
                feeds.pairs.extend(advisory.ids().skip(1).map(|id| (advisory.id.clone(), id.to_owned())));
                let stored = StoredAdvisory { advisory, source: "osv".into(), revision };
                for key in OsvMatcher.filed_under(&stored.advisory) {
                    feeds.filed.entry(key).or_default().push(stored.clone());
                }
            }
        }
        Some(feeds)
    }

    fn findings(&self, component: &Component) -> Vec<Finding> {
        let keys = OsvMatcher.keys(component);
        let mut candidates: Vec<StoredAdvisory> =
            keys.iter().filter_map(|key| self.filed.get(key)).flatten().cloned().collect();
        candidates.dedup_by(|a, b| a.advisory.id == b.advisory.id);
        OsvMatcher.findings(component, &candidates.iter().collect::<Vec<_>>(), &self.pairs, &self.stated)
    }
}

fn table(findings: &[Finding]) -> String {
    let row = |f: &Finding| {
        let score = f.score().map_or("-".to_owned(), |score| score.to_string());
        format!(
            "{} {} {score} {} [{}]",
            f.id,
            f.severity.as_str(),
            f.fixed_versions.join(","),
            f.ids().skip(1).collect::<Vec<_>>().join(" ")
        )
    };
    findings.iter().map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_old_library_has_its_known_vulnerabilities() {
    let Some(feeds) = Feeds::read(&["osv/PyPI", "osv/PyPI-ghsa"]) else { return };
    let found = feeds.findings(&component("PyPI", "requests", "2.6.0"));
    eprintln!("requests 2.6.0:\n{}", table(&found));
    let get = |id: &str| found.iter().find(|f| f.id == id);
    let leak = get("CVE-2018-18074").expect("the https to http leak");
    assert_eq!(leak.cvss["ghsa"].v3_score, Some(7.5));
    assert_eq!((leak.severity, leak.nearest_fixed.as_deref(), leak.sources.len()), (Severity::High, Some("2.20.0"), 2));
    assert_eq!(get("CVE-2023-32681").unwrap().cvss["ghsa"].v3_score, Some(6.1));
    for fixed_before in ["CVE-2014-1829", "CVE-2014-1830", "CVE-2015-2296"] {
        assert!(get(fixed_before).is_none(), "{fixed_before}");
    }
    assert_eq!(found.len(), 5);
    assert!(feeds.findings(&component("PyPI", "requests", "99.0")).is_empty());
}

#[test]
fn a_distribution_joins_the_scores_of_others() {
    let Some(feeds) = Feeds::read(&["osv/Alpine", "osv/Bitnami", "osv/Go"]) else { return };
    let found = feeds.findings(&component("Alpine:v3.10", "openssl", "1.1.1b-r1"));
    eprintln!("openssl 1.1.1b-r1 on Alpine v3.10:\n{}", table(&found));
    assert!(found.iter().all(|f| f.id.starts_with("CVE-") && f.nearest_fixed.is_some()));
    assert!(found.iter().any(|f| f.id == "CVE-2019-1549"));
    assert!(found.iter().any(|f| f.cvss.contains_key("bitnami") && f.severity != Severity::Unknown));
    assert!(feeds.findings(&component("Alpine:v3.99", "openssl", "1.1.1b-r1")).is_empty());
    let found = feeds.findings(&component("Go", "golang.org/x/net", "v0.1.0"));
    eprintln!("golang.org/x/net v0.1.0: {}", found.len());
    assert!(!found.is_empty());
}

#[test]
fn bundles_of_distributions_are_taken_apart() {
    let Some(feeds) = Feeds::read(&["osv/Debian", "osv/AlmaLinux-9"]) else { return };
    let found = feeds.findings(&component("Debian:11", "curl", "7.74.0-1.3"));
    eprintln!("curl on Debian 11:\n{}", table(&found));
    assert!(found.len() > 5 && found.iter().all(|f| f.id.starts_with("CVE-")));
    let found = feeds.findings(&component("AlmaLinux:9", "qatzip", "1.0.0-1.el9"));
    assert!(!found.is_empty());
}

#[test]
fn every_version_of_the_feeds_can_be_matched() {
    let names = [
        "osv/PyPI",
        "osv/npm",
        "osv/crates-io",
        "osv/Go",
        "osv/Hex",
        "osv/Maven",
        "osv/RubyGems",
        "osv/Packagist",
        "osv/NuGet",
        "malicious/NuGet",
    ];
    let Some(mut feeds) = Feeds::read(&names) else { return };
    feeds.stated.clear();
    feeds.pairs.clear();
    let (mut pairs, mut affected) = (0, 0);
    // Every fifth package is enough to meet each kind of record, in a fifth of the time.
    for ((ecosystem, name), advisories) in feeds.filed.iter().step_by(5) {
        let of_package = |stored: &StoredAdvisory| stored.advisory.affected.clone();
        for entry in advisories.iter().flat_map(of_package).filter(|e| e.package.name == *name).take(3) {
            let fixed =
                entry.ranges.iter().flat_map(|r| &r.events).filter_map(|e| e.fixed.clone().or(e.last_affected.clone()));
            for version in entry.versions.iter().take(2).cloned().chain(fixed.take(2)) {
                pairs += 1;
                affected += usize::from(!feeds.findings(&component(ecosystem, name, &version)).is_empty());
            }
        }
    }
    eprintln!("{pairs} versions matched, {affected} of them affected");
    assert!(pairs > 2000 && affected > 1000);
}
