//! VEX, from outside: an uploaded document releases what it answers for, its removal blocks again; one that is attached to
//! a real image informs until its author is trusted; a real hub; and what we say ourselves.

use crate::support::{
    advisories, import, package, publish, python_advisory, refuse_dangerous, server, settled, state, token,
};
use crate::tour_oci::{OCI, image, push, put_manifest};
use anyhow::{Context, Result, bail};
use assay_testkit::{
    TestServer, corpus,
    make::{feeds, sha256, wheel::Wheel},
    tool,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CVE: &str = "CVE-2026-20002";
const WHAT: &str = "main/pypi/tiny-danger@1.0";

pub async fn dangerous() -> Result<TestServer> {
    let server = server().await?;
    publish(&server, &Wheel::new("tiny-danger", "1.0").build()?).await?;
    settled(&server).await?;
    let feed = advisories(&server, "feed", &[python_advisory("PYSEC-2026-2", CVE, "tiny-danger", "0", "1.1")])?;
    import(&server, &[&feed]).await?;
    refuse_dangerous(&server).await?;
    Ok(server)
}

pub fn document(id: &str, vulnerability: &str, product: &Value, status: &str, when: &str) -> Value {
    let mut statement = json!({"vulnerability": {"name": vulnerability}, "products": [product], "status": status});
    if status == "not_affected" {
        statement["justification"] = json!("vulnerable_code_not_in_execute_path");
        statement["impact_statement"] = json!("nothing calls it");
    }
    json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": id, "author": "Example Security", "timestamp": when,
        "version": 1, "statements": [statement]})
}

pub async fn add(server: &TestServer, document: &Value) -> Result<Value> {
    let path = server.scratch().join("document.json");
    std::fs::write(&path, serde_json::to_vec(document)?)?;
    Ok(serde_json::from_str(&server.cli(["vex", "add", "--json"])?.arg(path).succeed().await?.stdout)?)
}

pub async fn until(server: &TestServer, what: &str, wanted: &str) -> Result<()> {
    let start = Instant::now();
    while state(server, what).await? != wanted {
        if start.elapsed() > Duration::from_secs(120) {
            bail!("{what} is not {wanted}: {}", package(server, what).await?["decisions"]);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[tokio::test]
async fn an_uploaded_document_releases_and_its_removal_blocks_again() -> Result<()> {
    let server = dangerous().await?;
    let product = json!({"@id": "pkg:pypi/tiny-danger@1.0"});
    let says = |status: &str, when: &str| document("https://vex.example/1", CVE, &product, status, when);
    let added = add(&server, &says("not_affected", "2026-01-01T00:00:00Z")).await?;
    assert_eq!((&added["change"], &added["packages"]), (&json!("new"), &json!(1)));
    until(&server, WHAT, "available").await?;
    let seen = package(&server, WHAT).await?;
    let why = &seen["findings"][0]["suppressed"][0];
    assert_eq!((&why["by"], &why["author"]), (&json!("vex"), &json!("Example Security")));
    let told = server.cli(["explain", WHAT])?.succeed().await?;
    assert!(told.stdout.contains(&format!("{CVE} in pkg:pypi/tiny-danger@1.0 does not count: not_affected")), "{told}");
    assert!(told.stdout.contains("Example Security") && !told.stdout.contains("no findings"), "{told}");
    assert!(!told.stdout.contains("package.license.match"), "the word `match` names no fact: {told}");

    let same = add(&server, &says("not_affected", "2026-01-01T00:00:00Z")).await?;
    assert_eq!((&same["change"], &same["packages"]), (&json!("unchanged"), &json!(0)));
    let revised = add(&server, &says("affected", "2026-02-01T00:00:00Z")).await?;
    assert_eq!((&revised["change"], &revised["document"]["id"]), (&json!("changed"), &added["document"]["id"]));
    until(&server, WHAT, "quarantined").await?;
    let older = serde_json::to_vec(&says("not_affected", "2026-01-01T00:00:00Z"))?;
    let older = server.http().post("/api/v1/vex?name=x", older).await?.expect_status(409)?;
    assert!(older.text().contains("2026-02-01T00:00:00Z is here already"), "what was revoked stays: {}", older.text());
    let misspelt = serde_json::to_vec(&says("not-affected", "2026-04-01T00:00:00Z"))?;
    let misspelt = server.http().post("/api/v1/vex?name=x", misspelt).await?.expect_status(400)?;
    assert!(misspelt.text().contains("`not-affected`"), "{}", misspelt.text());
    assert_eq!(state(&server, WHAT).await?, "quarantined");
    add(&server, &says("fixed", "2026-03-01T00:00:00Z")).await?;
    until(&server, WHAT, "available").await?;
    server.cli(["vex", "remove", &added["document"]["id"].to_string()])?.succeed().await?;
    until(&server, WHAT, "quarantined").await?;

    let bad = server.http().post("/api/v1/vex?name=x", "{\"hello\": 1}").await?;
    assert_eq!(bad.status.as_u16(), 400, "{}", bad.text());
    let bad = server.http().post("/api/v1/vex?name=x", "no JSON").await?;
    assert_eq!(bad.status.as_u16(), 400, "{}", bad.text());
    Ok(())
}

#[tokio::test]
async fn only_trusted_authors_take_findings_away() -> Result<()> {
    let server = dangerous().await?;
    server.cli(["vex", "trust", "set", "--rule", "no author=Example*", "--rule", "yes"])?.succeed().await?;
    add(&server, &document("d", CVE, &json!({"@id": "pkg:pypi/tiny-danger"}), "not_affected", "2026-01-01T00:00:00Z"))
        .await?;
    settled(&server).await?;
    let seen = package(&server, WHAT).await?;
    assert_eq!((&seen["state"], &seen["findings"][0]["said"]["trusted"]), (&json!("quarantined"), &json!(false)));
    server.cli(["vex", "trust", "set", "--default"])?.succeed().await?;
    until(&server, WHAT, "available").await
}

fn of(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}

/// A manifest about another one, with a document as its layer.
async fn refer(server: &TestServer, subject: &str, size: usize, kind: &str, document: &Value) -> Result<String> {
    let (layer, empty) = (serde_json::to_vec(document)?, b"{}".to_vec());
    for bytes in [&layer, &empty] {
        let path = format!("/v2/main/alpine/blobs/uploads/?digest={}", of(bytes));
        server.http().post(&path, bytes.clone()).await?.expect_status(201)?;
    }
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2, "mediaType": OCI, "artifactType": kind,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": of(&empty), "size": empty.len()},
        "layers": [{"mediaType": kind, "digest": of(&layer), "size": layer.len()}],
        "subject": {"mediaType": OCI, "digest": subject, "size": size},
    }))?;
    let digest = of(&manifest);
    put_manifest(server.http(), "main/alpine", &digest, OCI, manifest).await?.expect_status(201)?;
    Ok(digest)
}

#[tokio::test]
async fn a_document_attached_to_an_image_speaks_of_it_once_its_author_is_trusted() -> Result<()> {
    let server = server().await?;
    let parts = image("held")?.parts()?;
    push(server.http(), "main/alpine", "3.10", &parts).await?;
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
    let what = "main/oci/alpine:3.10";
    assert_eq!(state(&server, what).await?, "quarantined");

    let (subject, size) = (parts.manifest.digest.clone(), parts.manifest.bytes.len());
    // who attaches asks for its name first: that is told to those who may write, and its bytes to nobody
    let manifest = format!("/v2/main/alpine/manifests/{subject}");
    let named = server.http().head(&manifest).await?.expect_status(200)?;
    assert_eq!(named.header("docker-content-digest"), Some(subject.as_str()));
    server.http().get(&manifest).await?.expect_status(403)?;
    server.http().head("/v2/main/alpine/manifests/3.10").await?.expect_status(200)?;
    server.http().head(&format!("/v2/main/alpine/blobs/{}", parts.layers[0].digest)).await?.expect_status(403)?;
    let reader = token(&server, "read", &[]).await?;
    server.http().with_token(Some(&reader)).head(&manifest).await?.expect_status(403)?;
    let about = json!({"@id": "pkg:oci/alpine?repository_url=registry.example%2Falpine",
        "subcomponents": [{"@id": "pkg:apk/alpine/musl"}]});
    let vex = document("attached", "CVE-2026-20003", &about, "not_affected", "2026-01-01T00:00:00Z");
    let statement = json!({"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "alpine", "digest": {}}],
        "predicateType": "https://openvex.dev/ns/v0.2.0", "predicate": vex});
    let referrer = refer(&server, &subject, size, "application/vnd.in-toto+json", &statement).await?;
    settled(&server).await?;
    let seen = package(&server, what).await?;
    assert_eq!((&seen["state"], &seen["findings"][0]["said"]["trusted"]), (&json!("quarantined"), &json!(false)));

    server.cli(["vex", "trust", "set", "--rule", "yes origin=attached from=main"])?.succeed().await?;
    until(&server, what, "available").await?;
    if let Some(skopeo) = tool("skopeo") {
        let place = tempfile::tempdir()?;
        let (from, to) =
            (format!("docker://{}/main/alpine:3.10", server.authority()), format!("dir:{}", place.path().display()));
        crate::tour_oci::skopeo_copy(&server, &skopeo, &[], &from, &to)?.succeed().await?;
    }
    server.http().delete(&format!("/v2/main/alpine/manifests/{referrer}")).await?.expect_status(202)?;
    until(&server, what, "quarantined").await?;
    let listed = server.http().get("/api/v1/vex").await?.expect_status(200)?.json()?;
    assert_eq!(listed["documents"], json!([]), "it goes with what holds it");
    Ok(())
}

#[tokio::test]
async fn a_real_hub_is_imported_once() -> Result<()> {
    let Some(hub) = corpus("feeds/vex/aquasecurity-vexhub.zip") else { return Ok(()) };
    let server = server().await?;
    let first = server.cli(["feeds", "import", "--json"])?.arg(&hub).succeed().await?;
    let first: Value = serde_json::from_str(&first.stdout)?;
    assert!(first["sources"]["vex"]["new"].as_u64() > Some(50), "{first}");
    let again = server.cli(["feeds", "import", "--json"])?.arg(&hub).succeed().await?;
    let again: Value = serde_json::from_str(&again.stdout)?;
    assert_eq!(
        (&again["sources"]["vex"]["new"], &again["sources"]["vex"]["unchanged"]),
        (&json!(0), &first["sources"]["vex"]["new"])
    );
    let listed =
        server.http().get("/api/v1/vex?vulnerability=GO-2024-2575&origin=feed").await?.expect_status(200)?.json()?;
    assert!(!listed["documents"].as_array().context("no list")?.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_we_say_ourselves_is_openvex() -> Result<()> {
    let server = dangerous().await?;
    let schema = corpus("feeds/schemas/openvex.schema.json");
    let export = async |what: &str| -> Result<Value> {
        let document =
            server.http().get(&format!("/api/v1/vex/export?repository={what}")).await?.expect_status(200)?.json()?;
        if let Some(schema) = &schema {
            let schema: Value = serde_json::from_slice(&std::fs::read(schema)?)?;
            let errors: Vec<String> =
                jsonschema::validator_for(&schema)?.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?} in {document}");
        }
        Ok(document["statements"][0].clone())
    };
    let open = export("main").await?;
    assert_eq!((&open["status"], &open["vulnerability"]["name"]), (&json!("affected"), &json!(CVE)));
    assert_eq!(open["action_statement"], "Update tiny-danger to 1.1.");
    assert_eq!(open["products"][0]["@id"], "pkg:pypi/tiny-danger@1.0");

    let waive = ["waiver", "add", "--json", "--vulnerability", CVE, "--expires", "1h", "--reason", "behind a wall"];
    let made: Value = serde_json::from_str(&server.cli(waive)?.succeed().await?.stdout)?;
    let waived = export("main").await?;
    assert_eq!((&waived["status"], &waived["action_statement"]), (&json!("affected"), &json!("behind a wall")));
    server.cli(["waiver", "revoke", made["id"].as_str().context("no id")?])?.succeed().await?;
    let why = ["--vex-status", "not_affected", "--vex-justification", "inline_mitigations_already_exist"];
    server.cli(waive.into_iter().chain(why))?.succeed().await?;
    let waived = export("main").await?;
    assert_eq!(
        (&waived["status"], &waived["justification"], &waived["impact_statement"]),
        (&json!("not_affected"), &json!("inline_mitigations_already_exist"), &json!("behind a wall"))
    );
    server.http().post_json("/api/v1/repositories", &json!({"name": "second"})).await?.expect_status(201)?;
    until(&server, WHAT, "available").await?;
    server.cli(["promote", WHAT, "second"])?.succeed().await?;
    settled(&server).await?;
    let once = export("").await?;
    assert_eq!(
        once["products"].as_array().map(Vec::len),
        Some(1),
        "the same in two repositories is one product: {once}"
    );
    let file = server.scratch().join("ours.json");
    server.cli(["vex", "export", "--package", WHAT, "-o"])?.arg(&file).succeed().await?;
    let passed_on = add(&server, &serde_json::from_slice(&std::fs::read(&file)?)?).await?;
    assert_eq!(passed_on["change"], "new", "what we write, we read");
    Ok(())
}
