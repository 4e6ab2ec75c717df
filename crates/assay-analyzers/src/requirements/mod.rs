//! pip's `requirements.txt` and its kin, with the files they include. Only what is pinned to one version is a find; the rest
//! is told as unresolved.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::{Lines, Occurrence};
use assay_model::inventory::Skipped;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::component::{occurrence, of_language};
use crate::part::Gathered;
use crate::project::{Lock, Project, absent, decode, file_name, folder, too_many, unnameable, unresolved};
use crate::python_project::requirement::{Requirement, wheel_version};
use crate::python_project::{OSV, normal, only_digest};
use parse::Line;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "pip",
    revision: 1,
    reads: Reads::Project,
    summary: "requirements.txt and files like it, what they include, and the versions that constraints give",
};

/// Words in a file's name that mean it is not for production.
const DEVELOPMENT: [&str; 12] =
    ["dev", "devel", "develop", "development", "test", "tests", "testing", "lint", "doc", "docs", "ci", "typing"];

pub(crate) struct Requirements;

impl Project for Requirements {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn is_lock(&self, path: &str) -> bool {
        let Some(stem) = file_name(path).strip_suffix(".txt") else { return false };
        let is_named = stem.split(['-', '_', '.']).any(|word| word == "requirements");
        is_named || file_name(folder(path)) == "requirements" && !words(path).any(|word| word == "constraints")
    }

    fn is_companion(&self, path: &str) -> bool {
        let name = file_name(path);
        let is_text = [".txt", ".in", ".pip"].iter().any(|ending| name.ends_with(ending));
        let has = |text: &str| name.contains(text) || file_name(folder(path)).contains(text);
        is_text && ["require", "constraint", "reqs"].iter().any(|text| has(text))
    }

    fn read(&self, lock: &Lock<'_>, notes: &mut Vec<Skipped>) -> Result<Vec<Occurrence>, Problem> {
        let files = BTreeMap::from([(lock.path, parse::lines(lock.text))]);
        Ok(Tree::of(&files, &|path| !Requirements.is_lock(path), notes).read(notes))
    }

    fn read_all(&self, files: &Gathered, _: &[Occurrence], notes: &mut Vec<Skipped>) -> Vec<Occurrence> {
        let parsed = files.iter().map(|(path, bytes)| (path, parse::lines(&decode(bytes)))).collect();
        Tree::of(&parsed, &|path| files.is_told(path), notes).read(notes)
    }
}

/// Files that give a file its versions; more than a project has.
const CONSTRAINTS: usize = 16;

/// The files of a tree that matter, each with what holds for it.
struct Tree<'a> {
    files: BTreeMap<&'a str, Held<'a>>,
    /// By constraint file: versions by normalised name.
    versions: BTreeMap<&'a str, BTreeMap<String, String>>,
}

struct Held<'a> {
    lines: &'a [Line],
    dev: bool,
    /// Constraint files, of this file and of those that include it.
    constraints: BTreeSet<&'a str>,
}

impl<'a> Tree<'a> {
    /// Begins with files of the usual names, and those that the reader was told of: they are wanted whatever they are for.
    fn of(files: &'a BTreeMap<&'a str, Vec<Line>>, is_told: &dyn Fn(&str) -> bool, notes: &mut Vec<Skipped>) -> Self {
        let is_aside = |path: &str| is_for_development(path) && !is_told(path);
        let mut tree = Self { files: BTreeMap::new(), versions: BTreeMap::new() };
        let mut starts: Vec<&str> =
            files.keys().copied().filter(|path| Requirements.is_lock(path) || is_told(path)).collect();
        // What is included both for production and for development is for production.
        starts.sort_by_key(|path| is_aside(path));
        for start in starts {
            let mut pending = vec![(start, BTreeSet::new())];
            while let Some((path, mut constraints)) = pending.pop() {
                let Some((path, lines)) = files.get_key_value(path).filter(|_| !tree.files.contains_key(path)) else {
                    continue;
                };
                let mut missing = Vec::new();
                for (line, file) in lines.iter().filter_map(|line| Some((line, line.refers_to(path)?))) {
                    match (files.get_key_value(file.as_str()), line) {
                        (None, _) => missing.push(file),
                        (Some((file, lines)), Line::Constraints(_)) if constraints.len() < CONSTRAINTS => {
                            tree.versions.entry(file).or_insert_with(|| pins(lines));
                            constraints.insert(*file);
                        }
                        _ => {}
                    }
                }
                notes.extend(absent(path, &missing));
                let includes = lines.iter().filter(|line| matches!(line, Line::Include(_)));
                let known = includes.filter_map(|line| files.get_key_value(line.refers_to(path)?.as_str()));
                pending.extend(known.map(|(file, _)| (*file, constraints.clone())));
                tree.files.insert(path, Held { lines, dev: is_aside(start), constraints });
            }
        }
        tree
    }

    fn read(&self, notes: &mut Vec<Skipped>) -> Vec<Occurrence> {
        let mut found = Vec::new();
        for (path, file) in &self.files {
            let version = |name: &str| {
                let name = normal(name);
                file.constraints.iter().find_map(|file| self.versions.get(file)?.get(&name)).cloned()
            };
            found.extend(read_lines(path, file, &version, notes));
        }
        found
    }
}

fn pins(lines: &[Line]) -> BTreeMap<String, String> {
    let pin = |line: &Line| {
        let Line::Requirement { text, .. } = line else { return None };
        let wish = Requirement::parse(text)?;
        Some((normal(wish.name), wish.pin()?.to_owned()))
    };
    lines.iter().filter_map(pin).collect()
}

fn words(path: &str) -> impl Iterator<Item = &str> {
    file_name(path).split(['-', '_', '.'])
}

fn is_for_development(path: &str) -> bool {
    words(path).any(|word| DEVELOPMENT.contains(&word))
}

fn read_lines(
    path: &str,
    file: &Held<'_>,
    constrained: &dyn Fn(&str) -> Option<String>,
    notes: &mut Vec<Skipped>,
) -> Vec<Occurrence> {
    let mut found = Vec::new();
    let (mut open, mut bad) = (Vec::new(), Vec::new());
    for line in file.lines {
        let Line::Requirement { text, line, hashes } = line else { continue };
        let Some((name, version)) = resolve(text, constrained) else {
            let shown: String = text.chars().take(100).collect();
            open.push(format!("{shown} (line {line})"));
            continue;
        };
        let Ok(component) = of_language(OSV, &name, &version) else {
            bad.push(format!("{text} (line {line})"));
            continue;
        };
        let mut package = occurrence(component, path, SPEC.id);
        package.lines = vec![Lines { first: *line, last: *line }];
        package.digest = only_digest(hashes.iter().map(String::as_str));
        package.dev = file.dev;
        found.push(package);
    }
    notes.extend(unnameable(path, &bad));
    if file.lines.len() >= parse::LINES {
        notes.extend(too_many(path, 1));
    }
    notes.extend(unresolved(path, &open));
    found
}

/// Name and version, where a line or a constraint gives them.
fn resolve(text: &str, constrained: &dyn Fn(&str) -> Option<String>) -> Option<(String, String)> {
    let Some(wish) = Requirement::parse(text) else {
        // The address or path of a wheel has both in its name.
        let version = wheel_version(text)?;
        let name = text.rsplit('/').next()?.split('-').next()?;
        return Some((name.to_owned(), version.to_owned()));
    };
    let version = wish.pin().map(str::to_owned).or_else(|| constrained(wish.name))?;
    Some((wish.name.to_owned(), version))
}
