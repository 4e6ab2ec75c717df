//! `pnpm-lock.yaml`, versions 5 to 9, workspaces included.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Skipped;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::graph::{Graph, Node, id_of};
use crate::javascript::{Licenses, OSV, integrity};
use crate::part::corrupt;
use crate::project::{Lock, Project, file_name, is_inside, unresolved};
use crate::yaml;
use parse::{File, Importer, Keys, Package, Wish};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "pnpm",
    revision: 1,
    reads: Reads::Project,
    summary: "pnpm-lock.yaml, versions 5 to 9, with licences of what is installed beside it",
};

pub(crate) struct PnpmLock;

impl Project for PnpmLock {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn is_lock(&self, path: &str) -> bool {
        file_name(path) == "pnpm-lock.yaml" && !is_inside(path, "node_modules")
    }

    fn read(&self, lock: &Lock<'_>, skipped: &mut Vec<Skipped>) -> Result<Vec<Occurrence>, Problem> {
        let licenses = Licenses::beside(lock.path, lock.installed);
        let mut graph = Graph::new(OSV, &SPEC, lock.path);
        let mut unknown = Vec::new();
        // Newer versions put what the package manager itself needs into a document before the project's.
        for file in yaml::documents::<File>(lock.text)? {
            let keys = Keys::of(&file.lockfile_version)
                .ok_or_else(|| corrupt(format!("{:?} is no version of the file's form", file.lockfile_version)))?;
            Document { file: &file, keys, licenses: &licenses }.read(&mut graph, &mut unknown);
        }
        skipped.extend(unresolved(lock.path, &unknown));
        Ok(graph.finish(skipped))
    }
}

struct Document<'a> {
    file: &'a File,
    keys: Keys,
    licenses: &'a Licenses,
}

/// What an entry is called.
struct Named<'a> {
    id: String,
    name: &'a str,
    version: &'a str,
}

impl<'a> Document<'a> {
    fn read(&self, graph: &mut Graph<'_>, unknown: &mut Vec<String>) {
        let named: BTreeMap<&str, Named<'a>> =
            self.places().iter().filter_map(|(key, place)| Some((key.as_str(), self.named(key, place)?))).collect();
        let direct = |pick: fn(&Importer) -> [&BTreeMap<String, Wish>; 2]| self.asked(pick, &named);
        let production = direct(|importer| [&importer.dependencies, &importer.optional_dependencies]);
        let development = direct(|importer| [&importer.dev_dependencies, &importer.dev_dependencies]);
        for (key, called) in &named {
            let Some(place) = self.places().get(*key) else { continue };
            if called.version.is_empty() && !is_local(key) {
                unknown.push((*key).to_owned());
            }
            let info = self.info(key).unwrap_or(place);
            let needs = place.dependencies.iter().chain(&place.optional_dependencies);
            let is_direct = production.contains(&called.id) || development.contains(&called.id);
            let node = Node {
                name: called.name.to_owned(),
                version: called.version.to_owned(),
                depends_on: needs.filter_map(|(name, chosen)| self.id(name, chosen, &named)).collect(),
                relationship: if is_direct { Relationship::Direct } else { Relationship::Indirect },
                dev: place.dev,
                licenses: self.licenses.of(called.name, called.version).unwrap_or_default(),
                digest: integrity(info.resolution.integrity.as_deref()),
                ..Node::default()
            };
            graph.put(called.id.clone(), node);
        }
        if self.keys == Keys::Bare {
            let needed = graph.reachable(&production);
            for called in named.values() {
                if let Some(node) = graph.nodes.get_mut(&called.id) {
                    node.dev = !needed.contains(&called.id);
                }
            }
        }
    }

    fn places(&self) -> &'a BTreeMap<String, Package> {
        if self.keys == Keys::Bare { &self.file.snapshots } else { &self.file.packages }
    }

    /// The entry of the package itself, which places since version 9 do not repeat.
    fn info(&self, key: &str) -> Option<&'a Package> {
        self.file.packages.get(key).or_else(|| self.file.packages.get(self.keys.without_peers(key)))
    }

    fn named(&self, key: &'a str, place: &'a Package) -> Option<Named<'a>> {
        let info = self.info(key).unwrap_or(place);
        let stated = info.version.as_deref().or(place.version.as_deref());
        let (name, version) = match (info.name.as_deref(), self.keys.split(key)) {
            (Some(name), split) => (name, stated.or(split.map(|(_, version)| version)).unwrap_or_default()),
            (None, Some((name, version))) if !is_local_key(key) => (name, stated.unwrap_or(version)),
            _ => return None,
        };
        let version = if version.starts_with(|c: char| c.is_ascii_digit()) { version } else { "" };
        let id = if self.keys == Keys::Bare { key.to_owned() } else { id_of(name, version) };
        Some(Named { id, name, version })
    }

    fn id(&self, name: &str, chosen: &str, named: &BTreeMap<&str, Named<'_>>) -> Option<String> {
        let keys = self.keys.candidates(name, chosen);
        keys.iter().find_map(|key| named.get(key.as_str())).map(|called| called.id.clone())
    }

    /// What the projects of the workspace ask for.
    fn asked(
        &self,
        pick: fn(&Importer) -> [&BTreeMap<String, Wish>; 2],
        named: &BTreeMap<&str, Named<'_>>,
    ) -> BTreeSet<String> {
        let importers = self.file.importers.values().chain([&self.file.root]);
        let wishes = importers.flat_map(pick).flatten();
        wishes.filter_map(|(name, Wish(chosen))| self.id(name, chosen, named)).collect()
    }
}

/// Whether a package is code of the project itself rather than from elsewhere.
fn is_local(key: &str) -> bool {
    is_local_key(key) || key.contains("@file:") || key.contains("@link:")
}

fn is_local_key(key: &str) -> bool {
    key.starts_with("file:") || key.starts_with("link:")
}
