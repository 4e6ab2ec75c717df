//! Clients publish, resolve, edit and audit: what they get back, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod fixtures;
mod remote;

use super::{FORMAT, render, wire};
use crate::kit::testing::{Ask, FakeRepo, Response, World};
use assay_model::{
    Kind, Problem,
    finding::{Detail, Finding, Severity},
    seam::format::{Format, Known},
};
use fixtures::{Upload, archive, bundle, sri};
use http::Method;
use serde_json::{Value, json};

const INSTALL: &str = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";

fn repo() -> FakeRepo {
    World::default().repository("main", &FORMAT)
}

async fn get(repo: &FakeRepo, path: &str) -> Response {
    Ask::new("GET", path).send(&FORMAT, repo).await
}

async fn put(repo: &FakeRepo, path: &str, body: &Value) -> Response {
    Ask::new("PUT", path).body(body.to_string()).send(&FORMAT, repo).await
}

async fn publish(repo: &FakeRepo, name: &str, version: &str) {
    let answer = Upload::new(name, version).send(repo).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// Three versions of one scoped package, the last a beta.
async fn stocked() -> FakeRepo {
    let repo = repo();
    for version in ["1.9.0", "1.10.0"] {
        publish(&repo, "@scope/tiny", version).await;
    }
    let mut beta = Upload::new("@scope/tiny", "2.0.0-beta.1");
    beta.tag = "next";
    assert_eq!(beta.send(&repo).await.status, 201);
    repo
}

#[tokio::test]
async fn a_package_is_shown_in_full_and_abbreviated() {
    let repo = stocked().await;
    insta::assert_json_snapshot!("full", get(&repo, "@scope%2ftiny").await.json());
    let short = Ask::new("GET", "@scope/tiny").header("accept", INSTALL).send(&FORMAT, &repo).await;
    assert_eq!(short.header("content-type"), Some("application/vnd.npm.install-v1+json"));
    assert_eq!(short.header("vary"), Some("Accept"));
    insta::assert_json_snapshot!("abbreviated", short.json());
    let none = Ask::new("GET", "@scope/tiny").header("accept", "image/png").send(&FORMAT, &repo).await;
    assert_eq!(none.status, 406);
}

#[tokio::test]
async fn archives_are_where_the_packument_says_with_the_hashes_it_says() {
    let repo = stocked().await;
    let packument = get(&repo, "@scope/tiny").await.json();
    for (version, manifest) in packument["versions"].as_object().unwrap() {
        let dist = &manifest["dist"];
        let path = dist["tarball"].as_str().unwrap().strip_prefix("http://assay.test:8080/npm/main/").unwrap();
        let bytes = get(&repo, path).await.body;
        assert_eq!(bytes, archive("@scope/tiny", version, json!({})));
        assert_eq!(dist["integrity"], sri(&bytes));
        assert_eq!((&dist["fileCount"], dist["shasum"].as_str().unwrap().len()), (&json!(2), 40));
    }
    for path in
        ["@scope%2ftiny/-/tiny-1.9.0.tgz", "%40scope/tiny/-/tiny-1.9.0.tgz", "@scope/tiny/-/@scope/tiny-1.9.0.tgz"]
    {
        assert_eq!(get(&repo, path).await.status, 200, "{path}");
    }
    for path in
        ["@scope/tiny/-/tiny-3.0.0.tgz", "tiny/-/tiny-1.9.0.tgz", "@scope/other", "..%2f..%2fetc", "a/b/c/d", "-/all"]
    {
        assert_eq!(get(&repo, path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn one_version_is_found_by_number_and_by_tag() {
    let repo = stocked().await;
    for (what, version) in [("1.9.0", "1.9.0"), ("latest", "1.10.0"), ("next", "2.0.0-beta.1")] {
        assert_eq!(get(&repo, &format!("@scope/tiny/{what}")).await.json()["version"], version);
    }
    assert_eq!(get(&repo, "@scope/tiny/3.0.0").await.status, 404);
}

#[tokio::test]
async fn a_blocked_version_is_left_out_and_says_why_where_it_is_asked_for() {
    let repo = stocked().await;
    repo.block("@scope/tiny", "1.10.0", "@scope/tiny 1.10.0 is quarantined by policy Max CVSS");
    for accept in ["application/json", INSTALL] {
        let shown = Ask::new("GET", "@scope/tiny").header("accept", accept).send(&FORMAT, &repo).await.json();
        assert_eq!(shown["dist-tags"], json!({ "latest": "1.9.0", "next": "2.0.0-beta.1" }));
        assert!(shown["versions"].get("1.10.0").is_none() && shown["time"].get("1.10.0").is_none());
        let told = &shown["policyRestrictions"];
        assert_eq!(told["message"], "@scope/tiny 1.10.0 is quarantined by policy Max CVSS");
        assert_eq!(told["versions"]["1.10.0"]["version"], "1.10.0");
    }
    assert_eq!(get(&repo, "-/package/@scope%2ftiny/dist-tags").await.json()["latest"], "1.9.0");
    for path in ["@scope/tiny/-/tiny-1.10.0.tgz", "@scope/tiny/1.10.0"] {
        let refused = get(&repo, path).await;
        assert_eq!(refused.status, 403, "{path}");
        let sentence = refused.json()["error"].as_str().unwrap().to_owned();
        assert!(sentence.contains("@scope/tiny@1.10.0") && sentence.contains("Max CVSS"), "{sentence}");
        assert!(refused.reason.unwrap().contains("Max CVSS"));
    }
    // A writer sees it, to take it back or to deprecate it.
    let edited = get(&repo, "@scope%2ftiny?write=true").await.json();
    assert!(edited["versions"].get("1.10.0").is_some() && edited.get("policyRestrictions").is_none());
    assert_eq!(edited["dist-tags"]["latest"], "1.10.0");
    for version in ["1.9.0", "2.0.0-beta.1"] {
        repo.block("@scope/tiny", version, "no");
    }
    let shown = get(&repo, "@scope/tiny").await.json();
    assert_eq!((&shown["dist-tags"], &shown["versions"], &shown["time"]), (&json!({}), &json!({}), &json!({})));
    assert_eq!(get(&repo, "@scope/tiny/latest").await.status, 403);
}

#[tokio::test]
async fn a_version_is_published_once() {
    let repo = repo();
    publish(&repo, "tiny", "1.0.0").await;
    for version in ["1.0.0", "1.0.0+build.2"] {
        let again = Upload::new("tiny", version).send(&repo).await;
        assert_eq!(again.status, 403);
        let said = again.json()["error"].as_str().unwrap().to_owned();
        assert!(said.starts_with("You cannot publish over the previously published versions: 1.0.0"), "{said}");
    }
    assert_eq!(repo.versions("tiny").len(), 1);
}

#[tokio::test]
async fn uploads_that_contradict_themselves_leave_nothing() {
    let with = |change: &dyn Fn(&mut Upload)| {
        let mut upload = Upload::new("tiny", "1.0.0");
        upload.manifest["dist"] = json!({});
        change(&mut upload);
        upload
    };
    let cases: Vec<(&str, Upload)> = vec![
        ("the name in the archive", with(&|u| u.archive = archive("other", "1.0.0", json!({})))),
        ("the version in the archive", with(&|u| u.archive = archive("tiny", "1.0.1", json!({})))),
        ("the name in the manifest", with(&|u| u.manifest["name"] = json!("other"))),
        ("is not a version", with(&|u| u.version = "1.0".to_owned())),
        ("capital letters", Upload::new("Tiny", "1.0.0")),
        ("sha512 is not", with(&|u| u.manifest["dist"] = json!({ "integrity": sri(b"x") }))),
        ("sha1 is not", with(&|u| u.manifest["dist"] = json!({ "shasum": "0".repeat(40) }))),
        ("another length", with(&|u| u.length = Some(7))),
        ("no package.json", with(&|u| u.archive = fixtures::tgz(&[("package/index.js", "")]))),
        ("cannot be read", with(&|u| u.archive = b"nonsense".to_vec())),
        ("package.json cannot be read", with(&|u| u.archive = fixtures::tgz(&[("package/package.json", "{")]))),
        (
            "two package.json",
            with(&|u| {
                let text = json!({ "name": "tiny", "version": "1.0.0" }).to_string();
                u.archive = fixtures::tgz(&[("package/package.json", &text), ("other/package.json", &text)]);
            }),
        ),
        ("unsafe path", with(&|u| u.archive = fixtures::tgz(&[("package/package.json", "{}"), ("../x", "")]))),
        ("cannot be a dist-tag", with(&|u| u.tag = "1.x")),
        ("does not speak of", with(&|u| u.bundle = Some(bundle("pkg:npm/other@1.0.0", &u.archive)))),
        ("no statement", with(&|u| u.bundle = Some("{}".to_owned()))),
    ];
    for (words, upload) in cases {
        let repo = repo();
        let answer = upload.send(&repo).await;
        assert!(answer.status == 400 && answer.text().contains(words), "{words}: {}", answer.shown());
        assert!(repo.versions(&upload.name).is_empty(), "{words}");
    }
}

#[tokio::test]
async fn damaged_requests_are_told_why() {
    let repo = repo();
    let whole = Upload::new("tiny", "1.0.0").body();
    for cut in [0, 1, 10, whole.len() / 2, whole.len() - 5] {
        let answer = Ask::new("PUT", "tiny").body(&whole[..cut]).send(&FORMAT, &repo).await;
        assert_eq!(answer.status, 400, "cut at {cut}: {}", answer.shown());
    }
    assert!(repo.versions("tiny").is_empty());
    for (method, path) in [("POST", "tiny"), ("DELETE", "tiny"), ("PUT", "-/npm/v1/tokens"), ("POST", "-/v1/login")] {
        let answer = Ask::new(method, path).send(&FORMAT, &repo).await;
        assert!(answer.status == 405 && !answer.json()["error"].as_str().unwrap().is_empty(), "{method} {path}");
    }
    assert_eq!(Ask::new("GET", "").send_to_lobby(&FORMAT, &repo).await.status, 404);
}

#[tokio::test]
async fn a_reader_changes_nothing() {
    let mut repo = stocked().await;
    let before = get(&repo, "@scope/tiny").await.json();
    repo.may_write = false;
    assert_eq!(Upload::new("@scope/tiny", "3.0.0").send(&repo).await.status, 403);
    let revision = before["_rev"].as_str().unwrap();
    for (method, path, body) in [
        ("PUT", "-/package/@scope%2ftiny/dist-tags/old", "\"1.9.0\"".to_owned()),
        ("DELETE", "-/package/@scope%2ftiny/dist-tags/next", String::new()),
        ("DELETE", &format!("@scope%2ftiny/-rev/{revision}"), String::new()),
        ("DELETE", "@scope%2ftiny/-/tiny-1.9.0.tgz/-rev/1", String::new()),
        ("PUT", &format!("@scope%2ftiny/-rev/{revision}"), json!({ "versions": {} }).to_string()),
        ("PUT", "@scope%2ftiny", json!({ "versions": { "1.9.0": { "deprecated": "x" } } }).to_string()),
    ] {
        assert_eq!(Ask::new(method, path).body(body).send(&FORMAT, &repo).await.status, 403, "{method} {path}");
    }
    assert_eq!(get(&repo, "@scope/tiny").await.json(), before);
}

#[tokio::test]
async fn deprecations_come_and_go_and_change_nothing_else() {
    let repo = stocked().await;
    let mut packument = get(&repo, "@scope%2ftiny?write=true").await.json();
    packument["versions"]["1.10.0"]["deprecated"] = json!("use 2");
    packument["versions"]["1.9.0"]["description"] = json!("not for a client to change");
    assert_eq!(put(&repo, "@scope%2ftiny", &packument).await.status, 201);
    let shown = get(&repo, "@scope/tiny").await.json();
    assert_eq!(shown["versions"]["1.10.0"]["deprecated"], "use 2");
    assert_ne!(shown["versions"]["1.9.0"]["description"], "not for a client to change");
    assert_eq!(shown["dist-tags"]["latest"], "1.10.0");
    packument["versions"]["1.10.0"]["deprecated"] = json!("");
    assert_eq!(put(&repo, "@scope%2ftiny", &packument).await.status, 201);
    assert!(get(&repo, "@scope/tiny").await.json()["versions"]["1.10.0"].get("deprecated").is_none());
}

#[tokio::test]
async fn dist_tags_are_set_and_removed() {
    let repo = stocked().await;
    assert_eq!(put(&repo, "-/package/@scope%2ftiny/dist-tags/stable", &json!("1.9.0")).await.status, 201);
    assert_eq!(put(&repo, "-/package/@scope/tiny/dist-tags/next", &json!("1.10.0")).await.status, 201);
    let tags = get(&repo, "-/package/@scope%2ftiny/dist-tags").await.json();
    assert_eq!(tags, json!({ "latest": "1.10.0", "next": "1.10.0", "stable": "1.9.0" }));
    let gone = Ask::new("DELETE", "-/package/@scope%2ftiny/dist-tags/stable").send(&FORMAT, &repo).await;
    assert_eq!(gone.status, 201);
    for (method, tag, body, status) in [
        ("PUT", "x", "\"1.9.0\"", 400),
        ("PUT", "stable", "\"7.0.0\"", 404),
        ("PUT", "stable", "1.9.0", 400),
        ("DELETE", "stable", "", 404),
        ("DELETE", "latest", "", 400),
    ] {
        let path = format!("-/package/@scope%2ftiny/dist-tags/{tag}");
        assert_eq!(Ask::new(method, &path).body(body).send(&FORMAT, &repo).await.status, status, "{method} {tag}");
    }
}

#[tokio::test]
async fn one_version_is_taken_back_as_the_client_does_it() {
    let repo = stocked().await;
    let mut packument = get(&repo, "@scope%2ftiny?write=true").await.json();
    let stale = packument["_rev"].as_str().unwrap().to_owned();
    packument["versions"].as_object_mut().unwrap().remove("1.10.0");
    packument["dist-tags"]["latest"] = json!("1.9.0");
    assert_eq!(put(&repo, &format!("@scope%2ftiny/-rev/{stale}"), &packument).await.status, 201);
    let after = get(&repo, "@scope%2ftiny?write=true").await.json();
    assert_eq!(after["dist-tags"]["latest"], "1.9.0");
    let revision = after["_rev"].as_str().unwrap();
    let path = format!("@scope/tiny/-/tiny-1.10.0.tgz/-rev/{revision}");
    assert_eq!(Ask::new("DELETE", &path).send(&FORMAT, &repo).await.status, 201);
    assert_eq!(repo.versions("@scope/tiny").len(), 2);
    // Who read before the change must read again.
    assert_eq!(put(&repo, &format!("@scope%2ftiny/-rev/{stale}"), &packument).await.status, 409);
    let path = format!("@scope%2ftiny/-rev/{stale}");
    assert_eq!(Ask::new("DELETE", &path).send(&FORMAT, &repo).await.status, 409);
    let path = format!("@scope%2ftiny/-rev/{revision}");
    assert_eq!(Ask::new("DELETE", &path).send(&FORMAT, &repo).await.status, 201);
    assert_eq!(get(&repo, "@scope/tiny").await.status, 404);
}

#[tokio::test]
async fn provenance_is_kept_and_served() {
    let repo = repo();
    let mut upload = Upload::new("@scope/tiny", "1.0.0");
    upload.bundle = Some(bundle("pkg:npm/%40scope/tiny@1.0.0", &upload.archive));
    let answer = upload.send(&repo).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let manifest = get(&repo, "@scope/tiny/1.0.0").await.json();
    let said = &manifest["dist"]["attestations"];
    assert_eq!(said["provenance"]["predicateType"], "https://slsa.dev/provenance/v1");
    let path = said["url"].as_str().unwrap().strip_prefix("http://assay.test:8080/npm/main/").unwrap();
    let served = get(&repo, path).await.json();
    assert_eq!(served["attestations"][0]["bundle"].to_string(), upload.bundle.unwrap());
    assert_eq!(get(&repo, "-/npm/v1/attestations/@scope%2ftiny@2.0.0").await.status, 404);
}

#[tokio::test]
async fn searches_find_names() {
    let repo = stocked().await;
    publish(&repo, "tiny-helper", "0.1.0").await;
    publish(&repo, "other", "0.1.0").await;
    let found = |answer: Value| {
        let objects = answer["objects"].as_array().unwrap().clone();
        objects.iter().map(|one| one["package"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let tiny = get(&repo, "-/v1/search?text=TINY&size=20").await.json();
    assert_eq!((found(tiny.clone()), &tiny["total"]), (vec!["@scope/tiny".into(), "tiny-helper".into()], &json!(2)));
    assert_eq!(tiny["objects"][0]["package"]["version"], "1.10.0");
    assert_eq!(found(get(&repo, "-/v1/search?text=scope:scope").await.json()), ["@scope/tiny"]);
    assert_eq!(found(get(&repo, "-/v1/search?text=helper%20tiny").await.json()), ["tiny-helper"]);
    assert_eq!(found(get(&repo, "-/v1/search?text=tiny&from=1&size=5").await.json()), ["tiny-helper"]);
    for version in ["1.9.0", "1.10.0", "2.0.0-beta.1"] {
        repo.block("@scope/tiny", version, "no");
    }
    assert_eq!(found(get(&repo, "-/v1/search?text=tiny").await.json()), ["tiny-helper"]);
}

#[tokio::test]
async fn accounts_are_tokens() {
    let repo = repo();
    assert_eq!(get(&repo, "-/whoami").await.json(), json!({ "username": "system" }));
    assert_eq!(get(&repo, "-/ping?write=true").await.json(), json!({}));
    assert_eq!(get(&repo, "-/npm/v1/user").await.json()["name"], "system");
    let login = put(&repo, "-/user/org.couchdb.user:me", &json!({ "name": "me", "password": "secret" })).await;
    assert_eq!((login.status, &login.json()["token"]), (201, &json!("secret")));
    for path in ["-/npm/v1/tokens", "-/package/tiny/access", "-/org/x/package", "-/team/x/y/user"] {
        let answer = get(&repo, path).await;
        assert!(answer.status == 405 && answer.json()["error"].as_str().unwrap().contains("token"), "{path}");
    }
    publish(&repo, "tiny", "1.0.0").await;
    let owners = json!({ "_id": "tiny", "maintainers": [{ "name": "me" }] });
    let answer = put(&repo, "tiny/-rev/1", &owners).await;
    assert!(answer.status == 405 && answer.text().contains("owners are not kept"), "{}", answer.shown());
}

#[test]
fn only_a_login_proves_itself_by_its_body() {
    for path in ["-/user/org.couchdb.user:me", "-/user/org.couchdb.user%3ame", "-/user/org.couchdb.user:me/-rev/1"] {
        assert!(FORMAT.login(&Method::PUT, path).is_some(), "{path}");
        assert!(FORMAT.login(&Method::GET, path).is_none());
    }
    for path in
        ["", "tiny", "-/user/token/x", "-/user/other", "@s/-/user/org.couchdb.user:me", "x/-/user/org.couchdb.user:me"]
    {
        assert!(FORMAT.login(&Method::PUT, path).is_none(), "{path}");
    }
    assert_eq!(wire::password(br#"{"password":"p"}"#).as_deref(), Some("p"));
    assert_eq!(wire::password(b"{}"), None);
}

fn known(name: &str, version: &str, id: &str) -> Known {
    let finding = Finding {
        id: id.to_owned(),
        title: "prototype pollution".to_owned(),
        severity: Severity::High,
        vulnerable_ranges: vec![">=0 <1.2.6".to_owned()],
        fixed_versions: vec!["1.2.6".to_owned()],
        nearest_fixed: Some("1.2.6".to_owned()),
        ..Finding::default()
    };
    let references = vec![format!("https://advisories.example/advisories/{id}")];
    let detail = Detail { references, cwes: vec!["CWE-1321".to_owned()], ..Detail::default() };
    Known { name: name.to_owned(), version: version.to_owned(), finding, detail }
}

#[tokio::test]
async fn audits_are_answered_from_the_stored_advisories() {
    let repo = repo();
    repo.advise(known("minimist", "0.0.8", "CVE-2021-44906"));
    let asked = json!({ "minimist": ["0.0.8", "1.2.8"], "fine": ["1.0.0"] });
    let bulk = Ask::new("POST", "-/npm/v1/security/advisories/bulk").body(asked.to_string());
    insta::assert_json_snapshot!("bulk", bulk.send(&FORMAT, &repo).await.json());
    let packed = fixtures::gzip(asked.to_string().as_bytes());
    let bulk = Ask::new("POST", "-/npm/v1/security/advisories/bulk").header("content-encoding", "gzip").body(packed);
    assert_eq!(bulk.send(&FORMAT, &repo).await.json()["minimist"][0]["severity"], "high");
    let tree = json!({
        "name": "app",
        "requires": { "mkdirp": "0.5.1" },
        "dependencies": {
            "mkdirp": { "version": "0.5.1", "dependencies": { "minimist": { "version": "0.0.8", "dev": true } } },
            "fine": { "version": "1.0.0" },
        },
    });
    let quick = Ask::new("POST", "-/npm/v1/security/audits/quick").body(tree.to_string()).send(&FORMAT, &repo).await;
    insta::assert_json_snapshot!("quick", quick.json());
    for body in ["", "[]", "{\"a\":1}"] {
        let answer = Ask::new("POST", "-/npm/v1/security/advisories/bulk").body(body).send(&FORMAT, &repo).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    let bomb = fixtures::gzip(&vec![b' '; 100 << 20]);
    let answer = Ask::new("POST", "-/npm/v1/security/audits").header("content-encoding", "gzip").body(bomb);
    assert!(matches!(answer.send(&FORMAT, &repo).await.status, 400 | 413));
}

#[test]
fn problems_are_said_in_the_body_and_on_the_first_line() {
    let text = render::problem(&Problem::new(Kind::Unauthenticated, "unauthenticated", "log in\r\nX: y"));
    assert_eq!((text.status, text.reason.as_deref()), (401, Some("log in??X: y")));
    let busy = render::problem(&Problem::busy("not yet inspected", 5));
    assert_eq!((busy.status, &busy.headers[0]), (503, &("Retry-After", "5".to_owned())));
}
