//! `pdm.lock`, with the `pyproject.toml` beside it, which tells which groups are for development.

use std::collections::BTreeMap;

use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Skipped;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};
use serde::Deserialize;

use crate::graph::{Graph, Node, id_of};
use crate::project::{Lock, Project, file_name};
use crate::python_project::pyproject::PyProject;
use crate::python_project::requirement::Requirement;
use crate::python_project::{OSV, VERSIONS, normal, only_digest, range, toml};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "pdm",
    revision: 1,
    reads: Reads::Project,
    summary: "pdm.lock with the pyproject.toml beside it",
};

const MANIFEST: &str = "pyproject.toml";
/// The group of what the project needs to run.
const PRODUCTION: &str = "default";

pub(crate) struct PdmLock;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    package: Vec<Package>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    name: String,
    version: String,
    groups: Vec<String>,
    /// As PEP 508 writes them.
    dependencies: Vec<String>,
    files: Vec<Hashed>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Hashed {
    hash: String,
}

impl Project for PdmLock {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn is_lock(&self, path: &str) -> bool {
        file_name(path) == "pdm.lock"
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
        let project = lock.beside(MANIFEST).and_then(|text| PyProject::parse(&text));
        let mut graph = Graph::new(OSV, &SPEC, lock.path);
        for package in &file.package {
            let wishes = package.dependencies.iter().filter_map(|wish| Requirement::parse(wish));
            let relationship = |project: &PyProject| match project.is_direct(&package.name) {
                true => Relationship::Direct,
                false => Relationship::Indirect,
            };
            let node = Node {
                name: package.name.clone(),
                version: package.version.clone(),
                depends_on: wishes.flat_map(|wish| chosen(&wish, &versions)).collect(),
                relationship: project.as_ref().map(relationship).unwrap_or_default(),
                dev: is_for_development(package, project.as_ref()),
                digest: only_digest(package.files.iter().map(|file| file.hash.as_str())),
                ..Node::default()
            };
            // The same package with and without extras has an entry for each.
            graph.put(id_of(&package.name, &package.version), node);
        }
        Ok(graph.finish(notes))
    }
}

/// A group is either an extra or for development; without the project it is not known which.
fn is_for_development(package: &Package, project: Option<&PyProject>) -> bool {
    let is_dev = |group: &String| match project {
        Some(project) => project.group_names.contains(group),
        None => group != PRODUCTION,
    };
    !package.groups.is_empty() && package.groups.iter().all(is_dev)
}

fn chosen(wish: &Requirement<'_>, versions: &BTreeMap<String, Vec<&Package>>) -> Vec<String> {
    let packages = versions.get(&normal(wish.name)).map(Vec::as_slice).unwrap_or_default();
    let packages = packages.get(..VERSIONS).unwrap_or(packages);
    let is_only = packages.iter().all(|package| packages.first().is_some_and(|first| first.version == package.version));
    let fits = |package: &&&Package| is_only || wish.range.is_empty() || range::contains(&wish.range, &package.version);
    packages.iter().filter(fits).map(|package| id_of(&package.name, &package.version)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::PdmLock;
    use crate::project::Locked;
    use crate::project::testing::{shown, survives, tree};

    const LOCK: &str = "[metadata]\ngroups = ['default', 'dev', 'http2']\n\
        [[package]]\nname = 'requests'\nversion = '2.31.0'\ngroups = ['default']\n\
        dependencies = ['idna<4,>=2.5', \"several>=2; x\"]\n\
        [[package]]\nname = 'requests'\nversion = '2.31.0'\nextras = ['socks']\ngroups = ['dev']\n\
        dependencies = ['pysocks!=1.5.7,>=1.5.6', 'requests==2.31.0']\n\
        [[package]]\nname = 'idna'\nversion = '3.4'\ngroups = ['default', 'dev']\n\
        [[package]]\nname = 'pysocks'\nversion = '1.7.1'\ngroups = ['dev']\n\
        [[package]]\nname = 'h2'\nversion = '4.1'\ngroups = ['http2']\n\
        [[package]]\nname = 'several'\nversion = '1.0'\ngroups = ['default']\n\
        [[package]]\nname = 'several'\nversion = '2.0'\ngroups = ['default']\n";

    #[test]
    fn groups_and_extras() {
        let project = "[project]\ndependencies = ['requests']\n[project.optional-dependencies]\nhttp2 = ['h2']\n\
            [tool.pdm.dev-dependencies]\ndev = ['requests[socks]']\n";
        let out = tree(&Locked(PdmLock), &[("pdm.lock", LOCK), ("pyproject.toml", project)]);
        assert_eq!(
            shown(&out),
            [
                "h2@4.1 direct",
                "idna@3.4 indirect",
                "pysocks@1.7.1 indirect dev",
                "requests@2.31.0 direct -> idna@3.4 pysocks@1.7.1 several@2.0",
                "several@1.0 indirect",
                "several@2.0 indirect",
            ]
        );
        let alone = tree(&Locked(PdmLock), &[("pdm.lock", LOCK)]);
        assert_eq!(shown(&alone)[0], "h2@4.1 dev");
    }

    #[test]
    fn damaged_files() {
        survives(&Locked(PdmLock), "pdm.lock", LOCK);
    }
}
