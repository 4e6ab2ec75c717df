//! Lock files of all versions, with and without manifests.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::PART;
use crate::locked::testing::{by_id, ids, lines, survives_damage, tree};
use assay_model::component::Relationship::{Direct, Indirect, Root, Unknown, Workspace};

const LOCK: &str = r#"version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = [
 "a_b",
 "helper",
 "tester 2.0.0",
]

[[package]]
name = "a_b"
version = "1.0.0"
source = "registry+https://registry.example/index"
checksum = "cc936419f96fa211c1b9166887b38e5e40b19958e5b895be7c1f93adec7071ac"
dependencies = ["deep"]

[[package]]
name = "deep"
version = "0.3.0"

[[package]]
name = "helper"
version = "0.1.0"
dependencies = ["tester 1.0.0 (registry+https://registry.example/index)", "maker"]

[[package]]
name = "maker"
version = "1.0.0"
source = "registry+https://registry.example/index"

[[package]]
name = "tester"
version = "1.0.0"
source = "registry+https://registry.example/index"

[[package]]
name = "tester"
version = "2.0.0"
source = "registry+https://registry.example/index"
# the end

"#;

const ROOT: &str = r#"
[package]
name = "app"
version = "0.1.0"
[workspace]
members = ["crates/*"]
[workspace.package]
version = "0.1.0"
[workspace.dependencies]
old-tester = { package = "tester", version = "1" }
[target.'cfg(unix)'.dependencies]
a_b = { version = "1" }
[dependencies]
helper = { path = "crates/helper" }
[dev-dependencies]
tester = "2"
"#;

const MEMBER: &str = r#"
[package]
name = "helper"
version.workspace = true
[dependencies]
old-tester.workspace = true
[build-dependencies]
maker = "*"
"#;

#[test]
fn a_workspace() {
    let files = [("Cargo.lock", LOCK), ("Cargo.toml", ROOT), ("crates/helper/Cargo.toml", MEMBER)];
    let out = tree(&PART, &files);
    for (id, relationship, dev) in [
        ("app@0.1.0", Root, false),
        ("helper@0.1.0", Workspace, false),
        ("a_b@1.0.0", Direct, false),
        ("deep@0.3.0", Indirect, false),
        ("tester@1.0.0", Direct, false),
        ("tester@2.0.0", Direct, true),
        ("maker@1.0.0", Direct, true),
    ] {
        let found = by_id(&out, id);
        assert_eq!((found.relationship, found.dev), (relationship, dev), "{id}");
    }
    assert_eq!(out.components.len(), 7);
    assert!(out.is_complete(), "{:?}", out.skipped);
    let a_b = by_id(&out, "a_b@1.0.0");
    assert_eq!(a_b.component.purl, "pkg:cargo/a_b@1.0.0");
    assert_eq!(a_b.component.match_name, "a-b");
    assert_eq!(a_b.depends_on, ["deep@0.3.0"]);
    assert_eq!(lines(a_b), [(12, 17)]);
    assert!(a_b.digest.as_deref().unwrap().starts_with("sha256:cc936"));
    assert_eq!(lines(by_id(&out, "tester@2.0.0")), [(38, 41)]);
    assert_eq!(by_id(&out, "app@0.1.0").depends_on, ["a_b@1.0.0", "helper@0.1.0"]);
    assert_eq!(by_id(&out, "helper@0.1.0").depends_on, ["tester@1.0.0"]);
}

#[test]
fn without_manifests_nothing_is_known_of_relationships() {
    let out = tree(&PART, &[("Cargo.lock", LOCK)]);
    assert!(out.components.iter().all(|found| found.relationship == Unknown && !found.dev));
    let out = tree(&PART, &[("Cargo.lock", LOCK), ("Cargo.toml", ROOT)]);
    assert!(!out.is_complete());
    assert!(!by_id(&out, "maker@1.0.0").dev, "the manifest that would tell is not here");
}

#[test]
fn the_first_version_of_the_format() {
    let text = r#"
[root]
name = "app"
version = "0.1.0"
dependencies = ["b 1.0.0 (registry+https://registry.example/index)"]

[[package]]
name = "b"
version = "1.0.0"
source = "registry+https://registry.example/index"

[metadata]
"checksum b 1.0.0 (registry+https://registry.example/index)" = "CC936419f96fa211c1b9166887b38e5e40b19958e5b895be7c1f93adec7071ac"
"#;
    let out = tree(&PART, &[("Cargo.lock", text), ("Cargo.toml", "[package]\nname='app'\n[dependencies]\nb='1'")]);
    assert_eq!(ids(&out), ["app@0.1.0", "b@1.0.0"]);
    assert_eq!(by_id(&out, "app@0.1.0").depends_on, ["b@1.0.0"]);
    assert_eq!(by_id(&out, "b@1.0.0").relationship, Direct);
    assert!(by_id(&out, "b@1.0.0").digest.is_some());
    assert_eq!(lines(by_id(&out, "b@1.0.0")), [(7, 10)]);
}

#[test]
fn a_manifest_alone_and_a_broken_one() {
    let out = tree(&PART, &[("x/Cargo.toml", "[dependencies]\na='1'"), ("y/Cargo.toml", "[package]\nname='y'")]);
    assert_eq!(out.skipped.len(), 1);
    assert_eq!(out.skipped[0].reason, "unresolved");
    let out = tree(&PART, &[("Cargo.lock", LOCK), ("Cargo.toml", "[")]);
    assert_eq!(out.skipped[0].reason, "corrupt");
    assert_eq!(tree(&PART, &[("Cargo.lock", "[[package]]\nname = 1")]).skipped[0].reason, "corrupt");
}

#[test]
fn damage_does_no_harm() {
    survives_damage(&PART, &[("Cargo.lock", LOCK), ("Cargo.toml", ROOT), ("crates/helper/Cargo.toml", MEMBER)]);
}
