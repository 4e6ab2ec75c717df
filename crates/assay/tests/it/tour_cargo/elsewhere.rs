//! Crates of another registry through this server, first pulls that policy refuses, and repositories made of others.

use super::{Bench, index, put};
use crate::proxied::upstream;
use crate::support::{advisories, import, open_to_everyone, refuse_dangerous, server, settled};
use anyhow::Result;
use assay_testkit::TestServer;
use assay_testkit::evidence::{Case, saw};
use assay_testkit::make::{crates::publication, feeds};
use serde_json::json;

/// A registry of somebody else, with a crate whose newest version is yanked.
async fn far() -> Result<TestServer> {
    let far = server().await?;
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        put(&far, "Tiny_Far", version).await?;
    }
    far.http().delete("/cargo/main/api/v1/crates/Tiny_Far/1.2.0/yank").await?.expect_status(200)?;
    settled(&far).await?;
    open_to_everyone(&far).await?;
    Ok(far)
}

#[tokio::test]
async fn crates_of_an_upstream_are_resolved_built_and_kept() -> Result<()> {
    let (mut far, near) = (far().await?, server().await?);
    let Some(bench) = Bench::new(&near, Some(near.token()))? else { return Ok(()) };
    upstream(&near, "main", "far", "cargo", &format!("{}/cargo/main", far.url()), json!({})).await?;
    bench.configure("[source.crates-io]\nreplace-with = \"assay\"\n")?;
    let program = bench.program("user", "Tiny_Far = \"1\"", "Tiny_Far::VERSION")?;
    let ran = bench.run(&program, &["run", "--quiet"]).succeed().await?;
    assert_eq!(ran.stdout, "1.1.0\n", "a yank counts here too: {ran}");
    let found = near.http().get("/api/v1/packages?format=cargo").await?.json()?;
    assert_eq!(found["packages"].as_array().map(Vec::len), Some(1), "only what was asked for is taken: {found}");
    assert_eq!((&found["packages"][0]["origin"], &found["packages"][0]["version"]), (&json!("far"), &json!("1.1.0")));
    let (there, here) = (index(&far, "ti/ny/tiny_far").await?, index(&near, "ti/ny/tiny_far").await?);
    for line in &there {
        assert!(here.contains(line), "the line is the upstream's, with checksum and time: {line} is not in {here:?}");
    }
    saw("cargo", "cargo", Case::Proxied);

    let body = publication("tiny-far", "1.0.0")?;
    near.http().put("/cargo/main/api/v1/crates/new", body).await?.expect_status(409)?;
    near.http().delete("/cargo/main/api/v1/crates/tiny_far/1.1.0/yank").await?.expect_status(403)?;
    far.kill()?;
    bench.forget()?;
    std::fs::remove_dir_all(bench.place().join("target"))?;
    let ran = bench.run(&program, &["run", "--quiet", "--locked"]).succeed().await?;
    assert_eq!(ran.stdout, "1.1.0\n", "without the upstream");
    Ok(())
}

#[tokio::test]
async fn a_first_pull_of_a_dangerous_version_is_refused() -> Result<()> {
    let (far, near) = (far().await?, server().await?);
    let Some(bench) = Bench::new(&near, Some(near.token()))? else { return Ok(()) };
    upstream(&near, "main", "far", "cargo", &format!("{}/cargo/main", far.url()), json!({})).await?;
    let modified = "2026-01-01T00:00:00Z";
    let mut record =
        feeds::osv_record("RUSTSEC-2026-0002", "crates.io", "Tiny_Far", Some("1.1.0"), feeds::CRITICAL, modified);
    record["aliases"] = json!(["CVE-2026-30002"]);
    let feed = advisories(&near, "feed", &[record])?;
    import(&near, &[&feed]).await?;
    refuse_dangerous(&near).await?;

    let pinned =
        bench.program("pinned", "Tiny_Far = { version = \"=1.0.0\", registry = \"assay\" }", "Tiny_Far::VERSION")?;
    let ran = bench.run(&pinned, &["build"]).fail().await?;
    for part in ["is quarantined by policy too-dangerous", "CVE-2026-30002"] {
        assert!(ran.says(part), "`{part}` is not in: {ran}");
    }
    let free = bench.program("free", "Tiny_Far = { version = \"1\", registry = \"assay\" }", "Tiny_Far::VERSION")?;
    let ran = bench.run(&free, &["run", "--quiet"]).succeed().await?;
    assert_eq!(ran.stdout, "1.1.0\n");
    Ok(())
}

#[tokio::test]
async fn a_composed_repository_is_one_registry() -> Result<()> {
    let (far, near) = (far().await?, server().await?);
    let Some(bench) = Bench::of(&near, "all", Some(near.token()))? else { return Ok(()) };
    upstream(&near, "main", "far", "cargo", &format!("{}/cargo/main", far.url()), json!({})).await?;
    for draft in [
        json!({ "name": "own" }),
        json!({ "name": "all", "settings": { "members": ["own", "main"], "push_to": "own" } }),
    ] {
        near.http().post_json("/api/v1/repositories", &draft).await?.expect_status(201)?;
    }
    let own = super::library(&bench, "tiny-own", "2.0.0")?;
    bench.run(&own, super::PUBLISH).succeed().await?;
    let wants =
        "tiny-own = { version = \"2\", registry = \"assay\" }\nTiny_Far = { version = \"1\", registry = \"assay\" }";
    let program = bench.program("both", wants, "format!(\"{} {}\", tiny_own::VERSION, Tiny_Far::VERSION)")?;
    let ran = bench.run(&program, &["run", "--quiet"]).succeed().await?;
    assert_eq!(ran.stdout, "2.0.0 1.1.0\n", "{ran}");
    saw("cargo", "cargo", Case::Virtual);
    Ok(())
}
