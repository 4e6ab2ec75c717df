//! What the three versions of the file say.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::NpmLock;
use crate::project::Locked;
use crate::project::testing::{shown, survives, tree};

const V1: &str = r#"{
  "name": "app", "version": "1.0.0", "lockfileVersion": 1, "requires": true,
  "dependencies": {
    "a": {
      "version": "1.0.0",
      "integrity": "sha1-5QNHYR1+aQlDIIu9r+vLwvuGbUY=",
      "requires": { "b": "^1", "c": "*" },
      "dependencies": {
        "b": { "version": "1.1.0" }
      }
    },
    "b": { "version": "2.0.0", "dev": true, "requires": { "c": "*" } },
    "c": { "version": "3.0.0", "optional": true },
    "other": { "version": "npm:@s/real@4.0.0" },
    "fork": { "version": "git+ssh://git@host.example/x/fork.git#0123" }
  }
}
"#;

const V3: &str = r#"{
  "name": "app",
  "lockfileVersion": 3,
  "packages": {
    "": { "name": "app", "workspaces": ["packages/*"],
      "dependencies": { "a": "^1.0.0" }, "devDependencies": { "d": "^1.0.0" } },
    "node_modules/a": {
      "version": "1.0.0",
      "license": "ISC",
      "dependencies": { "b": "^1", "alias": "1" },
      "peerDependencies": { "c": "*", "absent": "*" }
    },
    "node_modules/a/node_modules/b": { "version": "1.1.0" },
    "node_modules/alias": { "name": "@s/real", "version": "4.0.0" },
    "node_modules/b": { "version": "2.0.0", "dev": true },
    "node_modules/c": { "version": "3.0.0" },
    "node_modules/d": { "version": "1.0.0", "dev": true, "dependencies": { "b": "2" } },
    "node_modules/w": { "resolved": "packages/w", "link": true },
    "node_modules/gone": { "resolved": "packages/gone", "link": true },
    "packages/w": { "version": "0.1.0", "dependencies": { "c": "*", "b": "1" } },
    "packages/w/node_modules/b": { "version": "1.1.0", "dev": true }
  }
}
"#;

#[test]
fn version_1_nests_packages_and_does_not_tell_what_is_direct() {
    let out = tree(&Locked(NpmLock), &[("package-lock.json", V1)]);
    assert_eq!(
        shown(&out),
        [
            "@s/real@4.0.0 14-14",
            "a@1.0.0 4-11 -> b@1.1.0 c@3.0.0",
            "b@1.1.0 9-9",
            "b@2.0.0 dev 12-12 -> c@3.0.0",
            "c@3.0.0 13-13",
            "fork 15-15",
        ]
    );
    assert_eq!(out.components[1].digest.as_deref(), Some("sha1:e50347611d7e690943208bbdafebcbc2fb866d46"));
    assert_eq!(out.components[0].component.purl, "pkg:npm/%40s/real@4.0.0");
    assert_eq!(out.skipped[0].reason, "unresolved");
    assert!(out.skipped[0].detail.contains("fork (git+ssh://"), "{:?}", out.skipped);
}

#[test]
fn versions_2_and_3_tell_places_links_and_workspaces() {
    let out = tree(&Locked(NpmLock), &[("x/npm-shrinkwrap.json", V3)]);
    assert_eq!(
        shown(&out),
        [
            "@s/real@4.0.0 indirect 14-14",
            "a@1.0.0 direct 7-12 -> @s/real@4.0.0 b@1.1.0 c@3.0.0 | ISC",
            "b@1.1.0 direct 13-13 21-21",
            "b@2.0.0 indirect dev 15-15",
            "c@3.0.0 direct 16-16",
            "d@1.0.0 direct dev 17-17 -> b@2.0.0",
            "w@0.1.0 workspace 20-20 -> b@1.1.0 c@3.0.0",
        ]
    );
    assert!(out.skipped[0].detail.contains("gone (a link to \"packages/gone\")"), "{:?}", out.skipped);
}

#[test]
fn a_shrink_wrap_takes_the_place_of_the_other_file() {
    let out = tree(&Locked(NpmLock), &[("package-lock.json", V1), ("npm-shrinkwrap.json", V3)]);
    assert!(out.components.iter().all(|found| found.path == "npm-shrinkwrap.json"));
}

#[test]
fn files_that_are_not_the_project_s() {
    let out = tree(&Locked(NpmLock), &[("node_modules/x/package-lock.json", V1), ("my-package-lock.json", V1)]);
    assert!(out.components.is_empty() && out.skipped.is_empty());
    for bad in ["", "[]", "{}", "nothing"] {
        let out = tree(&Locked(NpmLock), &[("package-lock.json", bad)]);
        assert_eq!(out.skipped[0].reason, "corrupt", "{bad}");
    }
    let empty = tree(&Locked(NpmLock), &[("package-lock.json", r#"{"lockfileVersion": 3}"#)]);
    assert!(empty.skipped.is_empty());
}

#[test]
fn more_packages_than_are_believed() {
    let places: Vec<String> =
        (0..100_010).map(|n| format!("\"node_modules/p{n}\": {{\"version\": \"1.0.0\"}}")).collect();
    let text = format!("{{\"packages\": {{{}}}}}", places.join(",\n"));
    let out = tree(&Locked(NpmLock), &[("package-lock.json", &text)]);
    assert_eq!(out.components.len(), 100_000);
    assert!(
        out.skipped[0].reason == "limit" && out.skipped[0].detail.starts_with("at least 10 packages"),
        "{:?}",
        out.skipped
    );
}

#[test]
fn damaged_files() {
    survives(&Locked(NpmLock), "package-lock.json", V1);
    survives(&Locked(NpmLock), "package-lock.json", V3);
}
