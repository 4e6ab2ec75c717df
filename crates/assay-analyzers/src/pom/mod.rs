//! Maven projects: `pom.xml` with its parents, the bills of materials it imports and, where their poms are in the same
//! tree (another module, or a local repository such as `.m2/repository`), what its dependencies need in turn.
//!
//! A pom by itself that is not called `pom.xml` is one of a repository: it tells what was published, and nothing more.
//!
//! Nothing is fetched and nothing is guessed: what a file that is not here would have to say is told as unresolved.
//! Profiles are not looked at, as nobody knows which are active.

mod effective;
mod file;
mod interpolate;
mod poms;
mod resolve;
#[cfg(test)]
mod tests;

use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::locked::{self, Locked, Together, file_name, folder, join, some_of, sorted};
use crate::part::{Gathered, LIMIT};
use crate::reader::requirements;
use poms::Poms;
use resolve::{Found, Resolution};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "pom",
    revision: 2,
    reads: Reads::Project,
    summary: "`pom.xml`: the project and its dependencies, with parents, properties and imported bills of materials",
};

const ECOSYSTEM: &str = "Maven";
const MANIFEST: &str = "pom.xml";
/// Dependencies of all projects of one tree together.
const FOUND: usize = 300_000;

pub(crate) const PART: Together = Together { spec: &SPEC, wants, conclude };

/// Projects, and the poms of a local repository: `group/name/version/name-version.pom`.
fn wants(path: &str) -> bool {
    let name = file_name(path);
    if name == MANIFEST {
        return true;
    }
    let Some(stem) = name.strip_suffix(".pom") else { return false };
    let mut above = folder(path).rsplit('/');
    let alone = !path.contains('/');
    alone
        || matches!((above.next(), above.next()), (Some(version), Some(artifact)) if stem == format!("{artifact}-{version}"))
}

fn conclude(files: &Gathered, out: &mut Inventory) {
    let mut poms = Poms::new(files);
    let mut left = FOUND;
    let alone = files.iter().next().filter(|_| files.iter().count() == 1).map(|(path, _)| path);
    for (path, _) in
        files.iter().filter(|(path, _)| file_name(path) == MANIFEST || files.is_told(path) || alone == Some(path))
    {
        let mut found = Locked::new(SPEC.id, path, ECOSYSTEM);
        let is_published = alone == Some(path) && file_name(path) != MANIFEST && !files.is_told(path);
        match if is_published { published(&mut poms, &mut found) } else { read(&mut poms, &mut found, &mut left) } {
            Ok(()) => found.finish(out),
            Err(problem) => locked::skip(path, &problem, out),
        }
    }
}

/// The identifier of a package in the report of a project: `group:name:version::hash`, where the hash tells apart what
/// several projects of one tree have in common. It is the first half of an FNV-1 hash over coordinates and project, as
/// other scanners write it, so that their lists of exceptions can be used; `project` is the path of the project's pom,
/// with what the report's reader has before it.
#[must_use]
pub fn package_id(coordinates: &str, project: &str) -> String {
    let pairs = [("gav", coordinates), ("path", project)];
    let hash = pairs.iter().fold(0, |hash, (key, value)| hash ^ fnv_of([fnv(key.as_bytes()), fnv(value.as_bytes())]));
    let hash = format!("{:x}", fnv_of([hash]));
    format!("{coordinates}::{}", hash.get(..8).unwrap_or(&hash))
}

/// FNV-1 with 64 bits.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(*byte))
}

fn fnv_of<const N: usize>(numbers: [u64; N]) -> u64 {
    fnv(numbers.map(u64::to_le_bytes).as_flattened())
}

/// A pom as a repository has it, by itself: it tells what was published. What that depends on is not in it, and is
/// published by itself.
fn published(poms: &mut Poms<'_>, found: &mut Locked<'_>) -> Result<(), Problem> {
    let resolution = resolve::resolve(poms, found.path, FOUND)?;
    if let Some(mut root) = entry(&resolution.root, found) {
        root.id = resolution.root.coordinates();
        root.is_subject = true;
        let direct =
            resolution.found.values().filter(|module| module.relationship == Relationship::Direct && !module.dev);
        root.requires = requirements(direct.map(Found::coordinates));
        found.add(root);
    }
    Ok(())
}

fn read(poms: &mut Poms<'_>, found: &mut Locked<'_>, left: &mut usize) -> Result<(), Problem> {
    let path = found.path.to_owned();
    let resolution = resolve::resolve(poms, &path, *left)?;
    *left = left.saturating_sub(resolution.found.len());
    if resolution.is_cut {
        found.trouble(&Problem::invalid(
            LIMIT,
            "it has more dependencies, or all projects together have, than are read",
        ));
    }
    let identifier = |coordinates: &str| package_id(coordinates, &path);
    for module in resolution.found.values() {
        let Some(mut entry) = entry(module, found) else { continue };
        entry.id = identifier(&module.coordinates());
        let needed = module.needs.iter().filter_map(|key| resolution.found.get(key));
        entry.depends_on = sorted(needed.map(|needed| identifier(&needed.coordinates())).collect());
        found.add(entry);
    }
    if let Some(mut root) = entry(&resolution.root, found) {
        root.id = identifier(&resolution.root.coordinates());
        root.relationship = Relationship::Root;
        let needed = resolution.root.needs.iter().filter_map(|key| resolution.found.get(key));
        root.depends_on = sorted(needed.map(|needed| identifier(&needed.coordinates())).collect());
        found.add(root);
    }
    for module in &resolution.modules {
        let is_there = join(folder(&path), module)
            .is_some_and(|at| poms.has(&at) || poms.has(&join(&at, MANIFEST).unwrap_or_default()));
        if !is_there {
            found.unresolved(format!("the module {module} is not here"));
        }
    }
    tell(&resolution, found);
    Ok(())
}

fn entry(module: &Found, found: &mut Locked<'_>) -> Option<Occurrence> {
    let mut entry = found.entry(&module.name(), &module.version)?;
    entry.relationship = module.relationship;
    entry.dev = module.dev;
    entry.lines.extend(module.lines);
    entry.licenses.clone_from(&module.licenses);
    if !module.scope.is_empty() {
        entry.properties.insert(format!("{}.scope", SPEC.id), module.scope.clone());
    }
    Some(entry)
}

/// What is not known because other files are not here.
fn tell(resolution: &Resolution, found: &mut Locked<'_>) {
    let mut tell = |what: &str, names: &std::collections::BTreeSet<String>| {
        if !names.is_empty() {
            found.unresolved(format!("{what}: {}", some_of(names.iter().map(String::as_str))));
        }
    };
    tell("the parent is not here", &resolution.parents);
    tell("the bill of materials is not here", &resolution.imports);
    tell("properties have no value", &resolution.properties);
    tell("the version is not known, or is a range", &resolution.versions);
    tell("the pom that would tell what it needs is not here", &resolution.poms);
}
