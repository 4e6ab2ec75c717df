//! What comes by itself: nobody does anything, and packages are served or refused from a moment on.

use super::{Story, unpacked};
use crate::{
    clock::at,
    in_process::{self, Receiver},
};
use anyhow::{Context, Result, ensure};
use assay_model::clock::FixedClock;
use assay_store::StoreConfig;
use assay_testkit::corpus;
use std::sync::Arc;

/// A cooldown that ends, and a time to live that ends, to the second and not at the next hourly look.
#[tokio::test]
async fn cooldown_reached() -> Result<()> {
    let mut story = Story::begin().await?;
    story.wheel("tiny-beside", "1.0").await?;
    let age = "time.now_ns() - time.parse_rfc3339_ns(input.v1.first_seen)";
    let rules = |name: &str, compared: &str| {
        format!("match if {{\n\tinput.v0.package.name == \"{name}\"\n\t{age} {compared} 20000000000\n}}")
    };
    story.policy("cooldown", &rules("tiny-fresh", "<")).await?;
    story.policy("outlived", &rules("tiny-brief", ">=")).await?;
    let fresh = story.wheel("tiny-fresh", "1.0").await?;
    let brief = story.wheel("tiny-brief", "1.0").await?;
    story.answered(&fresh, 403).await?;
    story.answered(&brief, 200).await?;
    let passes = async {
        story.answered(&fresh, 200).await?;
        story.answered(&brief, 403).await
    };
    story.changes(&[&fresh, &brief], "the clock", passes).await?;
    story.served(&fresh).await?;
    story.refused(&brief, "outlived").await
}

/// The real catalogue says that Django 6.0 ends with April 2027. A server whose clock says May decides that by itself.
#[tokio::test]
async fn end_of_life_reached() -> Result<()> {
    let catalogue = "feeds/eol/endoflife-products.json.gz";
    let (Some(path), Some(_)) = (corpus(catalogue), unpacked(catalogue)?) else { return Ok(()) };
    let mut story = Story::begin().await?;
    let ending = story.wheel("django", "6.0").await?;
    story.wheel("django", "5.2").await?;
    let ended = story.wheel("django", "4.2").await?;
    story.wheel("tiny-beside", "1.0").await?;
    story.policy("ended", "match if count(input.v1.end_of_life) > 0").await?;
    story.import(&path).await?;
    story.served(&ending).await?;
    story.refused(&ended, "ended").await?;
    let told = story.server.cli(["vex", "export"])?.fail().await?;
    ensure!(told.stderr.contains("nothing to say"), "an end of life is no vulnerability: {told}");
    let (before, decided) = (story.seen().await?, story.decided().await?);

    story.server.stop().await?;
    let until = "2027-05-02T00:00:00Z".parse::<jiff::Timestamp>()?;
    ensure!(until > at(0, 0), "the clock goes forward");
    {
        let (data, clock) = (story.server.data(), Arc::new(FixedClock::new(until)));
        let config = StoreConfig::embedded(&data)?;
        let (engine, _meta) = in_process::engine(&config, &data, clock, Arc::new(Receiver::default())).await?;
        engine.drain().await?;
    }
    story.server.restart().await?;
    story.refused(&ending, "ended").await?;
    let after = story.seen().await?;
    ensure!(story.decided().await? == decided + 1, "one package was decided");
    for (what, decisions) in &before {
        ensure!((after.get(what) == Some(decisions)) == (*what != ending.what), "{what}: {:?}", after.get(what));
    }
    let decisions = after.get(&ending.what).context("its decisions")?;
    ensure!(decisions.contains("advisory EOL"), "{decisions}");
    Ok(())
}
