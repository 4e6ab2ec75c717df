//! Actions of policies: their order, and that each is taken back when its policy no longer matches, unless an operator
//! set the state by hand.

use crate::support::{PATIENCE, package, package_id, publish, server};
use anyhow::{Result, bail};
use assay_testkit::{TestServer, make::wheel::Wheel};
use serde_json::{Value, json};
use std::time::Instant;

/// Waits until a package is as it should be.
pub async fn until(server: &TestServer, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
    let start = Instant::now();
    loop {
        let found = package(server, what).await?;
        if is(&found) {
            return Ok(found);
        }
        if start.elapsed() > PATIENCE {
            bail!("{what} does not become as it should: {found:#}\n{}", server.log());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Waits for a state.
pub async fn becomes(server: &TestServer, what: &str, wanted: &str) -> Result<Value> {
    until(server, what, |found| found["state"] == wanted).await
}

/// Saves a policy that matches a name.
pub async fn save(server: &TestServer, name: &str, precedence: u16, word: &str, actions: Value) -> Result<()> {
    save_more(server, name, word, json!({"precedence": precedence, "actions": actions})).await
}

async fn save_more(server: &TestServer, name: &str, word: &str, more: Value) -> Result<()> {
    let rego = format!(
        "package assay\nimport rego.v1\ndefault match := false\nmatch if input.v0.package.name == \"{word}\"\nreason contains \"{name} says so\" if match\n"
    );
    let mut draft = json!({"name": name, "rego": rego});
    if let (Some(draft), Some(more)) = (draft.as_object_mut(), more.as_object()) {
        draft.extend(more.clone());
    }
    server.http().post_json("/api/v1/policies", &draft).await?.expect_status(201)?;
    Ok(())
}

async fn remove(server: &TestServer, slug: &str) -> Result<()> {
    server.http().delete(&format!("/api/v1/policies/{slug}")).await?.expect_status(204)?;
    Ok(())
}

const IT: &str = "main/pypi/thing@1.0";

async fn world() -> Result<TestServer> {
    let server = server().await?;
    publish(&server, &Wheel::new("thing", "1.0").build()?).await?;
    becomes(&server, IT, "available").await?;
    Ok(server)
}

fn set(state: &str) -> Value {
    json!({"kind": "set_state", "params": {"state": state}})
}

#[tokio::test]
async fn the_last_word_wins_and_a_terminal_policy_has_it() -> Result<()> {
    let server = world().await?;
    save(&server, "first", 10, "thing", json!([set("hidden"), set("quarantined")])).await?;
    becomes(&server, IT, "quarantined").await?;
    save(&server, "second", 20, "thing", json!([set("available"), {"kind": "add_tags", "params": {"tags": ["b"]}}]))
        .await?;
    let found = until(&server, IT, |found| found["tags"] == json!(["b"])).await?;
    assert_eq!(found["state"], "available");
    // the first speaks and nobody after it: state and tags change in one decision
    save_more(&server, "first", "thing", json!({"precedence": 10, "terminal": true, "actions": [set("quarantined")]}))
        .await?;
    let found = becomes(&server, IT, "quarantined").await?;
    assert_eq!(found["tags"], json!([]), "what the second added went in the same transaction");
    assert_eq!(found["decisions"][0]["verdicts"].as_array().map(Vec::len), Some(1));
    save_more(&server, "first", "thing", json!({"precedence": 30, "terminal": true, "actions": [set("hidden")]}))
        .await?;
    becomes(&server, IT, "hidden").await?;
    Ok(())
}

#[tokio::test]
async fn a_refusal_names_the_policies_that_refuse_and_not_those_that_only_tag() -> Result<()> {
    let server = world().await?;
    save(&server, "tagger", 10, "thing", json!([{"kind": "add_tags", "params": {"tags": ["b"]}}])).await?;
    save(&server, "holder", 20, "thing", json!([set("quarantined")])).await?;
    becomes(&server, IT, "quarantined").await?;
    let refused = server.http().get("/pypi/main/files/thing/thing-1.0-py3-none-any.whl").await?.expect_status(403)?;
    let told = refused.text();
    assert!(told.contains("quarantined by policy holder: holder says so"), "{told}");
    assert!(!told.contains("tagger"), "{told}");
    Ok(())
}

#[tokio::test]
async fn what_a_policy_did_goes_when_it_is_edited_disabled_or_removed() -> Result<()> {
    let server = world().await?;
    let all = json!([set("deleted"), {"kind": "add_tags", "params": {"tags": ["bad"]}}]);
    let id = package_id(&server, IT).await?;
    let page = format!("/api/v1/packages/{id}");
    let is = async |wanted: &str| -> Result<()> {
        let start = Instant::now();
        loop {
            let found = server.http().get(&page).await?.expect_status(200)?.json()?;
            if found["state"] == wanted {
                assert_eq!(found["tags"], if wanted == "available" { json!([]) } else { json!(["bad"]) });
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                bail!("{found:#}");
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    for way in ["edited", "disabled", "removed"] {
        save(&server, "gate", 10, "thing", all.clone()).await?;
        is("deleted").await?;
        server.http().get("/pypi/main/files/thing/thing-1.0-py3-none-any.whl").await?.expect_status(404)?;
        match way {
            "edited" => save(&server, "gate", 10, "another", all.clone()).await?,
            "disabled" => save_more(&server, "gate", "thing", json!({"enabled": false, "actions": all})).await?,
            _ => remove(&server, "gate").await?,
        }
        is("available").await?;
        server.http().get("/pypi/main/files/thing/thing-1.0-py3-none-any.whl").await?.expect_status(200)?;
    }
    Ok(())
}

#[tokio::test]
async fn an_approval_releases_and_a_policy_that_no_longer_matches_withdraws_its_request() -> Result<()> {
    let server = world().await?;
    save(&server, "gate", 10, "thing", json!([{"kind": "require_approval"}])).await?;
    let found = becomes(&server, IT, "quarantined").await?;
    assert!(found["refusal"]["reasons"].to_string().contains("awaits approval"), "{found:#}");
    assert_eq!(found["approvals"][0]["status"], "requested");
    let ran = server.cli(["package", "approvals"])?.succeed().await?;
    assert!(ran.says("gate") && ran.says("requested") && ran.says(IT), "{ran}");

    server.cli(["package", "refuse", IT, "--reason", "not yet"])?.succeed().await?;
    let found = until(&server, IT, |found| found["approvals"][0]["status"] == "refused").await?;
    assert_eq!((&found["state"], &found["approvals"][0]["reason"]), (&json!("quarantined"), &json!("not yet")));
    server
        .cli(["package", "approve", IT, "--policy", "gate", "--reason", "looked at", "--expires", "3s"])?
        .succeed()
        .await?;
    becomes(&server, IT, "available").await?;
    // it ends by itself, and the policy asks again
    let found = becomes(&server, IT, "quarantined").await?;
    assert_eq!(found["approvals"][0]["status"], "requested");

    remove(&server, "gate").await?;
    let found = becomes(&server, IT, "available").await?;
    assert_eq!(found["approvals"][0]["status"], "withdrawn");
    let kinds: Vec<String> = found["events"].as_array().into_iter().flatten().map(|e| e["kind"].to_string()).collect();
    for kind in ["approval.requested", "approval.refused", "approval.approved", "approval.withdrawn"] {
        assert!(kinds.iter().any(|k| k.contains(kind)), "{kind} is not in {kinds:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_expires_is_noted_until_then() -> Result<()> {
    let server = world().await?;
    save(&server, "old", 10, "thing", json!([{"kind": "expire", "params": {"days": 30}}])).await?;
    let found = until(&server, IT, |found| found["decisions"][0]["endings"][0]["policy"] == "old").await?;
    assert_eq!(found["state"], "available");
    let ran = server.cli(["explain", IT])?.succeed().await?;
    assert!(ran.says("Is hidden from 20"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn what_an_operator_set_stays_when_a_policy_lets_go() -> Result<()> {
    let server = world().await?;
    save(&server, "gate", 10, "thing", json!([set("quarantined")])).await?;
    becomes(&server, IT, "quarantined").await?;
    server.cli(["package", "hide", IT, "--reason", "we keep it away"])?.succeed().await?;
    remove(&server, "gate").await?;
    let found = until(&server, IT, |found| found["decisions"][0]["state"] == "available").await?;
    assert_eq!(found["state"], "hidden", "the decision lets it go, the operator does not");
    server.cli(["package", "clear", IT])?.succeed().await?;
    becomes(&server, IT, "available").await?;
    Ok(())
}
