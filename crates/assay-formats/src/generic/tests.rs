//! Files go in, come out, are listed, replaced, refused and deleted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::{FORMAT, inspect};
use crate::kit::testing::{Ask, FakeOrigin, FakeRepo, Response, World, refusal};
use assay_model::{
    Digest,
    seam::format::{Format, Staged},
};
use proptest::prelude::*;

fn repo() -> FakeRepo {
    World::default().repository("main", &FORMAT)
}

async fn put(repo: &FakeRepo, path: &str, bytes: &[u8]) -> Response {
    Ask::new("PUT", path).body(bytes).send(&FORMAT, repo).await
}

async fn get(repo: &FakeRepo, path: &str) -> Response {
    Ask::new("GET", path).send(&FORMAT, repo).await
}

#[tokio::test]
async fn a_file_comes_back_as_it_was_sent() {
    let repo = repo();
    let bytes = vec![7_u8; 100_000];
    let answer = put(&repo, "tools/a%20b/x+1.bin", &bytes).await;
    insta::assert_snapshot!("put_created", answer.shown());
    let back = get(&repo, "tools/a%20b/x+1.bin").await;
    assert_eq!((back.status, &back.body[..]), (200, &bytes[..]));
    assert_eq!(back.header("content-type"), Some("application/octet-stream"));
    assert_eq!(back.header("content-security-policy"), Some("sandbox"));
}

#[tokio::test]
async fn a_second_upload_replaces_the_first() {
    let repo = repo();
    assert_eq!(put(&repo, "a/b.txt", b"one").await.status, 201);
    assert_eq!(put(&repo, "a/b.txt", b"two").await.status, 200);
    assert_eq!(get(&repo, "a/b.txt").await.text(), "two");
    assert_eq!(repo.versions("a/b.txt").len(), 1);
}

#[tokio::test]
async fn what_is_deleted_is_gone() {
    let repo = repo();
    put(&repo, "a/b.txt", b"one").await;
    assert_eq!(Ask::new("DELETE", "a/b.txt").send(&FORMAT, &repo).await.status, 204);
    assert_eq!(get(&repo, "a/b.txt").await.status, 404);
    assert_eq!(Ask::new("DELETE", "a/b.txt").send(&FORMAT, &repo).await.status, 404);
}

#[tokio::test]
async fn announced_checksums_are_checked() {
    let hex = Digest::of(b"hello").hex().to_owned();
    let base64 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    for (name, value) in [
        ("x-checksum-sha256", hex.clone()),
        ("X-Checksum-Sha256", hex.to_uppercase()),
        ("digest", format!("sha-256={base64}, unixsum=30637")),
        ("repr-digest", format!("sha-256=:{base64}:")),
        ("content-digest", format!("sha-256=:{base64}:")),
        ("x-checksum-md5", hex[..32].to_owned()),
    ] {
        let repo = repo();
        let right = Ask::new("PUT", "f").header(name, &value).body("hello").send(&FORMAT, &repo).await;
        assert_eq!(right.status, 201, "{name}: {}", right.text());
        let wrong = Ask::new("PUT", "g").header(name, &value).body("other").send(&FORMAT, &repo).await;
        assert_eq!(wrong.status, 400, "{name}");
        assert_eq!(get(&repo, "g").await.status, 404);
    }
    for (name, value) in [("content-md5", "???"), ("repr-digest", "sha-256=abc"), ("x-checksum-sha256", "12")] {
        let answer = Ask::new("PUT", "f").header(name, value).body("hello").send(&FORMAT, &repo()).await;
        assert!(answer.status == 400 && answer.text().contains("checksum header"), "{name}: {}", answer.text());
    }
}

#[tokio::test]
async fn folders_are_listed_for_people_and_programs() {
    let repo = repo();
    for path in ["a/b/c/deep.txt", "a/b/x.txt", "a/z%26%3Cb%3E.txt", "a-sibling.txt", "top.txt", "a/b/c/d/e.txt"] {
        put(&repo, path, path.as_bytes()).await;
    }
    let html = Ask::new("GET", "a/").header("accept", "text/html,*/*;q=0.8").send(&FORMAT, &repo).await;
    insta::assert_snapshot!("listing_html", html.shown());
    insta::assert_snapshot!("listing_json", get(&repo, "").await.shown());
    assert_eq!(get(&repo, "a/?format=html").await.body, html.body);
    assert_eq!(get(&repo, "a/b/").await.json()["folders"], serde_json::json!(["c"]));
    assert_eq!(get(&repo, "nothing/").await.status, 404);
    let moved = get(&repo, "a/b").await;
    assert_eq!((moved.status, moved.header("location")), (301, Some("/generic/main/a/b/")));
}

#[tokio::test]
async fn a_listing_steps_over_what_lies_deeper() {
    let repo = repo();
    for n in 0..2500 {
        put(&repo, &format!("many/inner/{n}"), b"x").await;
    }
    put(&repo, "many/last", b"x").await;
    put(&repo, "many/inner-2", b"x").await;
    let listed = get(&repo, "many/").await.json();
    assert_eq!(listed["folders"], serde_json::json!(["inner"]));
    assert_eq!(listed["files"], serde_json::json!(["inner-2", "last"]));
    assert_eq!(get(&repo, "many/inner/").await.json()["files"].as_array().unwrap().len(), 2500);
}

#[tokio::test]
async fn other_methods_are_told_what_to_do() {
    let repo = repo();
    let folder = Ask::new("POST", "a/").body("x").send(&FORMAT, &repo).await;
    assert_eq!((folder.status, folder.header("allow")), (405, Some("GET, HEAD")));
    let file = Ask::new("POST", "a").body("x").send(&FORMAT, &repo).await;
    assert!(file.status == 405 && file.text().contains("curl -T"));
    let part = Ask::new("PUT", "a").header("content-range", "bytes 0-1/2").body("x").send(&FORMAT, &repo).await;
    assert_eq!(part.status, 405);
    assert_eq!(Ask::new("GET", "").send_to_lobby(&FORMAT, &repo).await.status, 404);
}

#[tokio::test]
async fn a_blocked_file_is_refused_with_everything_curl_prints() {
    let repo = repo();
    put(&repo, "a/b.txt", b"one").await;
    repo.block("a/b.txt", Digest::of(b"one").as_str(), "a secret was found");
    let refused = get(&repo, "a/b.txt").await;
    insta::assert_snapshot!("refused", refused.shown());
    let answer = FORMAT.refuse(&refusal("b.txt\r\nX-Injected: 1"));
    assert!(!answer.reason.unwrap().contains(['\r', '\n']));
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let mut repo = repo();
    repo.may_write = false;
    assert_eq!(put(&repo, "a", b"x").await.status, 403);
}

#[test]
fn paths_that_mean_something_else_are_refused() {
    for bad in
        ["a//b", "/", "/a", "..", "a/../b", "./a", "a/.", "%2e%2e/a", "a%2f..%2fb", "a%00b", "a%5cb", "%ff", "a\u{7}"]
    {
        assert!(inspect::path(bad).is_err(), "{bad}");
    }
    assert!(inspect::path(&"a/".repeat(64)).is_ok() && inspect::path(&"a/".repeat(65)).is_err());
    assert!(inspect::path(&"a".repeat(1024)).is_ok() && inspect::path(&"a".repeat(1025)).is_err());
    for good in ["", "a", "a/", "...", "a/..b", "ü/ñ.txt", "%2B"] {
        assert!(inspect::path(good).is_ok(), "{good}");
    }
}

proptest! {
    #[test]
    fn accepted_paths_name_one_place(path in "[a-z./%0-9\\\\ü ]{0,40}") {
        if let Ok(decoded) = inspect::path(&path) {
            let file = decoded.strip_suffix('/').unwrap_or(&decoded);
            prop_assert!(file.is_empty() || file.split('/').all(|s| !s.is_empty() && s != "." && s != ".."));
            prop_assert_eq!(inspect::path(&crate::kit::path::encode_path(&decoded)).unwrap(), decoded);
        }
    }
}

#[tokio::test]
async fn checksum_files_are_answered_where_nobody_uploaded_one() {
    let repo = repo();
    put(&repo, "a/b.txt", b"one").await;
    let digest = Digest::of(b"one");
    let answer = get(&repo, "a/b.txt.sha256").await;
    assert_eq!((answer.status, answer.text()), (200, format!("{}  b.txt\n", digest.hex()).as_str()));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    for (end, digits) in [("sha512", 128), ("sha1", 40), ("md5", 32)] {
        let answer = get(&repo, &format!("a/b.txt.{end}")).await;
        assert_eq!(answer.text().split_once("  ").unwrap().0.len(), digits, "{end}");
    }
    put(&repo, "a/b.txt.md5", b"mine").await;
    assert_eq!(get(&repo, "a/b.txt.md5").await.text(), "mine");
    for missing in ["a/c.txt.sha256", "a/.sha256", ".md5", "a/b.txt.sha3", "a.sha256"] {
        assert_eq!(get(&repo, missing).await.status, 404, "{missing}");
    }
    repo.block("a/b.txt", digest.as_str(), "a secret was found");
    let refused = get(&repo, "a/b.txt.sha256").await;
    assert!(refused.status == 403 && refused.text().contains("a secret was found"), "{}", refused.shown());
}

#[tokio::test]
async fn an_upload_can_be_for_a_new_file_only() {
    let repo = repo();
    let new = |bytes: &'static str| Ask::new("PUT", "a/b.txt").header("if-none-match", "*").body(bytes);
    assert_eq!(new("one").send(&FORMAT, &repo).await.status, 201);
    for bytes in ["one", "two"] {
        let answer = new(bytes).send(&FORMAT, &repo).await;
        assert!(answer.status == 412 && answer.text().contains("already"), "{}", answer.shown());
    }
    assert_eq!(get(&repo, "a/b.txt").await.text(), "one");
    for (name, value) in [("if-match", "\"x\""), ("if-none-match", "\"x\""), ("if-unmodified-since", "today")] {
        let answer = Ask::new("PUT", "a/b.txt").header(name, value).body("two").send(&FORMAT, &repo).await;
        assert!(answer.status == 400 && answer.text().contains("not supported"), "{name}: {}", answer.shown());
    }
    assert_eq!(get(&repo, "a/b.txt").await.text(), "one");
}

#[tokio::test]
async fn a_folder_is_not_deleted() {
    let repo = repo();
    put(&repo, "a/b.txt", b"one").await;
    let answer = Ask::new("DELETE", "a/").send(&FORMAT, &repo).await;
    assert!(answer.status == 405 && answer.text().contains("delete the files one by one"), "{}", answer.shown());
    assert_eq!(get(&repo, "a/b.txt").await.status, 200);
}

#[tokio::test]
async fn a_path_is_asked_for_at_the_upstream() {
    let remote = FORMAT.remote().unwrap();
    let origin = FakeOrigin::new("https://files.example/pub/");
    let (version, file) = remote.locate(&origin, "a b/c+1.bin", "c+1.bin").await.unwrap().unwrap();
    assert_eq!(file.address, "https://files.example/pub/a%20b/c+1.bin");
    for (name, path) in [("a/", ""), ("", ""), ("../a", "a"), ("a/../b", "b"), ("a", "b"), ("a\\b", "a\\b")] {
        assert_eq!(remote.locate(&origin, name, path).await.unwrap(), None, "{name}");
    }
    assert!(origin.asked().is_empty() && remote.index(&origin, "a").await.unwrap().is_none());

    let digest = Digest::of(b"one");
    let staged = Staged { digest: digest.clone(), size: 3, hashes: Default::default() };
    let mut claim = version.claim("a b/c+1.bin", &[(&file, staged)]);
    remote.inspect(&mut claim, &file, &mut std::io::Cursor::new(b"one")).unwrap();
    assert_eq!((claim.version.as_str(), &claim.metadata["size"]), (digest.as_str(), &serde_json::json!(3)));
}
