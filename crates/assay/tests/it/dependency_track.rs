//! Bills of materials of what is stored elsewhere, sent as Dependency-Track's uploaders send them: each becomes a package
//! that is kept under watch like the others.

use crate::support::{PATIENCE, advisories, import, options, package, refuse_dangerous, settled, state, token};
use anyhow::{Context, Result, bail};
use assay_testkit::make::feeds;
use assay_testkit::{Http, Reply, Run, TestServer, corpus, tool};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A document that names these packages of npm.
fn document(components: &[(&str, &str)]) -> String {
    let of = |(name, version): &(&str, &str)| json!({"type": "library", "name": name, "version": version, "purl": format!("pkg:npm/{name}@{version}")});
    let all: Vec<Value> = components.iter().map(of).collect();
    json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": all}).to_string()
}

fn base64(text: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |n: u32| char::from(DIGITS[usize::try_from(n & 63).unwrap_or_default()]);
    let mut out = String::new();
    for chunk in text.chunks(3) {
        let n = chunk.iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let digits = [n >> 18, n >> 12, n >> 6, n].map(digit);
        out.extend(digits.iter().take(chunk.len() + 1));
        out.extend(std::iter::repeat_n('=', 3 - chunk.len()));
    }
    out
}

async fn put(http: &Http, key: Option<&str>, body: &Value) -> Result<Reply> {
    let plain = http.with_token(None);
    let mut request = plain.request(Method::PUT, "/api/v1/bom").json(body);
    if let Some(key) = key {
        request = request.header("X-Api-Key", key);
    }
    plain.send(request).await
}

async fn send(server: &TestServer, version: &str, document: &str) -> Result<String> {
    let body = json!({
        "projectName": "acme/shop", "projectVersion": version, "autoCreate": true, "bom": base64(document.as_bytes()),
    });
    let told = put(server.http(), Some(server.token()), &body).await?.expect_status(200)?.json()?;
    let token = told["token"].as_str().context("a token")?.to_owned();
    processed(server, &token).await?;
    Ok(token)
}

async fn processed(server: &TestServer, token: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        let path = format!("/api/v1/bom/token/{token}");
        let told = server.http().get(&path).await?.expect_status(200)?.json()?;
        if told == json!({"processing": false}) {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("it is being worked on for ever: {told}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn advisory(server: &TestServer) -> Result<()> {
    let record = feeds::osv_record(
        "GHSA-dtdt-0000-0001",
        "npm",
        "shop-cart",
        Some("2.0.0"),
        feeds::CRITICAL,
        "2026-01-01T00:00:00Z",
    );
    let feed = advisories(server, "feed", &[record])?;
    import(server, &[&feed]).await.map(|_| ())
}

async fn events(server: &TestServer, kind: &str) -> Result<Vec<Value>> {
    let all = server.http().get("/api/v1/events?limit=1000").await?.expect_status(200)?.json()?;
    let all = all["events"].as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|event| event["kind"] == kind).collect())
}

#[tokio::test]
async fn a_document_becomes_a_package_and_an_advisory_that_arrives_later_refuses_it() -> Result<()> {
    let server = options().start().await?;
    refuse_dangerous(&server).await?;
    let first = document(&[("shop-cart", "1.0.0"), ("left-pad", "1.3.0")]);
    let sent = send(&server, "1.0", &first).await?;
    let what = "boms/bom/acme/shop@1.0";
    assert_eq!(state(&server, what).await?, "available");
    let lookup = "/api/v1/project/lookup?name=acme%2Fshop&version=1.0";
    let project = server.http().get(lookup).await?.expect_status(200)?.json()?;
    assert_eq!((&project["name"], &project["version"]), (&json!("acme/shop"), &json!("1.0")));
    let uuid = project["uuid"].as_str().context("an identifier")?.to_owned();
    let back = server.http().get("/bom/boms/acme/shop/1.0").await?.expect_status(200)?;
    assert_eq!(back.text(), first, "the document comes back as it was sent");

    advisory(&server).await?;
    assert_eq!(state(&server, what).await?, "quarantined");
    let begun = Instant::now();
    while server.http().get("/bom/boms/acme/shop/1.0").await?.status != 403 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is refused once that is noticed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let quarantined = events(&server, "decision.quarantined").await?;
    assert!(quarantined.iter().any(|event| event["subject"] == what), "{quarantined:?}");
    let findings = server.http().get(&format!("/api/v1/finding/project/{uuid}")).await?.expect_status(200)?.json()?;
    assert_eq!(findings[0]["vulnerability"]["severity"], "CRITICAL");
    assert_eq!(findings[0]["component"]["purl"], "pkg:npm/shop-cart@1.0.0");
    let violations =
        server.http().get(&format!("/api/v1/violation/project/{uuid}")).await?.expect_status(200)?.json()?;
    assert_eq!(violations.as_array().map(Vec::len), Some(1), "{violations}");

    // the next document of the same version takes its place, by the project's identifier
    let second = document(&[("shop-cart", "2.0.0"), ("left-pad", "1.3.0")]);
    let body = json!({"project": uuid, "bom": base64(second.as_bytes())});
    let told = put(server.http(), Some(server.token()), &body).await?.expect_status(200)?.json()?;
    processed(&server, told["token"].as_str().context("a token")?).await?;
    settled(&server).await?;
    assert_eq!(told["token"], json!(sent), "the token names the package, which is the same");
    assert_eq!(state(&server, what).await?, "available", "{}", package(&server, what).await?);
    assert_eq!(server.http().get("/bom/boms/acme/shop/1.0").await?.expect_status(200)?.text(), second);
    let revised = events(&server, "package.revised").await?;
    let [revised] = revised.as_slice() else { bail!("one was revised: {revised:?}") };
    assert_eq!(revised["body"]["added_components"], json!(["pkg:npm/shop-cart@2.0.0"]));
    assert_eq!(revised["body"]["removed_components"], json!(["pkg:npm/shop-cart@1.0.0"]));
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_said_as_uploaders_expect_and_leaves_nothing() -> Result<()> {
    let server = options().env("ASSAY_DEPENDENCY_TRACK_REPOSITORY", "elsewhere").start().await?;
    let http = server.http();
    let good = base64(document(&[("left-pad", "1.3.0")]).as_bytes());
    let named =
        |auto: bool, bom: &str| json!({"projectName": "p", "projectVersion": "1", "autoCreate": auto, "bom": bom});
    put(http, None, &named(true, &good)).await?.expect_status(401)?;
    put(http, Some("wrong"), &named(true, &good)).await?.expect_status(401)?;
    let reader = token(&server, "read", &[]).await?;
    put(http, Some(&reader), &named(true, &good)).await?.expect_status(403)?;
    let only_main = token(&server, "write", &["main"]).await?;
    put(http, Some(&only_main), &named(true, &good)).await?.expect_status(403)?;
    let missing = put(http, Some(server.token()), &named(false, &good)).await?.expect_status(404)?;
    assert!(missing.text().contains("could not be found"), "{}", missing.text());
    for bad in ["not base64!", &base64(b"words"), &base64(b"{}"), &base64(b"{\"bomFormat\": \"CycloneDX\", \"specV")] {
        let reply = put(http, Some(server.token()), &named(true, bad)).await?.expect_status(400)?;
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        assert_eq!(
            (&reply.json()?["status"], &reply.json()?["title"]),
            (&json!(400), &json!("The uploaded BOM is invalid"))
        );
    }
    put(http, Some(server.token()), &json!({"bom": good})).await?.expect_status(400)?;
    let packages = http.get("/api/v1/packages?repository=elsewhere").await?.expect_status(200)?.json()?;
    assert_eq!(packages["packages"], json!([]), "{packages}");
    http.get("/api/v1/project/lookup?name=p&version=1").await?.expect_status(404)?;
    let unknown = http.get("/api/v1/event/token/00000000-0000-8000-8000-000000000000").await?.expect_status(200)?;
    assert_eq!(unknown.json()?, json!({"processing": false}));

    let made =
        http.send(http.request(Method::PUT, "/api/v1/project").json(&json!({"name": "p", "version": "1"}))).await?;
    let uuid = made.expect_status(201)?.json()?["uuid"].clone();
    let again = http.request(Method::PUT, "/api/v1/project").json(&json!({"name": "p", "version": "1"}));
    http.send(again).await?.expect_status(409)?;
    put(http, Some(server.token()), &named(false, &good)).await?.expect_status(200)?;
    let shown =
        http.get(&format!("/api/v1/project/{}", uuid.as_str().unwrap_or_default())).await?.expect_status(200)?;
    assert_eq!(shown.json()?["name"], "p");
    Ok(())
}

#[tokio::test]
async fn real_documents_are_taken_apart() -> Result<()> {
    let Some(archive) = corpus("feeds/sbom/real-sboms.zip") else { return Ok(()) };
    let (Some(curl), Some(unzip)) = (tool("curl"), tool("unzip")) else { return Ok(()) };
    let server = options().start().await?;
    Run::new(unzip)?.args(["-q", "-o"]).arg(archive).arg("-d").arg(server.scratch()).succeed().await?;
    let folder = server.scratch().join("cyclonedx-bom-examples/SBOM");
    for (name, file, least) in
        [("dropwizard", "dropwizard-1.3.15/bom.json", 100), ("laravel", "laravel-7.12.0/bom.1.4.json", 50)]
    {
        let form = [format!("projectName={name}"), "projectVersion=1".into(), "autoCreate=true".into()];
        let mut run = Run::new(&curl)?.args(["-sS", "-f", "-X", "POST", "-H", "Content-Type: multipart/form-data"]);
        run = run.args(["-H", &format!("X-Api-Key: {}", server.token())]);
        for field in &form {
            run = run.args(["-F", field]);
        }
        let bom = format!("bom=@{}", folder.join(file).display());
        let told: Value = serde_json::from_str(
            &run.args(["-F", &bom]).arg(format!("{}/api/v1/bom", server.url())).succeed().await?.stdout,
        )?;
        processed(&server, told["token"].as_str().context("a token")?).await?;
        let detail = package(&server, &format!("boms/bom/{name}@1")).await?;
        let found = detail["inventory"]["components"].as_array().map_or(0, Vec::len);
        assert!(found >= least, "{name}: {found}");
    }
    let upload = format!("{}/bom/boms/protonmail/v4", server.url());
    let file = folder.join("protonmail-webclient-v4-0912dff/bom.json");
    let user = format!("__token__:{}", server.token());
    Run::new(&curl)?.args(["-sS", "-f", "-u", &user, "-T"]).arg(file).arg(upload).succeed().await?;
    settled(&server).await?;
    assert_eq!(state(&server, "boms/bom/protonmail@v4").await?, "available");
    Ok(())
}

#[tokio::test]
async fn what_uploaders_say_of_a_project_is_kept_and_what_was_answered_fails_no_gate() -> Result<()> {
    let Some(curl) = tool("curl") else { return Ok(()) };
    let server = options().start().await?;
    let file = server.scratch().join("bom.json");
    std::fs::write(&file, document(&[("shop-cart", "1.0.0")]))?;
    let form = async |version: &str, more: &[&str]| -> Result<()> {
        let key = format!("X-Api-Key: {}", server.token());
        let mut run = Run::new(&curl)?.args(["-sS", "-f", "-X", "POST", "-H", &key, "-F", "projectName=shop"]);
        for field in [format!("projectVersion={version}").as_str(), "autoCreate=true"].iter().chain(more) {
            run = run.args(["-F", field]);
        }
        let bom = format!("bom=@{}", file.display());
        let told = run.args(["-F", &bom]).arg(format!("{}/api/v1/bom", server.url())).succeed().await?;
        let told: Value = serde_json::from_str(&told.stdout)?;
        processed(&server, told["token"].as_str().context("a token")?).await
    };
    let project = async |version: &str| -> Result<Value> {
        let lookup = format!("/api/v1/project/lookup?name=shop&version={version}");
        server.http().get(&lookup).await?.expect_status(200)?.json()
    };
    form("1", &["projectTags=Prod, pci", "isLatest=true"]).await?;
    let (first, tags) = (project("1").await?, json!([{"name": "pci"}, {"name": "prod"}]));
    assert_eq!((&first["tags"], &first["isLatest"]), (&tags, &json!(true)));
    let found = server.http().get("/api/v1/packages?q=tag:pci").await?.expect_status(200)?.json()?;
    assert_eq!(found["packages"][0]["name"], "shop", "they are tags like others: {found}");

    let draft = json!({"name": "shop", "version": "2", "tags": [{"name": "web"}], "isLatest": true});
    server.http().send(server.http().request(Method::PUT, "/api/v1/project").json(&draft)).await?.expect_status(201)?;
    assert_eq!((&project("1").await?["isLatest"], &project("2").await?["isLatest"]), (&json!(false), &json!(true)));
    form("2", &[]).await?;
    assert_eq!(project("2").await?["tags"], json!([{"name": "web"}]), "what it was made with");
    let bom = base64(document(&[("shop-cart", "1.0.0")]).as_bytes());
    let long = json!({"projectName": "shop", "projectVersion": "3", "autoCreate": true, "bom": bom,
        "projectTags": [{"name": "x".repeat(200)}]});
    put(server.http(), Some(server.token()), &long).await?.expect_status(400)?;
    server.http().get("/api/v1/project/lookup?name=shop&version=3").await?.expect_status(404)?;

    advisory(&server).await?;
    let uuid = first["uuid"].as_str().context("an identifier")?.to_owned();
    let findings = async |more: &str| -> Result<Value> {
        let path = format!("/api/v1/finding/project/{uuid}{more}");
        server.http().get(&path).await?.expect_status(200)?.json()
    };
    assert_eq!(findings("").await?[0]["analysis"]["isSuppressed"], false);
    let waive = ["waiver", "add", "--vulnerability", "GHSA-dtdt-0000-0001", "--expires", "1h", "--reason", "unused"];
    server.cli(waive)?.succeed().await?;
    assert_eq!(findings("").await?, json!([]));
    assert_eq!(findings("?suppressed=true").await?[0]["analysis"]["isSuppressed"], true);
    Ok(())
}

#[tokio::test]
async fn a_project_says_what_it_is_a_part_of() -> Result<()> {
    let server = options().start().await?;
    let bom = base64(document(&[("shop-cart", "1.0.0")]).as_bytes());
    let send = async |name: &str, more: Value, status: u16| -> Result<String> {
        let mut upload = json!({"projectName": name, "projectVersion": "1", "autoCreate": true, "bom": bom});
        if let (Some(upload), Some(more)) = (upload.as_object_mut(), more.as_object()) {
            upload.extend(more.clone());
        }
        Ok(put(server.http(), Some(server.token()), &upload).await?.expect_status(status)?.text())
    };
    let project = async |name: &str| -> Result<Value> {
        let lookup = format!("/api/v1/project/lookup?name={name}&version=1");
        server.http().get(&lookup).await?.expect_status(200)?.json()
    };
    let told = send("cart", json!({"parentName": "shop", "parentVersion": "1"}), 404).await?;
    assert_eq!(told, "The parent project could not be found.");
    server.http().get("/api/v1/project/lookup?name=cart&version=1").await?.expect_status(404)?;
    let draft = json!({"name": "shop", "version": "1"});
    let made = server.http().send(server.http().request(Method::PUT, "/api/v1/project").json(&draft)).await?;
    let shop = made.expect_status(201)?.json()?;
    send("cart", json!({"parentName": "shop", "parentVersion": "1"}), 200).await?;
    send("till", json!({"parentUUID": shop["uuid"]}), 200).await?;
    let parent = json!({"uuid": shop["uuid"], "name": "shop", "version": "1"});
    for name in ["cart", "till"] {
        assert_eq!(project(name).await?["parent"], parent, "{name}");
    }
    assert_eq!(project("shop").await?["parent"], Value::Null);
    let uuid = project("till").await?["uuid"].as_str().context("an identifier")?.to_owned();
    let one = server.http().get(&format!("/api/v1/project/{uuid}")).await?.expect_status(200)?.json()?;
    assert_eq!(one["parent"], parent);
    let all = server.http().get("/api/v1/project").await?.expect_status(200)?.json()?;
    let parts = all.as_array().context("a list")?.iter().filter(|one| one["parent"] == parent).count();
    assert_eq!(parts, 2, "{all}");

    // It is what was said when the project was made.
    send("cart", json!({}), 200).await?;
    assert_eq!(project("cart").await?["parent"], parent);
    let draft = json!({"name": "bag", "version": "1", "parent": {"uuid": uuid}});
    let made = server.http().send(server.http().request(Method::PUT, "/api/v1/project").json(&draft)).await?;
    assert_eq!(made.expect_status(201)?.json()?["parent"]["name"], "till");
    let told = send("loop", json!({"parentName": "loop", "parentVersion": "1"}), 404).await?;
    assert!(told.contains("parent project"), "{told}");
    Ok(())
}

/// `dtrackauditor`, a client that builds use: it uploads, waits for the token, and reads findings.
#[tokio::test]
async fn a_real_uploader_waits_for_its_token_and_reads_what_was_found() -> Result<()> {
    let Some(auditor) = tool("dtrackauditor") else { return Ok(()) };
    let server = options().start().await?;
    advisory(&server).await?;
    let file = server.scratch().join("bom.json");
    std::fs::write(&file, document(&[("shop-cart", "1.0.0")]))?;
    let audit = |rule: &str| -> Result<Run> {
        let run =
            Run::new(&auditor)?.args(["-u", &server.url(), "-k", server.token(), "-p", "audited", "-v", "1", "-f"]);
        Ok(run.arg(&file).args(["-a", "-w", "-r", rule]))
    };
    let told = audit("critical:1:true")?.run().await?;
    assert!(told.output().contains("'CRITICAL': 1"), "{}", told.output());
    assert!(told.output().contains("Threshold for CRITICAL"), "{}", told.output());
    assert_eq!(state(&server, "boms/bom/audited@1").await?, "available");
    Ok(())
}
