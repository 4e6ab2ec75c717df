//! Cargo publishes, resolves, yanks and searches: the index, the web API, refusals, and publications that lie.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod fixtures;
mod laws;
mod publications;
mod remote;

use super::FORMAT;
use crate::kit::testing::{Ask, FakeRepo, Response, World, refusal};
use assay_model::{Kind, Problem, seam::format::Format};
use fixtures::Publication;
use serde_json::{Value, json};

fn repo() -> FakeRepo {
    World::default().repository("main", &FORMAT)
}

async fn ask(repo: &FakeRepo, method: &str, path: &str) -> Response {
    Ask::new(method, path).send(&FORMAT, repo).await
}

async fn get(repo: &FakeRepo, path: &str) -> Response {
    ask(repo, "GET", path).await
}

/// The lines of a file of the index.
async fn lines(repo: &FakeRepo, path: &str) -> Vec<Value> {
    let file = get(repo, path).await;
    assert_eq!(file.status, 200, "{}", file.text());
    file.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn publish(repo: &FakeRepo, name: &str, version: &str) {
    let answer = Publication::new(name, version).send(repo).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn detail(response: &Response) -> String {
    response.json()["errors"][0]["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn config_points_to_this_repository() {
    let config = get(&repo(), "config.json").await;
    assert_eq!(
        config.json(),
        json!({
            "dl": "http://assay.test:8080/cargo/main/api/v1/crates",
            "api": "http://assay.test:8080/cargo/main",
            "auth-required": true,
        })
    );
}

#[tokio::test]
async fn names_of_any_length_have_their_place_in_the_index() {
    let repo = repo();
    for name in ["a", "ab", "abc", "abcd", "Long_Name-x"] {
        publish(&repo, name, "1.0.0").await;
    }
    for (path, name) in
        [("1/a", "a"), ("2/ab", "ab"), ("3/a/abc", "abc"), ("ab/cd/abcd", "abcd"), ("lo/ng/long_name-x", "Long_Name-x")]
    {
        assert_eq!(lines(&repo, path).await[0]["name"], name);
    }
    for path in ["a", "1/ab", "ab/cd/abce", "Lo/ng/Long_Name-x", "lo/ng/long-name-x", "lo/ng/long_name-x/", "ab/abcd"] {
        assert_eq!(get(&repo, path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_line_says_all_that_a_resolver_asks() {
    let repo = repo();
    let dep = |name: &str, more: Value| {
        let mut dep = json!({
            "name": name, "version_req": "^1.2", "features": ["std"], "optional": false, "default_features": true,
            "target": null, "kind": "normal", "registry": null, "explicit_name_in_toml": null,
        });
        dep.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        dep
    };
    let deps = json!([
        dep("plain", json!({})),
        dep("real", json!({ "explicit_name_in_toml": "called", "optional": true })),
        dep("tool", json!({ "kind": "build", "target": "cfg(unix)", "registry": "https://registry.example/index" })),
    ]);
    let publication = Publication::new("demo", "1.0.0")
        .says("deps", deps)
        .says("features", json!({ "default": ["std"], "std": [], "call": ["dep:called"] }))
        .says("links", json!("z"))
        .says("rust_version", json!("1.70"))
        .manifest(
            "links = \"z\"\nrust-version = \"1.70\"\n\
             [dependencies]\nplain = { version = \"1.2\", features = [\"std\"] }\n\
             called = { version = \"1.2\", package = \"real\", optional = true, features = [\"std\"] }\n\
             [target.\"cfg( unix )\".build-dependencies]\n\
             tool = { version = \"1.2\", features = [\"std\"], registry-index = \"https://registry.example/index\" }\n\
             [dev-dependencies]\nlocal = { path = \"../local\" }\n\
             [features]\ndefault = [\"std\"]\nstd = []\ncall = [\"dep:called\"]\n",
        );
    let answer = publication.send(&repo).await;
    assert_eq!(answer.json()["warnings"]["other"], json!([]), "{}", answer.text());
    insta::assert_json_snapshot!("line", lines(&repo, "de/mo/demo").await[0]);
    let kept = &repo.versions("demo")[0].package.metadata;
    assert_eq!((&kept["description"], &kept["license"]), (&json!("A demo"), &json!("MIT")));
    assert!(kept.get("readme").is_none());
    let file = get(&repo, "api/v1/crates/demo/1.0.0/download").await;
    assert_eq!((file.status, &file.body[..]), (200, &publication.packed()[..]));
    assert_eq!(get(&repo, "api/v1/crates/Demo/1.0.0/download").await.status, 200, "case does not tell names apart");
    assert_eq!(get(&repo, "api/v1/crates/demo/1.0.1/download").await.status, 404);
}

#[tokio::test]
async fn yanks_come_and_go_and_leave_the_file() {
    let repo = repo();
    publish(&repo, "demo", "1.0.0").await;
    let before = lines(&repo, "de/mo/demo").await;
    let answer = ask(&repo, "DELETE", "api/v1/crates/demo/1.0.0/yank").await;
    assert_eq!(answer.json(), json!({ "ok": true }));
    assert_eq!(lines(&repo, "de/mo/demo").await[0]["yanked"], true);
    assert_eq!(get(&repo, "api/v1/crates/demo/1.0.0/download").await.status, 200);
    assert_eq!(ask(&repo, "PUT", "api/v1/crates/demo/1.0.0/unyank").await.status, 200);
    assert_eq!(lines(&repo, "de/mo/demo").await, before);

    let none = ask(&repo, "DELETE", "api/v1/crates/demo/2.0.0/yank").await;
    assert_eq!((none.status, detail(&none)), (404, "crate `demo` has no version 2.0.0 here".to_owned()));
    assert_eq!(ask(&repo, "DELETE", "api/v1/crates/nobody/1.0.0/yank").await.status, 404);
    let mut reader = repo;
    reader.may_write = false;
    assert_eq!(ask(&reader, "DELETE", "api/v1/crates/demo/1.0.0/yank").await.status, 403);
}

#[tokio::test]
async fn a_blocked_version_looks_yanked_and_its_download_says_why() {
    let repo = repo();
    for version in ["1.0.0", "1.1.0"] {
        publish(&repo, "demo", version).await;
    }
    repo.block("demo", "1.1.0", "too dangerous");
    let index = lines(&repo, "de/mo/demo").await;
    assert_eq!((&index[0]["yanked"], &index[1]["yanked"]), (&json!(false), &json!(true)));
    let refused = get(&repo, "api/v1/crates/demo/1.1.0/download").await;
    assert_eq!(refused.status, 403);
    assert!(
        detail(&refused).contains("demo 1.1.0 is quarantined by policy Max CVSS: too dangerous"),
        "{}",
        refused.text()
    );
    // Searches offer what may be had.
    let found = get(&repo, "api/v1/crates?q=demo").await.json();
    assert_eq!(found["crates"][0]["max_version"], "1.0.0");
}

#[tokio::test]
async fn searches_are_paged_and_prefer_releases() {
    let repo = repo();
    for (name, version) in [("demo-a", "1.0.0"), ("demo-a", "2.0.0-rc.1"), ("Demo-b", "0.1.0-pre"), ("other", "1.0.0")]
    {
        publish(&repo, name, version).await;
    }
    let found = get(&repo, "api/v1/crates?q=DEMO&per_page=1").await.json();
    assert_eq!(found["meta"]["total"], 2);
    let hit = json!({ "name": "demo-a", "max_version": "1.0.0", "description": "A demo" });
    assert_eq!(found["crates"], json!([hit]));
    let found = get(&repo, "api/v1/crates?q=demo&per_page=1&page=2").await.json();
    assert_eq!(
        (&found["crates"][0]["name"], &found["crates"][0]["max_version"]),
        (&json!("Demo-b"), &json!("0.1.0-pre"))
    );
    let found = get(&repo, "api/v1/crates?q=nothing").await.json();
    assert_eq!(found, json!({ "crates": [], "meta": { "total": 0 } }));
}

#[tokio::test]
async fn owners_are_those_who_published_and_cannot_be_changed() {
    let repo = repo();
    publish(&repo, "demo", "1.0.0").await;
    let owners = get(&repo, "api/v1/crates/demo/owners").await.json();
    assert_eq!(owners, json!({ "users": [{ "id": 1, "login": "tester", "name": null }] }));
    for method in ["PUT", "DELETE"] {
        let answer = ask(&repo, method, "api/v1/crates/demo/owners").await;
        assert_eq!(answer.status, 403);
        assert!(detail(&answer).contains("`write` on repository main"), "{}", answer.text());
    }
    assert_eq!(get(&repo, "api/v1/crates/nobody/owners").await.status, 404);
}

#[tokio::test]
async fn other_methods_and_addresses_are_told_what_there_is() {
    let repo = repo();
    for (method, path, status) in [
        ("POST", "api/v1/crates/new", 405),
        ("PUT", "config.json", 405),
        ("DELETE", "api/v1/crates/demo/1.0.0/download", 405),
        ("PUT", "api/v1/crates/demo/1.0.0/yank", 405),
        ("GET", "api/v1/summary", 404),
        ("GET", "", 404),
        ("GET", "config.json/x", 404),
    ] {
        let answer = ask(&repo, method, path).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(!detail(&answer).is_empty());
        assert_eq!(answer.header("allow").is_some(), status == 405);
    }
    assert_eq!(get(&repo, "me").await.header("location"), Some("/ui/"));
    let lobby = Ask::new("GET", "").send_to_lobby(&FORMAT, &repo).await;
    assert!(detail(&lobby).contains("/cargo/<repository>/"));
}

#[test]
fn problems_and_refusals_are_worded_for_cargo() {
    let busy = Problem::busy("this package is still being inspected; try again in a few seconds", 5);
    let answer = FORMAT.problem(&busy);
    assert_eq!((answer.status, answer.headers), (503, vec![("Retry-After", "5".to_owned())]));
    let answer = FORMAT.problem(&Problem::new(Kind::Forbidden, "forbidden", "no \"quotes\" get lost"));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body, json!({ "errors": [{ "detail": "no \"quotes\" get lost" }] }));

    let refused = FORMAT.refuse(&refusal("demo 1.0.0"));
    assert_eq!(refused.status, 403);
    insta::assert_snapshot!("refused", String::from_utf8(refused.body.to_vec()).unwrap());
}
