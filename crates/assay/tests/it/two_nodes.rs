//! Two nodes that decide and tell at once while they are killed: every package ends in the right state, every event is
//! told under one id, the log holds and every decision comes out again.

use crate::{
    cluster::Services,
    notify::{Receiver, channel},
    support::{TOO_DANGEROUS, options, python_advisory, settled},
};
use anyhow::{Context, Result, bail};
use assay_testkit::{
    TestServer,
    make::{feeds::osv_zip, wheel::Wheel},
    upload,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

const PACKAGES: usize = 20;
/// What a killed node held is taken when its lease of 30 s has run out, maybe twice; then it has to be done.
const LONG: Duration = Duration::from_secs(150);
/// Of all nodes, so that each opens what another sealed.
const KEY: &str = "0123456789abcdef0123456789abcdef";

async fn node(services: &Services) -> Result<TestServer> {
    let plain = options()
        .env("ASSAY_NOTIFICATIONS_QUIET", "1")
        .env("ASSAY_NOTIFICATIONS_RETRY", "1")
        .env("ASSAY_SECRET_KEY", KEY);
    services.under(plain).start().await
}

/// Two nodes with a policy and twenty packages, published through both.
async fn world(services: &Services) -> Result<(TestServer, TestServer)> {
    let (one, two) = (node(services).await?, node(services).await?);
    let policy = one.scratch().join("dangerous.rego");
    std::fs::write(&policy, TOO_DANGEROUS)?;
    one.cli(["policy", "add", "--action", "quarantine"])?.arg(&policy).succeed().await?;
    for n in 0..PACKAGES {
        let node = if n % 2 == 0 { &one } else { &two };
        upload::pypi(node.http(), "main", &Wheel::new("thing", &format!("1.{n}")).build()?)
            .await?
            .expect_status(200)?;
    }
    settled(&two).await?;
    Ok((one, two))
}

async fn import(services: &Services, node: &TestServer, file: &Path) -> Result<()> {
    services.cli(node, &["feeds", "import"])?.arg(file).succeed().await?;
    Ok(())
}

/// Waits until so many messages came, at least.
async fn came(receiver: &Receiver, node: &TestServer, n: usize) -> Result<()> {
    let start = Instant::now();
    while receiver.got().len() < n {
        if start.elapsed() > LONG {
            bail!("{} of {n} messages came\n{}", receiver.got().len(), node.log());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Waits until nothing is to be decided or sent.
async fn quiet(services: &Services, node: &TestServer) -> Result<()> {
    let left = "SELECT (SELECT count(*) FROM job WHERE state <> 'dead')
                     + (SELECT count(*) FROM delivery WHERE status <> 'sent')
                     + (SELECT max(seq) FROM event WHERE kind = 'decision.quarantined')
                     - (SELECT max(seq) FROM delivery_event)";
    let start = Instant::now();
    loop {
        let now = services.ask(left)?;
        if now == "0" {
            return Ok(());
        }
        if start.elapsed() > LONG {
            bail!("{now:?} are left\n{}", node.log());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn nodes_killed_while_they_decide_and_tell_lose_nothing_and_say_nothing_twice() -> Result<()> {
    let Some(services) = Services::new() else { return Ok(()) };
    let receiver = Receiver::start_slow(&[], Duration::from_millis(400)).await?;
    let (mut one, mut two) = world(&services).await?;
    let settings = json!({"address": receiver.url, "allow_private": true, "each": true, "body": "json",
        "filter": {"events": ["decision.quarantined"]}});
    channel(&one, "hook", "webhook", settings, json!({"token": "s3cret"})).await?;

    // the same advisory comes through both nodes at once, and one of them dies of it
    let feed = one.scratch().join("all.zip");
    std::fs::write(&feed, osv_zip(&[python_advisory("GHSA-t", "CVE-2026-1", "thing", "0", "9.0")])?)?;
    let (first, second) = tokio::join!(import(&services, &one, &feed), import(&services, &two, &feed));
    first.and(second)?;
    one.kill()?;
    one.restart().await?;
    // whoever sends is killed while the receiver has not answered yet
    came(&receiver, &two, 1).await?;
    two.kill()?;
    let held = services.ask("SELECT count(*) FROM delivery WHERE status = 'sending'")?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    one.kill()?;
    one.restart().await?;
    two.restart().await?;
    quiet(&services, &two).await?;

    let listed = two.http().get("/api/v1/packages?limit=500").await?.expect_status(200)?.json()?;
    let listed = listed["packages"].as_array().context("no packages")?;
    assert_eq!(listed.len(), PACKAGES);
    assert!(listed.iter().all(|package| package["state"] == "quarantined"), "{listed:#?}");
    let events = services.ask("SELECT count(*) FROM event WHERE kind = 'decision.quarantined'")?;
    assert_eq!(events, PACKAGES.to_string(), "each is quarantined once");

    let told = receiver.by_id();
    eprintln!("{} requests told {} messages; {held} were under way at a kill", receiver.got().len(), told.len());
    let subjects: BTreeSet<String> =
        told.values().map(|bodies| bodies[0]["packages"][0]["subject"].to_string()).collect();
    assert_eq!((told.len(), subjects.len()), (PACKAGES, PACKAGES), "one id for each event: {told:#?}");
    assert!(
        told.values().all(|bodies| bodies.iter().all(|body| *body == bodies[0])),
        "the same words again: {told:#?}"
    );

    for node in [&one, &two] {
        let verified = node.cli(["log", "verify"])?.succeed().await?;
        assert!(verified.says("the log is whole"), "{verified}");
    }
    let ran = two.cli(["decisions", "replay", "--all", "--json"])?.succeed().await?;
    let replayed: Value = serde_json::from_str(&ran.stdout).with_context(|| ran.to_string())?;
    assert_eq!((&replayed["different"], &replayed["same"]), (&json!(0), &replayed["total"]), "{replayed}");
    assert!(replayed["total"].as_u64() >= Some(2 * PACKAGES as u64), "{replayed}");
    Ok(())
}
