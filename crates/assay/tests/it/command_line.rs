//! The command line as people and scripts use it: exit codes, what is printed where, and what is left behind.

use crate::support::{ASSAY, server};
use anyhow::Result;
use assay_testkit::{
    Run,
    make::{
        feeds::{CRITICAL, osv_record, osv_zip, withdrawn},
        wheel::Wheel,
    },
};
use serde_json::Value;
use std::{fs, path::Path};
use tempfile::TempDir;

const DAY: &str = "2026-01-01T00:00:00Z";
const NEXT_DAY: &str = "2026-01-02T00:00:00Z";

fn assay(folder: &Path, line: &str) -> Result<Run> {
    let run = Run::new(ASSAY)?.current_dir(folder).env("ASSAY_DATA", folder.join("data"));
    Ok(run.args(line.split(' ')))
}

/// A folder with a wheel and a feed that speaks of it.
fn folder() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    Wheel::new("frail", "1.0").build()?.write_to(folder.path())?;
    let record = osv_record("CVE-2026-0001", "PyPI", "frail", Some("1.2"), CRITICAL, DAY);
    fs::create_dir(folder.path().join("feeds"))?;
    fs::write(folder.path().join("feeds/all.zip"), osv_zip(&[record])?)?;
    fs::write(folder.path().join("feeds/notes.txt"), "not a feed")?;
    Ok(folder)
}

const WHEEL: &str = "frail-1.0-py3-none-any.whl";

#[tokio::test]
async fn a_scan_without_advisories_says_so_and_leaves_nothing_behind() -> Result<()> {
    let folder = folder()?;
    let ran = assay(folder.path(), &format!("scan {WHEEL}"))?.succeed().await?;
    assert!(ran.stdout.contains("no advisories are imported"), "{ran}");
    assert!(ran.stderr.contains("assay feeds import"), "{ran}");
    let gated = assay(folder.path(), &format!("scan {WHEEL} --exit-code 9"))?.fail().await?;
    assert_eq!(gated.status.code(), Some(1), "{gated}");
    assert!(!folder.path().join("data").exists());
    Ok(())
}

#[tokio::test]
async fn a_scan_after_an_import_finds_and_gates() -> Result<()> {
    let folder = folder()?;
    let first = assay(folder.path(), "feeds import feeds --json")?.succeed().await?;
    let report: Value = serde_json::from_str(&first.stdout)?;
    assert_eq!(report["sources"]["osv"]["new"], 1, "{first}");
    assert_eq!(report["skipped"][0], "feeds/notes.txt", "{first}");
    let again = assay(folder.path(), "feeds import feeds --json")?.succeed().await?;
    let report: Value = serde_json::from_str(&again.stdout)?;
    assert_eq!((&report["sources"]["osv"]["new"], &report["sources"]["osv"]["unchanged"]), (&0.into(), &1.into()));

    let found = assay(folder.path(), &format!("scan {WHEEL} --exit-code 9"))?.fail().await?;
    assert_eq!(found.status.code(), Some(9), "{found}");
    for part in ["CVE-2026-0001", "CRITICAL", "9.8", "1.2"] {
        assert!(found.stdout.contains(part), "{found}");
    }
    assay(folder.path(), &format!("scan {WHEEL} --exit-code 9 --severity low"))?.succeed().await?;
    let data = assay(folder.path(), &format!("scan {WHEEL} --json"))?.succeed().await?;
    assert_eq!(serde_json::from_str::<Value>(&data.stdout)?["findings"][0]["id"], "CVE-2026-0001");
    let bom = assay(folder.path(), &format!("scan {WHEEL} --format cyclonedx --output bom.json"))?.succeed().await?;
    assert_eq!(bom.stdout, "");
    let bom: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("bom.json"))?)?;
    assert_eq!((&bom["specVersion"], &bom["vulnerabilities"][0]["id"]), (&"1.6".into(), &"CVE-2026-0001".into()));

    let taken_back = withdrawn(osv_record("CVE-2026-0001", "PyPI", "frail", Some("1.2"), CRITICAL, DAY), NEXT_DAY);
    fs::write(folder.path().join("new.zip"), osv_zip(&[taken_back])?)?;
    assay(folder.path(), "feeds import new.zip")?.succeed().await?;
    assay(folder.path(), &format!("scan {WHEEL} --exit-code 9"))?.succeed().await?;
    Ok(())
}

#[tokio::test]
async fn one_damaged_file_does_not_stop_the_others() -> Result<()> {
    let folder = folder()?;
    let whole = fs::read(folder.path().join("feeds/all.zip"))?;
    fs::write(folder.path().join("cut.zip"), &whole[..whole.len() / 2])?;
    let ran = assay(folder.path(), "feeds import cut.zip feeds/all.zip")?.fail().await?;
    assert_eq!(ran.status.code(), Some(1));
    assert!(ran.stdout.contains("failed: cut.zip"), "{ran}");
    let found = assay(folder.path(), &format!("scan {WHEEL} --exit-code 9"))?.fail().await?;
    assert_eq!(found.status.code(), Some(9), "{found}");
    Ok(())
}

#[tokio::test]
async fn versions_are_compared_for_scripts() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ran = assay(folder.path(), "version compare PyPI 1.0rc1 1.0")?.succeed().await?;
    assert_eq!(ran.stdout, "<\n");
    assert_eq!(assay(folder.path(), "version compare nowhere 1 2")?.fail().await?.status.code(), Some(2));
    Ok(())
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() -> Result<()> {
    let folder = folder()?;
    let line = format!("{ASSAY} scan {WHEEL} --json 2>err | true; echo ${{PIPESTATUS[0]}}; cat err");
    let ran = Run::new("bash")?.current_dir(folder.path()).args(["-c", &line]).succeed().await?;
    assert!(ran.stdout.starts_with("0\n") && !ran.stdout.contains("panicked"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn a_token_is_asked_for_with_the_way_to_give_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = server().await?;
    let ran = assay(folder.path(), &format!("log --url {}", server.url()))?.fail().await?;
    assert!(ran.stderr.contains("ASSAY_TOKEN"), "{ran}");
    let ran = assay(folder.path(), "status --url http://127.0.0.1:1")?.fail().await?;
    assert!(ran.stderr.contains("assay serve"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn policies_are_added_explained_and_taken_back() -> Result<()> {
    let folder = folder()?;
    let server = server().await?;
    let at = |line: &str| -> Result<Run> {
        Ok(assay(folder.path(), line)?.env("ASSAY_URL", server.url()).env("ASSAY_TOKEN", server.token()))
    };
    server.http().put("/generic/main/some/file", "text").await?.expect_status(201)?;
    crate::support::settled(&server).await?;
    fs::write(
        folder.path().join("all.rego"),
        "package cloudsmith\n\ndefault match := true\n\nreason := \"nothing passes\"\n",
    )?;
    let ran = at("policy add all.rego --action quarantine")?.succeed().await?;
    assert!(ran.stdout.contains("policy all added") && ran.stdout.contains("1 newly quarantined"), "{ran}");
    let ran = at("packages --state quarantined --json")?.succeed().await?;
    let id = serde_json::from_str::<Value>(&ran.stdout)?["packages"][0]["id"].to_string();
    let ran = at(&format!("explain {id}"))?.succeed().await?;
    assert!(ran.stdout.contains("QUARANTINED") && ran.stdout.contains("nothing passes"), "{ran}");
    let ran = at("policy remove all")?.succeed().await?;
    assert!(ran.stdout.contains("1 released"), "{ran}");
    assert!(at("log verify")?.succeed().await?.stdout.contains("the log is whole"));
    let ran = at("tokens create reader --permission read --repository main")?.succeed().await?;
    let reader = ran.stdout.trim().to_owned();
    let denied = at("log verify")?.env("ASSAY_TOKEN", &reader).fail().await?;
    assert!(denied.stderr.contains("lacks `admin`"), "{denied}");
    at("packages")?.env("ASSAY_TOKEN", &reader).succeed().await?;
    Ok(())
}
