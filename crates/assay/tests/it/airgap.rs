//! An installation without a network takes what is known from one that has it, as a signed file.

use anyhow::{Context, Result};
use assay_testkit::TestServer;
use serde_json::{Value, json};

use crate::support::{advisories, import, package, publish, python_advisory, server, settled};
use assay_testkit::make::wheel::Wheel;

async fn key_of(server: &TestServer) -> Result<String> {
    Ok(server.cli(["feeds", "key"])?.succeed().await?.stdout.trim().to_owned())
}

async fn export(server: &TestServer, name: &str, more: &[&str]) -> Result<std::path::PathBuf> {
    let path = server.scratch().join(name);
    server.cli(["feeds", "export", "--output"])?.arg(&path).args(more).succeed().await?;
    Ok(path)
}

#[tokio::test]
async fn facts_travel_signed_and_touch_what_they_are_about() -> Result<()> {
    let (online, offline) = (server().await?, server().await?);
    publish(&offline, &Wheel::new("carried", "1.0").build()?).await?;
    settled(&offline).await?;
    let first = [python_advisory("PYSEC-1", "CVE-2026-1", "carried", "0", "2.0")];
    import(&online, &[&advisories(&online, "first", &first)?]).await?;
    let whole = export(&online, "whole.tar.gz", &[]).await?;
    assert_eq!(std::fs::read(&whole)?, std::fs::read(export(&online, "again.tar.gz", &[]).await?)?, "the same bytes");

    let refused = offline.cli(["feeds", "import"])?.arg(&whole).fail().await?;
    assert!(refused.output().contains("is not trusted"), "{}", refused.output());
    offline.cli(["feeds", "trust", "add"])?.arg(key_of(&online).await?).succeed().await?;

    let mut bytes = std::fs::read(&whole)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let broken = offline.scratch().join("broken.tar.gz");
    std::fs::write(&broken, bytes)?;
    offline.cli(["feeds", "import"])?.arg(&broken).fail().await?;
    let findings = package(&offline, "main/pypi/carried@1.0").await?["findings"].clone();
    assert_eq!(findings.as_array().map(Vec::len), Some(0), "nothing was written: {findings}");

    let second = [python_advisory("PYSEC-2", "CVE-2026-2", "carried", "0", "3.0")];
    import(&online, &[&advisories(&online, "second", &second)?]).await?;
    let delta = export(&online, "delta.tar.gz", &["--since", &whole.to_string_lossy()]).await?;
    let early = offline.cli(["feeds", "import"])?.arg(&delta).fail().await?;
    assert!(early.output().contains("which was not taken in here"), "{}", early.output());

    for bundle in [&whole, &delta] {
        offline.cli(["feeds", "import"])?.arg(bundle).succeed().await?;
    }
    settled(&offline).await?;
    let findings = package(&offline, "main/pypi/carried@1.0").await?["findings"].clone();
    assert_eq!(findings.as_array().map(Vec::len), Some(2), "{findings}");
    let older = offline.cli(["feeds", "import"])?.arg(&whole).fail().await?;
    assert!(older.output().contains("--force"), "{}", older.output());
    offline.cli(["feeds", "import", "--force"])?.arg(&whole).succeed().await?;
    Ok(())
}

/// How a source stands.
async fn heard(server: &TestServer, id: &str) -> Result<Value> {
    let all = server.http().get("/api/v1/feeds").await?.expect_status(200)?.json()?;
    let found = all["sources"].as_array().into_iter().flatten().find(|source| source["source"] == id).cloned();
    found.with_context(|| format!("no {id} in {all}"))
}

async fn hub_documents(server: &TestServer) -> Result<Vec<Value>> {
    let all = server.http().get("/api/v1/vex?origin=feed&limit=1000").await?.expect_status(200)?.json()?;
    let mut names: Vec<Value> =
        all["documents"].as_array().context("no documents")?.iter().map(|d| d["name"].clone()).collect();
    names.sort_by_key(Value::to_string);
    Ok(names)
}

#[tokio::test]
async fn over_http_a_bundle_brings_vex_and_how_fresh_each_source_is() -> Result<()> {
    let default = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let hub = std::env::var_os("ASSAY_CORPUS").map_or(default, Into::into).join("feeds/vex/aquasecurity-vexhub.zip");
    if !hub.exists() {
        eprintln!("SKIPPED: {} is missing; set ASSAY_CORPUS", hub.display());
        return Ok(());
    }
    let (online, offline) = (server().await?, server().await?);
    let records = [python_advisory("PYSEC-1", "CVE-2026-1", "carried", "0", "2.0")];
    import(&online, &[&hub]).await?;
    import(&online, &[&advisories(&online, "first", &records)?]).await?;
    let bundle = online.http().get("/api/v1/feeds/bundle").await?.expect_status(200)?;
    let bundle = bundle.body.to_vec();

    let refused = offline.http().post("/api/v1/feeds/bundle", bundle.clone()).await?.expect_status(400)?;
    assert!(refused.text().contains("is not trusted"), "{}", refused.text());
    assert!(heard(&offline, "osv").await?["synced_at"].is_null());
    let trust = json!({"key": key_of(&online).await?, "trusted": true});
    offline.http().post_json("/api/v1/feeds/keys", &trust).await?.expect_status(200)?;
    let cut = bundle[..bundle.len() / 2].to_vec();
    offline.http().post("/api/v1/feeds/bundle", cut).await?.expect_status(400)?;
    offline.http().post("/api/v1/feeds/bundle", bundle).await?.expect_status(200)?;
    for id in ["osv", "vex"] {
        let there = heard(&online, id).await?;
        assert_eq!(heard(&offline, id).await?["synced_at"], there["synced_at"], "as fresh as where it was made");
        assert!(!there["synced_at"].is_null(), "{there}");
    }
    assert!(heard(&offline, "kev").await?["synced_at"].is_null(), "never heard of on either side");
    let documents = hub_documents(&online).await?;
    assert!(!documents.is_empty());
    assert_eq!(hub_documents(&offline).await?, documents);
    Ok(())
}
