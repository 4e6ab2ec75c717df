//! A scanner that looks closer: what an older one made is made again, as far as it is affected and no further, and what
//! it finds decides. The older scanner is a store that was put back to what that one would have left behind.

use crate::support::{PATIENCE, advisories, package, refuse_dangerous, server, settled, state};
use crate::tour_oci::push;
use anyhow::{Context, Result, bail};
use assay_model::package::Role;
use assay_model::problem::Problem;
use assay_model::renewal::Which;
use assay_model::seam::meta::{self, MetaStore};
use assay_testkit::TestServer;
use assay_testkit::make::{
    feeds,
    oci::{Apk, Image},
    wheel::Wheel,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// The analyzer that the older scanner has in an older version, or not at all.
const RAISED: &str = "apk";

/// What the older scanner was like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Older {
    /// It read databases of apk, and found nothing in them.
    Blind,
    /// It did not know of them.
    Unaware,
}

async fn store(server: &TestServer) -> Result<Arc<dyn MetaStore>> {
    let address = format!("sqlite:{}/assay.db", server.data().display());
    Ok(assay_store::open_meta(&address).await?)
}

/// Puts every inventory back to what an older scanner would have made; gives how many. The server is not running.
pub async fn age(server: &TestServer, older: Older) -> Result<usize> {
    let aged = meta::write(&*store(server).await?, move |tx| {
        let mut aged = 0;
        for number in 1..1000 {
            let Some(look) = tx.looks(&Which::Number(number))?.pop() else { continue };
            let found = tx.inventory(&look.digest, look.role)?;
            let mut stored = found.ok_or_else(|| Problem::bug("a look without inventory"))?;
            let words = stored.scanner.split(' ');
            let words = words.filter_map(|word| match (word.starts_with("apk/"), older) {
                (true, Older::Blind) => Some("apk/0"),
                (true, Older::Unaware) => None,
                (false, _) => Some(word),
            });
            let scanner = words.collect::<Vec<_>>().join(" ");
            stored.scanner = scanner;
            stored.inventory.components.retain(|found| found.analyzer != RAISED);
            if older == Older::Unaware {
                stored.inventory.analyzers.remove(RAISED);
                stored.inventory.read.retain(|read| read.analyzer != RAISED);
            }
            tx.put_inventory(&stored)?;
            aged += 1;
        }
        Ok(aged)
    })
    .await?;
    Ok(aged)
}

/// As [`age`], after [`fill`].
async fn age_all(server: &TestServer, older: Older) -> Result<()> {
    let aged = age(server, older).await?;
    assert!(aged > 5, "there is something to make again: {aged}");
    Ok(())
}

async fn status(server: &TestServer) -> Result<Value> {
    server.http().get("/api/v1/status").await?.expect_status(200)?.json()
}

/// Waits until a renewal that began after `since` is done; its numbers.
pub async fn renewed(server: &TestServer, since: &Value) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let renewal = status(server).await?["renewal"].clone();
        if renewal["ended_at"].is_string() && renewal["began_at"] != since["began_at"] {
            settled(server).await?;
            return Ok(renewal);
        }
        if begun.elapsed() > PATIENCE {
            bail!("the renewal does not end: {renewal}");
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn made(server: &TestServer) -> Result<i64> {
    status(server).await?["inventories"].as_i64().context("a count")
}

/// Two images that share a layer with a vulnerable package, one without it, and two packages of other kinds.
async fn fill(server: &TestServer) -> Result<()> {
    let apk = Apk { name: "zlib", version: "1.2.11-r0", origin: "zlib", license: "Zlib" };
    for (name, word) in [("one", "one"), ("two", "two")] {
        let image =
            Image::new().alpine("3.10.9", std::slice::from_ref(&apk))?.layer(&[("srv/word", word.as_bytes())])?;
        push(server.http(), &format!("main/{name}"), "1", &image.parts()?).await?;
    }
    let plain = Image::new().layer(&[("srv/only", b"words" as &[u8])])?;
    push(server.http(), "main/plain", "1", &plain.parts()?).await?;
    crate::support::publish(server, &Wheel::new("tiny-beside", "1.0").build()?).await?;
    server.http().put("/generic/main/notes.txt", "words").await?.expect_status(201)?;
    settled(server).await
}

async fn events(server: &TestServer, kind: &str) -> Result<Vec<Value>> {
    let all = server.http().get("/api/v1/events?limit=1000").await?.expect_status(200)?.json()?;
    let all = all["events"].as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|event| event["kind"] == kind).collect())
}

#[tokio::test]
async fn only_what_a_newer_analyzer_can_affect_is_made_again_and_decided() -> Result<()> {
    let mut server = server().await?;
    refuse_dangerous(&server).await?;
    fill(&server).await?;
    let plain = package(&server, "main/oci/plain:1").await?;
    for older in [Older::Blind, Older::Unaware] {
        let before = status(&server).await?["renewal"].clone();
        server.stop().await?;
        age_all(&server, older).await?;
        let id = if older == Older::Blind { "ALPINE-CVE-2026-1" } else { "ALPINE-CVE-2026-2" };
        let record =
            feeds::osv_record(id, "Alpine:v3.10", "zlib", Some("1.2.12-r0"), feeds::CRITICAL, "2026-01-01T00:00:00Z");
        let feed = advisories(&server, id, &[record])?;
        // with nobody serving: what the older scanner did not find, the advisory does not touch
        server.cli(["feeds", "import"])?.arg(feed).succeed().await?;
        let aged = meta::read(&*store(&server).await?, |tx| tx.inventories_made()).await?;
        server.restart().await?;
        let renewal = renewed(&server, &before).await?;

        // the shared layer once, and the two images that have it
        assert_eq!(made(&server).await? - aged, 3, "{renewal}");
        assert_eq!(renewal["newer"], serde_json::json!([RAISED]));
        assert!(renewal["kept"].as_i64() > Some(3), "{renewal}");
        for name in ["one", "two"] {
            let what = format!("main/oci/{name}:1");
            assert_eq!(state(&server, &what).await?, "quarantined", "{}", package(&server, &what).await?);
        }
        server.http().get("/v2/main/one/manifests/1").await?.expect_status(403)?;
        let last = package(&server, "main/oci/plain:1").await?;
        assert_eq!((&last["decision"], &last["state"]), (&plain["decision"], &plain["state"]), "nobody asked about it");
    }
    let changed = events(&server, "scanner.changed").await?;
    assert_eq!(changed.len(), 2, "said once for each: {changed:?}");
    assert_eq!(events(&server, "renewal.ended").await?.len(), 2);
    let renewed = events(&server, "inventory.renewed").await?;
    assert!(renewed.iter().any(|event| event["body"]["packages"] == 1 && event["body"]["added"] == 1), "{renewed:?}");
    let told = server.cli(["status"])?.succeed().await?.stdout;
    assert!(told.contains("newer: apk"), "{told}");
    server.cli(["log", "verify"])?.succeed().await?;
    Ok(())
}

#[tokio::test]
async fn the_same_scanner_makes_nothing_again() -> Result<()> {
    let mut server = server().await?;
    fill(&server).await?;
    let before = made(&server).await?;
    server.stop().await?;
    server.restart().await?;
    settled(&server).await?;
    assert_eq!((made(&server).await?, &status(&server).await?["renewal"]), (before, &Value::Null));
    Ok(())
}

/// The old inventory stays in force: while a layer waits to be made again, its images are served and decided as before.
#[tokio::test]
async fn an_image_that_comes_while_its_layer_waits_makes_the_layer_again_itself() -> Result<()> {
    let mut server = server().await?;
    fill(&server).await?;
    server.stop().await?;
    age_all(&server, Older::Blind).await?;
    // a node of the older version has marked nothing yet; the newer one takes a push before its survey comes that far
    server.restart().await?;
    let apk = Apk { name: "zlib", version: "1.2.11-r0", origin: "zlib", license: "Zlib" };
    let image = Image::new().alpine("3.10.9", &[apk])?.layer(&[("srv/word", b"three" as &[u8])])?;
    push(server.http(), "main/three", "1", &image.parts()?).await?;
    server.http().get("/v2/main/one/manifests/1").await?.expect_status(200)?;
    settled(&server).await?;
    for name in ["one", "two", "three"] {
        let detail = package(&server, &format!("main/oci/{name}:1")).await?;
        let found = detail["inventory"]["components"].to_string();
        assert!(found.contains("pkg:apk/alpine/zlib@1.2.11-r0"), "{name}: {found}");
    }
    let shared = image.parts()?.layers.first().context("a layer")?.digest.clone();
    let look = meta::read(&*store(&server).await?, move |tx| {
        let digest = shared.parse()?;
        Ok(tx.looks(&Which::Of(digest, Role::Layer))?.pop())
    })
    .await?;
    assert_eq!(look.context("the layer is known")?.renew, None);
    Ok(())
}
