//! Real feeds of two days: what an import says must be what differs between the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_testkit::{Run, corpus};
use serde_json::Value;

use super::Report;
use crate::support::ASSAY;

/// A debug build reads tens of thousands of records in a minute or so.
const LIMIT: Duration = Duration::from_secs(600);

async fn import(data: &Path, path: &Path) -> Report {
    let run = Run::new(ASSAY).unwrap().args(["feeds", "import", "--json", "--data"]).arg(data).arg(path);
    Report::read(&run.limit(LIMIT).succeed().await.unwrap().stdout).unwrap()
}

fn zip_of(snapshot: &str, ecosystem: &str) -> Option<PathBuf> {
    corpus(&format!("feeds/{snapshot}/{ecosystem}/all.zip"))
}

/// The lists of ids that differ, and the sizes.
fn listed(delta: &Value, name: &str) -> Vec<String> {
    delta[name].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

async fn follow(ecosystem: &str) {
    let (Some(before), Some(after)) = (zip_of("osv-2-before", ecosystem), zip_of("osv", ecosystem)) else { return };
    let Some(delta) = corpus(&format!("feeds/osv-2-before/delta-{ecosystem}.json")) else { return };
    let delta: Value = serde_json::from_slice(&std::fs::read(delta).unwrap()).unwrap();
    let (added, changed) = (listed(&delta, "added"), listed(&delta, "changed"));
    // A record that is withdrawn when it first comes is new: there is nothing that it could take back.
    let withdrawn = listed(&delta, "newly_withdrawn").iter().filter(|id| !added.contains(id)).count() as u64;
    let (new, changed) = (added.len() as u64, changed.len() as u64 - withdrawn);
    let [had, has] = ["before", "after"].map(|name| delta[name].as_u64().unwrap());

    let folder = tempfile::tempdir().unwrap();
    assert_eq!(import(folder.path(), &before).await.counts("osv"), [had, 0, 0, 0, 0]);
    let unchanged = has - new - changed - withdrawn;
    let removed = listed(&delta, "removed").len() as u64;
    let expected = [new, changed, withdrawn + removed, unchanged, 0];
    assert_eq!(
        import(folder.path(), &after).await.counts("osv"),
        expected,
        "what an export no longer has is taken back"
    );
    assert_eq!(import(folder.path(), &after).await.counts("osv"), [0, 0, 0, has, 0]);
}

#[tokio::test]
async fn two_snapshots_of_the_rust_advisories() {
    follow("crates-io").await;
}

#[tokio::test]
async fn two_snapshots_of_the_node_advisories() {
    follow("npm").await;
}

/// The rows of a day, as another program unpacks them.
async fn rows(path: &Path) -> BTreeMap<String, String> {
    let unpacked = Run::new("gzip").unwrap().args(["-dc"]).arg(path).succeed().await.unwrap().stdout;
    let row = |line: &str| line.split_once(',').map(|(cve, scores)| (cve.to_owned(), scores.trim().to_owned()));
    unpacked.lines().filter(|line| line.starts_with("CVE-")).filter_map(row).collect()
}

#[tokio::test]
async fn the_scores_of_two_days() {
    let days = ["2026-08-09", "2026-08-16"].map(|day| corpus(&format!("feeds/epss/epss_scores-{day}.csv.gz")));
    let [Some(before), Some(after)] = days else { return };
    let (old, new) = (rows(&before).await, rows(&after).await);
    let fresh = new.keys().filter(|cve| !old.contains_key(*cve)).count() as u64;
    let moved = new.iter().filter(|(cve, scores)| old.get(*cve).is_some_and(|before| before != *scores)).count() as u64;
    assert!(moved > 0 && fresh > 0, "the two files are the same");
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(import(folder.path(), &before).await.counts("epss"), [old.len() as u64, 0, 0, 0, 0]);
    let second = import(folder.path(), &after).await;
    let gone = old.keys().filter(|cve| !new.contains_key(*cve)).count() as u64;
    assert_eq!(second.counts("epss"), [fresh, moved, gone, new.len() as u64 - fresh - moved, 0]);
}
