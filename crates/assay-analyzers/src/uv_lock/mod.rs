//! `uv.lock`, which tells of itself what the project, its workspace and its groups ask for.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Skipped;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};
use serde::Deserialize;

use crate::graph::{Graph, Node, id_of};
use crate::project::{Lock, Project, file_name};
use crate::python_project::{OSV, VERSIONS, only_digest, toml};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "uv",
    revision: 1,
    reads: Reads::Project,
    summary: "uv.lock, with its workspace and packages for development marked",
};

pub(crate) struct UvLock;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    manifest: Manifest,
    package: Vec<Package>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Manifest {
    members: BTreeSet<String>,
    requirements: Vec<Wish>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Package {
    name: String,
    /// Not there when the project computes it.
    version: String,
    source: Source,
    dependencies: Vec<Wish>,
    optional_dependencies: BTreeMap<String, Vec<Wish>>,
    dev_dependencies: BTreeMap<String, Vec<Wish>>,
    sdist: Option<Hashed>,
    wheels: Vec<Hashed>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Source {
    editable: Option<String>,
    r#virtual: Option<String>,
}

/// The version is there when the file has several of the package.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    name: String,
    version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Hashed {
    hash: Option<String>,
}

impl Package {
    fn id(&self) -> String {
        id_of(&self.name, &self.version)
    }

    fn is_root(&self) -> bool {
        [&self.source.editable, &self.source.r#virtual].into_iter().flatten().any(|path| path == ".")
    }

    /// What it asks for to run, extras included.
    fn production(&self) -> impl Iterator<Item = &Wish> {
        self.dependencies.iter().chain(self.optional_dependencies.values().flatten())
    }

    fn all(&self) -> impl Iterator<Item = &Wish> {
        self.production().chain(self.dev_dependencies.values().flatten())
    }

    fn digest(&self) -> Option<String> {
        let files = self.sdist.iter().chain(&self.wheels);
        only_digest(files.filter_map(|file| file.hash.as_deref()))
    }
}

/// Versions by name; a file may have several of one.
struct Names<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

impl<'a> Names<'a> {
    fn of(file: &'a File) -> Self {
        let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for package in &file.package {
            names.entry(&package.name).or_default().insert(&package.version);
        }
        Self(names)
    }

    fn ids(&self, wish: &Wish) -> Vec<String> {
        let Some(versions) = self.0.get(wish.name.as_str()) else { return Vec::new() };
        match wish.version.as_deref() {
            Some(version) => versions.get(version).map(|version| id_of(&wish.name, version)).into_iter().collect(),
            None => versions.iter().take(VERSIONS).map(|version| id_of(&wish.name, version)).collect(),
        }
    }
}

impl Project for UvLock {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn is_lock(&self, path: &str) -> bool {
        file_name(path) == "uv.lock"
    }

    fn read(&self, lock: &Lock<'_>, notes: &mut Vec<Skipped>) -> Result<Vec<Occurrence>, Problem> {
        let file: File = toml(lock.text)?;
        let names = Names::of(&file);
        let role = |package: &Package| match () {
            () if package.is_root() => Relationship::Root,
            () if file.manifest.members.contains(&package.name) => Relationship::Workspace,
            () => Relationship::Unknown,
        };
        let (own, others): (Vec<&Package>, Vec<&Package>) =
            file.package.iter().partition(|package| role(package) != Relationship::Unknown);
        let mut direct: BTreeSet<String> =
            own.iter().flat_map(|package| package.all()).flat_map(|wish| names.ids(wish)).collect();
        let mut production: BTreeSet<String> =
            own.iter().flat_map(|package| package.production()).flat_map(|wish| names.ids(wish)).collect();
        // Of a script, which is no package.
        for id in file.manifest.requirements.iter().filter(|_| own.is_empty()).flat_map(|wish| names.ids(wish)) {
            direct.insert(id.clone());
            production.insert(id);
        }
        let mut graph = Graph::new(OSV, &SPEC, lock.path);
        for package in others {
            let relationship = match direct.contains(&package.id()) {
                true => Relationship::Direct,
                false => Relationship::Indirect,
            };
            graph.put(package.id(), node(package, relationship, &names));
        }
        if direct.is_empty() && own.is_empty() {
            graph.nodes.values_mut().for_each(|node| node.relationship = Relationship::Unknown);
        } else {
            graph.mark_dev(&production);
        }
        for package in &own {
            let mut node = node(package, role(package), &names);
            if package.is_root() {
                let members = own.iter().filter(|member| !member.is_root());
                node.depends_on.extend(members.map(|member| member.id()));
            }
            graph.put(package.id(), node);
        }
        Ok(graph.finish(notes))
    }
}

fn node(package: &Package, relationship: Relationship, names: &Names<'_>) -> Node {
    Node {
        name: package.name.clone(),
        version: package.version.clone(),
        depends_on: package.all().flat_map(|wish| names.ids(wish)).collect(),
        relationship,
        digest: package.digest(),
        ..Node::default()
    }
}
