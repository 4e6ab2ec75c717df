//! An earlier report as tables: one per place, with what was found there.

use crate::cli::{
    findings,
    look::{Look, Sheet, Text, count, harmless},
};
use assay_engine::report::trivy::{Outcome, Report};
use assay_model::finding::Severity;
use std::collections::BTreeMap;

/// The whole report for people.
pub(crate) fn table(report: &Report, look: Look) -> String {
    let mut text = format!("Target      {} ({})\n", harmless(&report.artifact_name), report.artifact_type);
    if let Some(os) = &report.metadata.os {
        let ended = if os.eosl { ", no longer supported" } else { "" };
        text.push_str(&format!("System      {} {}{ended}\n", harmless(&os.family), harmless(&os.name)));
    }
    for outcome in &report.results {
        text.push_str(&section(outcome, look));
    }
    if report.results.is_empty() {
        text.push_str("\nNothing was recognised in it.\n");
    }
    text
}

fn section(outcome: &Outcome, look: Look) -> String {
    let mut text = format!("\n{} ({})\n", harmless(&outcome.target), heading(outcome));
    if !outcome.vulnerabilities.is_empty() {
        text.push_str(&vulnerabilities(outcome, look));
    }
    if !outcome.secrets.is_empty() {
        let mut sheet = Sheet::new(&["SECRET", "SEVERITY", ">LINE", "MATCH"]);
        for one in &outcome.secrets {
            let line = one.start_line.to_string();
            sheet.row([(&one.title).into(), severity(&one.severity), line.into(), (&one.matched).into()]);
        }
        text.push_str(&format!("{}\n", sheet.render(look)));
    }
    if !outcome.licenses.is_empty() {
        let mut sheet = Sheet::new(&["LICENCE", "CLASS", "SEVERITY", "COMPONENT", "FILE"]);
        for one in &outcome.licenses {
            let cells = [&one.name, &one.category].map(Text::from);
            let rest = [Text::from(&one.pkg_name), Text::from(&one.file_path)];
            sheet.row(cells.into_iter().chain([severity(&one.severity)]).chain(rest));
        }
        text.push_str(&format!("{}\n", sheet.render(look)));
    }
    text
}

/// Vulnerabilities of a place by severity.
pub(super) fn totals(outcome: &Outcome) -> BTreeMap<Severity, usize> {
    let mut totals: BTreeMap<Severity, usize> = BTreeMap::new();
    for one in &outcome.vulnerabilities {
        *totals.entry(Severity::parse(&one.severity).unwrap_or_default()).or_default() += 1;
    }
    totals
}

fn heading(outcome: &Outcome) -> String {
    let totals = totals(outcome);
    let mut parts: Vec<String> = Vec::new();
    parts.extend(Some(outcome.kind.clone()).filter(|kind| !kind.is_empty()));
    let mut number = |n: usize, one: &str, many: &str| {
        if n > 0 {
            parts.push(count(n as u64, one, many));
        }
    };
    number(outcome.packages.len(), "package", "packages");
    number(outcome.secrets.len(), "secret", "secrets");
    number(outcome.licenses.len(), "licence", "licences");
    parts.push(if totals.is_empty() { "no vulnerabilities".to_owned() } else { findings::in_words(&totals) });
    if outcome.class == "secret" || outcome.class.starts_with("license") {
        parts.pop();
    }
    parts.join("; ")
}

fn vulnerabilities(outcome: &Outcome, look: Look) -> String {
    let mut sheet = Sheet::new(&["COMPONENT", "INSTALLED", "VULNERABILITY", "SEVERITY", "STATUS", "FIXED IN", "TITLE"]);
    for one in &outcome.vulnerabilities {
        sheet.row([
            Text::from(&one.pkg_name),
            Text::from(&one.installed_version),
            Text::from(&one.vulnerability_id),
            severity(&one.severity),
            one.status.replace('_', " ").into(),
            if one.fixed_version.is_empty() { "-".into() } else { Text::from(&one.fixed_version) },
            Text::from(&one.title),
        ]);
    }
    format!("{}\n", sheet.render(look))
}

fn severity(word: &str) -> Text {
    Text::new(word, findings::tone(Severity::parse(word).unwrap_or_default()))
}
