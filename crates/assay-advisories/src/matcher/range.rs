//! Whether a version is affected, which versions fix it, and the ranges as text.
//!
//! OSV's rule: affected when it is one of `versions` or lies in any range. `GIT` ranges are never evaluated. A version
//! that the ecosystem cannot order is only compared with the list.

use assay_model::advisory::{Affected, Range};
use assay_model::component::Component;
use assay_model::ecosystem::{self, Event, Scheme};
use std::cmp::Ordering;

/// The order of the component's ecosystem; an unknown one has none.
pub(super) fn scheme_of(component: &Component) -> Scheme {
    ecosystem::of(&component.ecosystem).map_or(Scheme::Opaque, |law| law.scheme)
}

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

pub(super) fn is_affected(component: &Component, affected: &Affected) -> bool {
    includes(scheme_of(component), affected, &component.match_version)
}

fn includes(scheme: Scheme, affected: &Affected, version: &str) -> bool {
    if affected.ranges.is_empty() && affected.versions.is_empty() {
        return true;
    }
    is_listed(scheme, affected, version) || affected.ranges.iter().any(|range| is_within(scheme, range, version))
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
pub(super) fn fixed_versions(component: &Component, entries: &[&Affected]) -> Vec<String> {
    let scheme = scheme_of(component);
    let mut fixed: Vec<String> = Vec::new();
    for range in entries.iter().flat_map(|affected| &affected.ranges) {
        let Some(order) = order_of(range, scheme) else { continue };
        let above = |fix: &&String| order.compare(fix, &component.match_version).is_ok_and(Ordering::is_gt);
        fixed.extend(range.events.iter().filter_map(|event| event.fixed.as_ref()).filter(above).cloned());
    }
    sort_versions(scheme, &mut fixed);
    fixed.dedup_by(|a, b| by_version(scheme, a, b).is_eq());
    let clean = |fix: &&String| !entries.iter().any(|affected| includes(scheme, affected, fix));
    let clean: Vec<String> = fixed.iter().filter(clean).cloned().collect();
    if clean.is_empty() { fixed } else { clean }
}

fn sort_versions(scheme: Scheme, versions: &mut [String]) {
    // Of spellings of one version the fullest comes first, and stays (`2.20.0`, `2.20`).
    versions.sort_by(|a, b| by_version(scheme, a, b).then_with(|| b.len().cmp(&a.len())).then_with(|| a.cmp(b)));
}

/// Version order for those that have one, then the others as text: total whatever the texts are.
fn by_version(scheme: Scheme, a: &str, b: &str) -> Ordering {
    let refused = |text| scheme.compare(text, text).is_err();
    match (refused(a), refused(b)) {
        (false, false) => scheme.compare(a, b).unwrap_or(Ordering::Equal),
        (true, true) => a.cmp(b),
        (a, b) => a.cmp(&b),
    }
}

/// The ranges for people, as `>=1.0 <1.5`; where there are none, the version that is listed, or `>=0` for all.
pub(super) fn as_text(component: &Component, entries: &[&Affected]) -> Vec<String> {
    let scheme = scheme_of(component);
    let mut texts: Vec<String> = Vec::new();
    for affected in entries {
        let ranges = affected.ranges.iter().filter(|range| order_of(range, scheme).is_some());
        let before = texts.len();
        ranges.for_each(|range| intervals(scheme, range, &mut texts));
        if texts.len() == before {
            let all = affected.ranges.is_empty() && affected.versions.is_empty();
            texts.push(if all { ">=0".to_owned() } else { format!("={}", component.match_version) });
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
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
