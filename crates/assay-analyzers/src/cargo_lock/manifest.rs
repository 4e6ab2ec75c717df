//! Manifests: which packages make up the project, and for what each of them needs others.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::problem::Problem;
use toml::{Table, Value};

use crate::locked::{folder, join};
use crate::part::{Gathered, corrupt};

use super::{MANIFEST, requirement};

/// Manifests that one project may have.
const MEMBERS: usize = 5000;

/// Patterns of members that are followed.
const PATTERNS: usize = 1000;

/// For what a dependency is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needed {
    /// By tests or by the build.
    ToDevelop,
    ToRun,
}

#[derive(Debug, Default)]
pub(super) struct Project {
    pub(super) members: Vec<Member>,
    /// Members of the workspace without manifest.
    pub(super) missing: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Option<String>,
    version: Option<String>,
    /// Whether its manifest is beside the lock file.
    pub(super) is_root: bool,
    /// By name; the same name may stand for several versions.
    needs: BTreeMap<String, Vec<Dependency>>,
}

#[derive(Debug)]
struct Dependency {
    /// As written; none for what is taken from a folder or repository.
    requirement: Option<String>,
    needed: Needed,
}

impl Member {
    pub(super) fn has_version(&self, version: &str) -> bool {
        self.version.as_deref().is_none_or(|own| own == version)
    }

    /// The names of what it needs.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.needs.keys().map(String::as_str)
    }

    /// For what it needs this version of a package, if it does.
    pub(super) fn needs(&self, name: &str, version: &str) -> Option<Needed> {
        let fits = |dependency: &&Dependency| {
            dependency.requirement.as_deref().is_none_or(|wanted| requirement::allows(wanted, version))
        };
        let named = self.needs.get(name)?;
        let fitting = named.iter().filter(fits).map(|dependency| dependency.needed).max();
        // A requirement that is not understood, or one that a patch overrides.
        fitting.or_else(|| named.iter().map(|dependency| dependency.needed).max())
    }
}

/// Whether versions would have to be known.
pub(super) fn has_dependencies(text: &str) -> bool {
    let Ok(manifest) = toml::from_str::<Table>(text) else { return false };
    !dependencies(&manifest, &Table::new()).is_empty()
}

/// The project of a lock file; none without a manifest beside it.
pub(super) fn project(files: &Gathered, lock: &str) -> Result<Option<Project>, Problem> {
    let root = folder(lock);
    let Some(bytes) = files.beside(lock, MANIFEST) else { return Ok(None) };
    let manifest = table(bytes).map_err(|error| corrupt(format!("the Cargo.toml beside it: {error}")))?;
    let empty = Table::new();
    let workspace = sub(&manifest, "workspace").unwrap_or(&empty);
    let mut project = Project::default();
    let mut seen = BTreeSet::from([root.to_owned()]);
    let mut pending: Vec<String> = Vec::new();
    for pattern in texts(workspace, "members").take(PATTERNS) {
        let folders = expand(files, root, pattern);
        if folders.is_empty() {
            project.missing.push(pattern.to_owned());
        }
        pending.extend(folders);
    }
    let excluded: Vec<String> = texts(workspace, "exclude").filter_map(|path| join(root, path)).collect();
    project.members.push(member(&manifest, workspace, true));
    pending.extend(local(&manifest, root));
    pending.reverse();
    while let Some(at) = pending.pop() {
        if excluded.contains(&at) || project.members.len() >= MEMBERS || !seen.insert(at.clone()) {
            continue;
        }
        let path = if at.is_empty() { MANIFEST.to_owned() } else { format!("{at}/{MANIFEST}") };
        let Some(Ok(manifest)) = files.get(&path).map(table) else {
            project.missing.push(at);
            continue;
        };
        project.members.push(member(&manifest, workspace, false));
        pending.extend(local(&manifest, &at));
    }
    project.missing.sort();
    project.missing.dedup();
    Ok(Some(project))
}

fn table(bytes: &[u8]) -> Result<Table, toml::de::Error> {
    toml::from_str(&String::from_utf8_lossy(bytes))
}

fn sub<'t>(table: &'t Table, key: &str) -> Option<&'t Table> {
    table.get(key)?.as_table()
}

fn texts<'t>(table: &'t Table, key: &str) -> impl Iterator<Item = &'t str> {
    table.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Folders with manifests that a member's pattern (`crates/*`) stands for.
fn expand(files: &Gathered, root: &str, pattern: &str) -> Vec<String> {
    let Some(pattern) = join(root, pattern) else { return Vec::new() };
    if !pattern.contains(['*', '?', '[']) {
        return vec![pattern];
    }
    let parts: Vec<&str> = pattern.split('/').collect();
    let fits = |at: &str| {
        let names: Vec<&str> = at.split('/').collect();
        names.len() == parts.len() && parts.iter().zip(names).all(|(part, name)| matches(part, name))
    };
    files.named(MANIFEST).map(|(path, _)| folder(path)).filter(|at| fits(at)).map(str::to_owned).collect()
}

/// `*` and `?` within one segment.
fn matches(pattern: &str, name: &str) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == name.get(n) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    n = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

fn member(manifest: &Table, workspace: &Table, is_root: bool) -> Member {
    let empty = Table::new();
    let package = sub(manifest, "package").or_else(|| sub(manifest, "project")).unwrap_or(&empty);
    let version = match package.get("version") {
        Some(Value::String(version)) => Some(version.clone()),
        Some(Value::Table(_)) => {
            sub(workspace, "package").and_then(|shared| shared.get("version")?.as_str()).map(str::to_owned)
        }
        _ => None,
    };
    let name = package.get("name").and_then(Value::as_str).map(str::to_owned);
    let shared = sub(workspace, "dependencies").unwrap_or(&empty);
    Member { name, version, is_root, needs: dependencies(manifest, shared) }
}

const KINDS: [(&str, Needed); 5] = [
    ("dependencies", Needed::ToRun),
    ("dev-dependencies", Needed::ToDevelop),
    ("dev_dependencies", Needed::ToDevelop),
    ("build-dependencies", Needed::ToDevelop),
    ("build_dependencies", Needed::ToDevelop),
];

/// Tables of dependencies, those for single platforms included.
fn tables(manifest: &Table) -> impl Iterator<Item = (&Table, Needed)> {
    let targets = sub(manifest, "target").into_iter().flat_map(Table::values).filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(targets)
        .flat_map(|table| KINDS.iter().filter_map(|(kind, needed)| Some((sub(table, kind)?, *needed))))
}

fn dependencies(manifest: &Table, shared: &Table) -> BTreeMap<String, Vec<Dependency>> {
    let mut all: BTreeMap<String, Vec<Dependency>> = BTreeMap::new();
    for (table, needed) in tables(manifest) {
        for (key, value) in table {
            let inherits = value.get("workspace").and_then(Value::as_bool) == Some(true);
            let value = if inherits { shared.get(key).unwrap_or(value) } else { value };
            let name = value.get("package").and_then(Value::as_str).unwrap_or(key);
            let requirement = value.as_str().or_else(|| value.get("version").and_then(Value::as_str));
            let dependency = Dependency { requirement: requirement.map(str::to_owned), needed };
            all.entry(name.to_owned()).or_default().push(dependency);
        }
    }
    all
}

/// Folders that it takes dependencies from.
fn local(manifest: &Table, at: &str) -> Vec<String> {
    let workspace = sub(manifest, "workspace").and_then(|workspace| sub(workspace, "dependencies"));
    let tables = tables(manifest).map(|(table, _)| table).chain(workspace);
    let paths: BTreeMap<String, ()> = tables
        .flat_map(Table::values)
        .filter_map(|value| join(at, value.get("path")?.as_str()?))
        .map(|path| (path, ()))
        .collect();
    paths.into_keys().collect()
}
