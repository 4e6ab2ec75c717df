//! What another registry says is read into versions, files and tags.

use super::{
    super::upstream::REMOTE,
    fixtures::{archive, sri},
};
use assay_model::{
    Problem,
    seam::{
        Task,
        upstream::{Origin, Remote, RemoteDocument},
    },
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, io::Cursor};

/// A registry that has one document.
struct Elsewhere(&'static str, Value);

impl Origin for Elsewhere {
    fn base(&self) -> &str {
        "https://registry.example"
    }
    fn document<'a>(&'a self, address: &'a str, accept: &'a str) -> Task<'a, Option<RemoteDocument>> {
        Box::pin(async move {
            assert_eq!(accept, "application/json", "only the full form has publish times");
            let body = self.1.to_string().into();
            let media_type = "application/json".to_owned();
            Ok((address == self.0).then(|| RemoteDocument { body, media_type, headers: BTreeMap::new() }))
        })
    }
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
    let index = REMOTE.index(&Elsewhere("@scope%2ftiny", said()), "@scope/tiny").await.unwrap().unwrap();
    insta::assert_json_snapshot!("remote_index", index);
    let none = REMOTE.index(&Elsewhere("@scope%2ftiny", said()), "other").await.unwrap();
    assert!(none.is_none());
}

#[tokio::test]
async fn what_cannot_be_read_is_the_upstreams_fault() {
    for (wrong, words) in [(json!([]), "cannot be read"), (json!({ "versions": { "1.0.0": 7 } }), "cannot be read")] {
        let problem = REMOTE.index(&Elsewhere("tiny", wrong), "tiny").await.unwrap_err();
        assert!(problem.kind == assay_model::Kind::Upstream && problem.message.contains(words), "{problem}");
    }
    let gone = json!({ "name": "tiny", "time": { "unpublished": {} } });
    assert!(REMOTE.index(&Elsewhere("tiny", gone), "tiny").await.unwrap().is_none());
}

#[tokio::test]
async fn a_fetched_archive_must_be_what_it_is_called() {
    let index = REMOTE.index(&Elsewhere("@scope%2ftiny", said()), "@scope/tiny").await.unwrap().unwrap();
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
