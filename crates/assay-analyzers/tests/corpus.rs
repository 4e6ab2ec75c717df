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
    assert!(perl.component.purl.contains("arch=amd64&distro=debian-12.15&upstream=perl"), "{}", perl.component.purl);
}

#[test]
fn busybox_has_no_packages_and_nothing_was_left_out() {
    let Some(inventory) = read("rootfs/oci-layout-busybox-1.38.0-musl-amd64.tar") else { return };
    assert!(inventory.components.is_empty());
    assert!(inventory.files_seen > 300);
}

/// An rpm database of the corpus in a file system of its own.
fn rpm_system(file: &str, path: &str, release: &str) -> Option<Inventory> {
    let packed = File::open(corpus(&format!("rootfs/{file}"))?).unwrap();
    let mut database = Vec::new();
    let mut unpacked = assay_archive::decompress(packed, assay_archive::Limits::default()).unwrap();
    std::io::Read::read_to_end(&mut unpacked, &mut database).unwrap();
    let python = "usr/lib/python3.9/site-packages/alien-1.dist-info/METADATA";
    let files = [(path, database), ("etc/os-release", release.into()), (python, metadata("alien", "1").into_bytes())];
    let inventory = inspect("root.tar", &tar_of(&files)).unwrap();
    assert!(inventory.is_complete(), "{:?}", inventory.skipped);
    assert_eq!(named(&inventory, "alien").owned_by, None);
    Some(inventory)
}

#[test]
fn mariner_with_sqlite() {
    let release = "ID=mariner\nVERSION_ID=\"2.0\"\n";
    let Some(inventory) = rpm_system("rpmdb-cbl-mariner-2.0.sqlite.xz", "var/lib/rpm/rpmdb.sqlite", release) else {
        return;
    };
    // As many as rpm itself lists, without the vendor's key.
    assert_eq!(inventory.components.iter().filter(|found| found.analyzer == "rpm").count(), 129);
    let audit = named(&inventory, "audit-libs");
    assert_eq!(
        audit.component.purl,
        "pkg:rpm/azure-linux/audit-libs@3.0.6-1.cm2?arch=x86_64&distro=cbl-mariner-2.0&upstream=audit-3.0.6-1.cm2.src.rpm"
    );
    assert_eq!(audit.component.ecosystem, "Azure Linux:2");
    assert_eq!((&*audit.component.match_name, &*audit.component.match_version), ("audit", "3.0.6-1.cm2"));
    assert!(audit.depends_on.iter().any(|other| other.starts_with("glibc@")), "{:?}", audit.depends_on);
}

#[test]
fn sle_with_ndb() {
    let release = "ID=\"sles\"\nVERSION_ID=\"15.3\"\n";
    let path = "usr/lib/sysimage/rpm/Packages.db";
    let Some(inventory) = rpm_system("rpmdb-sle15-bci.Packages.db.xz", path, release) else { return };
    assert_eq!(inventory.components.iter().filter(|found| found.analyzer == "rpm").count(), 35);
    let bash = named(&inventory, "bash");
    assert_eq!(bash.component.purl, "pkg:rpm/suse/bash@4.4-19.6.1?arch=x86_64&distro=sles-15.3");
    assert_eq!(bash.component.ecosystem, "SUSE:Linux Enterprise Server 15 SP3");
    assert_eq!(bash.component.match_name, "bash");
}

/// The package lists that peers publish, as databases: what they call a package, and its source, comes out again.
#[test]
fn lists_of_dpkg_and_apk() {
    let Some(folder) = corpus("oracles/trivy/packages") else { return };
    for list in std::fs::read_dir(folder).unwrap().flatten() {
        let packages: serde_json::Value = serde_json::from_slice(&std::fs::read(list.path()).unwrap()).unwrap();
        let packages = packages.as_array().unwrap();
        let of = |analyzer: &str, stanza: &dyn Fn(&serde_json::Value) -> String| -> String {
            packages.iter().filter(|package| package["AnalyzedBy"] == analyzer).map(stanza).collect()
        };
        let dpkg = of("dpkg", &|p| {
            let text = |key: &str| p[key].as_str().unwrap_or_default();
            format!(
                "Package: {}\nStatus: install ok installed\nSource: {} ({})\nVersion: {}\nMaintainer: {}\n\n",
                text("Name"),
                text("SrcName"),
                evr(p, "Src"),
                evr(p, ""),
                text("Maintainer")
            )
        });
        let apk = of("apk", &|p| {
            let text = |key: &str| p[key].as_str().unwrap_or_default();
            format!("P:{}\nV:{}\no:{}\n\n", text("Name"), text("Version"), text("SrcName"))
        });
        let found = layer(&tar_of(&[("var/lib/dpkg/status", dpkg), ("lib/apk/db/installed", apk)])).components;
        for package in packages.iter().filter(|package| package["AnalyzedBy"] != "rpm") {
            let text = |key: &str| package[key].as_str().unwrap_or_default();
            let found = found.iter().find(|found| found.id == text("ID")).unwrap_or_else(|| panic!("{}", text("ID")));
            assert_eq!(found.component.version, evr(package, ""));
            assert_eq!(found.source(), (text("SrcName"), evr(package, "Src").as_str()));
        }
    }
}

fn evr(package: &serde_json::Value, of: &str) -> String {
    let text = |key: &str| package[format!("{of}{key}")].as_str().unwrap_or_default();
    let epoch = package[format!("{of}Epoch")].as_u64().map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let release = if text("Release").is_empty() { String::new() } else { format!("-{}", text("Release")) };
    format!("{epoch}{}{release}", text("Version"))
}
