//! What people change: tags, labels, licences, and where a package is.

use super::{Story, Subject, unpacked};
use anyhow::{Context, Result};
use assay_testkit::make::wheel::Wheel;

#[tokio::test]
async fn tag_edited() -> Result<()> {
    let mut story = Story::begin().await?;
    let tagged = story.wheel("tiny-tagged", "1.0").await?;
    story.wheel("tiny-beside", "1.0").await?;
    story.policy("embargo", "match if \"embargoed\" in input.v1.tags").await?;
    story.served(&tagged).await?;
    let tag = async |verb: &str| {
        story.server.cli(["package", "tag", &tagged.what, verb, "embargoed"])?.succeed().await?;
        Ok(())
    };
    story.changes(&[&tagged], "tags", tag("add")).await?;
    story.refused(&tagged, "embargo").await?;
    story.changes(&[&tagged], "tags", tag("remove")).await?;
    story.served(&tagged).await
}

#[tokio::test]
async fn label_edited() -> Result<()> {
    let mut story = Story::begin().await?;
    story.server.cli(["repositories", "create", "other"])?.succeed().await?;
    let mut all = vec![story.wheel("tiny-one", "1.0").await?, story.wheel("tiny-two", "1.0").await?];
    let elsewhere = Wheel::new("tiny-one", "1.0").build()?;
    assay_testkit::upload::pypi(story.server.http(), "other", &elsewhere).await?.expect_status(200)?;
    let path = "/pypi/other/files/tiny-one/tiny_one-1.0-py3-none-any.whl";
    let beside = story.take(Subject::file("other/pypi/tiny-one@1.0", path))?;
    story.policy("frozen", "match if input.v1.labels.frozen == \"yes\"").await?;
    let label = async |label: &str| {
        story.server.cli(["repositories", "set", "main", "--label", label])?.succeed().await?;
        Ok(())
    };
    let first = all.remove(0);
    let touched = [&first, all.first().context("two")?];
    story.changes(&touched, "repository main changed", label("frozen=yes")).await?;
    story.refused(&first, "frozen").await?;
    story.served(&beside).await?;
    story.changes(&touched, "repository main changed", label("")).await?;
    story.served(&first).await
}

/// With every licence of the real list that is of the AGPL's kind.
#[tokio::test]
async fn licence_corrected() -> Result<()> {
    let Some(list) = unpacked("feeds/spdx/licenses.json.gz")? else { return Ok(()) };
    let ids = list["licenses"].as_array().context("licences")?.iter().filter_map(|one| one["licenseId"].as_str());
    let agpl: Vec<&str> = ids.filter(|id| id.starts_with("AGPL-")).collect();
    let mut story = Story::begin().await?;
    let declared = |name| Wheel::new(name, "1.0").metadata("License-Expression: MIT");
    let corrected = story.made("tiny-corrected", "1.0", declared("tiny-corrected")).await?;
    story.made("tiny-beside", "1.0", declared("tiny-beside")).await?;
    let rules = format!("match if input.v0.package.license.oss_license.spdx_identifier in {}", serde_json::json!(agpl));
    story.policy("no-agpl", &rules).await?;
    story.served(&corrected).await?;
    let corrects = async {
        let what = ["package", "license", &corrected.what, "AGPL-3.0-or-later", "--reason", "its file says so"];
        story.server.cli(what)?.succeed().await?;
        Ok(())
    };
    story.changes(&[&corrected], "licence corrected", corrects).await?;
    story.refused(&corrected, "no-agpl").await?;
    let restores = async {
        story.server.cli(["package", "license", &corrected.what, "--take-back"])?.succeed().await?;
        Ok(())
    };
    story.changes(&[&corrected], "licence corrected", restores).await?;
    story.served(&corrected).await
}

/// What is right in one place is not in another: the copy is decided there, and its original is left alone.
#[tokio::test]
async fn package_promoted() -> Result<()> {
    let mut story = Story::begin().await?;
    story.server.cli(["repositories", "create", "prod"])?.succeed().await?;
    let original = story.wheel("tiny-ready", "1.0").await?;
    story.wheel("tiny-beside", "1.0").await?;
    let rules = "match if {\n\tinput.v0.repository.name == \"prod\"\n\tnot \"approved\" in input.v1.tags\n}\n\nreason contains \"only what is approved\" if match";
    story.policy("gate", rules).await?;
    story.served(&original).await?;
    let refused = story.server.cli(["promote", &original.what, "prod"])?.fail().await?;
    assert!(refused.says("only what is approved"), "{refused}");
    story.server.cli(["package", "tag", &original.what, "add", "approved"])?.succeed().await?;
    crate::support::settled(&story.server).await?;
    let decided = story.decided().await?;
    let before = story.seen().await?;
    story.server.cli(["promote", &original.what, "prod"])?.succeed().await?;
    crate::support::settled(&story.server).await?;
    assert_eq!(story.decided().await?, decided + 1, "the copy alone");
    assert_eq!(story.seen().await?, before);
    let path = "/pypi/prod/files/tiny-ready/tiny_ready-1.0-py3-none-any.whl";
    let copy = story.take(Subject::file("prod/pypi/tiny-ready@1.0", path))?;
    let seen = crate::support::package(&story.server, &copy.what).await?;
    assert_eq!(seen["decisions"][0]["trigger"], "promoted");
    story.served(&copy).await?;
    let untag = async {
        story.server.cli(["package", "tag", &copy.what, "remove", "approved"])?.succeed().await?;
        Ok(())
    };
    story.changes(&[&copy], "tags", untag).await?;
    story.refused(&copy, "gate").await?;
    story.served(&original).await
}
