//! Policies tried before they bite: on everything stored, with the pulls that they would have refused, and on the past.

use crate::support::{
    TOO_DANGEROUS, advisories, import, index_url, package, pip, publish, python_advisory, refuse_dangerous, server,
    settled, state,
};
use anyhow::{Context, Result};
use assay_testkit::make::{feeds, wheel::Wheel};
use assay_testkit::{Ran, TestServer};
use serde_json::{Value, json};
use std::path::PathBuf;

const CVE: &str = "CVE-2026-41001";
const NEVER: &str = "package cloudsmith\n\nimport rego.v1\n\ndefault match := false\n\nmatch if input.v0[\"package\"].name == \"no-such-name\"\n";

fn days_ago(days: i64) -> String {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A record about `tiny-trial` before 1.1 that was published ten days ago.
fn record() -> Value {
    let mut record = python_advisory("PYSEC-2026-41", CVE, "tiny-trial", "0", "1.1");
    record["published"] = json!(days_ago(10));
    record
}

/// A server with a dangerous and a mended version of a package, and another package, all available.
async fn stocked() -> Result<TestServer> {
    let server = server().await?;
    for (name, version) in [("tiny-trial", "1.0"), ("tiny-trial", "1.1"), ("tiny-other", "2.0")] {
        publish(&server, &Wheel::new(name, version).build()?).await?;
    }
    settled(&server).await?;
    let feed = advisories(&server, "feed", &[record()])?;
    import(&server, &[&feed]).await?;
    Ok(server)
}

fn written(server: &TestServer, path: &str, text: &str) -> Result<PathBuf> {
    let path = server.scratch().join(path);
    std::fs::create_dir_all(path.parent().context("a folder")?)?;
    std::fs::write(&path, text)?;
    Ok(path)
}

async fn tried(server: &TestServer, words: &[&str], file: Option<&PathBuf>) -> Result<Value> {
    let run = server.cli(["policy", "simulate", "--json"])?.args(words).args(file);
    Ok(serde_json::from_str(&run.succeed().await?.stdout)?)
}

fn sums(report: &Value) -> (u64, u64, u64) {
    let n = |name: &str| report["totals"][name].as_u64().unwrap_or(99);
    (n("packages"), n("newly_blocked"), n("released"))
}

#[tokio::test]
async fn a_stricter_policy_names_the_pulls_it_would_have_refused_and_changes_nothing() -> Result<()> {
    let server = stocked().await?;
    let mut pulled = 0;
    for _ in 0..2 {
        let place = tempfile::tempdir()?;
        let Some(run) = pip(&index_url(&server), place.path(), &["--no-deps", "tiny-trial==1.0"])? else {
            return Ok(());
        };
        run.succeed().await?;
        pulled += 1;
    }
    let before = server.http().get("/api/v1/events?order=newest&limit=1").await?.json()?;
    let file = written(&server, "too-dangerous.rego", TOO_DANGEROUS)?;
    let ran: Ran = server.cli(["policy", "simulate"])?.arg(&file).succeed().await?;
    for part in [
        "Newly blocked   1",
        "2 pulls of them",
        "main/pypi/tiny-trial@1.0",
        CVE,
        "Nothing was changed",
        "/ui/simulations/",
    ] {
        assert!(ran.says(part), "`{part}` is not in: {ran}");
    }
    assert!(ran.output().contains("No action was given for `too-dangerous`"), "{ran}");

    let report = tried(&server, &[], Some(&file)).await?;
    assert_eq!(sums(&report), (3, 1, 0), "{report}");
    let one = &report["newly_blocked"][0];
    assert_eq!(
        (&one["version"], &one["from"], &one["to"]),
        (&json!("1.0"), &json!("available"), &json!("quarantined"))
    );
    assert_eq!((&one["pulls"], &one["vulnerabilities"]), (&json!(pulled), &json!([CVE])));
    assert_eq!(one["callers"], report["callers"]);
    assert_eq!(report["callers"][0][1], pulled);
    assert_eq!(report["repositories"]["main"]["refused_pulls"], pulled);
    assert_eq!(report["reasons"][0]["policy"], "too-dangerous");
    assert_eq!(tried(&server, &["--query", "version:1.1"], Some(&file)).await?["totals"]["newly_blocked"], 0);

    assert_eq!(state(&server, "main/pypi/tiny-trial@1.0").await?, "available");
    let after = server.http().get("/api/v1/events?order=newest&limit=1").await?.json()?;
    assert_eq!(before, after, "nothing is in the log");
    let told = package(&server, "main/pypi/tiny-trial@1.0").await?;
    assert!(!told.to_string().contains("too-dangerous"), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_trial_is_a_change_of_the_set_or_stands_alone() -> Result<()> {
    let server = stocked().await?;
    refuse_dangerous(&server).await?;
    assert_eq!(state(&server, "main/pypi/tiny-trial@1.0").await?, "quarantined");
    let never = written(&server, "never.rego", NEVER)?;
    assert_eq!(sums(&tried(&server, &[], Some(&never)).await?), (3, 0, 0), "beside the stored one");
    assert_eq!(sums(&tried(&server, &["--set"], Some(&never)).await?), (3, 0, 0));
    assert_eq!(sums(&tried(&server, &["--alone"], Some(&never)).await?), (3, 0, 1), "without it");
    let replaced = tried(&server, &["--name", "too-dangerous"], Some(&never)).await?;
    assert_eq!(sums(&replaced), (3, 0, 1));
    assert_eq!(replaced["set"][0]["edit"], "replaced");
    assert_eq!(replaced["released"][0]["reasons"][0][0], "too-dangerous", "why it is blocked as things are");
    assert_eq!(sums(&tried(&server, &["--disable", "too-dangerous"], None).await?), (3, 0, 1));

    let folder = written(&server, "set/strict/policy.rego", TOO_DANGEROUS)?;
    written(&server, "set/strict/policy.yaml", "name: too-dangerous\nactions: [hide]\n")?;
    written(&server, "set/never.rego", NEVER)?;
    let set = folder.parent().and_then(|p| p.parent()).context("the set")?.to_owned();
    let report = tried(&server, &[], Some(&set)).await?;
    assert_eq!((sums(&report), &report["totals"]["moved"]), ((3, 0, 0), &json!(1)), "hidden instead of quarantined");

    let ran = server.cli(["policy", "simulate", "--enable", "nobody"])?.fail().await?;
    assert!(ran.says("no policy `nobody`"), "{ran}");
    let bad = written(&server, "bad.rego", "package cloudsmith\n\nmatch if {\n")?;
    let saved = server.cli(["policy", "add", "--action", "quarantine"])?.arg(&bad).fail().await?;
    let said = saved.output().lines().find(|line| line.contains("line")).context("a line and a column")?.to_owned();
    let ran = server.cli(["policy", "simulate"])?.arg(&bad).fail().await?;
    assert!(ran.says(said.trim()), "`{said}` is not in: {ran}");
    Ok(())
}

#[tokio::test]
async fn saving_a_policy_that_matches_nothing_or_everything_warns() -> Result<()> {
    let server = stocked().await?;
    for version in ["3.0", "3.1", "3.2"] {
        publish(&server, &Wheel::new("tiny-other", version).build()?).await?;
    }
    settled(&server).await?;
    let never = written(&server, "never.rego", NEVER)?;
    let ran = server.cli(["policy", "add", "--action", "quarantine"])?.arg(&never).succeed().await?;
    assert!(ran.says("warning: it matches none of all 6 stored packages"), "{ran}");
    let draft =
        json!({"name": "always", "rego": "package cloudsmith\nimport rego.v1\nmatch := true\n", "enabled": false});
    let saved = server.http().post_json("/api/v1/policies", &draft).await?.expect_status(201)?.json()?;
    assert!(saved["warnings"].to_string().contains("always-matches"), "{saved}");
    assert_eq!(saved["slug"], "always");
    let ran = refuse_dangerous(&server).await?;
    assert!(!ran.says("it matches"), "{ran}");
    let files = server.scratch().join("files");
    std::fs::create_dir_all(&files)?;
    std::fs::write(files.join("never.rego"), NEVER)?;
    std::fs::write(
        files.join("all.yaml"),
        "kind: policy\nname: from files\nrego_file: never.rego\nactions: [quarantine]\n",
    )?;
    let ran = server.cli(["apply", "-f"])?.arg(&files).succeed().await?;
    assert!(ran.says("warning: policy from files: it matches none of all 6 stored packages"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn steps_come_as_lines_and_pages_show_the_report() -> Result<()> {
    let server = stocked().await?;
    let body = json!({"policies": [{"name": "strict", "rego": TOO_DANGEROUS}]});
    let asked = server.http().request(reqwest::Method::POST, "/api/v1/policies/simulate");
    let reply = server.http().send(asked.header("accept", "application/x-ndjson").json(&body)).await?;
    let reply = reply.expect_status(200)?;
    let lines: Vec<Value> = reply.text().lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert!(lines.iter().any(|l| l["progress"]["done"] == 3 && l["progress"]["total"] == 3), "{lines:?}");
    assert!(lines.iter().any(|l| l["package"]["name"] == "tiny-trial"), "{lines:?}");
    let id = lines.last().and_then(|l| l["report"]["id"].as_str()).context("the report is last")?.to_owned();

    let page = server.http().get(&format!("/ui/simulations/{id}")).await?.expect_status(200)?.text();
    for part in ["flow-newly", "tiny-trial", "strict", "Newly blocked", CVE] {
        assert!(page.contains(part), "`{part}` is not in: {page}");
    }
    let listed = server.http().get("/api/v1/simulations").await?.expect_status(200)?.json()?;
    assert_eq!((&listed["reports"][0]["id"], &listed["reports"][0]["title"]), (&json!(id), &json!("strict")));
    let stranger = server.http().with_token(None);
    stranger.get(&format!("/api/v1/simulations/{id}")).await?.expect_status(401)?;

    let draft = json!({"name": "Sleeps", "rego": TOO_DANGEROUS, "enabled": false, "actions": [{"kind": "set_state", "params": {"state": "hidden"}}]});
    server.http().post_json("/api/v1/policies", &draft).await?.expect_status(201)?;
    let form = server.http().get("/ui/policies/sleeps/simulate").await?.expect_status(200)?.text();
    assert!(form.contains("more dangerous than we allow") && form.contains("as stored"), "{form}");
    let sent = server.http().request(reqwest::Method::POST, "/ui/simulations");
    let fields = [("name", "Sleeps"), ("rego", TOO_DANGEROUS), ("action", "")];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let sent = sent.header("content-type", "application/x-www-form-urlencoded").body(form);
    let reply = server.http().send(sent).await?;
    let reply = if reply.status.as_u16() == 303 {
        server.http().get(reply.header("location").context("a page")?).await?
    } else {
        reply
    };
    let page = reply.expect_status(200)?.text();
    assert!(page.contains("as if enabled") && page.contains("state-hidden"), "{page}");
    assert!(!page.contains("What differs from the stored source"), "nothing does: {page}");
    Ok(())
}

#[tokio::test]
async fn the_page_of_a_trial_compares_it_with_the_stored_source() -> Result<()> {
    let server = stocked().await?;
    refuse_dangerous(&server).await?;
    let (old, new) = ("limit := 6", "limit := 5");
    let edited = written(&server, "edited.rego", &TOO_DANGEROUS.replace(old, new))?;
    assert!(TOO_DANGEROUS.contains(old), "{TOO_DANGEROUS}");
    let report = tried(&server, &["--name", "too-dangerous"], Some(&edited)).await?;
    assert_eq!(report["set"][0]["before"], TOO_DANGEROUS);
    let id = report["id"].as_str().context("an id")?;
    let page = server.http().get(&format!("/ui/simulations/{id}")).await?.expect_status(200)?.text();
    for part in [
        "<details class=\"card\" open>".to_owned(),
        "What differs from the stored source".to_owned(),
        format!("<span class=\"gone\">- {old}\n</span>"),
        format!("<span class=\"come\">+ {new}\n</span>"),
    ] {
        assert!(page.contains(&part), "`{part}` is not in: {page}");
    }
    Ok(())
}

#[tokio::test]
async fn the_past_is_replayed_with_what_was_known_then() -> Result<()> {
    let server = stocked().await?;
    let place = tempfile::tempdir()?;
    let pulled = match pip(&index_url(&server), place.path(), &["--no-deps", "tiny-trial==1.0"])? {
        Some(run) => u64::from(run.succeed().await.is_ok()),
        None => 0,
    };
    let file = written(&server, "too-dangerous.rego", TOO_DANGEROUS)?;
    let replay = async |words: &[&str]| -> Result<Value> {
        let run = server.cli(["policy", "backtest", "--json", "--since", "30d"])?.args(words).arg(&file);
        Ok(serde_json::from_str(&run.succeed().await?.stdout)?)
    };
    let report = replay(&[]).await?;
    assert_eq!((&report["ever_blocked"], &report["from_the_start"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!((&report["refused_pulls"], &report["never_live"]), (&json!(pulled), &json!(1)));
    assert_eq!(report["days"][0]["stored"], 0, "nothing was here then");

    let report = replay(&["--as-if-stored"]).await?;
    let blocked: Vec<u64> =
        report["days"].as_array().context("days")?.iter().filter_map(|d| d["blocked"].as_u64()).collect();
    assert_eq!((blocked.len(), blocked.iter().sum::<u64>()), (31, 11), "since the advisory was published: {report}");
    assert_eq!(&blocked[..20], [0; 20]);
    assert_eq!(report["from_the_start"], 0);
    let server_only = replay(&["--as-if-stored", "--facts", "server"]).await?;
    assert_eq!(server_only["days"][25]["blocked"], 0, "this server did not know: {server_only}");

    let gone = advisories(&server, "gone", &[feeds::withdrawn(record(), &days_ago(0))])?;
    import(&server, &[&gone]).await?;
    let report = replay(&["--as-if-stored"]).await?;
    assert_eq!((&report["blocked"], &report["taken_back"]), (&json!(0), &json!(1)), "{report}");
    assert_eq!(report["wrongly"][0]["gone"], json!([CVE]));
    let ran = server.cli(["policy", "backtest", "--as-if-stored", "--step", "1w"])?.arg(&file).succeed().await?;
    for part in ["Taken back later       1", "with these", "Wrongly, as was found later", "/ui/simulations/"] {
        assert!(ran.says(part), "`{part}` is not in: {ran}");
    }
    let id = report["id"].as_str().context("an id")?;
    let page = server.http().get(&format!("/ui/simulations/{id}")).await?.expect_status(200)?.text();
    assert!(page.contains("past-area") && page.contains("taken back"), "{page}");
    Ok(())
}
