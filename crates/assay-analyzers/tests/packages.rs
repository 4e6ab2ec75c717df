//! Package files: what each kind says of itself, and how damage and tricks are told.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::Cursor;

use assay_archive::Limits;
use assay_model::Kind;
use assay_model::seam::inspector::Inspector;
use common::*;

#[test]
fn a_wheel_in_full() {
    let text = "Metadata-Version: 2.0\nName: Demo_Pkg\nVersion: 1.2\nSummary: Shows everything\nLicense: MIT\n\
        Requires-Dist: urllib3<1.22,>=1.21.1\nRequires-Dist: socks ; extra == 'socks'\nRequires-Python: >=3.8\n\nText\n";
    let bytes = zip_of(&[
        ("demo_pkg/__init__.py", ""),
        ("demo_pkg/_vendor/six-1.16.0.dist-info/METADATA", &metadata("six", "1.16.0")),
        ("demo_pkg-1.2.dist-info/METADATA", text),
        ("demo_pkg-1.2.dist-info/RECORD", ""),
    ]);
    let inventory = inspect("demo_pkg-1.2-py3-none-any.whl", &bytes).unwrap();
    assert!(inventory.is_complete());
    assert!(inventory.components[0].is_subject);
    insta::assert_json_snapshot!(inventory);
}

#[test]
fn a_wheel_has_one_description() {
    for files in [
        vec![("a/__init__.py", "")],
        vec![("a-1.dist-info/METADATA", "Name: a\nVersion: 1\n"), ("b-1.dist-info/METADATA", "Name: b\nVersion: 1\n")],
        vec![("a-1.dist-info/METADATA", "Name: a\n")],
    ] {
        let problem = inspect("a-1-py3-none-any.whl", &zip_of(&files)).unwrap_err();
        assert_eq!((problem.kind, problem.code), (Kind::Invalid, "corrupt"), "{problem}");
    }
}

#[test]
fn damaged_and_hostile_wheels_are_refused_with_a_reason() {
    let good = wheel("a", "1");
    let cut = inspect("a-1-py3-none-any.whl", &good[..good.len() / 2]).unwrap_err();
    assert_eq!(cut.code, "corrupt", "{cut}");
    let climbing = zip_of(&[("../../evil", "x"), ("a-1.dist-info/METADATA", &metadata("a", "1"))]);
    let problem = inspect("a-1-py3-none-any.whl", &climbing).unwrap_err();
    assert_eq!(problem.code, "unsafe-path");
    assert!(problem.message.contains("../../evil"), "{problem}");
    let zeros = "\0".repeat(64 << 20);
    let bomb = zip_of(&[("zeros", &zeros), ("a-1.dist-info/METADATA", &metadata("a", "1"))]);
    let problem = inspect("a-1-py3-none-any.whl", &bomb).unwrap_err();
    assert_eq!((problem.kind, problem.code), (Kind::TooLarge, "limit"));
    assert!(problem.message.contains("limits.archive.ratio"), "{problem}");
}

#[test]
fn endless_metadata_is_not_held_in_memory() {
    let strict = assay_analyzers::StandardInspector::new(Limits::default().with_metadata_bytes(1000));
    let long = format!("{}{}", metadata("a", "1"), "x".repeat(2000));
    let bytes = zip_of(&[("a-1.dist-info/METADATA", &long)]);
    let problem = strict.file("a-1-py3-none-any.whl", 0, &mut Cursor::new(bytes)).unwrap_err();
    assert!(problem.message.contains("limits.archive.metadata_bytes"), "{problem}");
}

#[test]
fn source_distributions() {
    let tar = tar_of(&[
        ("demo_pkg-1.2/PKG-INFO", metadata("demo-pkg", "1.2")),
        ("demo_pkg-1.2/tests/data/PKG-INFO", metadata("other", "9")),
        ("demo_pkg-1.2/setup.py", String::new()),
    ]);
    let zip = zip_of(&[("Demo.Pkg-1.2/setup.py", ""), ("Demo.Pkg-1.2/PKG-INFO", &metadata("demo-pkg", "1.2"))]);
    for (name, bytes) in [("demo_pkg-1.2.tar.gz", gz(&tar)), ("Demo.Pkg-1.2.zip", zip)] {
        let inventory = inspect(name, &bytes).unwrap();
        assert_eq!(purls(&inventory), ["pkg:pypi/demo-pkg@1.2"], "{name}");
        assert!(inventory.components[0].is_subject);
        assert_eq!(inventory.components[0].analyzer, "sdist");
        assert!(inventory.is_complete());
    }
}

#[test]
fn a_source_distribution_with_a_link_that_leaves_it() {
    let mut builder = tar::Builder::new(Vec::new());
    append(&mut builder, "a-1/PKG-INFO", metadata("a", "1").as_bytes());
    append_link(&mut builder, tar::EntryType::Symlink, "a-1/up", "../../etc");
    let problem = inspect("a-1.tar.gz", &gz(&builder.into_inner().unwrap())).unwrap_err();
    assert_eq!(problem.code, "unsafe-path", "{problem}");
}

#[test]
fn the_archive_of_a_node_package() {
    let tar = tar_of(&[
        ("package/index.js", ""),
        ("package/package.json", r#"{"name":"@s/demo","version":"2.0.0","license":"ISC","dependencies":{"a":"^1"}}"#),
        ("package/node_modules/inner/package.json", r#"{"name":"inner","version":"0.1.0"}"#),
        ("package/test/package.json", r#"{"name":"no","version":"9"}"#),
    ]);
    let inventory = inspect("demo-2.0.0.tgz", &gz(&tar)).unwrap();
    assert_eq!(purls(&inventory), ["pkg:npm/%40s/demo@2.0.0", "pkg:npm/inner@0.1.0"]);
    assert!(inventory.components[0].is_subject && !inventory.components[1].is_subject);
}

#[test]
fn what_no_analyzer_knows_is_told() {
    let text = inspect("notes.txt", b"hello").unwrap();
    let archive = inspect("thing-1.0.tar.gz", &gz(&tar_of(&[("other/file", "x")]))).unwrap();
    let compressed = inspect("dump.gz", &gz(b"just text")).unwrap();
    let zip = inspect("thing.bin", &zip_of(&[("META-INF/MANIFEST.MF", "")])).unwrap();
    for inventory in [text, archive, compressed, zip] {
        assert!(inventory.components.is_empty());
        assert_eq!(inventory.skipped.len(), 1);
        assert_eq!(inventory.skipped[0].reason, "unsupported");
    }
}

#[test]
fn the_revision_names_every_analyzer() {
    let inspector = inspector();
    for part in assay_analyzers::all() {
        assert!(inspector.revision().contains(part.spec().id));
    }
}
