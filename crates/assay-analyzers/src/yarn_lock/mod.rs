//! `yarn.lock` of all versions, with the `package.json` of the project and its workspaces, which tell what is direct and
//! what is only for development.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Skipped;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::graph::{Graph, Node, id_of};
use crate::javascript::{Licenses, Manifest, OSV, integrity, is_workspace, range};
use crate::part::corrupt;
use crate::project::{Lock, Project, decode, file_name, folder, is_inside};
use parse::{Block, Descriptor};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "yarn",
    revision: 1,
    reads: Reads::Project,
    summary: "yarn.lock of all versions, with the package.json files of its project",
};

const MANIFEST: &str = "package.json";
/// How many versions of one package are looked through for those in a range.
const VERSIONS: usize = 64;

pub(crate) struct YarnLock;

impl Project for YarnLock {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn is_lock(&self, path: &str) -> bool {
        file_name(path) == "yarn.lock" && !is_inside(path, "node_modules") && !is_inside(path, ".yarn")
    }

    fn is_companion(&self, path: &str) -> bool {
        file_name(path) == MANIFEST && !is_inside(path, "node_modules")
    }

    fn read(&self, lock: &Lock<'_>, skipped: &mut Vec<Skipped>) -> Result<Vec<Occurrence>, Problem> {
        let blocks = parse::blocks(lock.text)?;
        if blocks.is_empty() && !lock.text.contains("yarn lockfile") && !lock.text.trim().is_empty() {
            return Err(corrupt("it has no entries"));
        }
        let mut graph = Graph::new(OSV, &SPEC, lock.path);
        let wishes = packages(&blocks, &Licenses::beside(lock.path, lock.installed), &mut graph);
        let projects = projects(lock);
        relate(&projects, &wishes, &mut graph);
        add_projects(&projects, &wishes, &mut graph);
        Ok(graph.finish(skipped))
    }
}

/// What an entry is, by where its code comes from.
enum Origin<'a> {
    /// A registry, a repository, an archive somewhere.
    Package { name: &'a str },
    /// A package with changes of the project's own; the package itself has another entry.
    Patched(String),
    /// Code of the project itself.
    Local,
}

fn origin<'a>(block: &Block<'a>) -> Option<Origin<'a>> {
    let chosen = block.resolution.and_then(Descriptor::parse).or_else(|| block.patterns.first().copied())?;
    if let Some(base) = parse::patched(chosen.range) {
        return Some(Origin::Patched(Descriptor::parse(&base).map_or(chosen.name, |base| base.name).to_owned()));
    }
    let local = ["workspace:", "link:", "portal:", "file:"];
    if local.iter().any(|protocol| chosen.range.starts_with(protocol)) {
        return Some(Origin::Local);
    }
    Some(Origin::Package { name: chosen.alias().map_or(chosen.name, |real| real.name) })
}

/// Adds the packages, and says which one each wish led to.
fn packages(blocks: &[Block<'_>], licenses: &Licenses, graph: &mut Graph<'_>) -> BTreeMap<String, String> {
    let mut wishes = BTreeMap::new();
    let mut chosen: Vec<(String, String, &Block<'_>, bool)> = Vec::new();
    for block in blocks {
        let (name, is_patch) = match origin(block) {
            Some(Origin::Package { name }) => (name.to_owned(), false),
            Some(Origin::Patched(name)) => (name, true),
            Some(Origin::Local) | None => continue,
        };
        let id = id_of(&name, block.version);
        wishes.extend(block.patterns.iter().map(|wish| (wish.key(), id.clone())));
        chosen.push((id, name, block, is_patch));
    }
    let plain: BTreeSet<String> =
        chosen.iter().filter(|(_, _, _, is_patch)| !is_patch).map(|(id, ..)| id.clone()).collect();
    for (id, name, block, is_patch) in chosen {
        let hides = is_patch && plain.contains(&id);
        let node = Node {
            licenses: licenses.of(&name, block.version).unwrap_or_default(),
            version: block.version.to_owned(),
            depends_on: block.needs.iter().filter_map(|wish| wishes.get(&wish.key()).cloned()).collect(),
            lines: block.lines.into_iter().filter(|_| !hides).collect(),
            digest: integrity(block.integrity).or_else(|| fragment(block.resolved)),
            name,
            ..Node::default()
        };
        graph.put(id, node);
    }
    wishes
}

/// Version 1 puts the SHA-1 behind the address.
fn fragment(resolved: Option<&str>) -> Option<String> {
    let (_, hash) = resolved?.rsplit_once('#')?;
    let sane = hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    sane.then(|| format!("sha1:{}", hash.to_ascii_lowercase()))
}

/// A `package.json` of the project: the root's first.
struct Member {
    path: String,
    manifest: Manifest,
}

impl Member {
    fn id(&self) -> Option<String> {
        let name = self.manifest.name.as_deref()?;
        Some(self.manifest.version.as_deref().map_or_else(|| self.path.clone(), |version| id_of(name, version)))
    }
}

fn projects(lock: &Lock<'_>) -> Vec<Member> {
    let path = lock.sibling(MANIFEST);
    let Some(root) = lock.beside(MANIFEST).and_then(|text| Manifest::parse(&text)) else { return Vec::new() };
    let (without, with): (Vec<&String>, Vec<&String>) =
        root.workspaces.iter().partition(|pattern| pattern.starts_with('!'));
    let mut members = Vec::new();
    for (path, bytes) in lock.files.named(MANIFEST) {
        let Some(inside) = below(folder(lock.path), folder(path)) else { continue };
        let means = |pattern: &&String| is_workspace(pattern.trim_start_matches('!'), inside);
        if !inside.is_empty() && with.iter().any(means) && !without.iter().any(means) {
            let manifest = Manifest::parse(&decode(bytes));
            members.extend(manifest.map(|manifest| Member { path: path.to_owned(), manifest }));
        }
    }
    members.insert(0, Member { path, manifest: root });
    members
}

/// The path of a folder from another one that it is in.
fn below<'a>(above: &str, folder: &'a str) -> Option<&'a str> {
    match above {
        "" => Some(folder),
        above => folder.strip_prefix(above)?.strip_prefix('/'),
    }
}

/// Tells direct from indirect packages, and those for development from those for production.
fn relate(projects: &[Member], wishes: &BTreeMap<String, String>, graph: &mut Graph<'_>) {
    let of = |ranges: fn(&Manifest) -> &BTreeMap<String, String>, graph: &Graph<'_>| -> BTreeSet<String> {
        projects.iter().flat_map(|member| asked(ranges(&member.manifest), wishes, graph)).collect()
    };
    let production = of(|manifest| &manifest.dependencies, graph);
    let development = of(|manifest| &manifest.dev_dependencies, graph);
    let (needed, extra) = (graph.reachable(&production), graph.reachable(&development));
    for (id, node) in &mut graph.nodes {
        node.dev = extra.contains(id) && !needed.contains(id);
        node.relationship = match () {
            () if production.contains(id) || development.contains(id) => Relationship::Direct,
            () if needed.contains(id) || extra.contains(id) => Relationship::Indirect,
            () => Relationship::Unknown,
        };
    }
}

/// The packages that a manifest's wishes led to. A wish that the lock file does not have (the project overrides it) leads
/// to the versions in its range, or to the only one there is.
fn asked(ranges: &BTreeMap<String, String>, wishes: &BTreeMap<String, String>, graph: &Graph<'_>) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for (name, range) in ranges {
        let wish = Descriptor { name, range };
        if let Some(id) = wishes.get(&wish.key()) {
            ids.insert(id.clone());
            continue;
        }
        let (name, range) = wish.alias().map_or((name.as_str(), range.as_str()), |real| (real.name, real.range));
        if range.starts_with("workspace:") {
            continue;
        }
        let prefix = format!("{name}@");
        let same = graph.nodes.range(prefix.clone()..).take_while(|(id, _)| id.starts_with(&prefix));
        let same: Vec<_> = same.take(VERSIONS).collect();
        let fits = |node: &Node| same.len() == 1 || range::contains(range.trim_start_matches("npm:"), &node.version);
        ids.extend(same.iter().filter(|(_, node)| fits(node)).map(|(id, _)| (*id).clone()));
    }
    ids
}

/// Adds the project itself and its workspaces, which the lock file does not list, or not with their versions.
fn add_projects(projects: &[Member], wishes: &BTreeMap<String, String>, graph: &mut Graph<'_>) {
    let local: BTreeMap<&str, String> =
        projects.iter().skip(1).filter_map(|member| Some((member.manifest.name.as_deref()?, member.id()?))).collect();
    let mut nodes = Vec::new();
    for (index, member) in projects.iter().enumerate() {
        let (Some(id), Some(name)) = (member.id(), &member.manifest.name) else { continue };
        let manifest = &member.manifest;
        let mut depends_on = asked(&manifest.dependencies, wishes, graph);
        depends_on.extend(asked(&manifest.dev_dependencies, wishes, graph));
        let names = manifest.dependencies.keys().chain(manifest.dev_dependencies.keys());
        depends_on.extend(names.filter_map(|name| local.get(name.as_str()).cloned()));
        if index == 0 {
            depends_on.extend(local.values().cloned());
        }
        let node = Node {
            name: name.clone(),
            version: manifest.version.clone().unwrap_or_default(),
            depends_on,
            relationship: if index == 0 { Relationship::Root } else { Relationship::Workspace },
            licenses: manifest.licenses.clone(),
            ..Node::default()
        };
        nodes.push((id, node));
    }
    for (id, node) in nodes {
        graph.put(id, node);
    }
}
