//! Secrets and licences in whole artifacts: packages, directories, layers and images. Secrets are put together at run time.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::Cursor;

use assay_analyzers::{Selection, StandardInspector};
use assay_archive::Limits;
use assay_model::Digest;
use assay_model::inventory::{Inventory, LicenseClass, LicenseEvidence};
use assay_model::seam::inspector::Inspector;
use common::{ALPINE, gz, inspect, inspector, layer, metadata, tar_of, zip_of};

/// A token that no service gave out.
fn token(letter: char) -> String {
    format!("ghp_{}{}", letter.to_string().repeat(12), "1a2B".repeat(6))
}

const PERMISSION: &str = "Permission to use, copy, modify, and/or distribute this software for any purpose with or without \
fee is hereby granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED \"AS IS\" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED \
WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR \
CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, \
NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.";

fn rules(inventory: &Inventory) -> Vec<(&str, &str)> {
    inventory.secrets.iter().map(|found| (found.path.as_str(), found.rule.as_str())).collect()
}

fn header(license: &str) -> String {
    format!("# SPDX-License-{}: {license}\nimport os\n", "Identifier")
}

/// A package with secrets in its files, the names of which are told with it.
fn wheel() -> Vec<u8> {
    let config = format!("[github]\ntoken = {}\n", token('a'));
    zip_of(&[
        ("demo/__init__.py", &header("MIT OR Apache-2.0")),
        ("demo/settings.ini", &config),
        ("demo/tests/settings.ini", &config),
        ("demo-1.0.dist-info/METADATA", &metadata("demo", "1.0")),
        ("demo-1.0.dist-info/RECORD", ""),
        ("demo-1.0.dist-info/licenses/LICENSE", PERMISSION),
    ])
}

#[test]
fn packages_are_looked_into() {
    let found = inspect("demo-1.0-py3-none-any.whl", &wheel()).unwrap();
    assert_eq!(rules(&found), [("demo/settings.ini", "github-pat")]);
    let told: Vec<_> =
        found.licenses.iter().map(|one| (&*one.path, &*one.expression, one.evidence, one.class)).collect();
    assert_eq!(
        told,
        [
            ("demo-1.0.dist-info/licenses/LICENSE", "ISC", LicenseEvidence::Text, LicenseClass::Notice),
            ("demo/__init__.py", "MIT OR Apache-2.0", LicenseEvidence::Header, LicenseClass::Notice),
        ]
    );
    assert!(found.is_complete(), "{:?}", found.skipped);
}

#[test]
fn archives_inside_and_plain_files_are_looked_into() {
    let inner = gz(&tar_of(&[("app/.env", format!("TOKEN={}", token('b')))]));
    let found = inspect("outer.zip", &tar_of(&[("release.tar.gz", inner)])).unwrap();
    assert_eq!(rules(&found), [("release.tar.gz!/app/.env", "github-pat")]);
    let plain = inspect("notes.txt", format!("my token: {}\n", token('c')).as_bytes()).unwrap();
    assert_eq!(rules(&plain), [("notes.txt", "github-pat")]);
    assert!(!plain.is_complete(), "that no analyzer knows the file is still said");
}

#[test]
fn directories_are_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("deploy.sh"), format!("export T={}\n", token('d'))).unwrap();
    std::fs::write(folder.path().join("COPYING"), PERMISSION).unwrap();
    let found = inspector().directory(folder.path()).unwrap();
    assert_eq!(rules(&found), [("deploy.sh", "github-pat")]);
    assert_eq!(found.licenses[0].expression, "ISC");
}

#[test]
fn secrets_of_lower_layers_stay_and_their_licences_go() {
    let lower = layer(&tar_of(&[
        ("etc/os-release", ALPINE.as_bytes()),
        ("app/.env", format!("TOKEN={}", token('e')).as_bytes()),
        ("app/LICENSE", PERMISSION.as_bytes()),
    ]));
    let upper = layer(&tar_of(&[("app/.wh..env", ""), ("app/.wh.LICENSE", "")]));
    let digests = [Digest::of(b"1"), Digest::of(b"2")];
    let image = inspector().compose(&[(digests[0].clone(), lower), (digests[1].clone(), upper)]);
    assert_eq!(rules(&image), [("app/.env", "github-pat")]);
    assert_eq!(image.secrets[0].layer.as_deref(), Some(digests[0].as_str()));
    assert!(image.licenses.is_empty());
}

#[test]
fn configurations_of_images_are_looked_into() {
    let config = format!(r#"{{"config":{{"Env":["T={}"]}},"rootfs":{{"type":"layers","diff_ids":[]}}}}"#, token('f'));
    let manifest = r#"[{"Config":"c.json","RepoTags":["x:1"],"Layers":[]}]"#;
    let found = inspect("image.tar", &tar_of(&[("c.json", config.as_str()), ("manifest.json", manifest)])).unwrap();
    assert_eq!(rules(&found), [("config.json", "github-pat")]);
}

#[test]
fn no_inventory_shows_a_secret() {
    let layered = tar_of(&[("a.conf", format!("x={} y={}", token('a'), token('b'))), ("b.conf", token('c'))]);
    let config = format!(r#"{{"config":{{"Env":["T={}"]}}}}"#, token('d'));
    let manifest = r#"[{"Config":"c.json","Layers":[]}]"#;
    let image = tar_of(&[("c.json", config.as_str()), ("manifest.json", manifest)]);
    for (name, bytes) in [("demo-1.0-py3-none-any.whl", wheel()), ("root.tar", layered), ("image.tar", image)] {
        let found = inspect(name, &bytes).unwrap();
        assert!(!found.secrets.is_empty(), "{name}");
        let kept = serde_json::to_string(&found).unwrap();
        for letter in 'a'..='d' {
            let token = token(letter);
            assert!(!kept.contains(&token) && !kept.contains(&token[8..24]), "{name}: {kept}");
        }
    }
}

#[test]
fn what_is_not_selected_is_not_looked_for() {
    for (secrets, licenses) in [(false, false), (true, false), (false, true)] {
        let selection = Selection { secrets, licenses, ..Selection::default() };
        let inspector = StandardInspector::new(Limits::default()).selecting(selection);
        let bytes = wheel();
        let found = inspector.file("demo-1.0-py3-none-any.whl", bytes.len() as u64, &mut Cursor::new(bytes)).unwrap();
        assert_eq!((!found.secrets.is_empty(), found.licenses.len()), (secrets, if licenses { 2 } else { 0 }));
        assert_eq!(inspector.revision().contains("secrets/"), secrets);
    }
}
