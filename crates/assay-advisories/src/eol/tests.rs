#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{self, Kept};
use std::io::Cursor as Bytes;

fn on(day: &str, json: &str) -> Kept {
    let mut kept = Kept::default();
    read("list", &mut Bytes::new(json.as_bytes().to_vec()), &mut kept, day.parse().unwrap()).unwrap();
    kept.advisories.retain(|(advisory, _)| advisory.withdrawn.is_none());
    kept
}

const LIST: &str = r#"[
  {"title": "Example OS", "permalink": "/example-os", "category": "os", "releasePolicyLink": "https://example.org/policy",
   "identifiers": [{"purl": "pkg:deb/debian/example"}],
   "releases": [{"releaseCycle": "3.10", "codename": "Fir", "eol": "2021-05-01"}, {"releaseCycle": "3.11", "eol": "2030-01-01"},
                {"releaseCycle": "3.9", "eol": "true"}, {"releaseCycle": "edge", "eol": "2020-01-01"}, {"releaseCycle": "4", "eol": "false"}]},
  {"title": "Frame", "permalink": "/frame", "identifiers": [{"purl": "pkg:npm/%40frame/core"}, {"purl": "pkg:maven/org.frame/core"}],
   "releases": [{"releaseCycle": "2", "eol": "2024-01-31"}]},
  {"title": "no releases"}
]"#;

#[test]
fn a_cycle_is_an_advisory_from_its_last_day() {
    let kept = on("2026-11-22", LIST);
    let ids: Vec<&str> = kept.advisories.iter().map(|(advisory, _)| advisory.id.as_str()).collect();
    assert_eq!(ids, ["EOL-example-os-3.10", "EOL-example-os-3.9", "EOL-frame-2"]);
    let os = &kept.advisories[0].0;
    assert_eq!(os.summary.as_deref(), Some("Example OS 3.10 (Fir) is no longer maintained since 2021-05-01"));
    let names: Vec<_> = os.affected.iter().map(|a| (a.package.ecosystem.as_str(), a.package.name.as_str())).collect();
    assert_eq!(names, [("EndOfLife", "example-os")], "a distribution's package is the distribution's");
    let frame = &kept.advisories[2].0;
    let names: Vec<_> =
        frame.affected.iter().map(|a| (a.package.ecosystem.as_str(), a.package.name.as_str())).collect();
    assert_eq!(names, [("EndOfLife", "frame"), ("Maven", "org.frame:core"), ("npm", "@frame/core")]);
    assert_eq!(kept.bad.len(), 1);
    assert!(kept.whole.is_empty(), "a list with a bad entry withdraws nothing");
    assert_eq!(on("2031-01-01", LIST).advisories.len(), 4, "an end that has come");
    assert_eq!(on("2020-12-31", LIST).advisories.len(), 1, "only what nobody dates");
    let mut all = Kept::default();
    read("list", &mut Bytes::new(LIST.as_bytes().to_vec()), &mut all, "2026-11-22".parse().unwrap()).unwrap();
    let postponed = all.advisories.iter().find(|(advisory, _)| advisory.id == "EOL-example-os-3.11");
    assert!(postponed.unwrap().0.withdrawn.is_some(), "takes back what was said before");
}

#[test]
fn the_api_is_read_too() {
    let json = r#"{"schema_version": "1.2.0", "result": [{"name": "frame", "label": "Frame", "identifiers": [{"id": "pkg:pypi/frame", "type": "purl"}],
        "links": {"releasePolicy": "https://example.org"},
        "releases": [{"name": "1.2", "isEol": true, "eolFrom": "2025-01-01"}, {"name": "1.3", "isEol": false, "eolFrom": null}]}]}"#;
    assert!(EndOfLife.recognizes("full", json.as_bytes()));
    let kept = on("2026-11-22", json);
    assert_eq!(kept.advisories.len(), 1);
    assert_eq!(kept.advisories[0].0.affected[1].package.name, "frame");
    assert_eq!(kept.whole, ["eol"]);
}

#[test]
fn the_real_list() {
    let Some(path) = testing::corpus("feeds/eol/endoflife-products.json.gz") else { return };
    let bytes = std::fs::read(path).unwrap();
    assert!(EndOfLife.recognizes("endoflife-products.json.gz", &bytes[..4096]));
    let mut kept = Kept::default();
    read("list", &mut Bytes::new(bytes), &mut kept, "2026-11-22".parse().unwrap()).unwrap();
    assert!(kept.bad.is_empty(), "{:?}", kept.bad);
    kept.advisories.retain(|(advisory, _)| advisory.withdrawn.is_none());
    let has = |id: &str| kept.advisories.iter().any(|(advisory, _)| advisory.id == id);
    assert!(has("EOL-alpine-linux-3.10") && has("EOL-debian-10") && has("EOL-centos-7") && has("EOL-ubuntu-18.04"));
    assert!(!has("EOL-alpine-linux-3.23") && !has("EOL-debian-13"));
    println!("{} ended cycles", kept.advisories.len());
    assert!(kept.advisories.len() > 3000);
}
