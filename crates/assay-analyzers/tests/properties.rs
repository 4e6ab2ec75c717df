//! Whatever the bytes are, an inspection ends: with an inventory or with a problem, never with a panic.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::Cursor;

use assay_model::Digest;
use assay_model::inventory::Inventory;
use assay_model::seam::analyzer::Entry;
use assay_model::seam::inspector::Inspector;
use common::*;
use proptest::prelude::*;

const PATHS: [&str; 42] = [
    "a-1.0.jar",
    "a.gem",
    "a-1.crate",
    "a.1.nupkg",
    "a.conda",
    "a.tar.bz2",
    "a.tar",
    "a.egg",
    "conda-meta/a.json",
    "specifications/a-1.gemspec",
    "vendor/composer/installed.json",
    "bin/a",
    "a-1-py3-none-any.whl",
    "a-1.tar.gz",
    "a-1.zip",
    "a-1.tgz",
    "lib/apk/db/installed",
    "var/lib/dpkg/status",
    "etc/os-release",
    "etc/alpine-release",
    "etc/debian_version",
    "etc/redhat-release",
    "etc/apk/repositories",
    "var/lib/rpm/Packages",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpmmanifest/container-manifest-2",
    "a-1-1.x86_64.rpm",
    "x/a.dist-info/METADATA",
    "x/a.egg-info",
    "node_modules/a/package.json",
    "a.zip",
    "a.gz",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "requirements.txt",
    "Pipfile.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "pylock.toml",
];

fn feed(path: &str, bytes: &[u8]) {
    for is_artifact in [false, true] {
        let entry = Entry { path, size: bytes.len() as u64, is_artifact, head: &bytes[..bytes.len().min(512)] };
        for part in assay_analyzers::all().iter().filter(|part| part.wants(&entry)) {
            let mut out = Inventory::default();
            let _ = part.analyze(&entry, &mut Cursor::new(bytes), &mut out);
            part.owned_files(path, &String::from_utf8_lossy(bytes), &mut |_, _| {});
            for found in &out.components {
                assert!(!found.component.name.is_empty() && found.component.purl.starts_with("pkg:"));
            }
        }
    }
    let _ = inspect(path, bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for path in PATHS {
            feed(path, &bytes);
        }
        let _ = inspector().layer(&mut bytes.as_slice());
    }

    #[test]
    fn arbitrary_lines(lines in proptest::collection::vec("([A-Za-z-]{1,12}|[PVAoLDFR]|ID|Status|Package|Version|Name)[:=][ -~]{0,20}|", 0..30)) {
        let text = lines.join("\n");
        for path in PATHS {
            feed(path, text.as_bytes());
        }
    }

    #[test]
    fn damaged_packages(at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let tar = tar_of(&[("a-1/PKG-INFO", metadata("a", "1")), ("etc/os-release", ALPINE.to_owned())]);
        for (path, mut bytes) in [("a-1-py3-none-any.whl", wheel("a", "1")), ("a-1.tar.gz", gz(&tar)), ("a.tar", tar)] {
            let index = at.index(bytes.len());
            bytes[index] = value;
            feed(path, &bytes);
            bytes.truncate(cut.index(bytes.len()));
            feed(path, &bytes);
            let _ = inspector().layer(&mut bytes.as_slice());
        }
    }

    #[test]
    fn composing_any_layers(paths in proptest::collection::vec("(\\.wh\\.)?[ab](/(\\.wh\\.)?[ab]){0,2}(/\\.wh\\.\\.wh\\.\\.opq)?", 0..8)) {
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        let one = layer(&tar_of(&files));
        let base = layer(&tar_of(&[("a/b/x.dist-info/METADATA", metadata("x", "1"))]));
        let whole = inspector().compose(&[(Digest::of(b"1"), base), (Digest::of(b"2"), one)]);
        let removed = |path: &str| paths.iter().any(|p| p == path);
        let expect_gone = removed(".wh.a") || removed("a/.wh.b") || removed("a/.wh..wh..opq") || removed("a/b/.wh..wh..opq")
            || removed(".wh..wh..opq");
        prop_assert_eq!(whole.components.is_empty(), expect_gone);
    }
}
