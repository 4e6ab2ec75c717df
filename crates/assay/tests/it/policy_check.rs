//! Policies are checked when they are saved, and before: what is wrong is told with its place and what to write instead,
//! what they read is served as a schema, and labels of repositories are read.

use crate::support::{publish, server, settled, state};
use anyhow::{Context, Result};
use assay_testkit::make::wheel::Wheel;
use serde_json::{Value, json};

const MISSPELT: &str = "package cloudsmith\n\ndefault match := false\n\nmatch if {\n\tsome v in \
                        input.v1.vulnerabilities\n\tv.kev_date != null\n}\n";
const MISSPELT_PATH: &str = "input.v1.vulnerabilities[_].kev_date";

#[tokio::test]
async fn a_misspelt_field_is_refused_with_what_to_write() -> Result<()> {
    let server = server().await?;
    let file = server.scratch().join("kev.rego");
    std::fs::write(&file, MISSPELT)?;
    let refused = server.cli(["policy", "add", "--action", "quarantine"])?.arg(&file).fail().await?;
    for part in ["line 7, column 4", MISSPELT_PATH, "did you mean `kev.date_added`?"] {
        assert!(refused.says(part), "`{part}` is not in: {refused}");
    }
    assert!(server.cli(["policy", "list"])?.succeed().await?.says("there is no policy"));

    // the same without a server, and for a whole folder
    let local = server.cli(["policy", "check"])?.arg(&file).fail().await?;
    assert!(local.says("kev.rego:7:4: error: ") && local.says("[unknown_field]"), "{local}");
    let folder = server.scratch().join("policies");
    std::fs::create_dir_all(folder.join("deep"))?;
    std::fs::write(folder.join("deep/good.rego"), MISSPELT.replace("v.kev_date", "v.kev.date_added"))?;
    let good = server.cli(["policy", "check"])?.arg(&folder).succeed().await?;
    assert!(good.says("1 policy checked, all can be saved"), "{good}");
    std::fs::write(folder.join("bad.rego"), "package cloudsmith\nmatch if regex.mach(`a`, \"a\")\n")?;
    let both = server.cli(["policy", "check", "--json"])?.arg(&folder).fail().await?;
    let told: Value = serde_json::from_str(&both.stdout)?;
    assert_eq!((&told["is_valid"], &told["files"][0]["is_valid"]), (&json!(false), &json!(false)), "{told}");
    let finding = &told["files"][0]["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["line"], &finding["column"]),
        (&json!("rego_type_error"), &json!(2), &json!(10))
    );
    assert!(finding["message"].as_str().is_some_and(|text| text.contains("did you mean `regex.match`?")), "{finding}");
    Ok(())
}

#[tokio::test]
async fn the_api_says_what_it_would_say_and_stores_nothing() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    let validate =
        async |rego: &str| http.post_json("/api/v1/policies/validate", &json!({ "rego": rego })).await?.json();
    let wrong = validate(MISSPELT).await?;
    assert_eq!(wrong["is_valid"], false, "{wrong}");
    assert_eq!(wrong["findings"][0]["severity"], "error", "{wrong}");
    let unsafe_variable = validate("package cloudsmith\nscore := 3\nmatch if scor > 1\n").await?;
    let finding = &unsafe_variable["findings"][0];
    assert_eq!((&finding["code"], &finding["line"]), (&json!("rego_unsafe_var_error"), &json!(3)), "{finding}");
    assert!(finding["message"].as_str().is_some_and(|text| text.contains("did you mean `score`?")), "{finding}");
    let warned =
        "package cloudsmith\ndefault match := false\nmatch if input.v0.model_security.scan_summary == \"UNSAFE\"\n";
    let told = validate(warned).await?;
    assert_eq!((&told["is_valid"], &told["findings"][0]["severity"]), (&json!(true), &json!("warning")), "{told}");
    assert_eq!(http.get("/api/v1/policies").await?.json()?["policies"], json!([]));

    let draft =
        json!({"name": "hub", "rego": warned, "actions": [{"kind": "set_state", "params": {"state": "hidden"}}]});
    let saved = http.post_json("/api/v1/policies", &draft).await?.expect_status(201)?.json()?;
    assert_eq!((&saved["slug"], &saved["warnings"][0]["code"]), (&json!("hub"), &json!("never_filled")), "{saved}");
    let shown = http.get("/api/v1/policies/hub").await?.expect_status(200)?.json()?;
    assert_eq!((&shown["policy"]["rego"], &shown["failing"]), (&json!(warned), &json!(0)), "{shown}");
    http.get("/api/v1/policies/hup").await?.expect_status(404)?;
    http.with_token(None).get("/api/v1/policies/hub").await?.expect_status(401)?;
    let stranger = http.with_token(None).post_json("/api/v1/policies/validate", &json!({ "rego": warned })).await?;
    stranger.expect_status(401)?;
    Ok(())
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() -> Result<()> {
    let server = server().await?;
    let rego = "package cloudsmith\n\nmatch if {\n\tinput.v0.package.naem == \"x\"\n\tscore > 1\n}\n\nmatch if {\n\tinput.v0. ==\n}\n\n\
                match if re_match(`x`, input.v0.package.name)\n";
    let draft = json!({"name": "wrong", "rego": rego, "actions": []});
    let wrong = ["line 4, column 19", "line 5, column 2", "line 9, ", "line 12, column 10"];
    let saved = server.http().post_json("/api/v1/policies", &draft).await?.expect_status(400)?.text();
    let file = server.scratch().join("wrong.rego");
    std::fs::write(&file, rego)?;
    let added = server.cli(["policy", "add", "--action", "quarantine"])?.arg(&file).fail().await?;
    for part in wrong {
        assert!(saved.contains(part), "`{part}` is not in: {saved}");
        assert!(added.says(part), "`{part}` is not in: {added}");
    }
    let told = server.http().post_json("/api/v1/policies/validate", &json!({ "rego": rego })).await?.json()?;
    let lines: Vec<_> = told["findings"].as_array().into_iter().flatten().filter_map(|f| f["line"].as_u64()).collect();
    assert_eq!(lines, [4, 5, 9, 12], "{told}");
    let checked = server.cli(["policy", "check"])?.arg(&file).fail().await?;
    assert_eq!(checked.stdout.matches(": error: ").count(), 4, "{checked}");
    Ok(())
}

#[tokio::test]
async fn what_policies_read_is_served_as_a_schema() -> Result<()> {
    let server = server().await?;
    publish(&server, &Wheel::new("tiny", "1.0").build()?).await?;
    settled(&server).await?;
    for version in ["v0", "v1"] {
        let schema =
            server.http().get(&format!("/api/v1/policies/schema/{version}")).await?.expect_status(200)?.json()?;
        assert!(
            schema["$id"].as_str().is_some_and(|id| id.contains(version)) && schema["version"].is_string(),
            "{schema}"
        );
        let printed = server.cli(["policy", "schema", version, "--json"])?.succeed().await?;
        assert_eq!(serde_json::from_str::<Value>(&printed.stdout)?, schema);
        let epss = &schema["properties"]["vulnerabilities"]["items"]["properties"]["epss"];
        assert!(epss["description"].is_string() && epss["properties"]["score"]["type"] == "number", "{epss}");
    }
    server.http().get("/api/v1/policies/schema/v9").await?.expect_status(404)?;
    Ok(())
}

#[tokio::test]
async fn a_label_of_the_repository_decides_at_once() -> Result<()> {
    let server = server().await?;
    publish(&server, &Wheel::new("tiny", "1.0").build()?).await?;
    settled(&server).await?;
    let rego = "package assay\n\ndefault match := false\n\nmatch if input.v1.labels.stage == \"production\"\n\nreason := \
                \"not in production\"\n";
    let file = server.scratch().join("stage.rego");
    std::fs::write(&file, rego)?;
    server.cli(["policy", "add", "--action", "quarantine"])?.arg(&file).succeed().await?;
    assert_eq!(state(&server, "main/pypi/tiny@1.0").await.context("before")?, "available");
    server.cli(["repositories", "set", "main", "--label", "stage=production"])?.succeed().await?;
    settled(&server).await?;
    assert_eq!(state(&server, "main/pypi/tiny@1.0").await.context("with the label")?, "quarantined");
    server.cli(["repositories", "set", "main", "--label", ""])?.succeed().await?;
    settled(&server).await?;
    assert_eq!(state(&server, "main/pypi/tiny@1.0").await.context("without it again")?, "available");
    let refused = server.cli(["repositories", "set", "main", "--label", "a b=c"])?.fail().await?;
    assert!(refused.says("labels are at most 64"), "{refused}");
    Ok(())
}
