//! Volumes of real feeds, to see how long they take: `cargo test -p assay-store -- --ignored --nocapture volume`. Nothing
//! is asserted about time.

use crate::world::{World, at, conformance};
use assay_model::{
    Digest,
    advisory::Advisory,
    score::Epss,
    seam::{
        matcher::StoredAdvisory,
        meta::{Change, NewAdvisory},
    },
};
use std::time::Instant;

conformance!(
    #[ignore = "takes long; see the module's documentation"]
    advisories_by_the_ten_thousand,
    a_day_of_scores
);

const ADVISORIES: usize = 46_000;
const SCORES: usize = 360_000;

fn advisory(i: usize) -> NewAdvisory {
    let advisory: Advisory = serde_json::from_value(serde_json::json!({
        "schema_version": "1.7.0", "id": format!("GHSA-{i:08}"), "modified": "2026-01-01T00:00:00Z",
        "aliases": [format!("CVE-2025-{i}"), format!("PYSEC-2025-{i}")],
        "summary": format!("package {i} lets anyone in"),
        "details": format!("Versions of package {i} before 2.{i} do not check. ").repeat(12),
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [{"package": {"ecosystem": "PyPI", "name": format!("package-{}", i / 4)},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": format!("2.{i}")}]}],
            "versions": (0..30).map(|v| format!("1.{v}")).collect::<Vec<_>>()}],
    }))
    .unwrap();
    let bytes = serde_json::to_vec(&advisory).unwrap();
    let revision = Digest::of(&bytes).to_string();
    NewAdvisory {
        stored: StoredAdvisory { advisory, source: "osv".into(), revision },
        bytes,
        keys: vec![("PyPI".into(), format!("package-{}", i / 4))],
        stated: vec![],
    }
}

async fn advisories_by_the_ten_thousand(world: World) {
    for round in ["new", "unchanged"] {
        let store = world.meta.clone();
        let took = tokio::task::spawn_blocking(move || {
            let mut spent = std::time::Duration::ZERO;
            for start in (0..ADVISORIES).step_by(2000) {
                let batch: Vec<_> = (start..start + 2000).map(advisory).collect();
                let begun = Instant::now();
                store.write_now(Box::new(|tx| tx.put_advisories(&batch, at(1)).map(|_| ()))).unwrap();
                spent += begun.elapsed();
            }
            spent
        });
        eprintln!("{}: {ADVISORIES} {round} advisories in {:?}", &world.address[..6], took.await.unwrap());
    }
    assert_eq!(world.read(|tx| tx.advisory_counts()).await["osv"], 46_000);
}

async fn a_day_of_scores(world: World) {
    for (round, offset) in [("new", 0), ("unchanged", 0), ("changed", 1)] {
        let score = |i: usize| Epss {
            cve: format!("CVE-2025-{i}"),
            score: (i + offset) as f64 / 1e6,
            percentile: 0.5,
            date: format!("day {round}"),
        };
        let scores: Vec<_> = (0..SCORES).map(score).collect();
        let begun = Instant::now();
        let changes = world.write(move |tx| tx.put_epss(&scores)).await;
        eprintln!("{}: {SCORES} {round} scores in {:?}", &world.address[..6], begun.elapsed());
        let expected = match round {
            "new" => Change::New,
            "unchanged" => Change::Unchanged,
            _ => Change::Changed,
        };
        assert!(changes.iter().all(|c| *c == expected));
    }
}
