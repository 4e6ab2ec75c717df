//! What is kept and what goes: deleting with a way back, immutability, quotas and collection, as the clients see them.

use crate::support::{options, server, settled, state, token};
use anyhow::Result;
use assay_testkit::make::wheel::Wheel;
use assay_testkit::{Run, TestServer, tool, upload::pypi};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Changes settings of the repository `main`.
async fn set(server: &TestServer, settings: Value) -> Result<()> {
    let request = server.http().request(reqwest::Method::PATCH, "/api/v1/repositories/main").json(&settings);
    server.http().send(request).await?.expect_status(200)?;
    Ok(())
}

async fn post(server: &TestServer, path: &str, body: Value) -> Result<Value> {
    let request = server.http().request(reqwest::Method::POST, path).json(&body);
    server.http().send(request).await?.expect_status(200)?.json()
}

/// Waits for a collection to end.
async fn collect(server: &TestServer, older_than: u32) -> Result<Value> {
    post(server, "/api/v1/gc", json!({"older_than_seconds": older_than, "deep": true})).await?;
    let start = Instant::now();
    loop {
        let run = server.http().get("/api/v1/gc").await?.json()?;
        if run["running"] == json!(false) {
            return Ok(run);
        }
        anyhow::ensure!(start.elapsed() < Duration::from_secs(30), "{run}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn blobs(server: &TestServer) -> usize {
    fn count(folder: &Path) -> usize {
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        entries.flatten().map(|e| if e.path().is_dir() { count(&e.path()) } else { 1 }).sum()
    }
    count(&server.data().join("blobs").join("sha256"))
}

#[tokio::test]
async fn a_deleted_version_comes_back_and_its_name_is_not_taken_meanwhile() -> Result<()> {
    let server = server().await?;
    let wheel = Wheel::new("kept", "1.0").build()?;
    pypi(server.http(), "main", &wheel).await?.expect_status(200)?;
    settled(&server).await?;
    let file = format!("/pypi/main/files/kept/{}", wheel.file_name);
    server.http().get(&file).await?.expect_status(200)?;

    let ran = server.cli(["delete", "main/pypi/kept@1.0"])?.succeed().await?;
    assert!(ran.stdout.contains("assay trash restore"), "{ran}");
    server.http().get(&file).await?.expect_status(404)?;
    server.http().get("/pypi/main/simple/kept/").await?.expect_status(404)?;
    let listed = server.cli(["trash", "list"])?.succeed().await?;
    assert!(listed.stdout.contains("kept") && listed.stdout.contains("deleted"), "{listed}");

    // other bytes under the name are refused, and twine shows why
    let other = Wheel::new("kept", "1.0").file("other.py", "x = 1").build()?;
    assert_ne!(other.bytes, wheel.bytes);
    if let Some(twine) = tool("twine") {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(&other.file_name);
        std::fs::write(&path, &other.bytes)?;
        let run = Run::new(&twine)?.args([
            "upload",
            "--verbose",
            "--disable-progress-bar",
            "-u",
            "__token__",
            "-p",
            server.token(),
        ]);
        let address = format!("{}/pypi/main/legacy/", server.url());
        let ran = run.args(["--repository-url", &address]).arg(&path).fail().await?;
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains("in the trash"), "{ran}");
    }

    // collection leaves the trash alone, restoring decides anew and serves the same bytes
    collect(&server, 0).await?;
    let ran = server.cli(["trash", "restore", "main/pypi/kept@1.0"])?.succeed().await?;
    assert!(ran.stdout.contains("restored"), "{ran}");
    settled(&server).await?;
    assert_eq!(state(&server, "main/pypi/kept@1.0").await?, "available");
    assert_eq!(server.http().get(&file).await?.expect_status(200)?.body, wheel.bytes);

    // purged, the name is free again
    server.cli(["delete", "main/pypi/kept@1.0"])?.succeed().await?;
    server.cli(["trash", "purge", "main/pypi/kept@1.0"])?.succeed().await?;
    server.cli(["trash", "restore", "main/pypi/kept@1.0"])?.fail().await?;
    pypi(server.http(), "main", &other).await?.expect_status(200)?;
    settled(&server).await?;
    assert_eq!(server.http().get(&file).await?.expect_status(200)?.body, other.bytes);
    let log = server.http().get("/api/v1/events?subject=main/pypi/kept@1.0").await?.text();
    for kind in ["package.deleted", "package.restored", "package.purged"] {
        assert!(log.contains(kind), "{kind}: {log}");
    }
    Ok(())
}

#[tokio::test]
async fn what_was_overwritten_can_be_had_again() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    http.put("/generic/main/notes.txt", "one").await?.expect_status(201)?;
    http.put("/generic/main/notes.txt", "two").await?.expect_status(200)?;
    let trash = http.get("/api/v1/trash?repository=main").await?.json()?;
    let old = trash["trash"][0].clone();
    assert_eq!((&old["cause"], &old["files"]), (&json!("replaced"), &json!(1)), "{trash}");
    let body = json!({"package": old["id"].to_string()});
    let request = http.request(reqwest::Method::POST, "/api/v1/trash/restore").json(&body);
    let refused = http.send(request).await?.expect_status(409)?;
    assert!(refused.text().contains("other content"), "{}", refused.text());
    http.delete("/generic/main/notes.txt").await?.expect_status(204)?;
    post(&server, "/api/v1/trash/restore", body).await?;
    settled(&server).await?;
    assert_eq!(http.get("/generic/main/notes.txt").await?.expect_status(200)?.text(), "one");
    // without a trash, what is deleted is gone
    set(&server, json!({"trash_days": 0})).await?;
    http.delete("/generic/main/notes.txt").await?.expect_status(204)?;
    let trash = http.get("/api/v1/trash?repository=main").await?.json()?;
    assert_eq!(trash["trash"].as_array().map(Vec::len), Some(1), "only what was there before: {trash}");
    Ok(())
}

#[tokio::test]
async fn only_those_who_may_restore_and_purge() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    http.put("/generic/main/a.txt", "a").await?.expect_status(201)?;
    http.delete("/generic/main/a.txt").await?.expect_status(204)?;
    server.cli(["repositories", "create", "other"])?.succeed().await?;
    let trash = http.get("/api/v1/trash").await?.json()?;
    let body = json!({"package": trash["trash"][0]["id"].to_string()});
    let ask = |secret: String, path: &'static str, body: Value| {
        let http = server.http().with_token(Some(&secret));
        async move { http.send(http.request(reqwest::Method::POST, path).json(&body)).await }
    };
    let (reader, writer, elsewhere) = (
        token(&server, "read", &["main"]).await?,
        token(&server, "write", &["main"]).await?,
        token(&server, "write", &["other"]).await?,
    );
    ask(reader, "/api/v1/trash/restore", body.clone()).await?.expect_status(403)?;
    ask(elsewhere.clone(), "/api/v1/trash/restore", body.clone()).await?.expect_status(404)?;
    let seen = http.with_token(Some(&elsewhere)).get("/api/v1/trash").await?.json()?;
    assert_eq!(seen["trash"], json!([]));
    ask(writer.clone(), "/api/v1/trash/purge", body.clone()).await?.expect_status(403)?;
    ask(writer, "/api/v1/trash/restore", body).await?.expect_status(200)?;
    Ok(())
}

#[tokio::test]
async fn what_is_immutable_is_neither_replaced_nor_deleted() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    set(&server, json!({"immutable": true})).await?;
    let writer = token(&server, "write", &["main"]).await?;
    let user = http.with_token(Some(&writer));
    user.put("/generic/main/a.txt", "one").await?.expect_status(201)?;
    user.put("/generic/main/a.txt", "one").await?;
    let refused = user.put("/generic/main/a.txt", "two").await?.expect_status(409)?;
    assert!(refused.text().contains("immutable"), "{}", refused.text());
    let refused = user.delete("/generic/main/a.txt").await?.expect_status(409)?;
    assert!(refused.text().contains("only administrators"), "{}", refused.text());
    settled(&server).await?;
    assert_eq!(user.get("/generic/main/a.txt").await?.expect_status(200)?.text(), "one");
    http.delete("/generic/main/a.txt").await?.expect_status(204)?;
    Ok(())
}

#[tokio::test]
async fn tags_are_immutable_by_pattern() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let server = server().await?;
    set(&server, json!({"immutable_tag_patterns": ["v*", "!v0*"]})).await?;
    let writer = token(&server, "write", &["main"]).await?;
    let folder = tempfile::tempdir()?;
    let push = |layout: &str, tag: &str| -> Result<Run> {
        let credentials = format!("u:{writer}");
        let to = format!("docker://{}/main/app:{tag}", server.authority());
        Ok(Run::new(&skopeo)?
            .args(["copy", "--insecure-policy", "--dest-tls-verify=false", "--dest-creds", &credentials])
            .args([&format!("oci:{layout}"), &to]))
    };
    let mut layouts = Vec::new();
    for n in 0..2 {
        let path = folder.path().join(format!("layout{n}"));
        crate::tour_oci::image(&format!("content {n}"))?.write_layout(&path, "x")?;
        layouts.push(format!("{}:x", path.display()));
    }
    for tag in ["v1.0", "latest", "v0.9"] {
        push(&layouts[0], tag)?.succeed().await?;
    }
    push(&layouts[1], "latest")?.succeed().await?;
    push(&layouts[1], "v0.9")?.succeed().await?;
    let ran = push(&layouts[1], "v1.0")?.fail().await?;
    assert!(ran.stderr.contains("immutable"), "skopeo shows why: {ran}");
    push(&layouts[0], "v1.0")?.succeed().await?;
    let user = server.http().with_token(Some(&writer));
    let refused = user.delete("/v2/main/app/manifests/v1.0").await?.expect_status(409)?;
    assert!(refused.text().contains("immutable"), "{}", refused.text());
    user.delete("/v2/main/app/manifests/v0.9").await?.expect_status(202)?;
    server.http().delete("/v2/main/app/manifests/v1.0").await?.expect_status(202)?;
    Ok(())
}

#[tokio::test]
async fn a_quota_warns_and_then_refuses_in_the_words_of_the_client() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    set(&server, json!({"quota_bytes": 1000})).await?;
    let first = http.put("/generic/main/a.bin", vec![1; 700]).await?.expect_status(201)?;
    assert_eq!(first.header("x-assay-warning"), None);
    let second = http.put("/generic/main/b.bin", vec![2; 200]).await?.expect_status(201)?;
    assert!(second.header("x-assay-warning").is_some_and(|w| w.contains("90 %")), "{:?}", second.headers);
    // the same bytes again cost nothing
    http.put("/generic/main/c.bin", vec![1; 700]).await?.expect_status(201)?;
    let refused = http.put("/generic/main/d.bin", vec![3; 200]).await?.expect_status(403)?;
    assert!(refused.text().contains("quota of repository `main` is used up"), "{}", refused.text());
    http.get("/generic/main/d.bin").await?.expect_status(404)?;
    let events = http.get("/api/v1/events?subject=main&order=newest").await?.text();
    assert!(events.contains("quota.warned") && events.contains("\"threshold\":80"), "{events}");
    let status = http.get("/api/v1/status").await?.json()?;
    assert_eq!(status["repositories"][0]["holds"]["bytes"], json!(900), "{status}");
    let shown = server.cli(["status"])?.succeed().await?;
    assert!(shown.stdout.contains("90 %"), "{shown}");

    // twine shows it as well
    if let Some(twine) = tool("twine") {
        let wheel = Wheel::new("large", "1.0").build()?;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(&wheel.file_name);
        std::fs::write(&path, &wheel.bytes)?;
        let run = Run::new(&twine)?.args([
            "upload",
            "--verbose",
            "--disable-progress-bar",
            "-u",
            "__token__",
            "-p",
            server.token(),
        ]);
        let address = format!("{}/pypi/main/legacy/", server.url());
        let ran = run.args(["--repository-url", &address]).arg(&path).fail().await?;
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains("quota of repository"), "{ran}");
    }
    // deleting makes room
    http.delete("/generic/main/b.bin").await?.expect_status(204)?;
    http.put("/generic/main/d.bin", vec![3; 200]).await?.expect_status(201)?;
    set(&server, json!({"quota_bytes": 0, "quota_packages": 3})).await?;
    let refused = http.put("/generic/main/e.bin", "e").await?.expect_status(403)?;
    assert!(refused.text().contains("4 packages of 3"), "{}", refused.text());
    Ok(())
}

#[tokio::test]
async fn collection_runs_beside_uploads_of_the_same_bytes() -> Result<()> {
    let server = server().await?;
    set(&server, json!({"trash_days": 0})).await?;
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut users = Vec::new();
    for user in 0..4 {
        let (http, stop) = (server.http().with_token(Some(server.token())), stop.clone());
        users.push(tokio::spawn(async move {
            let mut rounds = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                // the same few bytes by everyone, gone a moment later
                let body = vec![u8::try_from(rounds % 3).unwrap(); 5000];
                let path = format!("/generic/main/{user}.bin");
                let put = http.put(&path, body.clone()).await?;
                anyhow::ensure!(matches!(put.status.as_u16(), 200 | 201), "{}: {}", put.status, put.text());
                let got = http.get(&path).await?.expect_status(200)?;
                anyhow::ensure!(got.body == body, "other bytes came back");
                http.delete(&path).await?.expect_status(204)?;
                rounds += 1;
            }
            anyhow::Ok(rounds)
        }));
    }
    let (start, mut removed) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(6) {
        removed += collect(&server, 0).await?["removed"].as_u64().unwrap_or_default();
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for user in users {
        let rounds = user.await??;
        assert!(rounds > 5, "an upload waited for collection: {rounds} rounds");
    }
    assert!(removed > 5, "collection found nothing: {removed}");
    collect(&server, 0).await?;
    assert_eq!(blobs(&server), 0, "nothing is left");
    Ok(())
}

#[tokio::test]
async fn a_dry_run_says_what_would_go_and_metrics_what_went() -> Result<()> {
    let server = options().start().await?;
    let http = server.http();
    set(&server, json!({"trash_days": 0})).await?;
    http.put("/generic/main/a.bin", vec![7; 4096]).await?.expect_status(201)?;
    http.put("/generic/main/b.bin", vec![8; 100]).await?.expect_status(201)?;
    http.delete("/generic/main/a.bin").await?.expect_status(204)?;
    let ran = server.cli(["gc", "--dry-run", "--older-than", "0"])?.succeed().await?;
    assert!(ran.stdout.contains("2 blobs looked at, 1 would be removed (4.0 KiB)"), "{ran}");
    assert_eq!(blobs(&server), 2);
    let young = server.cli(["gc"])?.succeed().await?;
    assert!(young.stdout.contains("0 removed"), "what came today is left: {young}");
    let ran = server.cli(["gc", "--older-than", "0"])?.succeed().await?;
    assert!(ran.stdout.contains("1 removed (4.0 KiB)"), "{ran}");
    assert_eq!(blobs(&server), 1);
    let metrics = http.get("/metrics").await?.text();
    assert!(
        metrics.contains("assay_gc_removed_total 1") && metrics.contains("assay_gc_removed_bytes_total 4096"),
        "{metrics}"
    );
    Ok(())
}
