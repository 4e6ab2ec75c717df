//! What changes after a Python package was published, and what HTTP says of its documents: attestations, yanking,
//! removal; validators, parts and `HEAD` of files and indexes.

use crate::support::{index_url, pip, publish, server, settled, token, uv};
use anyhow::{Context, Result};
use assay_testkit::{
    Run, TestServer,
    evidence::{Case, saw},
    make::wheel::{Built, Wheel},
    tool, upload,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;

const JSON: &str = "application/vnd.pypi.simple.v1+json";

async fn index(server: &TestServer, name: &str) -> Result<Value> {
    let path = format!("/pypi/main/simple/{name}/");
    server.http().get_with(&path, &[("accept", JSON)]).await?.expect_status(200)?.json()
}

fn curl(server: &TestServer, program: &Path) -> Result<Run> {
    let credentials = format!("anyone:{}", server.token());
    Ok(Run::new(program)?.args(["--silent", "--show-error", "--fail-with-body", "-u", &credentials]))
}

#[tokio::test]
async fn a_yanked_release_is_installed_only_by_who_pins_it() -> Result<()> {
    let server = server().await?;
    for version in ["1.0", "1.1"] {
        publish(&server, &Wheel::new("tiny-yank", version).build()?).await?;
    }
    let Some(program) = tool("curl") else { return Ok(()) };
    let at = format!("{}/pypi/main/project/tiny-yank/1.1/yank", server.url());
    curl(&server, &program)?.args(["-X", "PUT", "-d", "loses data", &at]).succeed().await?;
    settled(&server).await?;
    assert_eq!(index(&server, "tiny-yank").await?["files"][1]["yanked"], "loses data");
    saw("pypi", "curl", Case::TakeBack);
    for (name, client) in [("pip", pip as fn(&_, &_, &_) -> _), ("uv", uv)] {
        let (free, pinned) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let Some(run) = client(&index_url(&server), free.path(), &["tiny-yank"])? else { continue };
        run.succeed().await?;
        assert!(free.path().join("tiny_yank-1.0.dist-info").is_dir(), "{name}");
        let run = client(&index_url(&server), pinned.path(), &["tiny-yank==1.1"])?.context("it is there")?;
        let ran = run.succeed().await?;
        assert!(pinned.path().join("tiny_yank-1.1.dist-info").is_dir(), "{name}");
        assert!(ran.output().contains("loses data"), "{name} says why: {ran}");
    }
    curl(&server, &program)?.args(["-X", "DELETE", &at]).succeed().await?;
    let place = tempfile::tempdir()?;
    let Some(run) = pip(&index_url(&server), place.path(), &["tiny-yank"])? else { return Ok(()) };
    run.succeed().await?;
    assert!(place.path().join("tiny_yank-1.1.dist-info").is_dir());
    Ok(())
}

#[tokio::test]
async fn files_and_releases_are_taken_back() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    let wheel = Wheel::new("tiny-gone", "1.0").build()?;
    let other = Wheel::new("tiny-gone", "1.0").tag("py2-none-any").build()?;
    publish(&server, &wheel).await?;
    publish(&server, &other).await?;
    publish(&server, &Wheel::new("tiny-gone", "2.0").build()?).await?;
    settled(&server).await?;
    let path = format!("/pypi/main/files/tiny-gone/{}", wheel.file_name);
    let reader = token(&server, "read", &["main"]).await?;
    http.with_token(Some(&reader)).delete(&path).await?.expect_status(403)?;
    http.delete(&path).await?.expect_status(204)?;
    http.get(&path).await?.expect_status(404)?;
    http.get(&format!("{path}.metadata")).await?.expect_status(404)?;
    assert_eq!(index(&server, "tiny-gone").await?["files"].as_array().map(Vec::len), Some(2));
    let changed = Wheel::new("tiny-gone", "1.0").file("x.py", "").build()?;
    upload::pypi(http, "main", &changed).await?.expect_status(400)?;
    upload::pypi(http, "main", &wheel).await?.expect_status(200)?;
    settled(&server).await?;
    assert_eq!(http.get(&path).await?.expect_status(200)?.body, wheel.bytes);

    http.delete("/pypi/main/project/tiny-gone/1.0").await?.expect_status(204)?;
    assert_eq!(index(&server, "tiny-gone").await?["versions"], json!(["2.0"]));
    http.get(&path).await?.expect_status(404)?;
    http.delete("/pypi/main/project/tiny-gone/2.0").await?.expect_status(204)?;
    http.get("/pypi/main/simple/tiny-gone/").await?.expect_status(404)?;
    Ok(())
}

/// What a publisher that signs in its build service sends with a file.
fn attestations(built: &Built) -> String {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": built.file_name, "digest": { "sha256": built.sha256 } }],
        "predicateType": "https://docs.registry.example/attestations/publish/v1",
        "predicate": null,
    });
    json!([{
        "version": 1,
        "verification_material": { "certificate": STANDARD.encode("x"), "transparency_entries": [{ "logIndex": "1" }] },
        "envelope": { "statement": STANDARD.encode(statement.to_string()), "signature": STANDARD.encode("y") },
    }])
    .to_string()
}

#[tokio::test]
async fn uv_publishes_attestations_that_lie_beside_the_file() -> Result<()> {
    let server = server().await?;
    let folder = tempfile::tempdir()?;
    let built = Wheel::new("tiny-attested", "1.0").build()?;
    let file = built.write_to(folder.path())?;
    let attested = attestations(&built);
    let first: Value = serde_json::from_str::<Vec<Value>>(&attested)?.remove(0);
    let signed = folder.path().join(format!("{}.publish.attestation", built.file_name));
    std::fs::write(&signed, first.to_string())?;
    let Some(program) = tool("uv") else { return Ok(()) };
    let address = format!("{}/pypi/main/legacy/", server.url());
    let run = Run::new(program)?.args(["publish", "--publish-url", &address, "--token", server.token()]);
    run.arg(&file).arg(&signed).succeed().await?;
    settled(&server).await?;
    let listed = index(&server, "tiny-attested").await?["files"][0]["provenance"].clone();
    let address = listed.as_str().context("the index says where the provenance is")?;
    assert_eq!(address, format!("{}/pypi/main/files/tiny-attested/{}.provenance", server.url(), built.file_name));
    let document = server.http().get(address).await?.expect_status(200)?.json()?;
    assert_eq!(document["attestation_bundles"][0]["attestations"], json!([first]));
    Ok(())
}

#[tokio::test]
async fn files_and_indexes_follow_http() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    let built = Wheel::new("tiny-http", "1.0").build()?;
    publish(&server, &built).await?;
    settled(&server).await?;
    for (path, accept) in [
        ("/pypi/main/simple/tiny-http/", JSON),
        ("/pypi/main/simple/tiny-http/", "text/html"),
        ("/pypi/main/simple/", JSON),
        ("/pypi/main/tiny-http/json", "*/*"),
    ] {
        let whole = http.get_with(path, &[("accept", accept)]).await?.expect_status(200)?;
        let etag = whole.header("etag").context("an index has a validator")?.to_owned();
        let same = http.get_with(path, &[("accept", accept), ("if-none-match", &etag)]).await?.expect_status(304)?;
        assert!(same.body.is_empty(), "{path}");
        let head = http.send(http.request(Method::HEAD, path).header("accept", accept)).await?.expect_status(200)?;
        assert!(head.body.is_empty() && head.header("etag") == Some(etag.as_str()), "{path} {accept}");
        assert_eq!(head.header("content-length"), Some(whole.body.len().to_string().as_str()), "{path}");
    }
    let path = format!("/pypi/main/files/tiny-http/{}", built.file_name);
    for path in [path.clone(), format!("{path}.metadata")] {
        let whole = http.get(&path).await?.expect_status(200)?;
        let etag = whole.header("etag").context("a file has a validator")?.to_owned();
        assert!(whole.header("last-modified").is_some(), "{path}");
        http.get_with(&path, &[("if-none-match", &etag)]).await?.expect_status(304)?;
        let part = http.get_with(&path, &[("range", "bytes=1-4")]).await?.expect_status(206)?;
        assert_eq!(part.body, whole.body[1..5], "{path}");
        let head = http.head(&path).await?.expect_status(200)?;
        assert_eq!(head.header("content-length"), Some(whole.body.len().to_string().as_str()), "{path}");
    }
    let wrong = reqwest::header::HeaderValue::from_static("text/xml");
    let request = http.with_token(None).request(Method::POST, "/pypi/main/").header("content-type", wrong);
    http.send(request.body("<methodCall/>")).await?.expect_status(401)?;
    Ok(())
}
