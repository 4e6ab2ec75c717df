//! File systems: layers with whiteouts, images composed of them, image archives, directories.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use assay_model::Digest;
use assay_model::inventory::Inventory;
use assay_model::seam::inspector::Inspector;
use common::*;

const DPKG: &str = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0.11-1)\n\
    Version: 3.0.11-1+b1\nDescription: Secure Sockets Layer\n more\nDepends: libc6 (>= 2.34), zlib1g | zlib\n\n\
    Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
    Package: python3-yaml\nStatus: hold ok installed\nArchitecture: all\nSource: pyyaml\nVersion: 6.0-3\n\n";

fn image(layers: &[Vec<u8>]) -> (Vec<Digest>, Inventory) {
    let made: Vec<(Digest, Inventory)> = layers.iter().map(|bytes| (Digest::of(bytes), layer(bytes))).collect();
    (made.iter().map(|(digest, _)| digest.clone()).collect(), inspector().compose(&made))
}

#[test]
fn packages_of_alpine() {
    let tar =
        tar_of(&[("lib/apk/db/installed", apk_db(&[("musl", "1.1.22-r3")]).as_str()), ("etc/os-release", ALPINE)]);
    let inventory = layer(&tar);
    let musl = named(&inventory, "musl");
    assert_eq!(musl.component.purl, "pkg:apk/alpine/musl@1.1.22-r3?arch=x86_64&distro=alpine-3.10.4&upstream=musl-src");
    assert_eq!(musl.component.ecosystem, "Alpine:v3.10");
    assert_eq!((&*musl.component.match_name, &*musl.component.match_version), ("musl-src", "1.1.22-r3"));
    assert_eq!(musl.requires, ["so:libc", "/bin/sh"]);
    assert_eq!(musl.licenses, ["MIT"]);
    assert_eq!(inventory.os.unwrap().ecosystem, "Alpine:v3.10");
}

#[test]
fn packages_of_debian_and_what_they_own() {
    let egg = "usr/lib/python3/dist-packages/PyYAML-6.0.egg-info/PKG-INFO";
    let tar = tar_of(&[
        ("./var/lib/dpkg/status", DPKG.to_owned()),
        ("./var/lib/dpkg/info/python3-yaml.list", format!("/.\n/usr\n/{egg}\n")),
        (&format!("./{egg}"), metadata("PyYAML", "6.0")),
        ("./usr/local/lib/python3.11/site-packages/own-1.dist-info/METADATA", metadata("own", "1")),
        ("./usr/share/doc/libssl3/copyright", "Format: x\n\nFiles: *\nLicense: Apache-2.0\n".to_owned()),
        ("./usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\n".to_owned()),
    ]);
    let inventory = layer(&gz(&tar));
    assert!(inventory.is_complete());
    assert_eq!(inventory.components.len(), 4);
    let ssl = named(&inventory, "libssl3");
    assert_eq!(
        ssl.component.purl,
        "pkg:deb/debian/libssl3@3.0.11-1%2Bb1?arch=amd64&distro=debian-12&upstream=openssl%403.0.11-1"
    );
    assert_eq!(ssl.component.ecosystem, "Debian:12");
    assert_eq!((&*ssl.component.match_name, &*ssl.component.match_version), ("openssl", "3.0.11-1"));
    assert_eq!(ssl.requires, ["libc6 (>= 2.34)", "zlib1g | zlib"]);
    assert_eq!(ssl.licenses, ["Apache-2.0"]);
    assert_eq!(ssl.summary.as_deref(), Some("Secure Sockets Layer"));
    let owner = named(&inventory, "python3-yaml").component.purl.clone();
    assert_eq!(named(&inventory, "PyYAML").owned_by.as_ref(), Some(&owner));
    assert_eq!(named(&inventory, "own").owned_by, None);
}

#[test]
fn files_owned_by_packages_of_alpine() {
    let folder = "usr/lib/python3.12/site-packages/six-1.16.0.dist-info";
    let db = format!("{}P:py3-six\nV:1.16.0-r9\nA:noarch\nF:{folder}\nR:METADATA\n\n", apk_db(&[("musl", "1")]));
    let tar = tar_of(&[("lib/apk/db/installed", db), (&format!("{folder}/METADATA"), metadata("six", "1.16.0"))]);
    let inventory = layer(&tar);
    assert_eq!(named(&inventory, "six").owned_by.as_deref(), Some("pkg:apk/py3-six@1.16.0-r9?arch=noarch"));
    // The release is told by another layer: the owner's name follows.
    let (_, whole) = image(&[tar_of(&[("etc/os-release", ALPINE)]), tar]);
    let owner = named(&whole, "six").owned_by.clone().unwrap();
    assert_eq!(owner, "pkg:apk/alpine/py3-six@1.16.0-r9?arch=noarch&distro=alpine-3.10.4");
    assert_eq!(named(&whole, "py3-six").component.purl, owner);
}

#[test]
fn a_distribution_without_a_package_manager() {
    let stanza = "Package: base-files\nArchitecture: amd64\nVersion: 12.4+deb12u5\n";
    let tar = tar_of(&[
        ("var/lib/dpkg/status.d/base", stanza),
        ("var/lib/dpkg/status.d/base.md5sums", "00  etc/debian_version\n"),
        ("etc/debian_version", "12.5\n"),
    ]);
    let inventory = layer(&tar);
    assert!(inventory.is_complete(), "{:?}", inventory.skipped);
    assert_eq!(named(&inventory, "base-files").component.ecosystem, "Debian:12");
}

#[test]
fn layers_replace_remove_and_keep_their_origin() {
    let base = tar_of(&[
        ("lib/apk/db/installed", apk_db(&[("musl", "1.0-r0"), ("old", "1-r0")])),
        ("srv/node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#.to_owned()),
        ("srv/node_modules/b/package.json", r#"{"name":"b","version":"1.0.0"}"#.to_owned()),
        ("opt/x/c-1.dist-info/METADATA", metadata("c", "1")),
        ("usr/lib/os-release", ALPINE.to_owned()),
    ]);
    let upgrade = tar_of(&[
        ("lib/apk/db/installed", apk_db(&[("musl", "1.0-r0"), ("old", "2-r0"), ("new", "1-r0")])),
        ("srv/node_modules/.wh.a", String::new()),
        ("opt/x/.wh..wh..opq", String::new()),
        ("opt/x/d-1.dist-info/METADATA", metadata("d", "1")),
    ]);
    let (digests, whole) = image(&[base, upgrade]);
    let names: Vec<(&str, &str, Option<&str>)> = whole
        .components
        .iter()
        .map(|found| (&*found.component.name, &*found.component.version, found.layer.as_deref()))
        .collect();
    let (first, second) = (Some(digests[0].as_str()), Some(digests[1].as_str()));
    assert_eq!(
        names,
        [
            ("musl", "1.0-r0", first),
            ("new", "1-r0", second),
            ("old", "2-r0", second),
            ("d", "1", second),
            ("b", "1.0.0", first),
        ]
    );
    assert!(whole.components.iter().take(3).all(|found| found.component.ecosystem == "Alpine:v3.10"));
    assert!(whole.whiteouts.is_empty());
}

#[test]
fn a_layer_can_remove_everything() {
    let base = tar_of(&[("lib/apk/db/installed", apk_db(&[("musl", "1")])), ("etc/os-release", ALPINE.to_owned())]);
    for name in [".wh.lib", ".wh..wh..opq"] {
        let (_, whole) = image(&[base.clone(), tar_of(&[(name, "")])]);
        assert!(whole.components.is_empty(), "{name}");
        assert_eq!(whole.os.is_none(), name.ends_with("opq"));
    }
    let (_, emptied) = image(&[base, tar_of(&[("lib/apk/db/installed", "")])]);
    assert!(emptied.components.is_empty());
}

#[test]
fn archives_in_a_file_system_are_opened_if_they_are_packages() {
    let sdist = gz(&tar_of(&[("b-2.0/PKG-INFO", metadata("b", "2.0"))]));
    let tar = tar_of(&[
        ("root/a-1-py3-none-any.whl", wheel("a", "1")),
        ("root/b-2.0.tar.gz", sdist),
        ("root/backup-2024.tar.gz", gz(b"no archive")),
        ("root/broken-1-py3-none-any.whl", b"PK\x03\x04 broken".to_vec()),
    ]);
    let inventory = layer(&tar);
    assert_eq!(purls(&inventory), ["pkg:pypi/a@1", "pkg:pypi/b@2.0"]);
    assert_eq!(inventory.components[0].path, "root/a-1-py3-none-any.whl!/a-1.dist-info/METADATA");
    assert!(inventory.components.iter().all(|found| !found.is_subject));
    let skipped: Vec<_> = inventory.skipped.iter().map(|s| (&*s.path, &*s.reason)).collect();
    assert_eq!(skipped, [("root/broken-1-py3-none-any.whl", "corrupt")]);
}

#[test]
fn what_a_layer_hides_from_us_is_told() {
    let mut builder = tar::Builder::new(Vec::new());
    append(&mut builder, "var/lib/rpm/rpmdb.sqlite", b"SQLite");
    append(&mut builder, "store/x", br#"{"name":"x","version":"1"}"#);
    append(&mut builder, "node_modules/y/package.json", br#"{"name":"y","version":"1"}"#);
    append(&mut builder, "node_modules/z/package.json", b"not json");
    append_link(&mut builder, tar::EntryType::Link, "node_modules/x/package.json", "store/x");
    append_link(&mut builder, tar::EntryType::Link, "srv/node_modules/y/package.json", "node_modules/y/package.json");
    let inventory = layer(&builder.into_inner().unwrap());
    assert_eq!(purls(&inventory), ["pkg:npm/y@1", "pkg:npm/y@1"]);
    let skipped: Vec<_> = inventory.skipped.iter().map(|s| (&*s.path, &*s.reason)).collect();
    assert_eq!(
        skipped,
        [
            ("var/lib/rpm/rpmdb.sqlite", "corrupt"),
            ("node_modules/z/package.json", "corrupt"),
            ("node_modules/x/package.json", "unsupported"),
        ]
    );
}

#[test]
fn a_name_that_comes_twice_counts_as_it_came_last() {
    let tar = tar_of(&[
        ("lib/apk/db/installed", apk_db(&[("old", "1")])),
        ("etc/os-release", "ID=debian\nVERSION_ID=12\n".to_owned()),
        ("etc/os-release", ALPINE.to_owned()),
        ("lib/apk/db/installed", apk_db(&[("new", "1")])),
    ]);
    let inventory = layer(&tar);
    assert_eq!(inventory.components.len(), 1);
    assert_eq!(named(&inventory, "new").component.ecosystem, "Alpine:v3.10");
}

#[test]
fn packages_that_no_advisory_can_match_are_told() {
    let db = ("lib/apk/db/installed", apk_db(&[("musl", "1")]));
    let (_, whole) = image(&[tar_of(std::slice::from_ref(&db))]);
    assert_eq!(whole.components.len(), 1);
    assert_eq!(whole.skipped.len(), 1, "{:?}", whole.skipped);
    let (_, whole) = image(&[tar_of(&[db, ("etc/os-release", "ID=plan9\nPRETTY_NAME=Plan9\n".to_owned())])]);
    assert!(whole.skipped[0].detail.contains("Plan9"), "{:?}", whole.skipped);
    assert_eq!(named(&whole, "musl").component.purl, "pkg:apk/plan9/musl@1?arch=x86_64&distro=plan9&upstream=musl-src");
}

#[test]
fn a_cut_layer_says_so_and_keeps_what_was_read() {
    let tar = tar_of(&[("lib/apk/db/installed", apk_db(&[("musl", "1")])), ("big", "x".repeat(9000))]);
    let inventory = layer(&tar[..tar.len() - 6000]);
    assert_eq!(inventory.components.len(), 1);
    assert!(!inventory.is_complete());
    let problem = inspector().layer(&mut &b"no layer at all"[..]).unwrap_err();
    assert_eq!(problem.code, "corrupt", "{problem}");
}

fn base_layer() -> Vec<u8> {
    tar_of(&[("lib/apk/db/installed", apk_db(&[("musl", "1")])), ("etc/os-release", ALPINE.to_owned())])
}

#[test]
fn an_archive_of_docker_save() {
    let (base, top) = (base_layer(), tar_of(&[("lib/.wh.apk", "")]));
    let (a, b) = ("a".repeat(64), "b".repeat(64));
    let manifest = |layers: &str| format!(r#"[{{"Config":"c.json","RepoTags":["x:1"],"Layers":[{layers}]}}]"#);
    let both = manifest(&format!(r#""{a}/layer.tar","{b}/layer.tar""#));
    let (first, second) = (format!("{a}/layer.tar"), format!("{b}/layer.tar"));
    let files = [(first.as_str(), base.clone()), (second.as_str(), top), ("manifest.json", both.into_bytes())];
    let inventory = inspect("image.tar.gz", &gz(&tar_of(&files))).unwrap();
    assert!(inventory.components.is_empty() && inventory.is_complete());

    let one = manifest(&format!(r#""{a}/layer.tar""#));
    let files = [("manifest.json", one.clone().into_bytes()), (first.as_str(), base.clone())];
    let inventory = inspect("image.tar", &tar_of(&files)).unwrap();
    assert_eq!(named(&inventory, "musl").layer.as_deref(), Some(Digest::of(&base).as_str()));
    assert_eq!(named(&inventory, "musl").component.ecosystem, "Alpine:v3.10");

    let inventory = inspect("image.tar", &tar_of(&[("manifest.json", one)])).unwrap();
    assert_eq!(inventory.skipped.len(), 1, "a missing layer is told");
}

#[test]
fn an_oci_layout() {
    let packed = gz(&base_layer());
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::of(bytes).hex());
    let manifest = format!(
        r#"{{"schemaVersion":2,"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{}"}}]}}"#,
        Digest::of(&packed)
    )
    .into_bytes();
    let statement = br#"{"layers":[{"mediaType":"application/vnd.in-toto+json","digest":"sha256:00"}]}"#.to_vec();
    let inner = format!(
        r#"{{"manifests":[{{"digest":"{}"}},{{"digest":"{}"}}]}}"#,
        Digest::of(&manifest),
        Digest::of(&statement)
    )
    .into_bytes();
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{{"digest":"{}"}}]}}"#, Digest::of(&inner)).into_bytes();
    let files = [
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ("index.json", index),
        (&blob(&inner), inner),
        (&blob(&manifest), manifest),
        (&blob(&statement), statement),
        (&blob(&packed), packed.clone()),
    ];
    let inventory = inspect("layout.tar", &tar_of(&files)).unwrap();
    assert!(inventory.is_complete(), "{:?}", inventory.skipped);
    assert_eq!(named(&inventory, "musl").layer.as_deref(), Some(Digest::of(&packed).as_str()));
}

#[test]
fn a_layer_with_other_content_than_its_name_is_not_believed() {
    let name = format!("blobs/sha256/{}", "0".repeat(64));
    let manifest = format!(r#"[{{"Layers":["{name}"]}}]"#).into_bytes();
    let inventory =
        inspect("image.tar", &tar_of(&[(name.as_str(), base_layer()), ("manifest.json", manifest)])).unwrap();
    assert!(inventory.components.is_empty());
    assert_eq!(inventory.skipped[0].reason, "corrupt");
}

#[test]
fn a_bomb_in_a_layer_is_told_and_the_rest_is_read() {
    let zeros = "\0".repeat(64 << 20);
    let bomb = zip_of(&[("zeros", &zeros), ("x-1.dist-info/METADATA", &metadata("x", "1"))]);
    let tar =
        tar_of(&[("root/x-1-py3-none-any.whl", bomb), ("lib/apk/db/installed", apk_db(&[("musl", "1")]).into_bytes())]);
    let inventory = layer(&gz(&tar));
    assert_eq!(inventory.components.len(), 1);
    assert_eq!((&*inventory.skipped[0].path, &*inventory.skipped[0].reason), ("root/x-1-py3-none-any.whl", "limit"));
    let strict = assay_analyzers::StandardInspector::new(assay_archive::Limits::default().with_total_bytes(1 << 20));
    let problem = strict.layer(&mut gz(zeros.as_bytes()).as_slice()).unwrap_err();
    assert_eq!((problem.kind, problem.code), (assay_model::Kind::TooLarge, "limit"), "{problem}");
}

#[test]
fn a_directory_is_read_and_not_left() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let write = |path: &str, content: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    write("root/lib/apk/db/installed", &apk_db(&[("musl", "1.1-r0")]));
    write("root/etc/os-release", ALPINE);
    write("outside/node_modules/evil/package.json", r#"{"name":"evil","version":"1"}"#);
    std::os::unix::fs::symlink(folder.path().join("outside"), root.join("link")).unwrap();
    std::os::unix::fs::symlink(&root, root.join("loop")).unwrap();
    let inventory = inspector().directory(&root).unwrap();
    assert_eq!(inventory.components.len(), 1);
    assert_eq!(inventory.components[0].component.ecosystem, "Alpine:v3.10");
    assert!(inspector().directory(&root.join("missing")).is_err());
}
