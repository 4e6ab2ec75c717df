//! `package-lock.json` (versions 1, 2 and 3) and `npm-shrinkwrap.json`, which has the same form.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Skipped;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::graph::{Graph, Node, id_of};
use crate::javascript::{self, Licenses, OSV, integrity};
use crate::lines::Json;
use crate::part::corrupt;
use crate::project::{Lock, Project, file_name, folder, is_inside, join, unresolved};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "npm",
    revision: 1,
    reads: Reads::Project,
    summary: "package-lock.json and npm-shrinkwrap.json, with licences of what is installed beside them",
};

const MODULES: &str = "node_modules";
/// Longer paths cannot be installed.
const PATH_BYTES: usize = 4096;
/// Folders inside one another in which a package is looked for.
const LEVELS: usize = 64;

pub(crate) struct NpmLock;

impl Project for NpmLock {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn is_lock(&self, path: &str) -> bool {
        matches!(file_name(path), "package-lock.json" | "npm-shrinkwrap.json") && !is_inside(path, MODULES)
    }

    fn read(&self, lock: &Lock<'_>, skipped: &mut Vec<Skipped>) -> Result<Vec<Occurrence>, Problem> {
        // A published shrink-wrap takes the place of the other (npm-shrinkwrap.json, npm documentation).
        let shrinkwrap = lock.files.beside(lock.path, "npm-shrinkwrap.json").is_some();
        if shrinkwrap && file_name(lock.path) == "package-lock.json" {
            return Ok(Vec::new());
        }
        let json = Json::parse(lock.text)?;
        let tree = Tree::of(&json)?;
        let licenses = Licenses::beside(lock.path, lock.installed);
        let mut graph = Graph::new(OSV, &SPEC, lock.path);
        let mut unknown = tree.broken.clone();
        for (path, place) in &tree.places {
            let node = tree.node(path, place, &licenses, &mut unknown);
            graph.put(id_of(&node.name, &node.version), node);
        }
        skipped.extend(unresolved(lock.path, &unknown));
        Ok(graph.finish(skipped))
    }
}

/// One place in the tree of installed packages.
#[derive(Clone, Copy)]
struct Place<'a> {
    json: &'a Json<'a>,
    name: &'a str,
    version: &'a str,
}

/// Where packages are installed, by path (`node_modules/a/node_modules/b`, `packages/c`), the root being the empty one.
struct Tree<'a> {
    places: BTreeMap<String, Place<'a>>,
    /// Links and where they lead.
    links: BTreeMap<String, &'a str>,
    targets: BTreeSet<&'a str>,
    /// Links that lead nowhere.
    broken: Vec<String>,
    /// Paths that the project itself asks for.
    direct: BTreeSet<String>,
    workspaces: BTreeSet<String>,
    /// Whether the file tells what is direct; the first version does not.
    knows_direct: bool,
}

/// Keys that name dependencies of an entry; the first version has but one.
const DEPENDENCIES: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];
const REQUIRES: [&str; 1] = ["requires"];

impl<'a> Tree<'a> {
    fn of(json: &'a Json<'a>) -> Result<Self, Problem> {
        let mut tree = Self {
            places: BTreeMap::new(),
            links: BTreeMap::new(),
            targets: BTreeSet::new(),
            broken: Vec::new(),
            direct: BTreeSet::new(),
            workspaces: BTreeSet::new(),
            knows_direct: json.get("packages").is_some(),
        };
        if tree.knows_direct {
            tree.read_packages(json);
        } else if json.get("dependencies").is_some() {
            tree.read_dependencies("", json);
        } else if json.get("lockfileVersion").is_none() {
            return Err(corrupt("it has neither `packages` nor `dependencies`"));
        }
        Ok(tree)
    }

    /// Versions 2 and 3: all places in one object.
    fn read_packages(&mut self, json: &'a Json<'a>) {
        for (path, entry) in json.entries_of("packages") {
            if path.is_empty() || path.len() > PATH_BYTES {
                continue;
            }
            if entry.is_true("link") {
                let target = entry.text("resolved").unwrap_or_default();
                self.links.insert(path.to_string(), target);
                self.targets.insert(target);
                continue;
            }
            let name = entry.text("name").unwrap_or_else(|| name_of(path));
            let version = entry.text("version").unwrap_or_default();
            self.places.insert(path.to_string(), Place { json: entry, name, version });
        }
        let lost = |(path, target): (&String, &&str)| {
            (!self.places.contains_key(*target)).then(|| format!("{} (a link to {target:?})", name_of(path)))
        };
        self.broken = self.links.iter().filter_map(lost).collect();
        let Some(root) = json.at(&["packages", ""]) else { return };
        if !javascript::workspaces(root).is_empty() {
            let here = |target: &&&str| self.places.contains_key(**target) && !target.contains(MODULES);
            self.workspaces = self.links.values().filter(here).map(|target| (*target).to_owned()).collect();
        }
        let mut direct = self.asked_by("", root);
        for path in &self.workspaces {
            direct.extend(self.places.get(path).map(|place| self.asked_by(path, place.json)).unwrap_or_default());
        }
        self.direct = direct;
    }

    fn asked_by(&self, path: &str, entry: &Json<'_>) -> BTreeSet<String> {
        let keys = ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"];
        let names = keys.iter().flat_map(|key| javascript::ranges(entry, key));
        names.filter_map(|(name, _)| self.find(path, name)).collect()
    }

    /// Version 1: places inside one another.
    fn read_dependencies(&mut self, above: &str, json: &'a Json<'a>) {
        for (name, entry) in json.entries_of("dependencies") {
            let path = join(above, &format!("{MODULES}/{name}"));
            if path.len() > PATH_BYTES {
                continue;
            }
            let written = entry.text("version").unwrap_or_default();
            let (name, version) = match written.strip_prefix("npm:").and_then(split_version) {
                Some((real, version)) => (real, version),
                None => (&**name, written),
            };
            // Elsewhere than in a registry, the address stands in the version's place.
            let version = if version.contains([':', '/']) { "" } else { version };
            self.read_dependencies(&path, entry);
            self.places.insert(path, Place { json: entry, name, version });
        }
    }

    /// Where a package at `from` finds another, as Node looks for it: in its own folder, then in those above.
    fn find(&self, from: &str, name: &str) -> Option<String> {
        let mut above = from;
        for _ in 0..LEVELS {
            if file_name(above) != MODULES {
                let path = join(above, &format!("{MODULES}/{name}"));
                if self.places.contains_key(&path) {
                    return Some(path);
                }
                if let Some(target) = self.links.get(&path) {
                    return self.places.contains_key(*target).then(|| (*target).to_owned());
                }
            }
            if above.is_empty() {
                return None;
            }
            above = folder(above);
        }
        None
    }

    fn node(&self, path: &str, place: &Place<'_>, licenses: &Licenses, unknown: &mut Vec<String>) -> Node {
        let Place { json, name, version } = *place;
        if version.is_empty() && !self.targets.contains(path) {
            let from = json.text("resolved").or_else(|| json.text("version")).unwrap_or("without a version");
            unknown.push(format!("{name} ({from})"));
        }
        let keys: &[&str] = if self.knows_direct { &DEPENDENCIES } else { &REQUIRES };
        let needed = keys.iter().flat_map(|key| javascript::ranges(json, key));
        let id = |path: String| self.places.get(&path).map(|place| id_of(place.name, place.version));
        let relationship = match () {
            () if !self.knows_direct => Relationship::Unknown,
            () if self.workspaces.contains(path) => Relationship::Workspace,
            () if self.direct.contains(path) => Relationship::Direct,
            () => Relationship::Indirect,
        };
        Node {
            name: name.to_owned(),
            version: version.to_owned(),
            depends_on: needed.filter_map(|(name, _)| self.find(path, name)).filter_map(id).collect(),
            relationship,
            dev: json.is_true("dev"),
            lines: vec![json.lines],
            licenses: licenses.of(name, version).unwrap_or_else(|| javascript::licenses(json)),
            digest: integrity(json.text("integrity")),
        }
    }
}

/// What follows the last `node_modules/`; the last folder of a path that has none.
fn name_of(path: &str) -> &str {
    match path.rsplit_once("node_modules/") {
        Some((_, name)) => name,
        None => file_name(path),
    }
}

/// `name@version`, the name perhaps with a scope.
fn split_version(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once('@').filter(|(name, _)| !name.is_empty())
}
