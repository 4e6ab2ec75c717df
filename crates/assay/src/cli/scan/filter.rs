//! What of a scan's findings is wanted: by scanner, severity, fix, and need. Ignore files and VEX statements come before it.

use assay_engine::{ScanResult, ScoredFinding, report::trivy::Report};
use assay_model::{
    component::Component,
    finding::{Severity, Status},
    inventory::{Inventory, LicenseClass},
};
use clap::ValueEnum;
use std::collections::BTreeSet;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scanner {
    /// Vulnerabilities, malware, ends of support
    Vuln,
    /// Licences of components and in files
    License,
    /// Secrets in files
    Secret,
}

/// The options that choose.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Choice {
    /// Show and count only these: unknown, low, medium, high, critical
    #[arg(long, short, value_name = "HIGH,CRITICAL", value_delimiter = ',', value_parser = severity)]
    pub(crate) severity: Vec<Severity>,
    /// Leave out what has no fixed version yet
    #[arg(long)]
    pub(crate) ignore_unfixed: bool,
    /// Count what is only needed to develop, build or test as well
    #[arg(long, visible_alias = "include-dev-deps")]
    pub(crate) include_dev: bool,
    /// What to look for
    #[arg(long, value_enum, value_name = "vuln,license,secret", value_delimiter = ',', default_values = ["vuln", "secret"])]
    pub(crate) scanners: Vec<Scanner>,
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::parse(text.trim()).ok_or_else(|| "use unknown, low, medium, high or critical".to_owned())
}

/// How many findings were found and are not shown, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct NotShown {
    /// Of severities that were not chosen.
    pub(crate) other_severities: usize,
    /// Without a fix.
    pub(crate) unfixed: usize,
    /// Of components only needed to develop.
    pub(crate) dev: usize,
    /// Left out by an ignore file or a VEX statement.
    pub(crate) answered_for: usize,
}

impl Choice {
    pub(crate) fn wants(&self, scanner: Scanner) -> bool {
        self.scanners.contains(&scanner)
    }

    fn chosen(&self, severity: Severity) -> bool {
        self.severity.is_empty() || self.severity.contains(&severity)
    }

    /// Whether a finding that was left out for another reason would have been wanted.
    pub(crate) fn keeps(&self, one: &ScoredFinding) -> bool {
        let unfixed = self.ignore_unfixed && !has_fix(one.finding.status);
        self.wants(Scanner::Vuln) && !unfixed && self.chosen(one.finding.severity)
    }

    /// Takes licences of other severities out of a report.
    pub(crate) fn apply_to_licenses(&self, told: &mut Report) {
        for outcome in &mut told.results {
            outcome.licenses.retain(|one| self.chosen(Severity::parse(&one.severity).unwrap_or_default()));
        }
        told.results.retain(|outcome| !outcome.class.starts_with("license") || !outcome.licenses.is_empty());
    }

    /// Takes what is not wanted out of the findings, secrets and licences. Components stay as they are: see
    /// [`without_dev`].
    pub(crate) fn apply(&self, scan: &mut ScanResult) -> NotShown {
        let mut left = NotShown::default();
        if !self.wants(Scanner::Vuln) {
            scan.findings.clear();
        }
        let dev = if self.include_dev { BTreeSet::new() } else { only_dev(&scan.inventory) };
        scan.findings.retain(|one| {
            let (is_dev, unfixed) = (dev.contains(&one.component), self.ignore_unfixed && !has_fix(one.finding.status));
            let other = !self.chosen(one.finding.severity);
            match (is_dev, unfixed, other) {
                (true, _, _) => left.dev += 1,
                (_, true, _) => left.unfixed += 1,
                (_, _, true) => left.other_severities += 1,
                _ => return true,
            }
            false
        });
        let before = scan.inventory.secrets.len();
        let secrets = self.wants(Scanner::Secret);
        scan.inventory.secrets.retain(|one| secrets && self.chosen(one.severity));
        if secrets {
            left.other_severities += before - scan.inventory.secrets.len();
        }
        let licenses = self.wants(Scanner::License);
        scan.inventory.licenses.retain(|one| licenses && self.chosen(of_class(one.class)));
        left
    }
}

/// Whether waiting for a fix is over, or nobody has said that there is none.
fn has_fix(status: Status) -> bool {
    matches!(status, Status::Fixed | Status::UnderInvestigation)
}

/// How bad a licence of this class is, in the words of findings.
pub(crate) fn of_class(class: LicenseClass) -> Severity {
    match class {
        LicenseClass::Unencumbered | LicenseClass::Permissive | LicenseClass::Notice => Severity::Low,
        LicenseClass::Reciprocal => Severity::Medium,
        LicenseClass::Restricted => Severity::High,
        LicenseClass::Forbidden => Severity::Critical,
        LicenseClass::Unknown => Severity::Unknown,
    }
}

/// Components that nothing but development needs, wherever they occur.
fn only_dev(inventory: &Inventory) -> BTreeSet<Component> {
    let of = |dev: bool| inventory.components.iter().filter(move |o| o.dev == dev).map(|o| &o.component);
    let needed: BTreeSet<&Component> = of(false).collect();
    of(true).filter(|component| !needed.contains(component)).cloned().collect()
}

/// The inventory without occurrences that only development needs.
pub(crate) fn without_dev(mut inventory: Inventory) -> Inventory {
    inventory.components.retain(|found| !found.dev);
    inventory
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{finding, scored};
    use assay_model::component::Occurrence;
    use std::collections::BTreeMap;

    fn scan() -> ScanResult {
        let mut findings = scored(vec![
            finding("requests", "2.6.0", "CVE-1", "HIGH", 7.5),
            finding("pytest", "1.0", "CVE-2", "HIGH", 7.5),
            finding("idna", "1.0", "CVE-3", "LOW", 2.0),
        ]);
        findings[0].finding.status = Status::Fixed;
        findings[1].finding.status = Status::Fixed;
        findings[2].finding.status = Status::WillNotFix;
        let occurrence =
            |at: usize, dev| Occurrence { component: findings[at].component.clone(), dev, ..Occurrence::default() };
        let components = vec![occurrence(0, false), occurrence(0, true), occurrence(1, true), occurrence(2, false)];
        let inventory = Inventory { components, ..Inventory::default() };
        ScanResult { inventory, findings, details: BTreeMap::new(), advisories: BTreeMap::new() }
    }

    fn choice() -> Choice {
        Choice { scanners: vec![Scanner::Vuln], ..Choice::default() }
    }

    fn ids(scan: &ScanResult) -> Vec<&str> {
        scan.findings.iter().map(|one| one.finding.id.as_str()).collect()
    }

    #[test]
    fn what_only_development_needs_is_left_out_and_counted() {
        let mut found = scan();
        let left = choice().apply(&mut found);
        assert_eq!((ids(&found), left.dev), (vec!["CVE-1", "CVE-3"], 1));
        let mut all = scan();
        assert_eq!(Choice { include_dev: true, ..choice() }.apply(&mut all), NotShown::default());
        assert_eq!(ids(&all).len(), 3);
        assert_eq!(without_dev(all.inventory).components.len(), 2);
    }

    #[test]
    fn unfixed_and_other_severities_are_left_out_and_counted() {
        let mut found = scan();
        let left = Choice { ignore_unfixed: true, include_dev: true, ..choice() }.apply(&mut found);
        assert_eq!((ids(&found), left.unfixed), (vec!["CVE-1", "CVE-2"], 1));
        let mut found = scan();
        let left = Choice { severity: vec![Severity::Low], ..choice() }.apply(&mut found);
        assert_eq!((ids(&found), left.other_severities, left.dev), (vec!["CVE-3"], 1, 1));
        let all = scan().findings;
        let unfixed = Choice { ignore_unfixed: true, ..choice() };
        assert_eq!(all.iter().map(|one| unfixed.keeps(one)).collect::<Vec<_>>(), [true, true, false]);
        let low = Choice { severity: vec![Severity::Low], ..choice() };
        assert_eq!(all.iter().map(|one| low.keeps(one)).collect::<Vec<_>>(), [false, false, true]);
    }
}
