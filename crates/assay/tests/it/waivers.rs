//! Waivers, from outside: what is blocked is released by one within the second, and is blocked again when it ends.

use crate::support::{
    advisories, import, index_url, options, package, pip, publish, python_advisory, refuse_dangerous, server, settled,
};
use anyhow::{Context, Result, bail};
use assay_testkit::{Http, TestServer, make::wheel::Wheel};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CVE: &str = "CVE-2026-20002";
const WHAT: &str = "main/pypi/tiny-danger@1.0";
/// How long something may take that is promised within a second or two, on a machine that also compiles.
const SOON: Duration = Duration::from_secs(120);

/// A server that refuses version 1.0 of `tiny-danger`.
async fn dangerous() -> Result<TestServer> {
    let server = server().await?;
    for version in ["1.0", "1.1"] {
        publish(&server, &Wheel::new("tiny-danger", version).build()?).await?;
    }
    settled(&server).await?;
    let feed = advisories(&server, "feed", &[python_advisory("PYSEC-2026-2", CVE, "tiny-danger", "0", "1.1")])?;
    import(&server, &[&feed]).await?;
    refuse_dangerous(&server).await?;
    Ok(server)
}

/// A wheel as an installer asks for it that has it pinned.
async fn pull(server: &TestServer) -> Result<u16> {
    Ok(server.http().get("/pypi/main/files/tiny-danger/tiny_danger-1.0-py3-none-any.whl").await?.status.as_u16())
}

/// Waits until a pull is answered so.
async fn until(server: &TestServer, status: u16) -> Result<()> {
    let start = Instant::now();
    while pull(server).await? != status {
        if start.elapsed() > SOON {
            bail!("a pull is not answered {status}: {}", package(server, WHAT).await?);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn install(server: &TestServer, works: bool) -> Result<()> {
    let place = tempfile::tempdir()?;
    let Some(run) = pip(&index_url(server), place.path(), &["--no-deps", "tiny-danger==1.0"])? else { return Ok(()) };
    if works {
        run.succeed().await?
    } else {
        run.fail().await?
    };
    Ok(())
}

async fn add(server: &TestServer, more: &[&str]) -> Result<Value> {
    let mut arguments = vec!["waiver", "add", "--json", "--reason", "we never call it"];
    arguments.extend(more);
    Ok(serde_json::from_str(&server.cli(arguments)?.succeed().await?.stdout)?)
}

async fn kinds(server: &TestServer) -> Result<Vec<String>> {
    let events = server.http().get("/api/v1/events?order=newest&limit=50").await?.expect_status(200)?.json()?;
    let events = events["events"].as_array().context("no events")?.clone();
    Ok(events.iter().filter_map(|event| event["kind"].as_str()).map(str::to_owned).collect())
}

#[tokio::test]
async fn a_blocked_wheel_installs_while_it_is_waived_and_not_after() -> Result<()> {
    let server = dangerous().await?;
    install(&server, false).await?;
    let made = add(&server, &["--vulnerability", &CVE.to_lowercase(), "--expires", "45s"]).await?;
    let id = made["id"].as_str().context("no id")?.to_owned();
    assert_eq!((&made["status"], &made["scope"]["vulnerabilities"]), (&json!("active"), &json!([CVE])));
    until(&server, 200).await?;
    install(&server, true).await?;

    let seen = package(&server, WHAT).await?;
    let finding = &seen["findings"][0];
    assert_eq!((&finding["id"], &finding["suppressed"][0]["waiver"]), (&json!(CVE), &json!(id)), "told, not dropped");
    assert_eq!(seen["waivers"][0]["reason"], "we never call it");
    let told = server.cli(["explain", WHAT])?.succeed().await?;
    assert!(told.says("Waivers in use") && told.says(&id), "{told}");
    let uses = server.http().get(&format!("/api/v1/waivers/{id}/uses")).await?.expect_status(200)?.json()?;
    assert_eq!((&uses["uses"][0]["name"], &uses["uses"][0]["current"]), (&json!(WHAT), &json!(true)));
    let page = server.http().get(&format!("/ui/waivers/{id}")).await?.expect_status(200)?.text();
    assert!(page.contains("we never call it") && page.contains(WHAT), "{page}");

    until(&server, 403).await?;
    install(&server, false).await?;
    let ended = server.http().get(&format!("/api/v1/waivers/{id}")).await?.expect_status(200)?.json()?;
    assert_eq!(ended["status"], "expired");
    let kinds = kinds(&server).await?;
    assert!(["waiver.added", "waiver.expired"].iter().all(|kind| kinds.iter().any(|k| k == kind)), "{kinds:?}");
    let uses = server.http().get(&format!("/api/v1/waivers/{id}/uses")).await?.expect_status(200)?.json()?;
    assert_eq!(uses["uses"][0]["current"], false, "it is remembered who used it");
    Ok(())
}

#[tokio::test]
async fn a_scope_holds_what_it_says_and_no_more() -> Result<()> {
    let server = dangerous().await?;
    add(&server, &["--vulnerability", "CVE-2026-1", "--expires", "1h"]).await?;
    add(&server, &["--vulnerability", CVE, "--package", "pkg:pypi/tiny-danger >=1.1", "--expires", "1h"]).await?;
    let to_come = add(&server, &["--vulnerability", CVE, "--repository", "prod*", "--expires", "1h"]).await?;
    let listed = server.cli(["waiver", "list"])?.succeed().await?;
    assert!(listed.says(to_come["id"].as_str().context("no id")?), "of repositories to come, too: {listed}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(pull(&server).await?, 403);
    let made =
        add(&server, &["--vulnerability", "PYSEC-2026-2", "--package", "pkg:pypi/tiny-danger <1.1", "--expires", "1h"])
            .await?;
    until(&server, 200).await?;
    let id = made["id"].as_str().context("no id")?;
    server.cli(["waiver", "revoke", id, "--reason", "too much"])?.succeed().await?;
    until(&server, 403).await?;
    let again = server.cli(["waiver", "revoke", id])?.fail().await?;
    assert!(again.says("revoked"), "{again}");
    Ok(())
}

#[tokio::test]
async fn the_verdict_of_one_policy_is_taken_back_and_stays_visible() -> Result<()> {
    let server = dangerous().await?;
    let wrong =
        server.cli(["waiver", "add", "--policy", "nothing", "--reason", "x", "--expires", "1h"])?.fail().await?;
    assert!(wrong.says("there is no policy `nothing`"), "{wrong}");
    let made =
        add(&server, &["--policy", "too-dangerous", "--package", "pkg:pypi/tiny-danger", "--expires", "1h"]).await?;
    until(&server, 200).await?;
    let seen = package(&server, WHAT).await?;
    let verdict = &seen["decisions"][0]["verdicts"][0];
    assert_eq!((&verdict["waived_by"], &verdict["outcome"]["kind"]), (&made["id"], &json!("match")));
    assert_eq!(seen["decisions"][0]["basis"]["waivers"], json!([made["id"]]));
    let told = server.cli(["explain", WHAT])?.succeed().await?;
    assert!(told.says("is waived by"), "{told}");

    // Of a finding, for one policy alone.
    server.cli(["waiver", "revoke", made["id"].as_str().context("no id")?])?.succeed().await?;
    until(&server, 403).await?;
    add(&server, &["--vulnerability", CVE, "--policy", "too-dangerous", "--expires", "1h"]).await?;
    until(&server, 200).await?;
    Ok(())
}

#[tokio::test]
async fn another_administrator_approves() -> Result<()> {
    let server = dangerous().await?;
    server.cli(["waiver", "rules", "--approval", "required", "--max-days", "10"])?.succeed().await?;
    let long =
        server.cli(["waiver", "add", "--vulnerability", CVE, "--reason", "x", "--expires", "11d"])?.fail().await?;
    assert!(long.says("10 days"), "{long}");
    let made = add(&server, &["--vulnerability", CVE, "--expires", "1d"]).await?;
    assert_eq!(made["status"], "requested");
    let id = made["id"].as_str().context("no id")?.to_owned();
    let own = server.cli(["waiver", "approve", &id])?.fail().await?;
    assert!(own.says("another administrator"), "{own}");
    assert_eq!(pull(&server).await?, 403, "what waits does nothing");

    let draft = json!({"name": "second", "permission": "admin", "repositories": []});
    let issued = server.http().post_json("/api/v1/tokens", &draft).await?.expect_status(201)?.json()?;
    let second: Http = server.http().with_token(issued["secret"].as_str());
    let approved =
        second.post_json(&format!("/api/v1/waivers/{id}/approve"), &json!({})).await?.expect_status(200)?.json()?;
    assert_eq!((&approved["status"], &approved["approver"]), (&json!("active"), &json!("second")));
    until(&server, 200).await?;

    let other = add(&server, &["--vulnerability", CVE, "--expires", "1d"]).await?;
    let id = other["id"].as_str().context("no id")?.to_owned();
    let no = json!({"reason": "no"});
    let refused = second.post_json(&format!("/api/v1/waivers/{id}/refuse"), &no).await?.expect_status(200)?.json()?;
    assert_eq!(refused["status"], "refused");
    let late = second.post_json(&format!("/api/v1/waivers/{id}/approve"), &json!({})).await?;
    assert_eq!(late.status.as_u16(), 409, "{}", late.text());
    let listed = server.cli(["waiver", "list", "--json", "--status", "refused"])?.succeed().await?;
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    assert_eq!(listed["waivers"].as_array().map(Vec::len), Some(1));
    assert!(server.cli(["waiver", "show", &id])?.succeed().await?.says("Comment   no"), "why it was refused");
    Ok(())
}

#[tokio::test]
async fn who_asked_may_take_the_request_back_and_nothing_else() -> Result<()> {
    let server = dangerous().await?;
    server.cli(["waiver", "rules", "--approval", "required"])?.succeed().await?;
    let writer = |name: &str| json!({"name": name, "permission": "write", "repositories": []});
    let mut clients = Vec::new();
    for name in ["ann", "bob"] {
        let issued = server.http().post_json("/api/v1/tokens", &writer(name)).await?.expect_status(201)?.json()?;
        clients.push(server.http().with_token(issued["secret"].as_str()));
    }
    let [ann, bob] = clients.as_slice() else { bail!("two clients were made") };
    let end = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24)).to_string();
    let draft = json!({"scope": {"vulnerabilities": [CVE]}, "reason": "not called", "expires_at": end});
    let ask = || async { ann.post_json("/api/v1/waivers", &draft).await?.expect_status(201)?.json() };
    let change = |id: &Value, verb: &str| format!("/api/v1/waivers/{}/{verb}", id.as_str().unwrap_or_default());
    let (first, second) = (ask().await?["id"].clone(), ask().await?["id"].clone());
    let why = json!({"reason": "it is called after all"});
    assert_eq!(bob.post_json(&change(&first, "revoke"), &why).await?.status.as_u16(), 403, "it is another's");
    assert_eq!(ann.post_json(&change(&first, "approve"), &json!({})).await?.status.as_u16(), 403);
    let taken = ann.post_json(&change(&first, "revoke"), &why).await?.expect_status(200)?.json()?;
    assert_eq!((&taken["status"], &taken["comment"]), (&json!("revoked"), &why["reason"]));
    let shown = server.cli(["waiver", "show", first.as_str().unwrap_or_default()])?.succeed().await?;
    assert!(shown.says("it is called after all"), "{shown}");
    let page = server.http().get(&format!("/ui/waivers/{}", first.as_str().unwrap_or_default())).await?;
    assert!(page.text().contains("it is called after all"), "{}", page.text());

    server.http().post_json(&change(&second, "approve"), &json!({})).await?.expect_status(200)?;
    assert_eq!(
        ann.post_json(&change(&second, "revoke"), &why).await?.status.as_u16(),
        403,
        "it is no request any more"
    );
    Ok(())
}

#[tokio::test]
async fn a_waiver_says_when_it_fits_nothing_and_is_found_by_any_id() -> Result<()> {
    let server = dangerous().await?;
    let add = |what: &'static [&'static str]| {
        let common = ["waiver", "add", "--reason", "x", "--expires", "1d"];
        server.cli(common.into_iter().chain(what.iter().copied()))
    };
    let fits = add(&["--vulnerability", CVE])?.succeed().await?;
    assert!(!fits.says("nothing that is stored"), "{fits}");
    for other in [
        ["--vulnerability", "CVE-2026-99999"].as_slice(),
        &["--vulnerability", CVE, "--repository", "elsewhere"],
        &["--vulnerability", CVE, "--package", "pkg:pypi/tiny-danger >=1.1"],
        &["--policy", "too-dangerous", "--package", "pkg:pypi/other"],
    ] {
        let common = ["waiver", "add", "--reason", "x", "--expires", "1d"];
        let none = server.cli(common.into_iter().chain(other.iter().copied()))?.succeed().await?;
        assert!(none.says("nothing that is stored fits its scope now"), "{other:?}: {none}");
    }
    for id in [CVE, "PYSEC-2026-2", "pysec-2026-2"] {
        let listed = server.cli(["waiver", "list", "--json", "--vulnerability", id])?.succeed().await?;
        let listed: Value = serde_json::from_str(&listed.stdout)?;
        assert_eq!(listed["waivers"].as_array().map(Vec::len), Some(3), "{id}: {listed}");
    }
    Ok(())
}

#[tokio::test]
async fn a_waiver_ends_while_the_server_is_down() -> Result<()> {
    let mut server = options().start().await?;
    publish(&server, &Wheel::new("tiny-danger", "1.0").build()?).await?;
    settled(&server).await?;
    let feed = advisories(&server, "feed", &[python_advisory("PYSEC-2026-2", CVE, "tiny-danger", "0", "1.1")])?;
    import(&server, &[&feed]).await?;
    refuse_dangerous(&server).await?;
    add(&server, &["--vulnerability", CVE, "--expires", "30s"]).await?;
    until(&server, 200).await?;
    server.stop().await?;
    tokio::time::sleep(Duration::from_secs(30)).await;
    server.restart().await?;
    until(&server, 403).await
}

#[tokio::test]
async fn a_waiver_is_replaced_and_nothing_is_blocked_in_between() -> Result<()> {
    let server = dangerous().await?;
    let made = add(&server, &["--vulnerability", CVE, "--expires", "1h"]).await?;
    let id = made["id"].as_str().context("no id")?.to_owned();
    until(&server, 200).await?;
    let same = server.cli(["waiver", "replace", &id])?.fail().await?;
    assert!(same.says("extend"), "{same}");
    let replace = ["waiver", "replace", "--json", &id, "--reason", "the port is closed", "--package"];
    let ran = server.cli(replace)?.arg("pkg:pypi/tiny-danger <1.1").succeed().await?;
    let new: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!((&new["replaces"], &new["status"]), (&json!(id), &json!("active")));
    assert_eq!(new["scope"]["vulnerabilities"], json!([CVE]), "what is not named stays");
    for _ in 0..20 {
        assert_eq!(pull(&server).await?, 200, "no moment is between");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    settled(&server).await?;
    let seen = package(&server, WHAT).await?;
    assert_eq!(seen["findings"][0]["suppressed"][0]["waiver"], new["id"]);
    let old = server.http().get(&format!("/api/v1/waivers/{id}")).await?.json()?;
    assert_eq!((&old["status"], &old["reason"]), (&json!("revoked"), &json!("we never call it")));
    assert!(kinds(&server).await?.iter().any(|kind| kind == "waiver.replaced"));
    let uses = server.cli(["waiver", "uses", &id])?.succeed().await?;
    assert!(uses.says(WHAT), "who used the old one is remembered: {uses}");

    // Where approval is required the old one stays until the new one is approved.
    server.cli(["waiver", "rules", "--approval", "required"])?.succeed().await?;
    let id = new["id"].as_str().context("no id")?.to_owned();
    let wider = server.cli(["waiver", "replace", "--json", &id, "--reason", "for a while"])?.succeed().await?;
    let wider: Value = serde_json::from_str(&wider.stdout)?;
    let status = async |id: &str| server.http().get(&format!("/api/v1/waivers/{id}")).await?.json();
    assert_eq!((&wider["status"], &status(&id).await?["status"]), (&json!("requested"), &json!("active")));
    let draft = json!({"name": "second", "permission": "admin", "repositories": []});
    let issued = server.http().post_json("/api/v1/tokens", &draft).await?.expect_status(201)?.json()?;
    let second: Http = server.http().with_token(issued["secret"].as_str());
    let wider = wider["id"].as_str().context("no id")?;
    second.post_json(&format!("/api/v1/waivers/{wider}/approve"), &json!({})).await?.expect_status(200)?;
    assert_eq!((&status(wider).await?["status"], &status(&id).await?["status"]), (&json!("active"), &json!("revoked")));
    assert_eq!(pull(&server).await?, 200);
    Ok(())
}

#[tokio::test]
async fn lists_count_what_counts_and_tell_what_is_taken_away() -> Result<()> {
    let server = dangerous().await?;
    let counts = async || -> Result<(Value, Value)> {
        let listed = server.http().get("/api/v1/packages?query=name:tiny-danger").await?.expect_status(200)?.json()?;
        let rows = listed["packages"].as_array().context("packages")?;
        let row = rows.iter().find(|row| row["version"] == "1.0").context("the package")?;
        Ok((row["severities"].clone(), row["suppressed"].clone()))
    };
    let search = async |query: &str| -> Result<usize> {
        let listed = server.http().get(&format!("/api/v1/packages?q={query}")).await?.expect_status(200)?.json()?;
        Ok(listed["packages"].as_array().context("packages")?.len())
    };
    assert_eq!(counts().await?, (json!({"CRITICAL": 1}), json!({})));
    assert_eq!((search("severity:high").await?, search("NOT%20severity:high").await?), (1, 1));
    add(&server, &["--vulnerability", CVE, "--policy", "too-dangerous", "--expires", "1h"]).await?;
    assert_eq!(counts().await?, (json!({"CRITICAL": 1}), json!({})), "other policies see it");
    let made = add(&server, &["--vulnerability", CVE, "--expires", "1h"]).await?;
    assert_eq!(counts().await?, (json!({}), json!({"CRITICAL": 1})));
    assert_eq!(search("severity:high").await?, 0, "what is taken away is not searched for");
    assert_eq!(search("NOT%20severity:high").await?, 2, "and under NOT it is not there either");
    assert_eq!(search("severity:high%20OR%20version:1.1").await?, 1);
    assert_eq!(search("NOT%20(severity:low%20version:1.0)").await?, 2);
    let seen = package(&server, WHAT).await?;
    assert_eq!((&seen["severities"], &seen["worst"]), (&json!({}), &json!(null)), "one truth everywhere");
    let home = server.http().get("/ui/").await?.expect_status(200)?.text();
    assert!(home.contains("1 more are suppressed"), "{home}");
    server.cli(["waiver", "revoke", made["id"].as_str().context("no id")?])?.succeed().await?;
    assert_eq!(counts().await?, (json!({"CRITICAL": 1}), json!({})));
    Ok(())
}
