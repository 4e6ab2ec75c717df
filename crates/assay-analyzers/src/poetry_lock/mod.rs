//! `poetry.lock`, with the `pyproject.toml` beside it, which tells what is direct and what is only for development.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Skipped;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};
use serde::Deserialize;
use toml::{Table, Value};

use crate::graph::{Graph, Node, id_of};
use crate::project::{Lock, Project, file_name};
use crate::python_project::pyproject::PyProject;
use crate::python_project::{OSV, VERSIONS, normal, only_digest, range, toml};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "poetry",
    revision: 1,
    reads: Reads::Project,
    summary: "poetry.lock with the pyproject.toml beside it",
};

const MANIFEST: &str = "pyproject.toml";

pub(crate) struct PoetryLock;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    package: Vec<Package>,
    metadata: Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    name: String,
    version: String,
    /// Until version 1.4: `main` or `dev`.
    category: Option<String>,
    /// Since version 2.
    groups: Option<Vec<String>>,
    dependencies: Table,
    files: Vec<Hashed>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Hashed {
    hash: String,
}

impl Package {
    fn id(&self) -> String {
        id_of(&self.name, &self.version)
    }

    fn is_for_development(&self) -> bool {
        let without_main = |groups: &Vec<String>| !groups.is_empty() && !groups.iter().any(|group| group == "main");
        self.category.as_deref() == Some("dev") || self.groups.as_ref().is_some_and(without_main)
    }
}

impl Project for PoetryLock {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn is_lock(&self, path: &str) -> bool {
        file_name(path) == "poetry.lock"
    }

    fn is_companion(&self, path: &str) -> bool {
        file_name(path) == MANIFEST
    }

    fn read(&self, lock: &Lock<'_>, notes: &mut Vec<Skipped>) -> Result<Vec<Occurrence>, Problem> {
        let file: File = toml(lock.text)?;
        let mut versions: BTreeMap<String, Vec<&Package>> = BTreeMap::new();
        for package in &file.package {
            versions.entry(normal(&package.name)).or_default().push(package);
        }
        let hashes = file.metadata.get("files").and_then(Value::as_table);
        let mut graph = Graph::new(OSV, &SPEC, lock.path);
        for package in &file.package {
            let needs = package.dependencies.iter().flat_map(|(name, wish)| chosen(name, wish, &versions));
            let node = Node {
                name: package.name.clone(),
                version: package.version.clone(),
                depends_on: needs.collect(),
                dev: package.is_for_development(),
                digest: only_digest(hashes_of(package, hashes).into_iter()),
                ..Node::default()
            };
            graph.put(package.id(), node);
        }
        if let Some(project) = lock.beside(MANIFEST).and_then(|text| PyProject::parse(&text)) {
            relate(&project, &mut graph);
        }
        Ok(graph.finish(notes))
    }
}

/// In each package since version 1.3 of poetry, before that in a table of their own.
fn hashes_of<'a>(package: &'a Package, files: Option<&'a Table>) -> Vec<&'a str> {
    if !package.files.is_empty() {
        return package.files.iter().map(|file| file.hash.as_str()).collect();
    }
    let listed = files.and_then(|files| files.get(&package.name)).and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(|file| file.get("hash")?.as_str()).collect()
}

/// The versions of a package that a dependency means: those in its range, of several; the only one, if there is but one.
fn chosen(name: &str, wish: &Value, versions: &BTreeMap<String, Vec<&Package>>) -> Vec<String> {
    let Some(packages) = versions.get(&normal(name)) else { return Vec::new() };
    let [only] = packages.as_slice() else {
        let ranges = ranges(wish);
        let fits = |package: &&&Package| ranges.iter().any(|range| range::contains(range, &package.version));
        return packages.iter().take(VERSIONS).filter(fits).map(|package| package.id()).collect();
    };
    vec![only.id()]
}

/// A range, a table with one, or a list of them, one for each platform.
fn ranges(wish: &Value) -> Vec<&str> {
    match wish {
        Value::String(range) => vec![range],
        Value::Array(items) => items.iter().flat_map(ranges).collect(),
        Value::Table(table) => vec![table.get("version").and_then(Value::as_str).unwrap_or("*")],
        _ => Vec::new(),
    }
}

fn relate(project: &PyProject, graph: &mut Graph<'_>) {
    let of_main = |node: &Node| project.main.contains(&normal(&node.name));
    let roots: BTreeSet<String> =
        graph.nodes.iter().filter(|(_, node)| of_main(node)).map(|(id, _)| id.clone()).collect();
    let needed = graph.reachable(&roots);
    for (id, node) in &mut graph.nodes {
        node.dev |= !needed.contains(id);
        node.relationship = match project.is_direct(&node.name) {
            true => Relationship::Direct,
            false => Relationship::Indirect,
        };
    }
}
