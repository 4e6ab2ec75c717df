//! Remote registries: where their files are, what their lines say, and crates that are not what was announced.

use super::{FORMAT, fixtures::Publication};
use crate::kit::testing::FakeOrigin;
use assay_model::{
    Digest, Kind,
    seam::{
        format::{Format, Staged},
        upstream::{Remote, RemoteIndex},
    },
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, io::Cursor};

const INDEX: &str = "https://registry.example/index";

fn remote() -> &'static dyn Remote {
    FORMAT.remote().unwrap()
}

fn digest() -> String {
    Digest::of(b"x").hex().to_owned()
}

fn line(name: &str, version: &str, more: Value) -> String {
    let mut line = json!({
        "name": name, "vers": version, "deps": [], "features": {}, "cksum": digest(), "yanked": false, "new": [1],
    });
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    format!("{line}\n")
}

fn origin(dl: &str, path: &str, lines: &[String]) -> FakeOrigin {
    let config = json!({ "dl": dl, "api": "https://registry.example", "auth-required": true }).to_string();
    FakeOrigin::new(INDEX).with("config.json", "application/json", config).with(path, "text/plain", lines.concat())
}

async fn index(origin: &FakeOrigin, name: &str) -> RemoteIndex {
    remote().index(origin, name).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_an_index_says_is_kept() {
    let lines = [
        line("De-Mo", "1.0.0", json!({ "pubtime": "2024-05-06T07:08:09Z", "yanked": true, "links": "z" })),
        "{ damaged\n".to_owned(),
        line("another", "1.0.0", json!({})),
        line("de-mo", "not a version", json!({})),
        line("De-Mo", "1.1.0+b", json!({ "pubtime": "yesterday" })),
    ];
    let origin = origin("https://files.example/dl", "de/-m/de-mo", &lines);
    let index = index(&origin, "de-mo").await;
    assert_eq!(index.versions.len(), 2);
    let [first, second] = &index.versions[..] else { panic!("two versions") };
    assert_eq!(first.published_at.unwrap().to_string(), "2024-05-06T07:08:09Z");
    assert_eq!((first.version.as_str(), &first.metadata["yanked"]), ("1.0.0", &json!(true)));
    assert_eq!((&first.metadata["line"]["new"], &first.metadata["line"]["links"]), (&json!([1]), &json!("z")));
    let file = &first.files[0];
    assert_eq!(file.path, "de-mo-1.0.0.crate");
    assert_eq!(file.address, "https://files.example/dl/De-Mo/1.0.0/download");
    assert_eq!(file.digest.as_ref().unwrap().hex(), digest());
    assert_eq!((second.version.as_str(), second.published_at), ("1.1.0+b", None));
    let asked: Vec<String> = origin.asked().into_iter().map(|(address, _)| address).collect();
    assert_eq!(asked, [format!("{INDEX}/de/-m/de-mo"), format!("{INDEX}/config.json")]);
}

#[tokio::test]
async fn every_marker_of_a_download_address_is_filled_in() {
    let sum = digest();
    for (dl, address) in [
        ("https://f.example/{crate}/{crate}-{version}.crate", "https://f.example/DeMo/DeMo-1.0.0.crate".to_owned()),
        ("https://f.example/{prefix}/{lowerprefix}/{crate}", "https://f.example/De/Mo/de/mo/DeMo".to_owned()),
        ("https://f.example/{sha256-checksum}.crate", format!("https://f.example/{sum}.crate")),
        ("https://f.example/", "https://f.example/DeMo/1.0.0/download".to_owned()),
    ] {
        let origin = origin(dl, "de/mo/demo", &[line("DeMo", "1.0.0", json!({}))]);
        assert_eq!(index(&origin, "demo").await.versions[0].files[0].address, address);
    }
}

#[tokio::test]
async fn what_is_no_index_is_told() {
    let nothing = FakeOrigin::new(INDEX);
    assert!(remote().index(&nothing, "demo").await.unwrap().is_none());
    assert!(nothing.asked().len() == 1, "an unknown name costs one request");
    let page = origin("https://f.example", "de/mo/demo", &["<html>log in</html>\n".to_owned()]);
    assert_eq!(remote().index(&page, "demo").await.unwrap_err().kind, Kind::Upstream);
    let bare = FakeOrigin::new(INDEX).with("de/mo/demo", "", line("demo", "1.0.0", json!({})));
    assert!(remote().index(&bare, "demo").await.unwrap_err().message.contains("config.json"));
    assert!(remote().index(&FakeOrigin::new(INDEX).down(), "demo").await.is_err());
}

#[tokio::test]
async fn a_fetched_crate_must_be_what_its_line_says() {
    let origin = origin("https://f.example", "de/mo/demo", &[line("Demo", "1.0.0", json!({}))]);
    let index = index(&origin, "demo").await;
    let (version, file) = (&index.versions[0], &index.versions[0].files[0]);
    let claim = || {
        let staged = Staged { digest: Digest::of(b"x"), size: 1, hashes: BTreeMap::new() };
        version.claim("demo", &[(file, staged)])
    };
    let sound = Publication::new("Demo", "1.0.0").manifest("description = \"Says so itself\"\nlicense = \"MIT\"\n");
    let mut complete = claim();
    remote().inspect(&mut complete, file, &mut Cursor::new(sound.packed())).unwrap();
    assert_eq!(
        (&complete.metadata["description"], &complete.metadata["license"]),
        (&json!("Says so itself"), &json!("MIT"))
    );
    let linked = sound.clone().entry("Demo-1.0.0/l@", "src");
    remote().inspect(&mut claim(), file, &mut Cursor::new(linked.packed())).unwrap();
    for other in [Publication::new("Demo", "1.0.1"), Publication::new("other", "1.0.0"), sound.entry("elsewhere", "")] {
        assert_eq!(
            remote().inspect(&mut claim(), file, &mut Cursor::new(other.packed())).unwrap_err().kind,
            Kind::Invalid
        );
    }
}

#[tokio::test]
async fn names_are_listed_by_the_search_of_the_api() {
    let page =
        |names: [&str; 2]| json!({ "crates": [{ "name": names[0] }, { "name": names[1] }], "meta": { "total": 3 } });
    let at = |n: u8| format!("https://registry.example/api/v1/crates?q=&per_page=100&page={n}");
    let origin = origin("https://registry.example/dl", "x", &[])
        .with(&at(1), "application/json", page(["Tiny_A", "b"]).to_string())
        .with(&at(2), "application/json", page(["c", "b"]).to_string());
    assert_eq!(remote().catalogue(&origin).await.unwrap().unwrap(), ["b", "c", "tiny_a"]);
    let silent =
        FakeOrigin::new(INDEX).with("config.json", "application/json", r#"{"dl": "https://registry.example/dl"}"#);
    assert_eq!(remote().catalogue(&silent).await.unwrap(), None);
}
