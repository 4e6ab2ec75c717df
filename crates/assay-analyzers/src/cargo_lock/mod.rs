//! Cargo projects: `Cargo.lock` (all four versions of its format), with the manifests of its package or workspace, which
//! say what is the project itself and what only tests and builds need.

mod lock;
mod manifest;
mod requirement;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::Relationship;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::locked::{self, Locked, Together, file_name, sorted};
use crate::part::Gathered;
use lock::{Lock, Locks};
use manifest::{Needed, Project};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "cargo",
    revision: 1,
    reads: Reads::Project,
    summary: "`Cargo.lock` with the `Cargo.toml` of its package or workspace: crates, their graph, what is for development",
};

const ECOSYSTEM: &str = "crates.io";
const LOCK: &str = "Cargo.lock";
const MANIFEST: &str = "Cargo.toml";

pub(crate) const PART: Together =
    Together { spec: &SPEC, wants: |path| matches!(file_name(path), LOCK | MANIFEST), conclude };

fn conclude(files: &Gathered, out: &mut Inventory) {
    locked::each(&SPEC, ECOSYSTEM, files.read_as(LOCK), out, |text, found| read(files, text, found));
    let locked: Vec<&str> = files.named(LOCK).map(|(path, _)| locked::folder(path)).collect();
    for (path, bytes) in files.named(MANIFEST) {
        let within =
            |folder: &str| folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        if !locked.iter().any(|folder| within(folder)) && manifest::has_dependencies(&String::from_utf8_lossy(bytes)) {
            let detail = "there is no Cargo.lock here or above that says which versions its dependencies have";
            locked::skip(path, &Problem::invalid(locked::UNRESOLVED, detail), out);
        }
    }
}

fn read(files: &Gathered, text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let lock = Lock::parse(text)?;
    let locks = Locks::new(&lock);
    for package in &lock.package {
        let Some(mut entry) = found.entry(&package.name, &package.version) else { continue };
        entry.id = package.id();
        entry.depends_on = sorted(locks.dependencies(package).map(Lock::id_of).collect());
        entry.lines.extend(package.lines);
        entry.digest = lock.checksum(package);
        found.add(entry);
    }
    match manifest::project(files, found.path) {
        Ok(None) => {}
        Ok(Some(project)) => {
            for missing in &project.missing {
                found.unresolved(format!("the project includes {missing}, whose Cargo.toml is not here"));
            }
            relate(&lock, &locks, &project, found);
        }
        Err(problem) => found.trouble(&problem),
    }
    Ok(())
}

/// Says of each entry how it came in, and whether only development needs it.
fn relate(lock: &Lock, locks: &Locks<'_>, project: &Project, found: &mut Locked<'_>) {
    let mut relations: BTreeMap<String, Relationship> = BTreeMap::new();
    let mut roots: BTreeSet<String> = BTreeSet::new();
    let mut direct: BTreeSet<String> = BTreeSet::new();
    let mut start: BTreeSet<String> = BTreeSet::new();
    for member in &project.members {
        let mut named = member.name.iter().flat_map(|name| locks.named(name));
        let own = named.find(|package| package.source.is_none() && member.has_version(&package.version));
        let mut note = |id: String, needed: Needed| {
            if needed == Needed::ToRun {
                start.insert(id.clone());
            }
            direct.insert(id);
        };
        match own {
            Some(package) => {
                let relation = if member.is_root { Relationship::Root } else { Relationship::Workspace };
                roots.insert(package.id());
                relations.insert(package.id(), relation);
                for (dependency, needed) in locks
                    .dependencies(package)
                    .filter_map(|package| Some((package, member.needs(&package.name, &package.version)?)))
                {
                    note(dependency.id(), needed);
                }
            }
            // Written by an older Cargo, or for another manifest: what it asks for still decides.
            None => {
                for package in member.names().flat_map(|name| locks.named(name)) {
                    if let Some(needed) = member.needs(&package.name, &package.version) {
                        note(package.id(), needed);
                    }
                }
            }
        }
    }
    // A package of this project whose manifest is not here: nobody knows what it needs only for development.
    let own = lock.package.iter().filter(|package| package.source.is_none() && !roots.contains(&package.id()));
    let unknown: Vec<String> = own.filter(|_| !project.missing.is_empty()).map(lock::Package::id).collect();
    let from: Vec<String> = start.into_iter().chain(unknown).collect();
    // A member is part of the product; the packages that it needs were told apart above.
    let reached = reach(found, from, &roots);
    for entry in found.entries() {
        let relation = relations.get(&entry.id).copied();
        entry.relationship = relation.unwrap_or(match direct.contains(&entry.id) {
            true => Relationship::Direct,
            false => Relationship::Indirect,
        });
        entry.dev = relation.is_none() && !reached.contains(&entry.id);
    }
    // The lock file does not tell what tests and builds need from what the package needs to run.
    let aside: BTreeSet<String> = found.entries().filter(|entry| entry.dev).map(|entry| entry.id.clone()).collect();
    for entry in found.entries().filter(|entry| relations.contains_key(&entry.id)) {
        entry.depends_on.retain(|id| !aside.contains(id));
    }
}

/// What can be reached without going through the project's own packages.
fn reach(found: &mut Locked<'_>, mut pending: Vec<String>, own: &BTreeSet<String>) -> BTreeSet<String> {
    let edges: BTreeMap<String, Vec<String>> =
        found.entries().map(|entry| (entry.id.clone(), entry.depends_on.clone())).collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = pending.pop() {
        if own.contains(&id) || reached.contains(&id) {
            continue;
        }
        pending.extend(edges.get(&id).into_iter().flatten().cloned());
        reached.insert(id);
    }
    reached
}
