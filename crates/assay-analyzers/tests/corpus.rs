//! Real root filesystems and images, where the corpus is at hand.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs::File;

use assay_model::inventory::Inventory;
use assay_model::seam::inspector::Inspector;
use common::*;

fn read(path: &str) -> Option<Inventory> {
    let path = corpus(path)?;
    let mut file = File::open(&path).unwrap();
    let size = file.metadata().unwrap().len();
    let started = std::time::Instant::now();
    let inventory = inspector().file(&path.to_string_lossy(), size, &mut file).unwrap();
    eprintln!("{}: {} components in {:?}", path.display(), inventory.components.len(), started.elapsed());
    assert!(inventory.is_complete(), "{:?}", inventory.skipped);
    Some(inventory)
}

#[test]
fn alpine_310_as_docker_saved_it() {
    let Some(inventory) = read("rootfs/docker-save-alpine-310.tar.gz") else { return };
    let mut found: Vec<(&str, &str)> =
        inventory.components.iter().map(|found| (&*found.component.name, &*found.component.version)).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("alpine-baselayout", "3.1.2-r0"),
            ("alpine-keys", "2.1-r2"),
            ("apk-tools", "2.10.4-r2"),
            ("busybox", "1.30.1-r3"),
            ("ca-certificates-cacert", "20190108-r0"),
            ("libc-utils", "0.7.1-r0"),
            ("libcrypto1.1", "1.1.1d-r2"),
            ("libssl1.1", "1.1.1d-r2"),
            ("libtls-standalone", "2.9.1-r0"),
            ("musl", "1.1.22-r3"),
            ("musl-utils", "1.1.22-r3"),
            ("scanelf", "1.2.3-r0"),
            ("ssl_client", "1.30.1-r3"),
            ("zlib", "1.2.11-r1"),
        ]
    );
    assert!(inventory.components.iter().all(|found| found.component.ecosystem == "Alpine:v3.10"));
    let musl = named(&inventory, "musl");
    assert_eq!(musl.component.purl, "pkg:apk/alpine/musl@1.1.22-r3?arch=x86_64&distro=alpine-3.10.4");
    assert_eq!(named(&inventory, "libssl1.1").component.match_name, "openssl");
    assert!(musl.layer.as_deref().is_some_and(|layer| layer.starts_with("sha256:")));
    assert_eq!(inventory.os.unwrap().name, "Alpine Linux v3.10");
}

#[test]
fn alpine_root_filesystems() {
    for (version, ecosystem) in [
        ("3.10.9", "Alpine:v3.10"),
        ("3.14.10", "Alpine:v3.14"),
        ("3.18.9", "Alpine:v3.18"),
        ("3.20.3", "Alpine:v3.20"),
    ] {
        let Some(inventory) = read(&format!("rootfs/alpine-minirootfs-{version}-x86_64.tar.gz")) else { return };
        assert!(inventory.components.len() >= 14);
        assert!(inventory.components.iter().all(|found| found.component.ecosystem == ecosystem));
    }
}

#[test]
fn debian_12() {
    let Some(inventory) = read("rootfs/debian-12.15-minbase-main-only-amd64.tar.xz") else { return };
    assert_eq!(inventory.components.iter().filter(|found| found.analyzer == "dpkg").count(), 110);
    assert!(
        inventory
            .components
            .iter()
            .filter(|found| found.analyzer == "dpkg")
            .all(|found| found.component.ecosystem == "Debian:12")
    );
    let licensed = inventory.components.iter().filter(|found| !found.licenses.is_empty()).count();
    assert!(licensed >= 90, "{licensed} licences");
    let perl = named(&inventory, "perl-base");
    assert_eq!(perl.component.match_name, "perl");
    assert!(perl.component.purl.contains("arch=amd64&distro=debian-12&upstream=perl"), "{}", perl.component.purl);
}

#[test]
fn busybox_has_no_packages_and_nothing_was_left_out() {
    let Some(inventory) = read("rootfs/oci-layout-busybox-1.38.0-musl-amd64.tar") else { return };
    assert!(inventory.components.is_empty());
    assert!(inventory.files_seen > 300);
}
