//! What we write we read back: the same components with the same keys, so the same findings.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::Path;

use assay_analyzers::StandardInspector;
use assay_archive::Limits;
use assay_engine::report::{SbomFormat, Sources, Subject, render};
use assay_model::component::{Component, Lines, Occurrence, Relationship};
use assay_model::inventory::{ImageFacts, ImageLayer, Inventory, Skipped};
use assay_model::seam::inspector::Inspector;
use assay_testkit::corpus;

fn inspect(name: &str, bytes: &[u8]) -> Inventory {
    let inspector = StandardInspector::new(Limits::default());
    inspector.file(name, bytes.len() as u64, &mut Cursor::new(bytes)).unwrap()
}

fn written(format: SbomFormat, inventory: &Inventory) -> String {
    let subject = Subject { name: "thing".into(), is_image: inventory.image.is_some(), ..Subject::default() };
    let details = BTreeMap::new();
    let at = "2026-08-16T12:00:00Z".parse().unwrap();
    render(format, Sources { subject: &subject, inventory, findings: &[], details: &details, at })
}

fn components(inventory: &Inventory) -> BTreeSet<&Component> {
    inventory.components.iter().filter(|one| !one.component.purl.is_empty()).map(|one| &one.component).collect()
}

/// Everything of a find that the format can carry.
fn finds(inventory: &Inventory, with_all: bool) -> BTreeSet<String> {
    let one = |found: &Occurrence| {
        let mut found = found.clone();
        // A graph has no order.
        found.depends_on.sort();
        if !with_all {
            // SPDX joins licences to one expression, and has one line for a summary.
            found.licenses.clear();
            found.summary = None;
        }
        found.summary = found.summary.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        serde_json::to_string(&found).unwrap()
    };
    inventory.components.iter().map(one).collect()
}

fn assert_round_trip(what: &str, inventory: &Inventory) {
    assert!(!inventory.components.is_empty(), "{what}");
    for format in SbomFormat::ALL {
        let text = written(format, inventory);
        let name = if format.name().contains("-tv") { "x.spdx" } else { "x.json" };
        let back = inspect(name, text.as_bytes());
        assert_eq!(components(&back), components(inventory), "{what} as {format}");
        let is_cyclonedx = format.name().starts_with("cyclonedx");
        let (got, wanted) = (finds(&back, is_cyclonedx), finds(inventory, is_cyclonedx));
        let lost: Vec<_> = wanted.difference(&got).take(2).collect();
        let new: Vec<_> = got.difference(&wanted).take(2).collect();
        assert!(lost.is_empty() && new.is_empty(), "{what} as {format}\nlost {lost:#?}\nnew {new:#?}");
        let os = |inventory: &Inventory| {
            inventory.os.as_ref().map(|os| (os.id.clone(), os.version.clone(), os.ecosystem.clone()))
        };
        assert_eq!(os(&back), os(inventory), "{what} as {format}");
        assert_eq!(back.image.is_some(), inventory.image.is_some(), "{what} as {format}");
        let gaps = |inventory: &Inventory| -> BTreeSet<(String, String, String)> {
            let own = |one: &&Skipped| one.reason != "unresolved";
            inventory.skipped.iter().filter(own).map(|s| (s.path.clone(), s.reason.clone(), s.detail.clone())).collect()
        };
        assert!(gaps(&back).is_superset(&gaps(inventory)), "{what} as {format}: {:?}", back.skipped);
        if format.name().starts_with("cyclonedx-json") {
            let again = inspect("y.json", written(format, &back).as_bytes());
            assert_eq!(finds(&again, true), finds(&back, true), "{what}, again");
        }
    }
}

#[test]
fn real_file_systems_come_back() {
    let Some(folder) = corpus("rootfs") else { return };
    let inspector = StandardInspector::new(Limits::default());
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
    files.sort();
    let is_archive = |path: &Path| path.to_string_lossy().contains(".tar");
    for path in files.into_iter().filter(|path| is_archive(path)) {
        let mut file = std::fs::File::open(&path).unwrap();
        let (name, size) = (path.file_name().unwrap().to_string_lossy().into_owned(), file.metadata().unwrap().len());
        let inventory = inspector.file(&name, size, &mut file).unwrap();
        if !inventory.components.is_empty() {
            assert_round_trip(&name, &inventory);
        }
    }
}

#[test]
fn a_project_comes_back() {
    let Some(folder) = corpus("oracles/trivy/repo") else { return };
    let inspector = StandardInspector::new(Limits::default());
    assert_round_trip("repositories", &inspector.directory(&folder).unwrap());
}

fn made(purl: &str, ecosystem: &str, keys: (&str, &str)) -> Occurrence {
    let parsed: assay_model::purl::Purl = purl.parse().unwrap();
    let (name, version) = (parsed.name().to_owned(), parsed.version().unwrap_or_default().to_owned());
    let component = Component {
        purl: purl.into(),
        purl_type: parsed.kind().into(),
        namespace: parsed.namespace().unwrap_or_default().into(),
        ecosystem: ecosystem.into(),
        match_name: if keys.0.is_empty() { name.clone() } else { keys.0.into() },
        match_version: if keys.1.is_empty() { version.clone() } else { keys.1.into() },
        name,
        version,
    };
    Occurrence { component, path: "a/lock".into(), analyzer: "some-analyzer".into(), ..Occurrence::default() }
}

#[test]
fn everything_a_find_can_say_comes_back() {
    let mut full = made("pkg:npm/%40s/a@1.0.0", "npm", ("@s/a", ""));
    full.id = "@s/a@1.0.0".into();
    full.depends_on = vec!["b@2".into()];
    full.relationship = Relationship::Direct;
    full.dev = true;
    full.lines = vec![Lines { first: 1, last: 4 }, Lines { first: 9, last: 9 }];
    full.vendored_in = Some("pkg:npm/outer@1".into());
    full.owned_by = Some("pkg:deb/debian/a@1".into());
    full.digest = Some("sha512:unusual".into());
    full.licenses = vec!["MIT".into(), "MIT OR 0BSD".into(), "Own licence".into()];
    full.summary = Some("A & <b> \"c\"".into());
    full.requires = vec!["b@^2".into(), "c@*".into()];
    full.layer = Some(format!("sha256:{}", "d".repeat(64)));
    full.properties = BTreeMap::from([("some-analyzer.key".into(), "value: with, all <kinds>".into())]);
    let mut leaf = made("pkg:npm/b@2", "npm", ("", ""));
    leaf.id = "b@2".into();
    leaf.relationship = Relationship::Indirect;
    let mut subject = made("pkg:maven/org.example/jar@1?type=war", "Maven", ("org.example:jar", ""));
    subject.is_subject = true;
    subject.path = "jar.war".into();
    let nobody = made("pkg:generic/thing@1", "", ("", ""));
    let inventory = Inventory {
        components: vec![full, leaf, subject, nobody],
        image: Some(ImageFacts {
            id: "sha256:1".into(),
            tags: vec!["a:1".into()],
            layers: vec![ImageLayer { digest: "sha256:2".into(), diff_id: "sha256:3".into(), ..ImageLayer::default() }],
            ..ImageFacts::default()
        }),
        skipped: vec![Skipped {
            path: "x/y.zip".into(),
            reason: "encrypted".into(),
            detail: "the entry is encrypted".into(),
        }],
        ..Inventory::default()
    };
    assert_round_trip("all fields", &inventory);
    let image = inspect("x.json", written(SbomFormat::CycloneDx16Json, &inventory).as_bytes()).image.unwrap();
    assert_eq!((image.id.as_str(), image.tags.len(), image.layers[0].diff_id.as_str()), ("sha256:1", 1, "sha256:3"));
}
