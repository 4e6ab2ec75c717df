//! A workspace as files: what one server is like is written down, and another is made like it.

use crate::support::{publish, server, settled};
use anyhow::Result;
use assay_testkit::{Ran, Run, TestServer, make::wheel::Wheel};
use std::path::Path;

const WORKSPACE: &str = r#"
kind: repository
name: prod
settings:
  description: what may run
---
kind: upstream
repository: prod
name: far
format: pypi
settings:
  url: https://registry.example/simple
  cooldown_days: 3
secrets:
  token: a-secret-of-the-upstream
---
kind: channel
name: security
type: webhook
settings:
  address: https://hooks.example/assay
---
kind: policy
name: No odd names
precedence: 7
actions: [quarantine]
rego_file: odd.rego
---
kind: waiver
scope:
  vulnerabilities: [CVE-2026-4711]
reason: never called
expires_at: EXPIRES
"#;

const ODD: &str = "package assay\n\ndefault match := false\n\nmatch if input.v0.package.name == \"odd\"\n";

fn write(folder: &Path, workspace: &str) -> Result<()> {
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 20);
    std::fs::create_dir_all(folder)?;
    std::fs::write(
        folder.join("workspace.yaml"),
        workspace.replace("EXPIRES", &expires.strftime("%Y-%m-%dT00:00:00Z").to_string()),
    )?;
    std::fs::write(folder.join("odd.rego"), ODD)?;
    Ok(())
}

fn apply(server: &TestServer, folder: &Path, more: &[&str]) -> Result<Run> {
    let folder = folder.display().to_string();
    server.cli([&["apply", "-f", folder.as_str()], more].concat())
}

async fn applied(server: &TestServer, folder: &Path, more: &[&str]) -> Result<Ran> {
    apply(server, folder, more)?.succeed().await
}

#[tokio::test]
async fn a_server_becomes_as_the_files_say_and_stays_so() -> Result<()> {
    let (server, place) = (server().await?, tempfile::tempdir()?);
    write(place.path(), WORKSPACE)?;
    publish(&server, &Wheel::new("odd", "1.0").build()?).await?;
    settled(&server).await?;

    let dry = apply(&server, place.path(), &["--dry-run"])?.run().await?;
    assert_eq!(dry.status.code(), Some(2), "{dry}");
    assert!(dry.says("+ policy No odd names") && dry.says("+ upstream prod/far"), "{dry}");
    assert!(!server.http().get("/api/v1/policies").await?.text().contains("odd"), "a dry run changes nothing");

    applied(&server, place.path(), &[]).await?;
    settled(&server).await?;
    let file = "/pypi/main/files/odd/odd-1.0-py3-none-any.whl";
    server.http().get(file).await?.expect_status(403)?;
    let upstream = server.http().get("/api/v1/repositories/prod/upstreams/far").await?.expect_status(200)?.json()?;
    assert_eq!(
        (upstream["settings"]["cooldown_days"].as_u64(), upstream["has_secrets"].as_bool()),
        (Some(3), Some(true))
    );
    let again = applied(&server, place.path(), &[]).await?;
    assert!(again.says("everything is as the files say"), "{again}");

    let exported = tempfile::tempdir()?;
    let to = exported.path().display().to_string();
    server.cli(["export", "-o", to.as_str()])?.succeed().await?;
    let upstream = std::fs::read_to_string(exported.path().join("upstreams/prod-far.yaml"))?;
    assert!(!upstream.contains("a-secret"), "{upstream}");
    let other = crate::support::server().await?;
    applied(&other, exported.path(), &[]).await?;
    let same = applied(&other, exported.path(), &["--prune", "--dry-run"]).await?;
    assert!(same.says("everything is as the files say"), "{same}");
    Ok(())
}

#[tokio::test]
async fn what_is_taken_out_of_the_files_goes_when_pruned() -> Result<()> {
    let (server, place) = (server().await?, tempfile::tempdir()?);
    write(place.path(), WORKSPACE)?;
    publish(&server, &Wheel::new("odd", "1.0").build()?).await?;
    applied(&server, place.path(), &[]).await?;
    let less =
        WORKSPACE.split("---").filter(|document| !document.contains("kind: policy")).collect::<Vec<_>>().join("---");
    write(place.path(), &less.replace("cooldown_days: 3", "cooldown_days: 9"))?;

    let ran = applied(&server, place.path(), &[]).await?;
    assert!(ran.says("settings.cooldown_days: 3 → 9"), "{ran}");
    settled(&server).await?;
    let file = "/pypi/main/files/odd/odd-1.0-py3-none-any.whl";
    server.http().get(file).await?.expect_status(403)?;
    let ran = applied(&server, place.path(), &["--prune"]).await?;
    assert!(ran.says("- policy No odd names"), "{ran}");
    settled(&server).await?;
    server.http().get(file).await?.expect_status(200)?;
    Ok(())
}

#[tokio::test]
async fn a_mistake_is_told_before_anything_is_done() -> Result<()> {
    let (server, place) = (server().await?, tempfile::tempdir()?);
    write(place.path(), WORKSPACE)?;
    std::fs::write(place.path().join("odd.rego"), ODD.replace("input.v0.package.name ==", "inptu.name =="))?;
    let ran = apply(&server, place.path(), &[])?.fail().await?;
    assert!(ran.stderr.contains("workspace.yaml"), "{ran}");
    assert!(!server.http().get("/api/v1/repositories").await?.text().contains("prod"), "nothing was done");
    Ok(())
}
