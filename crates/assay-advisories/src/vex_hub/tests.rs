#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{Shelf, corpus, parse, zip_of};
use assay_model::vex::VexStatus;

fn document(product: &str) -> Vec<u8> {
    format!(
        r#"{{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "us", "timestamp": "2026-01-01T00:00:00Z",
            "statements": [{{"vulnerability": {{"name": "CVE-1"}}, "products": [{{"@id": "{product}"}}], "status": "fixed"}}]}}"#
    )
    .into_bytes()
}

fn index(locations: &[&str]) -> Vec<u8> {
    let packages: Vec<_> = locations.iter().map(|l| serde_json::json!({"id": "pkg:npm/a", "location": l})).collect();
    serde_json::json!({"version": 1, "packages": packages}).to_string().into_bytes()
}

#[test]
fn an_index_names_the_documents() {
    let (one, two) = (document("pkg:npm/a"), document("pkg:npm/b"));
    let archive = zip_of(&[("index.json", &index(&["pkg/a.json"])), ("pkg/a.json", &one), ("pkg/b.json", &two)]);
    assert!(VexHub.recognizes("anything.zip", &archive));
    let kept = parse(&VexHub, "hub.zip", &archive).unwrap();
    assert_eq!(kept.vex.len(), 1, "what the index does not name is passed over");
    assert_eq!((kept.vex[0].0.as_str(), kept.vex[0].1[0].status), ("pkg/a.json", VexStatus::Fixed));
    assert_eq!(kept.whole, ["vex"]);
}

#[test]
fn a_hub_with_a_gap_takes_nothing_back() {
    let one = document("pkg:npm/a");
    let missing = zip_of(&[("index.json", &index(&["a.json", "b.json"])), ("a.json", &one)]);
    assert!(parse(&VexHub, "hub.zip", &missing).unwrap().whole.is_empty());
    let damaged = zip_of(&[("index.json", &index(&["a.json", "b.json"])), ("a.json", &one), ("b.json", b"{")]);
    let kept = parse(&VexHub, "hub.zip", &damaged).unwrap();
    assert_eq!((kept.vex.len(), kept.bad.len(), kept.whole.len()), (1, 1, 0));
    assert!(parse(&VexHub, "hub.zip", &zip_of(&[("a.json", &one)])).is_err());
}

#[tokio::test]
async fn archives_of_repositories_have_a_folder_around() {
    let one = document("pkg:npm/a");
    let archive = zip_of(&[
        ("hub-main/README.md", b"x"),
        ("hub-main/a.json", &one),
        ("hub-main/index.json", &index(&["a.json"])),
    ]);
    let mut shelf = Shelf::new();
    shelf.put("https://feeds.example/main.zip", archive.clone());
    let Fetched::Batch { files, cursor } = VexHub.fetch(&shelf, "https://feeds.example/main.zip", None).await.unwrap()
    else {
        unreachable!("there is something")
    };
    assert!(VexHub.recognizes(&files[0].0, &archive), "by the name that it was given");
    assert_eq!(parse(&VexHub, &files[0].0, &archive).unwrap().vex.len(), 1);
    let again = VexHub.fetch(&shelf, "https://feeds.example/main.zip", Some(&cursor)).await.unwrap();
    assert!(matches!(again, Fetched::Unchanged));
}

#[test]
fn a_real_hub_is_read_whole() {
    let Some(feeds) = corpus("feeds/vex") else { return };
    let bytes = std::fs::read(feeds.join("aquasecurity-vexhub.zip")).unwrap();
    let kept = parse(&VexHub, "aquasecurity-vexhub.zip", &bytes).unwrap();
    assert_eq!((kept.bad.len(), kept.whole.len()), (0, 1), "{:?}", kept.bad);
    let statements: usize = kept.vex.iter().map(|(_, statements)| statements.len()).sum();
    assert!(kept.vex.len() > 50 && statements > 5000, "{} documents, {statements} statements", kept.vex.len());
}
