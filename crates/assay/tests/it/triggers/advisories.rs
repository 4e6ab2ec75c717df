//! Advisories: new, changed, withdrawn; malware that is listed. Packages of the affected names and versions are small
//! inventions, the records are those of the databases.

use super::{Story, record, revised};
use anyhow::{Context, Result};
use serde_json::json;

const BEFORE: &str = "feeds/osv-2-before/crates-io/all.zip";
const AFTER: &str = "feeds/osv/crates-io/all.zip";
const VULNERABLE: &str = "match if count(input.v0.vulnerabilities) > 0";
const LATER: &str = "2026-10-01T00:00:00Z";

/// Half a year of the Rust database, whole: one crate is touched by what it brings.
#[tokio::test]
async fn advisory_new() -> Result<()> {
    let (Some(before), Some(after)) = (assay_testkit::corpus(BEFORE), assay_testkit::corpus(AFTER)) else {
        return Ok(());
    };
    let mut story = Story::begin().await?;
    let zip = story.krate("trailer", "0.1.2").await?;
    for beside in ["tiny-beside", "tiny-other"] {
        story.krate(beside, "0.1.0").await?;
    }
    story.policy("vulnerable", VULNERABLE).await?;
    story.import(&before).await?;
    story.served(&zip).await?;
    story.changes(&[&zip], "RUSTSEC-2025-0163", story.import(&after)).await?;
    story.refused(&zip, "vulnerable").await?;

    // what an export no longer has is taken back
    let fewer = record(AFTER, "RUSTSEC-2025-0163")?.context("the record")?;
    let gone = revised(&fewer, LATER, |record| record["affected"][0]["package"]["name"] = json!("another-trailer"));
    let path = story.records("renamed", &[gone])?;
    story.changes(&[&zip], "RUSTSEC-2025-0163", story.import(&path)).await?;
    story.served(&zip).await
}

/// A range of versions that turned out to be longer.
#[tokio::test]
async fn advisory_changed() -> Result<()> {
    let id = "RUSTSEC-2018-0019";
    let (Some(before), Some(after)) = (record(BEFORE, id)?, record(AFTER, id)?) else { return Ok(()) };
    let mut story = Story::begin().await?;
    let patched = story.krate("actix-web", "0.7.16").await?;
    story.krate("actix-web", "4.0.0").await?;
    let old = story.krate("actix-web", "0.7.1").await?;
    story.policy("vulnerable", VULNERABLE).await?;
    story.import(&story.records("before", std::slice::from_ref(&before))?).await?;
    story.served(&patched).await?;
    story.refused(&old, "vulnerable").await?;
    let path = story.records("after", &[after])?;
    // of the older version another thing is said now: until when one is affected
    story.changes(&[&patched, &old], id, story.import(&path)).await?;
    story.refused(&patched, "vulnerable").await?;
    let path = story.records("again", &[revised(&before, LATER, |_| {})])?;
    story.changes(&[&patched, &old], id, story.import(&path)).await?;
    story.served(&patched).await
}

/// A record as it was in its first hours, and as it was withdrawn.
#[tokio::test]
async fn advisory_withdrawn() -> Result<()> {
    let id = "RUSTSEC-2026-0132";
    let Some(withdrawn) = record(AFTER, id)? else { return Ok(()) };
    let mut story = Story::begin().await?;
    let touched = story.krate("ssdeep", "0.6.0").await?;
    story.krate("tiny-beside", "0.1.0").await?;
    story.policy("vulnerable", VULNERABLE).await?;
    let first = revised(&withdrawn, "2026-05-17T08:00:00Z", |record| {
        record.as_object_mut().map(|fields| fields.remove("withdrawn"));
    });
    let path = story.records("first", std::slice::from_ref(&first))?;
    story.changes(&[&touched], id, story.import(&path)).await?;
    story.refused(&touched, "vulnerable").await?;
    let path = story.records("withdrawn", &[withdrawn])?;
    story.changes(&[&touched], id, story.import(&path)).await?;
    story.served(&touched).await?;
    let path = story.records("again", &[revised(&first, LATER, |_| {})])?;
    story.changes(&[&touched], id, story.import(&path)).await?;
    story.refused(&touched, "vulnerable").await
}

/// Nine thousand names of malware at once, one of which is stored.
#[tokio::test]
async fn malware_listed() -> Result<()> {
    let archive = "feeds/malicious/PyPI/all.zip";
    let (Some(all), Some(listed)) = (assay_testkit::corpus(archive), record(archive, "MAL-2022-7426")?) else {
        return Ok(());
    };
    let mut story = Story::begin().await?;
    let bad = story.wheel("pymocks", "1.0").await?;
    story.wheel("tiny-harmless", "1.0").await?;
    story.policy("malware", "match if count(input.v1.malware) > 0").await?;
    story.served(&bad).await?;
    story.changes(&[&bad], "MAL-2022-7426", story.import(&all)).await?;
    story.refused(&bad, "malware").await?;
    let wrong = revised(&listed, LATER, |record| record["withdrawn"] = json!(LATER));
    let path = story.records("withdrawn", &[wrong])?;
    story.changes(&[&bad], "MAL-2022-7426", story.import(&path)).await?;
    story.served(&bad).await
}
