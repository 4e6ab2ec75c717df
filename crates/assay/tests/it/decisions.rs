//! The record of decisions: what they were functions of is kept, they come out the same when they are computed again, and
//! their log says who said what, and why that is not as it was.

use anyhow::{Context, Result};
use assay_testkit::{
    Http, Run, TestServer,
    make::feeds::{CRITICAL, epss_csv_gz, kev_json, osv_record},
    make::wheel::Wheel,
    tool, upload,
};
use serde_json::{Value, json};
use std::path::PathBuf;
use tokio::io::AsyncBufReadExt;

use crate::support::{advisories, import, package, package_id, publish, refuse_dangerous, server, settled, token};

const LIKELY: &str = r#"package assay

default match := false

match if count(reason) > 0

reason contains sprintf("%s has %v", [found.identifier, found.epss.score]) if {
	some found in input.v1.vulnerabilities
	found.epss.score > LIMIT
}

reason contains sprintf("%s is exploited", [entry.identifier]) if some entry in input.v1.kev
"#;

/// Labels what is in it, reads the inventory by number too, and never blocks.
const LABELS: &str = r#"package assay

default match := false

match if count(kinds) > 0

kinds contains component.type if some component in input.v1.components

targets := {i: target.Type | some i, target in input.v0.security_scan; is_number(i)}
"#;

async fn add_policy(server: &TestServer, name: &str, rego: &str, action: &str) -> Result<()> {
    let file = server.scratch().join(format!("{name}.rego"));
    std::fs::write(&file, rego)?;
    server.cli(["policy", "add", "--action", action])?.arg(file).succeed().await?;
    settled(server).await
}

async fn epss(server: &TestServer, date: &str, scores: &[(&str, f64)]) -> Result<()> {
    let rows: Vec<(&str, f64, f64)> = scores.iter().map(|(cve, score)| (*cve, *score, score / 3.0)).collect();
    let file = server.scratch().join(format!("epss_scores-{date}.csv.gz"));
    std::fs::write(&file, epss_csv_gz(date, &rows)?)?;
    import(server, &[&file]).await.map(|_| ())
}

async fn kev(server: &TestServer, cves: &[&str]) -> Result<()> {
    let entries: Vec<(&str, &str)> = cves.iter().map(|cve| (*cve, "2024-02-01")).collect();
    let file = server.scratch().join("kev.json");
    std::fs::write(&file, kev_json("2024-03-02", &entries)?)?;
    import(server, &[&file]).await.map(|_| ())
}

fn records() -> Vec<Value> {
    [("GHSA-aaaa", "aa", "CVE-2024-1001", Some("2.0")), ("GHSA-bbbb", "bb", "CVE-2024-1002", None)]
        .map(|(id, name, cve, fixed)| {
            let mut record = osv_record(id, "PyPI", name, fixed, CRITICAL, "2024-01-01T00:00:00Z");
            record["aliases"] = json!([cve]);
            record
        })
        .to_vec()
}

/// Wheels and an image, and a world that changes around them.
async fn world() -> Result<TestServer> {
    let server = server().await?;
    for name in ["aa", "bb", "cc"] {
        publish(&server, &Wheel::new(name, "1.0").build()?).await?;
    }
    upload::oci_image(server.http(), "main/team/tool", "1.0", &crate::tour_oci::image("tool")?.parts()?).await?;
    settled(&server).await?;
    refuse_dangerous(&server).await?;
    add_policy(&server, "labels", LABELS, "add-tags=looked-at").await?;
    import(&server, &[&advisories(&server, "all", &records())?]).await?;
    epss(&server, "2024-03-01", &[("CVE-2024-1001", 0.06), ("CVE-2024-1002", 0.061)]).await?;
    add_policy(&server, "likely", &LIKELY.replace("LIMIT", "0.5"), "quarantine").await?;
    epss(&server, "2024-03-02", &[("CVE-2024-1001", 0.451), ("CVE-2024-1002", 0.7)]).await?;
    kev(&server, &["CVE-2024-1001"]).await?;
    Ok(server)
}

async fn replay(server: &TestServer, arguments: &[&str]) -> Result<(bool, Value)> {
    let run = server.cli(["decisions", "replay", "--json"])?.args(arguments).run().await?;
    Ok((run.status.success(), serde_json::from_str(&run.stdout).with_context(|| run.to_string())?))
}

async fn entries(http: &Http, query: &str) -> Result<Vec<Value>> {
    let reply = http.get(&format!("/api/v1/decisions?{query}")).await?.expect_status(200)?.json()?;
    reply["entries"].as_array().cloned().context("no entries")
}

/// Runs a statement on the database of a server; nothing and a line that says so without Python.
async fn tamper(server: &TestServer, statement: &str) -> Result<bool> {
    let Some(python) = tool("python3") else { return Ok(false) };
    let edit = "import sqlite3, sys\n\
                base = sqlite3.connect(sys.argv[1], timeout=30)\n\
                assert base.execute(sys.argv[2]).rowcount > 0\n\
                base.commit()\n";
    let base: PathBuf = server.data().join("assay.db");
    Run::new(python)?.args(["-c", edit]).arg(base).arg(statement).succeed().await?;
    Ok(true)
}

#[tokio::test]
async fn every_decision_comes_out_again_as_it_is_recorded() -> Result<()> {
    let server = world().await?;
    add_policy(&server, "likely", &LIKELY.replace("LIMIT", "0.4"), "quarantine").await?;
    server.cli(["policy", "remove", "too-dangerous"])?.succeed().await?;
    settled(&server).await?;
    // packages that a policy with a clock reads are looked at again later, so the work never ends from here on
    let clock = server.scratch().join("clock.rego");
    std::fs::write(&clock, "package assay\n\nmatch if time.now_ns() > 1000\n\nat := time.now_ns()\n")?;
    server.cli(["policy", "add", "--action", "add-tags=timed"])?.arg(clock).succeed().await?;
    let (fine, all) = replay(&server, &["--all"]).await?;
    assert!(fine, "{all}");
    assert_eq!(all["different"], 0, "{all}");
    assert_eq!(all["skipped"], json!({}), "{all}");
    assert_eq!(all["same"], all["examined"], "{all}");
    assert_eq!(all["total"], all["examined"], "{all}");
    assert!(all["examined"].as_u64() > Some(15), "{all}");

    let detail = package(&server, "main/pypi/aa@1.0").await?;
    let decisions = detail["decisions"].as_array().context("no decisions")?;
    let newest = decisions[0]["id"].as_str().context("no id")?;
    let (fine, one) = replay(&server, &[newest]).await?;
    assert!(fine && one["same"] == 1, "{one}");
    let (fine, package) = replay(&server, &["--package", "main/pypi/aa@1.0", "--since", "1h"]).await?;
    assert!(fine, "{package}");
    assert_eq!(package["same"].as_u64(), Some(decisions.len() as u64), "{package}");
    let words = server.cli(["decisions", "replay", "--all"])?.succeed().await?.stdout;
    assert!(words.contains(", 0 different"), "{words}");
    let vague = server.cli(["decisions", "replay"])?.run().await?;
    assert!(!vague.status.success() && vague.says("--all"), "{vague}");
    Ok(())
}

#[tokio::test]
async fn what_was_tampered_with_is_reported() -> Result<()> {
    let server = world().await?;
    let swapped = "UPDATE policy_revision SET document = replace(document, '> 0.5', '> 0.9') WHERE slug = 'likely'";
    if !tamper(&server, swapped).await? {
        return Ok(());
    }
    let (fine, all) = replay(&server, &["--all"]).await?;
    assert!(!fine && all["different"].as_u64() > Some(0), "{all}");
    let what: Vec<&str> = all["differing"]
        .as_array()
        .context("no differences")?
        .iter()
        .flat_map(|one| one["differences"].as_array().into_iter().flatten())
        .filter_map(|d| d["what"].as_str())
        .collect();
    assert!(what.contains(&"policy likely") && what.contains(&"text of the policies"), "{all}");
    let words = server.cli(["decisions", "replay", "--all"])?.run().await?;
    assert!(words.stdout.contains("comes out otherwise") && words.stdout.contains("policy likely"), "{}", words.stdout);

    tamper(&server, "UPDATE policy_revision SET document = replace(document, '> 0.9', '> 0.5') WHERE slug = 'likely'")
        .await?;
    assert!(replay(&server, &["--all"]).await?.0, "as it was");
    let id = package(&server, "main/pypi/aa@1.0").await?["decisions"][0]["id"].as_str().context("no id")?.to_owned();
    let other = package(&server, "main/pypi/cc@1.0").await?["decisions"][0]["id"].as_str().context("no id")?.to_owned();
    let borrowed = format!(
        "UPDATE decision_input SET (document, size) = (SELECT o.document, o.size FROM decision_input o JOIN decision d \
         ON d.input = o.digest WHERE d.id = '{other}') WHERE digest = (SELECT input FROM decision WHERE id = '{id}')"
    );
    tamper(&server, &borrowed).await?;
    let (fine, one) = replay(&server, &[&id]).await?;
    assert!(!fine && one["differing"][0]["differences"][0]["what"] == "input", "{one}");

    let state = format!(
        "UPDATE decision SET document = replace(document, '\"state\":\"available\"', '\"state\":\"hidden\"') WHERE id = '{other}'"
    );
    tamper(&server, &state).await?;
    let (fine, one) = replay(&server, &[&other]).await?;
    assert!(!fine && one["differing"][0]["differences"][0]["what"] == "state", "{one}");
    Ok(())
}

#[tokio::test]
async fn the_log_has_an_entry_for_every_policy_and_filters() -> Result<()> {
    let server = world().await?;
    let http = server.http();
    let all = entries(http, "page_size=1000&sort=id").await?;
    let ids: Vec<&str> = all.iter().filter_map(|e| e["id"].as_str()).collect();
    assert!(ids.is_sorted() && ids.len() > 20, "{ids:?}");

    let mut paged: Vec<String> = Vec::new();
    let mut query = "page_size=3&sort=id".to_owned();
    loop {
        let page = http.get(&format!("/api/v1/decisions?{query}")).await?.expect_status(200)?.json()?;
        paged.extend(
            page["entries"].as_array().into_iter().flatten().filter_map(|e| e["id"].as_str()).map(str::to_owned),
        );
        let Some(next) = page["next"].as_str() else { break };
        query = format!("page_size=3&sort=id&page={next}");
    }
    assert_eq!(paged, ids, "pages have everything once");
    let mut newest: Vec<Value> = entries(http, "page_size=1000&sort=-id").await?;
    newest.reverse();
    assert_eq!(newest, all);

    for (query, member, value) in [
        ("match=true", "match", json!(true)),
        ("match=false", "match", json!(false)),
        ("policy=likely&match=true", "policy_slug_perm", json!("likely")),
        ("policy=labels", "policy_slug_perm", json!("labels")),
        ("package_name=aa", "package_name", json!("aa")),
        ("package_format[]=docker", "package_format", json!("oci")),
        ("package_format=pypi", "package_format", json!("pypi")),
        ("state=quarantined", "state", json!("quarantined")),
        ("repository=main", "repository_name", json!("main")),
        ("trigger=EPSS", "trigger", Value::Null),
        ("created_after=1h", "repository_name", json!("main")),
    ] {
        let found = entries(http, &format!("page_size=1000&sort=id&{query}")).await?;
        let expected = all.iter().filter(|e| match member {
            "trigger" => e["trigger"].as_str().is_some_and(|t| t.contains("EPSS")),
            _ => e[member] == value && (query != "policy=likely&match=true" || e["match"] == true),
        });
        assert_eq!(found.len(), expected.clone().count(), "{query}");
        assert!(found.iter().eq(expected), "{query}");
        assert!(query.starts_with("trigger") || !found.is_empty(), "{query}");
    }
    assert!(entries(http, "created_before=1h").await?.is_empty());
    assert!(entries(http, "package_format=fortran").await?.is_empty());
    http.get("/api/v1/decisions?sorted=id").await?.expect_status(400)?;
    http.get("/api/v1/decisions?page=x").await?.expect_status(400)?;

    let entry = entries(http, "policy=likely&match=true&package_name=aa").await?.remove(0);
    assert_eq!(entry["actions"], json!({"SetPackageState": {"state": "quarantined"}}), "{entry}");
    let id = entry["id"].as_str().context("no id")?;
    let correlated =
        entries(http, &format!("correlation_id={}", entry["correlation_id"].as_str().unwrap_or_default())).await?;
    assert!(correlated.len() > 1 && correlated.iter().all(|e| e["correlation_id"] == entry["correlation_id"]));
    let full = http.get(&format!("/api/v1/decisions/{id}")).await?.expect_status(200)?.json()?;
    assert!(full["policy"]["rego"].as_str().is_some_and(|rego| rego.contains("has %v")), "{full}");
    assert_eq!(full["policy_output"]["match"], true);
    assert_eq!(full["policy_input"]["v0"]["package"]["name"], "aa");
    let place = package(&server, "main/pypi/aa@1.0").await?["repository"]["id"].clone();
    assert_eq!(place, entry["repository_slug_perm"], "{entry}");
    assert_eq!(
        (&entry["package_slug"], &entry["repository_slug"], &entry["repository_name"]),
        (&full["policy_input"]["v0"]["package"]["slug"], &json!("main"), &json!("main")),
        "as policies see them"
    );
    assert_eq!(full["policy_input"]["v0"]["repository"]["slug_perm"], entry["repository_slug_perm"].to_string());
    let numbered = format!("repository_slug_perm={}&page_size=1000&sort=id", entry["repository_slug_perm"]);
    assert_eq!(entries(http, &numbered).await?, all, "a repository by its number");
    let started = entries(http, "started_after=1h&page=1&page_size=1000&sort=id").await?;
    assert_eq!(started, all, "older names, and the first page");
    let some =
        http.get(&format!("/api/v1/decisions/{id}?fields=match,policy_output")).await?.expect_status(200)?.json()?;
    assert_eq!(some, json!({"match": true, "policy_output": full["policy_output"]}));
    http.get(&format!("/api/v1/decisions/{id}?fields=mach")).await?.expect_status(400)?;
    let input = http.get(&format!("/api/v1/decisions/{id}/input")).await?.expect_status(200)?.json()?;
    assert_eq!(full["policy_input"], input);

    let lines = http.get("/api/v1/decisions?format=ndjson&page_size=1000").await?.expect_status(200)?;
    let lines: Vec<Value> = lines.text().lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(lines, all, "oldest first, one per line");
    let table = server.cli(["decisions", "list", "--policy", "likely", "--match", "true"])?.succeed().await?.stdout;
    assert!(table.contains("likely r1") && table.contains("matched"), "{table}");
    let shown = server.cli(["decisions", "show", id])?.succeed().await?.stdout;
    assert!(shown.contains("Matched   yes") && shown.contains("Input     kept"), "{shown}");
    Ok(())
}

/// Decides something new about `aa` and `bb`, whose scores swap.
async fn turn(server: &TestServer, day: u32) -> Result<()> {
    let (one, other) = if day.is_multiple_of(2) { (0.1, 0.9) } else { (0.9, 0.1) };
    let date = format!("2024-04-{day:02}");
    epss(server, &date, &[("CVE-2024-1001", one), ("CVE-2024-1002", other)]).await
}

fn ids(entries: &[Value]) -> Vec<String> {
    entries.iter().filter_map(|entry| entry["id"].as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_log_is_followed_as_it_grows() -> Result<()> {
    let server = world().await?;
    let before = ids(&entries(server.http(), "page_size=1000&sort=id").await?);
    let ask = async |query: String| {
        server.http().get(&format!("/api/v1/decisions?{query}")).await?.expect_status(200)?.json()
    };
    let begun = ask("follow=now&wait=5".into()).await?;
    assert_eq!(begun["entries"], json!([]), "only where to begin");
    let seen = begun["seen"].as_i64().context("no beginning")?;
    let quiet = ask(format!("follow={seen}&wait=1")).await?;
    assert_eq!((&quiet["entries"], quiet["seen"].as_i64()), (&json!([]), Some(seen)), "nothing happened");

    let mut collector = tokio::process::Command::new(crate::support::ASSAY)
        .args(["decisions", "list", "--follow", "--since", "1h"])
        .env("ASSAY_URL", server.url())
        .env("ASSAY_TOKEN", server.token())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = tokio::io::BufReader::new(collector.stdout.take().context("no output")?).lines();
    let waiting = ask(format!("follow={seen}&wait=10"));
    let (news, turned) = tokio::join!(waiting, turn(&server, 1));
    turned?;
    let news = news?;
    let first = news["entries"].as_array().context("no entries")?;
    assert!(first.iter().any(|entry| entry["trigger"].as_str().is_some_and(|t| t.contains("EPSS"))), "{news}");
    for day in 2..5 {
        turn(&server, day).await?;
    }
    let after: Vec<String> = ids(&entries(server.http(), "page_size=1000&sort=id").await?);
    let new: Vec<String> = after.iter().filter(|id| !before.contains(id)).cloned().collect();
    assert!(new.len() > 8, "{new:?}");
    let (mut followed, mut seen) = (Vec::new(), seen);
    loop {
        let page = ask(format!("follow={seen}")).await?;
        followed.extend(ids(page["entries"].as_array().context("no entries")?));
        let next = page["seen"].as_i64().context("no place")?;
        if next == seen {
            break;
        }
        seen = next;
    }
    followed.sort();
    assert_eq!(followed, new, "everything once");
    let matching = ask(format!("follow={}&policy=likely&match=true", begun["seen"])).await?;
    let matching = matching["entries"].as_array().context("no entries")?;
    assert!(!matching.is_empty() && matching.iter().all(|e| e["policy_slug_perm"] == "likely" && e["match"] == true));

    let mut printed: Vec<String> = Vec::new();
    while printed.len() < after.len() {
        let line = tokio::time::timeout(crate::support::PATIENCE, lines.next_line()).await??.context("it ended")?;
        printed.extend(ids(&[serde_json::from_str(&line)?]));
    }
    printed.sort();
    assert_eq!(printed, after, "the past and what came, each once");
    let reader = server.http().with_token(Some(&token(&server, "read", &["main"]).await?));
    let seen = reader.get(&format!("/api/v1/decisions?follow={}", begun["seen"])).await?.expect_status(200)?.json()?;
    assert_eq!(seen["entries"].as_array().map(Vec::len), Some(new.len()));
    server.http().get("/api/v1/decisions?follow=soon").await?.expect_status(400)?;
    Ok(())
}

#[tokio::test]
async fn readers_see_decisions_of_their_repositories_only() -> Result<()> {
    let server = world().await?;
    server.http().post_json("/api/v1/repositories", &json!({"name": "other"})).await?.expect_status(201)?;
    upload::pypi(server.http(), "other", &Wheel::new("hidden", "1.0").build()?).await?.expect_status(200)?;
    settled(&server).await?;
    let secret = entries(server.http(), "package_name=hidden").await?;
    let secret = secret[0]["id"].as_str().context("no entry")?;
    let reader = server.http().with_token(Some(&token(&server, "read", &["main"]).await?));
    let seen = entries(&reader, "page_size=1000").await?;
    assert!(!seen.is_empty() && seen.iter().all(|e| e["repository_name"] == "main"));
    assert!(entries(&reader, "package_name=hidden").await?.is_empty());
    assert!(
        entries(&reader, "policy=labels&match=true&page_size=1000")
            .await?
            .iter()
            .all(|e| e["repository_name"] == "main")
    );
    reader.get("/api/v1/decisions?repository=other").await?.expect_status(403)?;
    let decision = secret.split('-').next().unwrap_or_default();
    for path in [secret.to_owned(), decision.to_owned(), format!("{secret}/input")] {
        reader.get(&format!("/api/v1/decisions/{path}")).await?.expect_status(404)?;
    }
    let own = seen[0]["id"].as_str().context("no entry")?;
    let full = reader.get(&format!("/api/v1/decisions/{own}")).await?.expect_status(200)?.json()?;
    assert_eq!(full["policy"], Value::Null, "sources are for those who may read everything");
    reader.post_json("/api/v1/decisions/replay", &json!({})).await?.expect_status(403)?;
    Ok(())
}

#[tokio::test]
async fn an_explanation_says_what_is_different_since() -> Result<()> {
    let server = server().await?;
    for name in ["aa", "cc"] {
        publish(&server, &Wheel::new(name, "1.0").build()?).await?;
    }
    settled(&server).await?;
    add_policy(&server, "likely", &LIKELY.replace("LIMIT", "0.5"), "quarantine").await?;
    import(&server, &[&advisories(&server, "all", &records())?]).await?;
    epss(&server, "2024-03-01", &[("CVE-2024-1001", 0.06)]).await?;
    // a moment at which the decision without the findings is in force
    let then = jiff::Timestamp::now().to_string();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    epss(&server, "2024-03-02", &[("CVE-2024-1001", 0.45)]).await?;
    add_policy(&server, "likely", &LIKELY.replace("LIMIT", "0.4"), "quarantine").await?;
    kev(&server, &["CVE-2024-1001"]).await?;

    let id = package_id(&server, "main/pypi/aa@1.0").await?;
    let address = format!("/api/v1/packages/{id}/explain?since={then}");
    let why = server.http().get(&address).await?.expect_status(200)?.json()?;
    let lines = |part: &str| why["changes"][part].as_array().cloned().unwrap_or_default();
    let has = |part: &str, text: &str| lines(part).iter().any(|l| l.as_str().is_some_and(|l| l.contains(text)));
    assert!(
        has("facts", "CVE-2024-1001 appeared in pkg:pypi/aa@1.0 (advisory GHSA-aaaa")
            || has("facts", "EPSS of CVE-2024-1001 rose 0.06 → 0.45"),
        "{why}"
    );
    assert!(has("rules", "policy likely was edited (revision 1 → 2): source"), "{why}");
    assert!(has("outcome", "state: available → quarantined"), "{why}");
    assert!(has("outcome", "policy likely matches now"), "{why}");
    let story = &why["policies"][0];
    assert_eq!((&story["policy"], &story["outcome"]["kind"]), (&json!("likely"), &json!("match")), "{why}");
    let facts = story["facts"].to_string();
    assert!(facts.contains("CVE-2024-1001") && facts.contains("EPSS 0.45"), "{why}");
    assert!(why["outcome"].to_string().contains("likely sets the state to quarantined"), "{why}");

    let text = server.cli(["explain", "main/pypi/aa@1.0", "--since", &then])?.succeed().await?.stdout;
    assert!(text.contains("policy likely was edited") && text.contains("together: quarantined"), "{text}");
    let then = jiff::Timestamp::now().to_string();
    let waived =
        ["waiver", "add", "--vulnerability", "CVE-2024-1001", "--reason", "we never call it", "--expires", "1d"];
    server.cli(waived)?.succeed().await?;
    settled(&server).await?;
    let text = server.cli(["explain", "main/pypi/aa@1.0", "--since", &then])?.succeed().await?.stdout;
    assert!(text.contains("CVE-2024-1001 in pkg:pypi/aa@1.0 is waived by W1"), "{text}");
    assert!(!text.contains("no longer found"), "{text}");
    let calm = server.cli(["explain", "main/pypi/cc@1.0", "--since", "0s"])?.succeed().await?.stdout;
    assert!(calm.contains("nothing is different"), "{calm}");
    let first = server.cli(["explain", "main/pypi/aa@1.0"])?.succeed().await?.stdout;
    assert!(first.contains("there was no decision about it yet"), "{first}");
    Ok(())
}
