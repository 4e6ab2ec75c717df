//! Clients push, pull, tag, list, mount, resume and delete, as the distribution specification tells them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod manifests;
mod other_digests;
mod uploads;
mod upstream;

use super::{FORMAT, names};
use crate::kit::testing::{Ask, FakeRepo, Response, World, refusal};
use assay_model::{Digest, Problem, seam::format::Format};
use proptest::prelude::*;
use serde_json::{Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn repo() -> FakeRepo {
    World::default().repository("main", &FORMAT)
}

async fn ask(repo: &FakeRepo, method: &str, target: &str) -> Response {
    Ask::new(method, target).send(&FORMAT, repo).await
}

async fn push_blob(repo: &FakeRepo, name: &str, bytes: &[u8]) -> Value {
    let digest = Digest::of(bytes);
    let target = format!("{name}/blobs/uploads/?digest={digest}");
    let answer = Ask::new("POST", &target).body(bytes).send(&FORMAT, repo).await;
    assert_eq!(answer.status, 201, "{}", answer.shown());
    json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": bytes.len() })
}

async fn put_manifest(repo: &FakeRepo, target: &str, media_type: &str, manifest: &Value) -> Response {
    Ask::new("PUT", target).header("content-type", media_type).body(manifest.to_string()).send(&FORMAT, repo).await
}

/// An image of two layers (one of them twice), pushed as `name:tag`.
async fn push_image(repo: &FakeRepo, name: &str, tag: &str, salt: &str) -> (Value, Digest) {
    let mut config = push_blob(repo, name, format!("{{\"salt\":\"{salt}\"}}").as_bytes()).await;
    config["mediaType"] = "application/vnd.oci.image.config.v1+json".into();
    let base = push_blob(repo, name, b"base layer").await;
    let top = push_blob(repo, name, format!("layer {salt}").as_bytes()).await;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config,
        "layers": [base, top, base],
        "annotations": { "org.opencontainers.image.title": salt },
    });
    let answer = put_manifest(repo, &format!("{name}/manifests/{tag}"), MANIFEST, &manifest).await;
    assert_eq!(answer.status, 201, "{}", answer.shown());
    (manifest.clone(), Digest::of(manifest.to_string().as_bytes()))
}

fn error_code(answer: &Response) -> String {
    answer.json()["errors"][0]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn tags_are_listed_in_pages() {
    let repo = repo();
    for tag in ["v10", "v1", "latest", "A", "_x"] {
        push_image(&repo, "app", tag, "same").await;
    }
    assert_eq!(
        ask(&repo, "GET", "app/tags/list").await.json(),
        json!({"name": "main/app", "tags": ["A", "_x", "latest", "v1", "v10"]})
    );
    let first = ask(&repo, "GET", "app/tags/list?n=2").await;
    insta::assert_snapshot!("tags_page", first.shown());
    let mut target = "app/tags/list?n=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = ask(&repo, "GET", &target).await;
        seen.extend(page.json()["tags"].as_array().unwrap().clone());
        let Some(link) = page.header("link") else { break };
        target = link.strip_prefix("</v2/main/").unwrap().split_once('>').unwrap().0.to_owned();
    }
    assert_eq!(seen, ["A", "_x", "latest", "v1", "v10"]);
    assert_eq!(ask(&repo, "GET", "app/tags/list?n=0").await.json()["tags"], json!([]));
    assert_eq!(error_code(&ask(&repo, "GET", "app/tags/list?n=x").await), "PAGINATION_NUMBER_INVALID");
    assert_eq!(error_code(&ask(&repo, "GET", "nothing/tags/list").await), "NAME_UNKNOWN");
}

#[tokio::test]
async fn the_lobby_answers_pings_and_lists_images() {
    let world = World::default();
    let (main, other) = (world.repository("main", &FORMAT), world.repository("other", &FORMAT));
    push_image(&main, "a/b", "1", "x").await;
    push_image(&main, "c", "1", "x").await;
    push_image(&other, "d", "1", "x").await;
    let ping = Ask::new("GET", "").send_to_lobby(&FORMAT, &main).await;
    assert_eq!((ping.status, ping.header("docker-distribution-api-version")), (200, Some("registry/2.0")));
    let page = Ask::new("GET", "_catalog?n=2").send_to_lobby(&FORMAT, &main).await;
    insta::assert_snapshot!("catalog_page", page.shown());
    let rest = Ask::new("GET", "_catalog?n=2&last=main/c").send_to_lobby(&FORMAT, &main).await;
    assert_eq!((rest.json()["repositories"].clone(), rest.header("link")), (json!(["other/d"]), None));
    assert_eq!(Ask::new("POST", "").send_to_lobby(&FORMAT, &main).await.status, 405);
}

#[tokio::test]
async fn a_blocked_image_is_refused_by_tag_and_digest_and_not_listed() {
    let repo = repo();
    let (_, digest) = push_image(&repo, "alpine", "3.10", "old").await;
    push_image(&repo, "alpine", "3.20", "new").await;
    repo.block("alpine", digest.as_str(), "CVSS 9.8 is above 7.0");
    let by_tag = ask(&repo, "GET", "alpine/manifests/3.10").await;
    insta::assert_snapshot!("refused", by_tag.shown());
    assert_eq!(ask(&repo, "GET", &format!("alpine/manifests/{digest}")).await.status, 403);
    assert_eq!(ask(&repo, "GET", "alpine/tags/list").await.json()["tags"], json!(["3.20"]));
    // The layer that both have is served; the one that only the blocked image has is not.
    assert_eq!(ask(&repo, "GET", &format!("alpine/blobs/{}", Digest::of(b"base layer"))).await.status, 200);
    assert_eq!(ask(&repo, "GET", &format!("alpine/blobs/{}", Digest::of(b"layer old"))).await.status, 403);
}

#[test]
fn every_problem_speaks_the_dialect() {
    let answer = FORMAT.problem(&Problem::busy("this image is still being inspected", 5));
    assert_eq!(answer.status, 429);
    assert!(answer.headers.contains(&("Retry-After", "5".to_owned())));
    assert!(answer.headers.contains(&("Docker-Distribution-API-Version", "registry/2.0".to_owned())));
    let body: Value = serde_json::from_slice(&FORMAT.refuse(&refusal("a@b")).body).unwrap();
    assert_eq!(body["errors"][0]["code"], "DENIED");
    assert_eq!(body["errors"][0]["detail"]["code"], "refused-by-policy");
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("Max CVSS"));
}

#[tokio::test]
async fn addresses_that_are_none_are_told_apart() {
    let repo = repo();
    for (method, target, status, code) in [
        ("GET", "manifests/latest", 400, "NAME_INVALID"),
        ("GET", "App/manifests/latest", 400, "NAME_INVALID"),
        ("GET", "a//b/manifests/latest", 400, "NAME_INVALID"),
        ("GET", "app/manifests/-x", 400, "MANIFEST_INVALID"),
        ("GET", "app/manifests/sha256:abc", 400, "DIGEST_INVALID"),
        ("GET", "app/blobs/sha256:abc", 400, "DIGEST_INVALID"),
        ("GET", "app/manifests/none", 404, "MANIFEST_UNKNOWN"),
        ("GET", "app/else/x", 404, "NAME_UNKNOWN"),
        ("POST", "app/manifests/x", 405, "UNSUPPORTED"),
        ("DELETE", "app/tags/list", 405, "UNSUPPORTED"),
        ("DELETE", "app/manifests/none", 404, "MANIFEST_UNKNOWN"),
        ("GET", "app/blobs/uploads/a%2Fb%00", 404, "NAME_UNKNOWN"),
        ("PATCH", "app/blobs/uploads/none", 404, "BLOB_UPLOAD_UNKNOWN"),
    ] {
        let answer = ask(&repo, method, target).await;
        assert_eq!((answer.status, error_code(&answer).as_str()), (status, code), "{method} {target}");
        assert_eq!(answer.header("docker-distribution-api-version"), Some("registry/2.0"));
    }
    let sha512 = format!("app/blobs/sha512:{}", "a".repeat(128));
    assert_eq!(error_code(&ask(&repo, "GET", &sha512).await), "BLOB_UNKNOWN");
    let md5 = format!("app/blobs/md5:{}", "a".repeat(32));
    assert_eq!(error_code(&ask(&repo, "GET", &md5).await), "DIGEST_INVALID");
}

#[test]
fn names_may_contain_the_words_of_the_protocol() {
    let route = |path: &str| names::Route::parse(path).unwrap();
    assert_eq!(route("a/manifests/tags/list").name, "a/manifests");
    assert_eq!(route("blobs/uploads/manifests/list").name, "blobs/uploads");
    assert_eq!(route("a/blobs/uploads/").what, names::What::Uploads);
    let encoded = format!("a/manifests/{}", Digest::of(b"").to_string().replace(':', "%3A"));
    assert_eq!(route(&encoded).what, names::What::Manifest(names::Pointer::Digest(Digest::of(b""))));
}

/// Separators that the rule of names does not have.
const BROKEN: &[&str] =
    &["A", "..", "___", "-.", "_-", "._", "//", "/./", "/../", " ", "%", "\u{e9}", "\0", "\n", ":", "@"];

proptest! {
    #[test]
    fn names_that_follow_the_rule_are_taken(name in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,3}){0,3}(/[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,3}){0,3}){0,3}") {
        prop_assert!(names::check_name(&name).is_ok());
    }

    #[test]
    fn names_that_break_it_are_not(good in "[a-z0-9]{1,4}", bad in proptest::sample::select(BROKEN)) {
        for whole in [format!("{good}{bad}{good}"), format!("{good}{bad}"), format!("{bad}{good}")] {
            prop_assert!(names::check_name(&whole).is_err(), "{}", whole);
        }
    }

    #[test]
    fn any_path_is_survived(path in "\\PC{0,200}") {
        let _ = names::Route::parse(&path);
    }
}
