//! Fetching from a bulk export that stands in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::super::*;
use crate::testing::{Shelf, zip_of};
use assay_model::seam::source::Fetched;

const BASE: &str = "https://feeds.example/export/";

fn record(id: &str) -> Vec<u8> {
    format!("{{\"id\": \"{id}\", \"modified\": \"2026-01-01T00:00:00Z\"}}").into_bytes()
}

fn export() -> Shelf {
    let mut net = Shelf::new();
    net.put(&format!("{BASE}ecosystems.txt"), "Red Hat\nAlpine\nAlpine:v3.10\n[EMPTY]\n../x\nUbuntu:22.04:LTS\n");
    for ecosystem in ["Red%20Hat", "Alpine", "Ubuntu:22.04:LTS"] {
        net.put(&format!("{BASE}{ecosystem}/all.zip"), zip_of(&[("A-1.json", &record("A-1"))]));
        list(&mut net, ecosystem, &["2026-01-02T00:00:00Z,A-1", "2026-01-01T00:00:00.5Z,A-0"]);
    }
    net
}

fn list(net: &mut Shelf, ecosystem: &str, lines: &[&str]) {
    net.put(&format!("{BASE}{ecosystem}/modified_id.csv"), lines.join("\n"));
}

async fn fetch(net: &Shelf, base: &str, since: Option<&Cursor>) -> (Vec<String>, Option<Cursor>) {
    match Osv.fetch(net, base, since).await.unwrap() {
        Fetched::Unchanged => (Vec::new(), None),
        Fetched::Batch { files, cursor } => {
            for (name, path) in &files {
                assert!(Osv.recognizes(name, &std::fs::read(path).unwrap()), "{name}");
            }
            (
                files
                    .into_iter()
                    .map(|(name, path)| {
                        std::fs::remove_file(path).unwrap();
                        name
                    })
                    .collect(),
                Some(cursor),
            )
        }
    }
}

#[tokio::test]
async fn first_the_zips_then_only_what_changed() {
    let mut net = export();
    let (files, cursor) = fetch(&net, BASE, None).await;
    assert_eq!(files, ["Alpine/all.zip", "Red Hat/all.zip", "Ubuntu:22.04:LTS/all.zip"]);
    let cursor = cursor.unwrap();
    net.asked();
    assert_eq!(fetch(&net, BASE, Some(&cursor)).await.0, [""; 0]);
    assert!(!net.asked().iter().any(|address| address.ends_with(".zip")));

    // One newer record, and one that was changed at the very instant of the last fetch.
    list(
        &mut net,
        "Alpine",
        &[
            "2026-01-03T00:00:00Z,A-3",
            "2026-01-02T00:00:00Z,A-2",
            "2026-01-02T00:00:00Z,A-1",
            "2026-01-01T00:00:00Z,A-0",
        ],
    );
    net.put(&format!("{BASE}Alpine/A-3.json"), record("A-3"));
    net.put(&format!("{BASE}Alpine/A-2.json"), record("A-2"));
    let (files, next) = fetch(&net, BASE, Some(&cursor)).await;
    assert_eq!(files, ["Alpine/A-3.json", "Alpine/A-2.json"]);
    assert_eq!(fetch(&net, BASE, next.as_ref()).await.0, [""; 0]);
    assert_eq!(net.spooled(), 0, "lists do not stay behind");
}

#[tokio::test]
async fn many_changes_or_a_missing_record_bring_the_zip() {
    let mut net = export();
    let cursor = fetch(&net, BASE, None).await.1.unwrap();
    net.put(&format!("{BASE}Alpine/all.zip"), zip_of(&[("A-9.json", &record("A-9"))]));
    let many: Vec<String> = (0..201).map(|n| format!("2026-02-01T00:00:00Z,B-{n}")).collect();
    list(&mut net, "Alpine", &many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(fetch(&net, BASE, Some(&cursor)).await.0, ["Alpine/all.zip"]);
    list(&mut net, "Alpine", &["2026-02-01T00:00:00Z,GONE", "nonsense", "2026-02-01T00:00:00Z,../../x"]);
    let (files, next) = fetch(&net, BASE, Some(&cursor)).await;
    assert_eq!(files, ["Alpine/all.zip"]);
    assert_eq!(fetch(&net, BASE, next.as_ref()).await.0, [""; 0]);
}

#[tokio::test]
async fn a_fragment_restricts_the_ecosystems() {
    let net = export();
    let (files, _) = fetch(&net, &format!("{BASE}#Red Hat, Alpine"), None).await;
    assert_eq!(files, ["Alpine/all.zip", "Red Hat/all.zip"]);
    assert!(!net.asked().iter().any(|address| address.ends_with("ecosystems.txt")));
}

#[tokio::test]
async fn one_ecosystem_failing_keeps_its_place_and_all_failing_is_an_error() {
    let mut net = export();
    net.files.remove(&format!("{BASE}Alpine/all.zip"));
    let (files, cursor) = fetch(&net, BASE, None).await;
    assert_eq!(files, ["Red Hat/all.zip", "Ubuntu:22.04:LTS/all.zip"]);
    net.put(&format!("{BASE}Alpine/all.zip"), zip_of(&[("A-1.json", &record("A-1"))]));
    assert_eq!(fetch(&net, BASE, cursor.as_ref()).await.0, ["Alpine/all.zip"]);
    assert!(Osv.fetch(&net, "https://feeds.example/nothing#Alpine", None).await.is_err());
    assert!(Osv.fetch(&net, "https://feeds.example/nothing", None).await.is_err());
}

#[tokio::test]
async fn a_mirror_without_lists_goes_by_entity_tags() {
    let mut net = export();
    let base = format!("{BASE}#Alpine");
    net.files.remove(&format!("{BASE}Alpine/modified_id.csv"));
    let (files, cursor) = fetch(&net, &base, None).await;
    assert_eq!(files, ["Alpine/all.zip"]);
    assert_eq!(fetch(&net, &base, cursor.as_ref()).await.0, [""; 0]);
    net.put(&format!("{BASE}Alpine/all.zip"), zip_of(&[("A-2.json", &record("A-2"))]));
    assert_eq!(fetch(&net, &base, cursor.as_ref()).await.0, ["Alpine/all.zip"]);
    assert_eq!(fetch(&net, &base, Some(&Cursor("not json".into()))).await.0, ["Alpine/all.zip"]);
}
