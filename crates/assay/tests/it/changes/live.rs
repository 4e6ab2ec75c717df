//! A server that is running takes notice of what another process committed.

use std::time::{Duration, Instant};

use assay_testkit::make::feeds::{CRITICAL, osv_record, withdrawn};

use super::{SEVERE, feed, import, publish, pull, quarantine};
use crate::support::server;

/// How long a running server may go on with what it has cached.
const NOTICE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn an_import_by_another_process_is_noticed_by_the_next_pull() {
    let server = server().await.unwrap();
    publish(&server, &["aa", "bb"]).await.unwrap();
    quarantine(&server, "severe", SEVERE).await.unwrap();
    let record = osv_record("GHSA-live", "PyPI", "aa", Some("1.1"), CRITICAL, "2023-01-01T00:00:00Z");
    let back = withdrawn(record.clone(), "2024-01-01T00:00:00Z");
    for (record, expected) in [(record, 403), (back, 200)] {
        for name in ["aa", "bb"] {
            // Whatever the answer, it is cached now.
            pull(&server, name).await.unwrap();
            server.http().get(&format!("/pypi/main/simple/{name}/")).await.unwrap().expect_status(200).unwrap();
        }
        let path = feed(&server, "live.json", record.to_string()).unwrap();
        import(&server, &path).await.unwrap();
        let start = Instant::now();
        loop {
            let status = pull(&server, "aa").await.unwrap().status.as_u16();
            if status == expected {
                break;
            }
            assert!(start.elapsed() < NOTICE, "still {status}, {:?} after the import had ended", start.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let index = server.http().get("/pypi/main/simple/aa/").await.unwrap().text();
        assert_eq!(index.contains("data-yanked"), expected == 403, "{index}");
        pull(&server, "bb").await.unwrap().expect_status(200).unwrap();
    }
}
