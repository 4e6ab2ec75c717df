//! Archives inside archives, images in folders, and how far the look goes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::io::Cursor;

use assay_analyzers::{Selection, StandardInspector};
use assay_archive::Limits;
use assay_model::Digest;
use assay_model::inventory::Inventory;
use assay_model::seam::analyzer::Reads;
use assay_model::seam::inspector::Inspector;
use common::*;

fn skips(inventory: &Inventory) -> Vec<(&str, &str)> {
    inventory.skipped.iter().map(|skipped| (&*skipped.path, &*skipped.reason)).collect()
}

fn paths(inventory: &Inventory) -> Vec<&str> {
    inventory.components.iter().map(|found| &*found.path).collect()
}

fn zip_bytes(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        writer.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut writer, content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn archives_are_opened_whatever_they_are_in_and_called() {
    let inner = tar_of(&[("lib/node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)]);
    let release = zip_bytes(&[("data.bin", &gz(&inner)), ("notes.txt.gz", &gz(b"hello"))]);
    let bytes = tar_of(&[("dist/release", release), ("dist/b-1-py3-none-any.whl", wheel("b", "1"))]);
    let inventory = inspect("all.tar.gz", &gz(&bytes)).unwrap();
    assert!(inventory.is_complete(), "{:?}", inventory.skipped);
    assert_eq!(
        paths(&inventory),
        [
            "dist/b-1-py3-none-any.whl!/b-1.dist-info/METADATA",
            "dist/release!/data.bin!/lib/node_modules/a/package.json",
        ]
    );
    let read: Vec<&str> = inventory.read.iter().map(|read| &*read.path).collect();
    assert!(read.contains(&"dist/b-1-py3-none-any.whl") && read.contains(&paths(&inventory)[1]), "{read:?}");
}

#[test]
fn a_layer_that_removes_or_replaces_an_archive_removes_what_was_in_it() {
    let base =
        tar_of(&[("opt/a.zip", zip_of(&[("node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)]))]);
    let base = layer(&base);
    assert_eq!(paths(&base), ["opt/a.zip!/node_modules/a/package.json"]);
    for top in [tar_of(&[("opt/.wh.a.zip", "")]), tar_of(&[("opt/a.zip", zip_of(&[("readme", "")]))])] {
        let whole = inspector().compose(&[(Digest::of(b"1"), base.clone()), (Digest::of(b"2"), layer(&top))]);
        assert!(whole.components.is_empty(), "{whole:?}");
    }
}

#[test]
fn nesting_ends_where_the_limit_says_and_that_is_told() {
    let mut bytes = zip_of(&[("node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)]);
    for _ in 0..3 {
        bytes = zip_bytes(&[("in.zip", &bytes)]);
    }
    assert_eq!(inspect("deep.zip", &bytes).unwrap().components.len(), 1);
    let strict = StandardInspector::new(Limits::default().with_depth(3));
    let inventory = strict.file("deep.zip", bytes.len() as u64, &mut Cursor::new(bytes)).unwrap();
    assert!(inventory.components.is_empty());
    assert_eq!(skips(&inventory)[0], ("in.zip!/in.zip!/in.zip", "limit"));
}

#[test]
fn a_bomb_in_a_bomb_does_not_stop_the_rest() {
    let zeros = "\0".repeat(48 << 20);
    let bomb = zip_of(&[("zeros", &zeros)]);
    let files = [("a.zip", bomb), ("node_modules/a/package.json", br#"{"name":"a","version":"1.0.0"}"#.to_vec())];
    let inventory = inspect("x.tar", &tar_of(&files)).unwrap();
    assert_eq!(skips(&inventory), [("a.zip", "limit")]);
    assert_eq!(inventory.components.len(), 1);
}

#[test]
fn what_only_a_password_opens_is_told_and_the_rest_is_read() {
    let mut bytes =
        zip_of(&[("secret.txt", "x"), ("node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)]);
    // The flag is set by hand, in the local header and in the directory.
    bytes[6] |= 1;
    let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[directory + 8] |= 1;
    let inventory = inspect("some.zip", &bytes).unwrap();
    assert_eq!(skips(&inventory), [("secret.txt", "encrypted")]);
    assert_eq!(inventory.components.len(), 1);
    let inside = inspect("x.tar", &tar_of(&[("some.zip", bytes)])).unwrap();
    assert_eq!(skips(&inside), [("some.zip!/secret.txt", "encrypted")]);
}

#[test]
fn truncated_archives_inside_are_told() {
    let whole = gz(&tar_of(&[("node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)]));
    let inventory = inspect("x.tar", &tar_of(&[("cut.tgz", whole[..whole.len() - 20].to_vec())])).unwrap();
    assert!(skips(&inventory).iter().all(|skip| *skip == ("cut.tgz", "corrupt")), "{:?}", inventory.skipped);
    assert!(!inventory.is_complete());
}

#[test]
fn lock_files_of_archives_in_layers_are_nobody_s_project() {
    // What asks for project files is asked in a tree and in archives of it, but not in images.
    let all: Vec<Reads> = assay_analyzers::all().iter().map(|part| part.spec().reads).collect();
    let only = Selection::default().without(&[Reads::Package, Reads::System, Reads::Installed, Reads::Sbom]);
    let only = Selection { secrets: false, licenses: false, ..only };
    let inspector = StandardInspector::new(Limits::default()).selecting(only);
    assert_eq!(
        inspector.revision().split_whitespace().count(),
        all.iter().filter(|reads| **reads == Reads::Project).count()
    );
    let tar = tar_of(&[("node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)]);
    assert!(inspector.file("x.tar", 0, &mut Cursor::new(tar)).unwrap().components.is_empty());
}

fn image_files() -> Vec<(String, Vec<u8>)> {
    let files = [("lib/apk/db/installed", apk_db(&[("musl", "1")])), ("etc/os-release", ALPINE.to_owned())];
    let (plain, packed) = (tar_of(&files), gz(&tar_of(&files)));
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::of(bytes).hex());
    let config = format!(
        r#"{{"architecture":"amd64","rootfs":{{"diff_ids":["{}"]}},"history":[{{"created_by":"ADD rootfs"}}]}}"#,
        Digest::of(&plain)
    )
    .into_bytes();
    let manifest = format!(
        r#"{{"config":{{"digest":"{}"}},"layers":[{{"digest":"{}"}}]}}"#,
        Digest::of(&config),
        Digest::of(&packed)
    )
    .into_bytes();
    let index = format!(
        r#"{{"manifests":[{{"digest":"{}","annotations":{{"io.containerd.image.name":"r.example/x:1"}}}}]}}"#,
        Digest::of(&manifest)
    );
    vec![
        ("oci-layout".to_owned(), b"{}".to_vec()),
        ("index.json".to_owned(), index.into_bytes()),
        (blob(&manifest), manifest),
        (blob(&config), config),
        (blob(&packed), packed),
    ]
}

#[test]
fn a_layout_is_an_image_in_a_tar_and_in_a_folder() {
    let files = image_files();
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in &files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let in_folder = inspector().directory(folder.path()).unwrap();
    let borrowed: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let mut in_tar = inspect("layout.tar", &tar_of(&borrowed)).unwrap();
    in_tar.outline = None;
    assert_eq!(in_folder, in_tar, "but for what tells which analyzers may improve it, which files have alone");
    let image = in_tar.image.unwrap();
    assert_eq!(image.tags, ["r.example/x:1"]);
    assert_eq!(image.digests[0].split('@').next(), Some("r.example/x"));
    assert_eq!(image.config["architecture"], "amd64");
    assert_eq!(image.layers[0].created_by, "ADD rootfs");
    assert_eq!(image.layers[0].digest, *named(&in_folder, "musl").layer.as_ref().unwrap());
    assert_ne!(image.layers[0].digest, image.layers[0].diff_id);
    assert_eq!(image.layers[0].size, files[4].1.len() as u64);
    assert_eq!(image.id, Digest::of(&files[3].1).as_str());
}

#[test]
fn an_owner_that_a_later_layer_upgrades_still_owns() {
    let egg = "usr/lib/python3/dist-packages/x-1.egg-info";
    let status = |version: &str| {
        format!("Package: python3-x\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n")
    };
    let base = tar_of(&[
        ("var/lib/dpkg/status", status("1-1")),
        ("var/lib/dpkg/info/python3-x.list", format!("/{egg}\n")),
        (egg, metadata("x", "1")),
        ("etc/os-release", "ID=debian\nVERSION_ID=12\n".to_owned()),
    ]);
    let upgrade = tar_of(&[("var/lib/dpkg/status", status("1-2"))]);
    let removal = tar_of(&[("var/lib/dpkg/status", "")]);
    let compose = |top: &[u8]| inspector().compose(&[(Digest::of(b"1"), layer(&base)), (Digest::of(b"2"), layer(top))]);
    let upgraded = compose(&upgrade);
    assert_eq!(
        named(&upgraded, "x").owned_by.as_deref(),
        Some("pkg:deb/debian/python3-x@1-2?arch=all&distro=debian-12")
    );
    assert_eq!(named(&compose(&removal), "x").owned_by, None);
}

#[test]
fn links_that_go_in_circles_end() {
    let mut builder = tar::Builder::new(Vec::new());
    append_link(&mut builder, tar::EntryType::Link, "node_modules/a/package.json", "node_modules/b/package.json");
    append_link(&mut builder, tar::EntryType::Link, "node_modules/b/package.json", "node_modules/a/package.json");
    append_link(&mut builder, tar::EntryType::Symlink, "node_modules/c", "node_modules");
    let inventory = layer(&builder.into_inner().unwrap());
    assert!(inventory.components.is_empty());
}
