//! KEV catalogues: when they are whole, and when not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use crate::testing::{self, gzip};
use proptest::prelude::*;
use serde_json::json;

fn catalogue(count: u64, entries: &[Value]) -> Vec<u8> {
    json!({ "catalogVersion": "2026.08.07", "count": count, "vulnerabilities": entries }).to_string().into_bytes()
}

fn entry(cve: &str) -> Value {
    json!({ "cveID": cve, "vulnerabilityName": "Name", "dateAdded": "2026-08-07", "dueDate": "2026-08-10",
            "knownRansomwareCampaignUse": "Known" })
}

#[test]
fn a_whole_catalogue_says_so() {
    let bytes = catalogue(2, &[entry("CVE-2026-8037"), entry("CVE-2026-63077")]);
    for bytes in [bytes.clone(), gzip(&bytes)] {
        assert!(Kev.recognizes("x", &bytes));
        let kept = testing::parse(&Kev, "kev.json", &bytes).unwrap();
        assert_eq!(kept.whole, ["kev"]);
        let expected = score::Kev {
            cve: "CVE-2026-8037".into(),
            date_added: "2026-08-07".into(),
            due_date: "2026-08-10".into(),
            ransomware: true,
            name: "Name".into(),
        };
        assert_eq!((kept.kev.len(), &kept.kev[0]), (2, &expected));
    }
}

#[test]
fn a_damaged_catalogue_withdraws_nothing() {
    let bad = json!({ "cveID": "no", "dateAdded": "2026-08-07" });
    for bytes in
        [catalogue(2, &[entry("CVE-2026-8037"), bad]), catalogue(3, &[entry("CVE-2026-8037")]), catalogue(0, &[])]
    {
        let kept = testing::parse(&Kev, "kev.json", &bytes).unwrap();
        assert!(kept.whole.is_empty());
    }
    let kept =
        testing::parse(&Kev, "k", &catalogue(2, &[json!({ "cveID": "CVE-2026-1111", "dateAdded": "soon" }), json!(7)]))
            .unwrap();
    assert_eq!(kept.bad.len(), 2);
    assert!(testing::parse(&Kev, "k", b"{\"catalogVersion\": 1}").is_err());
}

#[test]
fn real_catalogues_are_whole() {
    let Some(folder) = testing::corpus("feeds/kev") else { return };
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        let head = &bytes[..bytes.len().min(512)];
        assert_eq!(Kev.recognizes(&name, head), !name.contains("schema"), "{name}");
        if name.contains("schema") {
            continue;
        }
        let kept = testing::parse(&Kev, &name, &bytes).unwrap();
        eprintln!("{name}: {} entries", kept.kev.len());
        assert!(kept.kev.len() > 1000 && kept.bad.is_empty() && kept.whole.len() == 1);
        files += 1;
    }
    assert!(files > 0);
}

proptest! {
    #[test]
    fn any_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Kev.recognizes("x", &bytes);
        let _ = testing::parse(&Kev, "x", &bytes);
    }
}
