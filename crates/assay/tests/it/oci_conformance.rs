//! The distribution specification 1.1, as its official conformance suite asks for it: by that suite where it could be
//! installed, and by the same questions asked here, its extras included.

mod blobs;
mod manifests;

use crate::support::server;
use anyhow::{Context, Result, ensure};
use assay_testkit::{
    Http, Reply, Run, TestServer,
    evidence::{Case, saw},
    make::{sha256, sha512},
    tool,
};
use reqwest::Method;
use std::time::Duration;

/// The algorithms that content is addressed by.
const ALGORITHMS: [&str; 2] = ["sha256", "sha512"];

fn digest(algorithm: &str, bytes: &[u8]) -> String {
    match algorithm {
        "sha512" => format!("sha512:{}", sha512(bytes)),
        _ => format!("sha256:{}", sha256(bytes)),
    }
}

/// Bytes that no two tests share.
fn bytes(word: &str, size: usize) -> Vec<u8> {
    word.bytes().chain(b": ".iter().copied()).cycle().take(size).collect()
}

/// What is pushed to and pulled from: one image name of one server.
struct Place<'a> {
    http: &'a Http,
    name: &'a str,
}

impl Place<'_> {
    fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.name)
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Reply> {
        let request = self.http.request(method, path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.http.send(request.body(body.to_vec())).await
    }

    /// GET and HEAD say the same, and the digest header has the digest that was asked for.
    async fn has(&self, path: &str, digest: &str, body: &[u8], media_type: Option<&str>) -> Result<()> {
        let (got, head) =
            (self.http.get(path).await?.expect_status(200)?, self.http.head(path).await?.expect_status(200)?);
        ensure!(got.body == body, "{path} has other bytes");
        ensure!(head.body.is_empty(), "HEAD {path} has a body");
        for reply in [&got, &head] {
            ensure!(reply.header("docker-content-digest") == Some(digest), "{path}: {:?}", reply.headers);
            ensure!(
                reply.header("content-length") == Some(body.len().to_string().as_str()),
                "{path}: {:?}",
                reply.headers
            );
            ensure!(
                media_type.is_none_or(|kind| reply.header("content-type") == Some(kind)),
                "{path}: {:?}",
                reply.headers
            );
        }
        Ok(())
    }

    /// DELETE is accepted, and it is gone at once.
    async fn delete(&self, path: &str) -> Result<()> {
        self.http.delete(path).await?.expect_status(202).with_context(|| format!("DELETE {path}"))?;
        self.http.head(path).await?.expect_status(404)?;
        self.http.delete(path).await?.expect_status(404)?;
        Ok(())
    }
}

#[tokio::test]
async fn what_is_not_there_or_cannot_be_is_told_apart() -> Result<()> {
    let server = server().await?;
    let place = Place { http: server.http(), name: "main/errors" };
    for (path, status) in [
        ("tags/list", 404),
        ("manifests/missing", 404),
        (&format!("manifests/{}", digest("sha256", b"missing")), 404),
        (&format!("manifests/{}", digest("sha512", b"missing")), 404),
        (&format!("blobs/{}", digest("sha512", b"missing")), 404),
        ("manifests/sha256:baddigeststring", 400),
    ] {
        place.http.get(&place.path(path)).await?.expect_status(status).with_context(|| path.to_owned())?;
    }
    let none = place.http.get(&place.path(&format!("referrers/{}", digest("sha256", b"missing")))).await?;
    assert_eq!(none.expect_status(200)?.json()?["manifests"], serde_json::json!([]));
    let bad = place.path("manifests/sha256:baddigeststring");
    let kind = [("content-type", crate::tour_oci::OCI)];
    let refused = place.send(Method::PUT, &bad, &kind, b"{}").await?.expect_status(400)?;
    assert_eq!(refused.json()?["errors"][0]["code"], "DIGEST_INVALID");
    Ok(())
}

fn suite_settings(server: &TestServer, results: &str) -> Vec<(&'static str, String)> {
    let fixed = [
        ("OCI_TLS", "disabled"),
        ("OCI_REPO1", "main/conformance/one"),
        ("OCI_REPO2", "main/conformance/two"),
        ("OCI_USERNAME", "anyone"),
        // What the next version of the specification asks for, and everything that is off by default.
        ("OCI_VERSION", "dev"),
        ("OCI_DATA_SPARSE", "true"),
        ("OCI_API_BLOBS_DIGEST_HEADER", "true"),
        ("OCI_API_BLOBS_UPLOAD_CANCEL", "true"),
        ("OCI_API_MANIFESTS_DIGEST_HEADER", "true"),
        ("OCI_API_MANIFESTS_TAG_PARAM", "true"),
    ];
    let mut settings: Vec<_> = fixed.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    settings.push(("OCI_REGISTRY", server.authority()));
    settings.push(("OCI_PASSWORD", server.token().to_owned()));
    settings.push(("OCI_RESULTS_DIR", results.to_owned()));
    settings
}

/// The number that an attribute of the first element of a JUnit report has.
fn counted(report: &str, attribute: &str) -> Option<u32> {
    let from = report.split_once(&format!("{attribute}=\""))?.1;
    from.split_once('"')?.0.parse().ok()
}

#[tokio::test]
async fn the_official_suite_finds_nothing_wrong() -> Result<()> {
    let Some(suite) = tool("oci-conformance") else { return Ok(()) };
    let server = server().await?;
    let results = server.scratch().join("results");
    std::fs::create_dir_all(&results)?;
    let settings = suite_settings(&server, &results.display().to_string());
    let run = settings.iter().fold(Run::new(suite)?, |run, (name, value)| run.env(name, value));
    let ran = run.limit(Duration::from_secs(400)).run().await?;
    let report = std::fs::read_to_string(results.join("junit.xml")).context("the suite leaves a report")?;
    let count = |attribute: &str| counted(&report, attribute).with_context(|| format!("{attribute} in the report"));
    assert_eq!((count("failures")?, count("errors")?), (0, 0), "{ran}");
    assert_eq!(count("skipped")?, 0, "nothing is left out: {ran}");
    assert!(ran.status.success() && count("tests")? > 500, "{ran}");
    saw("oci", "oci-conformance", Case::Push);
    saw("oci", "oci-conformance", Case::Pull);
    saw("oci", "oci-conformance", Case::TakeBack);
    Ok(())
}
