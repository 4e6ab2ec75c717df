//! Content that is addressed by SHA-512: stored once by SHA-256, and had by either.

use super::{Ask, Digest, FORMAT, FakeRepo, INDEX, MANIFEST, ask, error_code, push_image, put_manifest, repo};
use serde_json::{Value, json};
use sha2::Digest as _;

fn sha512(bytes: &[u8]) -> String {
    format!("sha512:{}", hex::encode(sha2::Sha512::digest(bytes)))
}

async fn push(repo: &FakeRepo, bytes: &[u8]) -> Value {
    let digest = sha512(bytes);
    let target = format!("app/blobs/uploads/?digest={digest}");
    let answer = Ask::new("POST", &target).body(bytes).send(&FORMAT, repo).await;
    assert_eq!((answer.status, answer.header("docker-content-digest")), (201, Some(digest.as_str())));
    assert_eq!(answer.header("location"), Some(format!("/v2/main/app/blobs/{digest}").as_str()));
    json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": bytes.len() })
}

#[tokio::test]
async fn a_blob_is_had_by_the_digest_it_was_pushed_by_and_by_the_usual_one() {
    let repo = repo();
    push(&repo, b"hello").await;
    for digest in [sha512(b"hello"), Digest::of(b"hello").to_string()] {
        let back = ask(&repo, "GET", &format!("app/blobs/{digest}")).await;
        assert_eq!((back.text(), back.header("docker-content-digest")), ("hello", Some(digest.as_str())));
    }
    let target = format!("app/blobs/uploads/?digest={}", sha512(b"hello"));
    let wrong = Ask::new("POST", &target).body("other").send(&FORMAT, &repo).await;
    assert_eq!((wrong.status, error_code(&wrong).as_str()), (400, "DIGEST_INVALID"));
    let mounted = ask(&repo, "POST", &format!("new/blobs/uploads/?mount={}", sha512(b"hello"))).await;
    assert_eq!(mounted.status, 201);
    assert_eq!(ask(&repo, "DELETE", &format!("app/blobs/{}", sha512(b"hello"))).await.status, 202);
    assert_eq!(ask(&repo, "GET", &format!("app/blobs/{}", Digest::of(b"hello"))).await.status, 404);
}

#[tokio::test]
async fn an_image_and_an_index_are_pushed_by_it() {
    let repo = repo();
    let (config, layer) = (push(&repo, b"{}").await, push(&repo, b"layer").await);
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    let image = manifest.to_string();
    let own = sha512(image.as_bytes());
    let pushed = put_manifest(&repo, &format!("app/manifests/{own}?tag=1"), MANIFEST, &manifest).await;
    assert_eq!(
        (pushed.status, pushed.header("docker-content-digest")),
        (201, Some(own.as_str())),
        "{}",
        pushed.shown()
    );
    assert!(pushed.header("location").unwrap().ends_with(&own));
    for (pointer, shown) in [(own.clone(), own.clone()), ("1".to_owned(), own.clone())] {
        let back = ask(&repo, "GET", &format!("app/manifests/{pointer}")).await;
        assert_eq!((back.text(), back.header("docker-content-digest")), (image.as_str(), Some(shown.as_str())));
    }
    // Inside, everything is known by the digest that it is stored by.
    let stored = Digest::of(image.as_bytes());
    let version = repo.versions("app")[0].clone();
    assert_eq!(version.package.at.version, stored.as_str());
    assert_eq!(version.package.metadata["layers"][0]["digest"], Digest::of(b"layer").as_str());
    assert_eq!(version.files[0].hashes["sha512"], own.trim_start_matches("sha512:"));

    let child = json!({ "mediaType": MANIFEST, "digest": own, "size": image.len() });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [child] });
    let target = format!("app/manifests/{}", sha512(index.to_string().as_bytes()));
    assert_eq!(put_manifest(&repo, &target, INDEX, &index).await.status, 201);
    assert_eq!(repo.versions("app")[1].package.metadata["manifests"][0]["digest"], stored.as_str());
    let wrong = put_manifest(&repo, &format!("app/manifests/{}", sha512(b"x")), INDEX, &index).await;
    assert_eq!((wrong.status, error_code(&wrong).as_str()), (400, "DIGEST_INVALID"));

    let artifact = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [],
        "subject": { "mediaType": MANIFEST, "digest": own, "size": image.len() },
    });
    assert_eq!(put_manifest(&repo, "app/manifests/about", MANIFEST, &artifact).await.status, 201);
    for subject in [own.as_str(), stored.as_str()] {
        let listed = ask(&repo, "GET", &format!("app/referrers/{subject}")).await;
        assert_eq!(listed.json()["manifests"].as_array().unwrap().len(), 1, "{subject}");
    }

    assert_eq!(ask(&repo, "DELETE", &format!("app/manifests/{own}")).await.status, 202);
    for pointer in [own.as_str(), stored.as_str(), "1"] {
        assert_eq!(ask(&repo, "GET", &format!("app/manifests/{pointer}")).await.status, 404, "{pointer}");
    }
    assert_eq!(ask(&repo, "DELETE", &format!("app/manifests/{own}")).await.status, 404);
}

#[tokio::test]
async fn a_manifest_that_came_by_both_is_one() {
    let repo = repo();
    let (manifest, digest) = push_image(&repo, "app", "1", "x").await;
    let target = format!("app/manifests/{}", sha512(manifest.to_string().as_bytes()));
    assert_eq!(put_manifest(&repo, &target, MANIFEST, &manifest).await.status, 201);
    assert_eq!(repo.versions("app").len(), 1);
    let back = ask(&repo, "GET", "app/manifests/1").await;
    assert_eq!(back.header("docker-content-digest"), Some(digest.as_str()));
}
