//! The table of findings, shared by `scan` and `package`.

use super::look::{Look, Sheet, Text, Tone, cut};
use assay_engine::ScoredFinding;
use assay_model::{
    component::Component,
    ecosystem::{Law, Scheme, of_purl},
    finding::{Finding, FindingKind, Severity, Status},
    score::{Epss, Kev},
};
use std::{cmp::Ordering, collections::BTreeMap};

/// Severities, worst first.
pub(super) const WORST_FIRST: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Unknown];

/// The colour of a severity.
pub(super) fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical => Tone::Worst,
        Severity::High => Tone::Bad,
        Severity::Medium => Tone::Warning,
        Severity::Low => Tone::Plain,
        Severity::Unknown => Tone::Faint,
    }
}

/// Worst first; where two are as bad, by component, then id, so that the same findings give the same table.
pub(super) fn sort(findings: &mut [ScoredFinding]) {
    findings.sort_by(|a, b| {
        let score = |f: &ScoredFinding| f.finding.score().unwrap_or(-1.0);
        let bad = b.finding.severity.cmp(&a.finding.severity);
        let high = score(b).partial_cmp(&score(a)).unwrap_or(Ordering::Equal);
        let place = |f: &ScoredFinding| (f.component.name.clone(), f.component.clone(), f.finding.id.clone());
        bad.then(high).then_with(|| place(a).cmp(&place(b)))
    });
}

/// Number of findings by severity.
pub(super) fn totals(findings: &[ScoredFinding]) -> BTreeMap<Severity, usize> {
    let mut totals = BTreeMap::new();
    for one in findings {
        *totals.entry(one.finding.severity).or_default() += 1;
    }
    totals
}

/// `1 critical, 2 high`; empty when there is none.
pub(super) fn in_words(totals: &BTreeMap<Severity, usize>) -> String {
    let said = WORST_FIRST.iter().filter_map(|severity| {
        let n = totals.get(severity).copied().filter(|n| *n > 0)?;
        Some(format!("{n} {}", severity.as_str().to_lowercase()))
    });
    said.collect::<Vec<_>>().join(", ")
}

/// One line per finding.
pub(super) fn table(findings: &[ScoredFinding], look: Look) -> String {
    let mut sheet = Sheet::new(&[
        "COMPONENT",
        "INSTALLED",
        "VULNERABILITY",
        "SEVERITY",
        ">CVSS",
        ">EPSS",
        "KEV",
        "FIXED IN",
        "TITLE",
    ]);
    for one in findings {
        sheet.row([
            name(&one.component).into(),
            cut(&one.component.version, 40).into(),
            Text::from(&one.finding.id),
            Text::new(one.finding.severity.as_str(), tone(one.finding.severity)),
            one.finding.score().map(|s| format!("{s:.1}")).unwrap_or_default().into(),
            one.epss.as_ref().map(likelihood).unwrap_or_default().into(),
            Text::new(one.kev.as_ref().map(exploited).unwrap_or_default(), Tone::Worst),
            fixed(&one.finding).into(),
            Text::from(title(&one.finding)),
        ]);
    }
    sheet.render(look)
}

/// As people of its ecosystem write it. A distribution's namespace is itself, which the header names.
fn name(component: &Component) -> String {
    let Component { namespace, name, .. } = component;
    let law = of_purl(&component.purl_type, Some(namespace));
    let joint = if law.is_some_and(|law| law.scheme == Scheme::Maven) { ':' } else { '/' };
    match namespace.as_str() {
        "" => cut(name, 60),
        _ if law.is_some_and(Law::is_distribution) => cut(name, 60),
        _ => cut(&format!("{namespace}{joint}{name}"), 60),
    }
}

/// The smallest version that helps, else all that are known.
fn fixed(finding: &Finding) -> String {
    match &finding.nearest_fixed {
        Some(version) => version.clone(),
        None if finding.fixed_versions.is_empty() => expectation(finding).to_owned(),
        None => cut(&finding.fixed_versions.join(", "), 40),
    }
}

/// What there is to expect without a fixed version.
fn expectation(finding: &Finding) -> &'static str {
    match (finding.kind, finding.status) {
        (FindingKind::Malware, _) => "(malware)",
        (_, Status::EndOfLife) => "(end of life)",
        (_, Status::WillNotFix) => "(will not fix)",
        (_, Status::FixDeferred) => "(deferred)",
        (_, Status::UnderInvestigation) => "(investigated)",
        (_, Status::Affected | Status::Fixed) => "-",
    }
}

/// Nothing where the source only repeats the id.
fn title(finding: &Finding) -> &str {
    if finding.ids().any(|id| id == finding.title) { "" } else { &finding.title }
}

fn likelihood(epss: &Epss) -> String {
    if epss.score < 0.001 { "<0.1%".to_owned() } else { format!("{:.1}%", epss.score * 100.0) }
}

fn exploited(kev: &Kev) -> &'static str {
    if kev.ransomware { "ransom" } else { "yes" }
}
