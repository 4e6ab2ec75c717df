//! Ready policies: installed from the program, they refuse what they are for, in words that a client's user understands.

use crate::{
    proxied::upstream,
    support::{
        ASSAY, advisories, import, index_url, open_to_everyone, pip, publish, python_advisory, server, settled, state,
        unwrapped, uv,
    },
    tour_oci::{image, push, skopeo_copy},
};
use anyhow::Result;
use assay_testkit::{
    Ran, Run, TestServer, corpus,
    make::{
        feeds::{self, epss_csv_gz, kev_json},
        wheel::Wheel,
    },
    tool,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;

async fn install(server: &TestServer, line: &str) -> Result<Ran> {
    let ran = server.cli(["policy", "install"])?.args(line.split(' ')).succeed().await?;
    settled(server).await?;
    Ok(ran)
}

/// What pip and uv say when they are refused that package; empty where neither is installed.
async fn refused(server: &TestServer, wanted: &str) -> Result<Vec<String>> {
    let mut said = Vec::new();
    // an installer that may choose passes over what is refused, and does not say why
    let pinned = if wanted.contains("==") { wanted.to_owned() } else { format!("{wanted}==1.0") };
    for client in [pip, uv] {
        let place = tempfile::tempdir()?;
        let Some(run) = client(&index_url(server), place.path(), &["--no-deps", &pinned])? else { continue };
        said.push(unwrapped(&run.fail().await?));
    }
    Ok(said)
}

fn has(said: &[String], parts: &[&str]) {
    for said in said {
        for part in parts {
            assert!(said.contains(part), "`{part}` is not in: {said}");
        }
    }
}

async fn installs(server: &TestServer, wanted: &str) -> Result<()> {
    let place = tempfile::tempdir()?;
    if let Some(run) = pip(&index_url(server), place.path(), &["--no-deps", wanted])? {
        run.succeed().await?;
    }
    Ok(())
}

/// Puts a feed beside the server and imports it.
async fn fed(server: &TestServer, name: &str, bytes: &[u8]) -> Result<()> {
    let path = server.scratch().join(name);
    std::fs::write(&path, bytes)?;
    import(server, &[&path]).await?;
    Ok(())
}

#[tokio::test]
async fn malware_is_refused_by_name_and_no_exception_lets_it_through() -> Result<()> {
    let server = server().await?;
    for name in ["evil-thing", "good-thing"] {
        publish(&server, &Wheel::new(name, "1.0").build()?).await?;
    }
    settled(&server).await?;
    let record = feeds::osv_record("MAL-2026-7", "PyPI", "evil-thing", None, feeds::CRITICAL, "2026-01-01T00:00:00Z");
    let feed = advisories(&server, "feed", &[record])?;
    import(&server, &[&feed]).await?;
    let ran = install(&server, "malware").await?;
    assert!(ran.says("policy malware installed") && ran.says("1 newly quarantined"), "{ran}");
    install(&server, "exceptions --set listed=pypi:evil-thing").await?;
    has(&refused(&server, "evil-thing").await?, &["policy malware", "evil-thing 1.0 is malware: MAL-2026-7"]);
    installs(&server, "good-thing").await?;
    // What is waived in the policy's own settings is released.
    let ran = install(&server, "malware --set ignored=MAL-2026-7").await?;
    assert!(ran.says("saved as revision 2") && ran.says("1 released"), "{ran}");
    installs(&server, "evil-thing").await
}

#[tokio::test]
async fn vulnerabilities_are_refused_by_weight_and_by_what_attackers_do() -> Result<()> {
    let server = server().await?;
    for name in ["severe", "probable", "exploited"] {
        for version in ["1.0", "1.1"] {
            publish(&server, &Wheel::new(name, version).build()?).await?;
        }
    }
    settled(&server).await?;
    let mut records = Vec::new();
    for (number, name) in [(1, "severe"), (2, "probable"), (3, "exploited")] {
        let mut record =
            python_advisory(&format!("PYSEC-2026-{number}"), &format!("CVE-2026-3000{number}"), name, "0", "1.1");
        if name != "severe" {
            record["severity"] = json!([{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N"}]);
        }
        records.push(record);
    }
    let feed = advisories(&server, "feed", &records)?;
    import(&server, &[&feed]).await?;
    let scores = epss_csv_gz("2026-11-01", &[("CVE-2026-30001", 0.01, 0.4), ("CVE-2026-30002", 0.31, 0.97)])?;
    fed(&server, "epss_scores-2026-11-01.csv.gz", &scores).await?;
    fed(&server, "kev.json", &kev_json("2026-11-02", &[("CVE-2026-30003", "2026-10-30")])?).await?;

    install(&server, "critical-with-fix").await?;
    install(&server, "epss-kev --set score=0.3").await?;
    let said = refused(&server, "severe==1.0").await?;
    has(
        &said,
        &["policy critical-with-fix", "in severe 1.0: CVSS 9.8; upgrade to 1.1", "Nearest allowed version: 1.1"],
    );
    let said = refused(&server, "probable==1.0").await?;
    has(&said, &["policy epss-kev", "in probable 1.0 has an EPSS score of 0.31; fixed in 1.1"]);
    let said = refused(&server, "exploited==1.0").await?;
    has(&said, &["policy epss-kev", "is exploited: in CISA's catalogue since 2026-10-30; fixed in 1.1"]);
    for name in ["severe", "probable", "exploited"] {
        installs(&server, name).await?;
    }
    // Any id of a vulnerability takes it out.
    install(&server, "critical-with-fix --set ignored=PYSEC-2026-1").await?;
    installs(&server, "severe==1.0").await?;
    // What is set stays when something else is.
    let ran = install(&server, "epss-kev --set kev=no").await?;
    assert!(ran.says("score = 0.3") && ran.says("kev = false"), "{ran}");
    installs(&server, "exploited==1.0").await?;
    assert_eq!(state(&server, "main/pypi/probable@1.0").await?, "quarantined");
    let ran = install(&server, "epss-kev --defaults").await?;
    assert!(ran.says("score = 0.5") && ran.says("kev = true"), "{ran}");
    assert_eq!(state(&server, "main/pypi/probable@1.0").await?, "available");
    assert_eq!(state(&server, "main/pypi/exploited@1.0").await?, "quarantined");
    Ok(())
}

#[tokio::test]
async fn licences_secrets_and_lists_say_what_is_wrong_and_where() -> Result<()> {
    let server = server().await?;
    // Put together here, so that no scanner of this file takes it for a secret.
    let key = format!("{}{}", "AKIA", "Q3EGZT5NXWLM7RKD");
    let settings = format!("aws_access_key_id = \"{key}\"\n");
    let wheels = [
        Wheel::new("copyleft", "1.0").metadata("License-Expression: AGPL-3.0-only"),
        Wheel::new("choice", "1.0").metadata("License-Expression: MIT OR AGPL-3.0-only"),
        Wheel::new("leaky", "1.0").file("leaky/settings.py", settings.clone()),
        Wheel::new("tested", "1.0").file("tested/tests/settings.py", settings),
        Wheel::new("banned", "1.0"),
        Wheel::new("banned", "2.0"),
    ];
    for wheel in wheels {
        publish(&server, &wheel.build()?).await?;
    }
    settled(&server).await?;
    install(&server, "licenses").await?;
    install(&server, "secrets").await?;
    install(&server, "lists --set blocked=pypi:banned:1.*,npm:other").await?;
    let said = refused(&server, "copyleft").await?;
    has(&said, &["policy licenses", "copyleft is under AGPL-3.0-only, whose class is forbidden"]);
    installs(&server, "choice").await?;
    let said = refused(&server, "leaky").await?;
    has(&said, &["policy secrets", "in leaky/settings.py, line 1"]);
    assert!(said.iter().all(|said| !said.contains(&key)), "{said:?}");
    installs(&server, "tested").await?;
    let said = refused(&server, "banned==1.0").await?;
    has(&said, &["policy lists", "pypi:banned 1.0 is on the block list (pypi:banned:1.*)"]);
    installs(&server, "banned").await?;
    install(&server, "lists --set allowed=pypi:banned --set blocked=").await?;
    installs(&server, "banned==1.0").await?;
    has(&refused(&server, "choice").await?, &["pypi:choice 1.0 is not on the allow list"]);
    Ok(())
}

#[tokio::test]
async fn a_look_alike_of_a_popular_name_is_refused_with_that_name() -> Result<()> {
    let Some(catalogue) = corpus("feeds/popularity/top-pypi-packages.min.json.gz") else { return Ok(()) };
    let server = server().await?;
    for name in ["reqeusts", "our-own-thing"] {
        publish(&server, &Wheel::new(name, "1.0").build()?).await?;
    }
    settled(&server).await?;
    import(&server, &[&catalogue]).await?;
    install(&server, "typosquat").await?;
    let said = refused(&server, "reqeusts").await?;
    has(&said, &["policy typosquat", "reqeusts looks like requests, which is number", "among the most used packages"]);
    installs(&server, "our-own-thing").await?;
    install(&server, "typosquat --set exempt=pypi:reqeusts").await?;
    installs(&server, "reqeusts").await
}

#[tokio::test]
async fn an_image_on_a_base_without_fixes_is_refused() -> Result<()> {
    let Some(ends) = corpus("feeds/eol/endoflife-products.json.gz") else { return Ok(()) };
    let server = server().await?;
    push(server.http(), "main/alpine", "3.10", &image("old")?.parts()?).await?;
    import(&server, &[&ends]).await?;
    install(&server, "eol-base-image").await?;
    assert_eq!(state(&server, "main/oci/alpine:3.10").await?, "quarantined");
    let refused = server.http().get("/v2/main/alpine/manifests/3.10").await?.expect_status(403)?.text();
    assert!(refused.contains("alpine 3.10.9 is no longer maintained"), "{refused}");
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let (from, place) = (format!("docker://{}/main/alpine:3.10", server.authority()), tempfile::tempdir()?);
    let to = format!("dir:{}", place.path().display());
    let said = unwrapped(&skopeo_copy(&server, &skopeo, &[], &from, &to)?.fail().await?);
    has(&[said], &["policy eol-base-image", "alpine 3.10.9 is no longer maintained"]);
    Ok(())
}

#[tokio::test]
async fn what_comes_from_outside_waits_and_does_not_take_our_names() -> Result<()> {
    let (outside, server) = (server().await?, server().await?);
    for name in ["fresh-thing", "acme-core", "urgent"] {
        publish(&outside, &Wheel::new(name, "1.0").build()?).await?;
    }
    settled(&outside).await?;
    open_to_everyone(&outside).await?;
    let address = format!("{}/pypi/main/simple/", outside.url());
    upstream(&server, "main", "everyone", "pypi", &address, json!({})).await?;
    publish(&server, &Wheel::new("acme-own", "1.0").build()?).await?;
    settled(&server).await?;
    install(&server, "cooldown --set days=14 --set exempt=pypi:urgent").await?;
    install(&server, "dependency-confusion --set names=acme-*").await?;
    let said = refused(&server, "fresh-thing").await?;
    has(&said, &["policy cooldown", "fresh-thing 1.0 was published on", "it is held back for 14 days, until"]);
    installs(&server, "urgent").await?;
    let said = refused(&server, "acme-core").await?;
    has(
        &said,
        &["dependency-confusion", "acme-core is one of our own names (acme-*)", "came from the upstream everyone"],
    );
    installs(&server, "acme-own").await?;
    install(&server, "cooldown --set unknown=pass --set days=1 --set repositories=prod-*").await?;
    installs(&server, "fresh-thing").await
}

#[tokio::test]
async fn only_what_is_approved_and_sound_reaches_production() -> Result<()> {
    let server = server().await?;
    server.cli(["repositories", "create", "prod", "--label", "environment=production"])?.succeed().await?;
    let wheels = ["sound", "dangerous"];
    for name in wheels {
        publish(&server, &Wheel::new(name, "1.0").build()?).await?;
    }
    settled(&server).await?;
    install(&server, "production-gate").await?;
    for name in wheels {
        assert_eq!(state(&server, &format!("main/pypi/{name}@1.0")).await?, "available");
        let ran = server.cli(["promote", &format!("main/pypi/{name}@1.0"), "prod"])?.fail().await?;
        assert!(ran.says("it is not approved for production: none of its tags is approved"), "{ran}");
        server.cli(["package", "tag", &format!("main/pypi/{name}@1.0"), "add", "approved"])?.succeed().await?;
        settled(&server).await?;
        server.cli(["promote", &format!("main/pypi/{name}@1.0"), "prod"])?.succeed().await?;
        settled(&server).await?;
    }
    let index = format!("{}/pypi/prod/simple/", server.url_with_credentials("anyone"));
    let place = tempfile::tempdir()?;
    if let Some(run) = pip(&index, place.path(), &["--no-deps", "sound", "dangerous"])? {
        run.succeed().await?;
    }
    // A finding that comes later closes the gate behind it, in production alone.
    let record = python_advisory("PYSEC-2026-9", "CVE-2026-30009", "dangerous", "0", "1.1");
    let feed = advisories(&server, "feed", &[record])?;
    import(&server, &[&feed]).await?;
    assert_eq!(state(&server, "main/pypi/dangerous@1.0").await?, "available");
    let place = tempfile::tempdir()?;
    if let Some(run) = pip(&index, place.path(), &["--no-deps", "dangerous==1.0"])? {
        has(&[unwrapped(&run.fail().await?)], &["policy production-gate", "in dangerous 1.0: CVSS 9.8"]);
    }
    Ok(())
}

fn assay(folder: &Path, line: &str) -> Result<Run> {
    Ok(Run::new(ASSAY)?.current_dir(folder).env("ASSAY_DATA", folder.join("data")).args(line.split(' ')))
}

#[tokio::test]
async fn the_library_is_read_tested_and_taken_along_without_a_server() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ran = assay(folder.path(), "policy library list")?.succeed().await?;
    assert!(ran.says("critical-with-fix") && ran.says("production-gate"), "{ran}");
    let listed: Value =
        serde_json::from_str(&assay(folder.path(), "policy library list --json")?.succeed().await?.stdout)?;
    let names: Vec<&str> =
        listed["policies"].as_array().into_iter().flatten().filter_map(|p| p["name"].as_str()).collect();
    assert!(names.len() >= 16 && names[0] == "malware", "{names:?}");
    for name in &names {
        let ran = assay(folder.path(), &format!("policy library show {name}"))?.succeed().await?;
        assert!(ran.says("package assay") && ran.says(&format!("assay policy install {name}")), "{ran}");
    }
    assay(folder.path(), "policy library export all mine")?.succeed().await?;
    let ran = assay(folder.path(), "policy test mine --fail-on-empty")?.succeed().await?;
    assert!(ran.says("PASS: "), "{ran}");
    let ran = assay(folder.path(), "policy library export cooldown mine")?.fail().await?;
    assert!(ran.stderr.contains("is there already; --force replaces it"), "{ran}");
    assay(folder.path(), "policy library export cooldown mine --force --set days=3")?.succeed().await?;
    assert!(std::fs::read_to_string(folder.path().join("mine/cooldown/policy.rego"))?.contains("days := 3\n"));
    let ran = assay(folder.path(), "policy library show coldown")?.fail().await?;
    assert!(ran.stderr.contains("no policy `coldown`"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn an_installation_is_tried_checked_and_never_replaces_what_is_not_the_librarys() -> Result<()> {
    let server = server().await?;
    publish(&server, &Wheel::new("banned", "1.0").build()?).await?;
    settled(&server).await?;
    let ran =
        server.cli(["policy", "install", "lists", "--set", "blocked=pypi:banned", "--dry-run"])?.succeed().await?;
    for part in [
        "policy lists would be installed: order 20",
        "blocked = pypi:banned",
        "Newly blocked   1",
        "Nothing was changed",
    ] {
        assert!(ran.says(part), "`{part}` is not in: {ran}");
    }
    let stored = server.http().get("/api/v1/policies").await?.expect_status(200)?.json()?;
    assert_eq!(stored["policies"], json!([]));
    installs(&server, "banned").await?;

    let ran = server.cli(["policy", "install", "epss-kev", "--set", "score=7"])?.fail().await?;
    assert!(ran.stderr.contains("`score`: `7` is no number from 0 to 1"), "{ran}");
    let ran = server.cli(["policy", "install", "dependency-confusion"])?.fail().await?;
    assert!(ran.stderr.contains("`names`: must be set"), "{ran}");
    let path = "/api/v1/policies/library/epss-kev";
    server.http().post_json(path, &json!({"settings": {"nothing": 1}})).await?.expect_status(400)?;
    server.http().post_json("/api/v1/policies/library/none", &json!({})).await?.expect_status(404)?;

    let ran = install(&server, "lists --set blocked=pypi:banned --action add-tags=unwanted --name no-banned").await?;
    assert!(ran.says("policy no-banned installed: add_tags tags=unwanted"), "{ran}");
    installs(&server, "banned").await?;
    let listed = server.http().get("/api/v1/policies/library").await?.expect_status(200)?.json()?;
    let lists = listed["policies"].as_array().into_iter().flatten().find(|policy| policy["name"] == "lists");
    assert_eq!(lists.map(|one| one["installed"].clone()), Some(json!(["no-banned"])), "{listed}");
    let page = server.http().get("/ui/library").await?.expect_status(200)?.text();
    for part in ["assay policy install epss-kev", "installed as no-banned", "Refuses what an advisory calls malicious."]
    {
        assert!(page.contains(part), "`{part}` is not in: {page}");
    }

    let own = json!({"name": "malware", "rego": "package assay\n\nmatch := false\n", "actions": []});
    server.http().post_json("/api/v1/policies", &own).await?.expect_status(201)?;
    let ran = server.cli(["policy", "install", "malware"])?.fail().await?;
    assert!(ran.stderr.contains("that is not the library's malware"), "{ran}");
    let reader = crate::support::token(&server, "read", &[]).await?;
    let reader = server.http().with_token(Some(&reader));
    reader.get("/api/v1/policies/library").await?.expect_status(200)?;
    let refused = reader.request(Method::POST, "/api/v1/policies/library/secrets").json(&json!({}));
    reader.send(refused).await?.expect_status(403)?;
    Ok(())
}
