//! What a .NET application brings along: `*.deps.json` beside its executable.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::Relationship;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::lines::{Json, Value};
use crate::locked::{Locked, Single, sha512, sorted};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "dotnet-core",
    revision: 1,
    reads: Reads::Installed,
    summary: "`*.deps.json`: the packages that a published .NET application runs with",
};

pub(crate) const PART: Single =
    Single { spec: &SPEC, wants: |path| path.ends_with(".deps.json"), read, ecosystem: "NuGet" };

/// Before the name of a runtime that is published together with the application.
const RUNTIME: &str = "runtimepack.";

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let deps = Json::parse(text)?;
    let runtime = deps.get("runtimeTarget").and_then(|target| target.as_str().or_else(|| target.text("name")));
    let target = runtime.and_then(|name| deps.get("targets")?.get(name));
    let libraries: Option<BTreeMap<String, &Json<'_>>> =
        target.map(|target| target.entries().iter().map(|(key, library)| (identifier(key), library)).collect());
    let mut projects = Vec::new();
    for (key, library) in deps.entries_of("libraries") {
        let kind = library.text("type").unwrap_or_default().to_ascii_lowercase();
        if !matches!(&*kind, "package" | "project" | "runtimepack") {
            continue;
        }
        let id = identifier(key);
        let Some((name, version)) = id.split_once('/') else {
            found.refuse();
            continue;
        };
        if libraries.as_ref().is_some_and(|all| all.get(&id).is_some_and(|library| !runs(library))) {
            continue;
        }
        let Some(mut entry) = found.entry(name, version) else { continue };
        entry.lines = vec![library.lines];
        entry.digest = library.text("sha512").and_then(|hash| sha512(hash.strip_prefix("sha512-")?));
        if kind == "project" {
            entry.relationship = Relationship::Workspace;
            projects.push(id.clone());
        }
        entry.id = id;
        found.add(entry);
    }
    if let Some(libraries) = &libraries {
        relate(libraries, &projects, found);
    }
    Ok(())
}

fn identifier(key: &str) -> String {
    key.strip_prefix(RUNTIME).unwrap_or(key).to_owned()
}

/// Whether anything of the library is there when the application runs.
fn runs(library: &Json<'_>) -> bool {
    let has = |key| library.get(key).is_some_and(|assets| assets.value != Value::Null);
    has("runtime") || has("runtimeTargets") || has("native")
}

fn needs(library: &Json<'_>) -> impl Iterator<Item = String> {
    let dependencies = library.entries_of("dependencies").iter();
    dependencies.filter_map(|(name, version)| Some(identifier(&format!("{name}/{}", version.as_str()?))))
}

fn relate(libraries: &BTreeMap<String, &Json<'_>>, projects: &[String], found: &mut Locked<'_>) {
    let needed: BTreeSet<String> = libraries.values().flat_map(|library| needs(library)).collect();
    let mut roots = projects.iter().filter(|project| !needed.contains(*project));
    // The application is the one project that no other needs.
    let root = roots.next().filter(|_| roots.next().is_none());
    let direct: BTreeSet<String> =
        root.and_then(|root| libraries.get(root)).into_iter().flat_map(|library| needs(library)).collect();
    let present: BTreeSet<String> = found.entries().map(|entry| entry.id.clone()).collect();
    for entry in found.entries() {
        if Some(&entry.id) == root {
            entry.relationship = Relationship::Root;
        } else if entry.relationship == Relationship::Unknown && !direct.is_empty() {
            let is_direct = direct.contains(&entry.id);
            entry.relationship = if is_direct { Relationship::Direct } else { Relationship::Indirect };
        }
        if let Some(library) = libraries.get(&entry.id) {
            entry.depends_on = sorted(needs(library).filter(|id| present.contains(id)).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, ids, lines, survives_damage, tree};
    use assay_model::component::Relationship::{Direct, Indirect, Root, Unknown, Workspace};

    const DEPS: &str = r#"{
  "runtimeTarget": {"name": ".NETCoreApp,Version=v8.0/linux-x64", "signature": ""},
  "targets": {
    ".NETCoreApp,Version=v8.0": {},
    ".NETCoreApp,Version=v8.0/linux-x64": {
      "App/1.0.0": {"dependencies": {"Alpha": "2.0.0", "Lib": "1.0.0", "BuildOnly": "1.0.0",
        "runtimepack.Some.Runtime.linux-x64": "8.0.1"}, "runtime": {"App.dll": {}}},
      "Alpha/2.0.0": {"dependencies": {"Beta": "3.0.0"}, "runtime": {"lib/Alpha.dll": {}}},
      "Beta/3.0.0": {"native": {}},
      "BuildOnly/1.0.0": {"compile": {}},
      "Lib/1.0.0": {"runtime": {"Lib.dll": {}}},
      "runtimepack.Some.Runtime.linux-x64/8.0.1": {"runtime": {}}
    }
  },
  "libraries": {
    "App/1.0.0": {"type": "project", "serviceable": false, "sha512": ""},
    "Alpha/2.0.0": {
      "type": "package",
      "sha512": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
    },
    "Beta/3.0.0": {"type": "package"},
    "BuildOnly/1.0.0": {"type": "package"},
    "Lib/1.0.0": {"type": "Project"},
    "Ref/1.0.0": {"type": "reference"},
    "runtimepack.Some.Runtime.linux-x64/8.0.1": {"type": "runtimepack"}
  }
}"#;

    #[test]
    fn an_application() {
        let out = tree(&PART, &[("app/App.deps.json", DEPS)]);
        for (id, relationship) in [
            ("App/1.0.0", Root),
            ("Alpha/2.0.0", Direct),
            ("Beta/3.0.0", Indirect),
            ("Lib/1.0.0", Workspace),
            ("Some.Runtime.linux-x64/8.0.1", Direct),
        ] {
            assert_eq!(by_id(&out, id).relationship, relationship, "{id}");
        }
        assert_eq!(out.components.len(), 5);
        assert_eq!(lines(by_id(&out, "Alpha/2.0.0")), [(17, 20)]);
        assert!(by_id(&out, "Alpha/2.0.0").digest.as_deref().is_some_and(|digest| digest.starts_with("sha512:cf83")));
        assert_eq!(by_id(&out, "Alpha/2.0.0").depends_on, ["Beta/3.0.0"]);
        assert_eq!(by_id(&out, "App/1.0.0").depends_on, ["Alpha/2.0.0", "Lib/1.0.0", "Some.Runtime.linux-x64/8.0.1"]);
    }

    #[test]
    fn without_its_target_all_libraries_count() {
        let text = r#"{"libraries": {"A/1.0": {"type": "package"}, "odd": {"type": "package"}}}"#;
        let out = tree(&PART, &[("x.deps.json", text), ("y.deps.json", "{")]);
        assert_eq!(ids(&out), ["A/1.0"]);
        assert_eq!(by_id(&out, "A/1.0").relationship, Unknown);
        assert_eq!(out.skipped.len(), 2);
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("x.deps.json", DEPS)]);
    }
}
