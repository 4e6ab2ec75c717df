//! VEX of what is inside: a statement about a program holds for what the program is built from, in an image too; whom a
//! document is about; and what we say ourselves comes back with the same words.

use crate::{
    support::{advisories, import, package, publish, python_advisory, refuse_dangerous, server, settled},
    tour_go::Gopher,
    tour_oci::push,
    vex::{add, document, until},
};
use anyhow::Result;
use assay_testkit::{
    TestServer, corpus,
    make::{feeds, oci::Image, wheel::Wheel},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// A library as programs are built from it.
struct Library {
    path: &'static str,
    /// What it calls itself in code.
    package: &'static str,
    version: &'static str,
}

const NET: Library = Library { path: "example.org/net", package: "net", version: "v0.1.0" };

/// A program built from a library, as `main` calls itself.
async fn program(gopher: &Gopher, folder: &Path, main: &str, library: &Library) -> Result<Vec<u8>> {
    let Library { path, package, version } = library;
    let vendor = folder.join("vendor").join(path);
    std::fs::create_dir_all(&vendor)?;
    let said = format!("package {package}\n\nfunc Version() string {{ return \"{version}\" }}\n");
    std::fs::write(vendor.join("library.go"), said)?;
    for (file, text) in [
        ("go.mod", format!("module {main}\n\ngo 1.18\n\nrequire {path} {version}\n")),
        ("main.go", format!("package main\n\nimport \"{path}\"\n\nfunc main() {{ println({package}.Version()) }}\n")),
        ("vendor/modules.txt", format!("# {path} {version}\n## explicit\n{path}\n")),
    ] {
        std::fs::write(folder.join(file), text)?;
    }
    gopher.go(&["build", "-o", "made", "."]).current_dir(folder).succeed().await?;
    Ok(std::fs::read(folder.join("made"))?)
}

async fn vulnerable_library(server: &TestServer) -> Result<()> {
    let mut record =
        feeds::osv_record("GO-2026-1", "Go", "example.org/net", Some("0.2.0"), feeds::CRITICAL, "2026-01-01T00:00:00Z");
    record["aliases"] = json!(["CVE-2026-1"]);
    let feed = advisories(server, "feed", &[record])?;
    import(server, &[&feed]).await?;
    refuse_dangerous(server).await?;
    Ok(())
}

#[tokio::test]
async fn a_statement_about_a_program_in_an_image_holds_for_what_it_is_built_from() -> Result<()> {
    let server = server().await?;
    let Some(gopher) = Gopher::new("off".to_owned())? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let tool = program(&gopher, &one, "example.org/tool", &NET).await?;
    let other = program(&gopher, &two, "example.org/other", &NET).await?;
    let alone = Image::new().layer(&[("usr/bin/tool", &tool)])?.parts()?;
    let both = Image::new().layer(&[("usr/bin/tool", &tool), ("usr/bin/other", &other)])?.parts()?;
    push(server.http(), "main/alone", "1", &alone).await?;
    push(server.http(), "main/both", "1", &both).await?;
    settled(&server).await?;
    vulnerable_library(&server).await?;
    let (alone, both) = ("main/oci/alone:1", "main/oci/both:1");
    until(&server, alone, "quarantined").await?;
    until(&server, both, "quarantined").await?;

    // as hubs write it: the product is the program, wherever it is, the part a library of it
    let product =
        json!({"@id": "pkg:golang/example.org/tool", "subcomponents": [{"@id": "pkg:golang/example.org/net"}]});
    let says = document("https://vex.example/tool", "CVE-2026-1", &product, "not_affected", "2026-01-01T00:00:00Z");
    let added = add(&server, &says).await?;
    until(&server, alone, "available").await?;
    settled(&server).await?;
    let seen = package(&server, both).await?;
    assert_eq!(seen["state"], "quarantined", "another program of that image carries the library too");
    assert!(seen["findings"][0]["suppressed"].is_null(), "{}", seen["findings"][0]);
    let seen = package(&server, alone).await?;
    assert_eq!((&seen["severities"], &seen["suppressed"]), (&json!({}), &json!({"CRITICAL": 1})));
    let listed = server.cli(["packages"])?.succeed().await?;
    assert!(listed.says("1 suppressed") && listed.says("1 critical"), "{listed}");
    let pulled = server.http().get(&format!("/ui/packages/{}", seen["id"])).await?.text();
    assert!(pulled.contains("1 suppressed"), "{pulled}");

    let id = &added["document"]["id"];
    let applied = server.http().get(&format!("/api/v1/vex/{id}/applied")).await?.expect_status(200)?.json()?;
    assert_eq!(applied["findings"].as_array().map(Vec::len), Some(1), "{applied}");
    assert_eq!(applied["findings"][0]["suppresses"], true);
    let told = server.cli(["vex", "applied", &id.to_string()])?.succeed().await?;
    assert!(told.says("takes the finding away"), "{told}");
    let page = server.http().get(&format!("/ui/vex/{id}")).await?.expect_status(200)?.text();
    assert!(page.contains("takes the finding away") && page.contains("pkg:golang/example.org/tool"), "{page}");
    let page = server.http().get("/ui/vex?vulnerability=CVE-2026-1").await?.expect_status(200)?.text();
    assert!(page.contains("https://vex.example/tool") && page.contains("uploaded"), "{page}");

    // whose word does not count informs
    server.cli(["vex", "trust", "set", "--rule", "no"])?.succeed().await?;
    until(&server, alone, "quarantined").await?;
    let told = server.cli(["vex", "applied", &id.to_string()])?.succeed().await?;
    assert!(told.says("informs"), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_real_hub_speaks_of_a_program_inside_an_image() -> Result<()> {
    let Some(hub) = corpus("feeds/vex/aquasecurity-vexhub.zip") else { return Ok(()) };
    let server = server().await?;
    let Some(gopher) = Gopher::new("off".to_owned())? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    // the hub says of github.com/aquasecurity/trivy, every version, that helm's CVE-2024-26147 does not affect it
    let helm = Library { path: "helm.sh/helm/v3", package: "helm", version: "v3.14.0" };
    let made = program(&gopher, folder.path(), "github.com/aquasecurity/trivy", &helm).await?;
    push(server.http(), "main/scanner", "1", &Image::new().layer(&[("usr/local/bin/trivy", &made)])?.parts()?).await?;
    settled(&server).await?;
    let mut record = feeds::osv_record(
        "GO-2024-2575",
        "Go",
        "helm.sh/helm/v3",
        Some("3.14.2"),
        feeds::CRITICAL,
        "2024-03-01T00:00:00Z",
    );
    record["aliases"] = json!(["CVE-2024-26147", "GHSA-r53h-jv2g-vpx6"]);
    let feed = advisories(&server, "feed", &[record])?;
    import(&server, &[&feed]).await?;
    refuse_dangerous(&server).await?;
    until(&server, "main/oci/scanner:1", "quarantined").await?;
    import(&server, &[&hub]).await?;
    until(&server, "main/oci/scanner:1", "available").await?;
    let seen = package(&server, "main/oci/scanner:1").await?;
    assert_eq!(seen["findings"][0]["suppressed"][0]["origin"]["kind"], "feed", "{}", seen["findings"][0]);
    Ok(())
}

/// Status of each finding as it is said, by package and vulnerability.
fn statuses(document: &Value) -> BTreeMap<(String, String), String> {
    let mut all = BTreeMap::new();
    for statement in document["statements"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for product in statement["products"].as_array().into_iter().flatten() {
            all.insert((text(&product["@id"]), text(&statement["vulnerability"]["name"])), text(&statement["status"]));
        }
    }
    all
}

#[tokio::test]
async fn what_we_say_comes_back_with_the_same_words() -> Result<()> {
    let server = server().await?;
    for name in ["open", "waived", "answered", "mended"] {
        publish(&server, &Wheel::new(name, "1.0").build()?).await?;
    }
    server.http().put("/generic/main/tool/1.0/tool.bin", "tool").await?.expect_status(201)?;
    settled(&server).await?;
    let records: Vec<Value> = ["open", "waived", "answered", "mended"]
        .iter()
        .enumerate()
        .map(|(n, name)| python_advisory(&format!("PYSEC-2026-{n}"), &format!("CVE-2026-{n}"), name, "0", "1.1"))
        .collect();
    let feed = advisories(&server, "feed", &records)?;
    import(&server, &[&feed]).await?;
    let when = "2026-01-01T00:00:00Z";
    for (n, name, status) in [(2, "answered", "under_investigation"), (3, "mended", "fixed")] {
        let product = json!({"@id": format!("pkg:pypi/{name}@1.0")});
        add(
            &server,
            &document(&format!("https://vex.example/{name}"), &format!("CVE-2026-{n}"), &product, status, when),
        )
        .await?;
    }
    let waive = ["waiver", "add", "--vulnerability", "CVE-2026-1", "--expires", "1h", "--reason", "a wall before it"];
    let why = ["--vex-status", "not_affected", "--vex-justification", "inline_mitigations_already_exist"];
    server.cli(waive.into_iter().chain(why))?.succeed().await?;
    settled(&server).await?;
    let export = async || server.http().get("/api/v1/vex/export").await?.expect_status(200)?.json();
    let ours: Value = export().await?;
    let said = statuses(&ours);
    let words: Vec<&str> = said.values().map(String::as_str).collect();
    for word in ["affected", "not_affected", "under_investigation", "fixed"] {
        assert_eq!(words.iter().filter(|w| **w == word).count(), 1, "{said:?}");
    }
    if let Some(schema) = corpus("feeds/schemas/openvex.schema.json") {
        let schema: Value = serde_json::from_slice(&std::fs::read(schema)?)?;
        let errors: Vec<String> =
            jsonschema::validator_for(&schema)?.iter_errors(&ours).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {ours}");
    }

    // elsewhere, the document alone says the same of the same packages
    let elsewhere = crate::support::server().await?;
    for name in ["open", "waived", "answered", "mended"] {
        publish(&elsewhere, &Wheel::new(name, "1.0").build()?).await?;
    }
    settled(&elsewhere).await?;
    let feed = advisories(&elsewhere, "feed", &records)?;
    import(&elsewhere, &[&feed]).await?;
    add(&elsewhere, &ours).await?;
    settled(&elsewhere).await?;
    let again: Value = elsewhere.http().get("/api/v1/vex/export").await?.expect_status(200)?.json()?;
    assert_eq!(statuses(&again), said);
    let seen = package(&elsewhere, "main/pypi/waived@1.0").await?;
    let why = &seen["findings"][0]["suppressed"][0];
    assert_eq!((&why["by"], &why["justification"]), (&json!("vex"), &json!("inline_mitigations_already_exist")));
    Ok(())
}
