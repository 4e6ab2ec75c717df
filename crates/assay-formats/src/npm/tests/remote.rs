//! What another registry says is read into versions, files and tags.

use super::{
    super::upstream::REMOTE,
    fixtures::{archive, sri},
};
use crate::kit::testing::FakeOrigin;
use crate::npm::FORMAT;
use assay_model::{
    Problem,
    seam::{format::Format as _, upstream::Remote},
};
use serde_json::{Value, json};
use std::io::Cursor;

fn elsewhere(address: &str, document: &Value) -> FakeOrigin {
    FakeOrigin::new("https://registry.example/").with(address, "application/json", document.to_string())
}

fn said() -> Value {
    json!({
        "name": "@scope/tiny",
        "dist-tags": { "latest": "1.1.0", "gone": "0.0.1", "^odd": "1.0.0" },
        "readme": "long",
        "versions": {
            "1.0.0": {
                "name": "@scope/tiny", "version": "1.0.0", "deprecated": "old", "gitHead": "x", "readme": "long",
                "dependencies": { "left": "1" },
                "dist": { "shasum": "AB".repeat(20), "tarball": "https://registry.example/@scope/tiny/-/tiny-1.0.0.tgz" },
            },
            "1.1.0": {
                "name": "@scope/tiny", "version": "1.1.0", "deprecated": false,
                "dist": {
                    "integrity": sri(b"x"), "tarball": "https://files.example/t.tgz", "unpackedSize": 7,
                    "signatures": [{ "keyid": "k", "sig": "s" }],
                    "attestations": {
                        "url": "https://registry.example/-/npm/v1/attestations/@scope%2ftiny@1.1.0",
                        "provenance": { "predicateType": "https://slsa.dev/provenance/v1" },
                    },
                },
            },
            "1.2": { "name": "@scope/tiny", "version": "1.2", "dist": { "tarball": "https://x.example/" } },
            "1.3.0": { "name": "@scope/tiny", "version": "1.3.0" },
        },
        "time": { "created": "2020-01-01T00:00:00.000Z", "1.0.0": "2020-02-03T04:05:06.789Z", "unpublished": { "by": 1 } },
    })
}

#[tokio::test]
async fn a_packument_is_read_into_what_is_needed() {
    let origin = elsewhere("@scope%2ftiny", &said());
    let index = REMOTE.index(&origin, "@scope/tiny").await.unwrap().unwrap();
    // Only the full form has publish times.
    assert_eq!(origin.asked()[0].1, "application/json");
    insta::assert_json_snapshot!("remote_index", index);
    let none = REMOTE.index(&elsewhere("@scope%2ftiny", &said()), "other").await.unwrap();
    assert!(none.is_none());
}

#[tokio::test]
async fn what_cannot_be_read_is_the_upstreams_fault() {
    for (wrong, words) in [(json!("x"), "cannot be read"), (json!({ "versions": { "1.0.0": 7 } }), "cannot be read")] {
        let problem = REMOTE.index(&elsewhere("tiny", &wrong), "tiny").await.unwrap_err();
        assert!(problem.kind == assay_model::Kind::Upstream && problem.message.contains(words), "{problem}");
    }
    let gone = json!({ "name": "tiny", "time": { "unpublished": {} } });
    assert!(REMOTE.index(&elsewhere("tiny", &gone), "tiny").await.unwrap().is_none());
}

#[tokio::test]
async fn a_fetched_archive_must_be_what_it_is_called() {
    let index = REMOTE.index(&elsewhere("@scope%2ftiny", &said()), "@scope/tiny").await.unwrap().unwrap();
    let version = &index.versions[0];
    let inspect = |bytes: Vec<u8>| -> Result<(), Problem> {
        let mut claim = version.claim("@scope/tiny", &[]);
        REMOTE.inspect(&mut claim, &version.files[0], &mut Cursor::new(bytes))
    };
    inspect(archive("@scope/tiny", "v1.0.0", json!({}))).unwrap();
    assert!(inspect(archive("@scope/tiny", "1.0.1", json!({}))).is_err());
    assert!(inspect(archive("evil", "1.0.0", json!({}))).is_err());
    assert!(inspect(b"nonsense".to_vec()).is_err());
}

#[tokio::test]
async fn names_are_listed_by_one_document_or_by_a_search() {
    let remote = FORMAT.remote().unwrap();
    let all = json!({ "_updated": 99, "tiny": {}, "@scope/a": {}, "no name": {} });
    assert_eq!(remote.catalogue(&elsewhere("-/all", &all)).await.unwrap().unwrap(), ["@scope/a", "tiny"]);
    let found = json!({ "objects": [{ "package": { "name": "b" } }, { "package": { "name": "a" } }], "total": 2 });
    let origin = elsewhere("-/v1/search?text=&size=250&from=0", &found).with(
        "-/v1/search?text=&size=250&from=250",
        "application/json",
        r#"{"objects": []}"#,
    );
    assert_eq!(remote.catalogue(&origin).await.unwrap().unwrap(), ["a", "b"]);
    assert_eq!(remote.catalogue(&FakeOrigin::new("https://registry.example")).await.unwrap(), None);
}
