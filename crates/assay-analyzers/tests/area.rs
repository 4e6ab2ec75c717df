//! Files and folders that are left out, and files that an analyzer is told to read.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use assay_analyzers::{Excluded, Pattern, Selection, StandardInspector};
use assay_archive::Limits;
use assay_model::Digest;
use assay_model::inventory::Inventory;
use assay_model::seam::inspector::Inspector;
use common::*;
use std::fs;

fn globs(list: &[&str]) -> Vec<Pattern> {
    list.iter().map(|glob| Pattern::glob(glob).unwrap()).collect()
}

fn without(files: &[&str], folders: &[&str]) -> StandardInspector {
    let excluded = Excluded { files: globs(files), folders: globs(folders) };
    StandardInspector::new(Limits::default()).selecting(Selection { excluded, ..Selection::default() })
}

fn told(also: &[(&str, &str)]) -> StandardInspector {
    let also = also.iter().map(|(id, text)| ((*id).to_owned(), Pattern::regex(text).unwrap())).collect();
    StandardInspector::new(Limits::default()).selecting(Selection { also, ..Selection::default() })
}

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let place = root.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
    root
}

fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.components.iter().map(|found| &*found.component.name).collect()
}

fn skips(inventory: &Inventory) -> Vec<(&str, &str)> {
    inventory.skipped.iter().map(|skipped| (&*skipped.path, &*skipped.reason)).collect()
}

#[test]
fn a_directory_is_not_gone_into() {
    let root = tree(&[
        ("requirements.txt", "a==1\n"),
        ("sub/deep/requirements.txt", "b==1\n"),
        ("old/one/requirements.txt", "c==1\n"),
        ("old/two/requirements.txt", "d==1\n"),
    ]);
    let found = without(&["sub/*/requirements.txt"], &["old"]).directory(root.path()).unwrap();
    assert_eq!(names(&found), ["a"]);
    assert_eq!(skips(&found), [("old", "excluded"), ("sub/deep/requirements.txt", "excluded")]);
    let whole = inspector();
    assert_eq!(names(&whole.directory(root.path()).unwrap()).len(), 4);
    assert_ne!(whole.revision(), without(&["x"], &[]).revision());
}

#[test]
fn layers_tell_what_they_leave_out_once() {
    let package = |name: &str| format!(r#"{{"name":"{name}","version":"1.0.0"}}"#);
    let bytes = tar_of(&[
        ("opt/node_modules/a/package.json", package("a")),
        ("srv/node_modules/b/package.json", package("b")),
        ("srv/node_modules/c/package.json", package("c")),
    ]);
    let inspector = without(&[], &["**/srv"]);
    let layer = inspector.layer(&mut std::io::Cursor::new(&bytes)).unwrap();
    assert_eq!((names(&layer), skips(&layer)), (vec!["a"], vec![("srv", "excluded")]));
    let image = inspector.compose(&[(Digest::of(b"1"), layer.clone()), (Digest::of(b"2"), layer)]);
    assert_eq!((names(&image), skips(&image)), (vec!["a"], vec![("srv", "excluded")]));
}

#[test]
fn the_artifact_itself_is_what_was_asked_for() {
    let wheel = wheel("a", "1");
    let inspector = without(&["**"], &[]);
    let found = inspector.file("a-1-py3-none-any.whl", wheel.len() as u64, &mut std::io::Cursor::new(&wheel)).unwrap();
    assert_eq!(names(&found), ["a"]);
    assert!(skips(&found).iter().all(|(_, reason)| *reason == "excluded"), "{found:?}");
}

#[test]
fn analyzers_read_what_they_are_told() {
    const CARGO: &str = "version = 4\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\n";
    const GO: &str = "module example.com/m\n\ngo 1.21\n\nrequire example.com/x v1.0.0\n";
    const GEMS: &str = "GEM\n  remote: https://registry.example/\n  specs:\n    rack (3.0.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  rack\n";
    const NUGET: &str = r#"{"version":1,"dependencies":{"net8.0":{"A.B":{"type":"Direct","requested":"[1.0.0, )","resolved":"1.0.0"}}}}"#;
    let root = tree(&[
        ("deps-dev.in", "flask==2.0.0\n"),
        ("rust.lock.bak", CARGO),
        ("mod/go.mod.tools", GO),
        ("Gems.frozen", GEMS),
        ("frozen.json", NUGET),
    ]);
    let none = inspector().directory(root.path()).unwrap();
    assert!(none.components.is_empty(), "{none:?}");
    let inspector = told(&[
        ("pip", r"deps-.*\.in$"),
        ("cargo", r"\.lock\.bak$"),
        ("gomod", "go.mod.tools"),
        ("bundler", "^Gems"),
        ("nuget", r"frozen\.json"),
    ]);
    let found = inspector.directory(root.path()).unwrap();
    let mut named = names(&found);
    named.sort_unstable();
    for name in ["flask", "serde", "rack", "A.B"] {
        assert!(named.contains(&name), "{name}: {found:?}");
    }
    assert!(found.components.iter().any(|one| one.path == "mod/go.mod.tools" && one.analyzer == "gomod"), "{named:?}");
    let alone = told(&[("cargo", "lock")]);
    let alone = alone.file("rust.lock.bak", CARGO.len() as u64, &mut std::io::Cursor::new(CARGO.as_bytes())).unwrap();
    assert_eq!(names(&alone), ["serde"]);
}
