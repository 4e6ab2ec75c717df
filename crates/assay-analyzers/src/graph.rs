//! The packages of one lock file and what depends on what, while the file is being read.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::{Lines, Occurrence, Relationship};
use assay_model::inventory::Skipped;
use assay_model::seam::analyzer::AnalyzerSpec;

use crate::component::{occurrence, of_language};
use crate::part::field;
use crate::project::{PACKAGES, too_many, unnameable};

/// One entry of a lock file.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) name: String,
    /// Empty when the file does not tell.
    pub(crate) version: String,
    /// Ids; those that turn out not to exist are dropped at the end.
    pub(crate) depends_on: BTreeSet<String>,
    pub(crate) relationship: Relationship,
    pub(crate) dev: bool,
    pub(crate) lines: Vec<Lines>,
    pub(crate) licenses: Vec<String>,
    pub(crate) digest: Option<String>,
}

/// Packages by their id within the file.
#[derive(Debug)]
pub(crate) struct Graph<'a> {
    osv: &'static str,
    spec: &'static AnalyzerSpec,
    path: &'a str,
    /// Entries that were left out because there were too many.
    dropped: usize,
    pub(crate) nodes: BTreeMap<String, Node>,
}

/// `name@version`, or the bare name where no version is known.
pub(crate) fn id_of(name: &str, version: &str) -> String {
    if version.is_empty() { name.to_owned() } else { format!("{name}@{version}") }
}

impl<'a> Graph<'a> {
    /// Packages of this OSV ecosystem in the file at `path`.
    pub(crate) fn new(osv: &'static str, spec: &'static AnalyzerSpec, path: &'a str) -> Self {
        Self { osv, spec, path, dropped: 0, nodes: BTreeMap::new() }
    }

    /// Adds an entry. Another entry of the same id is the same package at another place: it is needed for production if
    /// one of them is, and as direct as the most direct of them.
    pub(crate) fn put(&mut self, id: String, node: Node) {
        let is_full = self.nodes.len() >= PACKAGES;
        let Some(known) = self.nodes.get_mut(&id) else {
            match is_full {
                true => self.dropped += 1,
                false => drop(self.nodes.insert(id, node)),
            }
            return;
        };
        known.depends_on.extend(node.depends_on);
        known.dev &= node.dev;
        known.lines.extend(node.lines);
        known.digest = known.digest.take().or(node.digest);
        if known.licenses.is_empty() {
            known.licenses = node.licenses;
        }
        if rank(node.relationship) > rank(known.relationship) {
            known.relationship = node.relationship;
        }
    }

    /// Ids that can be reached from these, themselves included.
    pub(crate) fn reachable<'i>(&self, from: impl IntoIterator<Item = &'i String>) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut pending: Vec<&String> = from.into_iter().filter(|id| self.nodes.contains_key(*id)).collect();
        let mut borrowed: Vec<&String> = Vec::new();
        while let Some(id) = pending.pop().or_else(|| borrowed.pop()) {
            if reached.insert(id.clone())
                && let Some(node) = self.nodes.get(id)
            {
                borrowed.extend(node.depends_on.iter().filter(|id| self.nodes.contains_key(*id)));
            }
        }
        reached
    }

    /// Whatever cannot be reached from these is only needed for development.
    pub(crate) fn mark_dev<'i>(&mut self, production: impl IntoIterator<Item = &'i String>) {
        let needed = self.reachable(production);
        for (id, node) in &mut self.nodes {
            node.dev = !needed.contains(id);
        }
    }

    /// The packages, in the order of id. Those whose name or version cannot be one are told as skipped.
    pub(crate) fn finish(mut self, notes: &mut Vec<Skipped>) -> Vec<Occurrence> {
        let ids: BTreeSet<String> = self.nodes.keys().cloned().collect();
        let mut found = Vec::with_capacity(ids.len());
        let mut bad = Vec::new();
        for (id, node) in std::mem::take(&mut self.nodes) {
            let called = id_of(&node.name, &node.version);
            match self.one(id, node, &ids) {
                Some(package) => found.push(package),
                None => bad.push(called),
            }
        }
        notes.extend(unnameable(self.path, &bad));
        notes.extend(too_many(self.path, self.dropped));
        found
    }

    fn one(&self, id: String, node: Node, ids: &BTreeSet<String>) -> Option<Occurrence> {
        let name = field(Some(&node.name))?;
        let version = if node.version.is_empty() { String::new() } else { field(Some(&node.version))? };
        let component = of_language(self.osv, &name, &version).ok()?;
        let mut found = occurrence(component, self.path, self.spec.id);
        found.depends_on = node.depends_on.into_iter().filter(|other| ids.contains(other) && *other != id).collect();
        found.id = id;
        found.relationship = node.relationship;
        found.dev = node.dev;
        found.lines = node.lines;
        found.lines.sort_unstable();
        found.lines.dedup();
        found.licenses = node.licenses;
        found.digest = node.digest;
        Some(found)
    }
}

/// The more, the closer to the project.
fn rank(relationship: Relationship) -> u8 {
    match relationship {
        Relationship::Unknown => 0,
        Relationship::Indirect => 1,
        Relationship::Direct => 2,
        Relationship::Workspace => 3,
        Relationship::Root => 4,
    }
}
