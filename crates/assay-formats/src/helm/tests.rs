//! Publishers push charts, Helm reads the index: in, out, signatures, refusals, damaged input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod laws;
mod remote;

use super::FORMAT;
use crate::kit::testing::{Ask, FakeRepo, Response, World, refusal};
use assay_model::{Digest, Problem, seam::format::Format};
use serde_json::Value;

fn repo() -> FakeRepo {
    World::default().repository("main", &FORMAT)
}

/// A gzipped tar of these files.
fn tgz(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, body) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(body.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, body.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn chart_yaml(name: &str, version: &str) -> String {
    format!(
        "apiVersion: v2\nname: {name}\nversion: {version}\nappVersion: 1.10\ndescription: |\n  A \"web\" chart: \u{fc}ber\n\
         \x20 all\ntype: application\nkeywords: [web, 'yes']\nannotations:\n  example.org/notes: '- a\n\n    - b'\n  \
         on: \"true\"\ndependencies:\n- name: base\n  version: ^1.0.0\n  repository: https://registry.example/charts\n  \
         tags:\n  - x\nmaintainers:\n- name: Ann\n  email: ann@example.org\n"
    )
}

fn chart(name: &str, version: &str) -> Vec<u8> {
    let top = |file: &str| format!("{name}/{file}");
    tgz(&[
        (&top("Chart.yaml"), &chart_yaml(name, version)),
        (&top("values.yaml"), "replicas: 1\n"),
        (&top("charts/base/Chart.yaml"), "apiVersion: v2\nname: base\nversion: 1.0.0\n"),
    ])
}

/// A provenance file as `helm package --sign` makes it, with a signature of nobody.
fn provenance(file: &str, bytes: &[u8]) -> String {
    format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\napiVersion: v2\nname: web\n\n...\nfiles:\n  {file}: {}\n\
         -----BEGIN PGP SIGNATURE-----\n\nwsBcBAEBCgAQ\n=abcd\n-----END PGP SIGNATURE-----\n",
        Digest::of(bytes)
    )
}

async fn get(repo: &FakeRepo, path: &str) -> Response {
    Ask::new("GET", path).send(&FORMAT, repo).await
}

async fn send(repo: &FakeRepo, method: &str, path: &str, body: &[u8]) -> Response {
    Ask::new(method, path).body(body).send(&FORMAT, repo).await
}

async fn push(repo: &FakeRepo, name: &str, version: &str) {
    let answer = send(repo, "POST", "api/charts", &chart(name, version)).await;
    assert_eq!((answer.status, answer.text()), (201, "{\"saved\":true}\n"));
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        body.extend(format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x\"\r\n\r\n").bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    body
}

async fn send_form(repo: &FakeRepo, parts: &[(&str, &[u8])]) -> Response {
    let ask = Ask::new("POST", "api/charts").header("content-type", "multipart/form-data; boundary=b");
    ask.body(form(parts)).send(&FORMAT, repo).await
}

#[tokio::test]
async fn the_index_has_all_fields_of_the_charts() {
    let repo = repo();
    push(&repo, "web", "1.2.0").await;
    push(&repo, "web", "1.10.0").await;
    push(&repo, "web", "2.0.0-rc.1").await;
    push(&repo, "api", "0.1.0+build.5").await;
    let index = get(&repo, "index.yaml").await;
    let hide = |text: &str| regex_free(text);
    insta::assert_snapshot!("index", hide(&index.shown()));
    // Every reader sees what the chart says.
    let read: Value = super::yaml::read(index.text(), super::yaml::Bounds { nodes: 10_000, bytes: 1 << 20 }).unwrap();
    let entry = &read["entries"]["web"][1];
    let own: Value =
        super::yaml::read(&chart_yaml("web", "1.10.0"), super::yaml::Bounds { nodes: 1000, bytes: 1 << 20 }).unwrap();
    for (key, value) in own.as_object().unwrap().iter().filter(|(key, _)| *key != "appVersion") {
        assert_eq!(&entry[key], value, "{key}");
    }
    assert_eq!(entry["digest"], Digest::of(&chart("web", "1.10.0")).hex());
    assert_eq!(get(&repo, "charts/web-1.10.0.tgz").await.body, chart("web", "1.10.0"));
    assert_eq!(get(&repo, "web-1.10.0.tgz").await.body, chart("web", "1.10.0"));
    assert_eq!(get(&repo, "charts/api-0.1.0%2Bbuild.5.tgz").await.body, chart("api", "0.1.0+build.5"));
    let file = repo.versions("api").remove(0).files.remove(0);
    assert_eq!(FORMAT.location("main", "api", &file).unwrap(), "/helm/main/charts/api-0.1.0+build.5.tgz");
}

/// Digests differ with the compressor, so snapshots leave them out.
fn regex_free(text: &str) -> String {
    let line = |line: &str| match line.split_once("digest: ") {
        Some((front, _)) => format!("{front}digest: ...\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[tokio::test]
async fn an_empty_repository_has_an_index_too() {
    let repo = repo();
    assert_eq!(
        get(&repo, "index.yaml").await.text(),
        "apiVersion: v1\nentries: {}\ngenerated: \"1970-01-01T00:00:00.000000Z\"\n"
    );
    let moved = get(&repo, "").await;
    assert_eq!((moved.status, moved.header("location")), (301, Some("/helm/main/index.yaml")));
}

#[tokio::test]
async fn what_is_blocked_is_not_in_the_index_and_says_why_when_asked_for() {
    let repo = repo();
    push(&repo, "web", "1.0.0").await;
    push(&repo, "web", "2.0.0").await;
    push(&repo, "bad", "1.0.0").await;
    repo.block("web", "2.0.0", "CVSS 9.8 is above 7.0");
    repo.block("bad", "1.0.0", "blocked");
    let index = get(&repo, "index.yaml").await;
    assert!(index.text().contains("web-1.0.0.tgz") && !index.text().contains("2.0.0"), "{}", index.text());
    assert!(!index.text().contains("bad"), "{}", index.text());
    let refused = get(&repo, "charts/web-2.0.0.tgz").await;
    insta::assert_snapshot!("refused", refused.shown());
    assert_eq!(get(&repo, "api/charts").await.json().as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn the_api_lists_looks_up_and_deletes() {
    let repo = repo();
    for (name, version) in [("a", "1.0.0"), ("b", "1.0.0"), ("b", "1.1.0"), ("c", "1.0.0")] {
        push(&repo, name, version).await;
    }
    let all = get(&repo, "api/charts").await.json();
    assert_eq!(all.as_object().unwrap().keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(all["b"][0]["version"], "1.1.0");
    let some = get(&repo, "api/charts?offset=1&limit=1").await.json();
    assert_eq!(some.as_object().unwrap().keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(get(&repo, "api/charts?offset=x").await.status, 400);
    assert_eq!(get(&repo, "api/charts/b").await.json().as_array().unwrap().len(), 2);
    assert_eq!(get(&repo, "api/charts/b/1.0.0").await.json()["urls"][0], "charts/b-1.0.0.tgz");
    for (path, status) in [("api/charts/x", 404), ("api/charts/b/9.9.9", 404), ("api/charts/b/1.0.0", 200)] {
        assert_eq!(Ask::new("HEAD", path).send(&FORMAT, &repo).await.status, status, "{path}");
    }
    let gone = send(&repo, "DELETE", "api/charts/b/1.0.0", b"").await;
    assert_eq!((gone.status, gone.text()), (200, "{\"deleted\":true}\n"));
    assert_eq!(send(&repo, "DELETE", "api/charts/b/1.0.0", b"").await.status, 404);
    assert_eq!(get(&repo, "charts/b-1.0.0.tgz").await.status, 404);
}

#[tokio::test]
async fn charts_come_as_bodies_forms_and_files() {
    let repo = repo();
    let (one, two, three) = (chart("web", "1.0.0"), chart("web", "2.0.0"), chart("web", "3.0.0"));
    assert_eq!(send(&repo, "POST", "api/charts", &one).await.status, 201);
    let signed = provenance("web-2.0.0.tgz", &two);
    // The signature may stand before the chart.
    let answer = send_form(&repo, &[("prov", signed.as_bytes()), ("chart", &two), ("more", b"x")]).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(send(&repo, "PUT", "web-3.0.0.tgz", &three).await.status, 201);
    assert_eq!(get(&repo, "charts/web-2.0.0.tgz.prov").await.text(), signed);
    for (path, body) in [("api/prov", &one), ("charts/web-3.0.0.tgz.prov", &three)] {
        let file = if path == "api/prov" { "web-1.0.0.tgz" } else { "web-3.0.0.tgz" };
        let method = if path == "api/prov" { "POST" } else { "PUT" };
        let signed = provenance(file, body);
        assert_eq!(send(&repo, method, path, signed.as_bytes()).await.status, 201, "{path}");
        assert_eq!(get(&repo, &format!("{file}.prov")).await.text(), signed);
    }
    // What the chart says is kept when its signature comes.
    assert_eq!(get(&repo, "api/charts/web/1.0.0").await.json()["appVersion"], "1.1");
    assert_eq!(send(&repo, "POST", "api/charts", &one).await.status, 201, "the same again changes nothing");
    let other = tgz(&[("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")]);
    let refused = send(&repo, "POST", "api/charts?force", &other).await;
    assert_eq!(refused.status, 409);
    assert!(refused.json()["error"].as_str().unwrap().contains("web-1.0.0.tgz already exists"));
}

#[tokio::test]
async fn what_is_no_chart_or_signature_is_refused_and_leaves_nothing() {
    let web = |text: &str| tgz(&[("web/Chart.yaml", text)]);
    let good = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    let cases: Vec<(Vec<u8>, u16, &str)> = vec![
        (b"no archive".to_vec(), 400, "not a chart"),
        (Vec::new(), 400, "not a chart"),
        (vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 2, 3], 400, "cannot be read"),
        (tgz(&[("web/values.yaml", "a: 1\n")]), 400, "no <chart>/Chart.yaml"),
        (tgz(&[("Chart.yaml", good)]), 400, "no <chart>/Chart.yaml"),
        (tgz(&[("a/Chart.yaml", good), ("b/Chart.yaml", good)]), 400, "more than one"),
        (web("name: web\nversion: 1.0.0\n"), 400, "no apiVersion"),
        (web("apiVersion: v2\nversion: 1.0.0\n"), 400, "no name"),
        (web("apiVersion: v2\nname: web\n"), 400, "no version"),
        (web("apiVersion: v2\nname: ../web\nversion: 1.0.0\n"), 400, "cannot name a chart"),
        (web("apiVersion: v2\nname: web\nversion: latest\n"), 400, "not a semantic version"),
        (web("apiVersion: v2\nname: web\nversion: 1.0.0\ntype: plugin\n"), 400, "neither application nor library"),
        (web("[1, 2"), 400, "Chart.yaml cannot be read"),
        (web("- a\n"), 400, "Chart.yaml cannot be read"),
        (web(&format!("{good}x: {}\n", "y".repeat(2 << 20))), 413, "cannot be read"),
        (
            web(&format!(
                "{good}a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\n\
             d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
            )),
            400,
            "Chart.yaml cannot be read",
        ),
    ];
    for (body, status, says) in cases {
        let repo = repo();
        let answer = send(&repo, "POST", "api/charts", &body).await;
        assert_eq!((answer.status, answer.text().contains(says)), (status, true), "{says}: {}", answer.text());
        assert!(repo.versions("web").is_empty(), "{says}");
    }
    let repo = repo();
    push(&repo, "web", "1.0.0").await;
    let bytes = chart("web", "1.0.0");
    for (signed, says) in [
        ("text".to_owned(), "no signed message"),
        ("-----BEGIN PGP SIGNED MESSAGE-----\n\nx\n".to_owned(), "no signature"),
        (provenance("web-1.0.0.tgz", b"other"), "signs other bytes"),
        (provenance("web-9.0.0.tgz", &bytes), "send the chart first"),
        (provenance("readme", &bytes), "lists no chart"),
    ] {
        let answer = send(&repo, "POST", "api/prov", signed.as_bytes()).await;
        assert!(answer.status >= 400 && answer.text().contains(says), "{says}: {}", answer.text());
    }
    let (two, signed) = (chart("web", "2.0.0"), provenance("web-2.0.0.tgz", b""));
    assert_eq!(send_form(&repo, &[("chart", &two), ("prov", signed.as_bytes())]).await.status, 400);
    assert_eq!(send_form(&repo, &[("other", b"")]).await.status, 400);
    let misnamed = send(&repo, "PUT", "charts/web-3.0.0.tgz", &bytes).await;
    assert!(misnamed.text().contains("which is web-1.0.0.tgz"), "{}", misnamed.text());
    assert_eq!(repo.versions("web").len(), 1);
}

#[tokio::test]
async fn names_with_digits_and_versions_with_dashes_are_found() {
    let repo = repo();
    for (name, version) in [("web-2", "1.0.0"), ("web", "2-1.0.0"), ("k8s-1-tool", "1.0.0-2-3"), ("v", "v1.2")] {
        push(&repo, name, version).await;
    }
    for (name, version) in [("k8s-1-tool", "1.0.0-2-3"), ("v", "v1.2"), ("web-2", "1.0.0")] {
        let got = get(&repo, &format!("charts/{name}-{version}.tgz")).await;
        assert_eq!(got.status, 200, "{name} {version}");
    }
}

#[tokio::test]
async fn other_addresses_and_methods_say_what_there_is() {
    let repo = repo();
    for (method, path, status) in [
        ("GET", "nothing", 404),
        ("GET", "charts/web-1.0.0.tgz", 404),
        ("GET", "charts/../index.yaml", 404),
        ("GET", "charts/noversion.tgz", 404),
        ("GET", "Index.yaml", 404),
        ("GET", "index.yaml/", 404),
        ("PUT", "index.yaml", 405),
        ("DELETE", "charts/web-1.0.0.tgz", 405),
        ("GET", "api/prov", 405),
        ("DELETE", "api/charts", 405),
        ("PUT", "api/charts/web/1.0.0", 405),
    ] {
        let answer = send(&repo, method, path, b"").await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert!(answer.json()["error"].is_string(), "{method} {path}");
    }
    let mut reader = repo;
    reader.may_write = false;
    assert_eq!(send(&reader, "POST", "api/charts", &chart("web", "1.0.0")).await.status, 403);
}

#[test]
fn helm_reads_the_reason_phrase() {
    let refused = FORMAT.refuse(&refusal("web 2.0.0"));
    assert!(refused.reason.unwrap().starts_with("web 2.0.0 is quarantined by policy Max CVSS"));
    let busy = FORMAT.problem(&Problem::busy("web 1.0.0 is being inspected", 5));
    assert_eq!((busy.status, busy.headers), (503, vec![("Retry-After", "5".to_owned())]));
}
