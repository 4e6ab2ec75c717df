//! A remote registry's index, in JSON and HTML, is read; what it lists is listed here; what is fetched is looked into.

use super::fixtures::{sdist, wheel, zip};
use crate::{
    kit::testing::FakeOrigin,
    pypi::{
        render::{self, OFFERS, Shape},
        upstream::REMOTE,
    },
};
use assay_model::{
    Digest, Kind, Problem,
    package::{Coordinates, Package, PackageId, State},
    repository::RepositoryId,
    seam::{
        format::Staged,
        upstream::{Remote, RemoteFile, RemoteIndex},
    },
    view::{PackageView, VersionView},
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{collections::BTreeMap, io::Cursor};

const BASE: &str = "https://registry.example/simple";
const JSON: &str = "application/vnd.pypi.simple.v1+json";

fn sha() -> String {
    "ab".repeat(32)
}

fn document() -> Value {
    let file = |name: &str, more: Value| {
        let mut file = json!({
            "filename": name,
            "url": format!("https://files.example/x/{name}"),
            "hashes": { "sha256": sha(), "md5": "CD".repeat(16), "crc": "1" },
            "size": 1000,
            "upload-time": "2024-02-03T04:05:06.789012Z",
            "yanked": false,
        });
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        file
    };
    json!({
        "meta": { "api-version": "1.4" },
        "name": "demo-pkg",
        "alternate-locations": ["https://other.example/simple/demo-pkg/"],
        "versions": ["1.0", "2.0"],
        "files": [
            file("demo-pkg-1.0.tar.gz", json!({ "requires-python": null, "url": "../../files/demo-pkg-1.0.tar.gz#x" })),
            file("demo_pkg-1.0.0-py3-none-any.whl", json!({
                "core-metadata": { "sha256": sha() }, "upload-time": "2024-02-04T00:00:00Z",
                "provenance": "https://registry.example/integrity/demo", "requires-python": ">=3.8" })),
            file("demo_pkg-1.0-py2.7.egg", json!({})),
            file("demo_pkg-1.0.win32.exe", json!({})),
            file("other-1.0.tar.gz", json!({})),
            file("demo_pkg-2.0-py3-none-any.whl", json!({ "yanked": "broken", "core-metadata": true, "gpg-sig": true })),
            file("demo.pkg-0.5.tar.bz2", json!({ "upload-time": "long ago", "size": null, "yanked": true })),
            file("demo-pkg-3.0.zip", json!({ "url": "file:///etc/passwd" })),
        ],
    })
}

async fn read(media_type: &str, body: &str) -> Result<Option<RemoteIndex>, Problem> {
    REMOTE.index(&FakeOrigin::new(BASE).with("demo-pkg/", media_type, body), "demo-pkg").await
}

#[tokio::test]
async fn an_index_in_json_is_read() {
    let origin = FakeOrigin::new(BASE).with("demo-pkg/", JSON, document().to_string());
    let index = REMOTE.index(&origin, "demo-pkg").await.unwrap().unwrap();
    insta::assert_json_snapshot!("remote_index", index);
    let asked = origin.asked();
    assert_eq!((asked.len(), asked[0].0.as_str()), (1, "https://registry.example/simple/demo-pkg/"));
    assert!(asked[0].1.starts_with(JSON) && asked[0].1.contains("text/html;q="), "{}", asked[0].1);
    assert_eq!(REMOTE.index(&origin, "nobody").await.unwrap(), None);
    let down = FakeOrigin::new(BASE).down();
    assert_eq!(REMOTE.index(&down, "demo-pkg").await.unwrap_err().kind, Kind::Upstream);
}

#[tokio::test]
async fn an_index_in_html_says_the_same_as_far_as_it_can() {
    let page = format!(
        "<!DOCTYPE html><html><head><meta name=\"pypi:repository-version\" content=\"1.0\">\
         <meta name='pypi:tracks' content='https://origin.example/simple/demo-pkg/'></head><body>\
         <!-- <a href=\"demo-pkg-9.9.tar.gz\">in a comment</a> -->\n\
         <A HREF=\"../../files/demo-pkg-1.0.tar.gz#sha256={sha}\">demo-pkg-1.0.tar.gz</A><br/>\n\
         <a data-requires-python=\"&gt;=3.8, &lt;4\" data-dist-info-metadata=\"sha256={sha}\" data-yanked=\"a &amp; b\"\n\
            href='https://files.example/x/demo_pkg-2.0%2Blocal-py3-none-any.whl#sha512=zz'>text that says nothing</a>\n\
         <a href=\"demo-pkg-3.0.tar.gz#md5={md5}\" data-yanked>x</a>\
         <a href=\"javascript:alert(1)\">no</a><a>no</a><a href=\"http://[bad\">no</a>\n",
        sha = sha(),
        md5 = "0".repeat(32)
    );
    let index = read("text/html; charset=utf-8", &page).await.unwrap().unwrap();
    insta::assert_json_snapshot!("remote_index_html", index);
}

#[tokio::test]
async fn what_is_no_index_is_the_upstreams_fault() {
    for (media_type, body, words) in [
        (JSON, "{", "cannot be used"),
        (JSON, "{\"files\": 7}", "cannot be used"),
        (JSON, "{\"meta\": {\"api-version\": \"2.0\"}, \"files\": []}", "speaks version 2.0"),
        ("text/html", "<meta name=\"pypi:repository-version\" content=\"2.1\">", "speaks version 2.1"),
    ] {
        let error = read(media_type, body).await.unwrap_err();
        assert!(error.kind == Kind::Upstream && error.message.contains(words), "{body}: {}", error.message);
    }
    assert!(read("text/html", "Not much here").await.unwrap().unwrap().versions.is_empty());
    assert!(read("", " {\"files\": []}").await.unwrap().unwrap().versions.is_empty());
}

/// What a caller sees of a project that only the upstream has.
async fn view() -> PackageView {
    let index = read(JSON, &document().to_string()).await.unwrap().unwrap();
    let version = |(at, remote): (usize, assay_model::seam::upstream::RemoteVersion)| VersionView {
        package: Package {
            id: PackageId(0),
            repository: RepositoryId(1),
            at: Coordinates { format: "pypi".into(), name: "demo-pkg".into(), version: remote.version },
            metadata: remote.metadata,
            state: State::Available,
            held: None,
            tags: Default::default(),
            decision: None,
            uploader: String::new(),
            uploaded_at: Timestamp::UNIX_EPOCH,
            published_at: remote.published_at,
            origin: Some("public".into()),
        },
        files: Vec::new(),
        remote: remote.files,
        blocked: (at == 0).then(|| "refused by policy".to_owned()),
    };
    let versions = index.versions.into_iter().enumerate().map(version).collect();
    PackageView { name: "demo-pkg".into(), versions, references: Vec::new(), revision: "1".into() }
}

#[tokio::test]
async fn remote_files_are_listed_like_those_that_are_here() {
    let view = view().await;
    let body = render::project(Shape::Json, &view).body;
    insta::assert_json_snapshot!("remote_project_json", serde_json::from_slice::<Value>(&body).unwrap());
    let body = render::project(OFFERS[0].1, &view).body;
    insta::assert_snapshot!("remote_project_html", std::str::from_utf8(&body).unwrap());
}

/// The claim of one fetched file, after it was looked into.
async fn fetched(path: &str, bytes: Vec<u8>) -> Result<Value, Problem> {
    let file = RemoteFile {
        path: path.to_owned(),
        address: format!("https://files.example/{path}"),
        size: None,
        digest: None,
        hashes: BTreeMap::new(),
        media_type: "application/octet-stream".to_owned(),
        role: None,
        metadata: Value::Null,
    };
    let index = read(JSON, &document().to_string()).await?.unwrap();
    let staged = Staged { digest: Digest::of(&bytes), size: bytes.len() as u64, hashes: BTreeMap::new() };
    let mut claim = index.versions[0].claim("demo-pkg", &[(&file, staged)]);
    REMOTE.inspect(&mut claim, &file, &mut Cursor::new(bytes))?;
    Ok(claim.metadata)
}

#[tokio::test]
async fn a_fetched_file_completes_its_claim_or_is_refused() {
    let good = fetched("demo_pkg-1.0-py3-none-any.whl", wheel("demo_pkg", "1.0.0", "")).await.unwrap();
    assert_eq!((&good["summary"], &good["requires_dist"]), (&json!("A \u{fc}ber demo"), &json!(["idna (>=2, <4)"])));
    assert_eq!(good["tracks"], json!(["https://registry.example/simple/demo-pkg/"]));
    let good = fetched("demo_pkg-1.0-py3-none-any.whl.metadata", b"Name: demo-pkg\nVersion: 1.0\n\n".to_vec()).await;
    assert_eq!(good.unwrap()["name"], "demo-pkg");
    // Old archives without metadata were accepted once.
    let old = fetched("demo-pkg-1.0.zip", zip(&[("demo-pkg-1.0/setup.py", "")])).await.unwrap();
    assert!(old["tracks"].is_array());
    assert_eq!(old["yanked"], Value::Null, "what was yanked once can come back");

    for (path, bytes, words) in [
        ("demo_pkg-1.0-py3-none-any.whl", wheel("other", "1.0", ""), "the name in the metadata"),
        ("demo_pkg-1.0-py3-none-any.whl", wheel("demo_pkg", "1.1", ""), "the version in the metadata"),
        ("demo_pkg-1.0-py3-none-any.whl.metadata", b"Name: other\n\n".to_vec(), "the name in the metadata"),
        ("demo-pkg-1.0.tar.gz", sdist("demo-pkg", "1.0")[..90].to_vec(), "cannot be read"),
        ("demo-pkg-1.0.zip", b"<html>sign in</html>".to_vec(), "cannot be read"),
    ] {
        let error = fetched(path, bytes).await.unwrap_err();
        assert!(error.message.contains(words), "{path}: {}", error.message);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_document_is_survived(body in "\\PC{0,400}", json: bool, links in proptest::collection::vec("[-a-z0-9.<>\"'&;=# ]{0,40}", 0..8)) {
        let page: String = links.iter().map(|text| format!("<a href=\"demo-pkg-{text}\" data-yanked={text}>")).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let media_type = if json { JSON } else { "text/html" };
        let _ = runtime.block_on(read(media_type, &body));
        let index = runtime.block_on(read("text/html", &page)).unwrap().unwrap();
        for file in index.versions.iter().flat_map(|version| &version.files) {
            prop_assert!(file.address.starts_with("https://registry.example/"), "{}", file.address);
        }
    }
}

#[tokio::test]
async fn the_list_of_all_projects_is_read_in_both_forms() {
    let json = r#"{"meta": {"api-version": "1.0"}, "projects": [{"name": "Tiny.Thing"}, {"name": "b"}]}"#;
    let html = "<a href=\"/simple/tiny-thing/\">Tiny.Thing</a><a href=\"b/\">b</a><a href=\"../\">up</a>";
    for (media_type, body) in [(JSON, json), ("text/html", html)] {
        let origin = FakeOrigin::new(BASE).with(&format!("{BASE}/"), media_type, body);
        assert_eq!(REMOTE.catalogue(&origin).await.unwrap().unwrap(), ["b", "tiny-thing"], "{media_type}");
    }
    assert_eq!(REMOTE.catalogue(&FakeOrigin::new(BASE)).await.unwrap(), None);
}
