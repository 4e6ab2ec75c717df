//! `kill -9` at random moments while uploads, an import and decisions are under way. After each the server is started
//! again, and everything that was acknowledged has to be there, nothing may be there by half, and what must be refused
//! must have been refused all the time. `ASSAY_CRASH_ROUNDS` sets how often, `ASSAY_CRASH_SEED` repeats the moments.

mod ledger;
mod load;

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use assay_testkit::TestServer;
use serde_json::json;

use crate::{
    inside,
    support::{server, settled},
};
use ledger::{Dice, Ledger};

/// What packages whose name begins with `banned` meet from the first moment on.
const BANNED: &str = "package cloudsmith\nimport rego.v1\nmatch if startswith(input.v0.package.name, \"banned\")\n";

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_left_half() -> Result<()> {
    let rounds = setting("ASSAY_CRASH_ROUNDS", 25);
    let seed = setting("ASSAY_CRASH_SEED", std::process::id().into());
    println!("ASSAY_CRASH_SEED={seed} ASSAY_CRASH_ROUNDS={rounds}");
    let told = || format!("with ASSAY_CRASH_SEED={seed}");
    let mut server = server().await?;
    load::policy(server.http(), "banned", BANNED, true).await?.expect_status(201)?;
    let mut dice = Dice::new(seed);
    let ledger = Arc::<Ledger>::default();
    let mut seen = BTreeSet::new();
    for round in 1..=rounds {
        let import = crash(&mut server, &ledger, &mut dice, round).await?;
        server.restart().await.with_context(told)?;
        if let Some(import) = import {
            // one that outlived the server goes on beside the new one
            import.await?.context("the import that was running when the server was killed")?;
        }
        check(&server, &ledger, &mut seen).await.with_context(|| format!("after round {round} {}", told()))?;
        if round % 5 == 0 || round == rounds {
            ledger.check_all(server.http()).await.with_context(told)?;
            check_import(&server, round).await.with_context(told)?;
        }
    }
    let verified = server.cli(["log", "verify"])?.succeed().await?;
    ensure!(verified.says("the log is whole"), "{verified}");
    inside::collected(&mut server).await.with_context(told)?;
    ledger.check_published(server.http()).await.with_context(told)?;
    println!("{}", ledger.summary());
    ensure!(ledger.published() > rounds as usize, "hardly anything was acknowledged: {}", ledger.summary());
    Ok(())
}

type Import = tokio::task::JoinHandle<Result<()>>;

/// Loads the server and kills it in the middle of it; gives the import where that was left alive.
async fn crash(server: &mut TestServer, ledger: &Arc<Ledger>, dice: &mut Dice, round: u64) -> Result<Option<Import>> {
    let tasks = load::start(server, ledger, dice, round);
    let feed = load::feed(server, round)?;
    let run = server.cli(["feeds", "import"])?.arg(feed);
    let import: Import = tokio::spawn(async move { run.succeed().await.map(|_| ()) });
    let import_first = dice.below(3);
    tokio::time::sleep(Duration::from_millis(dice.below(900) + 20)).await;
    if import_first == 0 {
        // the process is killed with the future that waits for it
        import.abort();
        tokio::time::sleep(Duration::from_millis(dice.below(100))).await;
    }
    server.kill()?;
    tasks.abort_all().await?;
    if import_first == 1 {
        tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
        import.abort();
    }
    Ok((import_first == 2).then_some(import))
}

/// The invariants that hold after every start.
async fn check(server: &TestServer, ledger: &Ledger, seen: &mut BTreeSet<String>) -> Result<()> {
    settled(server).await?;
    let data = server.data();
    ensure!(!ledger.leaked.load(Ordering::SeqCst), "bytes that a policy refuses were served: {}", ledger.leak());
    let wrong = inside::contradictions(&data)?;
    ensure!(wrong.is_empty(), "{wrong:#?}");
    let damaged = inside::damaged(&data, seen)?;
    ensure!(damaged.is_empty(), "stored bytes are damaged: {damaged:?}");
    let left = inside::leftovers_in_the_end(&data).await?;
    ensure!(left.is_empty(), "left behind: {left:#?}");
    let log = server.http().get("/api/v1/events/verify").await?.expect_status(200)?.json()?;
    ensure!(log["broken"].is_null(), "the log is broken: {log}");
    ledger.check_new(server.http()).await?;
    ledger.complete_uploads(server.http()).await?;
    check_states(server).await
}

/// Every package stands as the policies that are in force say.
async fn check_states(server: &TestServer) -> Result<()> {
    settled(server).await?;
    let policies = server.http().get("/api/v1/policies").await?.expect_status(200)?.json()?;
    let churning = policies["policies"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|p| p["slug"] == "churn" && p["enabled"] == json!(true));
    let sql = "SELECT name, version, state FROM package WHERE state <> 'deleted'";
    for row in inside::rows(&server.data(), sql)? {
        let name = row[0].as_str().unwrap_or_default();
        let refused = name.starts_with("banned") || (churning && name.starts_with("churn"));
        let wanted = if refused { "quarantined" } else { "available" };
        ensure!(row[2] == wanted, "{row:?} should be {wanted}; churn in force: {churning}");
    }
    Ok(())
}

/// An import that was cut off and is run again ends where one ends that was never cut off, and so do the findings.
async fn check_import(server: &TestServer, round: u64) -> Result<()> {
    let feed = load::feed(server, round)?;
    server.cli(["feeds", "import"])?.arg(&feed).succeed().await?;
    settled(server).await?;
    let fresh = server.scratch().join(format!("fresh-{round}"));
    server.cli(["feeds", "import"])?.env("ASSAY_DATA", &fresh).arg(&feed).succeed().await?;
    let sql = "SELECT source, id, revision, withdrawn FROM advisory ORDER BY source, id";
    let (here, there) = (inside::rows(&server.data(), sql)?, inside::rows(&fresh, sql)?);
    ensure!(
        here.len() == load::ADVISORIES && here == there,
        "the import gave {} and {} records",
        here.len(),
        there.len()
    );
    let again = server.cli(["feeds", "import", "--json"])?.arg(&feed).succeed().await?;
    let before = inside::number(&server.data(), "SELECT COUNT(*) FROM advisory_revision")?;
    server.cli(["feeds", "import"])?.arg(&feed).succeed().await?;
    let after = inside::number(&server.data(), "SELECT COUNT(*) FROM advisory_revision")?;
    ensure!(before == after, "a second import changed something: {again}");
    let sql = "SELECT c.name, c.version, COUNT(f.id) FROM component c LEFT JOIN finding f ON f.component = c.id
               WHERE c.purl_type = 'pypi' GROUP BY c.id";
    for row in inside::rows(&server.data(), sql)? {
        let (name, version) = (row[0].as_str().unwrap_or_default(), row[1].as_str().unwrap_or_default());
        ensure!(row[2] == i64::from(load::affected(name, version, round)), "{row:?} after the feed of round {round}");
    }
    Ok(())
}

/// What a crash can leave is made by hand here, because the moments in which it arises are short.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_leaves_in_the_spool_is_removed_or_continued() -> Result<()> {
    let mut server = server().await?;
    let http = server.http().clone();
    let begun = http.post("/v2/main/x/blobs/uploads/", Vec::new()).await?.expect_status(202)?;
    let location = begun.header("location").context("no location")?.to_owned();
    http.send(http.request(reqwest::Method::PATCH, &location).body("one ")).await?.expect_status(202)?;
    server.kill()?;
    let spool = server.data().join("spool");
    let id = location.rsplit('/').next().context("no id")?;
    // killed after the bytes were stored and before the row that says so: they have two names
    let stored = server.scratch().join("stored");
    std::fs::hard_link(spool.join("sessions").join(id), &stored)?;
    std::fs::write(spool.join("stage-abandoned"), b"half a file")?;
    std::fs::write(spool.join("sessions").join("0".repeat(32)), b"of no upload")?;
    let unnamed = server.data().join("blobs/sha256/00");
    std::fs::create_dir_all(&unnamed)?;
    std::fs::write(unnamed.join("0".repeat(62)), b"stored without a row")?;
    server.restart().await?;
    let left = inside::leftovers_in_the_end(&server.data()).await?;
    ensure!(left.is_empty(), "{left:?}");
    let status = http.get(&location).await?.expect_status(204)?;
    ensure!(status.header("range") == Some("0-3"), "{:?}", status.headers);
    http.send(http.request(reqwest::Method::PATCH, &location).body("two")).await?.expect_status(202)?;
    let digest = assay_testkit::make::sha256(b"one two");
    http.put(&format!("{location}?digest=sha256:{digest}"), Vec::new()).await?.expect_status(201)?;
    ensure!(http.get(&format!("/v2/main/x/blobs/sha256:{digest}")).await?.body == b"one two");
    ensure!(std::fs::read(stored)? == b"one ", "stored bytes were written to");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_has_one_server() -> Result<()> {
    let server = server().await?;
    let run = assay_testkit::Run::new(crate::support::ASSAY)?.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
    let second = run.arg(server.data()).env("ASSAY_SOURCES_SYNC", "off").limit(Duration::from_secs(30)).fail().await?;
    ensure!(second.says("another server runs on the data directory"), "{second}");
    server.http().get("/readyz").await?.expect_status(200)?;
    Ok(())
}
