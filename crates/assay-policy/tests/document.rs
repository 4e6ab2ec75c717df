//! The input document as a person sees it, and what its digest depends on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use assay_model::seam::judge::Judge;

#[test]
fn the_whole_document_of_a_wheel() {
    insta::assert_json_snapshot!(common::judge().input(&common::wheel()).unwrap());
}

#[test]
fn the_whole_document_of_an_image() {
    insta::assert_json_snapshot!(common::judge().input(&common::image()).unwrap());
}

/// The documents of every kind of package that the tests know, and of one with everything.
fn documents() -> Vec<serde_json::Value> {
    let all =
        [common::wheel(), common::image(), common::clean(), common::malware(), common::application(), common::known()];
    all.iter().map(|facts| common::judge().input(facts).unwrap()).collect()
}

#[test]
fn documents_are_as_the_schema_says() {
    for version in ["v0", "v1"] {
        let schema = common::judge().schema(version).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "the schema of {version} is one");
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        for document in documents() {
            let document = &document[version];
            let wrong: Vec<String> =
                validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(wrong.is_empty(), "{version}: {wrong:#?}");
        }
    }
    assert!(common::judge().schema("v2").is_none());
}

#[test]
fn the_schema_tells_a_document_from_another() {
    let validator = jsonschema::draft202012::new(&common::judge().schema("v1").unwrap()).unwrap();
    let good = common::judge().input(&common::wheel()).unwrap()["v1"].clone();
    for spoil in [
        |v: &mut serde_json::Value| v["vulnerabilities"][0]["more"] = 1.into(),
        |v: &mut serde_json::Value| v["package"]["size"] = "large".into(),
        |v: &mut serde_json::Value| v["labels"]["a"] = 1.into(),
        |v: &mut serde_json::Value| drop(v.as_object_mut().unwrap().remove("kev")),
        |v: &mut serde_json::Value| v["vulnerabilities"][0]["severity"] = "BAD".into(),
    ] {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(!validator.is_valid(&bad));
    }
}

#[test]
fn what_is_known_is_in_the_document() {
    let document = common::judge().input(&common::known()).unwrap();
    let (v0, v1) = (&document["v0"], &document["v1"]);
    assert_eq!(v0["package"]["last_downloaded_at"], "2026-11-21T00:00:00Z");
    assert_eq!((&v0["package"]["subtype"], &v0["package"]["package_type"]), (&"wheel".into(), &"BINARY".into()));
    assert_eq!(v0["package"]["signed"], true);
    assert_eq!(v0["workspace"]["created_at"], "2026-01-01T00:00:00Z");
    let latest = v0["package"]["tags"].as_array().unwrap().iter().find(|tag| tag["name"] == "latest").unwrap();
    assert_eq!((&latest["source"], &latest["tag_type"]), (&"AUTOMATIC".into(), &"LATEST_VERSION".into()));
    assert_eq!(latest["created_at"], "2026-11-20T11:00:00Z");
    assert_eq!(v1["labels"]["stage"], "production");
    assert_eq!(v1["scorecard"]["score"], 4.5);
    assert_eq!(v1["popularity"]["similar"][0]["name"], "requests");
    assert_eq!(v1["provenance"][0]["source"], "https://registry.example/source");
    assert_eq!(v1["sources"][0]["stale"], true);
    let found = &v1["vulnerabilities"][0];
    assert_eq!(found["ssvc"]["exploitation"], "poc");
    assert_eq!(found["sources"][0]["name"], "GHSA");
    assert_eq!((&found["depth"], &v1["requester"]), (&0.into(), &"someone".into()));
}

#[test]
fn a_trusted_statement_and_a_waiver_take_a_finding_away_everywhere() {
    let document = common::judge().input(&common::known()).unwrap();
    let (v0, v1) = (&document["v0"], &document["v1"]);
    let ids = |list: &serde_json::Value, key: &str| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&v0["vulnerabilities"], "identifier"), ["CVE-2018-18074"]);
    assert_eq!(ids(&v0["security_scan"]["Vulnerabilities"], "VulnerabilityID"), ["CVE-2018-18074"]);
    assert_eq!(ids(&v1["vulnerabilities"], "identifier"), ["CVE-2018-18074"]);
    assert_eq!(ids(&v1["suppressed"], "identifier"), ["CVE-2024-35195", "PYSEC-2099-1"]);
    let (by_vex, by_waiver) = (&v1["suppressed"][0], &v1["suppressed"][1]);
    assert_eq!(
        (&by_vex["by"], &by_vex["vex"]["justification"]),
        (&"vex".into(), &"vulnerable_code_not_present".into())
    );
    assert_eq!((&by_waiver["by"], &by_waiver["waivers"][0]), (&"waiver".into(), &v1["waivers"][0]["id"]));
    let said = &v1["vulnerabilities"][0]["vex"];
    assert_eq!((&said["status"], &said["trusted"]), (&"not_affected".into(), &false.into()));
}

/// The page is made from the table. To make it again: `UPDATE_PAGES=1 cargo test -p assay-policy --test document`.
#[test]
fn the_page_of_fields_is_up_to_date() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy-input.md");
    let page = assay_policy::input::schema::page();
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == page, "run UPDATE_PAGES=1 cargo test -p assay-policy --test document");
}

#[test]
fn the_digest_follows_the_facts_and_not_the_clock() {
    let rules = common::rules(vec![common::policy("p", "package cloudsmith\nmatch := false")]);
    let digest = |facts| rules.judge(&facts).unwrap().input;
    let first = digest(common::wheel());
    assert!(first.starts_with("sha256:"));
    let mut later = common::wheel();
    later.now = common::at("2027-01-01T00:00:00Z");
    assert_eq!(digest(later), first);
    let mut other = common::wheel();
    other.scores.epss.get_mut("CVE-2018-18074").unwrap().score = 0.5;
    assert_ne!(digest(other), first);
    let mut tagged = common::wheel();
    tagged.package.tags.insert("x".into());
    assert_ne!(digest(tagged), first);
}
