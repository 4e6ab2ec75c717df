//! `assay scan`: the same without a server.

use crate::inventory::assert_valid;
use crate::support::{ASSAY, python_advisory};
use crate::tour_oci::image;
use anyhow::Result;
use assay_testkit::make::{feeds, wheel::Wheel};
use assay_testkit::tools::requests_wheel;
use assay_testkit::{Ran, Run, corpus};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// A data directory with two advisories, and things to scan beside it.
struct World {
    folder: TempDir,
}

impl World {
    async fn new() -> Result<Self> {
        let world = Self { folder: tempfile::tempdir()? };
        let mut musl = feeds::osv_record(
            "ALPINE-CVE-2026-40005",
            "Alpine:v3.10",
            "musl",
            Some("1.1.22-r4"),
            "CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N",
            "2026-01-01T00:00:00Z",
        );
        musl["aliases"] = json!(["CVE-2026-40005"]);
        let records = [python_advisory("PYSEC-2026-4", "CVE-2026-40004", "tiny-scanned", "0", "2.0"), musl];
        let feed = world.path("feed.zip");
        std::fs::write(&feed, feeds::osv_zip(&records)?)?;
        world.assay(&["feeds", "import"], &feed)?.succeed().await?;
        Ok(world)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program on this data directory. No server runs, and none is asked for.
    fn assay(&self, arguments: &[&str], path: &Path) -> Result<Run> {
        Ok(Run::new(ASSAY)?.env("ASSAY_DATA", self.path("data")).args(arguments).arg(path))
    }

    fn wheel(&self) -> Result<PathBuf> {
        Wheel::new("tiny-scanned", "1.2").requires("idna").build()?.write_to(self.folder.path())
    }
}

fn json_of(ran: &Ran) -> Result<Value> {
    Ok(serde_json::from_str(&ran.stdout)?)
}

#[tokio::test]
async fn a_wheel_is_scanned_for_people_and_programs() -> Result<()> {
    let world = World::new().await?;
    let wheel = world.wheel()?;
    let ran = world.assay(&["scan"], &wheel)?.succeed().await?;
    for part in ["tiny-scanned", "1.2", "CVE-2026-40004", "CRITICAL", "9.8", "2.0", "1 vulnerability"] {
        assert!(ran.says(part), "`{part}` is not in: {ran}");
    }
    let told = json_of(&world.assay(&["scan", "--format", "json"], &wheel)?.succeed().await?)?;
    assert_eq!((&told["findings"][0]["id"], &told["complete"]), (&json!("CVE-2026-40004"), &json!(true)));
    assert_eq!(told["findings"][0]["fixed_versions"], json!(["2.0"]));

    let document = json_of(&world.assay(&["scan", "--format", "cyclonedx"], &wheel)?.succeed().await?)?;
    assert_valid(&document)?;
    assert_eq!(document["vulnerabilities"][0]["id"], "CVE-2026-40004");
    assert_eq!(document["vulnerabilities"][0]["ratings"][0]["score"], 9.8);
    let plain = json_of(&world.assay(&["sbom"], &wheel)?.succeed().await?)?;
    assert_valid(&plain)?;
    assert!(plain.get("vulnerabilities").is_none());
    Ok(())
}

#[tokio::test]
async fn folders_and_image_archives_are_scanned_too() -> Result<()> {
    let world = World::new().await?;
    let installed = world.path("site/lib/tiny_scanned-1.9.dist-info");
    std::fs::create_dir_all(&installed)?;
    std::fs::write(installed.join("METADATA"), "Metadata-Version: 2.1\nName: tiny-scanned\nVersion: 1.9\n")?;
    let ran = world.assay(&["scan"], &world.path("site"))?.succeed().await?;
    assert!(ran.says("CVE-2026-40004") && ran.says("1.9"), "{ran}");

    let archive = world.path("image.tar");
    std::fs::write(&archive, image("scanned")?.docker_archive("scanned:1")?)?;
    let ran = world.assay(&["scan"], &archive)?.succeed().await?;
    assert!(ran.says("CVE-2026-40005") && ran.says("musl") && ran.says("1.1.22-r4") && ran.says("LOW"), "{ran}");
    let document = json_of(&world.assay(&["scan", "--format", "cyclonedx"], &archive)?.succeed().await?)?;
    assert_valid(&document)?;

    let (layout, packed) = (world.path("layout"), world.path("layout.tar"));
    image("scanned")?.write_layout(&layout, "1")?;
    Run::new("tar")?.arg("-C").arg(&layout).arg("-cf").arg(&packed).arg(".").succeed().await?;
    let told = json_of(&world.assay(&["scan", "--json"], &packed)?.succeed().await?)?;
    let found = told["findings"].as_array().into_iter().flatten();
    assert!(found.map(|one| &one["id"]).any(|id| id == "CVE-2026-40005"), "{told:#}");
    Ok(())
}

#[tokio::test]
async fn the_exit_code_follows_the_chosen_severities() -> Result<()> {
    let world = World::new().await?;
    let wheel = world.wheel()?;
    let code = |arguments: &'static [&'static str]| {
        let run = world.assay(arguments, &wheel);
        async move { Ok::<_, anyhow::Error>(run?.run().await?.status.code()) }
    };
    assert_eq!(code(&["scan"]).await?, Some(0));
    assert_eq!(code(&["scan", "--exit-code", "7"]).await?, Some(7));
    assert_eq!(code(&["scan", "--exit-code", "7", "--severity", "HIGH,CRITICAL"]).await?, Some(7));
    assert_eq!(code(&["scan", "--exit-code", "7", "--severity", "low,medium"]).await?, Some(0));
    let ran = world.assay(&["scan", "--severity", "low"], &wheel)?.succeed().await?;
    assert!(!ran.says("CVE-2026-40004") && ran.says("1 finding of other severities"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn without_advisories_nothing_is_called_safe() -> Result<()> {
    let world = World { folder: tempfile::tempdir()? };
    let wheel = world.wheel()?;
    let ran = world.assay(&["scan"], &wheel)?.succeed().await?;
    assert!(ran.says("no advisories are imported") && !ran.says("no vulnerabilities"), "{ran}");
    world.assay(&["scan", "--exit-code", "3"], &wheel)?.fail().await?;
    let ran = world.assay(&["scan"], &world.path("is-not-there.whl"))?.fail().await?;
    assert!(ran.stderr.contains("is-not-there.whl"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn the_real_wheel_has_its_known_vulnerabilities() -> Result<()> {
    let Some(wheel) = requests_wheel().await? else { return Ok(()) };
    let (Some(osv), Some(scored)) = (corpus("feeds/osv/PyPI"), corpus("feeds/osv/PyPI-ghsa")) else { return Ok(()) };
    let world = World { folder: tempfile::tempdir()? };
    world.assay(&["feeds", "import"], &osv)?.arg(scored).succeed().await?;
    let started = Instant::now();
    let ran = world.assay(&["scan"], &wheel)?.succeed().await?;
    let spent = started.elapsed();
    for part in ["CVE-2018-18074", "HIGH", "7.5", "2.20.0", "CVE-2023-32681", "6.1", "2.31.0"] {
        assert!(ran.says(part), "`{part}` is not in: {ran}");
    }
    assert!(spent.as_secs() < 5, "it took {spent:?}, on a machine that also compiles");
    Ok(())
}
