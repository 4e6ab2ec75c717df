//! What another registry is asked, and what is made of its answers.

use super::{Digest, INDEX, MANIFEST};
use crate::{kit::testing::FakeOrigin, oci::upstream::REMOTE};
use assay_model::{Kind, package::Role, seam::upstream::Remote};
use serde_json::{Value, json};

const HUB: &str = "https://registry.example";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len() })
}

fn image() -> String {
    let foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    let config = descriptor("application/vnd.oci.image.config.v1+json", b"{}");
    let layers = [descriptor(LAYER, b"one"), descriptor(foreign, b"far"), descriptor(LAYER, b"one")];
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers }).to_string()
}

#[tokio::test]
async fn a_tag_is_an_image_with_all_its_parts() {
    let body = image();
    let digest = Digest::of(body.as_bytes());
    let origin = FakeOrigin::new(HUB).with("https://registry.example/v2/team/app/manifests/1.0", MANIFEST, &body);
    let found = REMOTE.find(&origin, "team/app", "1.0").await.unwrap().unwrap();
    assert!(origin.asked()[0].1.contains(INDEX), "every kind of manifest is accepted");
    assert_eq!((found.version.as_str(), found.whole), (digest.as_str(), true));
    let files: Vec<_> = found.files.iter().map(|f| (f.path.as_str(), f.address.as_str(), f.size, f.role)).collect();
    let base = "https://registry.example/v2/team/app";
    let (config, layer) = (Digest::of(b"{}"), Digest::of(b"one"));
    let address = |place: &str, digest: &Digest| format!("{base}/{place}/{digest}");
    let (own, first, second) = (address("manifests", &digest), address("blobs", &config), address("blobs", &layer));
    assert_eq!(
        files,
        [
            (digest.as_str(), own.as_str(), Some(body.len() as u64), Some(Role::Image)),
            (config.as_str(), first.as_str(), Some(2), None),
            (layer.as_str(), second.as_str(), Some(3), None),
        ]
    );
    assert!(found.files.iter().all(|file| file.digest.as_ref().is_some_and(|d| d.as_str() == file.path)));
    assert_eq!(found.metadata["layers"][1]["absent"], true, "what registries do not distribute is not taken over");
    assert!(REMOTE.find(&origin, "team/app", "2.0").await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_asked_for_by_digest_has_it() {
    let body = image();
    let digest = Digest::of(body.as_bytes());
    let address = |digest: &Digest| format!("https://registry.example/v2/app/manifests/{digest}");
    let lie = Digest::of(b"another");
    let origin = FakeOrigin::new(HUB).with(&address(&digest), MANIFEST, &body).with(&address(&lie), MANIFEST, &body);
    let (version, file) = REMOTE.locate(&origin, "app", digest.as_str()).await.unwrap().unwrap();
    assert_eq!((version.version, file.path), (digest.to_string(), digest.to_string()));
    assert_eq!(REMOTE.find(&origin, "app", lie.as_str()).await.unwrap_err().kind, Kind::Upstream);
    assert!(REMOTE.locate(&origin, "app", "no digest").await.unwrap().is_none());
}

#[tokio::test]
async fn an_index_is_itself_and_its_images_are_had_by_digest() {
    let child = descriptor(MANIFEST, image().as_bytes());
    let body = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [child] }).to_string();
    let origin = FakeOrigin::new(HUB).with("https://registry.example/v2/app/manifests/1", INDEX, &body);
    let found = REMOTE.find(&origin, "app", "1").await.unwrap().unwrap();
    assert_eq!((found.files.len(), found.files[0].media_type.as_str()), (1, INDEX));
}

#[tokio::test]
async fn answers_that_cannot_be_right_are_the_upstreams_fault() {
    let sha512 = json!({ "mediaType": LAYER, "digest": format!("sha512:{}", "a".repeat(128)), "size": 1 });
    let config = descriptor("application/vnd.oci.image.config.v1+json", b"{}");
    let other = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [sha512] }).to_string();
    for (media_type, body, kind) in [
        ("text/html", "<html>".to_owned(), Kind::Upstream),
        (MANIFEST, "{}".to_owned(), Kind::Upstream),
        (MANIFEST, " ".repeat((4 << 20) + 1), Kind::Upstream),
        (MANIFEST, other, Kind::Unsupported),
    ] {
        let origin = FakeOrigin::new(HUB).with("https://registry.example/v2/app/manifests/1", media_type, &body);
        assert_eq!(REMOTE.find(&origin, "app", "1").await.unwrap_err().kind, kind);
    }
    let down = FakeOrigin::new(HUB).down();
    assert_eq!(REMOTE.tags(&down, "app").await.unwrap_err().kind, Kind::Upstream);
}

#[tokio::test]
async fn tags_are_read_page_by_page_on_the_same_host() {
    let first = "https://registry.example/v2/app/tags/list?n=1000";
    let second = "https://registry.example/v2/app/tags/list?last=b&n=2";
    let origin = FakeOrigin::new(HUB)
        .with(first, "application/json", r#"{"name":"app","tags":["b","a","not a tag"]}"#)
        .header(first, "link", "</v2/app/tags/list?last=b&n=2>; rel=\"next\"")
        .with(second, "application/json", r#"{"name":"app","tags":["c"]}"#)
        .header(second, "link", "<https://elsewhere.example/v2/app/tags/list>; rel=\"next\"");
    assert_eq!(REMOTE.tags(&origin, "app").await.unwrap().unwrap(), ["a", "b", "c"]);
    assert!(REMOTE.tags(&origin, "nothing").await.unwrap().is_none());
    let none = FakeOrigin::new(HUB).with(first, "application/json", r#"{"name":"app","tags":null}"#);
    assert!(REMOTE.tags(&none, "app").await.unwrap().unwrap().is_empty());
    assert_eq!(REMOTE.index(&none, "app").await.unwrap(), None);
}

#[tokio::test]
async fn the_address_says_how_names_are_mapped() {
    for (base, name, wanted) in [
        ("https://registry.example", "app", "https://registry.example/v2/app/manifests/1"),
        ("https://registry.example/main", "team/app", "https://registry.example/v2/main/team/app/manifests/1"),
        ("https://registry.example/_/library", "app", "https://registry.example/v2/library/app/manifests/1"),
        ("https://registry.example/_/library", "team/app", "https://registry.example/v2/team/app/manifests/1"),
    ] {
        let origin = FakeOrigin::new(base);
        assert!(REMOTE.find(&origin, name, "1").await.unwrap().is_none());
        assert_eq!(origin.asked()[0].0, wanted);
    }
}

#[tokio::test]
async fn a_catalogue_is_read_page_by_page_below_the_namespace() {
    let origin = FakeOrigin::new("https://registry.example/team")
        .with(
            "https://registry.example/v2/_catalog?n=1000",
            "application/json",
            r#"{"repositories": ["other/x", "team/a"]}"#,
        )
        .header(
            "https://registry.example/v2/_catalog?n=1000",
            "link",
            "</v2/_catalog?last=team%2Fa&n=1000>; rel=\"next\"",
        )
        .with(
            "https://registry.example/v2/_catalog?last=team%2Fa&n=1000",
            "application/json",
            r#"{"repositories": ["team/b/c", "team/B"]}"#,
        );
    assert_eq!(REMOTE.catalogue(&origin).await.unwrap().unwrap(), ["a", "b/c"]);
    assert_eq!(REMOTE.catalogue(&FakeOrigin::new(HUB)).await.unwrap(), None);
}

#[tokio::test]
async fn an_index_is_complete_with_its_images_and_what_refers_to_it() {
    let (one, note) = (Digest::of(b"one"), Digest::of(b"note"));
    let index =
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(MANIFEST, b"one")] }).to_string();
    let digest = Digest::of(index.as_bytes());
    let referrers = json!({ "schemaVersion": 2, "manifests": [descriptor(MANIFEST, b"note")] }).to_string();
    let base = "https://registry.example/v2/app";
    let origin = FakeOrigin::new(HUB).with(&format!("{base}/manifests/1"), INDEX, &index).with(
        &format!("{base}/referrers/{digest}"),
        INDEX,
        &referrers,
    );
    let found = REMOTE.find(&origin, "app", "1").await.unwrap().unwrap();
    let complete = REMOTE.complete(&origin, "app", found).await.unwrap();
    assert_eq!((complete.before, complete.after), (vec![one.to_string()], vec![note.to_string()]));
}
