//! What comes with a distribution besides its bytes: attestations, signatures, metadata of sdists, more hashes; and the
//! answers to tools that ask in other ways.

use super::{
    fixtures::{Upload, attestations, sdist, sdist_saying, wheel},
    get, index, repo, stocked,
};
use crate::{kit::testing::Ask, pypi::FORMAT};
use assay_model::Digest;
use serde_json::{Value, json};

const WHEEL: &str = "demo-1.0-py3-none-any.whl";

fn attested(change: impl FnOnce(&mut Value)) -> Upload {
    let mut upload = Upload::new("demo", "1.0", WHEEL, wheel("demo", "1.0", ""));
    let mut said = attestations(WHEEL, Digest::of(&upload.bytes).hex());
    change(&mut said);
    upload.attestations = Some(said.to_string());
    upload
}

#[tokio::test]
async fn attestations_are_kept_and_served_as_provenance() {
    let repo = repo();
    let upload = attested(|_| ());
    assert_eq!(upload.send(&repo).await.status, 200);
    let address = format!("http://assay.test:8080/pypi/main/files/demo/{WHEEL}.provenance");
    assert_eq!(index(&repo, "simple/demo/").await["files"][0]["provenance"], address.as_str());
    let page = get(&repo, "simple/demo/").await;
    assert!(page.text().contains(&format!(" data-provenance=\"{address}\"")), "{}", page.text());

    let document = get(&repo, &format!("files/demo/{WHEEL}.provenance")).await;
    assert_eq!(document.header("content-type"), Some("application/vnd.pypi.integrity.v1+json"));
    let document = document.json();
    let sent: Value = serde_json::from_str(&upload.attestations.unwrap()).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["attestation_bundles"][0]["attestations"], sent);
    assert!(document["attestation_bundles"][0]["publisher"]["kind"].is_string());
}

type Change = Box<dyn FnOnce(&mut Value)>;

#[tokio::test]
async fn attestations_of_another_file_or_another_shape_are_refused() {
    let other = |name: &str, digest: &str| attestations(name, digest)[0]["envelope"]["statement"].clone();
    let digest = Digest::of(&attested(|_| ()).bytes).hex().to_owned();
    let cases: Vec<(&str, Change)> = vec![
        ("no JSON array", Box::new(|said| *said = json!({}))),
        ("has 0 entries", Box::new(|said| *said = json!([]))),
        ("has 17 entries", Box::new(|said| *said = json!(vec![said[0].clone(); 17]))),
        ("`version` must be 1", Box::new(|said| said[0]["version"] = json!(2))),
        ("certificate` is missing", Box::new(|said| said[0]["verification_material"]["certificate"] = json!(null))),
        ("certificate` is not base64", Box::new(|said| said[0]["verification_material"]["certificate"] = json!("?"))),
        ("transparency_entries", Box::new(|said| said[0]["verification_material"]["transparency_entries"] = json!([]))),
        ("signature` is missing", Box::new(|said| said[0]["envelope"]["signature"] = json!(7))),
        ("statement is no JSON", Box::new(|said| said[0]["envelope"]["statement"] = json!("AAAA"))),
        (
            "its subject is `demo-2.0",
            Box::new(move |said| said[0]["envelope"]["statement"] = other("demo-2.0-py3-none-any.whl", &digest)),
        ),
        ("has the SHA-256", Box::new(move |said| said[0]["envelope"]["statement"] = other(WHEEL, &"0".repeat(64)))),
    ];
    for (words, change) in cases {
        let repo = repo();
        let answer = attested(change).send(&repo).await;
        assert!(answer.status == 400 && answer.text().contains(words), "{words}: {}", answer.shown());
        assert!(repo.versions("demo").is_empty(), "{words}");
    }
}

#[tokio::test]
async fn attestations_can_follow_the_file() {
    let repo = repo();
    assert_eq!(Upload::new("demo", "1.0", WHEEL, wheel("demo", "1.0", "")).send(&repo).await.status, 200);
    assert_eq!(index(&repo, "simple/demo/").await["files"][0]["provenance"], Value::Null);
    assert_eq!(attested(|_| ()).send(&repo).await.status, 200);
    assert!(index(&repo, "simple/demo/").await["files"][0]["provenance"].is_string());
    assert_eq!(repo.versions("demo").len(), 1);
}

#[tokio::test]
async fn a_detached_signature_stands_beside_its_file() {
    let repo = repo();
    let mut upload = Upload::new("demo", "1.0", WHEEL, wheel("demo", "1.0", ""));
    upload.signature = Some("not a signature".to_owned());
    let answer = upload.send(&repo).await;
    assert!(answer.status == 400 && answer.text().contains("no armoured detached"), "{}", answer.shown());
    let armoured = "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----";
    upload.signature = Some(armoured.to_owned());
    assert_eq!(upload.send(&repo).await.status, 200);
    assert_eq!(index(&repo, "simple/demo/").await["files"][0]["gpg-sig"], true);
    assert!(get(&repo, "simple/demo/").await.text().contains(" data-gpg-sig=\"true\""));
    assert_eq!(get(&repo, &format!("files/demo/{WHEEL}.asc")).await.text(), armoured);
}

#[tokio::test]
async fn metadata_of_an_sdist_is_served_when_it_promises_its_dependencies() {
    for (version, more, serves) in [
        ("2.1", "", false),
        ("2.2", "", true),
        ("2.4", "Dynamic: License-File\n", true),
        ("2.2", "Dynamic: Requires-Dist\n", false),
        ("10.0", "", true),
    ] {
        let repo = repo();
        let info = format!("Metadata-Version: {version}\nName: demo\nVersion: 1.0\n{more}\n");
        let upload = Upload::new("demo", "1.0", "demo-1.0.tar.gz", sdist_saying("demo", "1.0", &info));
        assert_eq!(upload.send(&repo).await.status, 200);
        let served = get(&repo, "files/demo/demo-1.0.tar.gz.metadata").await;
        assert_eq!(served.status, if serves { 200 } else { 404 }, "{version} {more}");
        let said = &index(&repo, "simple/demo/").await["files"][0]["core-metadata"];
        assert_eq!(said.is_object(), serves, "{version} {more}");
    }
}

#[tokio::test]
async fn blake2_of_the_form_is_compared_wherever_it_stands() {
    for content_first in [false, true] {
        let mut upload = Upload::new("demo", "1.0", "demo-1.0.tar.gz", sdist("demo", "1.0"));
        upload.content_first = content_first;
        let hex: String = Digest::of(&upload.bytes).hex().chars().rev().collect();
        upload.blake2 = Some("0".repeat(64));
        let answer = upload.send(&repo()).await;
        assert!(answer.status == 400 && answer.text().contains("BLAKE2b-256"), "{}", answer.shown());
        upload.blake2 = Some(hex.to_uppercase());
        assert_eq!(upload.send(&repo()).await.status, 200);
    }
}

#[tokio::test]
async fn pip_search_is_told_where_to_search() {
    let repo = stocked().await;
    let ask = || Ask::new("POST", "").header("content-type", "text/xml").body("<methodCall/>");
    insta::assert_snapshot!("no_search", ask().send(&FORMAT, &repo).await.shown());
    for path in ["simple", "simple/", "pypi", "legacy/"] {
        let ask = Ask::new("POST", path).header("content-type", "text/xml; charset=utf-8");
        assert!(ask.send(&FORMAT, &repo).await.text().contains("faultString"), "{path}");
    }
}

#[tokio::test]
async fn the_older_json_api_tells_of_projects_and_releases() {
    let repo = stocked().await;
    repo.block("demo-pkg", "2.0", "a reason");
    let whole = get(&repo, "demo-pkg/json").await;
    insta::assert_json_snapshot!("legacy_project", whole.json());
    assert_eq!(get(&repo, "pypi/Demo.Pkg/json").await.body, whole.body);
    let release = get(&repo, "demo-pkg/2.0/json").await.json();
    assert_eq!((&release["info"]["version"], &release["info"]["yanked"]), (&json!("2.0"), &json!(true)));
    assert_eq!(release["urls"][0]["yanked_reason"], "a reason");
    for missing in ["demo-pkg/3.0/json", "demo-pkg/latest/json", "nobody/json"] {
        assert_eq!(get(&repo, missing).await.status, 404, "{missing}");
    }
}
