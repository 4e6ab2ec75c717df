//! What is inside: each upload is taken apart in the background, and the bill of materials is valid by the official
//! schema.

use crate::support::{package, publish, server, settled};
use crate::tour_oci::{image, push, real_archive, skopeo_copy};
use anyhow::{Context, Result};
use assay_testkit::make::wheel::Wheel;
use assay_testkit::tools::requests_wheel;
use assay_testkit::{TestServer, corpus, tool};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// What "within seconds" means on a machine that also compiles.
const SECONDS: Duration = Duration::from_secs(20);

/// Asks for the document as a user does.
async fn sbom(server: &TestServer, what: &str) -> Result<Value> {
    let ran = server.cli(["sbom", what])?.succeed().await?;
    Ok(serde_json::from_str(&ran.stdout)?)
}

/// Fails with all that is wrong by the official schema; skipped, loudly, without it.
pub fn assert_valid(document: &Value) -> Result<()> {
    let Some(folder) = corpus("feeds/schemas/cyclonedx") else { return Ok(()) };
    let read = |name: &str| -> Result<Value> { Ok(serde_json::from_slice(&std::fs::read(folder.join(name))?)?) };
    let (schema, licences, signatures) =
        (read("bom-1.6.schema.json")?, read("spdx.schema.json")?, read("jsf-0.82.schema.json")?);
    let registry = jsonschema::Registry::new()
        .add("http://cyclonedx.org/schema/spdx.schema.json", licences)?
        .add("http://cyclonedx.org/schema/jsf-0.82.schema.json", signatures)?
        .prepare()?;
    let validator = jsonschema::options().should_validate_formats(true).with_registry(&registry).build(&schema);
    let validator = validator.map_err(|error| anyhow::anyhow!("the schema cannot be used: {error}"))?;
    let wrong: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "not valid CycloneDX 1.6: {wrong:#?}");
    let mut broken = document.clone();
    broken["components"] = Value::from("none");
    assert!(!validator.is_valid(&broken), "the schema is really applied");
    Ok(())
}

fn component<'a>(document: &'a Value, purl: &str) -> Result<&'a Value> {
    let all = document["components"].as_array().context("a document has components")?;
    all.iter().find(|one| one["purl"] == purl).with_context(|| format!("no {purl} in {document:#}"))
}

fn properties<'a>(component: &'a Value, name: &str) -> Vec<&'a str> {
    let all = component["properties"].as_array().into_iter().flatten();
    all.filter(|one| one["name"] == name).filter_map(|one| one["value"].as_str()).collect()
}

#[tokio::test]
async fn the_real_wheel_is_a_component_with_its_declared_dependencies() -> Result<()> {
    let Some(wheel) = requests_wheel().await? else { return Ok(()) };
    let server = server().await?;
    let Some(run) = crate::support::twine(&server, "__token__", server.token(), &[], &[&wheel])? else { return Ok(()) };
    run.succeed().await?;
    let uploaded = Instant::now();
    settled(&server).await?;
    assert!(uploaded.elapsed() < SECONDS, "it took {:?}", uploaded.elapsed());

    let document = sbom(&server, "pypi/requests@2.6.0").await?;
    assert_valid(&document)?;
    let requests = component(&document, "pkg:pypi/requests@2.6.0")?;
    assert_eq!((&requests["name"], &requests["version"]), (&Value::from("requests"), &Value::from("2.6.0")));
    assert_eq!(requests["licenses"][0]["license"]["name"], "Apache 2.0");
    let declared = properties(requests, "assay:requires");
    for wanted in ["pyOpenSSL", "ndg-httpsclient", "pyasn1"] {
        assert!(declared.iter().any(|one| one.starts_with(wanted)), "{wanted} is not in {declared:?}");
    }
    assert_eq!(document["metadata"]["component"]["hashes"][0]["alg"], "SHA-256");
    Ok(())
}

#[tokio::test]
async fn the_real_image_has_its_packages_with_source_and_layer() -> Result<()> {
    let (folder, Some(skopeo)) = (tempfile::tempdir()?, tool("skopeo")) else { return Ok(()) };
    let Some(archive) = real_archive(folder.path()).await? else { return Ok(()) };
    let server = server().await?;
    let (from, to) = (archive_reference(&archive), format!("docker://{}/main/alpine:3.10", server.authority()));
    skopeo_copy(&server, &skopeo, &[], &from, &to)?.succeed().await?;
    let uploaded = Instant::now();
    settled(&server).await?;
    assert!(uploaded.elapsed() < SECONDS, "it took {:?}", uploaded.elapsed());

    let document = sbom(&server, "main/oci/alpine:3.10").await?;
    assert_valid(&document)?;
    let all = document["components"].as_array().context("a document has components")?;
    let apks: Vec<&Value> =
        all.iter().filter(|one| one["purl"].as_str().is_some_and(|purl| purl.starts_with("pkg:apk/alpine/"))).collect();
    assert_eq!(apks.len(), 14);
    let manifest = server.http().get("/v2/main/alpine/manifests/3.10").await?.expect_status(200)?.json()?;
    let layer = manifest["layers"][0]["digest"].as_str().context("one layer")?;
    assert!(apks.iter().all(|one| properties(one, "assay:layer") == [layer]), "each names the layer it came from");
    let client = apks.iter().find(|one| one["name"] == "ssl_client").context("busybox's helper")?;
    assert_eq!(properties(client, "assay:source:name"), ["busybox"]);
    let system = all.iter().find(|one| one["type"] == "operating-system").context("the system")?;
    assert_eq!((&system["name"], &system["version"]), (&Value::from("alpine"), &Value::from("3.10.4")));
    Ok(())
}

fn archive_reference(archive: &Path) -> String {
    format!("docker-archive:{}", archive.display())
}

#[tokio::test]
async fn what_lies_in_a_higher_layer_is_found_and_what_it_removes_is_not() -> Result<()> {
    let server = server().await?;
    let dist = |version: &str| format!("Metadata-Version: 2.1\nName: flask\nVersion: {version}\n");
    let (old, new) = ("usr/lib/python3/flask-1.0.dist-info", "usr/lib/python3/flask-2.0.dist-info");
    let (old_file, new_file) = (format!("{old}/METADATA"), format!("{new}/METADATA"));
    let node = br#"{"name": "lodash", "version": "4.17.4", "license": "MIT"}"#;
    let parts = image("layers")?
        .layer(&[(&old_file, dist("1.0").as_bytes()), ("app/node_modules/lodash/package.json", node)])?
        .layer(&[("usr/lib/python3/.wh.flask-1.0.dist-info", b""), (&new_file, dist("2.0").as_bytes())])?
        .parts()?;
    push(server.http(), "main/app", "1", &parts).await?;
    settled(&server).await?;

    let document = sbom(&server, "main/oci/app:1").await?;
    assert_valid(&document)?;
    let flask = component(&document, "pkg:pypi/flask@2.0")?;
    assert_eq!(properties(flask, "assay:layer"), [parts.layers[3].digest.as_str()]);
    let lodash = component(&document, "pkg:npm/lodash@4.17.4")?;
    assert_eq!(properties(lodash, "assay:layer"), [parts.layers[2].digest.as_str()]);
    assert!(component(&document, "pkg:pypi/flask@1.0").is_err(), "it was removed by the layer above");
    Ok(())
}

#[tokio::test]
async fn equal_bytes_are_taken_apart_once() -> Result<()> {
    let server = server().await?;
    let made = |status: &Value| status["inventories"].as_i64();
    server
        .http()
        .post_json("/api/v1/repositories", &serde_json::json!({ "name": "other" }))
        .await?
        .expect_status(201)?;
    let built = Wheel::new("tiny-shared", "1.0").build()?;
    publish(&server, &built).await?;
    settled(&server).await?;
    let before = server.http().get("/api/v1/status").await?.json()?;
    assert_eq!(made(&before), Some(1), "{before}");
    assay_testkit::upload::pypi(server.http(), "other", &built).await?.expect_status(200)?;
    settled(&server).await?;
    let after = server.http().get("/api/v1/status").await?.json()?;
    assert_eq!(made(&before), made(&after), "the second copy shares the inventory of the first");
    let copy = package(&server, "other/pypi/tiny-shared@1.0").await?;
    assert_eq!(copy["inventory"]["components"].as_array().map(Vec::len), Some(1), "{copy:#}");
    Ok(())
}
