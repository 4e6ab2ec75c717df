//! Ways round the gate: each is tried, none leads to bytes that a policy refuses or that belong to others.

use anyhow::{Context, Result, ensure};
use assay_testkit::{
    Http, TestServer,
    make::{gzip, sha256, tar, wheel::Wheel},
};
use reqwest::Method;
use serde_json::json;

use super::images::{push_blob, push_layers};
use crate::support::{publish, server, settled, state, token};

/// Quarantines every package of one of these names.
async fn refuse(server: &TestServer, names: &[&str]) -> Result<()> {
    let rego = format!("package cloudsmith\nimport rego.v1\nmatch if input.v0.package.name in {}\n", json!(names));
    let actions = json!([{"kind": "set_state", "params": {"state": "quarantined"}}]);
    let draft = json!({"name": "refused here", "rego": rego, "actions": actions});
    server.http().post_json("/api/v1/policies", &draft).await?.expect_status(201)?;
    settled(server).await
}

/// Asks for a path in every way there is; all have to be refused with the decision, and without the bytes.
async fn never_served(http: &Http, path: &str, bytes: &[u8]) -> Result<()> {
    let etag = format!("\"sha256:{}\"", sha256(bytes));
    for method in [Method::GET, Method::HEAD] {
        for headers in [
            vec![],
            vec![("range", "bytes=0-3")],
            vec![("if-none-match", etag.as_str())],
            vec![("if-none-match", "*")],
            vec![("if-modified-since", "Thu, 01 Jan 2099 00:00:00 GMT")],
            vec![("if-range", etag.as_str()), ("range", "bytes=1-")],
            vec![("accept", "*/*")],
        ] {
            let request =
                headers.iter().fold(http.request(method.clone(), path), |r, (name, value)| r.header(*name, *value));
            let reply = http.send(request).await?;
            ensure!(reply.status == 403, "{method} {path} {headers:?}: {} {}", reply.status, reply.text());
            ensure!(reply.header("x-assay-decision").is_some(), "{method} {path}: {:?}", reply.headers);
            ensure!(
                !reply.body.windows(bytes.len().max(1)).any(|part| part == bytes),
                "{method} {path} gave the bytes"
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quarantined_files_cannot_be_had_by_any_route() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    let wheel = Wheel::new("held", "1.0");
    let built = wheel.build()?;
    publish(&server, &built).await?;
    http.put("/generic/main/held/file.bin", b"plain and held".to_vec()).await?.expect_status(201)?;
    settled(&server).await?;
    let path = format!("/pypi/main/files/held/{}", built.file_name);
    http.get(&path).await?.expect_status(200)?;
    http.get("/generic/main/held/file.bin").await?.expect_status(200)?;
    refuse(&server, &["held", "held/file.bin"]).await?;
    never_served(http, &path, &built.bytes).await?;
    never_served(http, &format!("{path}.metadata"), wheel.metadata_text().as_bytes()).await?;
    never_served(http, "/generic/main/held/file.bin", b"plain and held").await?;
    let again = assay_testkit::upload::pypi(http, "main", &built).await?;
    ensure!(again.status == 200, "{}", again.text());
    settled(&server).await?;
    never_served(http, &path, &built.bytes).await?;
    // the same bytes under an allowed path are another package, decided by itself
    http.put("/generic/main/open/file.bin", b"plain and held".to_vec()).await?.expect_status(201)?;
    settled(&server).await?;
    http.get("/generic/main/open/file.bin").await?.expect_status(200)?;
    never_served(http, "/generic/main/held/file.bin", b"plain and held").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn layers_of_a_quarantined_image_are_refused_unless_an_allowed_one_shares_them() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    http.post_json("/api/v1/repositories", &json!({"name": "other"})).await?.expect_status(201)?;
    let (shared, own) = (gzip(&tar(&[("shared", b"base")])?)?, gzip(&tar(&[("own", b"secret sauce")])?)?);
    push_layers(http, "main/app", "good", std::slice::from_ref(&shared)).await?;
    let bad = push_layers(http, "main/app", "bad", &[shared.clone(), own.clone()]).await?;
    settled(&server).await?;
    let rego = format!(
        "package cloudsmith\nimport rego.v1\nmatch if input.v0.package.version == \"{bad}\"\nmatch if input.v0.package.version_orig == \"{bad}\"\n"
    );
    let actions = json!([{"kind": "set_state", "params": {"state": "quarantined"}}]);
    http.post_json("/api/v1/policies", &json!({"name": "held", "rego": rego, "actions": actions}))
        .await?
        .expect_status(201)?;
    settled(&server).await?;
    ensure!(state(&server, "main/oci/app:bad").await? == "quarantined", "the policy does not match");
    let own_path = format!("/v2/main/app/blobs/sha256:{}", sha256(&own));
    let manifest = http.get("/v2/main/app/manifests/good").await?.expect_status(200)?;
    let reader = http.with_token(Some(&token(&server, "read", &["main"]).await?));
    for name in ["bad", bad.as_str()] {
        let path = format!("/v2/main/app/manifests/{name}");
        never_served(&reader, &path, b"secret sauce").await?;
        // whoever may write is told digest and size, to attach something to it, and no more (docs/decisions/0013)
        http.get(&path).await?.expect_status(403)?;
        let named = http.send(http.request(Method::HEAD, &path)).await?.expect_status(200)?;
        ensure!(named.body.is_empty(), "{named:?}");
    }
    never_served(http, &own_path, &own).await?;
    let reply = http.get(&format!("/v2/main/app/blobs/sha256:{}", sha256(&shared))).await?.expect_status(200)?;
    ensure!(reply.body == shared && !manifest.body.is_empty());
    // mounting is pulling: what may not be pulled is pushed, or not had
    for (to, from) in [("other/copy", "main/app"), ("main/copy", "main/app"), ("main/app", "main/app")] {
        let reply = http
            .post(&format!("/v2/{to}/blobs/uploads/?mount=sha256:{}&from={from}", sha256(&own)), Vec::new())
            .await?;
        ensure!(reply.status == 202, "{to}: {} {}", reply.status, reply.text());
        let status = http.get(&format!("/v2/{to}/blobs/sha256:{}", sha256(&own))).await?.status;
        ensure!(matches!(status.as_u16(), 403 | 404), "{to}: {status}");
    }
    // whoever has the bytes may push them; what they make of them is decided by itself
    push_layers(http, "other/copy", "v1", std::slice::from_ref(&own)).await?;
    settled(&server).await?;
    http.get(&format!("/v2/other/copy/blobs/sha256:{}", sha256(&own))).await?.expect_status(200)?;
    never_served(http, &own_path, &own).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_another_repository_cannot_be_reached_from_one() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    for name in ["secret", "mine"] {
        http.post_json("/api/v1/repositories", &json!({"name": name})).await?.expect_status(201)?;
    }
    let layer = gzip(&tar(&[("plans", b"for nobody else")])?)?;
    let manifest = push_layers(http, "secret/app", "v1", std::slice::from_ref(&layer)).await?;
    let staged = push_blob(http, "secret/app", b"staged bytes").await?;
    http.put("/generic/secret/plans.txt", b"for nobody else".to_vec()).await?.expect_status(201)?;
    settled(&server).await?;
    let mine = http.with_token(Some(&token(&server, "write", &["mine"]).await?));
    let layer = format!("sha256:{}", sha256(&layer));
    for path in [
        "/v2/secret/app/manifests/v1".to_owned(),
        format!("/v2/secret/app/manifests/{manifest}"),
        format!("/v2/secret/app/blobs/{layer}"),
        "/v2/secret/app/tags/list".to_owned(),
        format!("/v2/secret/app/referrers/{manifest}"),
        "/generic/secret/plans.txt".to_owned(),
        "/pypi/secret/simple/".to_owned(),
    ] {
        ensure!(mine.get(&path).await?.status == 403, "{path}");
    }
    for digest in [&layer, &manifest, &staged] {
        for path in [format!("/v2/mine/app/blobs/{digest}"), format!("/v2/mine/app/manifests/{digest}")] {
            ensure!(mine.get(&path).await?.status == 404, "{path}");
        }
        // a mount that is not allowed looks like one of something that is not there
        let mount = |from: &str, digest: &str| format!("/v2/mine/app/blobs/uploads/?mount={digest}&from={from}");
        let refused = mine.post(&mount("secret/app", digest), Vec::new()).await?;
        let unknown = mine.post(&mount("nowhere/app", &format!("sha256:{}", "0".repeat(64))), Vec::new()).await?;
        ensure!(refused.status == 202 && unknown.status == 202, "{} {}", refused.status, unknown.status);
        ensure!(mine.get(&format!("/v2/mine/app/blobs/{digest}")).await?.status == 404);
    }
    let listed = mine.get("/v2/_catalog").await?.expect_status(200)?.text();
    ensure!(!listed.contains("secret"), "{listed}");
    for path in ["/api/v1/packages", "/api/v1/repositories", "/api/v1/events?limit=1000"] {
        let reply = mine.get(path).await?;
        ensure!(!reply.text().contains("secret"), "{path}: {}", reply.text());
    }
    let id = crate::support::package_id(&server, "secret/oci/app:v1").await?;
    for path in [format!("/api/v1/packages/{id}"), format!("/api/v1/packages/{id}/sbom"), format!("/ui/packages/{id}")]
    {
        let status = mine.get(&path).await?.status;
        ensure!(matches!(status.as_u16(), 403 | 404), "{path}: {status}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_read_what_is_decided_and_nothing_else() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    let staged = push_blob(http, "main/app", b"staged bytes").await?;
    let reader = http.with_token(Some(&token(&server, "read", &["main"]).await?));
    let writer = http.with_token(Some(&token(&server, "write", &["main"]).await?));
    let path = format!("/v2/main/app/blobs/{staged}");
    ensure!(
        reader.get(&path).await?.status == 404 && reader.head(&path).await?.status == 404,
        "staged bytes were read"
    );
    writer.get(&path).await?.expect_status(200)?;
    let begun = writer.post("/v2/main/app/blobs/uploads/", Vec::new()).await?.expect_status(202)?;
    let location = begun.header("location").context("no location")?;
    for (method, path) in [
        (Method::GET, location),
        (Method::PATCH, location),
        (Method::PUT, location),
        (Method::DELETE, location),
        (Method::POST, "/v2/main/app/blobs/uploads/"),
        (Method::PUT, "/v2/main/app/manifests/v1"),
        (Method::DELETE, path.as_str()),
        (Method::PUT, "/generic/main/x"),
        (Method::DELETE, "/generic/main/x"),
        (Method::POST, "/pypi/main/legacy/"),
        (Method::POST, "/api/v1/policies"),
        (Method::POST, "/api/v1/tokens"),
        (Method::GET, "/api/v1/tokens"),
        (Method::POST, "/api/v1/repositories"),
        (Method::PATCH, "/api/v1/repositories/main"),
        (Method::GET, "/metrics"),
    ] {
        let reply = reader.send(reader.request(method.clone(), path).body("{}")).await?;
        ensure!((400..500).contains(&reply.status.as_u16()), "{method} {path}: {}", reply.status);
    }
    Ok(())
}
