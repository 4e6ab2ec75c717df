//! What is walked around: one version of a package of each format, published by its protocol, with bytes in it that are
//! found nowhere else.

use super::super::{Place, libraries::put_node};
use crate::support::package_id;
use crate::{tour_maven, tour_oci};
use anyhow::{Result, bail};
use assay_testkit::make::crates::framed;
use assay_testkit::make::oci::Image;
use assay_testkit::make::wheel::Wheel;
use assay_testkit::make::{gzip, sha256, tar, zip};
use assay_testkit::{TestServer, upload};
use serde_json::json;

/// First parts of all addresses of packages.
pub(super) const PREFIXES: &[&str] =
    &["npm", "pypi", "cargo", "maven", "go", "helm", "v2", "generic", "api/v1", "ui", "files", "blobs"];

/// What an upstream's address is after that of the server.
pub(super) fn address(format: &str) -> String {
    match format {
        "pypi" => "/pypi/main/simple".to_owned(),
        "oci" => "/main".to_owned(),
        other => format!("/{other}/main"),
    }
}

/// A package that is there.
pub(super) struct Subject {
    pub(super) name: String,
    /// As `assay package` names it.
    pub(super) package: String,
    /// Addresses that give its bytes.
    pub(super) files: Vec<String>,
    /// Addresses of documents about it.
    pub(super) documents: Vec<String>,
}

/// Bytes that no archive makes smaller, and so many of them that they are in it as they are.
pub(super) fn payload() -> Vec<u8> {
    (0..4096_u32).flat_map(|n| hex(&sha256(&n.to_le_bytes()))).collect()
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

fn packed(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    gzip(&tar(files)?)
}

/// Publishes one of a format.
pub(super) async fn publish(server: &TestServer, format: &str, name: &str) -> Result<Subject> {
    match format {
        "npm" => npm(server, name).await,
        "pypi" => pypi(server, name).await,
        "cargo" => cargo(server, name).await,
        "maven" => maven(server, name).await,
        "go" => go(server, name).await,
        "helm" => helm(server, name).await,
        "oci" => oci(server, name).await,
        "generic" => generic(server, name).await,
        other => bail!("nothing is known of {other}"),
    }
}

fn subject(name: &str, package: String, files: &[String], documents: &[String]) -> Subject {
    Subject { name: name.to_owned(), package, files: files.to_vec(), documents: documents.to_vec() }
}

async fn npm(server: &TestServer, name: &str) -> Result<Subject> {
    let about = json!({ "name": name, "version": "1.0.0" });
    let bytes = packed(&[("package/package.json", about.to_string().as_bytes()), ("package/blob.bin", &payload())])?;
    let file = format!("{name}-1.0.0.tgz");
    let base = format!("/npm/main/{name}");
    let to = Place { server, repository: "main", token: Some(server.token()) };
    put_node(to, name, "1.0.0", &bytes).await?;
    let documents = [
        base.clone(),
        format!("{base}/1.0.0"),
        format!("{base}/latest"),
        format!("/npm/main/-/v1/search?text={name}"),
        format!("/npm/main/-/package/{name}/dist-tags"),
        format!("/npm/main/-/npm/v1/attestations/{name}@1.0.0"),
    ];
    Ok(subject(name, format!("main/npm/{name}@1.0.0"), &[format!("{base}/-/{file}")], &documents))
}

async fn pypi(server: &TestServer, name: &str) -> Result<Subject> {
    let built = Wheel::new(name, "1.0.0").file(&format!("{name}/blob.bin"), payload()).build()?;
    upload::pypi(server.http(), "main", &built).await?.expect_status(200)?;
    let file = format!("/pypi/main/files/{name}/{}", built.file_name);
    let documents = [
        "/pypi/main/simple/".to_owned(),
        format!("/pypi/main/simple/{name}/"),
        format!("/pypi/main/pypi/{name}/json"),
        format!("/pypi/main/pypi/{name}/1.0.0/json"),
        format!("/pypi/main/integrity/{name}/1.0.0/{}/provenance", built.file_name),
        format!("{file}.metadata"),
    ];
    Ok(subject(name, format!("main/pypi/{name}@1.0.0"), &[file], &documents))
}

async fn cargo(server: &TestServer, name: &str) -> Result<Subject> {
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n");
    let root = format!("{name}-1.0.0");
    let (toml, lib, blob) = (format!("{root}/Cargo.toml"), format!("{root}/src/lib.rs"), format!("{root}/blob.bin"));
    let bytes = packed(&[(&toml, manifest.as_bytes()), (&lib, b""), (&blob, &payload())])?;
    let about = json!({ "name": name, "vers": "1.0.0", "deps": [], "features": {}, "description": "tiny" });
    let body = framed(about.to_string().as_bytes(), &bytes);
    server.http().put("/cargo/main/api/v1/crates/new", body).await?.expect_status(200)?;
    let download = format!("/cargo/main/api/v1/crates/{name}/1.0.0/download");
    let documents = [
        "/cargo/main/config.json".to_owned(),
        format!("/cargo/main/{}/{}/{name}", &name[..2], &name[2..4]),
        format!("/cargo/main/api/v1/crates?q={name}"),
        format!("/cargo/main/api/v1/crates/{name}"),
        format!("/cargo/main/api/v1/crates/{name}/owners"),
    ];
    Ok(subject(name, format!("main/cargo/{name}@1.0.0"), &[download], &documents))
}

async fn maven(server: &TestServer, name: &str) -> Result<Subject> {
    let folder = format!("/maven/main/org/example/{name}");
    let stem = format!("{folder}/1.0.0/{name}-1.0.0");
    let manifest = ("META-INF/MANIFEST.MF".to_owned(), b"Manifest-Version: 1.0\n\n".to_vec());
    let jar = zip(&[manifest, ("blob.bin".to_owned(), payload())])?;
    for (more, bytes) in [(".jar", jar.clone()), ("-sources.jar", jar)] {
        server.http().put(&format!("{stem}{more}"), bytes).await?.expect_status(201)?;
    }
    let pom = tour_maven::pom(name, "1.0.0", "");
    server.http().put(&format!("{stem}.pom"), pom).await?.expect_status(201)?;
    let documents = [
        format!("{folder}/"),
        format!("{folder}/1.0.0/"),
        format!("{folder}/maven-metadata.xml"),
        format!("{folder}/maven-metadata.xml.sha1"),
        format!("{stem}.pom"),
        format!("{stem}.jar.sha1"),
        format!("{stem}.jar.md5"),
    ];
    let files = [format!("{stem}.jar"), format!("{stem}-sources.jar")];
    Ok(subject(name, format!("main/maven/org.example:{name}@1.0.0"), &files, &documents))
}

async fn go(server: &TestServer, name: &str) -> Result<Subject> {
    let at = format!("example.org/{name}@v1.0.0");
    let files = [
        (format!("{at}/go.mod"), format!("module example.org/{name}\n\ngo 1.21\n").into_bytes()),
        (format!("{at}/blob.bin"), payload()),
    ];
    let base = format!("/go/main/example.org/{name}");
    let file = format!("{base}/@v/v1.0.0.zip");
    server.http().put(&file, zip(&files)?).await?.expect_status(201)?;
    let documents = ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/latest.info"]
        .map(|rest| format!("{base}/{rest}"));
    Ok(subject(name, format!("main/go/example.org/{name}@v1.0.0"), &[file], &documents))
}

async fn helm(server: &TestServer, name: &str) -> Result<Subject> {
    let about = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\ndescription: tiny\n");
    let (chart, blob) = (format!("{name}/Chart.yaml"), format!("{name}/files/blob.bin"));
    let bytes = packed(&[(&chart, about.as_bytes()), (&blob, &payload())])?;
    server.http().post("/helm/main/api/charts", bytes).await?.expect_status(201)?;
    let documents = [
        "/helm/main/index.yaml".to_owned(),
        "/helm/main/api/charts".to_owned(),
        format!("/helm/main/api/charts/{name}"),
        format!("/helm/main/api/charts/{name}/1.0.0"),
        format!("/helm/main/charts/{name}-1.0.0.tgz.prov"),
    ];
    let files = ["charts/", ""].map(|folder| format!("/helm/main/{folder}{name}-1.0.0.tgz"));
    Ok(subject(name, format!("main/helm/{name}@1.0.0"), &files, &documents))
}

async fn oci(server: &TestServer, name: &str) -> Result<Subject> {
    let parts = Image::new().alpine("3.10.9", &[])?.layer(&[("blob.bin", &payload()), ("name", name.as_bytes())])?;
    let parts = parts.parts()?;
    tour_oci::push(server.http(), &format!("main/{name}"), "1.0.0", &parts).await?;
    let base = format!("/v2/main/{name}");
    let layers: Vec<String> = parts.layers.iter().map(|layer| format!("{base}/blobs/{}", layer.digest)).collect();
    let manifest = &parts.manifest.digest;
    let mut documents = vec![
        "/v2/main/_catalog".to_owned(),
        "/v2/_catalog".to_owned(),
        format!("{base}/tags/list"),
        format!("{base}/manifests/1.0.0"),
        format!("{base}/manifests/{manifest}"),
        format!("{base}/blobs/{manifest}"),
        format!("{base}/blobs/{}", parts.config.digest),
        format!("{base}/referrers/{manifest}"),
    ];
    documents.extend(layers.iter().cloned());
    let file = layers.last().cloned().into_iter().collect::<Vec<_>>();
    Ok(subject(name, format!("main/oci/{name}@{manifest}"), &file, &documents))
}

async fn generic(server: &TestServer, name: &str) -> Result<Subject> {
    let file = format!("/generic/main/tools/{name}-1.0.0.bin");
    server.http().put(&file, payload()).await?.expect_status(201)?;
    let documents = [
        "/generic/main/".to_owned(),
        "/generic/main/tools/".to_owned(),
        format!("{file}.sha256"),
        format!("{file}.sha1"),
        format!("{file}.md5"),
    ];
    let package = format!("main/generic/tools/{name}-1.0.0.bin@sha256:{}", sha256(&payload()));
    Ok(subject(name, package, &[file], &documents))
}

/// Addresses that are none of the format's: those of the API and the pages, and those of images that take layers of this
/// one over.
pub(super) async fn around(server: &TestServer, subject: &Subject) -> Result<Vec<String>> {
    let id = package_id(server, &subject.package).await?;
    let mut all = vec![
        format!("/api/v1/packages/{id}"),
        format!("/api/v1/packages/{id}/sbom"),
        format!("/api/v1/packages/{id}/scan"),
        format!("/api/v1/packages/{id}/files"),
        format!("/api/v1/packages/{id}/download"),
        format!("/ui/packages/{id}"),
        format!("/ui/package/{id}"),
        format!("/api/v1/packages?format=generic&q={}", subject.name),
        "/data/blobs".to_owned(),
    ];
    for file in &subject.files {
        let Some((_, digest)) = file.split_once("/blobs/") else { continue };
        for (repository, from) in
            [("other/x", format!("main/{}", subject.name)), ("main/x", format!("main/{}", subject.name))]
        {
            let mount = format!("/v2/{repository}/blobs/uploads/?mount={digest}&from={from}");
            server.http().post(&mount, "").await?;
            all.push(format!("/v2/{repository}/blobs/{digest}"));
        }
        all.push(format!("/v2/main/y/blobs/{digest}"));
        all.push(format!("/v2/all/{}/blobs/{digest}", subject.name));
    }
    Ok(all)
}
