#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{self, gzip, parse, zip_of};

const LINE: &str = r#"{"cve":"CVE-2024-0001","state":"PUBLISHED","updated":"2024-08-01T18:53:34Z","ssvc":{"Exploitation":"active","Automatable":"yes","Technical Impact":"total"},"ssvc_timestamp":"2024-08-01T18:51:01Z","cvss":[{"source":"CISA ADP Vulnrichment","version":"3.1","vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"cwe":["CWE-121"]}"#;
const RECORD: &str = r#"{
  "dataType": "CVE_RECORD", "dataVersion": "5.1",
  "cveMetadata": {"cveId": "CVE-2024-0002", "state": "PUBLISHED", "dateUpdated": "2024-09-01T00:00:00Z"},
  "containers": {"cna": {"metrics": [{"cvssV3_1": {"vectorString": "CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"}}]},
    "adp": [{"title": "CISA ADP Vulnrichment", "providerMetadata": {"shortName": "CISA-ADP"}, "metrics": [{"other": {"type": "ssvc", "content":
      {"timestamp": "2024-09-02T00:00:00Z", "options": [{"Exploitation": "poc"}, {"Automatable": "no"}, {"Technical Impact": "partial"}]}}}]}]}}"#;

#[test]
fn a_line_gives_decision_points_and_a_note() {
    assert!(Vulnrichment.recognizes("x", &gzip(LINE.as_bytes())));
    let kept = parse(&Vulnrichment, "x.jsonl.gz", &gzip(format!("{LINE}\n{{}}\n").as_bytes())).unwrap();
    assert_eq!(kept.ssvc[0].0, "CVE-2024-0001");
    assert_eq!((kept.ssvc[0].1.exploitation.as_str(), kept.ssvc[0].1.technical_impact.as_str()), ("active", "total"));
    let note = &kept.advisories[0].0;
    assert_eq!(
        (note.id.as_str(), note.aliases.as_slice()),
        ("ssvc/CVE-2024-0001", ["CVE-2024-0001".to_owned()].as_slice())
    );
    let said = crate::statement::Note::of(note).unwrap();
    assert_eq!(said.cvss["cisa"].v3_score, Some(9.8));
    assert_eq!(kept.bad.len(), 1, "a line without an id");
}

#[test]
fn a_cve_record_gives_the_same_by_itself_and_in_an_archive() {
    let archive = zip_of(&[("vulnrichment/2024/CVE-2024-0002.json", RECORD.as_bytes())]);
    for bytes in [RECORD.as_bytes(), &archive] {
        assert!(Vulnrichment.recognizes("x", &bytes[..bytes.len().min(4096)]));
        let kept = parse(&Vulnrichment, "x", bytes).unwrap();
        assert_eq!(kept.ssvc.len(), 1, "{:?}", kept.bad);
        assert_eq!((kept.ssvc[0].1.exploitation.as_str(), kept.ssvc[0].1.at.as_str()), ("poc", "2024-09-02T00:00:00Z"));
        assert!(crate::statement::Note::of(&kept.advisories[0].0).unwrap().cvss.contains_key("cna"));
    }
}

#[test]
fn a_rejected_record_says_nothing() {
    let gone = LINE.replace("PUBLISHED", "REJECTED");
    let kept = parse(&Vulnrichment, "x", gone.as_bytes()).unwrap();
    assert!(kept.ssvc.is_empty() && kept.advisories.is_empty() && kept.bad.is_empty());
}

#[test]
fn a_file_of_several_records_is_complete_about_their_years() {
    let other = LINE.replace("CVE-2024-0001", "CVE-2023-0009");
    let whole = |text: &str| parse(&Vulnrichment, "x.jsonl", text.as_bytes()).unwrap().whole;
    assert_eq!(whole(&format!("{LINE}\n{other}\n")), ["ssvc CVE-2023-", "ssvc CVE-2024-"]);
    assert!(whole(LINE).is_empty(), "one record says nothing of others");
    assert!(whole(&format!("{LINE}\n{other}\n{{}}\n")).is_empty(), "what could not be read may be what is missing");
}

#[test]
fn the_real_extract() {
    let Some(path) = testing::corpus("feeds/cve/vulnrichment-2024-10-24.jsonl.gz") else { return };
    let kept = parse(&Vulnrichment, "vulnrichment.jsonl.gz", &std::fs::read(path).unwrap()).unwrap();
    assert_eq!((kept.ssvc.len(), kept.bad.len()), (44_026, 0));
    assert!(kept.advisories.len() > 32_000, "{}", kept.advisories.len());
    assert!(kept.ssvc.iter().any(|(_, said)| said.exploitation == "active"));
}
