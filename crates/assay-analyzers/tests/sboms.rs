//! Real bills of materials: each is read or refused with a reason, twice the same way.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;
use std::io::{Read, Write};

use assay_model::inventory::Inventory;
use common::*;

fn real() -> Vec<(String, Vec<u8>)> {
    let Some(path) = corpus("feeds/sbom/real-sboms.zip") else { return Vec::new() };
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut all = Vec::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        if file.is_file() {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            all.push((file.name().unwrap().into_owned(), bytes));
        }
    }
    all
}

/// Says on the real standard error what the test runner would keep.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[test]
fn real_documents_are_read_or_refused_with_a_reason_twice_the_same_way() {
    let all = real();
    let (mut with, mut components, mut silent) = (0, 0, Vec::new());
    for (name, bytes) in &all {
        let first = inspect(name, bytes).unwrap();
        let again = inspect(name, bytes).unwrap();
        assert_eq!(serde_json::to_vec(&first).unwrap(), serde_json::to_vec(&again).unwrap(), "{name}");
        assert!(first.skipped.iter().all(|one| !one.reason.is_empty() && !one.detail.is_empty()), "{name}");
        if first.components.is_empty() && first.skipped.is_empty() {
            silent.push(name);
        }
        with += usize::from(!first.components.is_empty());
        components += first.components.len();
        if std::env::var_os("SBOM_TABLE").is_some() {
            tell(&format!("{name}: {} os={:?}", first.components.len(), first.os.as_ref().map(|os| &os.ecosystem)));
            first.skipped.iter().for_each(|one| tell(&format!("    {} {}: {}", one.path, one.reason, one.detail)));
        }
    }
    assert_eq!(silent, Vec::<&String>::new(), "nothing found, and nothing said");
    if !all.is_empty() {
        tell(&format!("{with} of {} real documents name components, {components} in all", all.len()));
        assert!(with >= 110, "{with}");
    }
}

fn key(inventory: &Inventory) -> BTreeSet<(String, String, String, String, String)> {
    let one = |found: &assay_model::component::Occurrence| {
        let c = &found.component;
        (c.purl.clone(), c.name.clone(), c.version.clone(), found.id.clone(), found.layer.clone().unwrap_or_default())
    };
    inventory.components.iter().map(one).collect()
}

#[test]
fn one_image_in_four_kinds_of_document() {
    let Some(folder) = corpus("oracles/trivy/sbom") else { return };
    let files =
        ["centos-7-cyclonedx.json", "centos-7-spdx.json", "centos-7-spdx.txt", "centos-7-cyclonedx.intoto.jsonl"];
    for name in files {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let found = inspect(name, &bytes).unwrap();
        let layer = "sha256:ac9208207adaac3a48e54a4dc6b49c69e78c3072d2b3add7efdabf814db2133b".to_owned();
        let expected = [
            ("pkg:rpm/centos/bash@4.2.46-31.el7?arch=x86_64&distro=centos-7.6.1810", "bash", "4.2.46-31.el7"),
            (
                "pkg:rpm/centos/openssl-libs@1.0.2k-16.el7?arch=x86_64&distro=centos-7.6.1810&epoch=1",
                "openssl-libs",
                "1:1.0.2k-16.el7",
            ),
        ];
        let ids = ["bash@4.2.46-31.el7.x86_64", "openssl-libs@1.0.2k-16.el7.x86_64"];
        let expected: BTreeSet<_> = expected
            .into_iter()
            .zip(ids)
            .map(|((purl, name, version), id)| (purl.into(), name.into(), version.into(), id.into(), layer.clone()))
            .collect();
        assert_eq!(key(&found), expected, "{name}");
        let os = found.os.unwrap();
        assert_eq!((&*os.id, &*os.version), ("centos", "7.6.1810"), "{name}");
        let image = found.image.unwrap();
        assert_eq!(image.tags, ["ghcr.io/aquasecurity/trivy-test-images:centos-7"]);
        let layers: Vec<_> = image.layers.iter().map(|one| (one.digest.as_str(), one.diff_id.as_str())).collect();
        assert_eq!(layers, [(&*layer, "sha256:89169d87dbe2b72ba42bfbb3579c957322baca28e03a1e558076542a1c1b2b4a")]);
    }
}

#[test]
fn what_is_no_bill_of_materials_is_not_taken_for_one() {
    for (name, text) in [
        ("package.json", r#"{"name":"a","components":[1],"dependencies":{"b":"1"}}"#),
        ("bom.json", r#"{"bomFormat":"other"}"#),
        ("x.cdx.json", "[]"),
        ("x.spdx", "hello"),
        ("x.cdx.xml", "<bom/>"),
    ] {
        let found = inspect(name, text.as_bytes()).unwrap();
        assert!(found.components.is_empty() && !found.skipped.is_empty(), "{name}");
    }
}
