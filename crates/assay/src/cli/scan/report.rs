//! What a scan found, as people and programs read it.

use super::{
    filter::{NotShown, without_dev},
    sections,
};
use crate::cli::{
    findings,
    local::Target,
    look::{Look, Sheet, Text, bytes, count, harmless, seconds, thousands},
};
use assay_engine::{ScanResult, ScoredFinding, ignore::Suppressed, report::trivy};
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
    /// Findings that were not chosen, by why.
    not_shown: NotShown,
    /// Advisories by source.
    advisories: BTreeMap<String, i64>,
    /// Where something was found.
    places: Vec<Place>,
    /// Chosen findings, worst first.
    pub(crate) findings: Vec<ScoredFinding>,
    /// All that is inside.
    pub(crate) inventory: Inventory,
    /// Findings that are answered for, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressed: Vec<Suppressed>,
    /// How long it took.
    seconds: f64,
    /// Licences, by place.
    #[serde(skip)]
    licenses: Vec<trivy::License>,
}

/// A place where something was found: a lock file, the system, installed packages of a language.
#[derive(Clone, Debug, Serialize)]
struct Place {
    target: String,
    #[serde(rename = "type")]
    kind: String,
    components: usize,
    totals: BTreeMap<Severity, usize>,
    secrets: usize,
}

impl Report {
    /// Of a scan that was filtered; `told` is the same in the form of others.
    pub(crate) fn new(
        target: &Target,
        result: &ScanResult,
        told: &trivy::Report,
        include_dev: bool,
        not_shown: NotShown,
        seconds: f64,
    ) -> Self {
        let mut findings = result.findings.clone();
        findings::sort(&mut findings);
        let inventory = result.inventory.clone();
        Self {
            target: target.clone(),
            complete: inventory.is_complete(),
            totals: findings::totals(&findings),
            not_shown,
            advisories: result.advisories.clone(),
            places: told.results.iter().filter_map(place).collect(),
            findings,
            inventory: if include_dev { inventory } else { without_dev(inventory) },
            suppressed: Vec::new(),
            seconds,
            licenses: told.results.iter().flat_map(|outcome| outcome.licenses.clone()).collect(),
        }
    }

    /// The same, listing what is answered for.
    pub(crate) fn with_suppressed(self, suppressed: &[Suppressed]) -> Self {
        Self { suppressed: suppressed.to_vec(), ..self }
    }

    fn answered_for(&self, look: Look) -> String {
        if self.suppressed.is_empty() {
            return String::new();
        }
        let mut sheet = Sheet::new(&["COMPONENT", "INSTALLED", "VULNERABILITY", "ANSWER", "WHY", "SAID IN"]);
        for one in &self.suppressed {
            let component = &one.finding.component;
            sheet.row([
                Text::from(&component.name),
                Text::from(&component.version),
                Text::from(&one.finding.finding.id),
                Text::from(&one.status),
                Text::from(one.statement.as_deref().unwrap_or_default()),
                Text::from(&one.source),
            ]);
        }
        format!("\nAnswered for\n{}\n", sheet.render(look))
    }

    /// Whether anything that was looked for is there.
    pub(crate) fn has_findings(&self) -> bool {
        !self.findings.is_empty() || !self.inventory.secrets.is_empty() || !self.licenses.is_empty()
    }

    /// Sentences about what the reader of a report should know.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.knows_advisories() {
            notes.push("Nothing was looked up: no advisories are imported.".to_owned());
        }
        if !self.complete {
            let parts = count(self.inventory.skipped.len() as u64, "part was", "parts were");
            notes.push(format!("{parts} not read; what is in there is missing here."));
            let named = self.inventory.skipped.iter().take(SKIPPED_SHOWN);
            notes.extend(named.map(|one| format!("{}: {}", one.path, one.detail)));
        }
        let not_shown = self.left_out();
        if !not_shown.is_empty() {
            notes.push(format!("Not shown: {not_shown}."));
        }
        notes
    }

    fn left_out(&self) -> String {
        let NotShown { other_severities, unfixed, dev, answered_for } = self.not_shown;
        let said = |n: usize, why: &str| (n > 0).then(|| format!("{} {why}", count(n as u64, "finding", "findings")));
        let said = [
            said(other_severities, "of other severities"),
            said(unfixed, "without a fix"),
            said(dev, "of what only development needs"),
            said(answered_for, "that ignore files or VEX statements answer for"),
        ];
        said.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Whether there was anything to look in.
    pub(crate) fn knows_advisories(&self) -> bool {
        self.advisories.values().any(|n| *n > 0)
    }

    /// For people.
    pub(crate) fn table(&self, look: Look) -> String {
        let mut text = self.header();
        text.push_str(&self.places(look));
        if !self.findings.is_empty() {
            text.push_str(&format!("\n{}\n", findings::table(&self.findings, look)));
        }
        text.push_str(&self.secrets(look));
        text.push_str(&self.licenses(look));
        text.push_str(&self.answered_for(look));
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
        if !self.inventory.secrets.is_empty() {
            let mut totals = BTreeMap::new();
            self.inventory.secrets.iter().for_each(|one| *totals.entry(one.severity).or_default() += 1);
            let n = thousands(self.inventory.secrets.len() as u64);
            text.push_str(&format!("Secrets     {n}: {}\n", findings::in_words(&totals)));
        }
        let left_out = self.left_out();
        if !left_out.is_empty() {
            text.push_str(&format!("Not shown   {left_out}\n"));
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

    /// A line per place, where there are several.
    fn places(&self, look: Look) -> String {
        if self.places.len() < 2 {
            return String::new();
        }
        let mut sheet = Sheet::new(&["WHERE", "TYPE", ">COMPONENTS", ">SECRETS", "VULNERABILITIES"]);
        for one in &self.places {
            let number = |n: usize| if n == 0 { String::new() } else { thousands(n as u64) };
            let found = if one.totals.is_empty() { "-".to_owned() } else { findings::in_words(&one.totals) };
            sheet.row([
                Text::from(&one.target),
                Text::from(&one.kind),
                number(one.components).into(),
                number(one.secrets).into(),
                found.into(),
            ]);
        }
        format!("\n{}\n", sheet.render(look))
    }

    fn secrets(&self, look: Look) -> String {
        if self.inventory.secrets.is_empty() {
            return String::new();
        }
        let mut sheet = Sheet::new(&["SECRET", "SEVERITY", "WHERE", "MATCH"]);
        for one in &self.inventory.secrets {
            let place = format!("{}:{}", one.path, one.first_line);
            let severity = Text::new(one.severity.as_str(), findings::tone(one.severity));
            sheet.row([Text::from(&one.title), severity, place.into(), Text::from(one.matched.trim())]);
        }
        format!("\n{}\n", sheet.render(look))
    }

    /// A line per licence and class, with how many have it and who the first of them are.
    fn licenses(&self, look: Look) -> String {
        if self.licenses.is_empty() {
            return String::new();
        }
        let mut by_name: BTreeMap<(&str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
        for one in &self.licenses {
            let of = if one.pkg_name.is_empty() { &one.file_path } else { &one.pkg_name };
            by_name.entry((&one.name, &one.category, &one.severity)).or_default().insert(of);
        }
        let mut sheet = Sheet::new(&["LICENCE", "CLASS", ">COUNT", "OF"]);
        for ((name, class, severity), of) in by_name {
            let tone = findings::tone(Severity::parse(severity).unwrap_or_default());
            let n = thousands(of.len() as u64);
            let shown: Vec<&str> = of.into_iter().take(SKIPPED_SHOWN).collect();
            sheet.row([Text::from(name), Text::new(class, tone), n.into(), shown.join(", ").into()]);
        }
        format!("\n{}\n", sheet.render(look))
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

fn place(outcome: &trivy::Outcome) -> Option<Place> {
    let is_license = outcome.class.starts_with("license");
    let kind = if outcome.kind.is_empty() { outcome.class.clone() } else { outcome.kind.clone() };
    (!is_license).then(|| Place {
        target: outcome.target.clone(),
        kind,
        components: outcome.packages.len(),
        totals: sections::totals(outcome),
        secrets: outcome.secrets.len(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::cli::scan::filter::{Choice, Scanner};
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

    fn report(result: ScanResult, severity: &[Severity]) -> Report {
        let mut result = result;
        let choice =
            Choice { severity: severity.to_vec(), scanners: vec![Scanner::Vuln, Scanner::Secret], ..Choice::default() };
        let left = choice.apply(&mut result);
        let subject = trivy::Subject { name: target().path, ..trivy::Subject::default() };
        let told = trivy::report(&result, &subject, &trivy::Options::default(), jiff::Timestamp::UNIX_EPOCH);
        Report::new(&target(), &result, &told, false, left, 0.25)
    }

    fn target() -> Target {
        Target { path: "alpine.tar".into(), kind: "image archive", sha256: None, size: Some(2_700_000) }
    }

    #[test]
    fn a_scan_says_what_it_found_and_what_it_did_not_read() {
        insta::assert_snapshot!(report(result(), &[]).table(Look::default()));
    }

    #[test]
    fn only_chosen_severities_are_shown_and_counted() {
        let report = report(result(), &[Severity::Critical]);
        assert_eq!((report.findings.len(), report.not_shown.other_severities), (1, 1));
        assert!(report.table(Look::default()).contains("Not shown   1 finding of other severities"));
    }

    #[test]
    fn nothing_found_and_nothing_to_look_in_differ() {
        let mut clean = ScanResult { findings: vec![], ..result() };
        let empty = clean.clone();
        clean.inventory.components.push(occurrence());
        let blind = ScanResult { advisories: BTreeMap::new(), ..clean.clone() };
        let said = |result| report(result, &[]).table(Look::default());
        assert!(said(clean).contains("no vulnerabilities"));
        assert!(said(empty).contains("no component is recognised"));
        let blind = said(blind);
        assert!(blind.contains("no advisories are imported") && !blind.contains("no vulnerabilities"), "{blind}");
    }
}
