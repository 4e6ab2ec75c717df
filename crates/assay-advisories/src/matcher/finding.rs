//! One finding out of all records that speak of a vulnerability.

use super::identity::Vulnerability;
use super::{Hit, database, range, severity};
use assay_model::advisory::Affected;
use assay_model::component::Component;
use assay_model::finding::{Finding, FindingSource, Status};
use assay_model::score::StatedSeverity;

/// Longest title, in characters.
const MAX_TITLE: usize = 120;

pub(super) fn of(
    component: &Component,
    hits: &[Hit<'_>],
    vulnerability: &Vulnerability,
    stated: &[StatedSeverity],
) -> Finding {
    let spoken: Vec<&Hit<'_>> = vulnerability.hits.iter().map(|&at| &hits[at]).collect();
    let entries: Vec<&Affected> = spoken.iter().flat_map(|hit| hit.affected.iter().copied()).collect();
    let judged = severity::judge(hits, vulnerability, stated);
    let id = id(&spoken, vulnerability);
    let fixed_versions = range::fixed_versions(component, &entries);
    Finding {
        aliases: vulnerability.ids.iter().filter(|other| **other != id).cloned().collect(),
        sources: spoken.iter().map(|hit| source(hit)).collect(),
        title: title(&spoken).unwrap_or_else(|| id.clone()),
        severity: judged.severity,
        cvss: judged.cvss,
        status: if fixed_versions.is_empty() { Status::Affected } else { Status::Fixed },
        nearest_fixed: fixed_versions.first().cloned(),
        fixed_versions,
        vulnerable_ranges: range::as_text(component, &entries),
        published: published(&spoken),
        id,
        ..Finding::default()
    }
}

fn source(hit: &Hit<'_>) -> FindingSource {
    FindingSource { advisory: hit.advisory().id.clone(), revision: hit.stored.revision.clone() }
}

/// The CVE, else the first record that is about this alone, else the smallest id.
fn id(spoken: &[&Hit<'_>], vulnerability: &Vulnerability) -> String {
    let first = || spoken.iter().map(|hit| &hit.advisory().id).find(|id| vulnerability.ids.contains(*id));
    vulnerability.cve().or_else(first).or_else(|| vulnerability.ids.first()).cloned().unwrap_or_default()
}

fn title(spoken: &[&Hit<'_>]) -> Option<String> {
    let mut preferred: Vec<_> = spoken.iter().map(|hit| hit.advisory()).collect();
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
fn published(spoken: &[&Hit<'_>]) -> Option<String> {
    let dates = spoken.iter().filter_map(|hit| hit.advisory().published.as_ref()).filter(|date| !date.is_empty());
    let order = |date: &&String| {
        let instant = date.parse::<jiff::Timestamp>().ok();
        (instant.is_none(), instant, (*date).clone())
    };
    dates.min_by_key(order).cloned()
}
