//! Container images: with skopeo there and back, and the protocol's corners by raw requests.

use crate::support::{server, token};
use anyhow::{Context, Result};
use assay_testkit::evidence::{Case, saw};
use assay_testkit::make::{
    oci::{Apk, Blob, Image, Parts},
    sha256,
};
use assay_testkit::{Http, Reply, Run, TestServer, corpus, tool};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";
const REAL: &str = "rootfs/docker-save-alpine-310.tar.gz";

/// A small image, different for each word.
pub fn image(word: &str) -> Result<Image> {
    let apk = Apk { name: "musl", version: "1.1.22-r3", origin: "musl", license: "MIT" };
    Image::new().alpine("3.10.9", &[apk])?.layer(&[("srv/word", word.as_bytes())])
}

/// The real image as an uncompressed archive, because older skopeos cannot read a compressed one.
pub async fn real_archive(folder: &Path) -> Result<Option<PathBuf>> {
    let Some(packed) = corpus(REAL) else { return Ok(None) };
    let archive = folder.join("alpine.tar");
    let unpack = "gzip -dc \"$0\" > \"$1\"";
    Run::new("sh")?.args(["-c", unpack]).arg(packed).arg(&archive).succeed().await?;
    Ok(Some(archive))
}

/// `skopeo copy` between an archive or folder and the server, with the token as anybody's password.
pub fn skopeo_copy(server: &TestServer, program: &Path, more: &[&str], from: &str, to: &str) -> Result<Run> {
    let credentials = format!("anyone:{}", server.token());
    let mut run = Run::new(program)?.args(["copy", "--insecure-policy"]).args(more);
    for (side, reference) in [("src", from), ("dest", to)] {
        if reference.starts_with("docker://") {
            run =
                run.arg(format!("--{side}-tls-verify=false")).args([&format!("--{side}-creds"), credentials.as_str()]);
        }
    }
    Ok(run.args([from, to]))
}

async fn skopeo_show(server: &TestServer, program: &Path, what: &[&str], reference: &str) -> Result<Value> {
    let credentials = format!("anyone:{}", server.token());
    let run = Run::new(program)?.args(what).args(["--tls-verify=false", "--creds", &credentials, reference]);
    Ok(serde_json::from_str(&run.succeed().await?.stdout)?)
}

async fn there_and_back(archive: &Path, kind: &str, media_type: &str) -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let server = server().await?;
    let remote = format!("docker://{}/main/team/alpine:3.10", server.authority());
    let back = tempfile::tempdir()?;
    let source = format!("docker-archive:{}", archive.display());
    skopeo_copy(&server, &skopeo, &["--format", kind], &source, &remote)?.succeed().await?;

    let shown = skopeo_show(&server, &skopeo, &["inspect"], &remote).await?;
    assert_eq!(
        (&shown["RepoTags"], &shown["Os"], &shown["Architecture"]),
        (&json!(["3.10"]), &json!("linux"), &json!("amd64"))
    );
    let tags = skopeo_show(&server, &skopeo, &["list-tags"], remote.trim_end_matches(":3.10")).await?;
    assert_eq!(tags["Tags"], json!(["3.10"]));
    let stored = server.http().get("/v2/main/team/alpine/manifests/3.10").await?.expect_status(200)?;
    assert_eq!(stored.header("content-type"), Some(media_type));

    skopeo_copy(&server, &skopeo, &[], &remote, &format!("dir:{}", back.path().display()))?.succeed().await?;
    let manifest = std::fs::read(back.path().join("manifest.json"))?;
    assert_eq!(shown["Digest"], format!("sha256:{}", sha256(&manifest)));
    let manifest: Value = serde_json::from_slice(&manifest)?;
    let layers = manifest["layers"].as_array().context("a manifest has layers")?;
    assert_eq!(shown["Layers"], layers.iter().map(|layer| layer["digest"].clone()).collect::<Value>());
    assert!(!layers.is_empty());
    for part in layers.iter().chain([&manifest["config"]]) {
        let hex = part["digest"].as_str().unwrap_or_default().trim_start_matches("sha256:");
        assert_eq!(sha256(&std::fs::read(back.path().join(hex))?), hex);
    }
    for case in [Case::Push, Case::Pull, Case::Search] {
        saw("oci", "skopeo", case);
    }
    Ok(())
}

#[tokio::test]
async fn the_real_image_goes_in_as_docker_and_comes_back() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(archive) = real_archive(folder.path()).await? else { return Ok(()) };
    there_and_back(&archive, "v2s2", DOCKER).await
}

#[tokio::test]
async fn a_made_image_goes_in_as_oci_and_comes_back() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("image.tar");
    std::fs::write(&archive, image("made")?.docker_archive("made:1")?)?;
    there_and_back(&archive, "oci", OCI).await
}

/// Pushes config and layers in one request each.
pub async fn push_blobs(http: &Http, name: &str, parts: &Parts) -> Result<()> {
    for Blob { digest, bytes, .. } in parts.layers.iter().chain([&parts.config]) {
        let path = format!("/v2/{name}/blobs/uploads/?digest={digest}");
        let pushed = http.post(&path, bytes.clone()).await?.expect_status(201)?;
        assert_eq!(pushed.header("docker-content-digest"), Some(digest.as_str()));
    }
    Ok(())
}

pub async fn put_manifest(http: &Http, name: &str, pointer: &str, kind: &str, bytes: Vec<u8>) -> Result<Reply> {
    let request = http.request(Method::PUT, &format!("/v2/{name}/manifests/{pointer}"));
    http.send(request.header("content-type", kind).body(bytes)).await
}

/// Pushes an image under a tag by raw requests.
pub async fn push(http: &Http, name: &str, tag: &str, parts: &Parts) -> Result<()> {
    push_blobs(http, name, parts).await?;
    put_manifest(http, name, tag, OCI, parts.manifest.bytes.clone()).await?.expect_status(201)?;
    Ok(())
}

#[tokio::test]
async fn an_image_of_several_platforms_is_one_index() -> Result<()> {
    let server = server().await?;
    let (one, two) = (image("amd64")?.parts()?, image("arm64")?.parts()?);
    let mut entries = Vec::new();
    for (parts, architecture) in [(&one, "amd64"), (&two, "arm64")] {
        push_blobs(server.http(), "main/multi", parts).await?;
        let manifest = &parts.manifest;
        put_manifest(server.http(), "main/multi", &manifest.digest, OCI, manifest.bytes.clone())
            .await?
            .expect_status(201)?;
        entries.push(json!({
            "mediaType": OCI, "digest": manifest.digest, "size": manifest.bytes.len(),
            "platform": { "os": "linux", "architecture": architecture },
        }));
    }
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
    let bytes = serde_json::to_vec(&index)?;
    put_manifest(server.http(), "main/multi", "1", OCI_INDEX, bytes.clone()).await?.expect_status(201)?;
    let stored = server.http().get("/v2/main/multi/manifests/1").await?.expect_status(200)?;
    assert_eq!((stored.header("content-type"), &stored.body), (Some(OCI_INDEX), &bytes));
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let (from, to) = (format!("docker://{}/main/multi:1", server.authority()), tempfile::tempdir()?);
    let copy = format!("docker://{}/main/elsewhere/copied:1", server.authority());
    skopeo_copy(&server, &skopeo, &["--all"], &from, &copy)?.succeed().await?;
    let copied = server.http().get("/v2/main/elsewhere/copied/manifests/1").await?.expect_status(200)?;
    assert_eq!(copied.body, bytes);
    let place = format!("dir:{}", to.path().display());
    skopeo_copy(&server, &skopeo, &["--override-arch", "arm64"], &copy, &place)?.succeed().await?;
    assert_eq!(std::fs::read(to.path().join("manifest.json"))?, two.manifest.bytes);
    Ok(())
}

async fn begin(http: &Http, name: &str) -> Result<String> {
    let begun = http.post(&format!("/v2/{name}/blobs/uploads/"), "").await?.expect_status(202)?;
    Ok(begun.header("location").context("an upload has an address")?.to_owned())
}

async fn chunk(http: &Http, place: &str, from: usize, bytes: &[u8]) -> Result<Reply> {
    let range = format!("{from}-{}", from + bytes.len() - 1);
    http.send(http.request(Method::PATCH, place).header("content-range", range).body(bytes.to_vec())).await
}

#[tokio::test]
async fn an_upload_in_chunks_goes_on_after_the_server_was_killed() -> Result<()> {
    let mut server = server().await?;
    let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let digest = format!("sha256:{}", sha256(&bytes));
    let place = begin(server.http(), "main/chunked").await?;
    let moved = chunk(server.http(), &place, 0, &bytes[..4000]).await?.expect_status(202)?;
    assert_eq!(moved.header("range"), Some("0-3999"));
    let place = moved.header("location").context("the next address")?.to_owned();
    let wrong = chunk(server.http(), &place, 5000, &bytes[5000..6000]).await?.expect_status(416)?;
    assert_eq!(wrong.header("range"), Some("0-3999"), "the answer says where to go on");

    server.restart().await?;
    let http = server.http();
    let status = http.get(&place).await?.expect_status(204)?;
    assert_eq!(status.header("range"), Some("0-3999"));
    chunk(http, &place, 4000, &bytes[4000..7000]).await?.expect_status(202)?;
    let finish = http.request(Method::PUT, &format!("{place}?digest={digest}")).header("content-range", "7000-9999");
    let done = http.send(finish.body(bytes[7000..].to_vec())).await?.expect_status(201)?;
    assert_eq!(done.header("docker-content-digest"), Some(digest.as_str()));

    let blob = format!("/v2/main/chunked/blobs/{digest}");
    let head = http.head(&blob).await?.expect_status(200)?;
    assert_eq!(head.header("content-length"), Some("10000"));
    assert_eq!(http.get(&blob).await?.expect_status(200)?.body, bytes);
    let part = http.get_with(&blob, &[("range", "bytes=9990-")]).await?.expect_status(206)?;
    assert_eq!(part.body, bytes[9990..]);
    http.get_with(&blob, &[("range", "bytes=10000-")]).await?.expect_status(416)?;
    Ok(())
}

#[tokio::test]
async fn an_upload_is_cancelled_or_has_the_wrong_bytes() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    let place = begin(http, "main/none").await?;
    chunk(http, &place, 0, b"abc").await?.expect_status(202)?;
    http.delete(&place).await?.expect_status(204)?;
    http.get(&place).await?.expect_status(404)?;
    chunk(http, &place, 3, b"def").await?.expect_status(404)?;

    let place = begin(http, "main/none").await?;
    let digest = format!("sha256:{}", sha256(b"what was announced"));
    let refused = http.put(&format!("{place}?digest={digest}"), "what was sent").await?.expect_status(400)?;
    assert_eq!(refused.json()?["errors"][0]["code"], "DIGEST_INVALID");
    http.get(&format!("/v2/main/none/blobs/{digest}")).await?.expect_status(404)?;
    Ok(())
}

#[tokio::test]
async fn a_layer_is_mounted_from_another_repository_by_whoever_may_read_it() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    http.post_json("/api/v1/repositories", &json!({ "name": "other" })).await?.expect_status(201)?;
    let parts = image("mounted")?.parts()?;
    push(http, "main/base", "1", &parts).await?;
    let digest = &parts.layers[0].digest;
    let mount = format!("/v2/other/derived/blobs/uploads/?mount={digest}&from=main/base");

    let confined = token(&server, "write", &["other"]).await?;
    http.with_token(Some(&confined)).post(&mount, "").await?.expect_status(202)?;
    http.head(&format!("/v2/other/derived/blobs/{digest}")).await?.expect_status(404)?;

    http.post(&mount, "").await?.expect_status(201)?;
    http.head(&format!("/v2/other/derived/blobs/{digest}")).await?.expect_status(200)?;
    let nowhere = format!("/v2/other/derived/blobs/uploads/?mount=sha256:{}&from=main/base", "1".repeat(64));
    http.post(&nowhere, "").await?.expect_status(202)?;
    Ok(())
}

#[tokio::test]
async fn tags_are_listed_by_pages_and_taken_away() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    let parts = image("tagged")?.parts()?;
    push(http, "main/tagged", "a", &parts).await?;
    for tag in ["b", "c", "d", "e"] {
        put_manifest(http, "main/tagged", tag, OCI, parts.manifest.bytes.clone()).await?.expect_status(201)?;
    }
    let mut tags = Vec::new();
    let mut next = Some("/v2/main/tagged/tags/list?n=2".to_owned());
    while let Some(page) = next {
        let reply = http.get(&page).await?.expect_status(200)?;
        let page = reply.json()?["tags"].as_array().cloned().unwrap_or_default();
        assert!((1..=2).contains(&page.len()), "{page:?}");
        tags.extend(page);
        next = reply.header("link").and_then(|link| Some(link.split_once('<')?.1.split_once('>')?.0.to_owned()));
    }
    assert_eq!(tags, ["a", "b", "c", "d", "e"]);

    http.delete("/v2/main/tagged/manifests/b").await?.expect_status(202)?;
    http.get("/v2/main/tagged/manifests/b").await?.expect_status(404)?;
    http.get("/v2/main/tagged/manifests/a").await?.expect_status(200)?;
    let manifest = format!("/v2/main/tagged/manifests/{}", parts.manifest.digest);
    http.delete(&manifest).await?.expect_status(202)?;
    let gone = http.get(&manifest).await?.expect_status(404)?;
    assert_eq!(gone.json()?["errors"][0]["code"], "MANIFEST_UNKNOWN");
    http.get("/v2/main/tagged/manifests/a").await?.expect_status(404)?;
    Ok(())
}

#[tokio::test]
async fn clients_are_led_through_the_token_flow() -> Result<()> {
    let server = server().await?;
    let parts = image("flow")?.parts()?;
    push(server.http(), "main/flow", "1", &parts).await?;
    let stranger = server.http().with_token(None);
    let asked = stranger.get("/v2/main/flow/manifests/1").await?.expect_status(401)?;
    let challenge = asked.header("www-authenticate").unwrap_or_default().to_owned();
    let realm = format!("Bearer realm=\"{}/auth/token\",service=\"assay\"", server.url());
    assert!(challenge.starts_with(&realm) && challenge.contains("scope=\"repository:main/flow:pull"), "{challenge}");
    assert_eq!(asked.json()?["errors"][0]["code"], "UNAUTHORIZED");
    stranger.get("/v2/").await?.expect_status(401)?;

    let reader = token(&server, "read", &["main"]).await?;
    let ask = |password: &str| {
        let path = "/auth/token?service=assay&scope=repository:main/flow:pull,push";
        stranger.send(stranger.request(Method::GET, path).basic_auth("anyone", Some(password)))
    };
    ask("wrong").await?.expect_status(401)?;
    let given = ask(&reader).await?.expect_status(200)?.json()?;
    let bearer = given["token"].as_str().context("a token")?;
    assert!(given["expires_in"].as_i64().is_some_and(|seconds| seconds >= 60), "{given}");
    let known = stranger.with_token(Some(bearer));
    known.get("/v2/main/flow/manifests/1").await?.expect_status(200)?;
    let denied = known.post("/v2/main/flow/blobs/uploads/", "").await?.expect_status(403)?;
    assert_eq!(denied.json()?["errors"][0]["code"], "DENIED");
    Ok(())
}

#[tokio::test]
async fn a_login_is_kept_and_used() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let server = server().await?;
    push(server.http(), "main/login", "1", &image("login")?.parts()?).await?;
    let (home, place) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let run = |arguments: &[&str]| Run::in_home(&skopeo, home.path()).args(arguments);
    let (authority, reference) = (server.authority(), format!("docker://{}/main/login:1", server.authority()));
    let login = ["login", "--tls-verify=false", "-u", "anyone", "-p"];
    let wrong = run(&login).args(["wrong", &authority]).fail().await?;
    assert!(wrong.output().contains("invalid username/password") || wrong.output().contains("unauthorized"), "{wrong}");
    run(&login).args([server.token(), &authority]).succeed().await?;
    let to = format!("dir:{}", place.path().display());
    run(&["copy", "--insecure-policy", "--src-tls-verify=false", &reference, &to]).succeed().await?;
    assert!(place.path().join("manifest.json").is_file());
    Ok(())
}
