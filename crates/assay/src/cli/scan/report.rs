//! What a scan found, as people and programs read it.

use crate::cli::{
    findings,
    local::Target,
    look::{Look, bytes, count, harmless, seconds, thousands},
};
use assay_engine::{ScanResult, ScoredFinding};
use assay_model::{finding::Severity, inventory::Inventory};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Places that were not read and are named in the table; the JSON has all.
const SKIPPED_SHOWN: usize = 5;

/// One scan.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// What was scanned.
    pub(crate) target: Target,
    /// Whether everything in it was read.
    complete: bool,
    /// Chosen findings by severity.
    totals: BTreeMap<Severity, usize>,
    /// Findings that were not chosen.
    not_shown: usize,
    /// Advisories by source.
    advisories: BTreeMap<String, i64>,
    /// Chosen findings, worst first.
    pub(crate) findings: Vec<ScoredFinding>,
    /// All that is inside.
    pub(crate) inventory: Inventory,
    /// How long it took.
    seconds: f64,
}

impl Report {
    /// Keeps findings of the chosen severities; of all when none is chosen.
    pub(crate) fn new(target: Target, result: ScanResult, chosen: &[Severity], seconds: f64) -> Self {
        let all = result.findings.len();
        let mut findings = result.findings;
        findings.retain(|one| chosen.is_empty() || chosen.contains(&one.finding.severity));
        findings::sort(&mut findings);
        Self {
            target,
            complete: result.inventory.is_complete(),
            totals: findings::totals(&findings),
            not_shown: all - findings.len(),
            advisories: result.advisories,
            findings,
            inventory: result.inventory,
            seconds,
        }
    }

    /// Whether there was anything to look in.
    pub(crate) fn knows_advisories(&self) -> bool {
        self.advisories.values().any(|n| *n > 0)
    }

    /// For people.
    pub(crate) fn table(&self, look: Look) -> String {
        let mut text = self.header();
        if !self.findings.is_empty() {
            text.push_str(&format!("\n{}\n", findings::table(&self.findings, look)));
        }
        text.push('\n');
        text.push_str(&self.summary());
        text
    }

    fn header(&self) -> String {
        let target = &self.target;
        let size = target.size.map(|n| format!(", {}", bytes(n))).unwrap_or_default();
        let mut text = format!("Target      {} ({}{size})\n", harmless(&target.path), target.kind);
        if let Some(os) = &self.inventory.os {
            let tracked = if os.ecosystem.is_empty() { "no advisories exist for it" } else { &os.ecosystem };
            text.push_str(&format!("System      {} ({})\n", harmless(&os.name), harmless(tracked)));
        }
        let found = count(self.inventory.components.len() as u64, "component", "components");
        let by: Vec<&str> = self.inventory.analyzers.iter().map(String::as_str).collect();
        let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
        text.push_str(&format!("Inside      {found}{by}\n"));
        text
    }

    fn summary(&self) -> String {
        let mut text = match (self.findings.len(), self.knows_advisories()) {
            (_, false) => "Found       nothing was looked up: no advisories are imported\n".to_owned(),
            (0, true) if self.inventory.components.is_empty() => {
                "Found       nothing was looked up: no component is recognised in it\n".to_owned()
            }
            (0, true) => "Found       no vulnerabilities\n".to_owned(),
            (n, true) => {
                let (n, ids) = (count(n as u64, "finding", "findings"), self.distinct());
                format!("Found       {n} of {ids}: {}\n", findings::in_words(&self.totals))
            }
        };
        if self.not_shown > 0 {
            let others = count(self.not_shown as u64, "finding", "findings");
            text.push_str(&format!("Not shown   {others} of other severities\n"));
        }
        let owned = self.inventory.components.iter().filter(|o| o.owned_by.is_some()).count();
        if owned > 0 {
            let owned = count(owned as u64, "component", "components");
            text.push_str(&format!("Owned       {owned} by system packages, whose advisories count\n"));
        }
        text.push_str(&self.skipped());
        if self.knows_advisories() {
            let from = self.advisories.iter().filter(|(_, n)| **n > 0);
            let from: Vec<String> = from.map(|(source, n)| format!("{} of {source}", thousands(*n))).collect();
            text.push_str(&format!("Advisories  {}\n", from.join(", ")));
        }
        text.push_str(&format!("Took        {}", seconds(self.seconds)));
        text
    }

    /// One vulnerability may be found in several components.
    fn distinct(&self) -> String {
        let ids: BTreeSet<&str> = self.findings.iter().map(|one| one.finding.id.as_str()).collect();
        count(ids.len() as u64, "vulnerability", "vulnerabilities")
    }

    fn skipped(&self) -> String {
        let skipped = &self.inventory.skipped;
        if skipped.is_empty() {
            return "Skipped     nothing\n".to_owned();
        }
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for one in skipped {
            *reasons.entry(&one.reason).or_default() += 1;
        }
        let reasons: Vec<String> = reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        let parts = count(skipped.len() as u64, "part", "parts");
        let mut text =
            format!("Skipped     {parts} ({}); the list above may lack what is in there\n", reasons.join(", "));
        for one in skipped.iter().take(SKIPPED_SHOWN) {
            text.push_str(&format!("            {}: {}\n", harmless(&one.path), harmless(&one.detail)));
        }
        if skipped.len() > SKIPPED_SHOWN {
            text.push_str(&format!("            and {} more, see --format json\n", skipped.len() - SKIPPED_SHOWN));
        }
        text
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::cli::tests::{finding, scored};
    use assay_model::{
        component::Occurrence,
        inventory::{OsRelease, Skipped},
    };

    fn result() -> ScanResult {
        let skipped =
            |path: &str| Skipped { path: path.into(), reason: "limit".into(), detail: "it is too large".into() };
        let inventory = Inventory {
            os: Some(OsRelease {
                id: "alpine".into(),
                version: "3.10.4".into(),
                name: "Alpine Linux v3.10".into(),
                ecosystem: "Alpine:v3.10".into(),
                path: "etc/os-release".into(),
            }),
            analyzers: ["apk".to_owned(), "os-release".to_owned()].into(),
            skipped: (0..7).map(|n| skipped(&format!("srv/{n}.zip"))).collect(),
            ..Inventory::default()
        };
        let findings = scored(vec![
            finding("requests", "2.6.0", "CVE-2024-35195", "MEDIUM", 5.6),
            finding("requests", "2.6.0", "CVE-2018-18074", "CRITICAL", 9.8),
        ]);
        ScanResult {
            inventory,
            findings,
            details: BTreeMap::new(),
            advisories: BTreeMap::from([("osv".to_owned(), 14_672)]),
        }
    }

    fn occurrence() -> Occurrence {
        let component = scored(vec![finding("requests", "2.6.0", "CVE-2018-18074", "HIGH", 7.5)]).remove(0).component;
        Occurrence {
            component,
            path: String::new(),
            analyzer: "wheel".into(),
            is_subject: true,
            ..Occurrence::default()
        }
    }

    fn target() -> Target {
        Target { path: "alpine.tar".into(), kind: "image archive", sha256: None, size: Some(2_700_000) }
    }

    #[test]
    fn a_scan_says_what_it_found_and_what_it_did_not_read() {
        insta::assert_snapshot!(Report::new(target(), result(), &[], 0.25).table(Look::default()));
    }

    #[test]
    fn only_chosen_severities_are_shown_and_counted() {
        let report = Report::new(target(), result(), &[Severity::Critical], 0.25);
        assert_eq!((report.findings.len(), report.not_shown), (1, 1));
        assert!(report.table(Look::default()).contains("Not shown   1 finding of other severities"));
    }

    #[test]
    fn nothing_found_and_nothing_to_look_in_differ() {
        let mut clean = ScanResult { findings: vec![], ..result() };
        let empty = clean.clone();
        clean.inventory.components.push(occurrence());
        let blind = ScanResult { advisories: BTreeMap::new(), ..clean.clone() };
        let said = |result| Report::new(target(), result, &[], 0.25).table(Look::default());
        assert!(said(clean).contains("no vulnerabilities"));
        assert!(said(empty).contains("no component is recognised"));
        let blind = said(blind);
        assert!(blind.contains("no advisories are imported") && !blind.contains("no vulnerabilities"), "{blind}");
    }
}
