//! Sources in `serve`: each is asked on its own schedule, politely, and how it stands can be seen. The other side does what
//! the story says: the same again, a new file, errors, a request to be left alone.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use assay_testkit::{
    Run, ServerOptions, TestServer,
    make::feeds::kev_json,
    remote::{Answer, Remote},
    tool,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::support::{ASSAY, PATIENCE};

const SOURCES: [&str; 13] = [
    "OSV",
    "TRIVY_DB",
    "EPSS",
    "KEV",
    "SECDB",
    "DEBIAN_TRACKER",
    "UPDATEINFO",
    "CSAF",
    "VEX",
    "EOL",
    "SCORECARD",
    "POPULARITY",
    "SSVC",
];

/// A server that fetches these sources, every two seconds, and finds them stale after six.
fn options(fetched: &[(&str, String)]) -> ServerOptions {
    let mut options = ServerOptions::new(ASSAY).env("ASSAY_SOURCES_CADENCE", "2").env("ASSAY_SOURCES_STALE_AFTER", "3");
    for id in SOURCES {
        let address = fetched.iter().find(|(fetched, _)| *fetched == id).map_or("", |(_, address)| address);
        options = options.env(&format!("ASSAY_SOURCES_{id}"), address);
    }
    options
}

async fn health(server: &TestServer, id: &str) -> Result<Value> {
    let all = server.http().get("/api/v1/feeds").await?.expect_status(200)?.json()?;
    let found = all["sources"].as_array().into_iter().flatten().find(|source| source["source"] == id).cloned();
    found.with_context(|| format!("no {id} in {all}"))
}

async fn until(server: &TestServer, id: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
    let start = Instant::now();
    loop {
        let health = health(server, id).await?;
        if holds(&health) {
            return Ok(health);
        }
        if start.elapsed() > PATIENCE {
            bail!("{id} is never {what}: {health}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn until_asked(remote: &Remote, path: &str, times: usize) -> Result<()> {
    let start = Instant::now();
    while remote.times(path) < times {
        if start.elapsed() > PATIENCE {
            bail!("{path} was asked for {} times, not {times}", remote.times(path));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// How many events of a kind there are about a source.
async fn events(server: &TestServer, kind: &str, source: &str) -> Result<usize> {
    let all = server.http().get("/api/v1/events?limit=1000").await?.expect_status(200)?.json()?;
    let all = all["events"].as_array().context("no events")?;
    Ok(all.iter().filter(|event| event["kind"] == kind && event["subject"] == source).count())
}

fn moment(health: &Value, field: &str) -> Result<Timestamp> {
    health[field].as_str().with_context(|| format!("no {field} in {health}"))?.parse().context("no moment")
}

fn catalogue(tag: &str) -> Result<Answer> {
    Ok(Answer::of(kev_json("2026-01-01", &[("CVE-2026-1001", "2026-01-01")])?).header("ETag", tag))
}

#[tokio::test]
async fn a_source_that_fails_waits_becomes_stale_and_recovers() -> Result<()> {
    let remote = Remote::start().await?;
    remote.gives("/kev.json", catalogue("\"a\"")?);
    let server = options(&[("KEV", format!("{}/kev.json", remote.url()))]).start().await?;
    until(&server, "kev", "heard of", |kev| !kev["synced_at"].is_null()).await?;
    until_asked(&remote, "/kev.json", 3).await?;
    assert_eq!(events(&server, "feed.imported", "kev").await?, 1, "what is unchanged is not read again");

    remote.gives("/kev.json", Answer::status(500));
    let ill = until(&server, "kev", "stale", |kev| kev["stale"] == true && kev["failures"].as_i64() >= Some(2)).await?;
    assert!(ill["error"].as_str().unwrap_or_default().contains("500"), "{ill}");
    assert_eq!(ill["records"], 1, "what is known stays: {ill}");
    assert!(moment(&ill, "next_at")? > moment(&ill, "attempted_at")?, "{ill}");
    let metrics = server.http().get("/metrics").await?.expect_status(200)?.text();
    assert!(metrics.contains("assay_source_stale{source=\"kev\"} 1"), "{metrics}");
    assert_eq!(events(&server, "feed.stale", "kev").await?, 1);
    let page = server.http().get("/ui/feeds").await?.expect_status(200)?.text();
    assert!(page.contains("<strong>Stale:</strong> kev") && page.contains("500"), "{page}");

    remote.gives("/kev.json", catalogue("\"a\"")?);
    let well = until(&server, "kev", "well again", |kev| kev["error"].is_null() && kev["stale"] == false).await?;
    assert_eq!(well["failures"], 0, "{well}");
    until_asked(&remote, "/kev.json", remote.times("/kev.json") + 2).await?;
    assert_eq!(events(&server, "feed.stale", "kev").await?, 1, "said once");
    assert_eq!(events(&server, "feed.recovered", "kev").await?, 1, "said once");
    assert_eq!(events(&server, "feed.imported", "kev").await?, 1, "the catalogue is the same as before");
    let metrics = server.http().get("/metrics").await?.expect_status(200)?.text();
    assert!(metrics.contains("assay_source_stale{source=\"kev\"} 0"), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn a_request_to_be_left_alone_holds_over_a_restart() -> Result<()> {
    let remote = Remote::start().await?;
    remote.gives("/kev.json", Answer::status(429).header("Retry-After", "3600"));
    remote.gives("/scores.csv", Answer::status(404));
    let addresses = [("KEV", format!("{}/kev.json", remote.url())), ("EPSS", format!("{}/scores.csv", remote.url()))];
    let mut server = options(&addresses).start().await?;
    let refused = until(&server, "kev", "refused", |kev| kev["failures"] == 1).await?;
    let wait = moment(&refused, "next_at")?.duration_since(moment(&refused, "attempted_at")?);
    assert!(wait.as_secs() >= 3600, "{refused}");

    server.restart().await?;
    // another source has its turns meanwhile
    until_asked(&remote, "/scores.csv", remote.times("/scores.csv") + 3).await?;
    assert_eq!(health(&server, "kev").await?["next_at"], refused["next_at"]);
    assert_eq!(remote.times("/kev.json"), 1, "{:?}", remote.asked());
    Ok(())
}

/// As if the clock had been ten hours ahead: when it was asked, when it is to be asked again, and a lease.
const AHEAD: &str = "\
import sqlite3, sys
base = sqlite3.connect(sys.argv[1], timeout=30)
hours = 10 * 3600 * 1000000
changed = base.execute('UPDATE feed SET attempted_at = attempted_at + ?, next_at = next_at + ? WHERE feed = ?', (hours, hours, 'kev'))
assert changed.rowcount == 1
base.execute('INSERT INTO lease (key, owner, until) SELECT ?, ?, attempted_at FROM feed WHERE feed = ?', ('feed.kev', 'gone', 'kev'))
base.commit()
";

#[tokio::test]
async fn a_source_does_not_wait_for_the_hour_of_a_clock_that_was_ahead() -> Result<()> {
    let Some(python) = tool("python3") else { return Ok(()) };
    let remote = Remote::start().await?;
    remote.gives("/kev.json", catalogue("\"a\"")?);
    let plain = options(&[("KEV", format!("{}/kev.json", remote.url()))]).env("ASSAY_SOURCES_CADENCE", "3600");
    let mut server = plain.start().await?;
    until(&server, "kev", "heard of", |kev| !kev["synced_at"].is_null()).await?;
    server.kill()?;
    Run::new(python)?.args(["-c", AHEAD]).arg(server.data().join("assay.db")).succeed().await?;
    server.restart().await?;
    until_asked(&remote, "/kev.json", 2).await?;
    let past = |kev: &Value| moment(kev, "attempted_at").is_ok_and(|at| at <= Timestamp::now());
    let well = until(&server, "kev", "planned anew", past).await?;
    assert!(moment(&well, "next_at")?.duration_since(Timestamp::now()).as_secs() <= 2 * 3600, "{well}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(remote.times("/kev.json"), 2, "once, and then an hour later");
    Ok(())
}
