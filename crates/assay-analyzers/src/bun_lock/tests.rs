//! Nested packages, aliases, workspaces, what comes from elsewhere.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::BunLock;
use crate::project::Locked;
use crate::project::testing::{shown, survives, tree};

const LOCK: &str = r#"{
  "lockfileVersion": 1,
  "workspaces": {
    "": {
      "name": "app",
      "dependencies": { "@s/a": "^1.0.0", "alias": "npm:real@^3.0.0", "w": "workspace:*", },
      "devDependencies": { "d": "^1.0.0", },
    },
    "packages/w": { "name": "w", "version": "0.2.0", "dependencies": { "b": "2", }, },
  },
  "packages": {
    "@s/a": ["@s/a@1.0.0", "", { "dependencies": { "b": "^1" } }, "sha1-5QNHYR1+aQlDIIu9r+vLwvuGbUY="],

    "alias": ["real@3.0.0", "", {}, "sha512-x"],

    "b": ["b@2.0.0", "", {}, "sha512-x"],

    "d": ["d@1.0.0", "", { "dependencies": { "b": "2", "fork": "x/fork" }, "bin": { "d": "d.js" } }, "sha512-x"],

    "fork": ["fork@github:x/fork#0123456", {}, "x-fork-0123456"],

    "local": ["local@file:./local", {}],

    "w": ["w@workspace:packages/w"],

    "@s/a/b": ["b@1.1.0", "", {}, "sha512-x"],

    "w/b": ["b@2.1.0", "", {}, "sha512-x"],
  },
}
"#;

#[test]
fn the_whole_file() {
    let out = tree(&Locked(BunLock), &[("bun.lock", LOCK)]);
    assert_eq!(
        shown(&out),
        [
            "@s/a@1.0.0 direct 12-12 -> b@1.1.0",
            "b@1.1.0 indirect 26-26",
            "b@2.0.0 indirect dev 16-16",
            "b@2.1.0 direct 28-28",
            "d@1.0.0 direct dev 18-18 -> b@2.0.0 fork",
            "fork indirect dev 20-20",
            "local indirect dev 22-22",
            "real@3.0.0 direct 14-14",
            "w@0.2.0 workspace 24-24",
        ]
    );
    assert_eq!(out.components[0].digest.as_deref(), Some("sha1:e50347611d7e690943208bbdafebcbc2fb866d46"));
    assert_eq!(out.skipped.len(), 1);
    assert!(out.skipped[0].detail.contains("fork (github:x/fork#0123456)"), "{:?}", out.skipped);
}

#[test]
fn what_is_no_lock_file() {
    for bad in ["", "{}", "[1"] {
        assert_eq!(tree(&Locked(BunLock), &[("bun.lock", bad)]).skipped[0].reason, "corrupt", "{bad}");
    }
}

#[test]
fn damaged_files() {
    survives(&Locked(BunLock), "bun.lock", LOCK);
}
