//! Dart packages as Pub publishes them: a `.tar.gz` with `pubspec.yaml` at its top, without a folder around it.

use std::collections::BTreeMap;

use assay_archive::{Budget, Flow, Kind};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};
use serde::Deserialize;
use serde_json::Value;

use crate::part::{inside, line, text};
use crate::reader::{Reader, if_recognised, members, package, requirements, yaml};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "pub-package",
    revision: 1,
    reads: Reads::Package,
    summary: "pubspec.yaml of Dart packages: name, version, dependencies",
};

const OSV: &str = "Pub";
const MANIFEST: &str = "pubspec.yaml";
/// Servers of Pub take no packages above 100 MiB.
const PACKAGE_BYTES: u64 = 100 << 20;

pub(crate) const PART: Reader =
    Reader { spec: &SPEC, wants: |entry| entry.path.ends_with(".tar.gz") && entry.size <= PACKAGE_BYTES, look };

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut own: Option<Occurrence> = None;
    let outcome = members(bytes, Kind::Tar, budget, |head, body| {
        if head.path == MANIFEST && head.is_file() {
            own = read(&text(body, budget)?, &inside(entry, MANIFEST))?;
            return Ok(Flow::Stop);
        }
        // Image archives and root file systems have the same name, and are large.
        let other = matches!(head.path.as_str(), "manifest.json" | "oci-layout" | "etc" | "usr" | "bin" | "var");
        Ok(if other || head.path.starts_with("blobs/") { Flow::Stop } else { Flow::Continue })
    });
    if let Some(mut own) = if_recognised(outcome, own)? {
        own.is_subject = entry.is_artifact;
        out.components.push(own);
    }
    Ok(())
}

#[derive(Deserialize)]
struct Pubspec {
    name: Option<String>,
    version: Option<String>,
    description: Option<String>,
    #[serde(default)]
    dependencies: Option<BTreeMap<String, Value>>,
}

/// None for a project that is not published: it has no version.
fn read(text: &str, path: &str) -> Result<Option<Occurrence>, Problem> {
    let stated: Pubspec = yaml(text, path)?;
    let (Some(name), Some(version)) = (stated.name, stated.version) else { return Ok(None) };
    let mut found = package(OSV, &name, &version, path, SPEC.id)?;
    found.summary = line(stated.description.as_deref());
    let needed = stated.dependencies.unwrap_or_default();
    found.requires = requirements(needed.iter().map(|(name, wanted)| {
        let range = wanted.as_str().or_else(|| wanted["version"].as_str());
        range.map_or_else(|| name.clone(), |range| format!("{name} {range}"))
    }));
    Ok(Some(found))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::read;

    #[test]
    fn a_manifest() {
        let text = "name: demo\nversion: 1.10\ndescription: >-\n  Shows\n  it\nenvironment:\n  sdk: '>=3.0.0 <4.0.0'\n\
            dependencies:\n  a: ^1.0.0\n  flutter:\n    sdk: flutter\n  b:\ndev_dependencies:\n  c: any\n";
        let found = read(text, "pubspec.yaml").unwrap().unwrap();
        assert_eq!(found.component.purl, "pkg:pub/demo@1.10");
        assert_eq!(found.requires, ["a ^1.0.0", "b", "flutter"]);
        assert!(read("name: app\n", "p").unwrap().is_none());
        assert!(read("- [", "p").is_err());
    }
}
