//! Scores and catalogues: they rewrite no finding, and decide only where a policy reads them.

use assay_testkit::TestServer;
use assay_testkit::make::feeds::{CRITICAL, epss_csv_gz, kev_json, osv_record, osv_zip};
use serde_json::{Value, json};

use super::{Report, SEVERE, feed, import, publish, quarantine, seen, states, status};
use crate::support::{server, settled};

const LIKELY: &str = r#"package assay

default match := false

match if count(reason) > 0

reason contains sprintf("%s is likely to be exploited", [found.identifier]) if {
	some found in input.v0.vulnerabilities
	found.epss.score > 0.5
}
"#;

const EXPLOITED: &str = r#"package assay

default match := false

match if count(input.v1.kev) > 0

reason contains sprintf("%s is exploited since %s", [entry.identifier, entry.date_added]) if some entry in input.v1.kev
"#;

/// `aa` has CVE-2024-1001, `bb` has CVE-2024-1002, `cc` has nothing.
async fn world(policy: &str, rego: &str) -> TestServer {
    let server = server().await.unwrap();
    publish(&server, &["aa", "bb", "cc"]).await.unwrap();
    let records: Vec<Value> = [("GHSA-1", "aa", "CVE-2024-1001"), ("GHSA-2", "bb", "CVE-2024-1002")]
        .map(|(id, name, cve)| {
            let mut record = osv_record(id, "PyPI", name, None, CRITICAL, "2024-01-01T00:00:00Z");
            record["aliases"] = json!([cve]);
            record
        })
        .to_vec();
    let path = feed(&server, "all.zip", osv_zip(&records).unwrap()).unwrap();
    import(&server, &path).await.unwrap();
    quarantine(&server, policy, rego).await.unwrap();
    assert_eq!(states(&server, &["aa", "bb", "cc"]).await.unwrap(), ["available"; 3]);
    server
}

async fn scores(server: &TestServer, date: &str, scores: &[(&str, f64)]) -> Report {
    let rows: Vec<(&str, f64, f64)> = scores.iter().map(|(cve, score)| (*cve, *score, 0.5)).collect();
    let path = feed(server, &format!("epss_scores-{date}.csv.gz"), epss_csv_gz(date, &rows).unwrap()).unwrap();
    import(server, &path).await.unwrap()
}

async fn catalogue(server: &TestServer, day: &str, cves: &[&str]) -> Report {
    let entries: Vec<(&str, &str)> = cves.iter().map(|cve| (*cve, "2024-02-01")).collect();
    let path = feed(server, "kev.json", kev_json(day, &entries).unwrap()).unwrap();
    import(server, &path).await.unwrap()
}

/// Replaces the policy by one that reads neither scores nor catalogues.
async fn read_no_scores(server: &TestServer, policy: &str) {
    server.cli(["policy", "remove", policy]).unwrap().succeed().await.unwrap();
    quarantine(server, "severe", &SEVERE.replace(">= 7", "> 10")).await.unwrap();
    settled(server).await.unwrap();
}

#[tokio::test]
async fn a_day_of_epss_decides_what_has_a_score_that_moved() {
    let server = world("likely", LIKELY).await;
    let first =
        scores(&server, "2024-03-01", &[("CVE-2024-1001", 0.1), ("CVE-2024-1002", 0.1), ("CVE-2024-1009", 0.9)]).await;
    assert_eq!((first.counts("epss"), first.change()), ([3, 0, 0, 0, 0], [0; 4]), "no rule sees what stays below 0.5");
    let others = [seen(&server, "bb").await.unwrap(), seen(&server, "cc").await.unwrap()];

    let second =
        scores(&server, "2024-03-02", &[("CVE-2024-1001", 0.9), ("CVE-2024-1002", 0.1), ("CVE-2024-1009", 0.8)]).await;
    assert_eq!((second.counts("epss"), second.change()), ([0, 2, 0, 1, 0], [0, 1, 1, 0]));
    assert_eq!(states(&server, &["aa", "bb", "cc"]).await.unwrap(), ["quarantined", "available", "available"]);
    assert_eq!([seen(&server, "bb").await.unwrap(), seen(&server, "cc").await.unwrap()], others);
    let again =
        scores(&server, "2024-03-02", &[("CVE-2024-1001", 0.9), ("CVE-2024-1002", 0.1), ("CVE-2024-1009", 0.8)]).await;
    assert_eq!((again.counts("epss"), again.change()), ([0, 0, 0, 3, 0], [0; 4]));

    let third = scores(&server, "2024-03-03", &[("CVE-2024-1001", 0.2), ("CVE-2024-1002", 0.1)]).await;
    assert_eq!(third.change(), [0, 1, 0, 1]);
    read_no_scores(&server, "likely").await;
    let fourth = scores(&server, "2024-03-04", &[("CVE-2024-1001", 0.9), ("CVE-2024-1002", 0.9)]).await;
    assert_eq!((fourth.counts("epss"), fourth.change()), ([0, 2, 0, 0, 0], [0; 4]), "no policy reads it");
    assert_eq!(status(&server).await.unwrap()["inventories"], 3);
}

#[tokio::test]
async fn an_entry_of_the_catalogue_quarantines_and_its_removal_releases() {
    let server = world("exploited", EXPLOITED).await;
    let first = catalogue(&server, "2024-03-01", &["CVE-2024-1001", "CVE-2024-1009"]).await;
    assert_eq!((first.counts("kev"), first.change()), ([2, 0, 0, 0, 0], [0, 1, 1, 0]));
    assert_eq!(states(&server, &["aa", "bb", "cc"]).await.unwrap(), ["quarantined", "available", "available"]);
    let second = catalogue(&server, "2024-03-02", &["CVE-2024-1002", "CVE-2024-1009"]).await;
    assert_eq!((second.counts("kev"), second.change()), ([1, 0, 1, 1, 0], [0, 2, 1, 1]));
    assert_eq!(states(&server, &["aa", "bb", "cc"]).await.unwrap(), ["available", "quarantined", "available"]);

    // A catalogue that was cut short says another number of entries than it holds, and releases nothing.
    let text = String::from_utf8(kev_json("2024-03-03", &[("CVE-2024-1009", "2024-02-01")]).unwrap()).unwrap();
    let path = feed(&server, "kev.json", text.replace("\"count\":1", "\"count\":2")).unwrap();
    let cut = import(&server, &path).await.unwrap();
    assert_eq!((cut.counts("kev"), cut.change()), ([0, 0, 0, 1, 0], [0; 4]));

    read_no_scores(&server, "exploited").await;
    let third = catalogue(&server, "2024-03-04", &["CVE-2024-1001"]).await;
    assert_eq!((third.counts("kev"), third.change()), ([1, 0, 2, 0, 0], [0; 4]), "no policy reads it");
}
