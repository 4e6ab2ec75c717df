//! Repositories elsewhere, by their documents.

use crate::{kit::testing::FakeOrigin, maven::upstream::REMOTE};
use assay_model::{
    Digest, Kind,
    package::NewFile,
    seam::{
        format::{Claim, Staged},
        upstream::Remote,
    },
};
use std::{collections::BTreeMap, io::Cursor};

fn origin() -> FakeOrigin {
    FakeOrigin::new("https://registry.example/maven2")
        .with(
            "org/example/demo/maven-metadata.xml",
            "text/xml",
            "<metadata><versioning><latest>2.0-SNAPSHOT</latest><versions><version>1.0</version><version>1.1</version>\
             <version>2.0-SNAPSHOT</version><version>../evil</version></versions></versioning></metadata>",
        )
        .with(
            "org/example/demo/2.0-SNAPSHOT/maven-metadata.xml",
            "text/xml",
            "<metadata><versioning><snapshot><timestamp>20260102.030405</timestamp><buildNumber>2</buildNumber></snapshot>\
             <snapshotVersions><snapshotVersion><extension>pom</extension><value>2.0-20260102.030405-2</value>\
             </snapshotVersion><snapshotVersion><classifier>sources</classifier><extension>jar</extension>\
             <value>2.0-20260101.030405-1</value></snapshotVersion></snapshotVersions></versioning></metadata>",
        )
        .with("org/example/demo/1.0/demo-1.0.jar.sha1", "text/plain", format!("{}  demo-1.0.jar\n", "ab".repeat(20)))
        .header("org/example/demo/1.0/demo-1.0.jar.sha1", "Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        .with("org/example/old/1/old-1.pom", "text/xml", "<project/>")
        .with(
            "org/example/maven-metadata.xml",
            "text/xml",
            "<metadata><plugins><plugin><name>Far</name><prefix>far</prefix><artifactId>far-plugin</artifactId></plugin>\
             </plugins></metadata>",
        )
        .with("org/broken/it/maven-metadata.xml", "text/html", "<html><p>sign in")
}

#[tokio::test]
async fn versions_and_builds_are_listed() {
    let origin = origin();
    let index = REMOTE.index(&origin, "org.example:demo").await.unwrap().unwrap();
    let versions: Vec<&str> = index.versions.iter().map(|version| version.version.as_str()).collect();
    assert_eq!(versions, ["2.0-20260101.030405-1", "2.0-20260102.030405-2", "1.1", "1.0"]);
    let files: Vec<&str> = index.versions[0].files.iter().map(|file| file.address.as_str()).collect();
    let made = index.versions.iter().map(|version| version.published_at.map(|at| at.to_string()));
    assert_eq!(
        made.collect::<Vec<_>>()[..3],
        [Some("2026-01-01T03:04:05Z".to_owned()), Some("2026-01-02T03:04:05Z".to_owned()), None]
    );
    assert_eq!(files, ["org/example/demo/2.0-SNAPSHOT/demo-2.0-20260101.030405-1-sources.jar"]);
    assert!(REMOTE.index(&origin, "org.example:nobody").await.unwrap().is_none());
    let error = REMOTE.index(&origin, "org.broken:it").await.unwrap_err();
    assert_eq!(error.kind, Kind::Upstream, "a page of a proxy in between is no empty list");
}

#[tokio::test]
async fn what_no_list_has_is_found_by_its_path() {
    let origin = origin();
    let newest = REMOTE.find(&origin, "org.example:demo", "2.0-SNAPSHOT").await.unwrap().unwrap();
    assert_eq!(newest.version, "2.0-20260102.030405-2");
    assert!(REMOTE.find(&origin, "org.example:old", "1").await.unwrap().is_some());
    assert!(REMOTE.find(&origin, "org.example:old", "2").await.unwrap().is_none());
    let (version, file) = REMOTE.locate(&origin, "org.example:demo", "1.0/demo-1.0.jar").await.unwrap().unwrap();
    assert_eq!((&*version.version, &*file.address), ("1.0", "org/example/demo/1.0/demo-1.0.jar"));
    assert_eq!(file.hashes["sha1"], "ab".repeat(20));
    assert_eq!(version.published_at.unwrap().to_string(), "2015-10-21T07:28:00Z");
    assert!(REMOTE.locate(&origin, "org.example:demo", "2.0-SNAPSHOT/demo-2.0-SNAPSHOT.jar").await.unwrap().is_none());
    assert!(REMOTE.locate(&origin, "org.example:demo", "1.0/../x").await.unwrap().is_none());
}

#[tokio::test]
async fn plugins_of_a_group_are_listed() {
    let index = REMOTE.index(&origin(), "org.example").await.unwrap().unwrap();
    assert_eq!(index.versions[0].metadata["plugins"][0]["prefix"], "far");
    assert!(REMOTE.index(&origin(), "org.nobody").await.unwrap().is_none());
}

#[tokio::test]
async fn a_fetched_pom_must_be_the_one_of_its_path() {
    let (version, file) = REMOTE.locate(&origin(), "org.example:demo", "1.0/demo-1.0.pom").await.unwrap().unwrap();
    let check = |text: String| {
        let staged = Staged { digest: Digest::of(text.as_bytes()), size: text.len() as u64, hashes: BTreeMap::new() };
        let mut claim: Claim = version.claim("org.example:demo", &[(&file, staged)]);
        let outcome = REMOTE.inspect(&mut claim, &file, &mut Cursor::new(text.into_bytes()));
        outcome.map(|()| (claim.metadata, claim.files.pop().map(|file: NewFile| file.path)))
    };
    let (metadata, path) = check(super::pom("org.example", "demo", "1.0")).unwrap();
    assert_eq!((metadata["name"].as_str(), path.as_deref()), (Some("Demo"), Some("1.0/demo-1.0.pom")));
    assert_eq!(check(super::pom("org.example", "demo", "6.6.6")).unwrap_err().code, "metadata-mismatch");
}
