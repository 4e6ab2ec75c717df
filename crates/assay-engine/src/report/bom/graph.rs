//! What contains what, and what depends on what: artifact → operating system and files → packages → their dependencies.

use super::properties;
use assay_model::{
    component::{Occurrence, Relationship},
    inventory::Inventory,
};
use std::collections::{BTreeMap, BTreeSet};

/// Where the nodes of a document are.
pub(super) struct Places<'a> {
    pub(super) inventory: &'a Inventory,
    /// Number of nodes; the first is the artifact.
    pub(super) nodes: usize,
    pub(super) os: Option<usize>,
    pub(super) applications: &'a BTreeMap<&'a str, usize>,
    /// In the order of the inventory's components.
    pub(super) libraries: &'a [usize],
}

pub(super) fn edges(places: &Places<'_>) -> Vec<BTreeSet<usize>> {
    let mut edges = vec![BTreeSet::new(); places.nodes];
    let mut link = |from: usize, to: usize| {
        if let Some(below) = edges.get_mut(from).filter(|_| from != to) {
            below.insert(to);
        }
    };
    places.os.into_iter().chain(places.applications.values().copied()).for_each(|to| link(0, to));
    let found: Vec<(&Occurrence, usize)> =
        places.inventory.components.iter().zip(places.libraries.iter().copied()).collect();
    let ids = Ids::new(&found);
    let mut needed = BTreeSet::new();
    for (one, at) in &found {
        for to in one.depends_on.iter().filter_map(|id| ids.find(one, id)).filter(|to| to != at) {
            link(*at, to);
            needed.insert(to);
        }
    }
    let rooted: BTreeSet<&str> = found
        .iter()
        .filter(|(one, _)| one.relationship == Relationship::Root)
        .map(|(one, _)| one.path.as_str())
        .collect();
    for (one, at) in &found {
        let is_needed = needed.contains(at);
        let stands_alone = match one.relationship {
            Relationship::Root | Relationship::Workspace => true,
            Relationship::Direct => !is_needed || !rooted.contains(one.path.as_str()),
            Relationship::Unknown => !is_needed || is_of_system(places, one),
            Relationship::Indirect => !is_needed,
        };
        if stands_alone {
            link(owner(places, one), *at);
        }
    }
    edges
}

fn is_of_system(places: &Places<'_>, one: &Occurrence) -> bool {
    places.os.is_some() && properties::is_distribution(&one.component.purl_type)
}

/// The node that a package hangs below.
fn owner(places: &Places<'_>, one: &Occurrence) -> usize {
    let system = places.os.filter(|_| !one.is_subject && is_of_system(places, one));
    let application = || places.applications.get(one.path.as_str()).copied().filter(|_| !one.is_subject);
    system.or_else(application).unwrap_or(0)
}

/// Ids are those of one file; one that is unique in the whole inventory is also found from elsewhere.
struct Ids<'a> {
    of_file: BTreeMap<(&'a str, &'a str), usize>,
    anywhere: BTreeMap<&'a str, Option<usize>>,
}

impl<'a> Ids<'a> {
    fn new(found: &[(&'a Occurrence, usize)]) -> Self {
        let mut ids = Self { of_file: BTreeMap::new(), anywhere: BTreeMap::new() };
        for (one, at) in found.iter().filter(|(one, _)| !one.id.is_empty()) {
            ids.of_file.entry((&one.path, &one.id)).or_insert(*at);
            ids.anywhere.entry(&one.id).and_modify(|other| *other = None).or_insert(Some(*at));
        }
        ids
    }

    fn find(&self, from: &Occurrence, id: &str) -> Option<usize> {
        let here = self.of_file.get(&(from.path.as_str(), id)).copied();
        here.or_else(|| self.anywhere.get(id).copied().flatten())
    }
}
