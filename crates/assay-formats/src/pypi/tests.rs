//! Publishers upload, installers resolve: the index in both forms, metadata, repeated uploads, refusals, damaged input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod extras;
mod fixtures;
mod laws;
mod manage;
mod upstream;

use super::FORMAT;
use crate::kit::testing::{Ask, FakeRepo, Response, World, refusal};
use assay_model::{Digest, Kind, Problem, seam::format::Format};
use fixtures::{Upload, sdist, wheel, zip};

fn repo() -> FakeRepo {
    World::default().repository("main", &FORMAT)
}

async fn get(repo: &FakeRepo, path: &str) -> Response {
    Ask::new("GET", path).send(&FORMAT, repo).await
}

async fn index(repo: &FakeRepo, path: &str) -> serde_json::Value {
    Ask::new("GET", path).header("accept", "application/vnd.pypi.simple.v1+json").send(&FORMAT, repo).await.json()
}

/// Two versions of one project, the older as wheel and sdist.
async fn stocked() -> FakeRepo {
    let repo = repo();
    for upload in [
        Upload::new(
            "Demo.Pkg",
            "2.0",
            "demo_pkg-2.0-py3-none-any.whl",
            wheel("demo_pkg", "2.0", "Requires-Python: >=3.8,<4\n"),
        ),
        Upload::new("demo-pkg", "1.10", "demo_pkg-1.10-py3-none-any.whl", wheel("Demo_Pkg", "1.10", "")),
        Upload::new("demo-pkg", "1.10", "demo-pkg-1.10.tar.gz", sdist("demo-pkg", "1.10")),
        Upload::new("demo-pkg", "1.9.0", "demo_pkg-1.9-py3-none-any.whl", wheel("Demo_Pkg", "1.9", "")),
    ] {
        let answer = upload.send(&repo).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    repo
}

#[tokio::test]
async fn the_index_is_served_as_html_and_json() {
    let repo = stocked().await;
    repo.block("demo-pkg", "2.0", "demo-pkg 2.0 is quarantined by policy \"Max <CVSS>\"");
    insta::assert_snapshot!("project_html", get(&repo, "simple/demo-pkg/").await.shown());
    insta::assert_json_snapshot!("project_json", index(&repo, "simple/demo-pkg/").await);
    insta::assert_snapshot!("projects_html", get(&repo, "simple/").await.shown());
    insta::assert_json_snapshot!("projects_json", index(&repo, "simple/").await);
}

#[tokio::test]
async fn clients_get_the_form_they_ask_for() {
    let repo = stocked().await;
    let uv = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";
    for (accept, target, media_type) in [
        (uv, "simple/demo-pkg/", "application/vnd.pypi.simple.v1+json"),
        ("text/html", "simple/demo-pkg/", "text/html; charset=utf-8"),
        ("*/*", "simple/", "text/html; charset=utf-8"),
        ("application/vnd.pypi.simple.latest+json", "simple/", "application/vnd.pypi.simple.v1+json"),
        ("text/html", "simple/?format=application/vnd.pypi.simple.v1%2Bjson", "application/vnd.pypi.simple.v1+json"),
    ] {
        let answer = Ask::new("GET", target).header("accept", accept).send(&FORMAT, &repo).await;
        assert_eq!(answer.header("content-type"), Some(media_type), "{accept} {target}");
        assert_eq!(answer.header("vary"), Some("Accept"));
    }
    assert_eq!(Ask::new("GET", "simple/").header("accept", "image/png").send(&FORMAT, &repo).await.status, 406);
    assert_eq!(get(&repo, "simple/?format=yaml").await.status, 406);
}

#[tokio::test]
async fn other_spellings_lead_to_the_one_address() {
    let repo = stocked().await;
    for (from, to) in [
        ("", "/pypi/main/simple/"),
        ("simple", "/pypi/main/simple/"),
        ("simple/Demo.Pkg/", "/pypi/main/simple/demo-pkg/"),
        ("simple/demo-pkg?format=x", "/pypi/main/simple/demo-pkg/?format=x"),
    ] {
        let answer = get(&repo, from).await;
        assert_eq!((answer.status, answer.header("location")), (301, Some(to)), "{from}");
    }
    for missing in ["simple/other/", "simple/-bad-/", "simple/a/b/c", "files/demo-pkg/none.whl", "demo-pkg/"] {
        assert_eq!(get(&repo, missing).await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn files_and_metadata_are_where_the_index_says() {
    let repo = stocked().await;
    let listed = index(&repo, "simple/demo-pkg/").await;
    for file in listed["files"].as_array().unwrap() {
        let path = file["url"].as_str().unwrap().strip_prefix("../../").unwrap();
        let answer = get(&repo, path).await;
        assert_eq!(Digest::of(&answer.body).hex(), file["hashes"]["sha256"]);
        assert_eq!(answer.body.len(), file["size"]);
        let metadata = get(&repo, &format!("{path}.metadata")).await;
        if path.ends_with(".whl") {
            assert_eq!(Digest::of(&metadata.body).hex(), file["core-metadata"]["sha256"]);
            assert!(metadata.text().starts_with("Metadata-Version: 2.1\n"));
        } else {
            assert_eq!((metadata.status, &file["core-metadata"]), (404, &serde_json::json!(false)));
        }
    }
    let kept = &repo.versions("demo-pkg")[0].package;
    insta::assert_json_snapshot!("package_metadata", (&kept.at, &kept.metadata));
}

#[tokio::test]
async fn the_same_file_again_is_fine_and_another_is_not() {
    let repo = repo();
    let first = wheel("demo", "1.0", "");
    let upload = Upload::new("demo", "1.0", "demo-1.0-py3-none-any.whl", first.clone());
    assert_eq!(upload.send(&repo).await.status, 200);
    assert_eq!(upload.send(&repo).await.status, 200);
    let other = Upload::new("demo", "1.0", "demo-1.0-py3-none-any.whl", wheel("demo", "1.0", "Summary: x\n"));
    let answer = other.send(&repo).await;
    insta::assert_snapshot!("file_exists", answer.shown());
    assert!(answer.reason.unwrap().contains("already exist"));
    assert_eq!(get(&repo, "files/demo/demo-1.0-py3-none-any.whl").await.body, first);
}

#[tokio::test]
async fn equal_versions_are_one_package_however_they_are_written() {
    let repo = repo();
    Upload::new("demo", "1.0", "demo-1.0-py3-none-any.whl", wheel("demo", "1.0", "")).send(&repo).await;
    Upload::new("demo", "1.0.0", "demo-1.0.0.tar.gz", sdist("demo", "1.0.0")).send(&repo).await;
    Upload::new("demo", "v1", "demo-1-py2-none-any.whl", wheel("demo", "1", "")).send(&repo).await;
    let versions = repo.versions("demo");
    assert_eq!((versions.len(), versions[0].package.at.version.as_str()), (1, "1.0"));
    assert_eq!(versions[0].files.len(), 5);
}

#[tokio::test]
async fn the_order_of_fields_does_not_matter() {
    let repo = repo();
    let mut upload = Upload::new("demo", "1.0", "demo-1.0-py3-none-any.whl", wheel("demo", "1.0", ""));
    upload.content_first = true;
    assert_eq!(upload.send(&repo).await.status, 200);
    let mut sdist = Upload::new("demo", "1.0", "demo-1.0.tar.gz", sdist("demo", "1.0"));
    sdist.content_first = true;
    sdist.filetype = "sdist";
    assert_eq!(sdist.send(&repo).await.status, 200);
}

#[tokio::test]
async fn uploads_that_contradict_themselves_leave_nothing() {
    let good = wheel("demo", "1.0", "");
    let name = "demo-1.0-py3-none-any.whl";
    let with = |change: &dyn Fn(&mut Upload)| {
        let mut upload = Upload::new("demo", "1.0", name, good.clone());
        change(&mut upload);
        upload
    };
    let cases: Vec<(&str, Upload)> = vec![
        ("the name in the metadata", Upload::new("demo", "1.0", name, wheel("other", "1.0", ""))),
        ("the version in the metadata", Upload::new("demo", "1.0", name, wheel("demo", "1.1", ""))),
        ("is not one of", Upload::new("demo", "1.0", "demo-1.2-py3-none-any.whl", good.clone())),
        ("is not one of", Upload::new("demo", "1.0", "other-1.0-py3-none-any.whl", good.clone())),
        ("no file name of a wheel", Upload::new("demo", "1.0", "demo-1.0.whl", good.clone())),
        ("neither a wheel", Upload::new("demo", "1.0", "demo-1.0.exe", good.clone())),
        ("no file name of a distribution", Upload::new("demo", "1.0", "../demo-1.0-py3-none-any.whl", good.clone())),
        ("not a valid project name", Upload::new("-demo", "1.0", name, good.clone())),
        ("not a version by PEP 440", Upload::new("demo", "latest", name, good.clone())),
        ("SHA-256", with(&|u| u.sha256 = Some("zz".to_owned()))),
        ("another digest", with(&|u| u.sha256 = Some(Digest::of(b"x").hex().to_owned()))),
        ("MD5", with(&|u| u.md5 = Some("0".repeat(32)))),
        ("only file_upload", with(&|u| u.action = "submit")),
        ("filetype", with(&|u| u.filetype = "sdist")),
        ("cannot be read", with(&|u| u.bytes.truncate(100))),
        ("contains no *.dist-info/METADATA", Upload::new("demo", "1.0", name, zip(&[("demo/__init__.py", "")]))),
        (
            "contains both",
            Upload::new(
                "demo",
                "1.0",
                name,
                zip(&[("a.dist-info/METADATA", "Name: demo\n"), ("b.dist-info/METADATA", "Name: x\n")]),
            ),
        ),
        (
            "unsafe path",
            Upload::new(
                "demo",
                "1.0",
                name,
                zip(&[("demo-1.0.dist-info/METADATA", "Name: demo\nVersion: 1.0\n"), ("../../etc/x", "")]),
            ),
        ),
    ];
    for (words, upload) in cases {
        let repo = repo();
        let answer = upload.send(&repo).await;
        assert!(answer.status == 400 && answer.text().contains(words), "{words}: {}", answer.shown());
        assert!(repo.versions("demo").is_empty(), "{words}");
    }
}

#[tokio::test]
async fn damaged_requests_are_told_why() {
    let repo = repo();
    let no_form = Ask::new("POST", "legacy/").body("x").send(&FORMAT, &repo).await;
    assert!(no_form.status == 400 && no_form.text().contains("multipart/form-data"));
    let whole = Upload::new("demo", "1.0", "demo-1.0-py3-none-any.whl", wheel("demo", "1.0", "")).form();
    for cut in [0, 10, 200, whole.len() / 2, whole.len() - 20] {
        let answer = Upload::post(&whole[..cut]).send(&FORMAT, &repo).await;
        assert_eq!(answer.status, 400, "cut at {cut}: {}", answer.shown());
    }
    assert!(repo.versions("demo").is_empty());
    assert_eq!(Ask::new("PUT", "legacy/").send(&FORMAT, &repo).await.header("allow"), Some("POST"));
    assert_eq!(Ask::new("DELETE", "simple/demo/").send(&FORMAT, &repo).await.status, 405);
    assert_eq!(Ask::new("GET", "").send_to_lobby(&FORMAT, &repo).await.status, 404);
}

#[tokio::test]
async fn a_reader_cannot_upload() {
    let mut repo = repo();
    repo.may_write = false;
    let upload = Upload::new("demo", "1.0", "demo-1.0-py3-none-any.whl", wheel("demo", "1.0", ""));
    assert_eq!(upload.send(&repo).await.status, 403);
}

#[tokio::test]
async fn a_pinned_blocked_version_meets_the_refusal() {
    let repo = stocked().await;
    repo.block("demo-pkg", "2.0", "CVSS 9.8 is above 7.0");
    let refused = get(&repo, "files/demo-pkg/demo_pkg-2.0-py3-none-any.whl").await;
    insta::assert_snapshot!("refused", refused.shown());
    assert_eq!(get(&repo, "files/demo-pkg/demo_pkg-1.10-py3-none-any.whl").await.status, 200);
}

#[test]
fn problems_and_refusals_fit_into_a_status_line() {
    let words = refusal("demo 1.0\r\nX-Injected: 1 \u{2014}");
    let reason = FORMAT.refuse(&words).reason.unwrap();
    assert!(reason.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) && reason.len() <= 600);
    assert!(reason.contains("Max CVSS") && reason.contains("CVE-2018-18074") && reason.contains("2.32.0"));
    let busy = FORMAT.problem(&Problem::busy("not yet\ninspected", 5));
    assert_eq!((busy.status, busy.headers[0].clone()), (503, ("Retry-After", "5".to_owned())));
    let text = FORMAT.problem(&Problem::new(Kind::Unauthenticated, "unauthenticated", "authentication required"));
    assert_eq!(text.status, 401);
}
