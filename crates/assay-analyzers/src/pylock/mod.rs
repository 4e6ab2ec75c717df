//! `pylock.toml` and `pylock.*.toml` (PEP 751).

use std::collections::BTreeMap;

use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Skipped;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};
use serde::Deserialize;

use crate::graph::{Graph, Node, id_of};
use crate::project::{Lock, Project, file_name, unresolved};
use crate::python_project::{OSV, VERSIONS, normal, only_digest, toml};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "pylock",
    revision: 1,
    reads: Reads::Project,
    summary: "pylock.toml and pylock.NAME.toml (PEP 751)",
};

pub(crate) struct Pylock;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct File {
    default_groups: Vec<String>,
    packages: Vec<Package>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    name: String,
    /// Not there for what is built from a source tree.
    version: String,
    marker: String,
    dependencies: Vec<Wish>,
    directory: Option<Directory>,
    vcs: Option<::toml::Table>,
    archive: Option<Artifact>,
    sdist: Option<Artifact>,
    wheels: Vec<Artifact>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    name: String,
    version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Directory {
    path: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Artifact {
    hashes: BTreeMap<String, String>,
}

impl Package {
    fn id(&self) -> String {
        id_of(&self.name, &self.version)
    }

    /// Folders are the project's own: the project itself, if it is the only one or the one that the file lies in.
    fn relationship(&self, is_only_folder: bool) -> Relationship {
        match &self.directory {
            None => Relationship::Unknown,
            Some(directory) if is_only_folder || matches!(directory.path.as_str(), "." | "./") => Relationship::Root,
            Some(_) => Relationship::Workspace,
        }
    }

    /// Whether its marker asks for a group that is not installed of itself, and for nothing else.
    fn is_for_development(&self, default_groups: &[String]) -> bool {
        let conditions = self.marker.split(" or ").map(|part| part.trim().trim_matches(['(', ')']));
        let group = |condition: &str| {
            let (group, set) = condition.split_once(" in ")?;
            let group = group.trim().trim_matches(['"', '\'']).to_owned();
            (set.trim().starts_with("dependency_groups")).then_some(group)
        };
        let mut groups = conditions.map(group);
        groups.all(|group| group.is_some_and(|group| !default_groups.contains(&group)))
    }

    fn digest(&self) -> Option<String> {
        let files = self.archive.iter().chain(&self.sdist).chain(&self.wheels);
        let hashes: Vec<String> =
            files.flat_map(|file| &file.hashes).map(|(algorithm, hex)| format!("{algorithm}:{hex}")).collect();
        only_digest(hashes.iter().map(String::as_str))
    }
}

impl Project for Pylock {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    /// The name has no further dot (PEP 751, "File Name").
    fn is_lock(&self, path: &str) -> bool {
        let Some(middle) = file_name(path).strip_prefix("pylock.").and_then(|rest| rest.strip_suffix("toml")) else {
            return false;
        };
        middle.is_empty() || middle.strip_suffix('.').is_some_and(|name| !name.is_empty() && !name.contains('.'))
    }

    fn read(&self, lock: &Lock<'_>, notes: &mut Vec<Skipped>) -> Result<Vec<Occurrence>, Problem> {
        let file: File = toml(lock.text)?;
        let mut versions: Versions<'_> = BTreeMap::new();
        for package in &file.packages {
            versions.entry(normal(&package.name)).or_default().insert(&package.version, package);
        }
        let is_only_folder = file.packages.iter().filter(|package| package.directory.is_some()).count() == 1;
        let mut graph = Graph::new(OSV, &SPEC, lock.path);
        let mut open = Vec::new();
        for package in &file.packages {
            if package.version.is_empty() && package.directory.is_none() {
                let from = if package.vcs.is_some() { "a repository" } else { "an archive" };
                open.push(format!("{} (from {from})", package.name));
            }
            let needs = package.dependencies.iter().flat_map(|wish| chosen(wish, &versions));
            let node = Node {
                name: package.name.clone(),
                version: package.version.clone(),
                depends_on: needs.collect(),
                relationship: package.relationship(is_only_folder),
                dev: package.is_for_development(&file.default_groups),
                digest: package.digest(),
                ..Node::default()
            };
            graph.put(package.id(), node);
        }
        notes.extend(unresolved(lock.path, &open));
        Ok(graph.finish(notes))
    }
}

/// By normalised name and version.
type Versions<'a> = BTreeMap<String, BTreeMap<&'a str, &'a Package>>;

fn chosen(wish: &Wish, versions: &Versions<'_>) -> Vec<String> {
    let Some(packages) = versions.get(&normal(&wish.name)) else { return Vec::new() };
    match wish.version.as_deref() {
        Some(version) => packages.get(version).map(|package| package.id()).into_iter().collect(),
        None => packages.values().take(VERSIONS).map(|package| package.id()).collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Project, Pylock};
    use crate::project::Locked;
    use crate::project::testing::{shown, survives, tree};

    const LOCK: &str = "lock-version = '1.0'\ncreated-by = 'x'\ndefault-groups = ['main']\n\
        [[packages]]\nname = 'app'\ndirectory = {path = '.', editable = true}\n\
        dependencies = [{name = 'attrs'}, {name = 'several', version = '2.0'}]\n\
        [[packages]]\nname = 'attrs'\nversion = '25.1.0'\nmarker = \"'main' in dependency_groups\"\n\
        [[packages.wheels]]\nname = 'a.whl'\n\
        hashes = {sha256 = 'E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'}\n\
        [[packages]]\nname = 'several'\nversion = '1.0'\nmarker = \"'dev' in dependency_groups or ('docs' in dependency_groups)\"\n\
        [[packages]]\nname = 'several'\nversion = '2.0'\nmarker = \"'dev' in dependency_groups or python_version > '3'\"\n\
        [[packages]]\nname = 'fork'\nvcs = {type = 'git', url = 'https://host.example/f.git', commit-id = '01'}\n";

    #[test]
    fn the_whole_form() {
        let out = tree(&Locked(Pylock), &[("pylock.prod.toml", LOCK)]);
        assert_eq!(
            shown(&out),
            ["app root -> attrs@25.1.0 several@2.0", "attrs@25.1.0", "fork", "several@1.0 dev", "several@2.0"]
        );
        assert!(out.components[1].digest.as_deref().unwrap().starts_with("sha256:e3b0"));
        assert!(out.skipped[0].detail.contains("fork (from a repository)"));
    }

    #[test]
    fn folders_are_the_project_s_own() {
        let one = "[[packages]]\nname = 'app'\nversion = '1'\ndirectory = {path = 'app'}\n";
        let two = format!("{one}[[packages]]\nname = 'lib'\ndirectory = {{path = '../lib'}}\n");
        assert_eq!(shown(&tree(&Locked(Pylock), &[("pylock.toml", one)])), ["app@1 root"]);
        assert_eq!(shown(&tree(&Locked(Pylock), &[("pylock.toml", &two)])), ["app@1 workspace", "lib workspace"]);
    }

    #[test]
    fn names() {
        for path in ["pylock.toml", "x/pylock.toml", "pylock.dev.toml"] {
            assert!(Pylock.is_lock(path), "{path}");
        }
        for path in ["pylock..toml", "pylock.a.b.toml", "pylocktoml", "xpylock.toml", "pylock.toml.bak"] {
            assert!(!Pylock.is_lock(path), "{path}");
        }
    }

    #[test]
    fn damaged_files() {
        survives(&Locked(Pylock), "pylock.toml", LOCK);
    }
}
