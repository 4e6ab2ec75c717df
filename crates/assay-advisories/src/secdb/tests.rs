#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::testing::{self, Shelf, parse, zip_of};

const ALPINE: &str = r#"{"apkurl": "{{urlprefix}}/x", "archs": ["x86_64"], "reponame": "main", "urlprefix": "https://packages.example/alpine",
 "distroversion": "v3.18", "packages": [
  {"pkg": {"name": "openssl", "secfixes": {"3.1.4-r0": ["CVE-2023-5363", "CVE-2023-1 XSA-9"], "0": ["CVE-2022-1"], "1.1.1-r0": ["CVE-2023-5363"]}}},
  {"pkg": {"name": "empty", "secfixes": {"1-r0": null}}}]}"#;

#[test]
fn a_fix_is_an_entry_of_its_release() {
    assert!(SecDb.recognizes("main.json", ALPINE.as_bytes()));
    let kept = parse(&SecDb, "main.json", ALPINE.as_bytes()).unwrap();
    let told: Vec<_> = kept.advisories.iter().map(|(one, _)| (one.id.as_str(), one.upstream[0].as_str())).collect();
    assert_eq!(told[1], ("secdb/Alpine:v3.18/main/openssl/CVE-2023-5363", "CVE-2023-5363"));
    assert_eq!(told[0].1, "CVE-2023-1");
    assert_eq!(told.len(), 2, "what never had it is no entry");
    assert_eq!(kept.advisories[1].0.affected[0].ranges.len(), 2, "fixed twice");
    assert_eq!(kept.advisories[1].0.affected[0].package.ecosystem, "Alpine:v3.18");
}

#[test]
fn a_distribution_without_releases() {
    let wolfi = r#"{"apkurl": "{{urlprefix}}/{{reponame}}/x", "archs": ["x86_64"], "reponame": "os", "urlprefix": "https://packages.wolfi.dev",
        "packages": [{"pkg": {"name": "curl", "secfixes": {"8.0-r1": ["CVE-2023-2", "GHSA-aaaa-bbbb-cccc"]}}}]}"#;
    let kept = parse(&SecDb, "security.json", wolfi.as_bytes()).unwrap();
    assert_eq!(kept.advisories.len(), 2);
    assert_eq!(kept.advisories[0].0.affected[0].package.ecosystem, "Wolfi");
}

#[test]
fn an_archive_of_files_and_a_bad_one() {
    let zip =
        zip_of(&[("v3.18/main.json", ALPINE.as_bytes()), ("v3.19/main.json", b"{\"packages\": 1}"), ("readme", b"x")]);
    assert!(SecDb.recognizes("secdb.zip", &zip));
    let kept = parse(&SecDb, "secdb.zip", &zip).unwrap();
    assert_eq!((kept.advisories.len(), kept.bad.len()), (2, 1));
}

#[test]
fn the_real_database() {
    let Some(path) = testing::corpus("feeds/alpine-secdb/secdb-2024-12-28.zip") else { return };
    let bytes = std::fs::read(path).unwrap();
    let kept = parse(&SecDb, "secdb.zip", &bytes).unwrap();
    assert!(kept.bad.is_empty(), "{:?}", &kept.bad[..kept.bad.len().min(3)]);
    println!("{} entries", kept.advisories.len());
    assert!(kept.advisories.len() > 20_000);
}

#[tokio::test]
async fn only_files_that_changed_are_fetched() {
    let base = "https://secdb.example#v3.18/main.json,v3.18/community.json";
    let mut net = Shelf::new();
    net.put("https://secdb.example/v3.18/main.json", ALPINE);
    net.put("https://secdb.example/v3.18/community.json", ALPINE);
    let Fetched::Batch { files, cursor } = SecDb.fetch(&net, base, None).await.unwrap() else { panic!("two files") };
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["v3.18/main.json", "v3.18/community.json"]);
    assert!(matches!(SecDb.fetch(&net, base, Some(&cursor)).await.unwrap(), Fetched::Unchanged));
    net.put("https://secdb.example/v3.18/main.json", ALPINE.replace("openssl", "libressl"));
    let Fetched::Batch { files, cursor } = SecDb.fetch(&net, base, Some(&cursor)).await.unwrap() else {
        panic!("one file")
    };
    assert_eq!(files.len(), 1);
    assert!(matches!(SecDb.fetch(&net, base, Some(&cursor)).await.unwrap(), Fetched::Unchanged));
}
