//! The published example of a policy, over its life, on the real advisories of `requests`.

use super::{Story, record};
use anyhow::Result;
use assay_testkit::corpus;
use serde_json::{Value, json};

const ARCHIVE: &str = "feeds/osv/PyPI-ghsa/all.zip";

#[tokio::test]
async fn policy_added_edited_disabled_removed() -> Result<()> {
    let Some(published) = corpus("oracles/policies/max-cvss.rego") else { return Ok(()) };
    let (Some(one), Some(other)) = (record(ARCHIVE, "GHSA-x84v-xcm2-53pg")?, record(ARCHIVE, "GHSA-j8r2-6x86-q33q")?)
    else {
        return Ok(());
    };
    let mut story = Story::begin().await?;
    let old = story.wheel("requests", "2.6.0").await?;
    let new = story.wheel("requests", "2.32.0").await?;
    story.import(&story.records("advisories", &[one, other])?).await?;
    story.served(&old).await?;
    let text = std::fs::read_to_string(published)?;
    let http = story.server.http();
    let draft = |rego: &str, enabled: bool| {
        json!({"name": "max-cvss", "rego": rego, "enabled": enabled,
            "actions": [{"kind": "set_state", "params": {"state": "quarantined"}}]})
    };
    let save = async |draft: Value, status: u16| {
        http.post_json("/api/v1/policies", &draft).await?.expect_status(status)?;
        Ok(())
    };
    // a policy is about every package
    let all = [&old, &new];
    story.changes(&all, "policy max-cvss added", save(draft(&text, true), 201)).await?;
    story.refused(&old, "max-cvss").await?;
    story.served(&new).await?;
    // both of its vulnerabilities score less than 8
    let milder = text.replace("max_cvss_score := 6", "max_cvss_score := 8");
    story.changes(&all, "policy max-cvss edited", save(draft(&milder, true), 201)).await?;
    story.served(&old).await?;
    story.changes(&all, "policy max-cvss edited", save(draft(&text, true), 201)).await?;
    story.refused(&old, "max-cvss").await?;
    story.changes(&all, "policy max-cvss disabled", save(draft(&text, false), 201)).await?;
    story.served(&old).await?;
    // nothing is decided by what is not in force
    story.changes(&[], "", save(draft(&milder, false), 201)).await?;
    story.changes(&all, "policy max-cvss enabled", save(draft(&text, true), 201)).await?;
    story.refused(&old, "max-cvss").await?;
    for (command, serves) in [("disable", true), ("enable", false)] {
        let switched = async {
            let told = story.server.cli(["policy", command, "max-cvss"])?.succeed().await?;
            assert!(told.stdout.starts_with(&format!("policy max-cvss {command}d\n")), "{told}");
            Ok(())
        };
        story.changes(&all, &format!("policy max-cvss {command}d"), switched).await?;
        if serves { story.served(&old).await? } else { story.refused(&old, "max-cvss").await? }
    }
    let told = story.server.cli(["policy", "enable", "max-cvss"])?.succeed().await?;
    assert!(told.stdout.contains("is enabled already"), "{told}");
    let removed = async {
        http.delete("/api/v1/policies/max-cvss").await?.expect_status(204)?;
        Ok(())
    };
    story.changes(&all, "policy max-cvss removed", removed).await?;
    story.served(&old).await
}
