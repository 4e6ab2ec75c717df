//! Whether a version is affected, which versions fix it, and the ranges as text.
//!
//! OSV's rule: affected when it is one of `versions` or lies in any range. `GIT` ranges are never evaluated. A version
//! that the ecosystem cannot order is only compared with the list.

use super::constraint;
use crate::statement::Statement;
use assay_model::advisory::{Affected, Range, RangeEvent};
use assay_model::ecosystem::{self, Event, Scheme};
use std::cmp::Ordering;

/// The order in which a range is to be read; `None` when it is not to be read at all.
fn order_of(range: &Range, scheme: Scheme) -> Option<Scheme> {
    match range.kind.as_str() {
        "ECOSYSTEM" => Some(scheme),
        // Widenings of semantic versions stay in force: their ranges are `SEMVER` too.
        "SEMVER" if matches!(scheme, Scheme::Go | Scheme::Npm | Scheme::Pub) => Some(scheme),
        "SEMVER" => Some(Scheme::Semver),
        _ => None,
    }
}

/// An entry that names the component, with the version that is to be compared.
pub(super) struct Named<'a> {
    pub(super) affected: &'a Affected,
    pub(super) statement: Option<Statement>,
    /// The component's version in the terms of the entry.
    pub(super) version: String,
}

impl Named<'_> {
    pub(super) fn affects(&self, scheme: Scheme) -> bool {
        self.includes(scheme, &self.version)
    }

    fn includes(&self, scheme: Scheme, version: &str) -> bool {
        match &self.statement {
            Some(said) if said.has_constraints() => {
                constraint::is_affected(scheme, &said.vulnerable, (&said.patched, &said.unaffected), version)
            }
            _ => includes(scheme, self.affected, version),
        }
    }

    /// Versions that fix it, as the entry says.
    fn fixes(&self, scheme: Scheme) -> Vec<(Scheme, &str)> {
        let mut fixes: Vec<(Scheme, &str)> = Vec::new();
        for range in &self.affected.ranges {
            let Some(order) = order_of(range, scheme) else { continue };
            fixes.extend(range.events.iter().filter_map(|event| Some((order, event.fixed.as_deref()?))));
        }
        if let Some(said) = &self.statement {
            let patched: Vec<&str> = said.patched.iter().filter_map(|text| constraint::fixed_version(text)).collect();
            let bounds = || said.vulnerable.iter().flat_map(|text| constraint::upper_bounds(text)).collect();
            let told: Vec<&str> = if patched.is_empty() { bounds() } else { patched };
            fixes.extend(told.into_iter().map(|version| (scheme, version)));
        }
        fixes
    }
}

/// The order of two versions; none where one of them has no place in it.
pub(super) fn compare(scheme: Scheme, a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (plain(scheme, a), plain(scheme, b));
    scheme.check_rangeable(b).ok()?;
    scheme.compare(a, b).ok()
}

/// Without the `v` that tags of semantic versions begin with.
fn plain(scheme: Scheme, version: &str) -> &str {
    let tagged = matches!(scheme, Scheme::Semver | Scheme::Npm | Scheme::Pub | Scheme::NuGet | Scheme::Gem);
    match version.strip_prefix('v').filter(|_| tagged) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => version,
    }
}

fn includes(scheme: Scheme, affected: &Affected, version: &str) -> bool {
    if affected.ranges.is_empty() && affected.versions.is_empty() {
        return true;
    }
    let within = |range: &Range| is_within(scheme, range, version);
    let included = is_listed(scheme, affected, version) || affected.ranges.iter().any(within);
    included && last_known(affected).is_none_or(|last| constraint::holds(scheme, last, version))
}

/// The range up to which versions are known to be affected, where nothing else bounds them (GitHub's advisories say so
/// when no fix is known).
fn last_known(affected: &Affected) -> Option<&str> {
    let bounded = |event: &RangeEvent| event.fixed.is_some() || event.last_affected.is_some() || event.limit.is_some();
    if affected.ranges.iter().flat_map(|range| &range.events).any(bounded) {
        return None;
    }
    let text = affected.rest.get("database_specific")?.get("last_known_affected_version_range")?.as_str()?;
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// Spellings of one version are the same version; texts that only have a fallback order must be the same text.
fn is_listed(scheme: Scheme, affected: &Affected, version: &str) -> bool {
    if affected.versions.iter().any(|listed| listed == version) {
        return true;
    }
    scheme.is_canonical(version)
        && affected
            .versions
            .iter()
            .any(|listed| scheme.compare(listed, version) == Ok(Ordering::Equal) && scheme.is_canonical(listed))
}

fn is_within(scheme: Scheme, range: &Range, version: &str) -> bool {
    order_of(range, scheme).is_some_and(|order| ecosystem::affects(order, &events(range), version) == Ok(true))
}

fn events(range: &Range) -> Vec<Event> {
    let mut events = Vec::with_capacity(range.events.len());
    for event in &range.events {
        events.extend(event.introduced.clone().map(Event::Introduced));
        events.extend(event.fixed.clone().map(Event::Fixed));
        events.extend(event.last_affected.clone().map(Event::LastAffected));
        events.extend(event.limit.clone().map(Event::Limit));
    }
    events
}

/// Versions above the component's that no entry calls affected, ascending. Where the entries contradict each other so
/// that none is left, all versions above it that any calls fixed.
pub(super) fn fixed_versions(scheme: Scheme, entries: &[&Named<'_>]) -> Vec<String> {
    let mut fixed: Vec<String> = Vec::new();
    for entry in entries {
        let above = |(order, fix): &(Scheme, &str)| order.compare(fix, &entry.version).is_ok_and(Ordering::is_gt);
        fixed.extend(entry.fixes(scheme).into_iter().filter(above).map(|(_, fix)| fix.to_owned()));
    }
    sort_versions(scheme, &mut fixed);
    fixed.dedup_by(|a, b| by_version(scheme, a, b).is_eq());
    let clean = |fix: &&String| !entries.iter().any(|entry| entry.includes(scheme, fix));
    let clean: Vec<String> = fixed.iter().filter(clean).cloned().collect();
    if clean.is_empty() { fixed } else { clean }
}

/// The greatest of some versions.
pub(super) fn greatest<'a>(scheme: Scheme, versions: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    versions.max_by(|a, b| by_version(scheme, a, b))
}

fn sort_versions(scheme: Scheme, versions: &mut [String]) {
    // Of spellings of one version the fullest comes first, and stays (`2.20.0`, `2.20`).
    versions.sort_by(|a, b| by_version(scheme, a, b).then_with(|| b.len().cmp(&a.len())).then_with(|| a.cmp(b)));
}

/// Version order for those that have one, then the others as text: total whatever the texts are.
fn by_version(scheme: Scheme, a: &str, b: &str) -> Ordering {
    let refused = |text| scheme.compare(text, text).is_err();
    match (refused(a), refused(b)) {
        (false, false) => scheme.order(a, b).unwrap_or(Ordering::Equal),
        (true, true) => a.cmp(b),
        (a, b) => a.cmp(&b),
    }
}

/// The ranges for people, as `>=1.0 <1.5`; where there are none, the version that is listed, or `>=0` for all.
pub(super) fn as_text(scheme: Scheme, entries: &[&Named<'_>]) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for entry in entries {
        let affected = entry.affected;
        let before = texts.len();
        let ranges = affected.ranges.iter().filter(|range| order_of(range, scheme).is_some());
        ranges.for_each(|range| intervals(scheme, range, &mut texts));
        if let Some(said) = &entry.statement {
            texts
                .extend(said.vulnerable.iter().map(|text| text.replace(", ", " ").replace(',', " ").trim().to_owned()));
            if said.vulnerable.is_empty() && said.has_constraints() {
                texts.push(format!(
                    "not {}",
                    said.patched.iter().chain(&said.unaffected).cloned().collect::<Vec<_>>().join(" or ")
                ));
            }
        }
        if texts.len() == before {
            let all = affected.ranges.is_empty() && affected.versions.is_empty();
            texts.push(if all { ">=0".to_owned() } else { format!("={}", entry.version) });
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    texts.retain(|text| !text.is_empty() && seen.insert(text.clone()));
    texts
}

fn intervals(scheme: Scheme, range: &Range, texts: &mut Vec<String>) {
    let mut events = events(range);
    events.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| by_version(scheme, a.version(), b.version())));
    let mut begin: Option<String> = None;
    for event in &events {
        match event {
            Event::Introduced(version) => {
                begin.get_or_insert_with(|| format!(">={version}"));
            }
            Event::Fixed(version) | Event::Limit(version) => {
                texts.extend(begin.take().map(|begin| format!("{begin} <{version}")));
            }
            Event::LastAffected(version) => {
                texts.extend(begin.take().map(|begin| format!("{begin} <={version}")));
            }
        }
    }
    texts.extend(begin);
}

/// `0` before all versions, `*` after all.
fn place(event: &Event) -> u8 {
    match event {
        Event::Introduced(version) if version == "0" => 0,
        Event::Limit(version) if version == "*" => 2,
        _ => 1,
    }
}
