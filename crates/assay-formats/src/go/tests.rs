//! Publishers send module zips, `go` asks for lists, infos, go.mod files and zips: in, out, refusals, damaged input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod names;
mod remote;

use super::FORMAT;
use crate::kit::testing::{Ask, FakeRepo, Response, World, refusal};
use assay_model::{Kind, Problem, seam::format::Format};
use std::io::{Cursor, Write};

const MODULE: &str = "example.org/Team/tool";
const ESCAPED: &str = "example.org/!team/tool";

fn repo() -> FakeRepo {
    World::default().repository("main", &FORMAT)
}

/// A zip with these names and contents, as they are.
fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, body) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(body.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A module zip with a go.mod file and a source.
fn module_zip(module: &str, version: &str) -> Vec<u8> {
    let at = format!("{module}@{version}");
    let go_mod = format!("// Deprecated: no\nmodule {module} // here\n\ngo 1.21\n");
    zip(&[(&format!("{at}/go.mod"), &go_mod), (&format!("{at}/tool.go"), "package tool\n")])
}

async fn get(repo: &FakeRepo, path: &str) -> Response {
    Ask::new("GET", path).send(&FORMAT, repo).await
}

async fn put(repo: &FakeRepo, path: &str, body: &[u8]) -> Response {
    Ask::new("PUT", path).body(body).send(&FORMAT, repo).await
}

async fn publish(repo: &FakeRepo, version: &str) {
    let answer = put(repo, &format!("{ESCAPED}/@v/{version}.zip"), &module_zip(MODULE, version)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[tokio::test]
async fn a_module_zip_comes_back_with_info_and_go_mod() {
    let repo = repo();
    let bytes = module_zip(MODULE, "v1.2.0");
    let answer = put(&repo, &format!("{ESCAPED}/@v/v1.2.0.zip"), &bytes).await;
    insta::assert_snapshot!("uploaded", answer.shown());
    assert_eq!(put(&repo, &format!("{ESCAPED}/@v/v1.2.0.zip"), &bytes).await.status, 200);

    assert_eq!(get(&repo, &format!("{ESCAPED}/@v/v1.2.0.zip")).await.body, bytes);
    insta::assert_snapshot!("info", get(&repo, &format!("{ESCAPED}/@v/v1.2.0.info")).await.shown());
    insta::assert_snapshot!("mod", get(&repo, &format!("{ESCAPED}/@v/v1.2.0.mod")).await.shown());
    assert_eq!(FORMAT.display(MODULE, "v1.2.0"), "example.org/Team/tool@v1.2.0");
    let file = repo.versions(MODULE).remove(0).files.remove(0);
    let place = FORMAT.location("main", MODULE, &file).unwrap();
    assert_eq!(place, "/go/main/example.org/!team/tool/@v/v1.2.0.zip");
}

#[tokio::test]
async fn other_bytes_under_a_published_version_are_refused() {
    let repo = repo();
    publish(&repo, "v1.0.0").await;
    let other = zip(&[(&format!("{MODULE}@v1.0.0/other.go"), "package other\n")]);
    let answer = put(&repo, &format!("{ESCAPED}/@v/v1.0.0.zip"), &other).await;
    assert_eq!(answer.status, 409);
    assert!(answer.text().contains("give the module a new version"), "{}", answer.text());
}

#[tokio::test]
async fn the_list_has_what_a_query_may_choose_and_latest_the_newest() {
    let repo = repo();
    let pseudo = "v1.6.1-0.20260102030405-abcdef123456";
    for version in ["v1.10.0", "v1.9.0", "v1.11.0-rc.1", "v1.5.0", pseudo] {
        publish(&repo, version).await;
    }
    let listed = get(&repo, &format!("{ESCAPED}/@v/list")).await;
    assert_eq!(listed.text(), "v1.5.0\nv1.9.0\nv1.10.0\nv1.11.0-rc.1\n");
    assert_eq!(get(&repo, &format!("{ESCAPED}/@latest")).await.json()["Version"], "v1.10.0");
    repo.block(MODULE, "v1.10.0", "tool v1.10.0 is quarantined");
    assert_eq!(get(&repo, &format!("{ESCAPED}/@v/list")).await.text(), "v1.5.0\nv1.9.0\nv1.11.0-rc.1\n");
    assert_eq!(get(&repo, &format!("{ESCAPED}/@latest")).await.json()["Version"], "v1.9.0");
    // A pseudo-version tells its own time.
    let info = get(&repo, &format!("{ESCAPED}/@v/{pseudo}.info")).await.json();
    assert_eq!(info["Time"], "2026-01-02T03:04:05Z");
    for version in ["v1.9.0", "v1.5.0"] {
        repo.block(MODULE, version, "quarantined");
    }
    assert_eq!(get(&repo, &format!("{ESCAPED}/@latest")).await.json()["Version"], "v1.11.0-rc.1");
    repo.block(MODULE, "v1.11.0-rc.1", "quarantined");
    assert_eq!(get(&repo, &format!("{ESCAPED}/@latest")).await.json()["Version"], pseudo);
    repo.block(MODULE, pseudo, "quarantined");
    let none = get(&repo, &format!("{ESCAPED}/@latest")).await;
    assert_eq!((none.status, none.text().contains("all are blocked")), (404, true), "{}", none.text());
}

#[tokio::test]
async fn a_blocked_version_is_resolved_through_and_its_source_refused() {
    let repo = repo();
    publish(&repo, "v1.0.0").await;
    repo.block(MODULE, "v1.0.0", "CVSS 9.8 is above 7.0");
    // The graph of a build reads go.mod files of versions that it leaves behind.
    assert!(get(&repo, &format!("{ESCAPED}/@v/v1.0.0.mod")).await.text().contains("module example.org/Team/tool"));
    assert_eq!(get(&repo, &format!("{ESCAPED}/@v/v1.0.0.info")).await.json()["Version"], "v1.0.0");
    let refused = get(&repo, &format!("{ESCAPED}/@v/v1.0.0.zip")).await;
    insta::assert_snapshot!("refused", refused.shown());
}

#[tokio::test]
async fn a_module_without_a_go_mod_file_gets_one() {
    let repo = repo();
    let old = zip(&[("example.org/old@v2.1.0+incompatible/old.go", "package old\n")]);
    let answer = put(&repo, "example.org/old/@v/v2.1.0+incompatible.zip", &old).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(get(&repo, "example.org/old/@v/v2.1.0+incompatible.mod").await.text(), "module example.org/old\n");
    assert_eq!(get(&repo, "example.org/old/@v/list").await.text(), "v2.1.0+incompatible\n");
    // The plus may come encoded.
    assert_eq!(get(&repo, "example.org/old/@v/v2.1.0%2Bincompatible.zip").await.body, old);
}

#[tokio::test]
async fn a_large_go_mod_file_is_served_too() {
    let repo = repo();
    let go_mod = format!("module example.org/big\n\n{}", "// a comment\n".repeat(20_000));
    let body = zip(&[("example.org/big@v1.0.0/go.mod", &go_mod)]);
    assert_eq!(put(&repo, "example.org/big/@v/v1.0.0.zip", &body).await.status, 201);
    assert_eq!(get(&repo, "example.org/big/@v/v1.0.0.mod").await.text(), go_mod);
}

#[tokio::test]
async fn zips_that_break_a_rule_are_refused_and_leave_nothing() {
    let at = format!("{MODULE}@v1.0.0");
    let own = format!("module {MODULE}\n");
    let file = |name: &str| format!("{at}/{name}");
    let cases: Vec<(Vec<u8>, u16, &str)> = vec![
        (module_zip(MODULE, "v1.0.1"), 400, "outside of the folder"),
        (module_zip("example.org/other", "v1.0.0"), 400, "outside of the folder"),
        (zip(&[(&file("go.mod"), "module example.org/team/tool\n")]), 400, "go.mod declares the module"),
        (zip(&[(&file("go.mod"), "go 1.20\n")]), 400, "go.mod declares the module ``"),
        (zip(&[(&file("Go.mod"), &own)]), 400, "must be written go.mod"),
        (zip(&[(&file("go.mod"), &own), (&file("sub/go.mod"), "module x.y/z\n")]), 400, "belongs to another module"),
        (zip(&[(&file("a.go"), ""), (&file("A.go"), "")]), 400, "upper and lower case only"),
        (zip(&[(&file("d/a.go"), ""), (&file("D/b.go"), "")]), 400, "upper and lower case only"),
        (zip(&[(&file("d"), ""), (&file("d/b.go"), "")]), 400, "both a file and a folder"),
        (zip(&[(&file("a*b.go"), "")]), 400, "may not have"),
        (zip(&[(&file("aux.go"), "")]), 400, "reserved"),
        (zip(&[(&file("../b.go"), "")]), 400, "cannot be read"),
        (zip(&[]), 400, "no files"),
        (zip(&[(&file("go.mod"), &"x".repeat((1 << 20) + 1))]), 413, "cannot be read"),
        (b"no zip at all".to_vec(), 400, "cannot be read"),
        (Vec::new(), 400, "cannot be read"),
    ];
    for (body, status, says) in cases {
        let repo = repo();
        let answer = put(&repo, &format!("{ESCAPED}/@v/v1.0.0.zip"), &body).await;
        assert_eq!((answer.status, answer.text().contains(says)), (status, true), "{says}: {}", answer.text());
        assert!(repo.versions(MODULE).is_empty(), "{says}");
    }
}

#[tokio::test]
async fn versions_must_fit_the_path() {
    let repo = repo();
    for (path, says) in [
        ("example.org/m/@v/v2.0.0.zip", "is of v0 or v1"),
        ("example.org/m/v3/@v/v2.0.0.zip", "is of v3"),
        ("example.org/m/@v/v1.0.0+incompatible.zip", "does not fit"),
        ("example.org/m/v2/@v/v2.0.0+incompatible.zip", "is of v2"),
    ] {
        let answer = put(&repo, path, b"").await;
        assert_eq!((answer.status, answer.text().contains(says)), (400, true), "{path}: {}", answer.text());
    }
    let own = zip(&[("example.org/m@v2.0.0+incompatible/go.mod", "module example.org/m\n")]);
    let answer = put(&repo, "example.org/m/@v/v2.0.0+incompatible.zip", &own).await;
    assert!(answer.text().contains("no +incompatible versions"), "{}", answer.text());
    let sub = put(&repo, "example.org/m/v2/@v/v2.0.0.zip", &module_zip("example.org/m/v2", "v2.0.0")).await;
    assert_eq!(sub.status, 201, "{}", sub.text());
}

#[tokio::test]
async fn what_is_not_there_sends_go_to_its_next_proxy() {
    let repo = repo();
    publish(&repo, "v1.0.0").await;
    for path in [
        "example.org/none/@v/list",
        "example.org/none/@latest",
        "example.org/!team/tool/@v/v1.0.1.info",
        "example.org/!team/tool/@v/main.info",
        "example.org/!team/tool/@v/v1.0.1.mod",
        "example.org/!team/tool/@v/v1.0.1.zip",
        // No other spelling leads to a module.
        "example.org/Team/tool/@v/list",
        "example.org/team/tool/@v/list",
        "example.org/!team/tool/@v/v1.0.0.zip/",
        "example.org//!team/tool/@v/v1.0.0.zip",
        "example.org/!team/tool/@v/V1.0.0.zip",
        "example.org/!team/tool/@v/v1.0.zip",
        "example.org/!team/tool/@v/v1.0.0.ziphash",
        "sumdb/sum.example.org/supported",
        "sumdb/sum.example.org/lookup/example.org/!team/tool@v1.0.0",
        "sumdb/",
        "",
        "favicon.ico",
    ] {
        let answer = get(&repo, path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert!(answer.header("content-type").unwrap().starts_with("text/plain"), "{path}");
    }
}

#[tokio::test]
async fn a_version_is_taken_back_by_its_zip_or_its_info() {
    let repo = repo();
    publish(&repo, "v1.0.0").await;
    publish(&repo, "v1.1.0").await;
    for (path, status) in
        [("v1.0.0.zip", 204), ("v1.0.0.zip", 404), ("v1.1.0.info", 204), ("v1.1.0.mod", 405), ("list", 405)]
    {
        let answer = Ask::new("DELETE", &format!("{ESCAPED}/@v/{path}")).send(&FORMAT, &repo).await;
        assert_eq!(answer.status, status, "{path}");
    }
    assert_eq!(get(&repo, &format!("{ESCAPED}/@v/list")).await.status, 404);
}

#[tokio::test]
async fn who_may_not_write_is_told_so() {
    let mut repo = repo();
    repo.may_write = false;
    let answer = put(&repo, &format!("{ESCAPED}/@v/v1.0.0.zip"), &module_zip(MODULE, "v1.0.0")).await;
    assert_eq!(answer.status, 403);
}

#[test]
fn problems_are_lines_that_go_prints() {
    let busy = FORMAT.problem(&Problem::busy("example.org/m@v1.0.0 is being inspected", 5));
    assert_eq!((busy.status, busy.headers), (503, vec![("Retry-After", "5".to_owned())]));
    let gone = FORMAT.problem(&Problem::new(Kind::Unauthenticated, "x", "send a token"));
    assert_eq!((gone.status, &gone.body[..]), (401, &b"send a token\n"[..]));
    let refused = FORMAT.refuse(&refusal("example.org/m@v1.0.0"));
    // `go` prints 648 bytes of text at most.
    assert!(refused.body.len() < 648 && refused.media_type.starts_with("text/plain"));
}
