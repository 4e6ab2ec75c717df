//! What is known of content: a scanner that sees more, a project that fares otherwise.

use super::{Story, Subject, unpacked};
use crate::{
    renew::{Older, age, renewed},
    support::settled,
    tour_oci,
};
use anyhow::{Context, Result, ensure};
use assay_testkit::{corpus, make::wheel::Wheel, tool};
use serde_json::{Value, json};

/// A real image that an older scanner found nothing in, and the real advisories of its distribution.
#[tokio::test]
async fn scanner_improved() -> Result<()> {
    let Some(advisories) = corpus("feeds/osv/Alpine/all.zip") else { return Ok(()) };
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let mut story = Story::begin().await?;
    let Some(archive) = tour_oci::real_archive(story.server.scratch()).await? else { return Ok(()) };
    let (from, to) = (
        format!("docker-archive:{}", archive.display()),
        format!("docker://{}/main/alpine:3.10", story.server.authority()),
    );
    tour_oci::skopeo_copy(&story.server, &skopeo, &[], &from, &to)?.succeed().await?;
    let image = story.take(Subject::file("main/oci/alpine:3.10", "/v2/main/alpine/manifests/3.10"))?;
    for beside in ["tiny-beside", "tiny-other"] {
        story.wheel(beside, "1.0").await?;
    }
    story.policy("vulnerable", "match if count(input.v0.vulnerabilities) > 0").await?;
    story.served(&image).await?;

    story.server.stop().await?;
    let aged = age(&story.server, Older::Blind).await?;
    ensure!(aged > 2, "there is something to make again: {aged}");
    // nobody serves, and what the older scanner did not find is not touched
    story.import(&advisories).await?;
    story.server.restart().await?;
    renewed(&story.server, &Value::Null).await?;
    story.refused(&image, "vulnerable").await?;
    let seen = crate::support::package(&story.server, &image.what).await?;
    let trigger = seen["decisions"][0]["trigger"].as_str().unwrap_or_default();
    ensure!(trigger.contains("inventory renewed (apk)"), "{trigger}");
    for beside in ["main/pypi/tiny-beside@1.0", "main/pypi/tiny-other@1.0"] {
        let decisions = crate::support::package(&story.server, beside).await?["decisions"].clone();
        ensure!(!decisions.to_string().contains("inventory"), "{beside}: {decisions}");
    }
    let place = tempfile::tempdir()?;
    let back = format!("dir:{}", place.path().display());
    let ran = tour_oci::skopeo_copy(&story.server, &skopeo, &[], &to, &back)?.fail().await?;
    ensure!(ran.says("vulnerable"), "{ran}");
    // the other way: the fix is not needed any more where nothing is affected
    story.server.cli(["policy", "remove", "vulnerable"])?.succeed().await?;
    settled(&story.server).await?;
    tour_oci::skopeo_copy(&story.server, &skopeo, &[], &to, &back)?.succeed().await?;
    Ok(())
}

/// Real scorecards, one of which falls below the limit and recovers.
#[tokio::test]
async fn scorecard_changed() -> Result<()> {
    let Some(results) = unpacked("feeds/scorecard/results.json")? else { return Ok(()) };
    let mut story = Story::begin().await?;
    let from = |name: &str, repository: &str| {
        Wheel::new(name, "1.0").metadata(&format!("Project-URL: Source, https://github.com/{repository}"))
    };
    let express = story.made("tiny-express", "1.0", from("tiny-express", "expressjs/express")).await?;
    let lodash = story.made("tiny-lodash", "1.0", from("tiny-lodash", "lodash/lodash")).await?;
    story.made("tiny-webpack", "1.0", from("tiny-webpack", "webpack/webpack")).await?;
    story.wheel("tiny-beside", "1.0").await?;
    story.policy("kept-badly", "match if input.v1.scorecard.score < 5").await?;
    let results_of = |score: f64, date: &str| -> Result<String> {
        let mut all = results.clone();
        let mut each = all.as_array_mut().into_iter().flatten();
        let one = each.find(|one| one["repo"]["name"] == "github.com/expressjs/express").context("express")?;
        one["score"] = json!(score);
        one["date"] = json!(date);
        Ok(crate::health::as_published(&all))
    };
    let real = story.feed("results.json", crate::health::as_published(&results))?;
    story.import(&real).await?;
    story.served(&express).await?;
    story.refused(&lodash, "kept-badly").await?;
    let path = story.feed("results.json", results_of(4.9, "2023-06-28")?)?;
    story.changes(&[&express], "scorecards changed", story.import(&path)).await?;
    story.refused(&express, "kept-badly").await?;
    let path = story.feed("results.json", results_of(6.0, "2023-07-05")?)?;
    story.changes(&[&express], "scorecards changed", story.import(&path)).await?;
    story.served(&express).await
}
