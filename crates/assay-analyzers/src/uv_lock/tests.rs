//! Projects, workspaces, forks, scripts.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::UvLock;
use crate::project::Locked;
use crate::project::testing::{shown, survives, tree};

const LOCK: &str = r#"
version = 1

[manifest]
members = ["app", "member"]

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "a" }, { name = "forked", version = "1.0", marker = "x" }]

[package.optional-dependencies]
extra = [{ name = "b" }]

[package.dev-dependencies]
dev = [{ name = "tool" }]

[[package]]
name = "member"
source = { editable = "packages/member" }
dependencies = [{ name = "app" }, { name = "c" }]

[[package]]
name = "a"
version = "1.0"
source = { registry = "https://index.example/simple" }
dependencies = [{ name = "forked", version = "2.0" }, { name = "absent" }]
wheels = [{ url = "https://index.example/a.whl", hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", size = 1 }]

[[package]]
name = "b"
version = "1.0"

[[package]]
name = "c"
version = "1.0"

[[package]]
name = "forked"
version = "1.0"

[[package]]
name = "forked"
version = "2.0"

[[package]]
name = "tool"
version = "1.0"
dependencies = [{ name = "b" }, { name = "helper" }]

[[package]]
name = "helper"
version = "1.0"
"#;

#[test]
fn a_workspace() {
    let out = tree(&Locked(UvLock), &[("uv.lock", LOCK)]);
    assert_eq!(
        shown(&out),
        [
            "a@1.0 direct -> forked@2.0",
            "app@0.1.0 root -> a@1.0 b@1.0 forked@1.0 member tool@1.0",
            "b@1.0 direct",
            "c@1.0 direct",
            "forked@1.0 direct",
            "forked@2.0 indirect",
            "helper@1.0 indirect dev",
            "member workspace -> app@0.1.0 c@1.0",
            "tool@1.0 direct dev -> b@1.0 helper@1.0",
        ]
    );
    assert!(out.components[0].digest.as_deref().unwrap().starts_with("sha256:e3b0"));
}

#[test]
fn a_script_and_a_bare_list() {
    let packages = "[[package]]\nname = 'a'\nversion = '1'\ndependencies = [{name = 'b'}]\n[[package]]\nname = 'b'\nversion = '2'\n";
    let script = format!("[manifest]\nrequirements = [{{ name = 'a' }}]\n{packages}");
    assert_eq!(shown(&tree(&Locked(UvLock), &[("uv.lock", &script)])), ["a@1 direct -> b@2", "b@2 indirect"]);
    assert_eq!(shown(&tree(&Locked(UvLock), &[("uv.lock", packages)])), ["a@1 -> b@2", "b@2"]);
}

#[test]
fn damaged_files() {
    survives(&Locked(UvLock), "uv.lock", LOCK);
    assert_eq!(tree(&Locked(UvLock), &[("uv.lock", "[")]).skipped[0].reason, "corrupt");
}
