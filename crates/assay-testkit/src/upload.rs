//! Publishing the way twine does, without twine: for tests that need many packages, and for measuring.

use anyhow::Result;
use reqwest::Method;

use crate::client::{Http, Reply};
use crate::make::wheel::Built;

/// The boundary between the parts; no wheel made here contains it.
const BOUNDARY: &str = "assay-testkit-7d1c3a5f9b2e4860";

/// Uploads a distribution to the PyPI endpoint of a repository (`POST /pypi/<repository>/`).
///
/// # Errors
/// As [`Http::send`]; a refusal is an answer.
pub async fn pypi(http: &Http, repository: &str, built: &Built) -> Result<Reply> {
    let request = http
        .request(Method::POST, &format!("/pypi/{repository}/"))
        .header("content-type", content_type())
        .body(form(built));
    http.send(request).await
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
        let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
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
