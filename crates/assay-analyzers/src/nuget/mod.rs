//! NuGet projects: `packages.lock.json` and the older `packages.config`.

use std::collections::BTreeMap;

use assay_model::component::Relationship;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::lines::Json;
use crate::locked::{Locked, Single, file_name, sha512, sorted};
use crate::part::corrupt;
use crate::xml;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "nuget",
    revision: 1,
    reads: Reads::Project,
    summary: "`packages.lock.json`, `packages.config`: packages of a project, their graph",
};

const LOCK: &str = "packages.lock.json";
const CONFIG: &str = "packages.config";

pub(crate) const PART: Single =
    Single { spec: &SPEC, wants: |path| matches!(file_name(path), LOCK | CONFIG), read, ecosystem: "NuGet" };

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    if file_name(found.path) == CONFIG { config(text, found) } else { lock(text, found) }
}

/// Each target framework has its own choice; a package of the same version in several is one.
fn lock(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let lock = Json::parse(text)?;
    let Some(targets) = lock.get("dependencies") else { return Err(corrupt("it has no dependencies")) };
    for (_, target) in targets.entries() {
        let chosen = target.entries().iter().filter(|(_, package)| !is_project(package));
        let ids: BTreeMap<String, String> = chosen
            .clone()
            .filter_map(|(name, package)| Some((name.to_lowercase(), format!("{name}@{}", package.text("resolved")?))))
            .collect();
        for (name, package) in chosen {
            let Some(version) = package.text("resolved") else {
                found.refuse();
                continue;
            };
            let Some(mut entry) = found.entry(name, version) else { continue };
            let wanted = package.entries_of("dependencies").iter().map(|(name, _)| name.to_lowercase());
            entry.id = format!("{name}@{version}");
            entry.depends_on = sorted(wanted.filter_map(|name| ids.get(&name).cloned()).collect());
            entry.relationship = match package.text("type") {
                Some("Direct") => Relationship::Direct,
                _ => Relationship::Indirect,
            };
            entry.lines = vec![package.lines];
            entry.digest = package.text("contentHash").and_then(sha512);
            found.add(entry);
        }
    }
    Ok(())
}

/// Another project of the same solution.
fn is_project(package: &Json<'_>) -> bool {
    package.text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("project"))
}

fn config(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let document = xml::parse(text)?;
    for package in xml::children(document.root_element(), "package") {
        let (Some(name), Some(version)) = (package.attribute("id"), package.attribute("version")) else {
            found.refuse();
            continue;
        };
        let Some(mut entry) = found.entry(name, version) else { continue };
        entry.id = format!("{}@{}", name.trim(), version.trim());
        entry.dev = package.attribute("developmentDependency").is_some_and(|is| is.trim().eq_ignore_ascii_case("true"));
        found.add(entry);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, lines, survives_damage, tree};
    use assay_model::component::Relationship::{Direct, Indirect, Unknown};

    const LOCK: &str = r#"{
  "version": 1,
  "dependencies": {
    "net6.0": {
      "Alpha.One": {
        "type": "Direct", "resolved": "1.0.0",
        "contentHash": "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        "dependencies": {"beta": "[2.0.0, )", "Own.Project": "1.0.0"}
      },
      "Beta": {"type": "Transitive", "resolved": "2.0.0"},
      "own.project": {"type": "Project"}
    },
    "net8.0": {
      "Beta": {"type": "CentralTransitive", "resolved": "2.0.0"},
      "Gamma": {"type": "Direct"}
    }
  }
}"#;
    const CONFIG: &str = "<?xml version=\"1.0\"?>\n<packages>\n  <package id=\"Old.One\" version=\"1.0\" />\n\
        <package id=\"Tool\" version=\"2.0\" developmentDependency=\"true\"/>\n<package/>\n</packages>";

    #[test]
    fn a_lock_file() {
        let out = tree(&PART, &[("src/packages.lock.json", LOCK)]);
        let alpha = by_id(&out, "Alpha.One@1.0.0");
        assert_eq!(alpha.component.purl, "pkg:nuget/Alpha.One@1.0.0");
        assert_eq!(alpha.component.match_name, "alpha.one");
        assert_eq!((alpha.relationship, lines(alpha)), (Direct, vec![(5, 9)]));
        assert_eq!(alpha.depends_on, ["Beta@2.0.0"]);
        assert!(alpha.digest.as_deref().is_some_and(|digest| digest.starts_with("sha512:cf83e135")));
        let beta = by_id(&out, "Beta@2.0.0");
        assert_eq!((beta.relationship, lines(beta)), (Indirect, vec![(10, 10), (14, 14)]));
        assert_eq!((out.components.len(), out.skipped.len()), (2, 1));
    }

    #[test]
    fn a_configuration() {
        let out = tree(&PART, &[("packages.config", CONFIG), ("x/packages.config", "<packages>")]);
        assert_eq!((by_id(&out, "Old.One@1.0").dev, by_id(&out, "Old.One@1.0").relationship), (false, Unknown));
        assert!(by_id(&out, "Tool@2.0").dev);
        assert_eq!(out.skipped.len(), 2);
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("packages.lock.json", LOCK)]);
        survives_damage(&PART, &[("packages.config", CONFIG)]);
    }
}
