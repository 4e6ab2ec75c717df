//! Another module proxy: what is made of its lists, branches and modules without tags.

use super::{super::upstream::REMOTE, MODULE, module_zip};
use crate::kit::testing::FakeOrigin;
use assay_model::seam::upstream::{Remote, RemoteFile, RemoteVersion};
use std::io::Cursor;

const AT: &str = "https://registry.example/proxy";

fn info(version: &str, time: &str) -> String {
    format!("{{\"Version\":\"{version}\",\"Time\":\"{time}\",\"Origin\":{{\"VCS\":\"git\"}}}}")
}

fn json(origin: FakeOrigin, path: &str, version: &str, time: &str) -> FakeOrigin {
    origin.with(path, "application/json", info(version, time))
}

#[tokio::test]
async fn a_list_becomes_versions_and_only_the_young_are_asked_for_their_time() {
    let list: String = (0..300).map(|n| format!("v1.{}.{}\n", n / 10, n % 10)).collect();
    let mut origin = FakeOrigin::new(AT).with("example.org/!team/tool/@v/list", "text/plain", list + "junk\nv2.0.0\n");
    for version in ["v1.29.9", "v1.28.9"] {
        origin = json(origin, &format!("example.org/!team/tool/@v/{version}.info"), version, "2026-05-06T07:08:09Z");
    }
    let index = REMOTE.index(&origin, MODULE).await.unwrap().unwrap();
    assert_eq!(index.versions.len(), 300, "junk and versions of another module are left out");
    let find = |text: &str| index.versions.iter().find(|v| v.version == text).unwrap();
    assert_eq!(find("v1.29.9").published_at, Some("2026-05-06T07:08:09Z".parse().unwrap()));
    assert_eq!(find("v1.28.9").published_at, find("v1.29.9").published_at);
    assert_eq!(find("v1.3.0").published_at, None);
    let zip = find("v1.3.0").files.iter().find(|file| file.path == "v1.3.0.zip").unwrap();
    assert_eq!(zip.address, "example.org/!team/tool/@v/v1.3.0.zip");
    assert!(origin.asked().len() < 15, "{:?}", origin.asked());
    assert_eq!(REMOTE.index(&origin, "example.org/none").await.unwrap(), None);
}

#[tokio::test]
async fn branches_and_modules_without_tags_are_found() {
    let pseudo = "v0.0.0-20260102030405-abcdefabcdef";
    let mut origin = FakeOrigin::new(AT).with("example.org/m/@v/list", "text/plain", "");
    for path in ["example.org/m/@latest", "example.org/m/@v/main.info", &format!("example.org/m/@v/{pseudo}.info")] {
        origin = json(origin, path, pseudo, "2026-01-02T03:04:05Z");
    }
    // A proxy that answers with another version than the one asked for.
    origin = json(origin, "example.org/m/@v/v1.0.0.info", "v1.0.1", "2026-01-02T03:04:05Z");
    let index = REMOTE.index(&origin, "example.org/m").await.unwrap().unwrap();
    assert_eq!(index.versions.iter().map(|v| v.version.as_str()).collect::<Vec<_>>(), [pseudo]);
    let found = REMOTE.find(&origin, "example.org/m", "main").await.unwrap().unwrap();
    assert_eq!((found.version.as_str(), found.published_at), (pseudo, Some("2026-01-02T03:04:05Z".parse().unwrap())));
    assert_eq!(REMOTE.find(&origin, "example.org/m", "v1.0.0").await.unwrap(), None);
    let (version, file) = REMOTE.locate(&origin, "example.org/m", &format!("{pseudo}.zip")).await.unwrap().unwrap();
    assert_eq!((version.version.as_str(), file.path), (pseudo, format!("{pseudo}.zip")));
    assert_eq!(REMOTE.locate(&origin, "example.org/m", "v9.9.9.zip").await.unwrap(), None);
    assert_eq!(REMOTE.locate(&origin, "example.org/m", "main.zip").await.unwrap(), None);
}

#[tokio::test]
async fn an_upstream_that_fails_is_an_error_and_not_an_empty_module() {
    let origin = FakeOrigin::new(AT).down();
    assert!(REMOTE.index(&origin, "example.org/m").await.is_err());
}

#[test]
fn what_is_fetched_is_checked_like_an_upload() {
    let version = RemoteVersion {
        version: "v1.0.0".to_owned(),
        metadata: serde_json::Value::Null,
        published_at: None,
        files: Vec::new(),
        whole: false,
    };
    let file = |path: &str| RemoteFile {
        path: path.to_owned(),
        address: String::new(),
        size: None,
        digest: None,
        hashes: Default::default(),
        media_type: String::new(),
        role: None,
        metadata: serde_json::Value::Null,
    };
    let inspect = |path: &str, bytes: &[u8]| {
        let mut claim = version.claim(MODULE, &[]);
        REMOTE.inspect(&mut claim, &file(path), &mut Cursor::new(bytes.to_vec())).map(|()| claim)
    };
    let claim = inspect("v1.0.0.zip", &module_zip(MODULE, "v1.0.0")).unwrap();
    assert!(claim.metadata["mod"].as_str().unwrap().contains("module example.org/Team/tool"));
    // A fork declares the path of what it was made from.
    assert!(inspect("v1.0.0.mod", b"module example.org/origin\n").is_ok());
    assert!(inspect("v1.0.0.zip", &module_zip(MODULE, "v1.0.1")).is_err());
    assert!(inspect("v1.0.0.mod", b"<html>").is_err());
    assert!(inspect("v1.0.0.info", info("v1.0.1", "2026-01-02T03:04:05Z").as_bytes()).is_err());
    let claim = inspect("v1.0.0.info", info("v1.0.0", "2026-01-02T03:04:05Z").as_bytes()).unwrap();
    assert_eq!(claim.published_at, Some("2026-01-02T03:04:05Z".parse().unwrap()));
}
