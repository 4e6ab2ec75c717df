//! What clients print of a version that policy refuses, what they take instead, and what their audits say.

use super::{Bench, CLIENTS, Client, NPM, installed, publish};
use crate::support::{advisories, import, refuse_dangerous, server, settled, state};
use anyhow::Result;
use assay_testkit::TestServer;
use assay_testkit::evidence::{Case, saw};
use assay_testkit::make::feeds;
use serde_json::{Value, json};
use std::path::PathBuf;

const CVE: &str = "CVE-2026-40001";

/// 1.0.0, 1.5.0 and a vulnerable 2.0.0 of one package.
async fn risky(server: &TestServer) -> Result<Option<()>> {
    let bench = Bench::new(server, Some(server.token()))?;
    for version in ["1.0.0", "1.5.0", "2.0.0"] {
        if publish(&bench, "tiny-risk", version, &json!({})).await?.is_none() {
            return Ok(None);
        }
    }
    settled(server).await?;
    Ok(Some(()))
}

async fn learn(server: &TestServer) -> Result<()> {
    let modified = "2026-01-01T00:00:00Z";
    let mut record =
        feeds::osv_record("GHSA-aaaa-bbbb-cccc", "npm", "tiny-risk", Some("2.1.0"), feeds::CRITICAL, modified);
    record["aliases"] = json!([CVE]);
    record["affected"][0]["ranges"][0] =
        json!({ "type": "SEMVER", "events": [{ "introduced": "2.0.0" }, { "fixed": "2.1.0" }] });
    let feed = advisories(server, "feed", &[record])?;
    import(server, &[&feed]).await?;
    Ok(())
}

/// Projects that locked 2.0.0 while it could be had, one for each client that is there.
async fn locked(server: &TestServer, bench: &Bench) -> Result<Vec<(Client, PathBuf)>> {
    let mut projects = Vec::new();
    for client in CLIENTS {
        let project = bench.project(&format!("locked-{}", client.program), &json!({ "tiny-risk": "2.0.0" }))?;
        let home = Bench::new(server, Some(server.token()))?;
        let Some(run) = home.run(&client, &project, client.install)? else { continue };
        run.succeed().await?;
        for leftover in ["node_modules", ".yarn"] {
            let _ = std::fs::remove_dir_all(project.join(leftover));
        }
        projects.push((client, project));
    }
    Ok(projects)
}

#[tokio::test]
async fn a_refused_version_says_why_and_another_is_taken() -> Result<()> {
    let server = server().await?;
    if risky(&server).await?.is_none() {
        return Ok(());
    }
    let projects = Bench::new(&server, None)?;
    let locked = locked(&server, &projects).await?;
    learn(&server).await?;
    refuse_dangerous(&server).await?;
    assert_eq!(state(&server, "main/npm/tiny-risk@2.0.0").await?, "quarantined");

    for (client, project) in locked {
        let bench = Bench::new(&server, Some(server.token()))?;
        let ran = bench.run(&client, &project, client.locked)?.expect("it ran before").fail().await?;
        let said = ran.output().split_whitespace().collect::<Vec<_>>().join(" ");
        if ["pnpm", "yarn1"].contains(&client.program) {
            // They print the status of a refused archive, and neither its reason phrase nor its body.
            assert!(said.contains("403"), "{ran}");
        } else {
            assert!(said.contains("too-dangerous") && said.contains(CVE), "{}: {ran}", client.name);
            saw("npm", client.name, Case::Quarantined);
        }
        let fresh = bench.project("fresh", &json!({ "tiny-risk": ">=1.0.0" }))?;
        let ran = bench.run(&client, &fresh, client.install)?.expect("it ran before").succeed().await?;
        assert_eq!(installed(&fresh, "tiny-risk"), "module.exports = \"1.5.0\";\n", "{ran}");
    }
    let bench = Bench::new(&server, Some(server.token()))?;
    let pinned = bench.project("pinned", &json!({ "tiny-risk": "2.0.0" }))?;
    let ran = bench.run(&NPM, &pinned, NPM.install)?.expect("npm is there").fail().await?;
    assert!(ran.says("policy violations") && ran.says("too-dangerous") && ran.says(CVE), "{ran}");
    let ran = bench.run(&NPM, &pinned, &["view", "tiny-risk", "dist-tags.latest"])?.expect("npm is there");
    assert_eq!(ran.succeed().await?.stdout, "1.5.0\n");
    Ok(())
}

#[tokio::test]
async fn a_hidden_version_is_not_there() -> Result<()> {
    let server = server().await?;
    if risky(&server).await?.is_none() {
        return Ok(());
    }
    let file = server.scratch().join("hide.rego");
    std::fs::write(
        &file,
        "package cloudsmith\n\nimport rego.v1\n\ndefault match := false\n\nmatch if input.v0.package.version == \"2.0.0\"\n",
    )?;
    server.cli(["policy", "add", "--action", "hide"])?.arg(file).succeed().await?;
    settled(&server).await?;
    assert_eq!(state(&server, "main/npm/tiny-risk@2.0.0").await?, "hidden");
    for client in CLIENTS {
        let bench = Bench::new(&server, Some(server.token()))?;
        let pinned = bench.project("pinned", &json!({ "tiny-risk": "2.0.0" }))?;
        let Some(run) = bench.run(&client, &pinned, client.install)? else { continue };
        let ran = run.fail().await?;
        assert!(!ran.says("polic") && !ran.says("quarantin"), "{ran}");
        saw("npm", client.name, Case::Hidden);
    }
    Ok(())
}

#[tokio::test]
async fn audits_show_the_advisories_that_are_stored_here() -> Result<()> {
    let server = server().await?;
    if risky(&server).await?.is_none() {
        return Ok(());
    }
    let projects = Bench::new(&server, None)?;
    let locked = locked(&server, &projects).await?;
    learn(&server).await?;
    // The audit of yarn 1 asks one fixed address, whatever registry is set.
    for (client, project) in locked.into_iter().filter(|(client, _)| client.program != "yarn1") {
        let bench = Bench::new(&server, Some(server.token()))?;
        let audit: &[&str] = if client.program == "yarn4" { &["npm", "audit"] } else { &["audit"] };
        let ran = bench.run(&client, &project, audit)?.expect("it ran before").fail().await?;
        assert!(ran.says("tiny-risk") && ran.says("Test advisory for tiny-risk"), "{}: {ran}", client.name);
        if client.program == "npm" {
            let ran = bench.run(&client, &project, &["audit", "--json"])?.expect("it ran before").fail().await?;
            let report: Value = serde_json::from_str(&ran.stdout)?;
            assert_eq!(report["vulnerabilities"]["tiny-risk"]["severity"], "critical", "{report}");
            assert_eq!(report["metadata"]["vulnerabilities"]["critical"], 1);
        }
    }
    Ok(())
}
