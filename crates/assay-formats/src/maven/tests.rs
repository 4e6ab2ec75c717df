//! Clients deploy file by file, resolvers read metadata made of what is there: releases, snapshots, plugins, checksums,
//! refusals, damaged input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod elsewhere;
mod laws;

use super::{FORMAT, names::Algorithm, render::hash_of};
use crate::kit::testing::{Ask, FakeRepo, Response, World};
use assay_model::{Kind, Problem, seam::format::Format};

fn repo() -> FakeRepo {
    World::default().repository("main", &FORMAT)
}

async fn get(repo: &FakeRepo, path: &str) -> Response {
    Ask::new("GET", path).send(&FORMAT, repo).await
}

async fn put(repo: &FakeRepo, path: &str, body: impl AsRef<[u8]>) -> Response {
    Ask::new("PUT", path).body(body).send(&FORMAT, repo).await
}

async fn stored(repo: &FakeRepo, path: &str, body: impl AsRef<[u8]>) {
    let answer = put(repo, path, body).await;
    assert_eq!(answer.status, 201, "{path}: {}", answer.shown());
}

fn pom(group: &str, artifact: &str, version: &str) -> String {
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>\
         <name>Demo</name><licenses><license><name>Apache-2.0</name></license></licenses></project>"
    )
}

/// The lines of a document between two elements, for comparing lists.
fn all(text: &str, element: &str) -> Vec<String> {
    let open = format!("<{element}>");
    text.split(&*open).skip(1).filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect()
}

async fn release(repo: &FakeRepo, version: &str) {
    let folder = format!("org/example/demo/{version}");
    stored(repo, &format!("{folder}/demo-{version}.jar"), format!("jar of {version}")).await;
    stored(repo, &format!("{folder}/demo-{version}.pom"), pom("org.example", "demo", version)).await;
}

#[tokio::test]
async fn a_release_is_deployed_file_by_file_and_listed() {
    let repo = repo();
    for version in ["1.0", "1.10", "1.9", "2.0-rc-1"] {
        release(&repo, version).await;
    }
    let folder = "org/example/demo/1.10";
    stored(&repo, &format!("{folder}/demo-1.10-sources.jar"), "sources").await;
    stored(&repo, &format!("{folder}/demo-1.10.jar.asc"), "-----BEGIN PGP SIGNATURE-----").await;
    let versions = repo.versions("org.example:demo");
    let kept = &versions.iter().find(|version| version.package.at.version == "1.10").unwrap();
    assert_eq!(kept.files.len(), 4);
    assert_eq!(kept.package.metadata["licenses"], serde_json::json!(["Apache-2.0"]), "files leave what the pom said");
    insta::assert_snapshot!("artifact_metadata", get(&repo, "org/example/demo/maven-metadata.xml").await.shown());

    let jar = get(&repo, &format!("{folder}/demo-1.10.jar")).await;
    assert_eq!((jar.status, jar.text()), (200, "jar of 1.10"));
    assert_eq!(jar.header("x-checksum-sha256"), Some(hash_of(b"jar of 1.10", Algorithm::Sha256).as_str()));
    assert_eq!(jar.header("content-security-policy"), Some("sandbox"));
}

#[tokio::test]
async fn checksums_are_served_and_compared() {
    let repo = repo();
    release(&repo, "1.0").await;
    let jar = "org/example/demo/1.0/demo-1.0.jar";
    for (extension, bytes) in [("sha256", b"jar of 1.0".as_slice()), ("sha512", b"jar of 1.0")] {
        let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == extension).unwrap();
        let hex = hash_of(bytes, algorithm);
        assert_eq!(get(&repo, &format!("{jar}.{extension}")).await.text(), hex);
        stored(&repo, &format!("{jar}.{extension}"), format!("{hex}  demo-1.0.jar\n")).await;
        let wrong = put(&repo, &format!("{jar}.{extension}"), hash_of(b"other", algorithm)).await;
        assert_eq!(wrong.status, 400);
        assert!(wrong.reason.unwrap().contains(&format!("the {extension} of demo-1.0.jar is {hex} here")));
    }
    assert_eq!(put(&repo, &format!("{jar}.md5"), "nonsense").await.status, 400);
    assert_eq!(put(&repo, "org/example/demo/1.0/demo-1.0-x.jar.sha1", "0".repeat(40)).await.status, 404);
    let metadata = get(&repo, "org/example/demo/maven-metadata.xml").await;
    for algorithm in Algorithm::ALL {
        let told = get(&repo, &format!("org/example/demo/maven-metadata.xml.{}", algorithm.name())).await;
        assert_eq!(told.text(), hash_of(&metadata.body, algorithm));
    }
}

#[tokio::test]
async fn a_release_does_not_change() {
    let repo = repo();
    release(&repo, "1.0").await;
    let jar = "org/example/demo/1.0/demo-1.0.jar";
    assert_eq!(put(&repo, jar, "jar of 1.0").await.status, 200);
    let other = put(&repo, jar, "other").await;
    insta::assert_snapshot!("exists", other.shown());
    assert_eq!(get(&repo, jar).await.text(), "jar of 1.0");
}

#[tokio::test]
async fn what_the_pom_says_is_compared_with_its_path() {
    let repo = repo();
    let path = "org/example/demo/1.0/demo-1.0.pom";
    for (body, what) in [
        (pom("org.other", "demo", "1.0"), "groupId is `org.other`"),
        (pom("org.example", "other", "1.0"), "artifactId is `other`"),
        (pom("org.example", "demo", "1.1"), "version is `1.1`"),
        ("<project>".to_owned(), "no XML"),
        ("<html/>".to_owned(), "no <project>"),
    ] {
        let answer = put(&repo, path, body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.reason.as_ref().unwrap().contains(what), "{answer:?}");
    }
    assert!(repo.versions("org.example:demo").is_empty(), "nothing is left of what was refused");
    let inherited = "<project><parent><groupId>org.example</groupId><artifactId>p</artifactId><version>1.0</version></parent>\
                     <artifactId>demo</artifactId><version>${revision}</version></project>";
    stored(&repo, path, inherited).await;

    let module = "org/example/demo/1.0/demo-1.0.module";
    let said = |name: &str| {
        format!(
            "{{\"formatVersion\":\"1.1\",\"component\":{{\"group\":\"org.example\",\"module\":\"{name}\",\"version\":\"1.0\"}}}}"
        )
    };
    assert_eq!(put(&repo, module, said("other")).await.status, 400);
    stored(&repo, module, said("demo")).await;
    assert_eq!(get(&repo, module).await.text(), said("demo"));
}

#[tokio::test]
async fn builds_of_a_snapshot_accumulate_and_the_newest_allowed_is_meant() {
    let repo = repo();
    let folder = "org/example/demo/1.0-SNAPSHOT";
    for build in ["1.0-20260101.100000-1", "1.0-20260102.100000-2", "1.0-20260103.100000-3"] {
        stored(&repo, &format!("{folder}/demo-{build}.jar"), format!("jar {build}")).await;
        stored(&repo, &format!("{folder}/demo-{build}.pom"), pom("org.example", "demo", "1.0-SNAPSHOT")).await;
    }
    stored(&repo, &format!("{folder}/demo-1.0-20260102.100000-2-sources.jar"), "sources").await;
    stored(&repo, &format!("{folder}/maven-metadata.xml"), "<metadata/>").await;
    insta::assert_snapshot!("snapshot_metadata", get(&repo, &format!("{folder}/maven-metadata.xml")).await.shown());
    let artifact = get(&repo, "org/example/demo/maven-metadata.xml").await;
    assert_eq!(all(artifact.text(), "version"), ["1.0-SNAPSHOT"]);
    assert_eq!(
        (all(artifact.text(), "latest"), all(artifact.text(), "release")),
        (vec!["1.0-SNAPSHOT".into()], vec![])
    );
    assert_eq!(get(&repo, &format!("{folder}/demo-1.0-SNAPSHOT.jar")).await.text(), "jar 1.0-20260103.100000-3");

    repo.block("org.example:demo", "1.0-20260103.100000-3", "too dangerous");
    let metadata = get(&repo, &format!("{folder}/maven-metadata.xml")).await;
    assert_eq!(all(metadata.text(), "buildNumber"), ["2"]);
    assert_eq!(all(metadata.text(), "value"), ["1.0-20260102.100000-2"; 3]);
    assert_eq!(get(&repo, &format!("{folder}/demo-1.0-SNAPSHOT.jar")).await.text(), "jar 1.0-20260102.100000-2");
    assert_eq!(get(&repo, &format!("{folder}/demo-1.0-20260103.100000-3.jar")).await.status, 403);

    for build in ["1.0-20260101.100000-1", "1.0-20260102.100000-2"] {
        repo.block("org.example:demo", build, "too dangerous");
    }
    assert_eq!(get(&repo, &format!("{folder}/maven-metadata.xml")).await.status, 404);
    let refused = get(&repo, &format!("{folder}/demo-1.0-SNAPSHOT.jar")).await;
    assert!(refused.status == 403 && refused.reason.unwrap().contains("too dangerous"));
}

#[tokio::test]
async fn files_sent_as_snapshot_become_builds() {
    let repo = repo();
    let folder = "org/example/demo/1.0-SNAPSHOT";
    stored(&repo, &format!("{folder}/demo-1.0-SNAPSHOT.jar"), "first").await;
    stored(&repo, &format!("{folder}/demo-1.0-SNAPSHOT.pom"), pom("org.example", "demo", "1.0-SNAPSHOT")).await;
    assert_eq!(repo.versions("org.example:demo").len(), 2, "the fake's clock is old, so nothing joins");
    assert_eq!(
        put(&repo, &format!("{folder}/demo-1.0-SNAPSHOT.pom"), pom("org.example", "demo", "1.0-SNAPSHOT")).await.status,
        200
    );
    stored(&repo, &format!("{folder}/demo-1.0-SNAPSHOT.jar"), "second").await;
    assert_eq!(get(&repo, &format!("{folder}/demo-1.0-SNAPSHOT.jar")).await.text(), "second");
    let sha256 = get(&repo, &format!("{folder}/demo-1.0-SNAPSHOT.jar.sha256")).await;
    assert_eq!(sha256.text(), hash_of(b"second", Algorithm::Sha256));
    let metadata = get(&repo, &format!("{folder}/maven-metadata.xml")).await;
    assert_eq!(all(metadata.text(), "buildNumber"), ["3"]);
    assert_eq!(all(metadata.text(), "extension"), ["jar", "pom"]);
}

#[tokio::test]
async fn blocked_versions_are_left_out_and_refused_with_their_reason() {
    let repo = repo();
    for version in ["1.0", "1.1"] {
        release(&repo, version).await;
    }
    repo.block("org.example:demo", "1.1", "CVE-2026-1");
    let metadata = get(&repo, "org/example/demo/maven-metadata.xml").await;
    assert_eq!(all(metadata.text(), "version"), ["1.0"]);
    assert_eq!(all(metadata.text(), "latest"), ["1.0"]);
    let refused = get(&repo, "org/example/demo/1.1/demo-1.1.pom").await;
    assert_eq!(refused.status, 403);
    assert!(refused.reason.unwrap().starts_with("org.example:demo:1.1 is quarantined by policy Max CVSS: CVE-2026-1"));
}

#[tokio::test]
async fn the_plugins_of_a_group_are_listed_by_their_descriptors() {
    let repo = repo();
    release(&repo, "1.0").await;
    let jar = |descriptor: &str| assay_testing_zip("META-INF/maven/plugin.xml", descriptor);
    let plugin = "<plugin><name>Greeter</name><goalPrefix>greet</goalPrefix></plugin>";
    stored(&repo, "org/example/greeter/1.0/greeter-1.0.jar", jar(plugin)).await;
    stored(&repo, "org/example/far-maven-plugin/1.0/far-maven-plugin-1.0.jar", jar("<plugin/>")).await;
    stored(&repo, "org/example/maven-metadata.xml", "<metadata><plugins/></metadata>").await;
    insta::assert_snapshot!("group_metadata", get(&repo, "org/example/maven-metadata.xml").await.shown());
    assert_eq!(get(&repo, "org/maven-metadata.xml").await.status, 404);
}

/// A zip with one stored file.
fn assay_testing_zip(name: &str, text: &str) -> Vec<u8> {
    let mut crc = 0xffff_ffff_u32;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let (crc, size, length) = (!crc, text.len() as u32, name.len() as u16);
    let common: Vec<u8> = [
        &[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..],
        &crc.to_le_bytes(),
        &size.to_le_bytes(),
        &size.to_le_bytes(),
        &length.to_le_bytes(),
        &[0, 0],
    ]
    .concat();
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), text.as_bytes()].concat();
    let central = [b"PK\x01\x02\x14\0", &common[..], &[0; 14], name.as_bytes()].concat();
    let (at, span) = ((local.len() as u32).to_le_bytes(), (central.len() as u32).to_le_bytes());
    [&local[..], &central, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &span, &at, &[0, 0]].concat()
}

#[tokio::test]
async fn folders_are_listed_for_people() {
    let repo = repo();
    release(&repo, "1.0").await;
    for path in [
        "org/example/sub/deep/1.0/deep-1.0.txt",
        "org/example-x/a/1/a-1.txt",
        "org/example1/a/1/a-1.txt",
        "org/a/1/a-1.txt",
    ] {
        stored(&repo, path, "text").await;
    }
    let json = |path: &'static str| {
        let repo = &repo;
        async move { get(repo, &format!("{path}?format=json")).await.json() }
    };
    assert_eq!(json("").await["folders"], serde_json::json!(["org"]));
    assert_eq!(json("org/").await["folders"], serde_json::json!(["a", "example", "example-x", "example1"]));
    assert_eq!(json("org/example/").await["folders"], serde_json::json!(["demo", "sub"]));
    assert_eq!(json("org/example/demo/").await["folders"], serde_json::json!(["1.0"]));
    insta::assert_snapshot!("listing", get(&repo, "org/example/demo/1.0/").await.shown());
    let moved = get(&repo, "org/example/demo").await;
    assert_eq!((moved.status, moved.header("location")), (301, Some("/maven/main/org/example/demo/")));
    assert_eq!(get(&repo, "org/nobody/").await.status, 404);
    assert_eq!(get(&repo, "org/example/demo/2.0/").await.status, 404);
}

#[tokio::test]
async fn versions_are_deleted_whole() {
    let repo = repo();
    release(&repo, "1.0").await;
    release(&repo, "1.1").await;
    let delete = |path: &'static str| {
        let repo = &repo;
        async move { Ask::new("DELETE", path).send(&FORMAT, repo).await.status }
    };
    assert_eq!(delete("org/example/demo/1.0/demo-1.0.jar").await, 405);
    assert_eq!(delete("org/example/demo/1.0/").await, 204);
    assert_eq!(delete("org/example/demo/1.0").await, 404);
    let left = get(&repo, "org/example/demo/maven-metadata.xml").await;
    assert_eq!(all(left.text(), "version"), ["1.1"]);
    assert_eq!(delete("org/example/demo").await, 204);
    assert_eq!(get(&repo, "org/example/demo/maven-metadata.xml").await.status, 404);
}

#[tokio::test]
async fn who_may_not_write_is_told_so_for_every_file() {
    let mut repo = repo();
    repo.may_write = false;
    for (path, body) in [
        ("org/example/demo/1.0/demo-1.0.jar", "x"),
        ("org/example/demo/1.0/demo-1.0.jar.sha1", "0000000000000000000000000000000000000000"),
        ("org/example/demo/maven-metadata.xml", "<metadata/>"),
        ("org/example/demo/maven-metadata.xml.sha1", "0000000000000000000000000000000000000000"),
    ] {
        assert_eq!(put(&repo, path, body).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn paths_outside_of_the_layout_are_refused() {
    let repo = repo();
    for path in [
        "demo.jar",
        "org/example/demo/1.0/other-1.0.jar",
        "org/example/demo/1.0/demo-1.1.jar",
        "org/example/demo/1.0/demo-1.0",
        "org.example/demo/1.0/demo-1.0.jar",
        "org/example/demo/1.0-20260101.100000-1/demo-1.0-20260101.100000-1.jar",
        "org/example/demo/2.0-SNAPSHOT/demo-1.0-20260101.100000-1.jar",
        "org/../demo/1.0/demo-1.0.jar",
        "org//demo/1.0/demo-1.0.jar",
        "org/ex%00ample/demo/1.0/demo-1.0.jar",
        "org/ex@mple/demo/1.0/demo-1.0.jar",
    ] {
        let answer = put(&repo, path, "x").await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.shown());
    }
    assert_eq!(put(&repo, "org/example/maven-metadata.xml", "junk").await.status, 400);
    let text = FORMAT.problem(&Problem::new(Kind::Busy, "x", "later\nplease"));
    assert_eq!((text.status, text.reason.as_deref()), (503, Some("later?please")));
}
