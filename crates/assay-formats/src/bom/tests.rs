#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::inspect::{Place, address, kind};

const CYCLONEDX: &str = r#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": []}"#;

#[test]
fn documents_are_told_by_what_they_say() {
    let xml = r#"<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components/></bom>"#;
    for (text, file) in [
        (CYCLONEDX, "bom.cdx.json"),
        (&format!("\u{feff}{CYCLONEDX}"), "bom.cdx.json"),
        (xml, "bom.cdx.xml"),
        (r#"{"spdxVersion": "SPDX-2.3", "packages": []}"#, "bom.spdx.json"),
        (r#"{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []}"#, "bom.spdx.json"),
        ("SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n", "bom.spdx"),
    ] {
        assert_eq!(kind(text.as_bytes()).unwrap().file, file, "{text}");
    }
}

#[test]
fn what_is_none_is_refused() {
    let deep = format!(r#"{{"bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": {}"#, "[".repeat(100_000));
    for text in [
        "",
        "words",
        "{}",
        r#"{"bomFormat": "CycloneDX"}"#,
        r#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": 7}"#,
        r#"{"bomFormat": "CycloneDX", "specVersion": "1.5"} and more"#,
        "<html></html>",
        "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\">",
        &deep,
    ] {
        let problem = kind(text.as_bytes()).expect_err("it is no document");
        assert_eq!(problem.code, "bad-bom");
    }
    assert!(kind(&[b'{', 0xff]).is_err());
}

#[test]
fn paths_lead_back_to_names() {
    for (name, version) in [("shop", "1.0"), ("acme/web shop", "2024/7"), ("@scope/x", "1.0+b é")] {
        let document = Place::Document { name: name.into(), version: version.into() };
        assert_eq!(Place::read(&address(name, version)).unwrap(), document);
    }
    assert_eq!(Place::read("acme/shop/").unwrap(), Place::Versions("acme/shop".into()));
    assert_eq!(Place::read("").unwrap(), Place::Names);
    for wrong in ["shop", "/1", "a//1", "../1", "a/..", "a%00/1", "a/%20", "//"] {
        assert!(Place::read(wrong).is_err(), "{wrong}");
    }
    assert!(Place::read(&address(&"x".repeat(256), "1")).is_err());
}
