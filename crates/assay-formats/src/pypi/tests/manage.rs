//! Releases are yanked and come back, files and releases go, projects have other homes.

use super::{
    fixtures::{Upload, sdist, wheel},
    get, index, repo, stocked,
};
use crate::{
    kit::testing::{Ask, FakeRepo, Response},
    pypi::FORMAT,
};
use serde_json::{Value, json};

async fn ask(repo: &FakeRepo, method: &str, path: &str, body: &str) -> Response {
    Ask::new(method, path).body(body).send(&FORMAT, repo).await
}

/// File names and what `yanked` says of them.
async fn listed(repo: &FakeRepo, name: &str) -> Vec<(String, Value)> {
    let files = index(repo, &format!("simple/{name}/")).await["files"].clone();
    let entry = |file: &Value| (file["filename"].as_str().unwrap().to_owned(), file["yanked"].clone());
    files.as_array().unwrap().iter().map(entry).collect()
}

#[tokio::test]
async fn a_release_is_yanked_with_a_reason_and_comes_back() {
    let repo = stocked().await;
    let answer = ask(&repo, "PUT", "project/Demo.Pkg/2.0.0/yank", "broken \n metadata").await;
    assert_eq!((answer.status, answer.text()), (200, "demo-pkg 2.0 is yanked\n"));
    let files = listed(&repo, "demo-pkg").await;
    assert_eq!(files[3], ("demo_pkg-2.0-py3-none-any.whl".to_owned(), json!("broken metadata")));
    assert!(files[..3].iter().all(|(_, yanked)| *yanked == json!(false)));
    assert!(get(&repo, "simple/demo-pkg/").await.text().contains("data-yanked=\"broken metadata\""));
    assert_eq!(get(&repo, "files/demo-pkg/demo_pkg-2.0-py3-none-any.whl").await.status, 200, "it can be pinned");

    // What the gate refuses says so first.
    repo.block("demo-pkg", "2.0", "refused by policy");
    assert_eq!(listed(&repo, "demo-pkg").await[3].1, json!("refused by policy"));

    assert_eq!(ask(&repo, "PUT", "project/demo-pkg/1.10/yank?reason=", "").await.status, 200);
    assert_eq!(listed(&repo, "demo-pkg").await[1].1, json!(true), "no reason was given");
    let answer = ask(&repo, "DELETE", "project/demo-pkg/1.10/yank", "").await;
    assert_eq!(answer.text(), "demo-pkg 1.10 is no longer yanked\n");
    assert_eq!(listed(&repo, "demo-pkg").await[1].1, json!(false));
}

#[tokio::test]
async fn a_further_file_of_a_yanked_release_is_yanked_too() {
    let repo = repo();
    Upload::new("demo", "1.0", "demo-1.0-py3-none-any.whl", wheel("demo", "1.0", "")).send(&repo).await;
    ask(&repo, "PUT", "project/demo/1.0/yank", "bad").await;
    Upload::new("demo", "1.0", "demo-1.0.tar.gz", sdist("demo", "1.0")).send(&repo).await;
    let yanked: Vec<Value> = listed(&repo, "demo").await.into_iter().map(|(_, yanked)| yanked).collect();
    assert_eq!(yanked, [json!("bad"), json!("bad")]);
    let kept = &repo.versions("demo")[0].package.metadata;
    assert_eq!((&kept["name"], &kept["yanked"]), (&json!("demo"), &json!("bad")));
}

#[tokio::test]
async fn a_file_is_removed_and_only_the_same_bytes_bring_it_back() {
    let repo = repo();
    let name = "demo-1.0-py3-none-any.whl";
    let first = Upload::new("demo", "1.0", name, wheel("demo", "1.0", ""));
    first.send(&repo).await;
    Upload::new("demo", "1.0", "demo-1.0.tar.gz", sdist("demo", "1.0")).send(&repo).await;
    let path = format!("files/demo/{name}");
    assert_eq!(ask(&repo, "DELETE", &path, "").await.status, 204);
    assert_eq!(listed(&repo, "demo").await, [("demo-1.0.tar.gz".to_owned(), json!(false))]);
    assert_eq!(get(&repo, &path).await.status, 404);
    assert_eq!(get(&repo, &format!("{path}.metadata")).await.status, 404);
    assert_eq!(ask(&repo, "DELETE", &path, "").await.status, 404);

    let other = Upload::new("demo", "1.0", name, wheel("demo", "1.0", "Summary: x\n")).send(&repo).await;
    assert!(other.status == 400 && other.text().contains("already exists"), "{}", other.shown());
    assert_eq!(first.send(&repo).await.status, 200);
    assert_eq!(get(&repo, &path).await.status, 200);
    assert_eq!(listed(&repo, "demo").await.len(), 2);

    // With its last file goes the release.
    ask(&repo, "DELETE", &path, "").await;
    assert_eq!(ask(&repo, "DELETE", "files/demo/demo-1.0.tar.gz", "").await.status, 204);
    assert!(repo.versions("demo").is_empty());
}

#[tokio::test]
async fn a_release_is_deleted_with_all_its_files() {
    let repo = stocked().await;
    assert_eq!(ask(&repo, "DELETE", "project/demo-pkg/1.10.0/", "").await.status, 204);
    assert_eq!(index(&repo, "simple/demo-pkg/").await["versions"], json!(["1.9.0", "2.0"]));
    for (method, path, status) in [
        ("DELETE", "project/demo-pkg/1.10", 404),
        ("DELETE", "project/nobody/1.0", 404),
        ("DELETE", "project/demo-pkg/latest", 400),
        ("PUT", "project/demo-pkg/3.0/yank", 404),
        ("DELETE", "files/demo-pkg/none.whl", 404),
        ("DELETE", "project/demo-pkg", 404),
        ("PUT", "project/demo-pkg/2.0", 405),
        ("POST", "project/demo-pkg/2.0/yank", 405),
        ("PUT", "files/demo-pkg/demo_pkg-2.0-py3-none-any.whl", 405),
    ] {
        let answer = ask(&repo, method, path, "").await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.shown());
    }
    let long = ask(&repo, "PUT", "project/demo-pkg/2.0/yank", &"x".repeat(1025)).await;
    assert_eq!(long.status, 413);
    let mut reader = stocked().await;
    reader.may_write = false;
    for (method, path) in [
        ("DELETE", "project/demo-pkg/2.0"),
        ("PUT", "project/demo-pkg/2.0/yank"),
        ("DELETE", "files/demo-pkg/demo-pkg-1.10.tar.gz"),
        ("PUT", "project/demo-pkg/alternate-locations"),
    ] {
        assert_eq!(ask(&reader, method, path, "[]").await.status, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn a_project_says_where_else_it_lives() {
    let repo = stocked().await;
    let address = "https://registry.example/simple/demo-pkg/";
    let path = "project/demo-pkg/alternate-locations";
    let body = json!([address, "https://mirror.example/simple/demo-pkg/"]).to_string();
    assert_eq!(ask(&repo, "PUT", path, &body).await.status, 200);
    Upload::new("demo-pkg", "3.0", "demo-pkg-3.0.tar.gz", sdist("demo-pkg", "3.0")).send(&repo).await;
    ask(&repo, "DELETE", "project/demo-pkg/2.0", "").await;
    assert_eq!(index(&repo, "simple/demo-pkg/").await["alternate-locations"][0], address);
    let page = get(&repo, "simple/demo-pkg/").await;
    assert!(page.text().contains(&format!("<meta name=\"pypi:alternate-locations\" content=\"{address}\">")));
    for bad in ["{}", "[7]", "[\"ftp://registry.example\"]", "[\"nowhere\"]"] {
        assert_eq!(ask(&repo, "PUT", path, bad).await.status, 400, "{bad}");
    }
    assert_eq!(ask(&repo, "DELETE", path, "").await.status, 200);
    assert_eq!(index(&repo, "simple/demo-pkg/").await["alternate-locations"], json!([]));
}
