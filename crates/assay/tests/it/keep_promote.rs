//! Downloads counted, packages promoted, versions retained: with the clients that people use.

use crate::support::{options, server, settled, state, token};
use crate::tour_oci::{image, skopeo_copy};
use anyhow::{Context as _, Result};
use assay_testkit::make::wheel::Wheel;
use assay_testkit::{Http, TestServer, tool, upload::pypi};
use reqwest::Method;
use serde_json::{Value, json};

async fn post(http: &Http, path: &str, body: Value, status: u16) -> Result<Value> {
    let reply = http.send(http.request(Method::POST, path).json(&body)).await?.expect_status(status)?;
    reply.json()
}

async fn set(server: &TestServer, repository: &str, settings: Value) -> Result<()> {
    let request = server.http().request(Method::PATCH, &format!("/api/v1/repositories/{repository}")).json(&settings);
    server.http().send(request).await?.expect_status(200)?;
    Ok(())
}

async fn detail(server: &TestServer, what: &str) -> Result<Value> {
    crate::support::package(server, what).await
}

async fn two_places() -> Result<TestServer> {
    let server = server().await?;
    server.cli(["repositories", "create", "prod"])?.succeed().await?;
    Ok(server)
}

#[tokio::test]
async fn downloads_are_counted_once_and_survive_a_restart() -> Result<()> {
    let mut server = options().start().await?;
    let wheel = Wheel::new("pulled", "1.0").build()?;
    pypi(server.http(), "main", &wheel).await?.expect_status(200)?;
    settled(&server).await?;
    let reader = token(&server, "read", &["main"]).await?;
    let user = server.http().with_token(Some(&reader));
    let path = format!("/pypi/main/files/pulled/{}", wheel.file_name);
    user.get(&path).await?.expect_status(200)?;
    user.get(&path).await?.expect_status(200)?;
    user.get_with(&path, &[("range", "bytes=0-9")]).await?.expect_status(206)?;
    // none of these is a download
    user.head(&path).await?.expect_status(200)?;
    user.get_with(&path, &[("range", "bytes=10-")]).await?.expect_status(206)?;
    let etag = user.head(&path).await?.header("etag").unwrap_or_default().to_owned();
    user.get_with(&path, &[("if-none-match", &etag)]).await?.expect_status(304)?;
    user.get("/pypi/main/simple/pulled/").await?.expect_status(200)?;
    server.http().get(&path).await?.expect_status(200)?;
    // stopping writes what was counted
    server.stop().await?;
    server.restart().await?;
    let found = detail(&server, "main/pypi/pulled@1.0").await?;
    assert_eq!(found["downloads"]["count"], json!(4), "{}", found["downloads"]);
    assert_eq!(found["pulls"]["month"], json!(4));
    assert_eq!(found["pulls"]["callers"]["read-only"], json!(3), "{}", found["pulls"]);
    assert_eq!(found["pulls"]["days"].as_object().map(serde_json::Map::len), Some(1));
    let shown = server.cli(["package", "main/pypi/pulled@1.0"])?.succeed().await?;
    assert!(shown.stdout.contains("Downloads   4") && shown.stdout.contains("read-only 3"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_package_goes_to_another_repository_and_keeps_what_it_is() -> Result<()> {
    let server = two_places().await?;
    let http = server.http();
    let wheel = Wheel::new("ready", "1.0").build()?;
    pypi(http, "main", &wheel).await?.expect_status(200)?;
    settled(&server).await?;
    let before = detail(&server, "main/pypi/ready@1.0").await?;
    let blobs = |server: &TestServer| -> usize {
        let root = server.data().join("blobs").join("sha256");
        std::fs::read_dir(root)
            .map_or(0, |all| all.flatten().filter_map(|e| std::fs::read_dir(e.path()).ok()).map(Iterator::count).sum())
    };
    let stored = blobs(&server);
    let ran = server.cli(["promote", "main/pypi/ready@1.0", "prod"])?.succeed().await?;
    assert!(ran.stdout.contains("1 package copied to prod; it is available there"), "{ran}");
    assert_eq!(blobs(&server), stored, "no bytes are copied");
    let after = detail(&server, "prod/pypi/ready@1.0").await?;
    assert_eq!(after["metadata"], before["metadata"]);
    assert_eq!(after["uploader"], before["uploader"]);
    assert_eq!(after["published_at"], before["uploaded_at"], "the time of publishing stays what it was");
    let path = format!("/pypi/prod/files/ready/{}", wheel.file_name);
    assert_eq!(http.get(&path).await?.expect_status(200)?.body, wheel.bytes);
    http.get(&path.replace("prod", "main")).await?.expect_status(200)?;
    let again = server.cli(["promote", "main/pypi/ready@1.0", "prod"])?.succeed().await?;
    assert!(again.stdout.contains("was there already"), "{again}");
    for place in ["main", "prod"] {
        let log = http.get(&format!("/api/v1/events?subject={place}/pypi/ready@1.0")).await?.text();
        assert_eq!(log.matches("package.promoted").count(), 1, "{place}: {log}");
    }
    if let Some(python) = assay_testkit::tools::python_environment(&server.scratch().join("venv")).await? {
        let target = server.scratch().join("installed");
        let index = format!("{}/pypi/prod/simple/", server.url_with_credentials("u"));
        let run = assay_testkit::Run::new(&python)?.args(["-m", "pip", "install", "--no-deps", "--index-url", &index]);
        run.args(["--target"]).arg(&target).arg("ready").succeed().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_target_would_refuse_does_not_arrive() -> Result<()> {
    let server = two_places().await?;
    let http = server.http();
    let wheel = Wheel::new("bad", "1.0").build()?;
    pypi(http, "main", &wheel).await?.expect_status(200)?;
    settled(&server).await?;
    let only_prod = "package assay\n\nimport rego.v1\n\ndefault match := false\n\nmatch if input.v0.repository.name == \"prod\"\n\nreason contains \"nothing may go to prod on a Friday\"\n";
    let draft = json!({"name": "freeze", "rego": only_prod, "actions": [{"kind": "set_state", "params": {"state": "quarantined"}}]});
    let made = http.post_json("/api/v1/policies", &draft).await?;
    anyhow::ensure!(made.status.as_u16() == 201, "{}", made.text());
    settled(&server).await?;
    assert_eq!(state(&server, "main/pypi/bad@1.0").await?, "available");
    let ran = server.cli(["promote", "main/pypi/bad@1.0", "prod", "--move"])?.fail().await?;
    assert!(ran.stderr.contains("bad 1.0 would be quarantined in `prod`: freeze: nothing may go"), "{ran}");
    assert!(ran.stderr.contains("with `--force`") && !ran.stderr.contains("tokens create"), "{ran}");
    let listed = http.get("/api/v1/packages?repository=prod").await?.json()?;
    assert_eq!(listed["packages"], json!([]));
    assert_eq!(state(&server, "main/pypi/bad@1.0").await?, "available", "and it stays where it was");
    // an administrator may send it all the same; the gate there goes on refusing it
    let writer = token(&server, "write", &[]).await?;
    let id = detail(&server, "main/pypi/bad@1.0").await?["id"].clone();
    let path = format!("/api/v1/packages/{id}/promote");
    post(&http.with_token(Some(&writer)), &path, json!({"target": "prod", "force": true}), 403).await?;
    let sent = post(http, &path, json!({"target": "prod", "force": true}), 200).await?;
    assert_eq!(sent["state"], json!("quarantined"), "{sent}");
    http.get(&format!("/pypi/prod/files/bad/{}", wheel.file_name)).await?.expect_status(403)?;
    // permissions: reading here, writing there
    let only_main = token(&server, "write", &["main"]).await?;
    post(&http.with_token(Some(&only_main)), &path, json!({"target": "prod"}), 403).await?;
    let only_target = token(&server, "write", &["prod"]).await?;
    post(&http.with_token(Some(&only_target)), &path, json!({"target": "prod"}), 404).await?;
    Ok(())
}

#[tokio::test]
async fn an_image_moves_with_its_signature_and_its_tags() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let server = two_places().await?;
    let http = server.http();
    let layout = server.scratch().join("layout");
    image("signed")?.write_layout(&layout, "1")?;
    let source = format!("oci:{}:1", layout.display());
    for tag in ["1.0", "stable"] {
        let to = format!("docker://{}/main/team/app:{tag}", server.authority());
        skopeo_copy(&server, &skopeo, &[], &source, &to)?.succeed().await?;
    }
    let head = http.head("/v2/main/team/app/manifests/1.0").await?.expect_status(200)?;
    let digest = head.header("docker-content-digest").context("a digest")?.to_owned();
    // what refers to it by subject, and by the tag that older clients make
    let empty = b"{}".to_vec();
    let config = format!("sha256:{}", assay_testkit::make::sha256(&empty));
    http.post(&format!("/v2/main/team/app/blobs/uploads/?digest={config}"), empty).await?.expect_status(201)?;
    let size = head.header("content-length").context("a size")?.parse::<u64>()?;
    let media = head.header("content-type").context("a type")?.to_owned();
    for (word, tag) in [("sbom", None), ("signature", Some(digest.replace(':', "-") + ".sig"))] {
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": format!("application/x-{word}"),
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
            "layers": [{"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2}],
        });
        if tag.is_none() {
            manifest["subject"] = json!({"mediaType": media, "digest": digest, "size": size});
        }
        let bytes = serde_json::to_vec(&manifest)?;
        let pointer = tag.unwrap_or_else(|| format!("sha256:{}", assay_testkit::make::sha256(&bytes)));
        let kind = "application/vnd.oci.image.manifest.v1+json";
        crate::tour_oci::put_manifest(http, "main/team/app", &pointer, kind, bytes).await?.expect_status(201)?;
    }
    settled(&server).await?;
    let ran = server.cli(["promote", "main/oci/team/app:1.0", "prod", "--move"])?.succeed().await?;
    assert!(ran.stdout.contains("3 packages moved to prod; it is available there"), "{ran}");
    http.get("/v2/main/team/app/manifests/1.0").await?.expect_status(404)?;
    let tags = http.get("/v2/prod/team/app/tags/list").await?.expect_status(200)?.text();
    assert!(tags.contains("\"1.0\"") && tags.contains("\"stable\"") && tags.contains(".sig"), "{tags}");
    let referrers = http.get(&format!("/v2/prod/team/app/referrers/{digest}")).await?.expect_status(200)?.text();
    assert!(referrers.contains("application/x-sbom"), "{referrers}");
    let back = server.scratch().join("back");
    let from = format!("docker://{}/prod/team/app:stable", server.authority());
    skopeo_copy(&server, &skopeo, &[], &from, &format!("dir:{}", back.display()))?.succeed().await?;
    Ok(())
}

#[tokio::test]
async fn a_rule_promotes_what_gets_a_tag_and_is_allowed() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let server = two_places().await?;
    let rules = json!([{"name": "released", "target": "prod", "format": "oci", "tags": ["v*"]}]);
    set(&server, "main", json!({"promotion": rules})).await?;
    let layout = server.scratch().join("layout");
    image("ruled")?.write_layout(&layout, "1")?;
    let source = format!("oci:{}:1", layout.display());
    let push = |tag: &str| {
        skopeo_copy(&server, &skopeo, &[], &source, &format!("docker://{}/main/app:{tag}", server.authority()))
    };
    push("test")?.succeed().await?;
    settled(&server).await?;
    server.http().get("/v2/prod/app/manifests/test").await?.expect_status(404)?;
    push("v1")?.succeed().await?;
    settled(&server).await?;
    server.http().get("/v2/prod/app/manifests/v1").await?.expect_status(200)?;
    server.http().get("/v2/main/app/manifests/v1").await?.expect_status(200)?;
    Ok(())
}

#[tokio::test]
async fn retention_shows_what_it_would_delete_and_deletes_that() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    // in an order that is not that of their versions
    for version in ["1.10", "1.2", "1.9", "2.0rc1"] {
        pypi(http, "main", &Wheel::new("many", version).build()?).await?.expect_status(200)?;
    }
    pypi(http, "main", &Wheel::new("other", "1.0").build()?).await?.expect_status(200)?;
    settled(&server).await?;
    let file = server.scratch().join("rules.json");
    std::fs::write(
        &file,
        json!([{"name": "newest", "format": "pypi", "names": ["many"], "keep_last": 2}]).to_string(),
    )?;
    let tried = server.cli(["retention", "preview", "main", "--rules"])?.arg(&file).succeed().await?;
    assert!(tried.stdout.contains("many 1.2") && tried.stdout.contains("many 1.9"), "{tried}");
    assert!(
        !tried.stdout.contains("1.10") && !tried.stdout.contains("2.0rc1") && !tried.stdout.contains("other"),
        "{tried}"
    );
    assert!(tried.stdout.contains("2 packages"), "{tried}");
    std::fs::write(&file, json!([{"name": "found", "query": "^many version:1.* NOT version:1.10"}]).to_string())?;
    let searched = server.cli(["retention", "preview", "main", "--rules"])?.arg(&file).succeed().await?;
    assert!(searched.stdout.contains("many 1.2") && searched.stdout.contains("2 packages"), "{searched}");
    std::fs::write(&file, json!([{"name": "odd", "query": "nmae:x"}]).to_string())?;
    let odd = server.cli(["retention", "preview", "main", "--rules"])?.arg(&file).fail().await?;
    assert!(odd.output().contains("there is no field `nmae`"), "{odd}");
    let newest = json!([{"name": "newest", "format": "pypi", "names": ["many"], "keep_last": 2}]);
    std::fs::write(&file, newest.to_string())?;
    let none = server.cli(["retention", "preview", "main"])?.succeed().await?;
    assert!(none.stdout.contains("0 packages"), "nothing is in force: {none}");

    server.cli(["repositories", "set", "main", "--retention"])?.arg(&file).succeed().await?;
    let ran = server.cli(["retention", "run", "main"])?.succeed().await?;
    assert!(ran.stdout.contains("2 packages") && ran.stdout.contains("deleted"), "{ran}");
    let index = http.get("/pypi/main/simple/many/").await?.expect_status(200)?.text();
    assert!(index.contains("1.10") && index.contains("2.0rc1") && !index.contains("many-1.2-"), "{index}");
    let log = http.get("/api/v1/events?subject=main/pypi/many@1.2").await?.text();
    assert!(log.contains("\"rule\":\"newest\"") && log.contains("older than the newest 2"), "{log}");
    let trash = server.cli(["trash", "list"])?.succeed().await?;
    assert!(trash.stdout.contains("retention: newest"), "{trash}");
    server.cli(["trash", "restore", "main/pypi/many@1.2"])?.succeed().await?;
    settled(&server).await?;
    assert_eq!(state(&server, "main/pypi/many@1.2").await?, "available");
    // rules that are none
    let wrong = json!({"retention": [{"name": "nothing"}]});
    let request = http.request(Method::PATCH, "/api/v1/repositories/main").json(&wrong);
    let refused = http.send(request).await?.expect_status(400)?;
    assert!(refused.text().contains("no limit"), "{}", refused.text());
    Ok(())
}

#[tokio::test]
async fn retention_keeps_images_whole() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let server = server().await?;
    let http = server.http();
    let mut lists = Vec::new();
    for word in ["old", "new"] {
        let layout = server.scratch().join(word);
        image(word)?.write_layout(&layout, "1")?;
        let to = format!("docker://{}/main/app:tmp-{word}", server.authority());
        skopeo_copy(&server, &skopeo, &[], &format!("oci:{}:1", layout.display()), &to)?.succeed().await?;
        let head = http.head(&format!("/v2/main/app/manifests/tmp-{word}")).await?.expect_status(200)?;
        let (digest, size) = (
            head.header("docker-content-digest").unwrap_or_default().to_owned(),
            head.header("content-length").unwrap_or_default().parse::<u64>()?,
        );
        let kind = "application/vnd.oci.image.index.v1+json";
        let index = json!({"schemaVersion": 2, "mediaType": kind, "manifests": [{
            "mediaType": head.header("content-type").unwrap_or_default(), "digest": digest, "size": size,
            "platform": {"os": "linux", "architecture": "amd64"},
        }]});
        crate::tour_oci::put_manifest(http, "main/app", word, kind, serde_json::to_vec(&index)?)
            .await?
            .expect_status(201)?;
        http.delete(&format!("/v2/main/app/manifests/tmp-{word}")).await?.expect_status(202)?;
        lists.push(digest);
    }
    settled(&server).await?;
    set(&server, "main", json!({"retention": [{"name": "one", "keep_last": 1}]})).await?;
    let gone = post(http, "/api/v1/repositories/main/retention", json!({}), 200).await?;
    assert_eq!(gone["count"], json!(2), "an index and its image: {gone}");
    http.get("/v2/main/app/manifests/old").await?.expect_status(404)?;
    http.get(&format!("/v2/main/app/manifests/{}", lists[0])).await?.expect_status(404)?;
    http.get("/v2/main/app/manifests/new").await?.expect_status(200)?;
    http.get(&format!("/v2/main/app/manifests/{}", lists[1])).await?.expect_status(200)?;
    // a tag that is kept keeps its image
    set(&server, "main", json!({"retention": [{"name": "all", "max_age_days": 0, "keep_tags": ["new"]}]})).await?;
    let gone = post(http, "/api/v1/repositories/main/retention", json!({}), 200).await?;
    assert_eq!(gone["count"], json!(0), "{gone}");
    Ok(())
}
