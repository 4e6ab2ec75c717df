//! Under which (ecosystem, name) components and advisories meet.
//!
//! What follows the colon of an ecosystem is a release where the ecosystem is a distribution (`Debian:12`), and the
//! address of a repository where it is a language (`Maven:https://...`). A release must be the same; a record without
//! one holds for all. A component rarely knows its repository, so there only two different addresses keep apart.

use assay_model::advisory::{Advisory, Affected};
use assay_model::component::Component;
use assay_model::ecosystem;
use std::collections::BTreeSet;

pub(super) fn of_component(component: &Component) -> Vec<(String, String)> {
    let ecosystem = component.ecosystem.trim();
    if ecosystem.is_empty() || component.match_name.is_empty() {
        return Vec::new();
    }
    let name = spelled(ecosystem, &component.match_name);
    let mut keys = vec![(ecosystem.to_owned(), name.clone())];
    keys.extend(without_suffix(ecosystem).map(|base| (base.to_owned(), name)));
    keys
}

pub(super) fn of_advisory(advisory: &Advisory) -> Vec<(String, String)> {
    let mut keys = BTreeSet::new();
    for affected in &advisory.affected {
        let ecosystem = affected.package.ecosystem.trim();
        if ecosystem.is_empty() || affected.package.name.is_empty() {
            continue;
        }
        let name = spelled(ecosystem, &affected.package.name);
        if let Some(base) = repository_of(ecosystem) {
            keys.insert((base.to_owned(), name.clone()));
        }
        keys.insert((ecosystem.to_owned(), name));
    }
    keys.into_iter().collect()
}

/// Whether the entry names this component, whatever its version.
pub(super) fn covers(component: &Component, affected: &Affected) -> bool {
    let (ours, theirs) = (component.ecosystem.trim(), affected.package.ecosystem.trim());
    let same = ours == theirs || without_suffix(ours) == Some(theirs) || repository_of(theirs) == Some(ours);
    same && !ours.is_empty()
        && !component.match_name.is_empty()
        && spelled(ours, &component.match_name) == spelled(theirs, &affected.package.name)
}

fn spelled(ecosystem: &str, name: &str) -> String {
    ecosystem::of(ecosystem).map_or_else(|| name.to_owned(), |law| law.normalize_name(name).into_owned())
}

/// `Debian` of `Debian:12`. None for an ecosystem that wraps another, where the suffix is not a release.
fn without_suffix(ecosystem: &str) -> Option<&str> {
    let (base, _) = ecosystem.split_once(':')?;
    ecosystem::of(ecosystem).is_none_or(|law| law.osv == base).then_some(base)
}

/// The ecosystem without the address of a repository, where it has one.
fn repository_of(ecosystem: &str) -> Option<&str> {
    let base = without_suffix(ecosystem)?;
    ecosystem::of(base).is_some_and(|law| !law.is_distribution()).then_some(base)
}
