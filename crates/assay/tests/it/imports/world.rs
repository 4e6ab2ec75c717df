//! A registry of somebody else with something of every format, and what of it is to be had here after an import.

use crate::support::{open_to_everyone, publish, server, settled};
use crate::tour_oci::{OCI, OCI_INDEX, image, push_blobs, put_manifest};
use anyhow::Result;
use assay_testkit::{TestServer, make};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

/// What is imported of a format.
pub(super) struct Format {
    pub(super) id: &'static str,
    /// Below the server's address.
    path: &'static str,
    /// Options that name names, where the format has no list of them.
    pub(super) names: &'static [&'static str],
    pub(super) versions: u64,
    /// Documents and files that both servers have with equal bytes afterwards.
    pub(super) same: &'static [&'static str],
}

pub(super) const FORMATS: &[Format] = &[
    Format { id: "pypi", path: "/pypi/main/simple", names: &[], versions: 3, same: &[] },
    Format { id: "npm", path: "/npm/main", names: &[], versions: 2, same: &["/npm/main/tiny/-/tiny-1.0.0.tgz"] },
    Format {
        id: "cargo",
        path: "/cargo/main",
        names: &[],
        versions: 2,
        same: &["/cargo/main/api/v1/crates/tiny/1.0.0/download"],
    },
    Format { id: "helm", path: "/helm/main", names: &[], versions: 2, same: &["/helm/main/charts/word-1.0.0.tgz"] },
    Format {
        id: "generic",
        path: "/generic/main",
        names: &[],
        versions: 2,
        same: &["/generic/main/a/b%20c.bin", "/generic/main/top.txt"],
    },
    Format {
        id: "maven",
        path: "/maven/main",
        names: &["--name", "org.example:word"],
        versions: 1,
        same: &["/maven/main/org/example/word/1.0/word-1.0.jar", "/maven/main/org/example/word/1.0/word-1.0.pom"],
    },
    // two images, their index, and what refers to it
    Format { id: "oci", path: "/main", names: &[], versions: 4, same: &["/v2/main/multi/manifests/1"] },
];

pub(super) fn address(far: &TestServer, format: &Format) -> String {
    format!("{}{}", far.url(), format.path)
}

pub(super) async fn far() -> Result<TestServer> {
    let far = server().await?;
    for (name, version) in [("Tiny.Thing", "1.0"), ("Tiny.Thing", "1.1"), ("other", "2.0")] {
        publish(&far, &make::wheel::Wheel::new(name, version).build()?).await?;
    }
    for (version, tag) in [("1.0.0", "old"), ("1.1.0", "latest")] {
        npm(&far, version, tag).await?;
        let body = make::crates::publication("tiny", version)?;
        far.http().put("/cargo/main/api/v1/crates/new", body).await?.expect_status(200)?;
        let chart = format!("apiVersion: v2\nname: word\nversion: {version}\n");
        let chart = make::gzip(&make::tar(&[("word/Chart.yaml", chart.as_bytes())])?)?;
        far.http().post("/helm/main/api/charts", chart).await?.expect_status(201)?;
    }
    far.http().delete("/cargo/main/api/v1/crates/tiny/1.1.0/yank").await?.expect_status(200)?;
    far.http().put("/generic/main/a/b%20c.bin", b"b c".to_vec()).await?.expect_status(201)?;
    far.http().put("/generic/main/top.txt", b"top".to_vec()).await?.expect_status(201)?;
    let pom = "<project><modelVersion>4.0.0</modelVersion><groupId>org.example</groupId>\
               <artifactId>word</artifactId><version>1.0</version></project>";
    let jar = make::zip(&[("META-INF/MANIFEST.MF".to_owned(), b"Manifest-Version: 1.0\n".to_vec())])?;
    let maven = "/maven/main/org/example/word/1.0/word-1.0";
    for (end, bytes) in [("pom", pom.as_bytes().to_vec()), ("jar", jar)] {
        let put = far.http().put(&format!("{maven}.{end}"), bytes).await?;
        assert!(put.status.is_success(), "{put:?}");
    }
    images(&far).await?;
    settled(&far).await?;
    open_to_everyone(&far).await?;
    Ok(far)
}

async fn npm(far: &TestServer, version: &str, tag: &str) -> Result<()> {
    let manifest = json!({"name": "tiny", "version": version, "license": "MIT"});
    let archive = make::gzip(&make::tar(&[("package/package.json", manifest.to_string().as_bytes())])?)?;
    let file = format!("tiny-{version}.tgz");
    let body = json!({
        "_id": "tiny", "name": "tiny", "dist-tags": {tag: version}, "versions": {version: manifest},
        "_attachments": {file: {"content_type": "application/octet-stream", "length": archive.len(),
            "data": STANDARD.encode(&archive)}},
    });
    far.http().put("/npm/main/tiny", body.to_string().into_bytes()).await?.expect_status(201)?;
    Ok(())
}

/// An index of two images with two tags, and an artifact that refers to it.
async fn images(far: &TestServer) -> Result<()> {
    let http = far.http();
    let mut entries = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let parts = image(architecture)?.parts()?;
        push_blobs(http, "main/multi", &parts).await?;
        let manifest = &parts.manifest;
        put_manifest(http, "main/multi", &manifest.digest, OCI, manifest.bytes.clone()).await?.expect_status(201)?;
        entries.push(json!({"mediaType": OCI, "digest": manifest.digest, "size": manifest.bytes.len(),
            "platform": {"os": "linux", "architecture": architecture}}));
    }
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).to_string();
    for tag in ["1", "latest"] {
        put_manifest(http, "main/multi", tag, OCI_INDEX, index.clone().into_bytes()).await?.expect_status(201)?;
    }
    let empty = format!("sha256:{}", make::sha256(b"{}"));
    http.post(&format!("/v2/main/multi/blobs/uploads/?digest={empty}"), b"{}".to_vec()).await?.expect_status(201)?;
    let config = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2});
    let artifact = json!({"schemaVersion": 2, "mediaType": OCI, "artifactType": "application/vnd.example.note",
        "config": config, "layers": [config], "subject": {"mediaType": OCI_INDEX,
        "digest": format!("sha256:{}", make::sha256(index.as_bytes())), "size": index.len()}})
    .to_string();
    let digest = format!("sha256:{}", make::sha256(artifact.as_bytes()));
    put_manifest(http, "main/multi", &digest, OCI, artifact.into_bytes()).await?.expect_status(201)?;
    Ok(())
}
