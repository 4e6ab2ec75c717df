//! Scores and catalogues as they were published on two days.

use super::{Story, record, revised, unpacked};
use anyhow::Result;
use assay_testkit::corpus;
use serde_json::json;

/// One score rises over the limit and another falls below it, of 21,267 that move.
#[tokio::test]
async fn epss_moved() -> Result<()> {
    let days = ["2026-08-09", "2026-08-16"].map(|day| corpus(&format!("feeds/epss/epss_scores-{day}.csv.gz")));
    let [Some(first), Some(second)] = days else { return Ok(()) };
    let (Some(rising), Some(falling)) = (
        record("feeds/osv/PyPI/all.zip", "PYSEC-2022-43019")?,
        record("feeds/osv/Maven/all.zip", "GHSA-qxp4-27vx-xmm3")?,
    ) else {
        return Ok(());
    };
    let mut story = Story::begin().await?;
    let up = story.wheel("d8s-algorithms", "0.1.0").await?;
    story.wheel("tiny-beside", "1.0").await?;
    let stem = "/maven/main/org/eclipse/jetty/jetty-server/8.0.0/jetty-server-8.0.0";
    let pom = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
               <groupId>org.eclipse.jetty</groupId><artifactId>jetty-server</artifactId><version>8.0.0</version></project>";
    story.server.http().put(&format!("{stem}.jar"), crate::tour_maven::jar("jetty")?).await?.expect_status(201)?;
    story.server.http().put(&format!("{stem}.pom"), pom).await?.expect_status(201)?;
    let jetty = super::Subject::file("main/maven/org.eclipse.jetty:jetty-server@8.0.0", &format!("{stem}.jar"));
    let down = story.take(jetty)?;
    story.import(&story.records("advisories", &[rising, falling])?).await?;
    story.import(&first).await?;
    let rules = "match if {\n\tsome found in input.v0.vulnerabilities\n\tfound.epss.score >= 0.05\n}";
    story.policy("likely", rules).await?;
    story.served(&up).await?;
    story.refused(&down, "likely").await?;
    story.changes(&[&up, &down], "EPSS scores changed", story.import(&second)).await?;
    story.refused(&up, "likely").await?;
    story.served(&down).await
}

/// 258 entries of a year.
#[tokio::test]
async fn kev_added() -> Result<()> {
    let [Some(before), Some(after)] = ["2025-08-25", "2026-08-07"]
        .map(|day| corpus(&format!("feeds/kev/known_exploited_vulnerabilities-{day}.json.gz")))
    else {
        return Ok(());
    };
    let Some(advisory) = record("feeds/osv/PyPI/all.zip", "PYSEC-2026-407")? else { return Ok(()) };
    let mut story = Story::begin().await?;
    let exploited = story.wheel("marimo", "0.22.0").await?;
    story.wheel("marimo", "0.23.0").await?;
    story.wheel("tiny-beside", "1.0").await?;
    story.import(&story.records("advisory", &[revised(&advisory, "2026-04-01T00:00:00Z", |_| {})])?).await?;
    story.import(&before).await?;
    story.policy("exploited", "match if count(input.v1.kev) > 0").await?;
    story.served(&exploited).await?;
    story.changes(&[&exploited], "KEV entries changed", story.import(&after)).await?;
    story.refused(&exploited, "exploited").await?;

    // an entry that was a mistake
    let Some(mut fewer) = unpacked("feeds/kev/known_exploited_vulnerabilities-2026-08-07.json.gz")? else {
        return Ok(());
    };
    if let Some(entries) = fewer["vulnerabilities"].as_array_mut() {
        entries.retain(|entry| entry["cveID"] != "CVE-2026-39987");
        fewer["count"] = json!(entries.len());
    }
    fewer["catalogVersion"] = json!("2026.08.09");
    fewer["dateReleased"] = json!("2026-08-09T16:00:00.0000Z");
    let path = story.feed("known_exploited_vulnerabilities.json", fewer.to_string())?;
    story.changes(&[&exploited], "KEV entries were removed", story.import(&path)).await?;
    story.served(&exploited).await
}
