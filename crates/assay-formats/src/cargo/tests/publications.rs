//! Publications that repeat, collide, lie or break off.

use super::{
    ask, detail,
    fixtures::{Publication, framed, put},
    get, lines, publish, repo,
};
use crate::kit::testing::{FakeRepo, tgz};
use serde_json::json;

async fn refused(repo: &FakeRepo, publication: &Publication, status: u16, says: &str) {
    let answer = publication.send(repo).await;
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(detail(&answer).contains(says), "`{says}` is not in {}", answer.text());
}

#[tokio::test]
async fn a_version_is_published_once() {
    let repo = repo();
    let first = Publication::new("demo", "1.0.0");
    for _ in 0..2 {
        assert_eq!(first.send(&repo).await.status, 200, "the same again changes nothing");
    }
    assert_eq!(repo.versions("demo").len(), 1);
    let other = first.clone().entry("demo-1.0.0/b.rs", "");
    refused(&repo, &other, 409, "crate version `1.0.0` of `demo` is already uploaded").await;
    refused(&repo, &Publication::new("demo", "1.0.0+again"), 409, "is already uploaded").await;
    publish(&repo, "demo", "1.0.0-rc.1").await;
    assert_eq!(lines(&repo, "de/mo/demo").await.len(), 2);
    // A yanked version is still there.
    ask(&repo, "DELETE", "api/v1/crates/demo/1.0.0/yank").await;
    refused(&repo, &other, 409, "is already uploaded").await;
}

#[tokio::test]
async fn names_that_look_alike_are_one() {
    let repo = repo();
    for name in ["a-b_c", "a-b", "a", "x_y-z"] {
        publish(&repo, name, "1.0.0").await;
    }
    for (name, other) in [("a_b-c", "a-b_c"), ("a_b", "a-b"), ("A-b", "a-b"), ("A_B_C", "a-b_c"), ("x-y_z", "x_y-z")] {
        refused(&repo, &Publication::new(name, "2.0.0"), 409, &format!("too close to the crate `{other}`")).await;
    }
    for name in ["ab", "a-b-d", "a-c", "x", "x-y"] {
        publish(&repo, name, "1.0.0").await;
    }
}

#[tokio::test]
async fn names_and_versions_follow_the_rules() {
    let repo = repo();
    for name in ["1demo", "-demo", "de mo", "d\u{e9}mo", "", "nul", "COM1", "../demo", &"x".repeat(65)] {
        refused(&repo, &Publication::new(name, "1.0.0"), 400, "name").await;
    }
    for version in ["1", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "", "latest"] {
        refused(&repo, &Publication::new("demo", version), 400, "is not a version by SemVer").await;
    }
    publish(&repo, "_demo9", "1.0.0-rc.1+2").await;
    publish(&repo, "common", "0.0.1").await;
}

#[tokio::test]
async fn the_manifest_must_say_the_same() {
    let repo = repo();
    let dep = |more: serde_json::Value| {
        let mut dep = json!({ "name": "serde", "version_req": "^1", "kind": "normal", "default_features": true });
        dep.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Publication::new("demo", "1.0.0").says("deps", json!([dep]))
    };
    let told = "the dependency `serde` is not the same";
    refused(&repo, &dep(json!({})), 400, told).await;
    let table = "[dependencies]\nserde = \"1\"\n";
    refused(&repo, &Publication::new("demo", "1.0.0").manifest(table), 400, told).await;
    for lie in [
        json!({ "version_req": "^1.1" }),
        json!({ "optional": true }),
        json!({ "default_features": false }),
        json!({ "features": ["derive"] }),
        json!({ "kind": "dev" }),
        json!({ "target": "cfg(windows)" }),
        json!({ "name": "serde2", "explicit_name_in_toml": "serde" }),
    ] {
        refused(&repo, &dep(lie).manifest(table), 400, told).await;
    }
    assert_eq!(dep(json!({})).manifest(table).send(&repo).await.status, 200);

    let plain = Publication::new("other", "1.0.0");
    refused(&repo, &plain.clone().says("links", json!("z")), 400, "the links in the crate's Cargo.toml is `(none)`")
        .await;
    refused(&repo, &plain.clone().says("features", json!({ "x": [] })), 400, "the feature `x`").await;
    refused(&repo, &plain.clone().says("rust_version", json!("1.0")), 400, "the rust-version").await;
    let mut named = Publication::new("other", "1.0.0");
    named.manifest = "[package]\nname = \"another\"\nversion = \"1.0.0\"\n".to_owned();
    refused(&repo, &named, 400, "`another` and the publication says `other`").await;
    assert_eq!(get(&repo, "ot/he/other").await.status, 404, "a refused publication leaves nothing");
}

#[tokio::test]
async fn archives_hold_one_folder_of_files() {
    let repo = repo();
    let plain = Publication::new("demo", "1.0.0");
    refused(&repo, &plain.clone().entry("other/x.rs", ""), 400, "outside of the folder `demo-1.0.0`").await;
    refused(&repo, &plain.clone().entry("demo-1.0.0/../x.rs", ""), 400, "demo-1.0.0.crate").await;
    refused(&repo, &plain.clone().entry("demo-1.0.0/l@", "src"), 400, "the link `demo-1.0.0/l`").await;
    let mut broken = plain.clone();
    broken.manifest = "[package\n".to_owned();
    refused(&repo, &broken, 400, "Cargo.toml in the crate cannot be read").await;
    let metadata = plain.metadata.to_string();
    for (bytes, says) in [
        (tgz(&[("demo-1.0.0/src/lib.rs", "")]), "contains no demo-1.0.0/Cargo.toml"),
        (b"PK\x03\x04 no gzip".to_vec(), "is not compressed with gzip"),
        (plain.packed()[..200].to_vec(), "cannot be read"),
        (Vec::new(), "is not compressed with gzip"),
    ] {
        let answer = put(&repo, &framed(metadata.as_bytes(), &bytes)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(detail(&answer).contains(says), "`{says}` is not in {}", answer.text());
    }
    assert!(repo.versions("demo").is_empty());
}

#[tokio::test]
async fn bodies_that_break_off_or_go_on_are_refused() {
    let repo = repo();
    let whole = Publication::new("demo", "1.0.0").body();
    for cut in [0, 3, 4, 30, whole.len() - 1] {
        assert_eq!(put(&repo, &whole[..cut]).await.status, 400, "{cut}");
    }
    assert_eq!(put(&repo, &[&whole[..], b"more"].concat()).await.status, 400);
    let huge = put(&repo, &[&u32::MAX.to_le_bytes()[..], b"{}"].concat()).await;
    assert_eq!(huge.status, 413, "{}", huge.text());
    for metadata in ["", "{}", "[]", "{\"name\":\"demo\"}", "{\"name\":1,\"vers\":\"1.0.0\"}"] {
        let answer = put(&repo, &framed(metadata.as_bytes(), b"")).await;
        assert!(answer.status == 400 && detail(&answer).contains("metadata"), "{}", answer.text());
    }
    let mut reader = repo;
    reader.may_write = false;
    assert_eq!(put(&reader, &whole).await.status, 403);
    assert!(reader.versions("demo").is_empty());
}
