//! The three ways in which the file was written so far.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::PnpmLock;
use crate::project::Locked;
use crate::project::testing::{shown, survives, tree};

const V5: &str = r#"lockfileVersion: 5.4

specifiers:
  a: ^1.0.0

dependencies:
  a: 1.0.0_peer@2.0.0
  renamed: /real/3.0.0

devDependencies:
  d: 1.10.0

packages:

  /a/1.0.0_peer@2.0.0:
    resolution: {integrity: sha1-5QNHYR1+aQlDIIu9r+vLwvuGbUY=}
    peerDependencies:
      peer: '*'
    dependencies:
      '@s/b_c': 1.1.0
      peer: 2.0.0
    dev: false

  /@s/b_c/1.1.0:
    resolution: {integrity: sha512-x}
    dev: false

  /d/1.10.0:
    resolution: {integrity: sha512-x}
    dev: true

  /peer/2.0.0:
    dev: false

  /real/3.0.0:
    dev: false

  file:local:
    name: local
    version: 0.1.0
    dev: false

  host.example/x/fork/0123456789:
    name: fork
    version: 5.0.0
    dev: false
"#;

const V6: &str = r#"lockfileVersion: '6.0'

importers:
  .:
    dependencies:
      a:
        specifier: ^1.0.0
        version: 1.0.0(peer@2.0.0)
  packages/w:
    optionalDependencies:
      peer:
        specifier: 2
        version: 2.0.0
    devDependencies:
      main:
        specifier: workspace:*
        version: link:../..

packages:

  /a@1.0.0(peer@2.0.0):
    dependencies:
      peer: 2.0.0
  /peer@2.0.0:
    resolution: {}
    dev: false
"#;

const V9: &str = r#"lockfileVersion: '9.0'

settings:
  autoInstallPeers: true

importers:

  .:
    dependencies:
      a:
        specifier: ^1.0.0
        version: 1.0.0(peer@2.0.0)
      renamed:
        specifier: npm:real@3
        version: real@3.0.0
    devDependencies:
      d:
        specifier: ^1.0.0
        version: 1.10.0

packages:

  a@1.0.0:
    resolution: {integrity: sha1-5QNHYR1+aQlDIIu9r+vLwvuGbUY=}
    peerDependencies:
      peer: '*'

  d@1.10.0:
    resolution: {integrity: sha512-x}

  fork@https://host.example/x/fork/tar.gz/01:
    resolution: {tarball: https://host.example/x/fork/tar.gz/01}
    version: 5.0.0

  lost@https://host.example/lost.tgz:
    resolution: {tarball: https://host.example/lost.tgz}

  peer@2.0.0:
    resolution: {integrity: sha512-x}

  real@3.0.0:
    resolution: {integrity: sha512-x}

snapshots:

  a@1.0.0(peer@2.0.0):
    dependencies:
      peer: 2.0.0
    optionalDependencies:
      fork: https://host.example/x/fork/tar.gz/01

  d@1.10.0:
    dependencies:
      a: 1.0.0(peer@2.0.0)
      lost: https://host.example/lost.tgz

  fork@https://host.example/x/fork/tar.gz/01: {}

  lost@https://host.example/lost.tgz: {}

  peer@2.0.0: {}

  real@3.0.0:
    dependencies:
      alias: peer@2.0.0
"#;

#[test]
fn version_5() {
    let out = tree(&Locked(PnpmLock), &[("pnpm-lock.yaml", V5)]);
    assert_eq!(
        shown(&out),
        [
            "@s/b_c@1.1.0 indirect",
            "a@1.0.0 direct -> @s/b_c@1.1.0 peer@2.0.0",
            "d@1.10.0 direct dev",
            "fork@5.0.0 indirect",
            "local@0.1.0 indirect",
            "peer@2.0.0 indirect",
            "real@3.0.0 direct",
        ]
    );
    assert_eq!(out.components[1].digest.as_deref(), Some("sha1:e50347611d7e690943208bbdafebcbc2fb866d46"));
    assert!(out.skipped.is_empty());
}

#[test]
fn version_6_with_workspaces() {
    let out = tree(&Locked(PnpmLock), &[("pnpm-lock.yaml", V6)]);
    assert_eq!(shown(&out), ["a@1.0.0 direct -> peer@2.0.0", "peer@2.0.0 direct"]);
}

#[test]
fn version_9_tells_places_by_their_peers() {
    let out = tree(&Locked(PnpmLock), &[("pnpm-lock.yaml", V9)]);
    assert_eq!(
        shown(&out),
        [
            "a@1.0.0(peer@2.0.0) direct -> fork@https://host.example/x/fork/tar.gz/01 peer@2.0.0",
            "d@1.10.0 direct dev -> a@1.0.0(peer@2.0.0) lost@https://host.example/lost.tgz",
            "fork@https://host.example/x/fork/tar.gz/01 indirect",
            "lost@https://host.example/lost.tgz indirect dev",
            "peer@2.0.0 indirect",
            "real@3.0.0 direct -> peer@2.0.0",
        ]
    );
    assert_eq!(out.components[0].component.purl, "pkg:npm/a@1.0.0");
    assert_eq!(out.components[0].digest.as_deref(), Some("sha1:e50347611d7e690943208bbdafebcbc2fb866d46"));
    assert_eq!(out.components[2].component.version, "5.0.0");
    assert_eq!(out.components[3].component.version, "");
    assert!(out.skipped[0].reason == "unresolved" && out.skipped[0].detail.contains("lost@https"), "{:?}", out.skipped);
}

#[test]
fn several_documents() {
    let own = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      tool: {specifier: '1', version: 1.0.0}\n\
        packages:\n  tool@1.0.0: {}\nsnapshots:\n  tool@1.0.0: {}\n";
    let out = tree(&Locked(PnpmLock), &[("pnpm-lock.yaml", &format!("---\n{own}---\n{V9}"))]);
    assert_eq!(out.components.len(), 7);
    assert!(shown(&out).contains(&"tool@1.0.0 direct".to_owned()), "{:?}", shown(&out));
}

#[test]
fn what_cannot_be_read() {
    for (bad, reason) in [("lockfileVersion: new\n", "corrupt"), ("- a\n- b\n", "corrupt"), ("a: [", "corrupt")] {
        assert_eq!(tree(&Locked(PnpmLock), &[("pnpm-lock.yaml", bad)]).skipped[0].reason, reason, "{bad}");
    }
    assert!(tree(&Locked(PnpmLock), &[("pnpm-lock.yaml", "lockfileVersion: '9.0'\n")]).skipped.is_empty());
    let deep = format!("lockfileVersion: '9.0'\nx: {}", "[".repeat(100_000));
    assert!(!tree(&Locked(PnpmLock), &[("pnpm-lock.yaml", &deep)]).skipped.is_empty());
}

#[test]
fn long_keys_and_large_files() {
    let peers = "(peer@2.0.0)".repeat(500);
    let mut text = format!("lockfileVersion: '9.0'\nsnapshots:\n  a@1.0.0{peers}: {{}}\n");
    for number in 0..30_000 {
        text.push_str(&format!("  p{number}@1.0.0:\n    dependencies:\n      a: 1.0.0\n"));
    }
    let out = tree(&Locked(PnpmLock), &[("pnpm-lock.yaml", &text)]);
    assert_eq!((out.components.len(), out.skipped.len()), (30_001, 0), "{:?}", out.skipped);
}

#[test]
fn damaged_files() {
    survives(&Locked(PnpmLock), "pnpm-lock.yaml", V5);
    survives(&Locked(PnpmLock), "pnpm-lock.yaml", V9);
}
