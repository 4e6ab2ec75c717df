//! What cargo prints of a crate that policy refuses, and what it does not see of a hidden one.

use super::{Bench, index, put};
use crate::support::{advisories, import, refuse_dangerous, server, settled, state};
use anyhow::Result;
use assay_testkit::TestServer;
use assay_testkit::evidence::{Case, saw};
use assay_testkit::make::feeds;
use serde_json::json;

const CVE: &str = "CVE-2026-30001";

/// Says that versions of `tiny-risk` below 1.1.0 are dangerous.
async fn warn(server: &TestServer) -> Result<()> {
    let modified = "2026-01-01T00:00:00Z";
    let mut record =
        feeds::osv_record("RUSTSEC-2026-0001", "crates.io", "tiny-risk", Some("1.1.0"), feeds::CRITICAL, modified);
    record["aliases"] = json!([CVE]);
    record["affected"][0]["ranges"][0]["events"] = json!([{ "introduced": "1.0.0-0" }, { "fixed": "1.1.0" }]);
    let feed = advisories(server, "feed", &[record])?;
    import(server, &[&feed]).await?;
    Ok(())
}

#[tokio::test]
async fn a_locked_version_that_was_refused_since_says_why() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    for version in ["0.9.0", "1.0.0"] {
        put(&server, "tiny-risk", version).await?;
    }
    let program =
        bench.program("pinned", "tiny-risk = { version = \"1\", registry = \"assay\" }", "tiny_risk::VERSION")?;
    bench.run(&program, &["generate-lockfile"]).succeed().await?;
    warn(&server).await?;
    refuse_dangerous(&server).await?;
    assert_eq!(state(&server, "main/cargo/tiny-risk@1.0.0").await?, "quarantined");
    let lines = index(&server, "ti/ny/tiny-risk").await?;
    let yanked: Vec<_> = lines.iter().map(|line| line["yanked"].clone()).collect();
    assert_eq!(yanked, [json!(false), json!(true)]);

    let ran = bench.run(&program, &["fetch", "--locked"]).fail().await?;
    let reason = format!("{CVE} is more dangerous than we allow");
    for part in ["tiny-risk 1.0.0 is quarantined by policy too-dangerous", &reason, "Nearest allowed version: 0.9.0"] {
        assert!(ran.says(part), "`{part}` is not in: {ran}");
    }
    saw("cargo", "cargo", Case::Quarantined);

    put(&server, "tiny-risk", "1.1.0").await?;
    let fresh =
        bench.program("fresh", "tiny-risk = { version = \"1\", registry = \"assay\" }", "tiny_risk::VERSION")?;
    let ran = bench.run(&fresh, &["run", "--quiet"]).succeed().await?;
    assert_eq!(ran.stdout, "1.1.0\n", "a resolver takes the newest version that may be had");
    Ok(())
}

/// A policy that hides what is called `secret`.
const HIDE: &str = "package cloudsmith\n\nimport rego.v1\n\ndefault match := false\n\nmatch if input.v0.package.name == \"tiny-secret\"\n";

#[tokio::test]
async fn a_hidden_crate_is_not_there() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    for name in ["tiny-secret", "tiny-known"] {
        put(&server, name, "1.0.0").await?;
    }
    let program =
        bench.program("user", "tiny-secret = { version = \"1\", registry = \"assay\" }", "tiny_secret::VERSION")?;
    bench.run(&program, &["generate-lockfile"]).succeed().await?;
    let file = server.scratch().join("hide.rego");
    std::fs::write(&file, HIDE)?;
    server.cli(["policy", "add", "--action", "hide"])?.arg(file).succeed().await?;
    settled(&server).await?;
    assert_eq!(state(&server, "main/cargo/tiny-secret@1.0.0").await?, "hidden");

    let ran = bench.run(&program, &["fetch", "--locked"]).fail().await?;
    assert!(!ran.says("polic") && !ran.says("quarantin"), "{ran}");
    bench.forget()?;
    let ran = bench.run(&program, &["update"]).fail().await?;
    assert!(ran.says("no matching package named `tiny-secret` found"), "{ran}");
    let ran = bench.run(bench.place(), &["search", "--registry", "assay", "tiny"]).succeed().await?;
    assert!(ran.says("tiny-known") && !ran.says("tiny-secret"), "{ran}");
    saw("cargo", "cargo", Case::Hidden);
    Ok(())
}
