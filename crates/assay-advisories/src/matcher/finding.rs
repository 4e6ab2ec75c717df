//! One finding out of all records that speak of a vulnerability.

use super::identity::Vulnerability;
use super::range::{self, Named};
use super::subject::Subject;
use super::{Hit, database, severity};
use crate::statement::{Note, Statement};
use assay_model::advisory::Advisory;
use assay_model::finding::{Finding, FindingKind, FindingSource, Severity, Status};
use assay_model::score::StatedSeverity;
use assay_model::seam::matcher::StoredAdvisory;

/// Longest title, in characters.
const MAX_TITLE: usize = 120;
/// What the ids of records of malicious packages begin with.
const MALICIOUS: [&str; 2] = ["MAL-", "LWA-"];

pub(super) fn of(
    subject: &Subject<'_>,
    hits: &[Hit<'_>],
    vulnerability: &Vulnerability,
    notes: &[(&StoredAdvisory, Note)],
    stated: &[StatedSeverity],
) -> Finding {
    let spoken: Vec<&Hit<'_>> = vulnerability.hits.iter().map(|&at| &hits[at]).collect();
    let entries: Vec<&Named<'_>> = spoken.iter().flat_map(|hit| &hit.named).collect();
    let notes = about(vulnerability, notes);
    let judged = severity::judge(&spoken, vulnerability, &notes, stated);
    let id = id(&spoken, vulnerability);
    let fixed_versions = range::fixed_versions(subject.scheme, &entries);
    let said: Vec<&Statement> = entries.iter().filter_map(|entry| entry.statement.as_ref()).collect();
    let stated_fix = stated_fix(subject, &said);
    let kind = kind(&spoken, vulnerability);
    Finding {
        kind,
        aliases: vulnerability.ids.iter().filter(|other| **other != id).cloned().collect(),
        sources: spoken.iter().map(|hit| source(hit)).collect(),
        title: title(&spoken, &notes).unwrap_or_else(|| id.clone()),
        severity: match kind {
            // Nobody scores what was made to do harm: there is nothing to weigh.
            FindingKind::Malware => Severity::Critical,
            _ => judged.severity,
        },
        severity_source: judged.source,
        severities: judged.severities,
        origin: said.iter().rev().find_map(|said| said.origin.clone()),
        vendor_ids: vendor_ids(&said),
        status: match kind {
            FindingKind::EndOfLife => Status::EndOfLife,
            _ => status(&fixed_versions, stated_fix.as_deref(), &said),
        },
        stated_fix,
        cvss: judged.cvss,
        nearest_fixed: fixed_versions.first().cloned(),
        fixed_versions,
        vulnerable_ranges: range::as_text(subject.scheme, &entries),
        published: published(&spoken, &notes),
        id,
    }
}

fn kind(spoken: &[&Hit<'_>], vulnerability: &Vulnerability) -> FindingKind {
    let stated =
        |hit: &&Hit<'_>| Some(hit.advisory().database_specific.as_ref()?.get("kind")?.as_str()? == "end-of-life");
    if vulnerability.ids.iter().any(|id| MALICIOUS.iter().any(|prefix| id.starts_with(prefix))) {
        FindingKind::Malware
    } else if !spoken.is_empty() && spoken.iter().all(|hit| stated(hit) == Some(true)) {
        FindingKind::EndOfLife
    } else {
        FindingKind::Vulnerability
    }
}

/// The records about this vulnerability.
fn about<'a>(vulnerability: &Vulnerability, notes: &[(&'a StoredAdvisory, Note)]) -> Vec<(&'a StoredAdvisory, Note)> {
    let of_it = |stored: &&StoredAdvisory| stored.advisory.aliases.iter().any(|id| vulnerability.ids.contains(id));
    notes.iter().filter(|(stored, _)| of_it(stored)).cloned().collect()
}

/// Of a distribution the greatest that any of its entries names, since an earlier fix may not have been complete; of a
/// language what the last database names.
fn stated_fix(subject: &Subject<'_>, said: &[&Statement]) -> Option<String> {
    let fixes = || said.iter().filter_map(|said| said.fix.as_deref());
    let distribution = said.iter().any(|said| said.named.is_some());
    let chosen = if distribution { range::greatest(subject.scheme, fixes()) } else { fixes().next_back() };
    chosen.map(str::to_owned)
}

fn vendor_ids(said: &[&Statement]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for id in said.iter().flat_map(|said| &said.vendor_ids) {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

/// Fixed where any version fixes it; else what its makers say they do about it, the last word first.
fn status(fixed: &[String], stated_fix: Option<&str>, said: &[&Statement]) -> Status {
    if !fixed.is_empty() || stated_fix.is_some() {
        return Status::Fixed;
    }
    let told = said.iter().rev().filter_map(|said| said.status).filter(|status| *status != Status::Fixed);
    told.max_by_key(|status| (*status != Status::Affected, *status)).unwrap_or_default()
}

fn source(hit: &Hit<'_>) -> FindingSource {
    FindingSource { advisory: hit.advisory().id.clone(), revision: hit.stored.revision.clone() }
}

/// The CVE, else the first record that is about this alone, else the smallest id.
fn id(spoken: &[&Hit<'_>], vulnerability: &Vulnerability) -> String {
    let names = || spoken.iter().filter_map(|hit| super::identity::name(hit.advisory()));
    let first = || names().find(|id| vulnerability.ids.contains(*id));
    let named = vulnerability.cve().map(String::as_str).or_else(first);
    named.or_else(|| vulnerability.ids.first().map(String::as_str)).unwrap_or_default().to_owned()
}

fn title(spoken: &[&Hit<'_>], notes: &[(&StoredAdvisory, Note)]) -> Option<String> {
    let noted = notes.iter().map(|(stored, _)| &stored.advisory);
    let mut preferred: Vec<&Advisory> = spoken.iter().map(|hit| hit.advisory()).chain(noted).collect();
    preferred.sort_by_key(|advisory| database::of(&advisory.id).0);
    let summary = preferred.iter().find_map(|advisory| first_line(advisory.summary.as_deref()?));
    let details = || preferred.iter().find_map(|advisory| first_line(advisory.details.as_deref()?));
    summary.or_else(details)
}

/// The first line that is no heading, in one piece of at most [`MAX_TITLE`] characters.
fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let line: String = line
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if line.chars().count() <= MAX_TITLE {
        return (!line.is_empty()).then_some(line);
    }
    let cut: String = line.chars().take(MAX_TITLE - 1).collect();
    Some(format!("{}…", cut.trim_end()))
}

/// The earliest date of any record, as written. Dates that cannot be read count only where no other is.
fn published(spoken: &[&Hit<'_>], notes: &[(&StoredAdvisory, Note)]) -> Option<String> {
    let noted = notes.iter().map(|(stored, _)| &stored.advisory);
    let all = spoken.iter().map(|hit| hit.advisory()).chain(noted);
    let dates = all.filter_map(|advisory| advisory.published.as_ref()).filter(|date| !date.is_empty());
    let order = |date: &&String| {
        let instant = date.parse::<jiff::Timestamp>().ok();
        (instant.is_none(), instant, (*date).clone())
    };
    dates.min_by_key(order).cloned()
}
