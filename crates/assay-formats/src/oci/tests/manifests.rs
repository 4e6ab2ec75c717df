//! Manifests, indexes and what refers to them.

use super::{Ask, Digest, FORMAT, INDEX, MANIFEST, ask, error_code, push_blob, push_image, put_manifest, repo};
use crate::oci::inspect::Manifest;
use proptest::prelude::*;
use serde_json::json;

#[tokio::test]
async fn an_image_is_pulled_by_tag_and_digest_as_it_was_pushed() {
    let repo = repo();
    let (manifest, digest) = push_image(&repo, "team/app", "1.0", "x").await;
    for pointer in ["1.0", digest.as_str()] {
        let back = ask(&repo, "GET", &format!("team/app/manifests/{pointer}")).await;
        assert_eq!(back.text(), manifest.to_string());
        assert_eq!(back.header("content-type"), Some(MANIFEST));
        assert_eq!(back.header("docker-content-digest"), Some(digest.as_str()));
    }
    let version = &repo.versions("team/app")[0];
    insta::assert_json_snapshot!("package_metadata", version.package.metadata);
    let files: Vec<_> = version.files.iter().map(|file| (file.path.clone(), file.role, file.size)).collect();
    insta::assert_debug_snapshot!("package_files", files);
    // A layer is no manifest, even though it is a file.
    let layer = ask(&repo, "GET", &format!("team/app/manifests/{}", Digest::of(b"base layer"))).await;
    assert_eq!(error_code(&layer), "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn a_tag_moves_and_is_removed_without_its_image() {
    let repo = repo();
    let (_, first) = push_image(&repo, "app", "latest", "one").await;
    let (_, second) = push_image(&repo, "app", "latest", "two").await;
    let now = ask(&repo, "HEAD", "app/manifests/latest").await;
    assert_eq!(now.header("docker-content-digest"), Some(second.as_str()));
    assert_eq!(ask(&repo, "DELETE", "app/manifests/latest").await.status, 202);
    assert_eq!(ask(&repo, "GET", "app/manifests/latest").await.status, 404);
    assert_eq!(ask(&repo, "GET", &format!("app/manifests/{second}")).await.status, 200);
    assert_eq!(ask(&repo, "DELETE", &format!("app/manifests/{first}")).await.status, 202);
    assert_eq!(ask(&repo, "GET", &format!("app/manifests/{first}")).await.status, 404);
}

#[tokio::test]
async fn an_index_lists_images_that_are_there() {
    let repo = repo();
    let (manifest, digest) = push_image(&repo, "app", "amd64", "x").await;
    let child = json!({
        "mediaType": MANIFEST, "digest": digest, "size": manifest.to_string().len(),
        "platform": { "os": "linux", "architecture": "amd64" },
    });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [child] });
    assert_eq!(put_manifest(&repo, "app/manifests/multi", INDEX, &index).await.status, 201);
    let kept = &repo.versions("app")[1];
    assert_eq!(kept.package.metadata["manifests"][0]["platform"]["os"], "linux");
    assert_eq!(kept.files.len(), 1);
}

#[tokio::test]
async fn an_index_or_image_may_lack_parts_until_they_come() {
    let repo = repo();
    let config = push_blob(&repo, "app", b"{}").await;
    let (came, comes) = (push_blob(&repo, "app", b"here").await, Digest::of(b"later"));
    let layer = json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": comes, "size": 5 });
    let sparse = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [came, layer] });
    assert_eq!(put_manifest(&repo, "app/manifests/1", MANIFEST, &sparse).await.status, 201);
    assert_eq!(ask(&repo, "GET", "app/manifests/1").await.text(), sparse.to_string());
    assert_eq!(error_code(&ask(&repo, "GET", &format!("app/blobs/{comes}")).await), "BLOB_UNKNOWN");
    let layers = |repo: &crate::kit::testing::FakeRepo| repo.versions("app")[0].package.metadata["layers"].clone();
    assert_eq!((&layers(&repo)[0]["absent"], &layers(&repo)[1]["absent"]), (&json!(null), &json!(true)));
    // Pushed again with its layer, it is whole.
    push_blob(&repo, "app", b"later").await;
    assert_eq!(put_manifest(&repo, "app/manifests/1", MANIFEST, &sparse).await.status, 201);
    assert_eq!((layers(&repo)[1]["absent"].clone(), repo.versions("app")[0].files.len()), (json!(null), 4));
    let child = json!({ "mediaType": MANIFEST, "digest": Digest::of(b"no"), "size": 2 });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [child] });
    assert_eq!(put_manifest(&repo, "app/manifests/multi", INDEX, &index).await.status, 201);
    // What an image is stands in its configuration.
    let unknown = json!({ "mediaType": "x", "digest": Digest::of(b"no"), "size": 2 });
    let broken = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": unknown, "layers": [] });
    insta::assert_snapshot!("config_unknown", put_manifest(&repo, "app/manifests/x", MANIFEST, &broken).await.shown());
}

#[tokio::test]
async fn a_push_by_digest_sets_the_tags_it_names() {
    let repo = repo();
    let (manifest, digest) = push_image(&repo, "app", "1", "x").await;
    let target = format!("app/manifests/{digest}?tag=1.0&tag=latest&tag=1.0");
    let pushed = put_manifest(&repo, &target, MANIFEST, &manifest).await;
    assert_eq!((pushed.status, pushed.header("oci-tag")), (201, Some("1.0, latest")));
    assert_eq!(ask(&repo, "GET", "app/tags/list").await.json()["tags"], json!(["1", "1.0", "latest"]));
    let wrong = put_manifest(&repo, &format!("app/manifests/{digest}?tag=-x"), MANIFEST, &manifest).await;
    assert_eq!((wrong.status, error_code(&wrong).as_str()), (400, "MANIFEST_INVALID"));
    let many: Vec<String> = (0..33).map(|n| format!("tag=t{n}")).collect();
    let target = format!("app/manifests/{digest}?{}", many.join("&"));
    assert_eq!(put_manifest(&repo, &target, MANIFEST, &manifest).await.status, 400);
}

#[tokio::test]
async fn many_referrers_come_in_pages() {
    let repo = repo();
    let (_, subject) = push_image(&repo, "app", "1", "x").await;
    let empty = push_blob(&repo, "app", b"{}").await;
    let long = "a".repeat(1_500_000);
    for n in 0..5 {
        let artifact = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example", "config": empty,
            "layers": [], "subject": { "mediaType": MANIFEST, "digest": subject, "size": 9 },
            "annotations": { "n": n.to_string(), "long": long },
        });
        assert_eq!(put_manifest(&repo, &format!("app/manifests/r{n}"), MANIFEST, &artifact).await.status, 201);
    }
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut target = format!("app/referrers/{subject}?artifactType=application/vnd.example");
    loop {
        let page = ask(&repo, "GET", &target).await;
        assert!(page.body.len() <= 4 << 20);
        assert_eq!(page.header("oci-filters-applied"), Some("artifactType"));
        let entries = page.json()["manifests"].as_array().unwrap().clone();
        seen.extend(entries.iter().map(|entry| entry["annotations"]["n"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(link) = page.header("link") else { break };
        target = link.strip_prefix("</v2/main/").unwrap().split_once('>').unwrap().0.to_owned();
    }
    assert_eq!((seen, pages), (["0", "1", "2", "3", "4"].map(str::to_owned).to_vec(), 3));
}

#[tokio::test]
async fn referrers_are_found_by_subject_and_type() {
    let repo = repo();
    let (_, subject) = push_image(&repo, "app", "1", "x").await;
    let empty = push_blob(&repo, "app", b"{}").await;
    for (kind, note) in [("application/vnd.example.sbom", "a"), ("application/vnd.example.signature", "b")] {
        let artifact = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "config": empty, "layers": [empty],
            "subject": { "mediaType": MANIFEST, "digest": subject, "size": 9 }, "annotations": { "note": note },
        });
        let digest = Digest::of(artifact.to_string().as_bytes());
        let answer = put_manifest(&repo, &format!("app/manifests/{digest}"), MANIFEST, &artifact).await;
        assert_eq!((answer.status, answer.header("oci-subject")), (201, Some(subject.as_str())));
    }
    insta::assert_snapshot!("referrers", ask(&repo, "GET", &format!("app/referrers/{subject}")).await.shown());
    let target = format!("app/referrers/{subject}?artifactType=application/vnd.example.sbom");
    let filtered = ask(&repo, "GET", &target).await;
    assert_eq!(filtered.header("oci-filters-applied"), Some("artifactType"));
    assert_eq!(filtered.json()["manifests"].as_array().unwrap().len(), 1);
    let none = ask(&repo, "GET", &format!("nothing/referrers/{subject}")).await;
    assert_eq!((none.status, none.json()["manifests"].clone()), (200, json!([])));
    // An artifact may come before what it is about.
    let early = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": empty, "layers": [],
        "subject": { "mediaType": MANIFEST, "digest": Digest::of(b"later"), "size": 9 },
    });
    assert_eq!(put_manifest(&repo, "app/manifests/early", MANIFEST, &early).await.status, 201);
}

#[tokio::test]
async fn manifests_that_cannot_be_right_are_refused() {
    let repo = repo();
    let blob = push_blob(&repo, "app", b"{}").await;
    let with = |key: &str, value: serde_json::Value| {
        let mut manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": blob, "layers": [] });
        manifest[key] = value;
        manifest
    };
    let wrong_size = json!({ "mediaType": "x", "digest": blob["digest"], "size": 3 });
    let unknown = json!({ "mediaType": "x", "digest": Digest::of(b"no"), "size": 2 });
    let md5 = json!({ "mediaType": "x", "digest": format!("md5:{}", "a".repeat(32)), "size": 2 });
    let many: Vec<_> = (0..2001).map(|_| blob.clone()).collect();
    for (manifest, media_type, code) in [
        (json!("text"), MANIFEST, "MANIFEST_INVALID"),
        (with("schemaVersion", json!(1)), MANIFEST, "MANIFEST_INVALID"),
        (with("mediaType", json!("text/html")), "text/html", "MANIFEST_INVALID"),
        (with("schemaVersion", json!(2)), INDEX, "MANIFEST_INVALID"),
        (with("config", json!(null)), MANIFEST, "MANIFEST_INVALID"),
        (with("layers", json!(many)), MANIFEST, "MANIFEST_INVALID"),
        (with("layers", json!([wrong_size])), MANIFEST, "MANIFEST_INVALID"),
        (with("config", unknown), MANIFEST, "MANIFEST_BLOB_UNKNOWN"),
        (with("layers", json!([md5])), MANIFEST, "DIGEST_INVALID"),
    ] {
        let answer = put_manifest(&repo, "app/manifests/x", media_type, &manifest).await;
        assert_eq!((answer.status, error_code(&answer).as_str()), (400, code), "{manifest}");
    }
    let other = format!("app/manifests/{}", Digest::of(b"other"));
    assert_eq!(error_code(&put_manifest(&repo, &other, MANIFEST, &with("layers", json!([]))).await), "DIGEST_INVALID");
    let large = Ask::new("PUT", "app/manifests/x").body(vec![b' '; (4 << 20) + 1]).send(&FORMAT, &repo).await;
    assert_eq!(large.status, 413);
    assert!(repo.versions("app").is_empty());
}

#[tokio::test]
async fn a_layer_that_its_publisher_keeps_elsewhere_need_not_be_here() {
    let repo = repo();
    let config = push_blob(&repo, "app", b"{}").await;
    let foreign = json!({
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": Digest::of(b"elsewhere"), "size": 9, "urls": ["http://layers.example.test/1"],
    });
    let media_type = "application/vnd.docker.distribution.manifest.v2+json";
    let manifest = json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [foreign] });
    assert_eq!(put_manifest(&repo, "app/manifests/win", media_type, &manifest).await.status, 201);
    assert_eq!(repo.versions("app")[0].files.len(), 2);
    // A publisher who pushes it after all has it served.
    push_blob(&repo, "app", b"elsewhere").await;
    assert_eq!(put_manifest(&repo, "app/manifests/win", media_type, &manifest).await.status, 201);
    assert_eq!(repo.versions("app")[0].files.len(), 3);
}

#[tokio::test]
async fn a_large_manifest_is_taken_and_weighs_little() {
    let repo = repo();
    let config = push_blob(&repo, "app", b"{}").await;
    let annotations: serde_json::Map<_, _> =
        (0..390).map(|n| (format!("note-{n}"), "A".repeat(10_000).into())).collect();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [], "annotations": annotations,
    });
    assert_eq!(put_manifest(&repo, "app/manifests/large", MANIFEST, &manifest).await.status, 201);
    assert_eq!(ask(&repo, "GET", "app/manifests/large").await.text(), manifest.to_string());
    assert!(repo.versions("app")[0].package.metadata.to_string().len() < 70_000);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), header in proptest::option::of("[ -~]{0,40}")) {
        prop_assert!(Manifest::parse(&bytes, header.as_deref()).is_err());
    }
}
