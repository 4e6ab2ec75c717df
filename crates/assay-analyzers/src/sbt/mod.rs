//! Locks of sbt's dependency-lock plug-in: `build.sbt.lock`.

use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::lines::Json;
use crate::locked::{Locked, Single, file_name};
use crate::part::corrupt;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "sbt",
    revision: 1,
    reads: Reads::Project,
    summary: "`build.sbt.lock`: modules, those that neither compiling nor running the product needs marked",
};

pub(crate) const PART: Single =
    Single { spec: &SPEC, wants: |path| file_name(path) == "build.sbt.lock", read, ecosystem: "Maven" };

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let lock = Json::parse(text)?;
    let Some(dependencies) = lock.get("dependencies") else { return Err(corrupt("it has no dependencies")) };
    for module in dependencies.items() {
        let (Some(group), Some(name), Some(version)) =
            (module.text("org"), module.text("name"), module.text("version"))
        else {
            found.refuse();
            continue;
        };
        let Some(mut entry) = found.entry(&format!("{group}:{name}"), version) else { continue };
        entry.id = format!("{group}:{name}:{version}");
        let mut configurations = module.get("configurations").map(Json::items).unwrap_or_default().iter();
        entry.dev = !configurations.any(|name| matches!(name.as_str(), Some("compile" | "runtime")));
        entry.lines = vec![module.lines];
        found.add(entry);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, lines, survives_damage, tree};

    const LOCK: &str = r#"{
  "lockVersion": 1, "configurations": ["compile", "runtime", "test"],
  "dependencies": [
    {
      "org": "org.example", "name": "core_2.13", "version": "1.0.0",
      "artifacts": [{"name": "core.jar", "hash": "sha1:00"}], "configurations": ["compile", "test"]
    },
    {"org": "org.example", "name": "check", "version": "2.0.0", "configurations": ["test"]},
    {"org": "org.example", "name": "odd"}
  ]
}"#;

    #[test]
    fn modules() {
        let out = tree(&PART, &[("build.sbt.lock", LOCK), ("x/build.sbt.lock", "{}")]);
        let core = by_id(&out, "org.example:core_2.13:1.0.0");
        assert_eq!(core.component.purl, "pkg:maven/org.example/core_2.13@1.0.0");
        assert_eq!((core.dev, lines(core)), (false, vec![(4, 7)]));
        assert!(by_id(&out, "org.example:check:2.0.0").dev);
        assert_eq!((out.components.len(), out.skipped.len()), (2, 2));
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("build.sbt.lock", LOCK)]);
    }
}
