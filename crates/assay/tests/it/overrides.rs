//! What people say of single packages: states set by hand, tags, corrected licences; who may, what the log says, how it
//! ends.

use crate::{
    actions::{becomes, save, until},
    support::{package, package_id, publish, server, token},
};
use anyhow::Result;
use assay_testkit::{TestServer, make::wheel::Wheel};
use serde_json::json;

const IT: &str = "main/pypi/thing@1.0";
const FILE: &str = "/pypi/main/files/thing/thing-1.0-py3-none-any.whl";

async fn world() -> Result<TestServer> {
    let server = server().await?;
    publish(&server, &Wheel::new("thing", "1.0").build()?).await?;
    becomes(&server, IT, "available").await?;
    Ok(server)
}

#[tokio::test]
async fn a_held_package_is_refused_with_the_reason_until_the_word_ends() -> Result<()> {
    let server = world().await?;
    server.cli(["package", "hold", IT, "--reason", "under review by us", "--expires", "4s"])?.succeed().await?;
    let refused = server.http().get(FILE).await?.expect_status(403)?;
    assert!(refused.text().contains("under review by us"), "{}", refused.text());
    let ran = server.cli(["package", "overrides"])?.succeed().await?;
    assert!(ran.says("thing 1.0") && ran.says("quarantined") && ran.says("under review by us"), "{ran}");
    let ran = server.cli(["explain", IT])?.succeed().await?;
    assert!(ran.says("Set by hand to quarantined"), "{ran}");
    let page =
        server.http().get(&format!("/ui/packages/{}", package_id(&server, IT).await?)).await?.expect_status(200)?;
    assert!(page.text().contains("Set by hand"));

    let found = becomes(&server, IT, "available").await?;
    assert!(found["held"].is_null(), "{found:#}");
    server.http().get(FILE).await?.expect_status(200)?;
    let ended = found["events"].as_array().into_iter().flatten().find(|e| e["kind"] == "package.override_ended");
    assert_eq!(ended.map(|e| e["body"]["by_itself"].clone()), Some(json!(true)), "{found:#}");
    assert!(server.cli(["package", "overrides"])?.succeed().await?.says("no state was set by hand"));
    Ok(())
}

#[tokio::test]
async fn a_released_package_stays_released_while_a_policy_wants_it_held() -> Result<()> {
    let server = world().await?;
    save(&server, "gate", 10, "thing", json!([{"kind": "set_state", "params": {"state": "quarantined"}}])).await?;
    becomes(&server, IT, "quarantined").await?;
    server.cli(["package", "release", IT, "--reason", "needed tonight"])?.succeed().await?;
    server.http().get(FILE).await?.expect_status(200)?;
    save(&server, "other", 20, "thing", json!([{"kind": "add_tags", "params": {"tags": ["seen"]}}])).await?;
    let found = until(&server, IT, |found| found["tags"] == json!(["seen"])).await?;
    assert_eq!((&found["state"], &found["decisions"][0]["state"]), (&json!("available"), &json!("quarantined")));
    server.cli(["package", "clear", IT])?.succeed().await?;
    becomes(&server, IT, "quarantined").await?;
    assert!(!server.cli(["package", "clear", IT])?.fail().await?.stderr.is_empty());
    Ok(())
}

#[tokio::test]
async fn only_who_may_says_something_and_a_reason_is_wanted() -> Result<()> {
    let server = world().await?;
    let id = package_id(&server, IT).await?;
    let writer = server.http().with_token(Some(&token(&server, "write", &["main"]).await?));
    let reader = server.http().with_token(Some(&token(&server, "read", &["main"]).await?));
    let word = json!({"state": "quarantined", "reason": "because"});
    for http in [&writer, &reader] {
        http.post_json(&format!("/api/v1/packages/{id}/override"), &word).await?.expect_status(403)?;
        http.post_json(&format!("/api/v1/packages/{id}/license"), &json!({"license": "MIT", "reason": "x"}))
            .await?
            .expect_status(403)?;
    }
    reader.post_json(&format!("/api/v1/packages/{id}/tags"), &json!({"add": ["a"]})).await?.expect_status(403)?;
    writer.post_json(&format!("/api/v1/packages/{id}/tags"), &json!({"add": ["a"]})).await?.expect_status(200)?;
    for wrong in [
        json!({"state": "quarantined", "reason": " "}),
        json!({"state": "deleted", "reason": "x"}),
        json!({"state": "hidden", "reason": "x", "expires_at": "2001-01-01T00:00:00Z"}),
    ] {
        server.http().post_json(&format!("/api/v1/packages/{id}/override"), &wrong).await?.expect_status(400)?;
    }
    assert_eq!(package(&server, IT).await?["state"], "available");
    Ok(())
}

#[tokio::test]
async fn own_tags_outlive_policies_and_decide_only_where_they_are_read() -> Result<()> {
    let server = world().await?;
    let decisions =
        async || -> Result<usize> { Ok(package(&server, IT).await?["decisions"].as_array().map_or(0, Vec::len)) };
    let before = decisions().await?;
    server.cli(["package", "tag", IT, "add", "mine", "both"])?.succeed().await?;
    assert_eq!(package(&server, IT).await?["tags"], json!(["both", "mine"]));
    assert_eq!(decisions().await?, before, "nobody reads tags");
    save(&server, "tagger", 10, "thing", json!([{"kind": "add_tags", "params": {"tags": ["both", "theirs"]}}])).await?;
    until(&server, IT, |found| found["tags"] == json!(["both", "mine", "theirs"])).await?;
    server.http().delete("/api/v1/policies/tagger").await?.expect_status(204)?;
    until(&server, IT, |found| found["tags"] == json!(["both", "mine"])).await?;

    let rego =
        "package assay\nimport rego.v1\ndefault match := false\nmatch if \"bad\" in input.v0.package.tags.info\n";
    let reads =
        rego.replace("input.v0.package.tags.info", "[tag | some group; some tag in input.v0.package.tags[group]]");
    let draft = json!({"name": "reads tags", "rego": reads, "actions": [{"kind": "set_state", "params": {"state": "quarantined"}}]});
    server.http().post_json("/api/v1/policies", &draft).await?.expect_status(201)?;
    server.cli(["package", "tag", IT, "add", "bad"])?.succeed().await?;
    becomes(&server, IT, "quarantined").await?;
    server.cli(["package", "tag", IT, "remove", "bad"])?.succeed().await?;
    let found = becomes(&server, IT, "available").await?;
    assert!(found["events"].to_string().contains("package.tagged"), "{found:#}");
    Ok(())
}

#[tokio::test]
async fn a_corrected_licence_counts_in_policies_and_searches_until_it_is_taken_back() -> Result<()> {
    let server = world().await?;
    let rego = "package assay\nimport rego.v1\ndefault match := false\n\
                match if input.v0.package.license.oss_license.spdx_identifier == \"AGPL-3.0-only\"\n";
    let draft = json!({"name": "no agpl", "rego": rego, "actions": [{"kind": "set_state", "params": {"state": "quarantined"}}]});
    server.http().post_json("/api/v1/policies", &draft).await?.expect_status(201)?;
    let wrong = server.cli(["package", "license", IT, "Whatever 7", "--reason", "x"])?.fail().await?;
    assert!(wrong.says("SPDX"), "{wrong}");
    server.cli(["package", "license", IT, "agpl-3.0-only", "--reason", "the file says so"])?.succeed().await?;
    becomes(&server, IT, "quarantined").await?;
    let found = async |query: &str| -> Result<usize> {
        let answer = server.http().get(&format!("/api/v1/packages?q={query}")).await?.expect_status(200)?.json()?;
        Ok(answer["packages"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(found("license:agpl-3.0-only").await?, 1);
    let ran = server.cli(["package", IT])?.succeed().await?;
    assert!(ran.says("AGPL-3.0-only as") && ran.says("the file says so"), "{ran}");
    server.cli(["package", "license", IT, "--take-back"])?.succeed().await?;
    becomes(&server, IT, "available").await?;
    assert_eq!(found("license:agpl-3.0-only").await?, 0);
    Ok(())
}
