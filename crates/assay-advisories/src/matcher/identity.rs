//! Which records speak of the same vulnerability: union of ids over aliases.
//!
//! A record's aliases are the same vulnerability, and so is its one upstream. A distribution's record with several
//! upstream CVEs is a bundle: it speaks of each of them and makes them no more alike. Some distributions name the CVEs of
//! a bundle only as `related`; that is read as upstream where a record of a distribution has neither aliases nor upstream.

use super::{Hit, database};
use crate::input;
use assay_model::advisory::Advisory;
use assay_model::ecosystem;
use std::collections::{BTreeMap, BTreeSet};

/// One vulnerability: its ids, and which of the hits speak of it.
pub(super) struct Vulnerability {
    /// All its ids.
    pub(super) ids: BTreeSet<String>,
    /// Indexes of hits, ascending.
    pub(super) hits: Vec<usize>,
}

impl Vulnerability {
    /// Its CVE, the oldest where it has several.
    pub(super) fn cve(&self) -> Option<&String> {
        self.ids.iter().filter(|id| input::is_cve(id)).min_by_key(|id| cve_order(id))
    }
}

/// By year and number; ids have been checked.
fn cve_order(id: &str) -> (u64, u64) {
    let mut numbers = id.split('-').skip(1).map(|part| part.parse().unwrap_or(u64::MAX));
    (numbers.next().unwrap_or(u64::MAX), numbers.next().unwrap_or(u64::MAX))
}

/// Every vulnerability of the hits, in the order of their smallest id.
pub(super) fn vulnerabilities(hits: &[Hit<'_>], aliases: &[(String, String)]) -> Vec<Vulnerability> {
    let mut sets = Sets::default();
    let subjects: Vec<BTreeSet<String>> = hits.iter().map(|hit| join(hit.advisory(), &mut sets)).collect();
    let bundles = bundles(hits, aliases);
    for (a, b) in aliases.iter().filter(|(a, b)| !bundles.contains(a.as_str()) && !bundles.contains(b.as_str())) {
        sets.same(a, b);
    }
    let mut speakers: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (hit, subjects) in subjects.iter().enumerate() {
        for subject in subjects {
            speakers.entry(sets.root_of(subject)).or_default().insert(hit);
        }
    }
    let mut ids = sets.members();
    let vulnerability = |(root, hits): (usize, BTreeSet<usize>)| Vulnerability {
        ids: ids.remove(&root).unwrap_or_default(),
        hits: hits.into_iter().collect(),
    };
    let mut all: Vec<Vulnerability> = speakers.into_iter().map(vulnerability).collect();
    all.sort_by(|a, b| a.ids.cmp(&b.ids));
    all
}

/// Ids whose pairs say "speaks of" rather than "is the same as". A pair does not tell whether it was an alias or an
/// upstream, so a distribution's id that is paired with several CVEs is taken for a bundle.
fn bundles<'a>(hits: &'a [Hit<'_>], aliases: &'a [(String, String)]) -> BTreeSet<&'a str> {
    let mut paired: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (a, b) in aliases {
        for (id, other) in [(a, b), (b, a)] {
            if let Some(cve) = cve_in(other).filter(|_| database::may_bundle(id)) {
                paired.entry(id).or_default().insert(cve);
            }
        }
    }
    let of_pairs = paired.into_iter().filter(|(_, cves)| cves.len() > 1).map(|(id, _)| id);
    let of_hits =
        hits.iter().map(Hit::advisory).filter(|advisory| is_bundle(advisory)).map(|advisory| advisory.id.as_str());
    of_pairs.chain(of_hits).collect()
}

/// Whether the record speaks of several vulnerabilities at once.
pub(super) fn is_bundle(advisory: &Advisory) -> bool {
    bundled(advisory).len() > 1
}

/// What the record is upstream of, as far as these are vulnerabilities of their own: the CVEs, or whatever there is where
/// no CVE is.
fn bundled(advisory: &Advisory) -> BTreeSet<&str> {
    let upstream = upstream(advisory);
    let cves: BTreeSet<&str> = upstream.iter().filter_map(|id| cve_in(id)).collect();
    if cves.is_empty() { upstream } else { cves }
}

fn upstream(advisory: &Advisory) -> BTreeSet<&str> {
    if advisory.upstream.is_empty() && advisory.aliases.is_empty() && is_of_distribution(advisory) {
        return advisory.related.iter().map(String::as_str).filter(|id| input::is_cve(id)).collect();
    }
    advisory.upstream.iter().map(String::as_str).filter(|id| !id.is_empty()).collect()
}

fn is_of_distribution(advisory: &Advisory) -> bool {
    let law = |ecosystem: &str| ecosystem::of(ecosystem).is_some_and(ecosystem::Law::is_distribution);
    !advisory.affected.is_empty() && advisory.affected.iter().all(|affected| law(&affected.package.ecosystem))
}

/// The CVE that an id is, or that it ends in as distributions write it (`DEBIAN-CVE-2024-1234`).
fn cve_in(id: &str) -> Option<&str> {
    let cve = id.rfind("CVE-").map(|at| &id[at..])?;
    let own = cve.len() == id.len() || id[..id.len() - cve.len()].ends_with('-');
    (own && input::is_cve(cve)).then_some(cve)
}

/// Joins what the record says is the same and returns the vulnerabilities that it speaks of.
fn join(advisory: &Advisory, sets: &mut Sets) -> BTreeSet<String> {
    let Some(name) = name(advisory) else { return BTreeSet::new() };
    sets.add(name);
    for alias in advisory.aliases.iter().filter(|alias| !alias.is_empty()) {
        sets.same(name, alias);
    }
    let bundled = bundled(advisory);
    if bundled.len() > 1 {
        bundled.iter().for_each(|id| sets.add(id));
        let named = advisory.aliases.iter().filter(|alias| input::is_cve(alias)).map(String::as_str);
        return bundled.iter().copied().chain(named).map(str::to_owned).collect();
    }
    for id in upstream(advisory) {
        sets.same(name, id);
        cve_in(id).into_iter().for_each(|cve| sets.same(id, cve));
    }
    cve_in(name).into_iter().for_each(|cve| sets.same(name, cve));
    BTreeSet::from([name.to_owned()])
}

/// What the record's vulnerability is called: by the record's id, or where that is only an address by its first other
/// name.
pub(super) fn name(advisory: &Advisory) -> Option<&str> {
    if !advisory.is_entry() {
        return Some(&advisory.id);
    }
    advisory.aliases.iter().chain(&advisory.upstream).map(String::as_str).find(|id| !id.is_empty())
}

/// Disjoint sets of ids.
#[derive(Default)]
struct Sets {
    index: BTreeMap<String, usize>,
    parent: Vec<usize>,
}

impl Sets {
    fn add(&mut self, id: &str) {
        self.root_of(id);
    }

    fn same(&mut self, a: &str, b: &str) {
        let (a, b) = (self.root_of(a), self.root_of(b));
        self.parent[a.max(b)] = a.min(b);
    }

    fn root_of(&mut self, id: &str) -> usize {
        let next = self.parent.len();
        let mut at = match self.index.get(id) {
            Some(&known) => known,
            None => {
                self.index.insert(id.to_owned(), next);
                self.parent.push(next);
                next
            }
        };
        while self.parent[at] != at {
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    /// The ids of each set by its root.
    fn members(&mut self) -> BTreeMap<usize, BTreeSet<String>> {
        let ids: Vec<String> = self.index.keys().cloned().collect();
        let mut members: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for id in ids {
            members.entry(self.root_of(&id)).or_default().insert(id);
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cve_is_found_at_the_end_of_an_id() {
        assert_eq!(cve_in("CVE-2024-1234"), Some("CVE-2024-1234"));
        assert_eq!(cve_in("UBUNTU-CVE-2024-1234"), Some("CVE-2024-1234"));
        assert_eq!(cve_in("x_DEB12-python3.11-CVE-2026-9669"), Some("CVE-2026-9669"));
        for none in ["XCVE-2024-1234", "CVE-2024-1234-1", "BIT-joomla-2026-40383", "GHSA-x84v-xcm2-53pg", ""] {
            assert_eq!(cve_in(none), None, "{none}");
        }
    }

    #[test]
    fn the_oldest_cve_is_the_smallest_by_number() {
        let ids = ["CVE-2024-10000", "CVE-2024-9999", "GHSA-x", "CVE-2025-0001"].map(str::to_owned);
        let vulnerability = Vulnerability { ids: ids.into(), hits: Vec::new() };
        assert_eq!(vulnerability.cve().map(String::as_str), Some("CVE-2024-9999"));
    }
}
