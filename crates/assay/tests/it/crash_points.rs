//! `kill -9` at chosen points of the way from a decision to those who are told: before its message is noted, while it gathers,
//! while it is on its way. And the same advisories from two programs at once.

use crate::{
    inside,
    notify::{Receiver, channel},
    support::{PATIENCE, advisories, options, publish, python_advisory, refuse_dangerous, settled},
};
use anyhow::{Context, Result, bail};
use assay_testkit::{TestServer, make::wheel::Wheel};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// A killed sender's delivery is another's, or its own after a restart, when the lease of 30 s has run out.
const TAKEOVER: Duration = Duration::from_secs(90);

/// A server that tells `receiver` of what is quarantined, with a package for each of `names` and a policy.
async fn world(receiver: &Receiver, quiet: &str, names: &[&str]) -> Result<TestServer> {
    let plain = options().env("ASSAY_NOTIFICATIONS_QUIET", quiet).env("ASSAY_NOTIFICATIONS_RETRY", "1");
    let server = plain.start().await?;
    let settings = json!({"address": receiver.url, "allow_private": true, "body": "json",
        "filter": {"events": ["decision.quarantined"]}});
    channel(&server, "hook", "webhook", settings, json!({"token": "s3cret"})).await?;
    refuse_dangerous(&server).await?;
    for name in names {
        publish(&server, &Wheel::new(name, "1.0").build()?).await?;
    }
    settled(&server).await?;
    Ok(server)
}

fn feed(server: &TestServer, name: &str) -> Result<PathBuf> {
    let cve = format!("CVE-2026-{}", name.len());
    advisories(server, name, &[python_advisory(&format!("PYSEC-{name}"), &cve, name, "0", "9.0")])
}

/// Waits until it is there.
async fn until(what: &str, patience: Duration, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !holds().await? {
        if start.elapsed() > patience {
            bail!("not within {patience:?}: {what}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

async fn quarantined(server: &TestServer) -> Result<usize> {
    let events = server.http().get("/api/v1/events?limit=1000").await?.expect_status(200)?.json()?;
    let events = events["events"].as_array().context("no events")?;
    Ok(events.iter().filter(|event| event["kind"] == "decision.quarantined").count())
}

async fn sent(server: &TestServer) -> Result<Vec<Value>> {
    let listed = server.http().get("/api/v1/channels/hook/deliveries").await?.expect_status(200)?.json()?;
    listed["deliveries"].as_array().cloned().context("no deliveries")
}

#[tokio::test]
async fn a_kill_between_a_decision_and_its_message_loses_none_and_makes_no_second() -> Result<()> {
    let receiver = Receiver::start_slow(&[], Duration::ZERO).await?;
    let mut server = world(&receiver, "3", &["a", "bb"]).await?;
    for (n, name) in ["a", "bb"].into_iter().enumerate() {
        server.cli(["feeds", "import"])?.arg(feed(&server, name)?).succeed().await?;
        until("the decision", PATIENCE, async || Ok(quarantined(&server).await? > n)).await?;
        if n == 1 {
            // noted, and not on its way
            let gathers = async || Ok(sent(&server).await?.iter().any(|one| one["status"] == "gathering"));
            until("the note of it", PATIENCE, gathers).await?;
        }
        assert_eq!(receiver.got().len(), n, "nothing has left yet");
        server.kill()?;
        server.restart().await?;
        until("the message", PATIENCE, async || Ok(receiver.got().len() > n)).await?;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let told = receiver.by_id();
    assert_eq!((receiver.got().len(), told.len(), quarantined(&server).await?), (2, 2, 2), "{told:#?}");
    Ok(())
}

#[tokio::test]
async fn a_kill_between_sending_and_noting_it_repeats_the_same_words_under_the_same_id() -> Result<()> {
    let receiver = Receiver::start_slow(&[], Duration::from_secs(2)).await?;
    let mut server = world(&receiver, "1", &["a"]).await?;
    server.cli(["feeds", "import"])?.arg(feed(&server, "a")?).succeed().await?;
    until("the message", PATIENCE, async || Ok(receiver.got().len() == 1)).await?;
    // it has all of it, and nobody knows whether it took it
    server.kill()?;
    server.restart().await?;
    until("the message again", TAKEOVER, async || Ok(receiver.got().len() == 2)).await?;
    let noted = async || Ok(sent(&server).await?.iter().all(|one| one["status"] == "sent"));
    until("the note that it is sent", PATIENCE, noted).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let told = receiver.by_id();
    let bodies = told.values().next().context("nothing was told")?;
    assert_eq!((told.len(), bodies.len()), (1, 2), "{told:#?}");
    assert_eq!(bodies[0], bodies[1], "the same words");
    assert_eq!(sent(&server).await?.len(), 1, "one delivery");
    Ok(())
}

#[tokio::test]
async fn the_same_advisories_from_two_programs_at_once_are_taken_once() -> Result<()> {
    const ROUNDS: usize = 4;
    let receiver = Receiver::start_slow(&[], Duration::ZERO).await?;
    let names = ["a", "bb", "ccc", "dddd"];
    let server = world(&receiver, "1", &names).await?;
    for name in names {
        let file = feed(&server, name)?;
        let import = || server.cli(["feeds", "import"]).map(|run| run.arg(&file).succeed());
        let (one, other) = tokio::join!(import()?, import()?);
        one.and(other)?;
    }
    settled(&server).await?;
    let twice = "SELECT advisory, COUNT(*) FROM advisory_revision GROUP BY advisory HAVING COUNT(*) > 1";
    assert_eq!(inside::rows(&server.data(), twice)?, Vec::<Vec<Value>>::new(), "one revision each");
    assert_eq!(quarantined(&server).await?, ROUNDS, "each package is quarantined once");
    let counted = async || {
        let told = receiver.by_id();
        Ok(told.values().map(|bodies| bodies[0]["counts"]["decision.quarantined"].as_u64().unwrap_or(0)).sum::<u64>()
            == 4)
    };
    until("all messages", PATIENCE, counted).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(receiver.by_id().values().all(|bodies| bodies.len() == 1) && counted().await?, "each once");
    let replayed = server.cli(["decisions", "replay", "--all"])?.succeed().await?;
    assert!(replayed.says(", 0 different"), "{replayed}");
    Ok(())
}
