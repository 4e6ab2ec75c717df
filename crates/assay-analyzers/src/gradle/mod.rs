//! Gradle's dependency locks: `gradle.lockfile`, `buildscript-gradle.lockfile`. One line for each module and version,
//! with the configurations that use it.

use assay_model::component::Lines;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::locked::{Locked, Single};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "gradle",
    revision: 1,
    reads: Reads::Project,
    summary: "`*gradle.lockfile`: modules, those that only tests use marked",
};

pub(crate) const PART: Single =
    Single { spec: &SPEC, wants: |path| path.ends_with("gradle.lockfile"), read, ecosystem: "Maven" };

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        // The line `empty=` lists configurations without modules.
        if line.is_empty() || line.starts_with('#') || line.starts_with("empty=") {
            continue;
        }
        let (module, configurations) = line.split_once('=').unwrap_or((line, ""));
        let parts: Vec<&str> = module.split(':').collect();
        let [group, name, version] = parts[..] else {
            found.refuse();
            continue;
        };
        let Some(mut entry) = found.entry(&format!("{group}:{name}"), version) else { continue };
        entry.id = module.to_owned();
        entry.dev = configurations.split(',').all(|name| is_test(name.trim()));
        entry.lines = vec![Lines { first: number, last: number }];
        found.add(entry);
    }
    Ok(())
}

/// Also those of Android's variants (`debugUnitTestRuntimeClasspath`).
fn is_test(configuration: &str) -> bool {
    configuration.starts_with("test")
        || configuration.starts_with("androidTest")
        || configuration.contains("UnitTest")
        || configuration.contains("AndroidTest")
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, lines, survives_damage, tree};

    const LOCK: &str = "# This is a Gradle generated file for dependency locking.\n\
        org.example:core:1.0=compileClasspath,runtimeClasspath\norg.example:check:2.0=testCompileClasspath,testRuntimeClasspath\n\
        org.example:both:3.0=testCompileClasspath,debugRuntimeClasspath\norg.example:odd\n\
        org.example:droid:1=debugUnitTestRuntimeClasspath\nempty=annotationProcessor\n";

    #[test]
    fn modules_and_configurations() {
        let out = tree(&PART, &[("a/gradle.lockfile", LOCK), ("buildscript-gradle.lockfile", "a:b:1=classpath")]);
        let core = by_id(&out, "org.example:core:1.0");
        assert_eq!(core.component.purl, "pkg:maven/org.example/core@1.0");
        assert_eq!((&*core.component.namespace, &*core.component.match_name), ("org.example", "org.example:core"));
        assert_eq!((core.dev, lines(core)), (false, vec![(2, 2)]));
        assert!(by_id(&out, "org.example:check:2.0").dev);
        assert!(!by_id(&out, "org.example:both:3.0").dev);
        assert!(by_id(&out, "org.example:droid:1").dev);
        assert!(!by_id(&out, "a:b:1").dev);
        assert_eq!((out.components.len(), out.skipped.len()), (5, 1));
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("gradle.lockfile", LOCK)]);
    }
}
