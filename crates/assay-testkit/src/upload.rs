//! Publishing the way clients do, without clients: for tests that need many packages, and for measuring.

use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::json;

use crate::client::{Http, Reply};
use crate::make::{gzip, oci::Parts, sha256, tar, wheel::Built};

/// The boundary between the parts; no wheel made here contains it.
const BOUNDARY: &str = "assay-testkit-7d1c3a5f9b2e4860";

/// Uploads a distribution to the PyPI endpoint of a repository (`POST /pypi/<repository>/`).
///
/// # Errors
/// As [`Http::send`]; a refusal is an answer.
pub async fn pypi(http: &Http, repository: &str, built: &Built) -> Result<Reply> {
    pypi_with(http, repository, built, &[]).await
}

/// As [`pypi`], with further fields of the form.
///
/// # Errors
/// As [`Http::send`]; a refusal is an answer.
pub async fn pypi_with(http: &Http, repository: &str, built: &Built, more: &[(&str, &str)]) -> Result<Reply> {
    let mut body = Vec::new();
    for (name, value) in more {
        body.extend_from_slice(field(name, value).as_bytes());
    }
    body.extend(form(built));
    let request =
        http.request(Method::POST, &format!("/pypi/{repository}/")).header("content-type", content_type()).body(body);
    http.send(request).await
}

fn field(name: &str, value: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

/// The `Content-Type` of a form that [`form`] makes.
pub(crate) fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

pub(crate) fn form(built: &Built) -> Vec<u8> {
    let fields = [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("metadata_version", "2.1"),
        ("filetype", built.file_type),
        ("pyversion", if built.file_type == "sdist" { "source" } else { "py3" }),
        ("name", &built.name),
        ("version", &built.version),
        ("sha256_digest", &built.sha256),
    ];
    let mut body = Vec::with_capacity(built.bytes.len() + 2048);
    for (name, value) in fields {
        body.extend_from_slice(field(name, value).as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n",
        built.file_name
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&built.bytes);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Pushes a blob to a registry of the distribution specification in two requests, and says what its digest is.
///
/// # Errors
/// As [`Http::send`], and when it is refused.
pub async fn oci_blob(http: &Http, name: &str, bytes: Vec<u8>) -> Result<String> {
    let digest = format!("sha256:{}", sha256(&bytes));
    let opened = http.post(&format!("/v2/{name}/blobs/uploads/"), Vec::new()).await?.expect_status(202)?;
    let location = opened.header("location").context("an upload without a place")?.to_owned();
    let sign = if location.contains('?') { '&' } else { '?' };
    let request = http.request(Method::PUT, &format!("{location}{sign}digest={digest}"));
    let request = request.header("content-type", "application/octet-stream").body(bytes);
    http.send(request).await?.expect_status(201)?;
    Ok(digest)
}

/// Pushes a manifest with everything it names.
///
/// # Errors
/// As [`oci_blob`].
pub async fn oci_image(http: &Http, name: &str, tag: &str, image: &Parts) -> Result<()> {
    for blob in image.layers.iter().chain([&image.config]) {
        oci_blob(http, name, blob.bytes.clone()).await?;
    }
    let request = http.request(Method::PUT, &format!("/v2/{name}/manifests/{tag}"));
    let request = request.header("content-type", image.manifest.media_type).body(image.manifest.bytes.clone());
    http.send(request).await?.expect_status(201).map(drop)
}

/// Publishes a version of an npm package with one file in it, as `npm publish` does.
///
/// # Errors
/// As [`Http::send`], and when it is refused.
pub async fn npm(http: &Http, repository: &str, name: &str, version: &str) -> Result<()> {
    let about = json!({ "name": name, "version": version, "main": "index.js" });
    let manifest = serde_json::to_vec(&about)?;
    let packed = gzip(&tar(&[("package/package.json", &manifest), ("package/index.js", version.as_bytes())])?)?;
    let file = format!("{name}-{version}.tgz");
    let mut shown = about;
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("dist".to_owned(), json!({ "tarball": format!("http://registry.example/{name}/-/{file}") }));
    }
    let document = json!({
        "_id": name,
        "name": name,
        "dist-tags": { "latest": version },
        "versions": { version: shown },
        "_attachments": {
            file: { "content_type": "application/octet-stream", "data": STANDARD.encode(&packed), "length": packed.len() }
        },
    });
    let request = http.request(Method::PUT, &format!("/npm/{repository}/{name}")).json(&document);
    let reply = http.send(request).await?;
    if !reply.status.is_success() {
        bail!("{name}@{version} was refused with {}: {}", reply.status, reply.text());
    }
    Ok(())
}
