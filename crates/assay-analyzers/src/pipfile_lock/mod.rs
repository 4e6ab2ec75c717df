//! pipenv's `Pipfile.lock`: versions for production and for development, without what depends on what.

use std::collections::BTreeSet;

use assay_model::component::Occurrence;
use assay_model::inventory::Skipped;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::component::{occurrence, of_language};
use crate::lines::Json;
use crate::part::{corrupt, field};
use crate::project::{Lock, PACKAGES, Project, file_name, too_many, unnameable, unresolved};
use crate::python_project::requirement::wheel_version;
use crate::python_project::{OSV, only_digest};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "pipenv",
    revision: 1,
    reads: Reads::Project,
    summary: "Pipfile.lock, packages for development marked",
};

/// Sections that are about the file itself.
const META: [&str; 1] = ["_meta"];
const PRODUCTION: &str = "default";

pub(crate) struct PipfileLock;

impl Project for PipfileLock {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn is_lock(&self, path: &str) -> bool {
        file_name(path) == "Pipfile.lock"
    }

    fn read(&self, lock: &Lock<'_>, notes: &mut Vec<Skipped>) -> Result<Vec<Occurrence>, Problem> {
        let json = Json::parse(lock.text)?;
        if META.iter().chain([&PRODUCTION]).all(|key| json.get(key).is_none()) {
            return Err(corrupt("it has no packages"));
        }
        let mut found: Vec<Occurrence> = Vec::new();
        let (mut open, mut bad) = (Vec::new(), Vec::new());
        let mut sections: Vec<&str> = json.entries().iter().map(|(section, _)| &**section).collect();
        sections.retain(|section| !META.contains(section));
        sections.sort_unstable_by_key(|section| (*section != PRODUCTION, *section));
        for section in sections {
            for (name, entry) in json.entries_of(section) {
                let Some(version) = version(entry) else {
                    let from = ["git", "path", "file", "editable"].iter().find_map(|key| entry.text(key));
                    open.push(format!("{name} ({})", from.unwrap_or("any version")));
                    continue;
                };
                match package(lock.path, name, &version, entry) {
                    Some(package) => found.push(Occurrence { dev: section != PRODUCTION, ..package }),
                    None => bad.push(format!("{name} {version}")),
                }
            }
        }
        let needed: BTreeSet<_> =
            found.iter().filter(|package| !package.dev).map(|package| package.component.clone()).collect();
        found.retain(|package| !package.dev || !needed.contains(&package.component));
        notes.extend(unresolved(lock.path, &open));
        notes.extend(unnameable(lock.path, &bad));
        notes.extend(too_many(lock.path, found.len().saturating_sub(PACKAGES)));
        found.truncate(PACKAGES);
        Ok(found)
    }
}

fn version(entry: &Json<'_>) -> Option<String> {
    let pinned = entry.text("version").map(|version| version.trim_start_matches('=').trim());
    let pinned = pinned.filter(|version| !version.contains(['*', '<', '>', '~', ',']));
    field(pinned.or_else(|| entry.text("file").and_then(wheel_version)))
}

fn package(path: &str, name: &str, version: &str, entry: &Json<'_>) -> Option<Occurrence> {
    let component = of_language(OSV, &field(Some(name))?, version).ok()?;
    let mut found = occurrence(component, path, SPEC.id);
    found.lines = vec![entry.lines];
    let hashes = entry.get("hashes").map_or(&[][..], Json::items);
    found.digest = only_digest(hashes.iter().filter_map(Json::as_str));
    Some(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::PipfileLock;
    use crate::project::Locked;
    use crate::project::testing::{shown, survives, tree};

    const LOCK: &str = r#"{
    "_meta": { "hash": { "sha256": "x" }, "pipfile-spec": 6 },
    "default": {
        "A_b": {
            "hashes": ["sha256:01", "sha256:02"],
            "version": "==1.0"
        },
        "from-git": { "git": "https://host.example/x.git", "ref": "0123" }
    },
    "develop": {
        "A_b": { "version": "==1.0" },
        "c": { "version": "==2.0" }
    },
    "docs": { "d": { "version": "==3.0" } }
}"#;

    #[test]
    fn both_sections() {
        let out = tree(&Locked(PipfileLock), &[("x/Pipfile.lock", LOCK)]);
        assert_eq!(shown(&out), ["A_b==1.0 4-7", "c==2.0 dev 12-12", "d==3.0 dev 14-14"]);
        assert_eq!(out.components[0].component.purl, "pkg:pypi/a-b@1.0");
        assert!(out.skipped[0].detail.contains("from-git (https://host.example/x.git)"));
        assert_eq!(tree(&Locked(PipfileLock), &[("Pipfile.lock", "{}")]).skipped[0].reason, "corrupt");
    }

    #[test]
    fn damaged_files() {
        survives(&Locked(PipfileLock), "Pipfile.lock", LOCK);
    }
}
