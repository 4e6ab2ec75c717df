//! Policies: what a refused client prints, how a decision is explained, how it ends, and the log of it all.

use crate::support::{
    ASSAY, advisories, import, index_url, package, pip, publish, python_advisory, refuse_dangerous, server, settled,
    state, twine, unwrapped, uv,
};
use crate::tour_oci::{image, push, skopeo_copy};
use anyhow::{Context, Result};
use assay_testkit::make::{feeds, wheel::Wheel};
use assay_testkit::tools::requests_wheel;
use assay_testkit::{Run, TestServer, corpus, tool};
use serde_json::{Value, json};
use std::time::Duration;

const CVE: &str = "CVE-2026-20002";

/// A server with a dangerous version 1.0 of `tiny-danger`, its mended version 1.1, the advisory and the policy.
async fn dangerous() -> Result<TestServer> {
    let server = server().await?;
    for version in ["1.0", "1.1"] {
        publish(&server, &Wheel::new("tiny-danger", version).build()?).await?;
    }
    settled(&server).await?;
    let record = python_advisory("PYSEC-2026-2", CVE, "tiny-danger", "0", "1.1");
    let feed = advisories(&server, "feed", &[record])?;
    let ran = import(&server, &[&feed]).await?;
    assert!(ran.says("1 package decided again"), "{ran}");
    let ran = refuse_dangerous(&server).await?;
    assert!(ran.says("policy too-dangerous added") && ran.says("1 newly quarantined"), "{ran}");
    Ok(server)
}

async fn explained(server: &TestServer, what: &str) -> Result<Value> {
    Ok(serde_json::from_str(&server.cli(["explain", "--json", what])?.succeed().await?.stdout)?)
}

#[tokio::test]
async fn the_published_policy_refuses_the_real_wheel_and_clients_say_why() -> Result<()> {
    let Some(wheel) = requests_wheel().await? else { return Ok(()) };
    let (Some(policy), Some(osv), Some(scored)) =
        (corpus("oracles/policies/max-cvss.rego"), corpus("feeds/osv/PyPI"), corpus("feeds/osv/PyPI-ghsa"))
    else {
        return Ok(());
    };
    let server = server().await?;
    let Some(run) = twine(&server, "__token__", server.token(), &[], &[&wheel])? else { return Ok(()) };
    run.succeed().await?;
    publish(&server, &Wheel::new("requests", "2.99.0").build()?).await?;
    let ran = import(&server, &[&osv, &scored]).await?;
    assert!(ran.says("7,080") && ran.says("osv"), "{ran}");
    let ran = server.cli(["policy", "add", "--action", "quarantine"])?.arg(policy).succeed().await?;
    assert!(ran.says("2 packages decided: 1 newly quarantined, 0 released"), "{ran}");

    for client in [pip, uv] {
        let place = tempfile::tempdir()?;
        let Some(run) = client(&index_url(&server), place.path(), &["--no-deps", "requests==2.6.0"])? else { continue };
        let said = unwrapped(&run.fail().await?);
        for part in ["quarantined by policy max-cvss", "CVSS Score >= 6", "CVE-2018-18074", "CVSS 7.5", "2.99.0"] {
            assert!(said.contains(part), "`{part}` is not in: {said}");
        }
        assert!(!place.path().join("requests").exists());
        let run = client(&index_url(&server), place.path(), &["--no-deps", "requests>=2"])?.expect("it is there");
        run.succeed().await?;
        assert!(place.path().join("requests-2.99.0.dist-info").is_dir());
    }
    Ok(())
}

#[tokio::test]
async fn installers_print_policy_reason_vulnerability_and_the_way_out() -> Result<()> {
    let server = dangerous().await?;
    for client in [pip, uv] {
        let place = tempfile::tempdir()?;
        let Some(run) = client(&index_url(&server), place.path(), &["tiny-danger==1.0"])? else { continue };
        let ran = run.fail().await?;
        let said = unwrapped(&ran);
        let reason = format!("{CVE} is more dangerous than we allow");
        for part in ["policy too-dangerous", &reason, "CVSS 9.8", "Nearest allowed version: 1.1", "/ui/packages/"] {
            assert!(said.contains(part), "`{part}` is not in: {said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_header_the_api_and_explain_name_the_same_decision() -> Result<()> {
    let server = dangerous().await?;
    let path = "/pypi/main/files/tiny-danger/tiny_danger-1.0-py3-none-any.whl";
    let refused = server.http().get(path).await?.expect_status(403)?;
    let named = refused.header("x-assay-decision").context("a refusal names its decision")?.to_owned();
    assert!(!refused.body.is_empty() && server.http().head(path).await?.expect_status(403)?.body.is_empty());

    let told = explained(&server, "main/pypi/tiny-danger@1.0").await?;
    assert_eq!((&told["decision"]["id"], &told["state"]), (&json!(named), &json!("quarantined")));
    assert_eq!(told["refusal"]["policies"], json!(["too-dangerous"]));
    assert_eq!(told["refusal"]["nearest_allowed"], "1.1");
    let decision = server.http().get(&format!("/api/v1/decisions/{named}")).await?.expect_status(200)?.json()?;
    assert_eq!((&decision["state"], &decision["vulnerabilities"][0]["id"]), (&json!("quarantined"), &json!(CVE)));

    let ran = server.cli(["explain", "main/pypi/tiny-danger@1.0"])?.succeed().await?;
    for part in ["is QUARANTINED", &named, "Policy too-dangerous", CVE, "fixed in 1.1", "Nearest allowed version: 1.1"]
    {
        assert!(ran.says(part), "`{part}` is not in: {ran}");
    }
    let ran = server.cli(["explain", "main/pypi/tiny-danger@1.1"])?.succeed().await?;
    assert!(ran.says("is AVAILABLE") && ran.says("None of 1 policy matched"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn an_image_is_refused_in_skopeos_own_words() -> Result<()> {
    let server = server().await?;
    push(server.http(), "main/alpine", "3.10", &image("held")?.parts()?).await?;
    let mut record = feeds::osv_record(
        "ALPINE-CVE-2026-20003",
        "Alpine:v3.10",
        "musl",
        Some("1.1.22-r4"),
        feeds::CRITICAL,
        "2026-01-01T00:00:00Z",
    );
    record["aliases"] = json!(["CVE-2026-20003"]);
    let feed = advisories(&server, "feed", &[record])?;
    import(&server, &[&feed]).await?;
    refuse_dangerous(&server).await?;
    assert_eq!(state(&server, "main/oci/alpine:3.10").await?, "quarantined");

    let refused = server.http().get("/v2/main/alpine/manifests/3.10").await?.expect_status(403)?;
    assert_eq!(refused.json()?["errors"][0]["code"], "DENIED");
    let told = explained(&server, "main/oci/alpine:3.10").await?;
    assert_eq!(told["decision"]["id"].as_str(), refused.header("x-assay-decision"));
    // A layer is no way around the gate.
    let layer = image("held")?.parts()?.layers[0].digest.clone();
    server.http().get(&format!("/v2/main/alpine/blobs/{layer}")).await?.expect_status(403)?;
    let tags = server.http().get("/v2/main/alpine/tags/list").await?.expect_status(200)?.json()?;
    assert_eq!(tags["tags"], json!([]), "a refused tag is not offered");

    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let (from, place) = (format!("docker://{}/main/alpine:3.10", server.authority()), tempfile::tempdir()?);
    let to = format!("dir:{}", place.path().display());
    let said = unwrapped(&skopeo_copy(&server, &skopeo, &[], &from, &to)?.fail().await?);
    for part in ["policy too-dangerous", "is more dangerous than we allow", "CVE-2026-20003", "CVSS 9.8"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    Ok(())
}

/// Adds a policy of these lines, to quarantine.
async fn refuse(server: &TestServer, name: &str, body: &str) -> Result<()> {
    let file = server.scratch().join(format!("{name}.rego"));
    std::fs::write(&file, format!("package assay\n\ndefault match := false\n\nmatch if count(reason) > 0\n\n{body}"))?;
    server.cli(["policy", "add", "--action", "quarantine"])?.arg(file).succeed().await?;
    settled(server).await
}

#[tokio::test]
async fn a_secret_in_a_wheel_is_refused_and_told_nowhere() -> Result<()> {
    let server = server().await?;
    let rule = "reason contains sprintf(\"%s in %s, line %d\", [found.title, found.path, found.first_line]) if {\n\t\
                some found in input.v1.secrets\n}\n";
    refuse(&server, "no-secrets", rule).await?;
    // Put together here, so that no scanner of this file takes it for one.
    let key = format!("{}{}", "AKIA", "Q3EGZT5NXWLM7RKD");
    let settings = format!("# settings\naws_access_key_id = \"{key}\"\n");
    publish(&server, &Wheel::new("tiny-leak", "1.0").file("tiny_leak/settings.py", settings.as_bytes()).build()?)
        .await?;
    publish(&server, &Wheel::new("tiny-leak", "1.1").build()?).await?;
    settled(&server).await?;
    assert_eq!(state(&server, "main/pypi/tiny-leak@1.0").await?, "quarantined");
    assert_eq!(state(&server, "main/pypi/tiny-leak@1.1").await?, "available");

    let path = "/pypi/main/files/tiny-leak/tiny_leak-1.0-py3-none-any.whl";
    let refused = server.http().get(path).await?.expect_status(403)?;
    let said = refused.text();
    assert!(said.contains("no-secrets") && said.contains("tiny_leak/settings.py, line 2"), "{said}");
    let place = tempfile::tempdir()?;
    if let Some(run) = pip(&index_url(&server), place.path(), &["tiny-leak==1.0"])? {
        let said = unwrapped(&run.fail().await?);
        assert!(said.contains("policy no-secrets") && said.contains("tiny_leak/settings.py"), "{said}");
    }
    let ran = server.cli(["package", "main/pypi/tiny-leak@1.0"])?.succeed().await?;
    assert!(ran.says("SECRET") && ran.says("tiny_leak/settings.py"), "{ran}");
    let detail = package(&server, "main/pypi/tiny-leak@1.0").await?;
    assert_eq!(detail["inventory"]["secrets"][0]["first_line"], 2);
    let page = server.http().get(&format!("/ui/packages/{}", detail["id"])).await?.expect_status(200)?.text();
    assert!(page.contains("tiny_leak/settings.py") && page.contains("id=\"secrets\""));
    let told = [ran.output(), detail.to_string(), page, said.clone(), server.log()];
    assert!(told.iter().all(|text| !text.contains(&key)), "the secret itself is told");
    Ok(())
}

#[tokio::test]
async fn a_malicious_package_is_refused_as_such() -> Result<()> {
    let server = server().await?;
    let rule = "reason contains sprintf(\"%s is malware\", [found.identifier]) if some found in input.v1.malware\n";
    refuse(&server, "no-malware", rule).await?;
    publish(&server, &Wheel::new("tiny-evil", "1.0").build()?).await?;
    settled(&server).await?;
    assert_eq!(state(&server, "main/pypi/tiny-evil@1.0").await?, "available");
    let mut record = python_advisory("MAL-2026-77", "CVE-2026-77777", "tiny-evil", "0", "9");
    record["aliases"] = json!([]);
    record["affected"][0]["ranges"][0]["events"] = json!([{ "introduced": "0" }]);
    let feed = advisories(&server, "malware", &[record])?;
    import(&server, &[&feed]).await?;
    assert_eq!(state(&server, "main/pypi/tiny-evil@1.0").await?, "quarantined");
    // Decided by the importing process, which this one notices within a second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let path = "/pypi/main/files/tiny-evil/tiny_evil-1.0-py3-none-any.whl";
    let said = server.http().get(path).await?.expect_status(403)?.text();
    assert!(said.contains("no-malware") && said.contains("MAL-2026-77 is malware"), "{said}");
    let detail = package(&server, "main/pypi/tiny-evil@1.0").await?;
    assert_eq!(detail["findings"][0]["kind"], "malware", "{detail:#}");
    let page = server.http().get(&format!("/ui/packages/{}", detail["id"])).await?.expect_status(200)?.text();
    assert!(page.contains(">malware</span>"), "{page}");
    Ok(())
}

#[tokio::test]
async fn a_plain_file_inside_which_nothing_is_found_stays_available() -> Result<()> {
    let server = dangerous().await?;
    server.http().put("/generic/main/readme.txt", "nothing").await?.expect_status(201)?;
    settled(&server).await?;
    let served = server.http().get("/generic/main/readme.txt").await?.expect_status(200)?;
    assert!(served.header("x-assay-decision").is_some(), "it is served by a decision as well");
    Ok(())
}

#[tokio::test]
async fn removing_a_policy_releases_what_it_held() -> Result<()> {
    let server = dangerous().await?;
    let ran = server.cli(["policy", "list"])?.succeed().await?;
    assert!(ran.says("too-dangerous"), "{ran}");
    let ran = server.cli(["policy", "remove", "too-dangerous"])?.succeed().await?;
    assert!(ran.says("1 released"), "{ran}");
    assert_eq!(state(&server, "main/pypi/tiny-danger@1.0").await?, "available");
    let place = tempfile::tempdir()?;
    let Some(run) = pip(&index_url(&server), place.path(), &["tiny-danger==1.0"])? else { return Ok(()) };
    run.succeed().await?;
    let ran = server.cli(["explain", "main/pypi/tiny-danger@1.0"])?.succeed().await?;
    assert!(ran.says("is AVAILABLE"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_is_refused_with_its_line() -> Result<()> {
    let server = server().await?;
    let file = server.scratch().join("broken.rego");
    std::fs::write(&file, "package cloudsmith\n\nmatch if {\n  input.v0.nothing ==\n}\n")?;
    let ran = server.cli(["policy", "add", "--action", "quarantine"])?.arg(file).fail().await?;
    assert!(ran.says("line") || ran.says(":4") || ran.says(":5"), "{ran}");
    let kept = server.http().get("/api/v1/policies").await?.expect_status(200)?.json()?;
    assert_eq!(kept["policies"], json!([]));
    Ok(())
}

#[tokio::test]
async fn every_step_is_an_event() -> Result<()> {
    let server = dangerous().await?;
    server.cli(["policy", "remove", "too-dangerous"])?.succeed().await?;
    let ran = server.cli(["log"])?.succeed().await?;
    let steps = [
        "repository.created",
        "package.published",
        "inventory.made",
        "decision.made",
        "feed.imported",
        "policy.added",
        "decision.quarantined",
        "policy.removed",
        "decision.released",
    ];
    let missing: Vec<&str> = steps.into_iter().filter(|step| !ran.says(step)).collect();
    assert!(missing.is_empty(), "{missing:?} are not in: {ran}");

    let ran = server.cli(["log", "--json", "--limit", "1000"])?.succeed().await?;
    let events: Vec<Value> = ran.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let numbers: Vec<i64> = events.iter().filter_map(|event| event["seq"].as_i64()).collect();
    assert_eq!(numbers, (1..=i64::try_from(events.len())?).collect::<Vec<_>>());
    assert!(events.windows(2).all(|two| two[1]["previous"] == two[0]["hash"]), "each entry carries the hash before it");
    let verified = server.cli(["log", "verify"])?.succeed().await?;
    assert!(
        verified.says("the log is whole") && verified.says(events[events.len() - 1]["hash"].as_str().unwrap_or("?"))
    );
    Ok(())
}

#[tokio::test]
async fn whoever_follows_the_log_sees_what_happens_next() -> Result<()> {
    let server = server().await?;
    let follow = ["8", ASSAY, "log", "--follow", "--json", "--limit", "1"];
    let run = Run::new("timeout")?.args(follow).env("ASSAY_URL", server.url()).env("ASSAY_TOKEN", server.token());
    let happens = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        publish(&server, &Wheel::new("tiny-followed", "1.0").build()?).await?;
        settled(&server).await
    };
    let (ran, happened) = tokio::join!(run.run(), happens);
    happened?;
    let ran = ran?;
    let seen: Vec<Value> = ran.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let about = seen.iter().filter(|event| event["subject"] == "main/pypi/tiny-followed@1.0");
    let kinds: Vec<&str> = about.filter_map(|event| event["kind"].as_str()).collect();
    assert_eq!(kinds, ["package.published", "inventory.made", "decision.made"], "{ran}");
    Ok(())
}

#[tokio::test]
async fn a_byte_changed_in_the_log_is_noticed() -> Result<()> {
    let Some(python) = tool("python3") else { return Ok(()) };
    let server = dangerous().await?;
    server.cli(["log", "verify"])?.succeed().await?;
    let edit = "import sqlite3, sys\n\
                base = sqlite3.connect(sys.argv[1], timeout=30)\n\
                n, body = base.execute(\"select seq, body from event where kind = 'decision.quarantined'\").fetchone()\n\
                changed = body.replace('quarantined', 'quarantinee', 1)\n\
                assert changed != body\n\
                base.execute('update event set body = ? where seq = ?', (changed, n))\n\
                base.commit()\n\
                print(n)";
    let database = server.data().join("assay.db");
    let ran = Run::new(python)?.args(["-c", edit]).arg(database).succeed().await?;
    let number = ran.stdout.trim().to_owned();
    let ran = server.cli(["log", "verify"])?.fail().await?;
    assert_eq!(ran.status.code(), Some(1));
    assert!(ran.says("BROKEN") && ran.says(&format!("entry {number}")), "{ran}");
    Ok(())
}
