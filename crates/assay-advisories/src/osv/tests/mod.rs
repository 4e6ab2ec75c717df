//! OSV files: recognising them, finding the records in them, and what is set aside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod corpus;
mod fetch;

use super::*;
use crate::testing::{self, gzip, zip_of};
use proptest::prelude::*;

const ONE: &str = r#"{"id": "A-1", "modified": "2026-01-01T00:00:00Z", "summary": "brackets ]}, \" in text"}"#;
const TWO: &str = "{\n  \"schema_version\": \"1.7.0\",\n  \"id\": \"A-2\",\n  \"modified\": \"2026-01-02T00:00:00Z\",\n  \"aliases\": null\n}";

fn ids(bytes: &[u8], name: &str) -> Vec<String> {
    testing::parse(&Osv, name, bytes).unwrap().advisories.into_iter().map(|(a, _)| a.id).collect()
}

#[test]
fn records_are_found_in_every_shape() {
    let array = format!("[\n{ONE},\n{TWO}\n]\n");
    let lines = format!("{ONE}\n\n{}\n", TWO.replace('\n', ""));
    let zip = zip_of(&[("A-1.json", ONE.as_bytes()), ("README", b"hello"), ("sub/A-2.json", TWO.as_bytes())]);
    for (name, bytes) in
        [("all.zip", zip), ("a.json", array.clone().into()), ("a.jsonl", lines.clone().into()), ("b", lines.into())]
    {
        assert!(Osv.recognizes(name, &bytes[..bytes.len().min(64)]), "{name}");
        assert_eq!(ids(&bytes, name), ["A-1", "A-2"], "{name}");
    }
    assert_eq!(ids(&gzip(array.as_bytes()), "a.json.gz"), ["A-1", "A-2"]);
    assert_eq!(ids(TWO.as_bytes(), "A-2.json"), ["A-2"]);
    assert_eq!(ids(b"[]", "a.json"), [""; 0]);
}

#[test]
fn the_bytes_are_the_records_own() {
    let array = format!("[ {ONE} , {TWO}]");
    let kept = testing::parse(&Osv, "a.json", array.as_bytes()).unwrap();
    assert_eq!(kept.advisories[0].1, ONE.as_bytes());
    assert_eq!(kept.advisories[1].1, TWO.as_bytes());
    let kept = testing::parse(&Osv, "all.zip", &zip_of(&[("A-2.json", TWO.as_bytes())])).unwrap();
    assert_eq!(kept.advisories[0].1, TWO.as_bytes());
    assert_eq!(kept.progress, (1, Some(1)));
}

#[test]
fn bad_records_are_set_aside_with_the_reason() {
    let entries: &[(&str, &[u8])] = &[
        ("broken.json", b"{\"id\": "),
        ("A-1.json", ONE.as_bytes()),
        ("no-id.json", b"{\"modified\": \"2026-01-01T00:00:00Z\"}"),
        ("no-date.json", b"{\"id\": \"A-3\"}"),
        ("spaces.json", b"{\"id\": \"A 3\", \"modified\": \"2026-01-01T00:00:00Z\"}"),
        ("type.json", b"{\"id\": \"A-4\", \"modified\": \"2026-01-01T00:00:00Z\", \"affected\": \"all\"}"),
        ("list.json", b"[1]"),
    ];
    let kept = testing::parse(&Osv, "all.zip", &zip_of(entries)).unwrap();
    assert_eq!(kept.advisories.len(), 1);
    assert_eq!(kept.bad_bytes[0], b"{\"id\": ");
    insta::assert_snapshot!(kept.bad.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("\n"));
    let kept = testing::parse(&Osv, "a.json", format!("[nope, {{\"id\": 7}}, {ONE}, {{\"id\"").as_bytes()).unwrap();
    assert_eq!((kept.advisories.len(), kept.bad.len()), (1, 3));
    let kept = testing::parse(&Osv, "a.jsonl", format!("{{\"id\"\n{ONE}\n").as_bytes()).unwrap();
    assert_eq!((kept.advisories.len(), kept.bad.len()), (1, 1));
}

#[test]
fn a_record_past_the_limit_costs_itself_only() {
    let large = format!("{{\"id\": \"L\", \"modified\": \"x\", \"details\": \"{}\"}}", "a".repeat(MAX_RECORD));
    let array = format!("[{large},{ONE}]");
    let lines = format!("{large}\n{ONE}\n");
    let zip = zip_of(&[("L.json", large.as_bytes()), ("A-1.json", ONE.as_bytes())]);
    for (name, bytes) in [("a.json", array.as_bytes()), ("a.jsonl", lines.as_bytes()), ("all.zip", &zip)] {
        let kept = testing::parse(&Osv, name, bytes).unwrap();
        assert_eq!((kept.advisories.len(), kept.bad.len()), (1, 1), "{name}");
        assert_eq!(kept.bad[0].1, "the record is larger than 16 MiB");
        assert!(kept.bad_bytes[0].len() <= input::KEPT_BYTES);
    }
}

#[test]
fn other_files_are_not_claimed() {
    for other in [
        &b"{\"bomFormat\": \"CycloneDX\"}"[..],
        b"{\"title\": \"x\", \"catalogVersion\": \"1\", \"vulnerabilities\": []}",
        b"{\"@context\": \"openvex\", \"@id\": \"x\"}",
        b"{\"added\": [\"RUSTSEC-1\"]}",
        b"{\"$schema\": \"x\", \"id\": \"y\"}",
        b"cve,epss,percentile",
        b"",
        b"PK\x05\x06",
    ] {
        assert!(!Osv.recognizes("x", other), "{}", String::from_utf8_lossy(other));
    }
    assert!(!Osv.recognizes("x.zip", &zip_of(&[("a.whl", b"{\"id\":1}")])));
    assert!(!Osv.recognizes("x.zip", &zip_of(&[("v3.10/main.json", b"{\"apkurl\": \"x\"}")])));
    assert!(testing::parse(&Osv, "x", b"hello").is_err());
    assert!(testing::parse(&Osv, "x", b"").is_err());
}

#[test]
fn a_damaged_zip_is_an_error() {
    let zip = zip_of(&[("A-1.json", ONE.as_bytes())]);
    assert!(testing::parse(&Osv, "all.zip", &zip[..zip.len() - 30]).is_err());
    assert!(testing::parse(&Osv, "all.zip", b"PK\x03\x04").is_err());
}

proptest! {
    #[test]
    fn any_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), begin in 0_usize..5) {
        let begin: &[u8] = [&b"PK\x03\x04"[..], b"[", b"{\"id\":", b"\x1f\x8b", b""][begin];
        let bytes = [begin, &bytes].concat();
        let _ = Osv.recognizes("all.zip", &bytes);
        let _ = testing::parse(&Osv, "all.zip", &bytes);
    }

    #[test]
    fn a_flipped_byte_does_not_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut zip = zip_of(&[("A-1.json", ONE.as_bytes()), ("A-2.json", TWO.as_bytes())]);
        let at = at.index(zip.len());
        zip[at] = byte;
        let _ = Osv.recognizes("all.zip", &zip);
        let _ = testing::parse(&Osv, "all.zip", &zip);
    }

    #[test]
    fn arrays_give_back_what_they_were_made_of(texts in proptest::collection::vec("\\PC{0,20}", 0..6)) {
        let record = |(n, text): (usize, &String)| serde_json::json!({ "id": format!("A-{n}"), "modified": "x", "summary": text }).to_string();
        let records: Vec<String> = texts.iter().enumerate().map(record).collect();
        let kept = testing::parse(&Osv, "a.json", format!("[{}]", records.join(" ,\n")).as_bytes()).unwrap();
        let bytes: Vec<String> = kept.advisories.into_iter().map(|(_, b)| String::from_utf8(b).unwrap()).collect();
        prop_assert_eq!(bytes, records);
    }
}
