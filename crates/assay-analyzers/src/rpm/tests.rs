//! The same packages out of every form, and what damage does.

use std::io::Cursor;

use assay_archive::{Budget, Limits};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{Analyzer, Entry};
use proptest::prelude::*;

use super::fixtures::{Value, bdb, header, headers, ndb, package_file, sqlite};
use super::{Rpm, RpmFile};
use crate::part::Part as _;

const PATH: &str = "var/lib/rpm/Packages";

fn read(bytes: &[u8]) -> (Result<(), Problem>, Inventory) {
    let mut out = Inventory::default();
    let entry = Entry { path: PATH, size: bytes.len() as u64, ..Entry::default() };
    let outcome = Rpm.analyze(&entry, &mut Cursor::new(bytes), &mut out);
    out.sort();
    (outcome, out)
}

fn forms(values: &[Vec<u8>]) -> [Vec<u8>; 4] {
    [ndb(values), bdb(values, false), bdb(values, true), sqlite(values)]
}

#[test]
fn every_form_gives_the_same_packages() {
    let mut before = None;
    for form in forms(&headers()) {
        let (outcome, found) = read(&form);
        outcome.unwrap();
        let ids: Vec<&str> = found.components.iter().map(|found| found.id.as_str()).collect();
        assert_eq!(ids, ["bash@5.1.8-6.el9.x86_64", "large@2.1-1", "python3-six@1.15.0-9.module_el8.noarch"]);
        let bash = &found.components[0];
        assert_eq!(bash.component.purl, "pkg:rpm/bash@5.1.8-6.el9?arch=x86_64");
        assert_eq!(bash.source(), ("bash", "5.1.8-6.el9"));
        assert_eq!((bash.licenses.as_slice(), bash.summary.as_deref()), (&["GPLv3+".to_owned()][..], Some("A shell")));
        assert_eq!(bash.property("maintainer"), Some("Red Hat, Inc."));
        assert_eq!(bash.digest, Some(format!("md5:{}", "ab".repeat(16))));
        let six = &found.components[2];
        assert_eq!(
            six.component.purl,
            "pkg:rpm/python3-six@1.15.0-9.module_el8?arch=noarch&epoch=1&modularitylabel=python39:3.9:8050020:1\
             &upstream=python-six-1.15.0-9.module_el8.src.rpm"
        );
        assert_eq!(
            (six.component.version.as_str(), six.source()),
            ("1:1.15.0-9.module_el8", ("python-six", "1:1.15.0-9.module_el8"))
        );
        assert_eq!(six.property("modularity"), Some("python39:3.9:8050020:1"));
        assert_eq!(six.requires, ["/usr/bin/sh", "large >= 2.0"]);
        assert_eq!(six.depends_on, ["bash@5.1.8-6.el9.x86_64", "large@2.1-1"]);
        assert!(before.is_none_or(|before| before == found.components));
        before = Some(found.components);
    }
}

#[test]
fn files_belong_to_their_packages() {
    for form in forms(&headers()) {
        let mut owned = Vec::new();
        let entry = Entry { path: PATH, ..Entry::default() };
        let mut note = |file: &str, package: &str| owned.push((file.to_owned(), package.to_owned()));
        Rpm.owns(&entry, &mut Cursor::new(&form), &Budget::new(Limits::default()), &mut note).unwrap();
        owned.sort();
        let metadata = "usr/lib/python3.9/site-packages/six-1.15.0.dist-info/METADATA";
        let expected = [("usr/bin/sh", "bash"), (metadata, "python3-six"), ("usr/lib/python3.9/six.py", "python3-six")];
        assert_eq!(owned, expected.map(|(file, package)| (file.to_owned(), package.to_owned())));
    }
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_kept() {
    let mut values = headers();
    values.push(vec![0xff; 700]);
    values.push(header(&[(1000, Value::Text("nameless"))]));
    for form in forms(&values) {
        let (outcome, found) = read(&form);
        assert_eq!(outcome.unwrap_err().code, "corrupt");
        assert_eq!(found.components.len(), 3);
    }
    let (outcome, _) = read(b"neither of them");
    assert_eq!(outcome.unwrap_err().code, "corrupt");
    let (outcome, found) = read(b"");
    assert!(outcome.is_ok() && found.components.is_empty());
}

#[test]
fn chains_that_loop_end() {
    let mut form = bdb(&headers(), false);
    // Every overflow page names itself as the next one.
    for (at, page) in form.chunks_exact_mut(512).enumerate() {
        if page[25] == 7 {
            page[16..20].copy_from_slice(&(at as u32).to_le_bytes());
        }
    }
    let (outcome, found) = read(&form);
    assert_eq!(outcome.unwrap_err().code, "corrupt");
    assert!(found.components.iter().all(|found| found.component.name != "large"));
}

#[test]
fn a_table_that_computes_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let view = "CREATE VIEW Packages AS WITH RECURSIVE c(blob) AS (SELECT x'00' UNION ALL SELECT blob FROM c) SELECT blob FROM c";
    rusqlite::Connection::open(&path).unwrap().execute(view, []).unwrap();
    let (outcome, _) = read(&std::fs::read(path).unwrap());
    assert_eq!(outcome.unwrap_err().code, "corrupt");
}

fn file(bytes: &[u8], is_artifact: bool) -> (Result<(), Problem>, Inventory) {
    let mut out = Inventory::default();
    let entry = Entry { path: "a.rpm", size: bytes.len() as u64, is_artifact, ..Entry::default() };
    let outcome = RpmFile.analyze(&entry, &mut Cursor::new(bytes), &mut out);
    (outcome, out)
}

#[test]
fn package_files() {
    let (outcome, found) = file(&package_file(&headers()[1]), true);
    outcome.unwrap();
    let bash = &found.components[0];
    assert_eq!(bash.component.purl, "pkg:rpm/redhat/bash@5.1.8-6.el9?arch=x86_64&distro=redhat-9");
    assert_eq!(bash.component.ecosystem, "Red Hat:9");
    assert!(bash.is_subject && found.is_complete());

    let (outcome, found) = file(&package_file(&headers()[3]), false);
    outcome.unwrap();
    assert_eq!(found.components[0].component.purl, "pkg:rpm/large@2.1-1?arch=src");
    assert_eq!(found.components[0].id, "large@2.1-1.src");
    assert!(!found.components[0].is_subject && found.components[0].component.ecosystem.is_empty());

    let whole = package_file(&headers()[1]);
    let at = RpmFile.payload(&mut Cursor::new(&whole)).unwrap().unwrap();
    assert_eq!(&whole[usize::try_from(at).unwrap()..], b"payload");
    for end in [0, 50, 100, 130, 200] {
        assert_eq!(file(&whole[..end], true).0.unwrap_err().code, "corrupt", "{end}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damage_never_panics(at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>(), form in 0..5_usize) {
        let mut whole = match form {
            4 => package_file(&headers()[2]),
            form => forms(&headers())[form].clone(),
        };
        // Mostly where the structure is.
        let index = at.index(whole.len()) % 1024;
        if let Some(byte) = whole.get_mut(index) {
            *byte = value;
        }
        let _ = (read(&whole), file(&whole, true));
        whole.truncate(cut.index(whole.len()));
        let _ = (read(&whole), file(&whole, true));
    }
}

/// The package lists that peers publish, as databases: what they call a package, and its source, comes out again.
#[test]
fn lists_of_the_corpus() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let root = std::env::var_os("ASSAY_CORPUS").map_or_else(|| beside.into(), std::path::PathBuf::from);
    let folder = root.join("oracles/trivy/packages");
    let Ok(lists) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: {} is not there; set ASSAY_CORPUS", folder.display());
        return;
    };
    for list in lists.flatten() {
        let packages: serde_json::Value = serde_json::from_slice(&std::fs::read(list.path()).unwrap()).unwrap();
        // Keys are no packages.
        let is_package =
            |package: &&serde_json::Value| package["AnalyzedBy"] == "rpm" && package["Name"] != "gpg-pubkey";
        let packages: Vec<&serde_json::Value> = packages.as_array().unwrap().iter().filter(is_package).collect();
        for form in forms(&packages.iter().map(|package| of_list(package)).collect::<Vec<_>>()) {
            let (outcome, found) = read(&form);
            outcome.unwrap();
            assert_eq!(found.components.len(), packages.len(), "{}", list.path().display());
            for package in &packages {
                let text = |key: &str| package[key].as_str().unwrap_or_default();
                let found = found.components.iter().find(|found| found.id == text("ID")).unwrap();
                let evr = |epoch: &str, version: &str, release: &str| match package[epoch].as_u64() {
                    Some(epoch) if epoch > 0 => format!("{epoch}:{}-{}", text(version), text(release)),
                    _ => format!("{}-{}", text(version), text(release)),
                };
                assert_eq!(found.component.version, evr("Epoch", "Version", "Release"));
                let source = evr("SrcEpoch", "SrcVersion", "SrcRelease");
                assert_eq!(found.source(), (text("SrcName"), source.as_str()), "{}", text("ID"));
                assert_eq!(found.property("maintainer"), package["Maintainer"].as_str());
            }
        }
    }
}

fn of_list(package: &serde_json::Value) -> Vec<u8> {
    let text = |key: &str| package[key].as_str().unwrap_or_default();
    let source = format!("{}-{}-{}.src.rpm", text("SrcName"), text("SrcVersion"), text("SrcRelease"));
    let epoch = [u32::try_from(package["Epoch"].as_u64().unwrap_or_default()).unwrap()];
    header(&[
        (1000, Value::Text(text("Name"))),
        (1001, Value::Text(text("Version"))),
        (1002, Value::Text(text("Release"))),
        (1003, Value::Numbers(&epoch)),
        (1011, Value::Text(text("Maintainer"))),
        (1022, Value::Text(text("Arch"))),
        (1044, Value::Text(&source)),
    ])
}
