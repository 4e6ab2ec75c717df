//! Advisories that are new, changed, withdrawn, the same, or no advisories at all.

use std::time::Duration;

use assay_testkit::make::feeds::{CRITICAL, osv_record, osv_zip, withdrawn};
use assay_testkit::make::oci::{Apk, Image};
use assay_testkit::make::zip;
use serde_json::{Value, json};

use super::{SEVERE, events, feed, head, import, publish, pull, quarantine, seen, states, status};
use crate::support::{index_url, package, pip, server, settled};
use crate::tour_oci;

const YEARS: [&str; 4] =
    ["2021-01-01T00:00:00Z", "2022-01-01T00:00:00Z", "2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"];

fn record(id: &str, name: &str, fixed: Option<&str>, year: usize) -> Value {
    osv_record(id, "PyPI", name, fixed, CRITICAL, YEARS[year])
}

/// The same record of a database that gives no vectors.
fn unscored(mut record: Value) -> Value {
    record.as_object_mut().unwrap().remove("severity");
    record
}

#[tokio::test]
async fn importing_again_changes_nothing_and_a_newer_file_is_counted_by_what_it_changes() {
    let server = server().await.unwrap();
    publish(&server, &["aa"]).await.unwrap();
    quarantine(&server, "severe", SEVERE).await.unwrap();
    let first: Vec<Value> = ["GHSA-a", "GHSA-w", "GHSA-u"].map(|id| record(id, "aa", Some("0.5"), 0)).to_vec();
    let path = feed(&server, "all.zip", osv_zip(&first).unwrap()).unwrap();
    let report = import(&server, &path).await.unwrap();
    assert_eq!(report.counts("osv"), [3, 0, 0, 0, 0]);
    settled(&server).await.unwrap();

    let (before, done) = (head(&server).await.unwrap(), status(&server).await.unwrap());
    let again = import(&server, &path).await.unwrap();
    assert_eq!((again.counts("osv"), again.change()), ([0, 0, 0, 3, 0], [0; 4]));
    assert_eq!(head(&server).await.unwrap(), before, "no event");
    let mut now = status(&server).await.unwrap();
    now["feeds"] = done["feeds"].clone();
    now["now"] = done["now"].clone();
    assert_eq!(now, done, "no job, nothing matched, nothing decided; only that the source was heard of");

    let newer = [
        record("GHSA-a", "aa", Some("0.6"), 1),
        withdrawn(record("GHSA-w", "aa", Some("0.5"), 0), YEARS[1]),
        record("GHSA-u", "aa", Some("0.5"), 0),
        record("GHSA-n", "aa", Some("0.1"), 1),
        withdrawn(record("GHSA-stillborn", "aa", None, 1), YEARS[1]),
    ];
    let path = feed(&server, "newer.zip", osv_zip(&newer).unwrap()).unwrap();
    let report = import(&server, &path).await.unwrap();
    assert_eq!(report.counts("osv"), [2, 1, 1, 1, 0], "what came withdrawn is new: nothing is taken back by it");
    assert_eq!(states(&server, &["aa"]).await.unwrap(), ["available"]);
    let ran = server.cli(["feeds", "status"]).unwrap().succeed().await.unwrap();
    assert!(ran.stdout.contains("osv") && ran.stdout.contains('5'), "{ran}");
}

#[tokio::test]
async fn bad_records_are_set_aside_with_their_reason_and_kept_once() {
    let server = server().await.unwrap();
    let good = record("GHSA-good", "aa", None, 0);
    let files = [
        ("broken.json".to_owned(), br#"{"id": "GHSA-x","#.to_vec()),
        ("nameless.json".to_owned(), br#"{"modified": "2024-01-01T00:00:00Z"}"#.to_vec()),
        ("GHSA-good.json".to_owned(), serde_json::to_vec(&good).unwrap()),
    ];
    let path = feed(&server, "all.zip", zip(&files).unwrap()).unwrap();
    assert_eq!(import(&server, &path).await.unwrap().counts("osv"), [1, 0, 0, 0, 2]);
    assert_eq!(import(&server, &path).await.unwrap().counts("osv"), [0, 0, 0, 1, 2]);

    let shown = server.cli(["feeds", "bad"]).unwrap().succeed().await.unwrap();
    assert!(shown.says("broken.json") && shown.says("EOF while parsing"), "{shown}");
    assert!(shown.says("nameless.json") && shown.says("it has no id"), "{shown}");
    assert_eq!(shown.stdout.matches("nameless.json").count(), 1, "kept once: {shown}");
    let api = server.http().get("/api/v1/feeds").await.unwrap().expect_status(200).unwrap().json().unwrap();
    assert_eq!(api["advisories"]["osv"], 1);
    let kept = api["bad"].as_array().unwrap();
    let of = |name: &str| kept.iter().find(|bad| bad["name"].as_str().unwrap().ends_with(name)).unwrap();
    assert_eq!(of("broken.json")["excerpt"], r#"{"id": "GHSA-x","#);
    assert_eq!((kept.len(), of("nameless.json")["reason"].as_str()), (2, Some("it has no id")));

    // Damage to the whole file is an error, told once and clearly.
    let cut = std::fs::read(&path).unwrap();
    let path = feed(&server, "cut.zip", &cut[..cut.len() / 2]).unwrap();
    let failed = server.cli(["feeds", "import"]).unwrap().arg(path).fail().await.unwrap();
    assert!(failed.says("cut.zip") && !failed.says("panicked"), "{failed}");
}

#[tokio::test]
async fn only_what_a_new_advisory_touches_is_decided_and_pip_is_refused() {
    let server = server().await.unwrap();
    publish(&server, &["aa", "bb", "cc"]).await.unwrap();
    quarantine(&server, "severe", SEVERE).await.unwrap();
    let pip = || {
        pip(&index_url(&server), &server.scratch().join("installed"), &["--no-deps", "--upgrade", "aa==1.0"]).unwrap()
    };
    if let Some(run) = pip() {
        run.succeed().await.unwrap();
    }
    let (others, at) =
        ([seen(&server, "bb").await.unwrap(), seen(&server, "cc").await.unwrap()], head(&server).await.unwrap());
    let inventories = status(&server).await.unwrap()["inventories"].clone();
    assert_eq!(inventories, 3);

    let path = feed(&server, "new.zip", osv_zip(&[record("GHSA-new", "aa", Some("1.1"), 1)]).unwrap()).unwrap();
    let report = import(&server, &path).await.unwrap();
    assert_eq!((report.counts("osv"), report.change()), ([1, 0, 0, 0, 0], [1, 1, 1, 0]));
    if let Some(run) = pip() {
        let failed = run.fail().await.unwrap();
        assert!(failed.says("403") && failed.says("severe") && failed.says("GHSA-new"), "{failed}");
    }
    let (state, decisions) = seen(&server, "aa").await.unwrap();
    let refused = pull(&server, "aa").await.unwrap().expect_status(403).unwrap();
    assert_eq!((state.as_str(), refused.header("x-assay-decision")), ("quarantined", Some(decisions[0].as_str())));
    assert_eq!([seen(&server, "bb").await.unwrap(), seen(&server, "cc").await.unwrap()], others);
    pull(&server, "bb").await.unwrap().expect_status(200).unwrap();
    let after = status(&server).await.unwrap();
    assert_eq!(after["inventories"], inventories, "nothing is taken apart again");

    // What the operator sees: the import, what it touched, the decision and what caused it.
    let kinds: Vec<String> =
        events(&server, at).await.unwrap().iter().map(|e| e["kind"].as_str().unwrap().to_owned()).collect();
    for kind in ["feed.imported", "feed.touched", "decision.quarantined"] {
        assert_eq!(kinds.iter().filter(|k| *k == kind).count(), 1, "{kind} in {kinds:?}");
    }
    assert!(!kinds.iter().any(|kind| kind.starts_with("inventory")), "{kinds:?}");
    let log = server.cli(["log"]).unwrap().succeed().await.unwrap();
    assert!(log.says("new.zip") && log.says("advisory GHSA-new is new"), "{log}");
    let explained = server.cli(["explain", "main/pypi/aa@1.0"]).unwrap().succeed().await.unwrap();
    assert!(explained.says("GHSA-new") && explained.says("advisory GHSA-new is new"), "{explained}");
    let decision = server.http().get(&format!("/api/v1/decisions/{}", decisions[0])).await.unwrap().json().unwrap();
    assert_eq!(decision["trigger"], "advisory GHSA-new is new");
    let verified = server.cli(["log", "verify"]).unwrap().succeed().await.unwrap();
    assert!(verified.says("the log is whole"), "{verified}");
}

#[tokio::test]
async fn each_decision_names_the_advisory_that_caused_it() {
    let server = server().await.unwrap();
    publish(&server, &["aa", "bb"]).await.unwrap();
    quarantine(&server, "severe", SEVERE).await.unwrap();
    let mut records =
        vec![record("GHSA-a", "aa", None, 0), record("GHSA-b", "bb", None, 0), record("GHSA-c", "bb", None, 0)];
    records.extend((0..5).map(|number| record(&format!("GHSA-{number}"), "elsewhere", None, 0)));
    let path = feed(&server, "all.zip", osv_zip(&records).unwrap()).unwrap();
    assert_eq!(import(&server, &path).await.unwrap().change(), [2, 2, 2, 0]);
    for (name, cause) in [("aa", "advisory GHSA-a is new"), ("bb", "advisories GHSA-b, GHSA-c are new")] {
        let detail = package(&server, &format!("main/pypi/{name}@1.0")).await.unwrap();
        assert_eq!(detail["decisions"][0]["trigger"], cause);
    }
    let log = server.cli(["log"]).unwrap().succeed().await.unwrap();
    assert!(log.says("8 advisories are new") && log.says("components=2"), "{log}");
}

#[tokio::test]
async fn what_is_withdrawn_or_no_longer_applies_is_released() {
    let server = server().await.unwrap();
    publish(&server, &["aa", "bb", "cc"]).await.unwrap();
    quarantine(&server, "severe", SEVERE).await.unwrap();
    let names = ["aa", "bb", "cc"];
    let steps: [(&str, Value, [u64; 4], [&str; 3]); 6] = [
        ("affects all", record("GHSA-a", "aa", None, 0), [1, 1, 1, 0], ["quarantined", "available", "available"]),
        (
            "withdrawn",
            withdrawn(record("GHSA-a", "aa", None, 0), YEARS[1]),
            [1, 1, 0, 1],
            ["available", "available", "available"],
        ),
        ("fixed above", record("GHSA-b", "bb", Some("2"), 0), [1, 1, 1, 0], ["available", "quarantined", "available"]),
        ("fixed below", record("GHSA-b", "bb", Some("0.9"), 1), [1, 1, 0, 1], ["available", "available", "available"]),
        (
            "above again",
            record("GHSA-b", "bb", Some("1.1"), 2),
            [1, 1, 1, 0],
            ["available", "quarantined", "available"],
        ),
        (
            "another package",
            record("GHSA-b", "cc", Some("1.1"), 3),
            [2, 2, 1, 1],
            ["available", "available", "quarantined"],
        ),
    ];
    for (what, record, change, expected) in steps {
        let path = feed(&server, "step.json", serde_json::to_vec(&record).unwrap()).unwrap();
        assert_eq!(import(&server, &path).await.unwrap().change(), change, "{what}");
        assert_eq!(states(&server, &names).await.unwrap(), expected, "{what}");
    }
    assert_eq!(status(&server).await.unwrap()["inventories"], 3);
    let detail = package(&server, "main/pypi/aa@1.0").await.unwrap();
    assert_eq!(detail["decisions"][0]["trigger"], "advisory GHSA-a was withdrawn");
    tokio::time::sleep(Duration::from_millis(300)).await;
    pull(&server, "aa").await.unwrap().expect_status(200).unwrap();
    pull(&server, "bb").await.unwrap().expect_status(200).unwrap();
    pull(&server, "cc").await.unwrap().expect_status(403).unwrap();
}

#[tokio::test]
async fn a_score_that_another_record_of_the_vulnerability_states_counts() {
    let server = server().await.unwrap();
    publish(&server, &["aa", "bb"]).await.unwrap();
    let apk = Apk { name: "musl", version: "1.1.22-r3", origin: "musl", license: "MIT" };
    let parts = Image::new().alpine("3.10.9", &[apk]).unwrap().parts().unwrap();
    tour_oci::push(server.http(), "main/base", "3.10", &parts).await.unwrap();
    settled(&server).await.unwrap();
    quarantine(&server, "severe", SEVERE).await.unwrap();

    let mut alpine =
        unscored(osv_record("ALPINE-CVE-2024-1001", "Alpine:v3.10", "musl", Some("1.1.22-r4"), "", YEARS[0]));
    alpine["upstream"] = json!(["CVE-2024-1001"]);
    let mut python = unscored(record("PYSEC-2024-2", "aa", None, 0));
    python["aliases"] = json!(["CVE-2024-1002"]);
    let path = feed(&server, "unscored.zip", osv_zip(&[alpine, python]).unwrap()).unwrap();
    assert_eq!(import(&server, &path).await.unwrap().change(), [2, 2, 0, 0], "found, and without a score");

    // Neither record is about a package that is stored here.
    let mut rust = osv_record("RUSTSEC-2024-0001", "crates.io", "elsewhere", None, CRITICAL, YEARS[1]);
    rust["aliases"] = json!(["CVE-2024-1001"]);
    let node = osv_record("GHSA-node", "npm", "elsewhere", None, CRITICAL, YEARS[1]);
    let path = feed(&server, "scored.zip", osv_zip(&[rust.clone(), node.clone()]).unwrap()).unwrap();
    let report = import(&server, &path).await.unwrap();
    assert_eq!((report.counts("osv"), report.change()), ([2, 0, 0, 0, 0], [1, 1, 1, 0]));
    let refused = server.http().get("/v2/main/base/manifests/3.10").await.unwrap().expect_status(403).unwrap();
    assert!(refused.text().contains("CVE-2024-1001"), "{}", refused.text());
    assert_eq!(package(&server, "main/oci/base:3.10").await.unwrap()["state"], "quarantined");
    assert_eq!(states(&server, &["aa", "bb"]).await.unwrap(), ["available", "available"]);

    let mut linked = node.clone();
    linked["aliases"] = json!(["CVE-2024-1002"]);
    linked["modified"] = json!(YEARS[2]);
    let path = feed(&server, "linked.json", linked.to_string()).unwrap();
    assert_eq!(import(&server, &path).await.unwrap().change(), [1, 1, 1, 0], "an alias is all that was new");
    assert_eq!(states(&server, &["aa", "bb"]).await.unwrap(), ["quarantined", "available"]);

    let path = feed(&server, "gone.zip", osv_zip(&[withdrawn(rust, YEARS[3]), withdrawn(linked, YEARS[3])]).unwrap());
    assert_eq!(import(&server, &path.unwrap()).await.unwrap().change(), [2, 2, 0, 2]);
    assert_eq!(states(&server, &["aa", "bb"]).await.unwrap(), ["available", "available"]);
}
