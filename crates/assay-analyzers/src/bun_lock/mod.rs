//! `bun.lock`: JSON with trailing commas, one line for each package.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Skipped;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::graph::{Graph, Node, id_of};
use crate::javascript::{Licenses, OSV, integrity, ranges};
use crate::lines::{Json, Value};
use crate::part::corrupt;
use crate::project::{Lock, Project, file_name, is_inside, unresolved};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "bun",
    revision: 1,
    reads: Reads::Project,
    summary: "bun.lock, with licences of what is installed beside it",
};

const PRODUCTION: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];

/// Packages inside one another in which a package is looked for, scopes counted.
const LEVELS: usize = 64;
/// Longer keys are no names of packages.
const KEY_BYTES: usize = 4096;

pub(crate) struct BunLock;

impl Project for BunLock {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn is_lock(&self, path: &str) -> bool {
        file_name(path) == "bun.lock" && !is_inside(path, "node_modules")
    }

    fn read(&self, lock: &Lock<'_>, skipped: &mut Vec<Skipped>) -> Result<Vec<Occurrence>, Problem> {
        let json = Json::parse(lock.text)?;
        if json.get("lockfileVersion").is_none() && json.get("packages").is_none() {
            return Err(corrupt("it has no packages"));
        }
        let entries = entries(&json);
        let licenses = Licenses::beside(lock.path, lock.installed);
        let mut graph = Graph::new(OSV, &SPEC, lock.path);
        let asked = Asked::of(&json, &entries);
        let mut unknown = Vec::new();
        for (key, entry) in &entries {
            if entry.version.is_empty() && !entry.is_local {
                unknown.push(format!("{} ({})", entry.name, entry.reference));
            }
            let needs = PRODUCTION.iter().flat_map(|kind| entry.info.map(|info| ranges(info, kind))).flatten();
            let node = Node {
                name: entry.name.to_owned(),
                version: entry.version.to_owned(),
                depends_on: needs.filter_map(|(name, _)| find(&entries, key, name)).map(Entry::id).collect(),
                relationship: asked.relationship(entry),
                lines: vec![entry.json.lines],
                licenses: licenses.of(entry.name, entry.version).unwrap_or_default(),
                digest: integrity(entry.integrity()),
                ..Node::default()
            };
            graph.put(entry.id(), node);
        }
        graph.mark_dev(&asked.production);
        skipped.extend(unresolved(lock.path, &unknown));
        Ok(graph.finish(skipped))
    }
}

/// One package: `["name@reference", ..., {what it needs}, "integrity"]`.
struct Entry<'a> {
    json: &'a Json<'a>,
    name: &'a str,
    /// A version of the registry, or an address.
    reference: &'a str,
    version: &'a str,
    info: Option<&'a Json<'a>>,
    is_workspace: bool,
    is_local: bool,
}

impl<'a> Entry<'a> {
    fn of(json: &'a Json<'a>, file: &'a Json<'a>) -> Option<Self> {
        let written = json.items().first()?.as_str()?;
        let at = written.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at)?;
        let (name, reference) = (written.get(..at)?, written.get(at + 1..)?);
        let is_workspace = reference.starts_with("workspace:") || reference.starts_with("root:");
        let is_local = is_workspace || ["link:", "file:"].iter().any(|protocol| reference.starts_with(protocol));
        let version = match reference.split_once(':') {
            None => reference,
            Some(("workspace", folder)) => file.at(&["workspaces", folder])?.text("version").unwrap_or_default(),
            Some(_) => "",
        };
        let info = json.items().iter().find(|item| matches!(item.value, Value::Object(_)));
        Some(Self { json, name, reference, version, info, is_workspace, is_local })
    }

    fn id(&self) -> String {
        id_of(self.name, self.version)
    }

    fn integrity(&self) -> Option<&'a str> {
        self.json.items().get(1..)?.last()?.as_str()
    }
}

/// By key: `name`, or `parent/name` for what only that parent gets.
fn entries<'a>(json: &'a Json<'a>) -> BTreeMap<&'a str, Entry<'a>> {
    let packages = json.entries_of("packages").iter().filter(|(key, _)| key.len() <= KEY_BYTES);
    packages.filter_map(|(key, entry)| Some((&**key, Entry::of(entry, json)?))).collect()
}

/// What a package gets for a name: its own, its parents', or everybody's.
fn find<'e, 'a>(entries: &'e BTreeMap<&str, Entry<'a>>, key: &str, name: &str) -> Option<&'e Entry<'a>> {
    let mut above = Some(key);
    for _ in 0..LEVELS {
        let Some(parent) = above else { break };
        if let Some(entry) = entries.get(format!("{parent}/{name}").as_str()) {
            return Some(entry);
        }
        // A scope is no parent.
        above = parent.rsplit_once('/').map(|(parent, _)| parent);
    }
    entries.get(name)
}

/// What the projects of the workspace ask for, by id.
struct Asked {
    direct: BTreeSet<String>,
    production: BTreeSet<String>,
}

impl Asked {
    fn of(json: &Json<'_>, entries: &BTreeMap<&str, Entry<'_>>) -> Self {
        let mut asked = Self { direct: BTreeSet::new(), production: BTreeSet::new() };
        for (_, project) in json.entries_of("workspaces") {
            let own = project.text("name").unwrap_or_default();
            let ids = |kind: &str| -> Vec<String> {
                ranges(project, kind).filter_map(|(name, _)| find(entries, own, name)).map(Entry::id).collect()
            };
            asked.production.extend(PRODUCTION.iter().flat_map(|kind| ids(kind)));
            asked.direct.extend(ids("devDependencies"));
        }
        asked.direct.extend(asked.production.iter().cloned());
        asked.production.extend(entries.values().filter(|entry| entry.is_workspace).map(Entry::id));
        asked
    }

    fn relationship(&self, entry: &Entry<'_>) -> Relationship {
        match () {
            () if entry.is_workspace => Relationship::Workspace,
            () if self.direct.contains(&entry.id()) => Relationship::Direct,
            () => Relationship::Indirect,
        }
    }
}
