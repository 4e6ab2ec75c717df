//! What changed between two scans: two versions of one artifact. Pure; the same two scans give the same comparison.

use crate::{ScanResult, catalogue::ScoredFinding};
use assay_model::{
    component::Component,
    ecosystem,
    inventory::{Inventory, Secret},
};
use serde::Serialize;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// The differences from the first scan to the second.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Comparison {
    /// The operating systems, where they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<Change<Option<String>>>,
    /// Components.
    pub components: Components,
    /// Findings.
    pub findings: Both<ScoredFinding>,
    /// Findings that both have.
    pub still_there: Vec<ScoredFinding>,
    /// Secrets.
    pub secrets: Both<Secret>,
    /// Secrets that both have.
    pub secrets_still_there: Vec<Secret>,
    /// Licences.
    pub licenses: Both<Licensed>,
    /// Whether both were read whole; what is in a part that was not read is in no comparison.
    pub complete: bool,
}

/// Before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Change<T> {
    /// In the first.
    pub from: T,
    /// In the second.
    pub to: T,
}

/// What only one of the two has.
#[derive(Clone, Debug, Serialize)]
pub struct Both<T> {
    /// Only the first: gone, fixed.
    pub gone: Vec<T>,
    /// Only the second: new.
    pub new: Vec<T>,
}

impl<T> Default for Both<T> {
    fn default() -> Self {
        Self { gone: Vec::new(), new: Vec::new() }
    }
}

/// Components that differ.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Components {
    /// Only in the second.
    pub added: Vec<Named>,
    /// Only in the first.
    pub removed: Vec<Named>,
    /// In both, in other versions.
    pub changed: Vec<Changed>,
    /// Number of names whose versions are the same.
    pub unchanged: usize,
}

/// A component by its name, in one or several versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Named {
    /// Type of its purl.
    pub purl_type: String,
    /// Namespace and name.
    pub name: String,
    /// In the order of its ecosystem.
    pub versions: Vec<String>,
}

/// A component in other versions than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Type of its purl.
    pub purl_type: String,
    /// Namespace and name.
    pub name: String,
    /// Versions.
    #[serde(flatten)]
    pub versions: Change<Vec<String>>,
    /// Whether the highest version rose, fell, or cannot be compared.
    pub direction: Direction,
}

/// Where a version went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To a higher one.
    Up,
    /// To a lower one.
    Down,
    /// Neither, or nobody can tell.
    Aside,
}

/// A licence and who has it: a component by name, or a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Licensed {
    /// Name of the component, or path of the file.
    pub of: String,
    /// As written, or as SPDX expression.
    pub license: String,
}

/// A component whatever its version.
type Key = (String, String);

fn key(component: &Component) -> Key {
    let Component { purl_type, namespace, name, .. } = component;
    let name = if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") };
    (purl_type.clone(), name)
}

/// Compares two scans.
#[must_use]
pub fn compare(first: &ScanResult, second: &ScanResult) -> Comparison {
    let (a, b) = (&first.inventory, &second.inventory);
    let system = |inventory: &Inventory| inventory.os.as_ref().map(|os| format!("{} {}", os.id, os.version));
    let (from, to) = (system(a), system(b));
    let findings = sides(&first.findings, &second.findings, same_finding);
    let secrets =
        sides(&a.secrets, &b.secrets, |x, y| (&x.rule, &x.path, &x.matched) == (&y.rule, &y.path, &y.matched));
    let (licenses_a, licenses_b) = (licenses(a), licenses(b));
    Comparison {
        system: (from != to).then_some(Change { from, to }),
        components: components(a, b),
        findings: Both { gone: findings.0, new: findings.1 },
        still_there: findings.2,
        secrets: Both { gone: secrets.0, new: secrets.1 },
        secrets_still_there: secrets.2,
        licenses: Both {
            gone: licenses_a.difference(&licenses_b).cloned().collect(),
            new: licenses_b.difference(&licenses_a).cloned().collect(),
        },
        complete: a.is_complete() && b.is_complete(),
    }
}

/// Only in the first, only in the second, in both (as the second has it).
fn sides<T: Clone>(a: &[T], b: &[T], same: impl Fn(&T, &T) -> bool) -> (Vec<T>, Vec<T>, Vec<T>) {
    let gone = a.iter().filter(|x| !b.iter().any(|y| same(x, y))).cloned().collect();
    let (kept, new) = b.iter().cloned().partition(|y| a.iter().any(|x| same(x, y)));
    (gone, new, kept)
}

/// A vulnerability of a component is the same one in another version of it, whatever id it goes by.
fn same_finding(x: &ScoredFinding, y: &ScoredFinding) -> bool {
    let (a, b) = (&x.component, &y.component);
    (&a.name, &a.namespace, &a.purl_type) == (&b.name, &b.namespace, &b.purl_type)
        && (x.finding.id == y.finding.id || x.finding.ids().any(|id| y.finding.ids().any(|other| other == id)))
}

fn components(a: &Inventory, b: &Inventory) -> Components {
    let (before, after) = (versions(a), versions(b));
    let mut out = Components::default();
    for (key, (sample, from)) in &before {
        let named = || Named { purl_type: key.0.clone(), name: key.1.clone(), versions: in_order(sample, from) };
        match after.get(key) {
            None => out.removed.push(named()),
            Some((_, to)) if to == from => out.unchanged += 1,
            Some((_, to)) => out.changed.push(Changed {
                purl_type: key.0.clone(),
                name: key.1.clone(),
                direction: direction(sample, from, to),
                versions: Change { from: in_order(sample, from), to: in_order(sample, to) },
            }),
        }
    }
    for (key, (sample, to)) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        out.added.push(Named { purl_type: key.0.clone(), name: key.1.clone(), versions: in_order(sample, to) });
    }
    out
}

type Versions<'a> = BTreeMap<Key, (&'a Component, BTreeSet<String>)>;

fn versions(inventory: &Inventory) -> Versions<'_> {
    let mut all: Versions<'_> = BTreeMap::new();
    for found in &inventory.components {
        let component = &found.component;
        let known = all.entry(key(component)).or_insert_with(|| (component, BTreeSet::new()));
        known.1.insert(component.version.clone());
    }
    all
}

fn by_version(component: &Component, a: &str, b: &str) -> Option<Ordering> {
    let law = ecosystem::of_purl(&component.purl_type, Some(&component.namespace))?;
    law.scheme.compare(a, b).ok()
}

fn in_order(component: &Component, versions: &BTreeSet<String>) -> Vec<String> {
    let mut ordered: Vec<String> = versions.iter().cloned().collect();
    ordered.sort_by(|a, b| by_version(component, a, b).unwrap_or_else(|| a.cmp(b)).then_with(|| a.cmp(b)));
    ordered
}

fn direction(component: &Component, from: &BTreeSet<String>, to: &BTreeSet<String>) -> Direction {
    let highest = |versions| in_order(component, versions).pop();
    match highest(from).zip(highest(to)).and_then(|(a, b)| by_version(component, &a, &b)) {
        Some(Ordering::Less) => Direction::Up,
        Some(Ordering::Greater) => Direction::Down,
        _ => Direction::Aside,
    }
}

fn licenses(inventory: &Inventory) -> BTreeSet<Licensed> {
    let of_components = inventory.components.iter().flat_map(|found| {
        let of = key(&found.component).1;
        found.licenses.iter().map(move |license| Licensed { of: of.clone(), license: license.clone() })
    });
    let of_files = inventory.licenses.iter();
    let of_files = of_files.map(|one| Licensed { of: one.path.clone(), license: one.expression.clone() });
    of_components.chain(of_files).collect()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use assay_model::{component::Occurrence, finding::Finding};

    fn component(name: &str, version: &str) -> Component {
        Component { purl_type: "pypi".into(), name: name.into(), version: version.into(), ..Component::default() }
    }

    fn scan(components: &[(&str, &str)], findings: &[(&str, &str, &str)]) -> ScanResult {
        let occurrence = |(name, version): &(&str, &str)| Occurrence {
            component: component(name, version),
            licenses: vec![format!("L-{name}")],
            ..Occurrence::default()
        };
        let finding = |(name, version, id): &(&str, &str, &str)| ScoredFinding {
            component: component(name, version),
            finding: Finding { id: (*id).into(), aliases: ["GHSA-x".to_owned()].into(), ..Finding::default() },
            epss: None,
            kev: None,
            assessment: Default::default(),
        };
        ScanResult {
            inventory: Inventory { components: components.iter().map(occurrence).collect(), ..Inventory::default() },
            findings: findings.iter().map(finding).collect(),
            details: BTreeMap::new(),
            advisories: BTreeMap::new(),
        }
    }

    #[test]
    fn what_came_what_went_and_what_stayed() {
        let before = scan(
            &[("a", "1.9"), ("b", "1"), ("same", "1"), ("down", "10.0")],
            &[("a", "1.9", "CVE-1"), ("b", "1", "CVE-2")],
        );
        let after = scan(
            &[("a", "1.10"), ("c", "2"), ("same", "1"), ("down", "9.0")],
            &[("a", "1.10", "GHSA-x"), ("c", "2", "CVE-3")],
        );
        let told = compare(&before, &after);
        assert_eq!((told.components.added[0].name.as_str(), told.components.removed[0].name.as_str()), ("c", "b"));
        let moved: Vec<_> = told.components.changed.iter().map(|c| (c.name.as_str(), c.direction)).collect();
        assert_eq!(moved, [("a", Direction::Up), ("down", Direction::Down)]);
        assert_eq!(told.components.unchanged, 1);
        assert_eq!(told.findings.gone[0].finding.id, "CVE-2");
        assert_eq!(told.findings.new[0].finding.id, "CVE-3");
        assert_eq!(told.still_there.len(), 1, "another id of the same vulnerability");
        assert_eq!((told.licenses.gone[0].of.as_str(), told.licenses.new[0].of.as_str()), ("b", "c"));
        assert!(told.system.is_none() && told.complete);
    }
}
