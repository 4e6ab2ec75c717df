//! Go modules: `go.mod`, with `go.sum` beside it for modules older than Go 1.17, whose `go.mod` does not list what the
//! required modules require.
//!
//! The version of Go that `go.mod` names is the lowest that will do, not the one that is built with: it is told with the
//! module (`requires`), not as a component that could be found vulnerable.

mod file;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::Relationship;
use assay_model::ecosystem::Scheme;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::locked::{self, Locked, Together, file_name, sorted};
use crate::part::Gathered;
use file::{GoMod, Module};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "gomod",
    revision: 1,
    reads: Reads::Project,
    summary: "`go.mod` (with `go.sum`): the main module and the modules it requires, replacements applied",
};

const ECOSYSTEM: &str = "Go";
const MANIFEST: &str = "go.mod";
const SUMS: &str = "go.sum";

pub(crate) const PART: Together =
    Together { spec: &SPEC, wants: |path| matches!(file_name(path), MANIFEST | SUMS), conclude };

fn conclude(files: &Gathered, out: &mut Inventory) {
    locked::each(&SPEC, ECOSYSTEM, files.read_as(MANIFEST), out, |text, found| {
        let sums = files.beside(found.path, SUMS).map(String::from_utf8_lossy);
        read(text, sums.as_deref(), found)
    });
    // Without its go.mod, a go.sum says what was once looked at, not what is used.
    for (path, _) in files.named(SUMS).filter(|(path, _)| files.beside(path, MANIFEST).is_none()) {
        let detail = "there is no go.mod beside it that says which of its modules are used";
        locked::skip(path, &Problem::invalid(locked::UNRESOLVED, detail), out);
    }
}

fn read(text: &str, sums: Option<&str>, found: &mut Locked<'_>) -> Result<(), Problem> {
    let parsed = file::parse(text)?;
    let mut used = used(&parsed, sums);
    replace(&parsed, &mut used);
    let mut direct = Vec::new();
    for (path, (version, relationship)) in &used {
        let Some(mut entry) = found.entry(path, version) else { continue };
        entry.id = identifier(path, version);
        entry.relationship = *relationship;
        if *relationship == Relationship::Direct {
            direct.push(entry.id.clone());
        }
        found.add(entry);
    }
    if let Some(mut main) = parsed.module.as_deref().and_then(|path| found.entry(path, "")) {
        main.id = main_name(&parsed);
        main.relationship = Relationship::Root;
        main.depends_on = sorted(direct);
        main.requires = [("go", &parsed.go), ("toolchain", &parsed.toolchain)]
            .into_iter()
            .filter_map(|(what, version)| Some(format!("{what} {}", version.as_deref()?)))
            .collect();
        found.add(main);
    }
    Ok(())
}

fn main_name(parsed: &GoMod) -> String {
    parsed.module.clone().unwrap_or_default()
}

fn identifier(path: &str, version: &str) -> String {
    let v = if version.is_empty() || version.starts_with('v') { "" } else { "v" };
    if version.is_empty() { path.to_owned() } else { format!("{path}@{v}{version}") }
}

type Used = BTreeMap<String, (String, Relationship)>;

/// Versions by module path.
fn used(parsed: &GoMod, sums: Option<&str>) -> Used {
    let lists_all = parsed.lists_all();
    let mut used = Used::new();
    for (module, indirect) in &parsed.requires {
        let relationship = if *indirect { Relationship::Indirect } else { Relationship::Direct };
        if lists_all || !indirect {
            used.insert(module.path.clone(), (module.version.clone(), relationship));
        }
    }
    if !lists_all {
        // Sums name at least the versions that were chosen, and an indirect requirement may be below its choice.
        let indirect = parsed.requires.iter().filter(|(_, indirect)| *indirect).map(|(module, _)| module);
        for (path, version) in newest(sums.unwrap_or_default(), &parsed.excludes) {
            used.entry(path).or_insert((version, Relationship::Indirect));
        }
        for module in indirect {
            used.entry(module.path.clone()).or_insert((module.version.clone(), Relationship::Indirect));
        }
    }
    if let Some(main) = &parsed.module {
        used.remove(main);
    }
    used
}

/// The highest version of each module that `go.sum` names.
fn newest(sums: &str, excludes: &[Module]) -> BTreeMap<String, String> {
    let excluded: BTreeSet<(&str, &str)> = excludes.iter().map(|module| (&*module.path, &*module.version)).collect();
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    for line in sums.lines() {
        let mut fields = line.split_whitespace();
        let (Some(path), Some(version), Some(_)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let version = version.strip_suffix("/go.mod").unwrap_or(version);
        if excluded.contains(&(path, version)) {
            continue;
        }
        let known = newest.entry(path.to_owned()).or_default();
        if known.is_empty() || Scheme::Go.compare(known, version).is_ok_and(std::cmp::Ordering::is_lt) {
            version.clone_into(known);
        }
    }
    newest
}

/// A module that is replaced by a folder is no longer another's.
fn replace(parsed: &GoMod, used: &mut Used) {
    let mut replaced = Vec::new();
    for (old, new) in &parsed.replaces {
        let matches = |version: &String| old.version.is_empty() || old.version == *version;
        let Some((version, relationship)) = used.get(&old.path).cloned() else { continue };
        if !matches(&version) {
            continue;
        }
        used.remove(&old.path);
        if !new.version.is_empty() {
            replaced.push((new.path.clone(), (new.version.clone(), relationship)));
        }
    }
    used.extend(replaced);
}
