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

#[test]
fn the_listed_fields_are_those_of_the_document() {
    let document = common::judge().input(&common::wheel()).unwrap();
    for version in ["v0", "v1"] {
        let mut listed = assay_policy::input::fields(version);
        listed.sort_unstable();
        let there: Vec<_> = document[version].as_object().unwrap().keys().cloned().collect();
        assert_eq!(listed, there);
    }
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
