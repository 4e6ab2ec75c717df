//! Ruby's `.gem` files: a tar with `metadata.gz`, the specification as YAML, tagged with the classes of RubyGems.

use assay_archive::{Budget, Flow, Kind, decompress};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};
use serde::Deserialize;
use serde_json::Value;

use crate::part::{corrupt, inside, line, text};
use crate::reader::{Reader, members, package, requirements, yaml};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "gem",
    revision: 1,
    reads: Reads::Package,
    summary: "metadata of Ruby gems: name, version, platform, licences, dependencies",
};

const OSV: &str = "RubyGems";

pub(crate) const PART: Reader = Reader { spec: &SPEC, wants: |entry| entry.path.ends_with(".gem"), look };

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut own = None;
    members(bytes, Kind::Tar, budget, |head, body| {
        // Gems of the first years have it uncompressed.
        if matches!(head.path.as_str(), "metadata.gz" | "metadata") && head.is_file() {
            let text = text(&mut decompress(body, budget)?, budget)?;
            own = Some(read(&text, &inside(entry, &head.path))?);
        }
        Ok(Flow::Continue)
    })?;
    let mut own = own.ok_or_else(|| corrupt("a gem has a metadata.gz, this one has none"))?;
    own.is_subject = entry.is_artifact;
    out.components.push(own);
    Ok(())
}

#[derive(Deserialize)]
struct Specification {
    name: String,
    version: Version,
    platform: Option<Value>,
    license: Option<String>,
    #[serde(default)]
    licenses: Option<Vec<Option<String>>>,
    summary: Option<String>,
    #[serde(default)]
    dependencies: Option<Vec<Dependency>>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct Dependency {
    name: Option<String>,
    requirement: Option<Requirement>,
    /// Its older name; many specifications have both.
    version_requirements: Option<Requirement>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Requirement {
    #[serde(default)]
    requirements: Vec<(String, Version)>,
}

fn read(text: &str, path: &str) -> Result<Occurrence, Problem> {
    let stated: Specification = yaml(text, path)?;
    let mut found = package(OSV, &stated.name, &stated.version.version, path, SPEC.id)?;
    found.licenses = stated.licenses.unwrap_or_default().iter().filter_map(|one| line(one.as_deref())).collect();
    if found.licenses.is_empty() {
        found.licenses.extend(line(stated.license.as_deref()));
    }
    found.summary = line(stated.summary.as_deref());
    if let Some(platform) = stated.platform.as_ref().and_then(Value::as_str).filter(|platform| *platform != "ruby") {
        found.properties.insert(format!("{}.platform", SPEC.id), platform.to_owned());
    }
    let needed = stated.dependencies.unwrap_or_default();
    let needed = needed.iter().filter(|one| !one.kind.as_deref().is_some_and(|kind| kind.ends_with("development")));
    found.requires = requirements(needed.filter_map(|one| {
        Some(told(one.name.as_deref()?, one.requirement.as_ref().or(one.version_requirements.as_ref())))
    }));
    Ok(found)
}

/// `name (~> 1.0, >= 1.0.2)`, as `gem dependency` writes it.
fn told(name: &str, requirement: Option<&Requirement>) -> String {
    let all: Vec<String> = requirement
        .iter()
        .flat_map(|requirement| &requirement.requirements)
        .map(|(operator, version)| format!("{operator} {}", version.version))
        .collect();
    if all.is_empty() { name.to_owned() } else { format!("{name} ({})", all.join(", ")) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::read;

    const NEW: &str = r#"--- !ruby/object:Gem::Specification
name: demo
version: !ruby/object:Gem::Version
  version: 1.10.0
platform: x86_64-linux
authors:
- Somebody
date: 2024-01-01 00:00:00.000000000 Z
dependencies:
- !ruby/object:Gem::Dependency
  name: rack
  requirement: !ruby/object:Gem::Requirement
    requirements:
    - - "~>"
      - !ruby/object:Gem::Version
        version: '2.0'
    - - ">="
      - !ruby/object:Gem::Version
        version: 2.0.1
  type: :runtime
  prerelease: false
  version_requirements: !ruby/object:Gem::Requirement
    requirements:
    - - "~>"
      - !ruby/object:Gem::Version
        version: '2.0'
- !ruby/object:Gem::Dependency
  name: rspec
  requirement: !ruby/object:Gem::Requirement
    requirements:
    - - ">="
      - !ruby/object:Gem::Version
        version: '0'
  type: :development
description: |
  Long
  text
licenses:
- MIT
summary: Shows it
rubygems_version: 3.5.3
specification_version: 4
"#;

    #[test]
    fn a_specification_of_today() {
        let found = read(NEW, "metadata.gz").unwrap();
        assert_eq!(found.component.purl, "pkg:gem/demo@1.10.0");
        assert_eq!(found.requires, ["rack (~> 2.0, >= 2.0.1)"]);
        assert_eq!(found.licenses, ["MIT"]);
        assert_eq!(found.summary.as_deref(), Some("Shows it"));
        assert_eq!(found.properties["gem.platform"], "x86_64-linux");
    }

    #[test]
    fn shared_requirements_and_numbers_for_versions() {
        let text = "--- !ruby/object:Gem::Specification\nname: old\nversion: !ruby/object:Gem::Version\n  version: 1.10\n\
            dependencies:\n- !ruby/object:Gem::Dependency\n  name: a\n  requirement: &id001 !ruby/object:Gem::Requirement\n    \
            none: false\n    requirements:\n    - - ! '>='\n      - !ruby/object:Gem::Version\n        version: '0'\n  \
            type: :runtime\n  version_requirements: *id001\nlicenses: []\n";
        let found = read(text, "metadata.gz").unwrap();
        assert_eq!(found.component.version, "1.10");
        assert_eq!(found.requires, ["a (>= 0)"]);
        for bad in ["", "[", "name: x", "- a", "name: x\nversion: {version: ''}\n: :"] {
            assert!(read(bad, "metadata.gz").is_err() || bad.contains("''"), "{bad}");
        }
    }
}
