//! `assay scan` of what is not a file here: images in a registry, git repositories, stored packages; and what ignore files
//! and VEX statements answer for.

use crate::support::{ASSAY, python_advisory, server, settled};
use crate::tour_oci::{image, push};
use anyhow::{Context, Result};
use assay_testkit::make::{feeds, sha256, wheel::Wheel};
use assay_testkit::{Http, Run, tool, upload};
use base64::Engine as _;
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";

/// A data directory that knows an advisory about the image's musl and one about a Python package.
async fn world() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let mut musl = feeds::osv_record(
        "ALPINE-CVE-2026-40005",
        "Alpine:v3.10",
        "musl",
        Some("1.1.22-r4"),
        feeds::CRITICAL,
        "2026-01-01T00:00:00Z",
    );
    musl["aliases"] = json!(["CVE-2026-40005"]);
    let records = [python_advisory("PYSEC-2026-4", "CVE-2026-40004", "tiny-scanned", "0", "2.0"), musl];
    fs::write(folder.path().join("feed.zip"), feeds::osv_zip(&records)?)?;
    assay(folder.path(), "feeds import feed.zip")?.succeed().await?;
    Ok(folder)
}

fn assay(folder: &Path, line: &str) -> Result<Run> {
    let run = Run::new(ASSAY)?.current_dir(folder).env("ASSAY_DATA", folder.join("data"));
    Ok(run.args(line.split(' ')))
}

async fn ids(run: Run) -> Result<Vec<String>> {
    let told: Value = serde_json::from_str(&run.succeed().await?.stdout)?;
    let findings = told["findings"].as_array().context("a list of findings")?;
    Ok(findings.iter().filter_map(|one| one["id"].as_str().map(str::to_owned)).collect())
}

/// Attaches a VEX document to an image, as tools that sign do: a manifest with a subject.
async fn attach(http: &Http, name: &str, subject: &Value, document: &[u8]) -> Result<()> {
    let mut descriptors = Vec::new();
    for (bytes, media) in
        [(document, "application/vnd.openvex+json"), (b"{}".as_slice(), "application/vnd.oci.empty.v1+json")]
    {
        let digest = format!("sha256:{}", sha256(bytes));
        let path = format!("/v2/{name}/blobs/uploads/?digest={digest}");
        let reply = http.request(Method::POST, &path).body(bytes.to_vec()).send().await?;
        assert_eq!(reply.status(), 201);
        descriptors.push(json!({"mediaType": media, "digest": digest, "size": bytes.len()}));
    }
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI, "artifactType": "application/vnd.openvex+json",
        "config": descriptors[1], "layers": [descriptors[0]], "subject": subject});
    let bytes = manifest.to_string().into_bytes();
    let path = format!("/v2/{name}/manifests/sha256:{}", sha256(&bytes));
    let reply = http.request(Method::PUT, &path).header("content-type", OCI).body(bytes).send().await?;
    assert_eq!(reply.status(), 201);
    Ok(())
}

#[tokio::test]
async fn an_image_in_a_registry_is_fetched_with_what_is_attached() -> Result<()> {
    let (server, folder) = (server().await?, world().await?);
    let parts = image("elsewhere")?.parts()?;
    push(server.http(), "main/app", "1.0", &parts).await?;
    settled(&server).await?;
    let login = base64::engine::general_purpose::STANDARD.encode(format!("anyone:{}", server.token()));
    let docker = folder.path().join("docker");
    fs::create_dir(&docker)?;
    fs::write(docker.join("config.json"), json!({"auths": {server.authority(): {"auth": login}}}).to_string())?;
    let reference = format!("{}/main/app:1.0", server.authority());
    let scan = |line: &str| Ok::<_, anyhow::Error>(assay(folder.path(), line)?.env("DOCKER_CONFIG", &docker));

    assert_eq!(ids(scan(&format!("scan {reference} --json"))?).await?, ["CVE-2026-40005"]);
    let report = scan(&format!("scan {reference} --format trivy-json"))?.succeed().await?;
    let report: Value = serde_json::from_str(&report.stdout)?;
    let digest = format!("sha256:{}", sha256(&parts.manifest.bytes));
    assert_eq!(report["ArtifactType"], "container_image");
    assert!(report["Metadata"]["RepoDigests"].to_string().contains(&digest), "{}", report["Metadata"]);
    let refused =
        assay(folder.path(), &format!("scan {reference}"))?.env("DOCKER_CONFIG", folder.path()).fail().await?;
    assert!(refused.says("docker login"), "{refused}");

    let vex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.org/vex/1", "author": "Us",
        "timestamp": "2026-05-01T00:00:00Z", "statements": [{"vulnerability": {"name": "CVE-2026-40005"}, "status": "not_affected",
            "justification": "vulnerable_code_not_in_execute_path",
            "products": [{"@id": format!("pkg:oci/app@{digest}"), "subcomponents": [{"@id": "pkg:apk/alpine/musl"}]}]}]});
    let subject = json!({"mediaType": OCI, "digest": digest, "size": parts.manifest.bytes.len()});
    attach(server.http(), "main/app", &subject, vex.to_string().as_bytes()).await?;
    assert_eq!(ids(scan(&format!("scan {reference} --json"))?).await?, [""; 0]);
    let told = scan(&format!("scan {reference} --show-suppressed"))?.succeed().await?;
    assert!(told.says("vulnerable_code_not_in_execute_path") && told.says("not_affected"), "{told}");
    assert_eq!(ids(scan(&format!("scan {reference} --json --no-attached-vex"))?).await?, ["CVE-2026-40005"]);
    Ok(())
}

#[tokio::test]
async fn a_stored_package_is_scanned_where_it_is() -> Result<()> {
    let server = server().await?;
    let folder = tempfile::tempdir()?;
    fs::write(
        folder.path().join("feed.zip"),
        feeds::osv_zip(&[python_advisory("PYSEC-2026-4", "CVE-2026-40004", "tiny-scanned", "0", "2.0")])?,
    )?;
    let wheel = Wheel::new("tiny-scanned", "1.0").build()?;
    upload::pypi(server.http(), "main", &wheel).await?.expect_status(200)?;
    server.cli(["feeds", "import"])?.arg(folder.path().join("feed.zip")).succeed().await?;
    settled(&server).await?;
    let found = ids(server.cli(["scan", "main/pypi/tiny-scanned@1.0", "--json"])?).await?;
    assert_eq!(found, ["CVE-2026-40004"]);
    let sarif = server.cli(["scan", "main/pypi/tiny-scanned@1.0", "--format", "sarif"])?.succeed().await?;
    assert!(sarif.says("CVE-2026-40004"), "{sarif}");
    let missing = server.cli(["scan", "main/pypi/nothing@1.0"])?.fail().await?;
    assert!(missing.says("neither here nor"), "{missing}");
    Ok(())
}

#[tokio::test]
async fn a_git_repository_is_cloned_and_scanned() -> Result<()> {
    let Some(git) = tool("git") else { return Ok(()) };
    let folder = world().await?;
    let origin = folder.path().join("origin");
    fs::create_dir(&origin)?;
    fs::write(origin.join("requirements.txt"), "tiny-scanned==1.0\n")?;
    let steps: [&[&str]; 3] = [
        &["init", "-q", "-b", "main"],
        &["add", "."],
        &["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "Begin"],
    ];
    for step in steps {
        Run::new(&git)?.current_dir(&origin).args(step).succeed().await?;
    }
    let url = format!("file://{}", origin.display());
    assert_eq!(ids(assay(folder.path(), &format!("scan {url} --json"))?).await?, ["CVE-2026-40004"]);
    let report = assay(folder.path(), &format!("scan {url} --format trivy-json"))?.succeed().await?;
    let report: Value = serde_json::from_str(&report.stdout)?;
    assert_eq!((&report["ArtifactType"], &report["Metadata"]["Branch"]), (&json!("repository"), &json!("main")));
    assert_eq!(report["Metadata"]["CommitMsg"], "Begin");
    Ok(())
}

#[tokio::test]
async fn what_is_answered_for_is_left_out_until_the_answer_ends() -> Result<()> {
    let folder = world().await?;
    Wheel::new("tiny-scanned", "1.0").build()?.write_to(folder.path())?;
    let scan = "scan tiny_scanned-1.0-py3-none-any.whl --json";
    assert_eq!(ids(assay(folder.path(), scan)?).await?, ["CVE-2026-40004"]);
    for (file, text, left) in [
        (".assayignore", "CVE-2026-40004 exp:2999-01-01 # not reachable\n", 0),
        (".assayignore", "PYSEC-2026-4 exp:2020-01-01\n", 1),
        (".trivyignore.yaml", "vulnerabilities:\n  - id: CVE-2026-40004\n    purls: [\"pkg:pypi/tiny-scanned\"]\n", 0),
    ] {
        let path = folder.path().join(file);
        fs::write(&path, text)?;
        assert_eq!(ids(assay(folder.path(), scan)?).await?.len(), left, "{text}");
        fs::remove_file(path)?;
    }
    let gate = assay(folder.path(), &format!("{scan} --exit-code 9"))?.fail().await?;
    assert_eq!(gate.status.code(), Some(9));
    let csaf = json!({"document": {"csaf_version": "2.0", "publisher": {"name": "Us"}, "tracking": {"id": "V-1", "current_release_date": "2026-01-01T00:00:00Z"}},
        "product_tree": {"full_product_names": [{"product_id": "P", "name": "p", "product_identification_helper": {"purl": "pkg:pypi/tiny-scanned@1.0"}}]},
        "vulnerabilities": [{"cve": "CVE-2026-40004", "product_status": {"known_not_affected": ["P"]}}]});
    fs::create_dir(folder.path().join("vex"))?;
    fs::write(folder.path().join("vex/one.json"), csaf.to_string())?;
    fs::write(folder.path().join("vex/other.json"), "{}")?;
    assert_eq!(ids(assay(folder.path(), &format!("{scan} --vex vex"))?).await?, [""; 0]);
    let passes = assay(folder.path(), &format!("{scan} --vex vex --exit-code 9"))?.succeed().await?;
    assert!(passes.status.success());
    let refused = assay(folder.path(), &format!("{scan} --vex vex/other.json"))?.fail().await?;
    assert!(refused.says("no VEX document"), "{refused}");
    fs::write(folder.path().join(".assayignore"), "CVE-1 exp:soon\n")?;
    let wrong = assay(folder.path(), scan)?.fail().await?;
    assert!(wrong.says("line 1"), "{wrong}");
    Ok(())
}
