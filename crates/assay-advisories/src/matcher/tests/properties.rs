//! Whatever the records are: no panic, and the same findings in whatever order they come.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::super::*;
use super::stored;
use crate::testing::component;
use proptest::prelude::*;
use serde_json::{Value, json};

const ECOSYSTEMS: [&str; 6] = ["PyPI", "npm", "Debian:12", "Debian", "Alpine:v3.10", "Nowhere:1"];
const IDS: [&str; 8] = [
    "CVE-2024-0001",
    "CVE-2023-0002",
    "CVE-2024-00003",
    "GHSA-a",
    "PYSEC-1",
    "DSA-1",
    "DEBIAN-CVE-2023-0002",
    "RUSTSEC-1",
];
const VECTORS: [&str; 5] = [
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
    "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N",
    "CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N",
    "AV:N/AC:L/Au:N/C:N/I:N/A:C",
    "rubbish",
];

fn version() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[0-9]{1,2}(\\.[0-9]){0,2}((-r|-|rc|~|\\+)[0-9])?", 1 => "\\PC{0,6}", 1 => Just("0".to_owned())]
}

fn id() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&IDS[..])
}

fn event() -> impl Strategy<Value = Value> {
    (prop::sample::select(&["introduced", "fixed", "last_affected", "limit"][..]), version())
        .prop_map(|(kind, version)| json!({ kind: version }))
}

fn entry() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(&["ECOSYSTEM", "SEMVER", "GIT"][..]);
    let ranges = prop::collection::vec((kind, prop::collection::vec(event(), 0..5)), 0..3);
    let parts = (prop::sample::select(&ECOSYSTEMS[..]), ranges, prop::collection::vec(version(), 0..3));
    parts.prop_map(|(ecosystem, ranges, versions)| {
        let ranges: Vec<Value> =
            ranges.into_iter().map(|(kind, events)| json!({ "type": kind, "events": events })).collect();
        json!({ "package": { "ecosystem": ecosystem, "name": "a" }, "ranges": ranges, "versions": versions })
    })
}

fn record() -> impl Strategy<Value = Value> {
    let names =
        (id(), prop::collection::vec(id(), 0..3), prop::collection::vec(id(), 0..3), prop::collection::vec(id(), 0..3));
    let rest = (
        prop::collection::vec(entry(), 0..4),
        prop::collection::vec(prop::sample::select(&VECTORS[..]), 0..3),
        "\\PC{0,8}",
        any::<bool>(),
    );
    (names, rest).prop_map(|((id, aliases, upstream, related), (affected, vectors, summary, gone))| {
        let severity: Vec<Value> = vectors.iter().map(|v| json!({ "type": "CVSS_V3", "score": v })).collect();
        let withdrawn = (gone && summary.len() > 6).then_some("2026-01-01T00:00:00Z");
        json!({ "id": id, "aliases": aliases, "upstream": upstream, "related": related, "affected": affected, "severity": severity,
            "summary": summary, "withdrawn": withdrawn, "database_specific": { "severity": summary } })
    })
}

proptest! {
    #[test]
    fn the_order_of_what_is_known_does_not_matter(
        records in prop::collection::vec(record(), 0..8),
        pairs in prop::collection::vec((id(), id()), 0..3),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 64),
        ecosystem in prop::sample::select(&ECOSYSTEMS[..]),
        version in version(),
    ) {
        let mut picks = picks.iter().cycle();
        let mut swap = |n: usize| picks.next().map_or(0, |pick| pick.index(n + 1));
        // Two records of one id are two revisions: only their digest tells them apart.
        let mut candidates: Vec<StoredAdvisory> = records.iter().map(stored).collect();
        candidates.iter_mut().enumerate().for_each(|(n, candidate)| candidate.revision = format!("rev-{n}"));
        let mut aliases: Vec<(String, String)> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let mut stated: Vec<StatedSeverity> = candidates.iter().flat_map(|c| OsvMatcher.stated(&c.advisory)).collect();
        let ours = component(ecosystem, "a", &version);
        let first = OsvMatcher.findings(&ours, &candidates.iter().collect::<Vec<_>>(), &aliases, &stated);
        for i in (1..candidates.len()).rev() { candidates.swap(i, swap(i)); }
        for i in (1..stated.len()).rev() { stated.swap(i, swap(i)); }
        aliases.reverse();
        aliases.iter_mut().for_each(|(a, b)| std::mem::swap(a, b));
        let second = OsvMatcher.findings(&ours, &candidates.iter().collect::<Vec<_>>(), &aliases, &stated);
        prop_assert_eq!(serde_json::to_string(&first).unwrap(), serde_json::to_string(&second).unwrap());
        check(&first);
    }
}

/// What holds of any list of findings.
fn check(findings: &[Finding]) {
    assert!(findings.is_sorted_by(|a, b| a.id < b.id), "no vulnerability twice");
    for finding in findings {
        assert!(!finding.aliases.contains(&finding.id) && !finding.sources.is_empty() && !finding.title.is_empty());
        assert_eq!(finding.nearest_fixed.as_ref(), finding.fixed_versions.first());
        assert!(finding.cvss.values().all(|cvss| cvss.score().is_some()));
    }
    let all: Vec<&str> = findings.iter().flat_map(Finding::ids).collect();
    let distinct: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(all.len(), distinct.len(), "no id belongs to two vulnerabilities");
}
