//! What is inside: each upload is taken apart in the background, and the bill of materials is valid by the official
//! schema.

use crate::support::{advisories, import, package, publish, python_advisory, server, settled};
use crate::tour_oci::{OCI, OCI_INDEX, image, push, put_manifest, real_archive, skopeo_copy};
use anyhow::{Context, Result};
use assay_testkit::make::{
    oci::{Blob, Parts},
    sha256,
    wheel::Wheel,
};
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

/// An image with a secret in a layer that a later layer deletes, another in its environment, and two licences.
fn telltale() -> Result<(Parts, [String; 2])> {
    // Put together here, so that no scanner of this file takes them for secrets.
    let keys = ["Q3EGZT5NXWLM7RKD", "W4FHYU6MZXLN5SKE"].map(|rest| format!("{}{rest}", "AKIA"));
    let settings = format!("aws_access_key_id = \"{}\"\n", keys[0]);
    let license =
        b"MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy".as_slice();
    let mut parts = image("telltale")?
        .layer(&[("srv/settings.ini", settings.as_bytes()), ("srv/LICENSE", license)])?
        .layer(&[("srv/.wh.settings.ini", b""), ("srv/.wh.LICENSE", b"")])?
        .parts()?;
    let mut config: Value = serde_json::from_slice(&parts.config.bytes)?;
    config["config"]["Env"] = serde_json::json!(["PATH=/bin", format!("AWS_ACCESS_KEY_ID={}", keys[1])]);
    parts.config.bytes = serde_json::to_vec(&config)?;
    parts.config.digest = format!("sha256:{}", sha256(&parts.config.bytes));
    let mut manifest: Value = serde_json::from_slice(&parts.manifest.bytes)?;
    manifest["config"]["digest"] = parts.config.digest.as_str().into();
    manifest["config"]["size"] = parts.config.bytes.len().into();
    parts.manifest.bytes = serde_json::to_vec(&manifest)?;
    parts.manifest.digest = format!("sha256:{}", sha256(&parts.manifest.bytes));
    Ok((parts, keys))
}

#[tokio::test]
async fn an_image_tells_its_facts_and_secrets_and_an_index_what_its_images_hold() -> Result<()> {
    let server = server().await?;
    let (parts, keys) = telltale()?;
    push(server.http(), "main/told", "1", &parts).await?;
    settled(&server).await?;
    let detail = package(&server, "main/oci/told:1").await?;
    let inventory = &detail["inventory"];
    assert_eq!(inventory["image"]["id"], parts.config.digest.as_str());
    let layers = inventory["image"]["layers"].as_array().context("layers")?;
    assert_eq!(layers.len(), parts.layers.len());
    for (told, pushed) in layers.iter().zip(&parts.layers) {
        assert_eq!((&told["digest"], &told["size"]), (&pushed.digest.as_str().into(), &pushed.bytes.len().into()));
        assert!(told["diff_id"].as_str().is_some_and(|id| id.starts_with("sha256:")) && told["created_by"] != "");
    }
    let secrets = inventory["secrets"].as_array().context("secrets")?;
    assert_eq!(secrets.len(), 2, "{secrets:#?}");
    let deleted = secrets.iter().find(|one| one["path"] == "srv/settings.ini").context("the deleted one")?;
    assert_eq!(deleted["layer"], parts.layers[2].digest.as_str());
    let licenses = inventory["licenses"].as_array().cloned().unwrap_or_default();
    assert!(licenses.iter().all(|one| one["path"] != "srv/LICENSE"), "{licenses:#?}");
    assert!(keys.iter().all(|key| !detail.to_string().contains(key)), "a secret itself is told");

    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": OCI_INDEX,
        "manifests": [{ "mediaType": OCI, "digest": parts.manifest.digest, "size": parts.manifest.bytes.len() }],
    });
    put_manifest(server.http(), "main/told", "all", OCI_INDEX, serde_json::to_vec(&index)?)
        .await?
        .expect_status(201)?;
    settled(&server).await?;
    let whole = package(&server, "main/oci/told:all").await?;
    for part in ["components", "secrets", "image", "os", "read"] {
        assert_eq!(whole["inventory"][part], inventory[part], "{part}");
        assert_ne!(whole["inventory"][part], Value::Null, "{part}");
    }
    Ok(())
}

#[tokio::test]
async fn what_travels_as_an_image_is_read_as_what_it_is() -> Result<()> {
    let server = server().await?;
    let bill = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[
        {"type":"library","name":"elsewhere","version":"1.0","purl":"pkg:pypi/elsewhere@1.0"}]}"#;
    let wheel = Wheel::new("tiny-carried", "1.0").build()?;
    let empty = Blob { digest: format!("sha256:{}", sha256(b"{}")), media_type: "", bytes: b"{}".to_vec() };
    let cases = [
        ("statement", "application/vnd.cyclonedx+json", "bom.json", bill.to_vec(), None),
        (
            "file",
            "application/octet-stream",
            wheel.file_name.as_str(),
            wheel.bytes.clone(),
            Some("pkg:pypi/tiny-carried@1.0"),
        ),
    ];
    for (name, media_type, title, bytes, expected) in cases {
        let blob = Blob { digest: format!("sha256:{}", sha256(&bytes)), media_type: "", bytes };
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": OCI, "artifactType": "application/vnd.example",
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": empty.digest, "size": 2 },
            "layers": [{ "mediaType": media_type, "digest": blob.digest, "size": blob.bytes.len(),
                "annotations": { "org.opencontainers.image.title": title } }],
        });
        let manifest = Blob { digest: String::new(), media_type: "", bytes: serde_json::to_vec(&manifest)? };
        let parts = Parts { manifest, config: empty.clone(), layers: vec![blob] };
        push(server.http(), &format!("main/{name}"), "1", &parts).await?;
        settled(&server).await?;
        let detail = package(&server, &format!("main/oci/{name}:1")).await?;
        let inventory = &detail["inventory"];
        let found: Vec<&str> =
            inventory["components"].as_array().into_iter().flatten().filter_map(|one| one["purl"].as_str()).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{inventory:#}");
        assert_eq!((&inventory["image"], &inventory["skipped"]), (&Value::Null, &Value::Null), "{inventory:#}");
    }
    Ok(())
}

#[tokio::test]
async fn the_bill_of_materials_says_what_a_vulnerability_is() -> Result<()> {
    let server = server().await?;
    publish(&server, &Wheel::new("tiny-told", "1.0").build()?).await?;
    let mut record = python_advisory("PYSEC-2026-41", "CVE-2026-30041", "tiny-told", "0", "1.1");
    record["details"] = "Numbers are added up twice.".into();
    record["database_specific"] = serde_json::json!({ "cwe_ids": ["CWE-682"] });
    record["references"] = serde_json::json!([{ "type": "WEB", "url": "https://example.test/told" }]);
    let feed = advisories(&server, "told", &[record])?;
    import(&server, &[&feed]).await?;
    let id = crate::support::package_id(&server, "main/pypi/tiny-told@1.0").await?;
    let document = server.http().get(&format!("/api/v1/packages/{id}/sbom")).await?.expect_status(200)?.json()?;
    assert_valid(&document)?;
    let told = &document["vulnerabilities"][0];
    assert_eq!((&told["id"], &told["cwes"]), (&"CVE-2026-30041".into(), &serde_json::json!([682])), "{told:#}");
    assert!(told["detail"].as_str().is_some_and(|text| text.contains("added up twice")), "{told:#}");
    assert!(told["advisories"].to_string().contains("https://example.test/told"), "{told:#}");
    Ok(())
}
