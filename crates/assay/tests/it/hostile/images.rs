//! Images that do not fit together, burst, or are not images.

use anyhow::{Context, Result, ensure};
use assay_testkit::{
    Http, Reply, TestServer,
    make::{gzip, oci::Image, sha256, tar},
};
use reqwest::Method;
use serde_json::json;

use super::{Standing, exact, peak};
use crate::support::{options, package, server, settled, token};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Answers are in the form of the distribution specification.
fn code(reply: &Reply) -> Result<String> {
    let answer = reply.json()?;
    let error = &answer["errors"][0];
    ensure!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    Ok(error["code"].as_str().unwrap_or_default().to_owned())
}

/// Pushes a blob in one request.
pub async fn push_blob(http: &Http, name: &str, bytes: &[u8]) -> Result<String> {
    let digest = format!("sha256:{}", sha256(bytes));
    let path = format!("/v2/{name}/blobs/uploads/?digest={digest}");
    http.post(&path, bytes.to_vec()).await?.expect_status(201)?;
    Ok(digest)
}

/// Pushes an image of these layers (as they are, compressed or not); the answer is its manifest's digest.
pub async fn push_layers(http: &Http, name: &str, tag: &str, layers: &[Vec<u8>]) -> Result<String> {
    let config = serde_json::to_vec(
        &json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}),
    )?;
    let config = json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": push_blob(http, name, &config).await?, "size": config.len()});
    let mut entries = Vec::new();
    for layer in layers {
        let digest = push_blob(http, name, layer).await?;
        entries.push(
            json!({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": layer.len()}),
        );
    }
    let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": entries});
    let bytes = serde_json::to_vec(&manifest)?;
    put_manifest(http, name, tag, &bytes).await?.expect_status(201)?;
    Ok(format!("sha256:{}", sha256(&bytes)))
}

async fn put_manifest(http: &Http, name: &str, reference: &str, bytes: &[u8]) -> Result<Reply> {
    let request =
        http.request(Method::PUT, &format!("/v2/{name}/manifests/{reference}")).header("content-type", MANIFEST);
    http.send(request.body(bytes.to_vec())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_out_of_order_or_with_other_bytes_come_to_nothing() -> Result<()> {
    let mut server = server().await?;
    let before = Standing::of(&server)?;
    let http = server.http().clone();
    let begin = async || -> Result<String> {
        let reply = http.post("/v2/main/x/blobs/uploads/", Vec::new()).await?.expect_status(202)?;
        Ok(reply.header("location").context("no location")?.to_owned())
    };
    let (location, wrong) = (begin().await?, format!("sha256:{}", "0".repeat(64)));
    let reply = http.put(&format!("{location}?digest={wrong}"), b"bytes".to_vec()).await?;
    ensure!(reply.status == 400 && code(&reply)? == "DIGEST_INVALID", "{}", reply.text());
    let reply = http.post(&format!("/v2/main/x/blobs/uploads/?digest={wrong}"), b"bytes".to_vec()).await?;
    ensure!(reply.status == 400 && code(&reply)? == "DIGEST_INVALID", "{}", reply.text());
    ensure!(http.get(&format!("/v2/main/x/blobs/{wrong}")).await?.status == 404);

    let location = begin().await?;
    for (range, status) in
        [("5-9", 416), ("0-9", 400), ("9-5", 400), ("a-b", 400), ("0-4", 202), ("0-4", 416), ("6-10", 416)]
    {
        let request = http.request(Method::PATCH, &location).header("content-range", range).body("bytes");
        let reply = http.send(request).await?;
        ensure!(reply.status == status, "{range}: {} {}", reply.status, reply.text());
        if status == 416 {
            ensure!(reply.header("range").is_some() && code(&reply)? == "BLOB_UPLOAD_INVALID", "{:?}", reply.headers);
        }
    }
    for digest in ["", "sha256:", "sha256:zz", "md5:00", "latest", "sha256:..%2f..%2fetc"] {
        let reply = http.put(&format!("{location}?digest={digest}"), Vec::new()).await?;
        ensure!(reply.status == 400 && code(&reply)? == "DIGEST_INVALID", "`{digest}`: {}", reply.text());
    }
    // each of these would otherwise be another way to another's upload
    let id = location.rsplit('/').next().unwrap_or_default();
    let other = format!("/v2/main/x/blobs/uploads/{}", "0".repeat(32));
    for path in
        [other.as_str(), "/v2/main/x/blobs/uploads/..%2f..%2fassay.db", &format!("/pypi/main/x/blobs/uploads/{id}")]
    {
        let reply = http.send(http.request(Method::PATCH, path).body("x")).await?;
        ensure!(matches!(reply.status.as_u16(), 404 | 405), "{path}: {} {}", reply.status, reply.text());
    }
    http.delete(&location).await?.expect_status(204)?;
    let reply = http.get(&location).await?;
    ensure!(reply.status == 404 && code(&reply)? == "BLOB_UPLOAD_UNKNOWN", "{}", reply.text());
    before.unchanged(&mut server).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manifests_that_do_not_fit_are_refused() -> Result<()> {
    let mut server = server().await?;
    let before = Standing::of(&server)?;
    let http = server.http().clone();
    let parts = Image::new().layer(&[("a", b"b")])?.parts()?;
    let reply = put_manifest(&http, "main/x", "v1", &parts.manifest.bytes).await?;
    ensure!(reply.status == 400 || reply.status == 404, "{}", reply.text());
    ensure!(code(&reply)? == "MANIFEST_BLOB_UNKNOWN", "{}", reply.text());
    // blobs under another name do not count
    for blob in parts.layers.iter().chain([&parts.config]) {
        push_blob(&http, "main/y", &blob.bytes).await?;
    }
    ensure!(code(&put_manifest(&http, "main/x", "v1", &parts.manifest.bytes).await?)? == "MANIFEST_BLOB_UNKNOWN");
    let lying = String::from_utf8(parts.manifest.bytes.clone())?.replace("\"size\":", "\"size\":1");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!("{{\"schemaVersion\":2,\"x\":\"{}\"}}", "x".repeat(5 << 20));
    for (label, bytes, status) in [
        ("sizes that lie", lying.as_bytes(), 400),
        ("garbage", b"\x00\xff\x00".as_slice(), 400),
        ("nothing", b"", 400),
        ("a number", b"7", 400),
        ("schema 1", br#"{"schemaVersion":1,"fsLayers":[]}"#, 400),
        ("no config", br#"{"schemaVersion":2,"layers":[]}"#, 400),
        ("bad digest", br#"{"schemaVersion":2,"config":{"digest":"sha256:../../x","size":1},"layers":[]}"#, 400),
        ("negative size", br#"{"schemaVersion":2,"config":{"digest":"sha256:00","size":-1},"layers":[]}"#, 400),
        ("nested too deeply", deep.as_bytes(), 400),
        ("too large", large.as_bytes(), 413),
    ] {
        let reply = match put_manifest(&http, "main/y", "v1", bytes).await {
            // the server does not read on, so the client may see the end of the connection before the answer
            Err(_) if status == 413 => continue,
            reply => reply.context(label)?,
        };
        ensure!(reply.status == status, "{label}: {} {}", reply.status, reply.text());
        let code = code(&reply)?;
        ensure!(
            ["MANIFEST_INVALID", "DIGEST_INVALID", "SIZE_INVALID"].contains(&code.as_str()),
            "{label}: {}",
            reply.text()
        );
    }
    // the connection on which too much was sent is not used again
    let http = Http::new(&server.url(), Some(server.token()))?;
    let other = format!("sha256:{}", "0".repeat(64));
    ensure!(code(&put_manifest(&http, "main/y", &other, &parts.manifest.bytes).await?)? == "DIGEST_INVALID");
    let long = "t".repeat(129);
    for reference in [".hidden", "-x", "a%20b", "a%2fb", "sha256:zz", "sha512:00", long.as_str()] {
        let reply = put_manifest(&http, "main/y", reference, &parts.manifest.bytes).await?;
        ensure!(matches!(reply.status.as_u16(), 400 | 404), "{reference}: {} {}", reply.status, reply.text());
        code(&reply)?;
    }
    for name in ["main/UPPER", "main/a..b", "main/-a", "main/a%00", "main/%2e%2e/x", "main"] {
        let (status, answer) = exact(&server, "POST", &format!("/v2/{name}/blobs/uploads/"), "").await?;
        ensure!(matches!(status, 400 | 404) && answer.contains("\"errors\""), "{name}: {answer}");
    }
    for path in ["/v2/main/y/tags/list?n=-1", "/v2/main/y/tags/list?n=x"] {
        let reply = http.get(path).await?;
        ensure!((400..500).contains(&reply.status.as_u16()), "{path}: {}", reply.status);
    }
    before.unchanged(&mut server).await
}

/// Gzip of very many zeros, made small again and again.
fn bomb(mib: usize) -> Result<Vec<u8>> {
    gzip(&vec![0; mib << 20])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn layers_that_burst_are_kept_as_bytes_and_said_to_be_unread() -> Result<()> {
    let server = options().env("ASSAY_LIMITS_ARCHIVE_TOTAL_BYTES", "20000000").start().await?;
    let good = gzip(&tar(&[("etc/hostname", b"x\n")])?)?;
    let huge = gzip(&tar(&[("zeros", &vec![0; 64 << 20])])?)?;
    let cut = good[..good.len() - 9].to_vec();
    let mut broken = tar(&[("a", &[1; 600]), ("b", &[2; 600])])?;
    broken[1536..1636].fill(0xff);
    let unsafe_path = gzip(&tar(&[("a/b", b"x")])?)?;
    for (name, layer, reason) in [
        ("bomb", bomb(256)?, "limit"),
        ("huge", huge, "limit"),
        ("cut", cut, "corrupt"),
        ("broken", gzip(&broken)?, "corrupt"),
        ("text", b"this is no layer".to_vec(), ""),
        ("random", (0..9000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect(), ""),
    ] {
        let digest =
            push_layers(server.http(), &format!("main/{name}"), "v1", &[unsafe_path.clone(), layer.clone()]).await?;
        settled(&server).await?;
        let detail = package(&server, &format!("main/oci/{name}:v1")).await?;
        ensure!(detail["state"] == "available", "{name}: {}", detail["state"]);
        let skipped = detail["inventory"]["skipped"].as_array().cloned().unwrap_or_default();
        ensure!(!skipped.is_empty(), "{name} is said to be read completely: {}", detail["inventory"]);
        let told = skipped.iter().any(|s| s["reason"] == reason && s["detail"].as_str().is_some_and(|d| !d.is_empty()));
        ensure!(reason.is_empty() || told, "{name} should say {reason}: {skipped:?}");
        let pulled =
            server.http().get(&format!("/v2/main/{name}/blobs/sha256:{}", sha256(&layer))).await?.expect_status(200)?;
        ensure!(pulled.body == layer, "{name}: other bytes");
        server.http().get(&format!("/v2/main/{name}/manifests/{digest}")).await?.expect_status(200)?;
    }
    let peak = peak(&server)?;
    ensure!(peak < 400, "the server used {peak} MiB");
    alive(&server).await
}

async fn alive(server: &TestServer) -> Result<()> {
    server.http().get("/readyz").await?.expect_status(200)?;
    let reader = server.http().with_token(Some(&token(server, "read", &[]).await?));
    reader.get("/v2/").await?.expect_status(200)?;
    Ok(())
}
