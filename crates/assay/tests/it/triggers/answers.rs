//! What people answer to findings: statements of VEX and waivers, on real advisories.

use super::{Story, Subject, record, revised};
use anyhow::{Context, Result};
use assay_testkit::{corpus, make::go_module::GoModule};
use serde_json::{Value, json};
use std::{io::Read, time::Duration};

const VULNERABLE: &str = "match if count(input.v0.vulnerabilities) > 0";
const REQUESTS: [&str; 2] = ["feeds/osv/PyPI-ghsa/all.zip", "GHSA-x84v-xcm2-53pg"];

/// `requests` with its vulnerability, refused; and two that are not touched.
async fn requests() -> Result<Option<(Story, Subject)>> {
    let Some(advisory) = record(REQUESTS[0], REQUESTS[1])? else { return Ok(None) };
    let mut story = Story::begin().await?;
    let old = story.wheel("requests", "2.6.0").await?;
    story.wheel("requests", "2.32.0").await?;
    story.wheel("tiny-beside", "1.0").await?;
    story.import(&story.records("advisory", &[advisory])?).await?;
    story.policy("vulnerable", VULNERABLE).await?;
    story.refused(&old, "vulnerable").await?;
    Ok(Some((story, old)))
}

async fn waive(story: &Story, expires: &str) -> Result<String> {
    let arguments = ["waiver", "add", "--json", "--vulnerability", "CVE-2018-18074", "--reason", "no redirects here"];
    let ran = story.server.cli(arguments)?.args(["--expires", expires]).succeed().await?;
    let made: Value = serde_json::from_str(&ran.stdout)?;
    Ok(made["id"].as_str().context("an id")?.to_owned())
}

#[tokio::test]
async fn waiver_added_and_revoked() -> Result<()> {
    let Some((story, old)) = requests().await? else { return Ok(()) };
    let mut id = String::new();
    let adds = async {
        id = waive(&story, "1h").await?;
        Ok(())
    };
    story.changes(&[&old], "added", adds).await?;
    story.served(&old).await?;
    let revokes = async {
        story.server.cli(["waiver", "revoke", &id, "--reason", "there are redirects"])?.succeed().await?;
        Ok(())
    };
    story.changes(&[&old], &format!("waiver {id} revoked"), revokes).await?;
    story.refused(&old, "vulnerable").await
}

#[tokio::test]
async fn waiver_expired() -> Result<()> {
    let Some((story, old)) = requests().await? else { return Ok(()) };
    let id = waive(&story, "20s").await?;
    story.served(&old).await?;
    let expires = async {
        let begun = std::time::Instant::now();
        loop {
            let waiver = story.server.http().get(&format!("/api/v1/waivers/{id}")).await?.expect_status(200)?.json()?;
            if waiver["status"] == "expired" {
                return Ok(());
            }
            anyhow::ensure!(begun.elapsed() < crate::support::PATIENCE, "it does not end: {waiver}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    story.changes(&[&old], &format!("waiver {id} expired"), expires).await?;
    story.refused(&old, "vulnerable").await
}

/// The statement of a real hub about a vulnerability of Helm, said of the module itself.
fn statement() -> Result<Option<Value>> {
    let Some(path) = corpus("feeds/vex/aquasecurity-vexhub.zip") else { return Ok(None) };
    let mut hub = zip::ZipArchive::new(std::fs::File::open(path)?)?;
    let mut text = String::new();
    hub.by_name("pkg/golang/github.com/aquasecurity/trivy/trivy.openvex.json")?.read_to_string(&mut text)?;
    let mut document: Value = serde_json::from_str(&text)?;
    let statements = document["statements"].as_array_mut().context("statements")?;
    statements.retain(|one| one["vulnerability"]["name"] == "GO-2024-2575");
    let one = statements.first_mut().context("a statement about Helm")?;
    one["products"] = json!([{"@id": "pkg:golang/helm.sh/helm/v3"}]);
    Ok(Some(document))
}

#[tokio::test]
async fn vex_arrived_and_revoked() -> Result<()> {
    let (Some(advisory), Some(document)) = (record("feeds/osv/Go/all.zip", "GO-2024-2575")?, statement()?) else {
        return Ok(());
    };
    let mut story = Story::begin().await?;
    let mut modules = Vec::new();
    for (path, version) in
        [("helm.sh/helm/v3", "v3.14.0"), ("helm.sh/helm/v3", "v3.14.2"), ("example.org/beside", "v1.0.0")]
    {
        let module = GoModule::new(path, version);
        let file = format!("/go/main/{}", module.address());
        story.server.http().put(&file, module.zip()?).await?.expect_status(201)?;
        modules.push(story.take(Subject::file(&format!("main/go/{path}@{version}"), &file))?);
    }
    let helm = modules.remove(0);
    story.import(&story.records("advisory", &[revised(&advisory, "2024-03-01T00:00:00Z", |_| {})])?).await?;
    story.policy("vulnerable", VULNERABLE).await?;
    story.refused(&helm, "vulnerable").await?;

    let path = story.feed("trivy.openvex.json", document.to_string())?;
    let mut id = Value::Null;
    let arrives = async {
        let ran = story.server.cli(["vex", "add", "--json"])?.arg(&path).succeed().await?;
        id = serde_json::from_str::<Value>(&ran.stdout)?["document"]["id"].clone();
        Ok(())
    };
    story.changes(&[&helm], "VEX aquasecurity/trivy", arrives).await?;
    story.served(&helm).await?;
    let revoked = async {
        story.server.cli(["vex", "remove", &id.to_string()])?.succeed().await?;
        Ok(())
    };
    story.changes(&[&helm], "removed", revoked).await?;
    story.refused(&helm, "vulnerable").await
}
