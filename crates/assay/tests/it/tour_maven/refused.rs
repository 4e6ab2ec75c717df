//! What mvn prints of a version that policy refuses, what it resolves instead, and what it does not see.

use super::{Bench, pom, put};
use crate::support::{advisories, import, refuse_dangerous, server, settled, state};
use anyhow::Result;
use assay_testkit::TestServer;
use assay_testkit::evidence::{Case, saw};
use assay_testkit::make::feeds;
use serde_json::json;

const CVE: &str = "CVE-2026-40001";

/// Says that `org.example:risk` from 1.1 until 1.2 is dangerous.
async fn warn(server: &TestServer) -> Result<()> {
    let modified = "2026-01-01T00:00:00Z";
    let mut record =
        feeds::osv_record("GHSA-aaaa-bbbb-cccc", "Maven", "org.example:risk", None, feeds::CRITICAL, modified);
    record["aliases"] = json!([CVE]);
    record["affected"][0]["ranges"][0]["events"] = json!([{ "introduced": "1.1" }, { "fixed": "1.2" }]);
    let feed = advisories(server, "feed", &[record])?;
    import(server, &[&feed]).await?;
    Ok(())
}

#[tokio::test]
async fn a_dangerous_version_is_refused_with_its_reason_and_ranges_avoid_it() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    for version in ["1.0", "1.1"] {
        put(&server, "risk", version).await?;
    }
    warn(&server).await?;
    refuse_dangerous(&server).await?;
    // The jar does not say what it is; its pom does.
    assert_eq!(state(&server, "main/maven/org.example:risk@1.1").await?, "quarantined");
    assert_eq!(state(&server, "main/maven/org.example:risk@1.0").await?, "available");

    let ran = bench.get("org.example:risk:1.1").fail().await?;
    let reason = format!("{CVE} is more dangerous than we allow");
    for part in ["org.example:risk:1.1 is quarantined by policy too-dangerous", &reason, "Nearest allowed version: 1.0"]
    {
        assert!(ran.says(part), "`{part}` is not in: {ran}");
    }
    assert!(!bench.has("org/example/risk/1.1/risk-1.1.jar"));
    saw("maven", "mvn", Case::Quarantined);

    bench.get("org.example:risk:RELEASE").succeed().await?;
    assert!(bench.has("org/example/risk/1.0/risk-1.0.jar"));
    let metadata = server.http().get("/maven/main/org/example/risk/maven-metadata.xml").await?.text();
    assert!(!metadata.contains("1.1"), "{metadata}");
    Ok(())
}

/// A policy that hides what is called `secret`.
const HIDE: &str = "package cloudsmith\n\nimport rego.v1\n\ndefault match := false\n\n\
                    match if input.v0.package.name == \"org.example:secret\"\n";

#[tokio::test]
async fn a_hidden_artifact_is_not_there() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    for artifact in ["secret", "known"] {
        put(&server, artifact, "1.0").await?;
    }
    let file = server.scratch().join("hide.rego");
    std::fs::write(&file, HIDE)?;
    server.cli(["policy", "add", "--action", "hide"])?.arg(file).succeed().await?;
    settled(&server).await?;
    assert_eq!(state(&server, "main/maven/org.example:secret@1.0").await?, "hidden");

    let ran = bench.get("org.example:secret:1.0").fail().await?;
    assert!(ran.says("Could not find artifact org.example:secret:jar:1.0"), "{ran}");
    assert!(!ran.says("polic") && !ran.says("hidden"), "{ran}");
    bench.get("org.example:known:1.0").succeed().await?;
    server.http().get("/maven/main/org/example/secret/maven-metadata.xml").await?.expect_status(404)?;
    server.http().get("/maven/main/org/example/secret/").await?.expect_status(404)?;
    saw("maven", "mvn", Case::Hidden);
    Ok(())
}

#[tokio::test]
async fn a_refused_build_gives_way_to_the_one_before() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    let folder = "/maven/main/org/example/risk/1.1-SNAPSHOT";
    for build in ["1.1-20260101.100000-1", "1.1-20260102.100000-2"] {
        let stem = format!("{folder}/risk-{build}");
        server.http().put(&format!("{stem}.jar"), super::jar(build)?).await?.expect_status(201)?;
        server.http().put(&format!("{stem}.pom"), pom("risk", "1.1-SNAPSHOT", "")).await?.expect_status(201)?;
    }
    settled(&server).await?;
    let policy = HIDE.replace("name == \"org.example:secret\"", "version == \"1.1-20260102.100000-2\"");
    let file = server.scratch().join("broken.rego");
    std::fs::write(&file, policy)?;
    server.cli(["policy", "add", "--action", "quarantine"])?.arg(file).succeed().await?;
    settled(&server).await?;
    assert_eq!(state(&server, "main/maven/org.example:risk@1.1-20260102.100000-2").await?, "quarantined");

    bench.get("org.example:risk:1.1-SNAPSHOT").succeed().await?;
    let newest = "org/example/risk/1.1-SNAPSHOT/risk-1.1-20260101.100000-1.jar";
    assert!(bench.has(newest), "the build before was resolved");
    let ran = bench.get("org.example:risk:1.1-20260102.100000-2").fail().await?;
    assert!(ran.says("org.example:risk:1.1-20260102.100000-2 is quarantined"), "{ran}");
    Ok(())
}
