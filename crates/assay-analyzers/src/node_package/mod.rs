//! Node packages: `package.json` directly in a package's folder under `node_modules`, and in the archive (`.tgz`) that
//! the npm client publishes.

use assay_archive::{Budget, Flow, Kind, Limits, Walker};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};
use serde_json::Value;

use crate::component::{occurrence, of_language};
use crate::part::{Halt, Part, corrupt, field, line, text};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "node-package",
    revision: 1,
    reads: Reads::Package,
    summary: "package.json of installed Node packages and of npm's .tgz archives",
};

const OSV: &str = "npm";

pub(crate) struct NodePackage;

impl Analyzer for NodePackage {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        is_installed(entry.path) || entry.is_artifact && entry.path.ends_with(".tgz")
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for NodePackage {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        if entry.is_artifact {
            return archive(bytes, budget, out);
        }
        out.components.extend(manifest(&text(bytes, budget)?, entry.path)?);
        Ok(())
    }
}

/// The client strips the first folder whatever its name; it is `package` when npm packed it.
fn archive(bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut own: Option<Occurrence> = None;
    let mut bundled = Vec::new();
    let outcome = Walker::new(budget).walk(bytes, Kind::Tar, |head, body| {
        let (_, rest) = head.path.split_once('/').unwrap_or(("", ""));
        if head.is_file() && rest == "package.json" {
            own = manifest(&text(body, budget)?, &head.path)?;
        } else if head.is_file() && is_installed(rest) {
            bundled.extend(manifest(&text(body, budget)?, &head.path)?);
        }
        Ok::<_, Halt>(Flow::Continue)
    });
    let report = outcome.map_err(|halt| halt.0)?;
    let Some(mut own) = own else { return Ok(()) };
    own.is_subject = true;
    out.files_seen += report.entries;
    out.components.push(own);
    out.components.extend(bundled);
    Ok(())
}

/// `…/node_modules/name/package.json` or `…/node_modules/@scope/name/package.json`, and nothing deeper: packages carry
/// test data and marker files of the same name.
fn is_installed(path: &str) -> bool {
    let Some(folder) = path.strip_suffix("/package.json") else { return false };
    let mut parts = folder.rsplit('/');
    let (name, parent, grandparent) = (parts.next(), parts.next(), parts.next());
    match (name, parent) {
        (Some(name), Some("node_modules")) => !name.starts_with('@'),
        (Some(_), Some(scope)) => scope.starts_with('@') && grandparent == Some("node_modules"),
        _ => false,
    }
}

/// The package a manifest speaks of; none if it has no name and version, which is in order for private ones.
fn manifest(text: &str, path: &str) -> Result<Option<Occurrence>, Problem> {
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| corrupt(format!("{path} is no JSON: {error}")))?;
    let (Some(name), Some(version)) = (field(json["name"].as_str()), field(json["version"].as_str())) else {
        return Ok(None);
    };
    let component = of_language(OSV, &name, &version).map_err(|error| corrupt(format!("{path}: {error}")))?;
    let mut found = occurrence(component, path, SPEC.id);
    found.licenses.extend(license(&json));
    found.summary = line(json["description"].as_str());
    if let Some(dependencies) = json["dependencies"].as_object() {
        let wanted = |(name, range): (&String, &Value)| Some(format!("{name}@{}", range.as_str()?));
        found.requires = dependencies.iter().filter_map(wanted).collect();
    }
    Ok(Some(found))
}

/// A string today; an object or a list of objects in old manifests.
fn license(json: &Value) -> Option<String> {
    let named = |value: &Value| line(value.as_str().or_else(|| value["type"].as_str()));
    named(&json["license"]).or_else(|| {
        let names: Vec<String> = json["licenses"].as_array()?.iter().filter_map(named).collect();
        (!names.is_empty()).then(|| names.join(" OR "))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{is_installed, manifest};

    #[test]
    fn only_a_package_s_own_manifest_counts() {
        for path in [
            "node_modules/a/package.json",
            "srv/node_modules/@s/a/package.json",
            "a/node_modules/b/node_modules/c/package.json",
        ] {
            assert!(is_installed(path), "{path}");
        }
        for path in [
            "package.json",
            "a/package.json",
            "node_modules/a/test/package.json",
            "node_modules/@s/package.json",
            "node_modules/package.json",
        ] {
            assert!(!is_installed(path), "{path}");
        }
    }

    #[test]
    fn manifests_of_all_ages() {
        let found = manifest(
            r#"{"name":"@s/a","version":"1.0.0","licenses":[{"type":"MIT"},"ISC"],"dependencies":{"b":"^2"}}"#,
            "p",
        );
        let found = found.unwrap().unwrap();
        assert_eq!(found.component.purl, "pkg:npm/%40s/a@1.0.0");
        assert_eq!(found.component.match_name, "@s/a");
        assert_eq!((&*found.component.namespace, &*found.component.name), ("@s", "a"));
        assert_eq!(found.licenses, ["MIT OR ISC"]);
        assert_eq!(found.requires, ["b@^2"]);
        assert!(manifest(r#"{"type":"module"}"#, "p").unwrap().is_none());
        assert!(manifest("[1]", "p").unwrap().is_none());
        assert!(manifest("{", "p").is_err());
    }
}
