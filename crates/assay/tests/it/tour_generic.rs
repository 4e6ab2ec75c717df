//! Plain files with curl: up, down, parts of them, validators, listings, and away again.

use crate::support::server;
use anyhow::Result;
use assay_testkit::evidence::{Case, saw};
use assay_testkit::{Ran, Run, TestServer, tool};
use reqwest::Method;
use serde_json::json;
use std::path::Path;

/// Curl with the token as anybody's password; it fails on HTTP errors and shows their text.
fn curl(server: &TestServer, program: &Path) -> Result<Run> {
    let credentials = format!("anyone:{}", server.token());
    Ok(Run::new(program)?.args(["--silent", "--show-error", "--fail-with-body", "-u", &credentials]))
}

fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|at| u8::try_from((at * 31 + at / 251) % 251).unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_file_goes_up_and_comes_back() -> Result<()> {
    let Some(program) = tool("curl") else { return Ok(()) };
    let server = server().await?;
    let folder = tempfile::tempdir()?;
    let (sent, got) = (folder.path().join("sent"), folder.path().join("got"));
    std::fs::write(&sent, bytes(300_000))?;
    let address = format!("{}/generic/main/releases/1.0/tool%20kit.bin", server.url());
    let ran = curl(&server, &program)?.arg("-T").arg(&sent).arg(&address).succeed().await?;
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(answer["path"], "releases/1.0/tool kit.bin");
    saw("generic", "curl", Case::Push);

    curl(&server, &program)?.arg("-o").arg(&got).arg(&address).succeed().await?;
    assert_eq!(std::fs::read(&got)?, bytes(300_000));
    saw("generic", "curl", Case::Pull);

    let ran: Ran = curl(&server, &program)?.args(["--head", &address]).succeed().await?;
    let head = ran.stdout.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200") && head.contains("content-length: 300000"), "{ran}");
    assert!(head.contains("accept-ranges: bytes") && head.contains("etag: \"sha256:"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_stopped() -> Result<()> {
    let Some(program) = tool("curl") else { return Ok(()) };
    let server = server().await?;
    let folder = tempfile::tempdir()?;
    let got = folder.path().join("got");
    server.http().put("/generic/main/big.bin", bytes(200_000)).await?.expect_status(201)?;
    std::fs::write(&got, &bytes(200_000)[..70_001])?;
    let address = format!("{}/generic/main/big.bin", server.url());
    let run =
        curl(&server, &program)?.args(["--continue-at", "-", "--write-out", "%{http_code} %{size_download}", "-o"]);
    let ran = run.arg(&got).arg(&address).succeed().await?;
    assert_eq!(ran.stdout, "206 129999", "only the rest is sent");
    assert_eq!(std::fs::read(&got)?, bytes(200_000));
    Ok(())
}

#[tokio::test]
async fn parts_and_validators_follow_http() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    let path = "/generic/main/a/b.bin";
    http.put(path, bytes(1000)).await?.expect_status(201)?;
    let whole = http.get(path).await?.expect_status(200)?;
    let etag = whole.header("etag").unwrap_or_default().to_owned();

    let part = http.get_with(path, &[("range", "bytes=100-199")]).await?.expect_status(206)?;
    assert_eq!(part.body, bytes(1000)[100..200]);
    assert_eq!(part.header("content-range"), Some("bytes 100-199/1000"));
    let tail = http.get_with(path, &[("range", "bytes=-10")]).await?.expect_status(206)?;
    assert_eq!(tail.body, bytes(1000)[990..]);
    let beyond = http.get_with(path, &[("range", "bytes=1000-")]).await?.expect_status(416)?;
    assert_eq!(beyond.header("content-range"), Some("bytes */1000"));

    let same = http.get_with(path, &[("if-none-match", &etag)]).await?.expect_status(304)?;
    assert!(same.body.is_empty() && same.header("etag") == Some(etag.as_str()));
    http.get_with(path, &[("if-none-match", "\"sha256:other\"")]).await?.expect_status(200)?;
    let stale = [("range", "bytes=0-9"), ("if-range", "\"sha256:other\"")];
    assert_eq!(http.get_with(path, &stale).await?.expect_status(200)?.body.len(), 1000);
    let head = http.head(path).await?.expect_status(200)?;
    assert_eq!((head.header("content-length"), head.body.len()), (Some("1000"), 0));
    Ok(())
}

#[tokio::test]
async fn a_second_upload_replaces_the_first_and_changes_the_validator() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    let path = "/generic/main/notes.txt";
    let created = http.put(path, "one").await?.expect_status(201)?;
    let first = created.header("etag").unwrap_or_default().to_owned();
    assert_eq!(created.header("location"), Some(path));
    let replaced = http.put(path, "two").await?.expect_status(200)?;
    assert_ne!(replaced.header("etag"), Some(first.as_str()));
    assert_eq!(http.get_with(path, &[("if-none-match", &first)]).await?.expect_status(200)?.text(), "two");
    // One name is one package: what was replaced is no longer listed.
    let listed = http.get("/api/v1/packages?format=generic").await?.json()?;
    assert_eq!(listed["packages"].as_array().map(Vec::len), Some(1), "{listed}");
    Ok(())
}

#[tokio::test]
async fn an_upload_with_a_wrong_checksum_leaves_nothing() -> Result<()> {
    let server = server().await?;
    let wrong = "0".repeat(64);
    let request = server.http().request(Method::PUT, "/generic/main/x.bin").header("x-checksum-sha256", wrong);
    let refused = server.http().send(request.body("not that")).await?.expect_status(400)?;
    assert!(
        refused.text().to_lowercase().contains("sha-256") || refused.text().contains("digest"),
        "{}",
        refused.text()
    );
    server.http().get("/generic/main/x.bin").await?.expect_status(404)?;
    Ok(())
}

#[tokio::test]
async fn a_path_leads_nowhere_else() -> Result<()> {
    let Some(program) = tool("curl") else { return Ok(()) };
    let server = server().await?;
    for path in ["a/../b", "a/%2e%2e/b", "../../etc/passwd", "a//b", "a%00b", "."] {
        let run =
            curl(&server, &program)?.args(["--path-as-is", "-X", "PUT", "-d", "x", "--write-out", "\n%{http_code}"]);
        let ran = run.arg(format!("{}/generic/main/{path}", server.url())).fail().await?;
        assert!(ran.stdout.ends_with("400") || ran.stdout.ends_with("404"), "{path}: {ran}");
    }
    let listed = server.http().get("/generic/main/").await?.expect_status(200)?.json()?;
    assert_eq!((&listed["folders"], &listed["files"]), (&json!([]), &json!([])));
    Ok(())
}

#[tokio::test]
async fn folders_are_listed_and_files_deleted() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    for path in ["top.txt", "dir/one.txt", "dir/two.txt", "dir/deep/three.txt"] {
        http.put(&format!("/generic/main/{path}"), path).await?.expect_status(201)?;
    }
    let top = http.get("/generic/main/").await?.expect_status(200)?.json()?;
    assert_eq!((&top["folders"], &top["files"]), (&json!(["dir"]), &json!(["top.txt"])));
    let dir = http.get("/generic/main/dir/").await?.expect_status(200)?.json()?;
    assert_eq!((&dir["folders"], &dir["files"]), (&json!(["deep"]), &json!(["one.txt", "two.txt"])));
    let page = http.get_with("/generic/main/dir/", &[("accept", "text/html")]).await?.expect_status(200)?.text();
    assert!(page.contains("href=\"./deep/\"") && page.contains("href=\"./one.txt\""), "{page}");

    let reader = crate::support::token(&server, "read", &["main"]).await?;
    http.with_token(Some(&reader)).delete("/generic/main/dir/one.txt").await?.expect_status(403)?;
    http.delete("/generic/main/dir/one.txt").await?.expect_status(204)?;
    http.get("/generic/main/dir/one.txt").await?.expect_status(404)?;
    http.delete("/generic/main/dir/one.txt").await?.expect_status(404)?;
    let dir = http.get("/generic/main/dir/").await?.json()?;
    assert_eq!(dir["files"], json!(["two.txt"]));
    Ok(())
}

#[tokio::test]
async fn checksums_are_verified_with_the_tools_that_everyone_has() -> Result<()> {
    let Some(program) = tool("curl") else { return Ok(()) };
    let server = server().await?;
    let folder = tempfile::tempdir()?;
    let address = format!("{}/generic/main/tools/kit.bin", server.url());
    server.http().put("/generic/main/tools/kit.bin", bytes(10_000)).await?.expect_status(201)?;
    let kit = folder.path().join("kit.bin");
    curl(&server, &program)?.arg("-o").arg(&kit).arg(&address).succeed().await?;
    for algorithm in ["sha256", "sha512", "sha1", "md5"] {
        let sums = folder.path().join(algorithm);
        curl(&server, &program)?.arg("-o").arg(&sums).arg(format!("{address}.{algorithm}")).succeed().await?;
        let check = Run::new(format!("{algorithm}sum"))?.arg("--check").arg(&sums).current_dir(folder.path());
        assert!(check.succeed().await?.says("kit.bin: OK"));
    }
    server.http().get("/generic/main/tools/none.bin.sha256").await?.expect_status(404)?;
    Ok(())
}

#[tokio::test]
async fn of_many_uploads_for_a_new_file_one_is_stored() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    let put = |n: usize| {
        let request = http.request(Method::PUT, "/generic/main/once.bin").header("if-none-match", "*");
        http.send(request.body(format!("upload {n}")))
    };
    let answers = futures_util::future::join_all((0..8).map(put)).await;
    let mut stored = Vec::new();
    for (n, answer) in answers.into_iter().enumerate() {
        match answer?.status.as_u16() {
            201 => stored.push(n),
            412 => {}
            other => anyhow::bail!("upload {n} was answered with {other}"),
        }
    }
    assert_eq!(stored.len(), 1, "{stored:?}");
    let text = http.get("/generic/main/once.bin").await?.expect_status(200)?.text();
    assert_eq!(text, format!("upload {}", stored[0]));
    let program = tool("curl");
    let Some(program) = program else { return Ok(()) };
    let run = curl(&server, &program)?.args(["-X", "PUT", "-d", "x", "-H", "If-None-Match: *"]);
    let ran = run.arg(format!("{}/generic/main/once.bin", server.url())).fail().await?;
    assert!(ran.says("already"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn what_is_refused_hidden_or_forbidden_says_so_to_curl() -> Result<()> {
    let Some(program) = tool("curl") else { return Ok(()) };
    let server = server().await?;
    let http = server.http();
    for (path, action) in [("bad.bin", "quarantine"), ("gone.bin", "hide")] {
        http.put(&format!("/generic/main/{path}"), bytes(100)).await?.expect_status(201)?;
        let text = format!(
            "package cloudsmith\n\nimport rego.v1\n\ndefault match := false\n\nmatch if count(reason) > 0\n\n\
             reason contains \"not that one\" if {{\n\tinput.v0.package.name == \"{path}\"\n}}\n"
        );
        let file = server.scratch().join(format!("{action}-it.rego"));
        std::fs::write(&file, text)?;
        crate::support::settled(&server).await?;
        server.cli(["policy", "add", "--action", action])?.arg(file).succeed().await?;
        crate::support::settled(&server).await?;
    }
    for path in ["bad.bin", "bad.bin.sha256"] {
        let ran = curl(&server, &program)?.arg(format!("{}/generic/main/{path}", server.url())).fail().await?;
        assert!(ran.says("quarantined by policy") && ran.says("not that one"), "{path}: {ran}");
    }
    saw("generic", "curl", Case::Quarantined);
    let listed = http.get("/generic/main/").await?.json()?;
    assert!(!listed["files"].to_string().contains("gone.bin"), "{listed}");
    let ran = curl(&server, &program)?.arg(format!("{}/generic/main/gone.bin", server.url())).fail().await?;
    assert!(ran.says("there is no file"), "{ran}");
    saw("generic", "curl", Case::Hidden);

    let reader = crate::support::token(&server, "read", &["main"]).await?;
    let run = Run::new(&program)?.args(["--silent", "--show-error", "--fail-with-body", "-u", &format!("x:{reader}")]);
    let ran = run.args(["-X", "PUT", "-d", "x"]).arg(format!("{}/generic/main/new.bin", server.url())).fail().await?;
    assert!(ran.says("lacks `write` on main"), "{ran}");
    saw("generic", "curl", Case::NoPermission);
    let ran = curl(&server, &program)?.args(["-X", "DELETE"]).arg(format!("{}/generic/main/bad/", server.url()));
    assert!(ran.fail().await?.says("delete the files one by one"));
    curl(&server, &program)?
        .args(["-X", "DELETE"])
        .arg(format!("{}/generic/main/bad.bin", server.url()))
        .succeed()
        .await?;
    saw("generic", "curl", Case::TakeBack);
    Ok(())
}
