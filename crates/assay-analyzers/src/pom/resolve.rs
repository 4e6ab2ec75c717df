//! What a project depends on: the nearest version wins, the project's own management decides before all others
//! (Introduction to the Dependency Mechanism, "Transitive Dependencies").

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use assay_model::component::{Lines, Relationship};
use assay_model::problem::Problem;

use super::effective::{self, Effective, Managed};
use super::file::Dependency;
use super::poms::Poms;

/// Modules of one project. The largest known have some thousand.
const FOUND: usize = 20_000;
/// Exclusions that reach one module.
const EXCLUSIONS: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Resolution {
    pub(super) root: Found,
    /// By group and name.
    pub(super) found: BTreeMap<(String, String), Found>,
    pub(super) modules: Vec<String>,
    /// What is not here or not known.
    pub(super) parents: BTreeSet<String>,
    pub(super) imports: BTreeSet<String>,
    pub(super) properties: BTreeSet<String>,
    pub(super) versions: BTreeSet<String>,
    pub(super) poms: BTreeSet<String>,
    /// How many modules may be found, and whether there would have been more.
    most: usize,
    pub(super) is_cut: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    group: String,
    name: String,
    /// Empty when it is not known.
    pub(super) version: String,
    /// Whether no other version will do.
    is_exact: bool,
    pub(super) scope: String,
    pub(super) dev: bool,
    pub(super) relationship: Relationship,
    pub(super) lines: Option<Lines>,
    pub(super) licenses: Vec<String>,
    /// Group and name of what it depends on.
    pub(super) needs: Vec<(String, String)>,
    /// Only while it is looked at.
    exclusions: Rc<BTreeSet<(String, String)>>,
}

impl Found {
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.group, self.name)
    }

    pub(super) fn coordinates(&self) -> String {
        match self.version.as_str() {
            "" => self.name(),
            version => format!("{}:{version}", self.name()),
        }
    }

    fn key(&self) -> (String, String) {
        (self.group.clone(), self.name.clone())
    }
}

/// # Errors
/// When the file is no pom.
pub(super) fn resolve(poms: &mut Poms<'_>, path: &str, most: usize) -> Result<Resolution, Problem> {
    poms.check(path)?;
    let mut resolution = Resolution { most: most.min(FOUND), ..Resolution::default() };
    let Some(project) = poms.effective(path) else { return Ok(resolution) };
    resolution.parents.clone_from(&project.missing);
    resolution.modules.clone_from(&project.modules);
    let managed = &poms.managed(&project);
    resolution.imports = managed.missing.difference(&resolution.parents).cloned().collect();
    let mut direct = Vec::new();
    for dependency in &project.dependencies {
        match effective::fill(dependency, &project.properties, &mut resolution.properties) {
            Some(filled) => direct.push(manage(filled, managed)),
            None => continue,
        }
    }
    resolution.root = Found {
        group: project.group.clone(),
        name: project.name.clone(),
        version: project.version.clone(),
        licenses: project.licenses.clone(),
        ..Found::default()
    };
    let (main, aside): (Vec<_>, Vec<_>) = direct.into_iter().partition(|dependency| is_shipped(&dependency.scope));
    for (list, dev) in [(main, false), (aside, true)] {
        walk(poms, &mut resolution, list, dev, managed);
    }
    Ok(resolution)
}

/// Scopes of what is part of the product. What is provided by others, or only there for tests, is not.
fn is_shipped(scope: &str) -> bool {
    matches!(scope, "" | "compile" | "runtime")
}

/// Fills in what the dependency does not say itself.
fn manage(mut dependency: Dependency, managed: &Managed) -> Dependency {
    let Some(said) = managed.of(&dependency) else { return dependency };
    if dependency.version.is_empty() {
        dependency.version.clone_from(&said.version);
    }
    if dependency.scope.is_empty() {
        dependency.scope.clone_from(&said.scope);
    }
    dependency.optional |= said.optional;
    dependency.exclusions.extend(said.exclusions.iter().cloned());
    dependency
}

/// What the project manages overrides what its dependencies ask for.
fn overrule(mut dependency: Dependency, managed: &Managed) -> Dependency {
    let Some(said) = managed.of(&dependency) else { return dependency };
    if !said.version.is_empty() {
        dependency.version.clone_from(&said.version);
    }
    if !said.scope.is_empty() && dependency.scope != "test" {
        dependency.scope.clone_from(&said.scope);
    }
    dependency.optional |= said.optional;
    dependency.exclusions.extend(said.exclusions.iter().cloned());
    dependency
}

fn found(dependency: &Dependency, relationship: Relationship, dev: bool) -> Found {
    let (version, is_exact) = version(&dependency.version);
    Found {
        group: dependency.group.clone(),
        name: dependency.name.clone(),
        version,
        is_exact,
        scope: dependency.scope.clone(),
        dev,
        relationship,
        lines: dependency.lines,
        exclusions: Rc::new(dependency.exclusions.iter().take(EXCLUSIONS).cloned().collect()),
        ..Found::default()
    }
}

/// `[1.0]` is 1.0 and no other; which version of a range is taken, only a repository knows.
fn version(written: &str) -> (String, bool) {
    let exact = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|one| !one.contains(','));
    match exact {
        Some(exact) => (exact.trim().to_owned(), true),
        None if written.contains([',', '[', ']', '(', ')']) => (String::new(), false),
        None => (written.to_owned(), false),
    }
}

/// Breadth first: the nearest to the project decides.
fn walk(poms: &mut Poms<'_>, resolution: &mut Resolution, direct: Vec<Dependency>, dev: bool, managed: &Managed) {
    let mut queue: VecDeque<Found> =
        direct.iter().map(|dependency| found(dependency, Relationship::Direct, dev)).collect();
    resolution.root.needs.extend(queue.iter().map(Found::key));
    while let Some(mut next) = queue.pop_front() {
        let key = next.key();
        if let Some(known) = resolution.found.get(&key) {
            if known.is_exact || !next.is_exact || (known.dev != dev) {
                continue;
            }
            next.relationship = known.relationship;
            next.lines = known.lines;
        }
        if resolution.found.len() >= resolution.most {
            resolution.is_cut = true;
            return;
        }
        if next.version.is_empty() {
            resolution.versions.insert(next.name());
        } else if let Some(pom) = poms.find(&next.group, &next.name, &next.version) {
            let needed = needed(poms, &pom, &next.exclusions, managed, resolution);
            next.licenses.clone_from(&pom.licenses);
            next.needs = needed.iter().map(Found::key).collect();
            queue.extend(needed.into_iter().map(|needed| Found { dev, ..needed }));
        } else {
            resolution.poms.insert(next.coordinates());
        }
        next.exclusions = Rc::default();
        resolution.found.insert(key, next);
    }
}

/// What a dependency brings along.
fn needed(
    poms: &mut Poms<'_>,
    pom: &Rc<Effective>,
    excluded: &Rc<BTreeSet<(String, String)>>,
    managed: &Managed,
    resolution: &mut Resolution,
) -> Vec<Found> {
    resolution.parents.extend(pom.missing.iter().cloned());
    let own = poms.managed(pom);
    resolution.imports.extend(own.missing.iter().cloned());
    let mut all = Vec::new();
    for dependency in &pom.dependencies {
        let Some(filled) = effective::fill(dependency, &pom.properties, &mut BTreeSet::new()) else { continue };
        let dependency = overrule(manage(filled, &own), managed);
        if !is_shipped(&dependency.scope) || dependency.optional || is_excluded(&dependency, excluded) {
            continue;
        }
        let mut found = found(&dependency, Relationship::Indirect, false);
        found.lines = None;
        found.exclusions = match found.exclusions.is_empty() {
            true => Rc::clone(excluded),
            false => Rc::new(found.exclusions.iter().chain(excluded.iter()).take(EXCLUSIONS).cloned().collect()),
        };
        all.push(found);
    }
    all
}

fn is_excluded(dependency: &Dependency, excluded: &BTreeSet<(String, String)>) -> bool {
    let fits = |pattern: &str, name: &str| pattern == "*" || pattern == name;
    excluded.iter().any(|(group, name)| fits(group, &dependency.group) && fits(name, &dependency.name))
}
