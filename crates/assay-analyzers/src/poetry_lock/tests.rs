//! Lock files of poetry 1 and 2, with and without the project.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::PoetryLock;
use crate::project::Locked;
use crate::project::testing::{shown, survives, tree};

const LOCK: &str = r#"
[[package]]
name = "a"
version = "1.0"
category = "main"

[package.dependencies]
Zope_Interface = ">=4"
several = [{version = "<2", markers = "x"}, {version = ">=3,<4", markers = "y"}]
absent = "*"

[[package]]
name = "zope.interface"
version = "5.4"
groups = ["main"]
files = [{file = "z.whl", hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]

[[package]]
name = "several"
version = "1.5"

[[package]]
name = "several"
version = "2.5"

[[package]]
name = "several"
version = "3.5"

[[package]]
name = "tool"
version = "0.1"
category = "dev"

[package.dependencies]
a = {version = "*", optional = true}

[metadata]
lock-version = "2.0"

[metadata.files]
tool = [{file = "t.whl", hash = "sha256:01"}, {file = "t.tar.gz", hash = "sha256:02"}]
"#;

#[test]
fn the_lock_file_alone() {
    let out = tree(&Locked(PoetryLock), &[("poetry.lock", LOCK)]);
    assert_eq!(
        shown(&out),
        [
            "a@1.0 -> several@1.5 several@3.5 zope.interface@5.4",
            "several@1.5",
            "several@2.5",
            "several@3.5",
            "tool@0.1 dev -> a@1.0",
            "zope.interface@5.4",
        ]
    );
    assert!(out.components[5].digest.as_deref().unwrap().starts_with("sha256:e3b0"));
}

#[test]
fn with_its_project() {
    for manifest in [
        "[tool.poetry.dependencies]\npython = '^3'\nA = '*'\n[tool.poetry.group.dev.dependencies]\ntool = '*'\n",
        "[project]\ndependencies = ['a (>=1)']\n[dependency-groups]\ndev = ['tool']\n",
    ] {
        let out = tree(&Locked(PoetryLock), &[("x/poetry.lock", LOCK), ("x/pyproject.toml", manifest)]);
        assert_eq!(
            shown(&out),
            [
                "a@1.0 direct -> several@1.5 several@3.5 zope.interface@5.4",
                "several@1.5 indirect",
                "several@2.5 indirect dev",
                "several@3.5 indirect",
                "tool@0.1 direct dev -> a@1.0",
                "zope.interface@5.4 indirect",
            ]
        );
    }
}

#[test]
fn damaged_files() {
    survives(&Locked(PoetryLock), "poetry.lock", LOCK);
    assert_eq!(tree(&Locked(PoetryLock), &[("poetry.lock", "package = 1")]).skipped[0].reason, "corrupt");
}
