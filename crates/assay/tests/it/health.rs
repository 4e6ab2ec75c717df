//! How projects and packages fare, from real data: a Scorecard, a catalogue of popular packages, an end of life. What
//! changes decides its own packages again, and nothing else.

use std::path::PathBuf;

use anyhow::{Context, Result};
use assay_testkit::{TestServer, make::gzip, make::wheel::Wheel};
use serde_json::{Value, json};

use crate::changes::{import, quarantine, seen, states};
use crate::support::{publish, server, settled};

/// A file of the corpus, unpacked; a line that says so where it is missing.
fn corpus(path: &str) -> Result<Option<Value>> {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = std::env::var_os("ASSAY_CORPUS").map_or(default, PathBuf::from).join(path);
    if !path.exists() {
        eprintln!("SKIPPED: {} is missing; set ASSAY_CORPUS", path.display());
        return Ok(None);
    }
    let file = std::fs::File::open(&path)?;
    let value = if path.extension().is_some_and(|end| end == "gz") {
        serde_json::from_reader(flate2::read::GzDecoder::new(file))?
    } else {
        serde_json::from_reader(file)?
    };
    Ok(Some(value))
}

fn write(server: &TestServer, name: &str, value: &Value) -> Result<PathBuf> {
    let path = server.scratch().join(name);
    let bytes = if name == "results.json" { as_published(value) } else { value.to_string() }.into_bytes();
    std::fs::write(&path, if name.ends_with(".gz") { gzip(&bytes)? } else { bytes })?;
    Ok(path)
}

/// Results in the order of fields that Scorecard writes.
pub fn as_published(results: &Value) -> String {
    let field = |one: &Value, name: &str| format!("\"{name}\":{}", one[name]);
    let fields = ["date", "repo", "scorecard", "score", "checks"];
    let one = |one: &Value| format!("{{{}}}", fields.map(|name| field(one, name)).join(","));
    let all: Vec<String> = results.as_array().into_iter().flatten().map(one).collect();
    format!("[{}]", all.join(","))
}

#[tokio::test]
async fn a_scorecard_that_changes_decides_the_packages_of_its_repository() -> Result<()> {
    let Some(mut results) = corpus("feeds/scorecard/results.json")? else { return Ok(()) };
    let server = server().await?;
    for (name, source) in [("aa", "https://github.com/expressjs/express"), ("bb", "https://github.com/gatsbyjs/gatsby")]
    {
        let made = Wheel::new(name, "1.0").metadata(&format!("Project-URL: Source, {source}")).build()?;
        publish(&server, &made).await?;
    }
    publish(&server, &Wheel::new("cc", "1.0").build()?).await?;
    settled(&server).await?;
    let rego = "package assay\n\ndefault match := false\n\nmatch if input.v1.scorecard.score < 5\n";
    quarantine(&server, "kept-badly", rego).await?;
    let real = import(&server, &write(&server, "results.json", &results)?).await?;
    assert_eq!(real.counts("scorecard")[0], 27);
    assert_eq!(states(&server, &["aa", "bb", "cc"]).await?, ["available"; 3], "5.4, 6.2, and none");
    let others = [seen(&server, "bb").await?, seen(&server, "cc").await?];

    let express =
        results.as_array_mut().into_iter().flatten().find(|r| r["repo"]["name"] == "github.com/expressjs/express");
    let express = express.context("no result for express")?;
    express["score"] = json!(4.9);
    express["date"] = json!("2023-06-28");
    let later = import(&server, &write(&server, "results.json", &results)?).await?;
    assert_eq!(later.counts("scorecard"), [0, 1, 0, 26, 0]);
    assert_eq!(later.change(), [0, 1, 1, 0], "one package is decided again");
    assert_eq!(states(&server, &["aa", "bb", "cc"]).await?, ["quarantined", "available", "available"]);
    assert_eq!([seen(&server, "bb").await?, seen(&server, "cc").await?], others);
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_nearly_a_popular_one_is_found_when_the_catalogue_arrives() -> Result<()> {
    let Some(catalogue) = corpus("feeds/popularity/top-pypi-packages.min.json.gz")? else { return Ok(()) };
    let server = server().await?;
    for name in ["reqeusts", "requests", "nothing-like-that-at-all"] {
        publish(&server, &Wheel::new(name, "1.0").build()?).await?;
    }
    settled(&server).await?;
    let rego = "package assay\n\ndefault match := false\n\nmatch if some near in input.v1.popularity.similar\n\n\
                reason contains sprintf(\"like %s\", [near.name]) if some near in input.v1.popularity.similar\n";
    quarantine(&server, "mistaken", rego).await?;
    let other = seen(&server, "nothing-like-that-at-all").await?;
    let report = import(&server, &write(&server, "top.json.gz", &catalogue)?).await?;
    assert!(report.counts("popularity")[0] > 10_000);
    assert_eq!(report.change(), [0, 2, 1, 0], "those that are popular, or near it");
    let names = ["reqeusts", "requests", "nothing-like-that-at-all"];
    assert_eq!(states(&server, &names).await?, ["quarantined", "available", "available"]);
    assert_eq!(seen(&server, "nothing-like-that-at-all").await?, other);
    Ok(())
}

#[tokio::test]
async fn a_release_that_is_no_longer_maintained_is_found_when_its_end_has_come() -> Result<()> {
    let Some(products) = corpus("feeds/eol/endoflife-products.json.gz")? else { return Ok(()) };
    let server = server().await?;
    for version in ["1.4.2", "4000.0"] {
        publish(&server, &Wheel::new("django", version).build()?).await?;
    }
    settled(&server).await?;
    let rego = "package assay\n\ndefault match := false\n\nmatch if count(input.v1.end_of_life) > 0\n";
    quarantine(&server, "ended", rego).await?;
    let mut early = products.clone();
    let django = early.as_array_mut().into_iter().flatten().find(|one| one["permalink"] == "/django");
    let cycles = django.context("no django")?["releases"].as_array_mut().context("no releases")?;
    let cycle = cycles.iter_mut().find(|one| one["releaseCycle"] == "1.4").context("no 1.4")?;
    cycle["eol"] = json!("2999-01-01");
    import(&server, &write(&server, "products.json.gz", &early)?).await?;
    let state = |version: &'static str| crate::support::state(&server, version);
    assert_eq!(state("main/pypi/django@1.4.2").await?, "available", "its end is to come");

    let report = import(&server, &write(&server, "products.json.gz", &products)?).await?;
    assert_eq!(report.counts("eol")[1], 1, "one cycle changed");
    assert_eq!(state("main/pypi/django@1.4.2").await?, "quarantined");
    assert_eq!(state("main/pypi/django@4000.0").await?, "available");
    Ok(())
}
