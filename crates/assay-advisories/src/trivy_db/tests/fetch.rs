//! Pulling from a registry.

use super::super::*;
use super::bolt::Bucket as Made;
use super::tar;
use crate::testing::{Shelf, gzip};
use assay_model::Digest;
use serde_json::json;

const MANIFEST: &str = "https://registry.example/v2/owner/trivy-db/manifests/2";
const BASE: &str = "https://registry.example/owner/trivy-db:2";

fn shelf() -> (Shelf, String) {
    let mut made = Made::default();
    made.bucket("wolfi").bucket("a").put("CVE-2026-1", r#"{"FixedVersion":"1"}"#);
    let layer = gzip(&tar(&[("trivy.db", &made.file(4096))]));
    let digest = Digest::of(&layer).to_string();
    let manifest = json!({ "schemaVersion": 2, "layers": [
        { "mediaType": "application/vnd.example.other", "digest": "sha256:0", "size": 1 },
        { "mediaType": "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip", "digest": digest, "size": layer.len() }] });
    let mut shelf = Shelf::new();
    shelf.put(MANIFEST, manifest.to_string());
    shelf.put(&format!("https://registry.example/v2/owner/trivy-db/blobs/{digest}"), layer);
    (shelf, digest)
}

#[tokio::test]
async fn the_layer_is_fetched_once() {
    let (shelf, digest) = shelf();
    for base in [BASE, "oci://registry.example/owner/trivy-db", "https://registry.example/v2/owner/trivy-db:2"] {
        let Fetched::Batch { files, cursor } = TrivyDb.fetch(&shelf, base, None).await.unwrap() else {
            panic!("unchanged")
        };
        assert_eq!((files[0].0.as_str(), cursor.0.as_str()), ("db.tar.gz", digest.as_str()));
        std::fs::remove_file(&files[0].1).unwrap();
        let again = TrivyDb.fetch(&shelf, base, Some(&cursor)).await.unwrap();
        assert!(matches!(again, Fetched::Unchanged));
    }
    assert_eq!(shelf.spooled(), 0);
}

#[tokio::test]
async fn a_token_is_asked_for_where_the_registry_wants_one() {
    let (mut shelf, _) = shelf();
    shelf.challenge =
        Some(r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:owner/trivy-db:pull""#.to_owned());
    let token = "https://auth.example/token?service=registry%2Eexample&scope=repository%3Aowner%2Ftrivy%2Ddb%3Apull";
    shelf.put(token, r#"{"token":"secret"}"#);
    let Fetched::Batch { files, .. } = TrivyDb.fetch(&shelf, BASE, None).await.unwrap() else { panic!("unchanged") };
    std::fs::remove_file(&files[0].1).unwrap();
    assert_eq!(shelf.asked()[..3], [MANIFEST, token, MANIFEST]);
    shelf.put(token, r#"{"access_token":"wrong"}"#);
    assert!(TrivyDb.fetch(&shelf, BASE, None).await.is_err());
    shelf.challenge = Some("Basic realm=\"x\"".to_owned());
    assert!(TrivyDb.fetch(&shelf, BASE, None).await.unwrap_err().message.contains("anonymous"));
}

#[tokio::test]
async fn what_is_not_what_it_should_be_is_refused() {
    let (mut shelf, digest) = shelf();
    shelf.put(&format!("https://registry.example/v2/owner/trivy-db/blobs/{digest}"), "other bytes");
    assert!(TrivyDb.fetch(&shelf, BASE, None).await.unwrap_err().message.contains(&digest));
    shelf.put(MANIFEST, r#"{"layers":[]}"#);
    assert!(TrivyDb.fetch(&shelf, BASE, None).await.unwrap_err().message.contains("no layer"));
    assert!(TrivyDb.fetch(&shelf, "registry.example", None).await.is_err());
    assert_eq!(shelf.spooled(), 0);
}
