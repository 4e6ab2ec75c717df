//! Documents of each kind, small and made for the purpose; and documents that are wrong.

use std::io::Cursor;

use assay_archive::{Budget, Limits};
use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{Analyzer, Entry};
use base64::Engine as _;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Sbom;
use crate::part::Part;

fn look(path: &str, is_artifact: bool, bytes: &[u8]) -> Result<Inventory, Problem> {
    let mut out = Inventory::default();
    let entry = Entry { path, size: bytes.len() as u64, is_artifact, head: &bytes[..bytes.len().min(512)] };
    Sbom.look(&entry, &mut Cursor::new(bytes), &Budget::new(Limits::default()), &mut out)?;
    Ok(out)
}

fn read(document: &str) -> Inventory {
    look("x.cdx.json", true, document.as_bytes()).unwrap()
}

fn named<'a>(found: &'a Inventory, name: &str) -> &'a Occurrence {
    found.components.iter().find(|one| one.component.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn says(found: &Inventory, words: &str) -> bool {
    found.skipped.iter().any(|one| one.detail.contains(words))
}

fn bom() -> Value {
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.7", "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "root", "name": "shop", "version": "1",
            "purl": "pkg:npm/shop@1"}},
        "components": [
            {"type": "library", "bom-ref": "a", "group": "@s", "name": "a", "version": "2.0.0", "purl": "pkg:npm/%40s/a@2.0.0",
             "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Other"}}],
             "hashes": [{"alg": "SHA-1", "content": "a".repeat(40)}, {"alg": "SHA-256", "content": "B".repeat(64)}],
             "supplier": {"name": "Someone"}, "scope": "excluded",
             "components": [{"type": "library", "bom-ref": "b", "name": "b", "version": "3", "purl": "pkg:npm/b@3",
                "licenses": [{"expression": "MIT OR 0BSD"}]}]},
            {"type": "library", "name": "nameless", "version": 7},
            {"type": "library", "name": "wrong", "purl": "not a purl"},
            {"type": "file", "name": "passed over"},
            "nonsense"
        ],
        "dependencies": [{"ref": "root", "dependsOn": ["a", "gone"]}]
    })
}

#[test]
fn cyclonedx_with_graph_licences_and_digests() {
    let found = read(&bom().to_string());
    let shop = named(&found, "shop");
    assert!(shop.is_subject);
    assert_eq!(shop.depends_on, ["@s/a@2.0.0"]);
    let a = named(&found, "a");
    assert_eq!((&*a.component.namespace, &*a.component.match_name, &*a.component.ecosystem), ("@s", "@s/a", "npm"));
    assert_eq!(a.licenses, ["MIT", "Other"]);
    assert_eq!(a.digest.as_deref(), Some(format!("sha256:{}", "b".repeat(64)).as_str()));
    assert_eq!((a.dev, a.relationship, a.id.as_str()), (true, Relationship::Direct, "@s/a@2.0.0"));
    assert_eq!(a.properties["sbom.supplier"], "Someone");
    assert_eq!(a.depends_on, ["b@3"], "what is inside is a dependency");
    assert_eq!(named(&found, "b").relationship, Relationship::Indirect);
    assert_eq!(named(&found, "nameless").component.version, "7");
    assert_eq!(found.components.len(), 5);
}

#[test]
fn what_a_document_lacks_is_said() {
    let found = read(&bom().to_string());
    for words in [
        "1 component has no package URL (of 5), so no advisories can be matched: nameless",
        "1 component has a package URL that is none",
        "1 component has no version",
        "dependencies lead to 1 component that the document does not hold: gone",
    ] {
        assert!(says(&found, words), "{words}: {:?}", found.skipped);
    }
    assert!(found.skipped.iter().all(|one| one.reason == "unresolved"));
    let flat = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
        {"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1"},
        {"type": "library", "name": "b", "version": "1", "purl": "pkg:npm/b@1"}],
        "compositions": [{"aggregate": "incomplete_first_party_only"}]});
    let found = read(&flat.to_string());
    assert!(says(&found, "does not say what depends on what") && says(&found, "says of itself that it is incomplete"));
    assert!(says(&read(r#"{"bomFormat":"CycloneDX","specVersion":"1.4"}"#), "names no components"));
}

#[test]
fn packages_of_a_system_have_their_source_and_release() {
    let document = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
        {"type": "operating-system", "name": "debian", "version": "12"},
        {"type": "library", "name": "libssl3", "purl": "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&upstream=openssl%403.0.11-2"},
        {"type": "library", "name": "zlib1g", "purl": "pkg:deb/debian/zlib1g@1.2.13?arch=amd64&epoch=1", "properties": [
            {"name": "aquasecurity:trivy:SrcName", "value": "zlib"}, {"name": "aquasecurity:trivy:SrcVersion", "value": "1.2.13"},
            {"name": "aquasecurity:trivy:SrcEpoch", "value": "1"}]},
        {"type": "library", "name": "tzdata", "purl": "pkg:deb/debian/tzdata@2024a"}]});
    let found = read(&document.to_string());
    assert_eq!(found.os.as_ref().map(|os| os.ecosystem.as_str()), Some("Debian:12"));
    let key = |name: &str| {
        let c = &named(&found, name).component;
        (c.ecosystem.clone(), c.match_name.clone(), c.match_version.clone(), c.version.clone())
    };
    let expected = |name: &str, source: &str, version: &str| {
        ("Debian:12".to_owned(), name.to_owned(), source.to_owned(), version.to_owned())
    };
    assert_eq!(key("libssl3"), expected("openssl", "3.0.11-2", "3.0.11-1"));
    assert_eq!(key("zlib1g"), expected("zlib", "1:1.2.13", "1:1.2.13"));
    assert_eq!(key("tzdata"), expected("tzdata", "2024a", "2024a"));
    assert_eq!(
        named(&found, "libssl3").component.purl,
        "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&upstream=openssl%403.0.11-2"
    );
}

#[test]
fn xml_says_what_json_says() {
    let xml = r#"<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4" version="1">
      <metadata><component type="application" bom-ref="root"><name>shop</name><version>1</version><purl>pkg:npm/shop@1</purl></component></metadata>
      <components>
        <component type="library" bom-ref="a"><group>@s</group><name>a</name><version>2.0.0</version>
          <licenses><license><id>MIT</id></license><expression>MIT OR 0BSD</expression></licenses>
          <purl>pkg:npm/%40s/a@2.0.0</purl>
          <properties><property name="syft:location:0:path">/app/package-lock.json</property></properties>
          <components><component type="library" bom-ref="b"><name>b</name><version>3</version><purl>pkg:npm/b@3</purl></component></components>
        </component>
      </components>
      <dependencies><dependency ref="root"><dependency ref="a"/></dependency></dependencies></bom>"#;
    let found = look("x.cdx.xml", true, xml.as_bytes()).unwrap();
    assert_eq!(found.components.len(), 3);
    let a = named(&found, "a");
    assert_eq!((a.path.as_str(), a.licenses.len()), ("app/package-lock.json", 2));
    assert_eq!(named(&found, "shop").depends_on, ["@s/a@2.0.0"]);
    assert!(look("x.cdx.xml", true, b"<project/>").is_err());
}

const TAGS: &str = "# a comment\nSPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: d\n\
    PackageName: app\nSPDXID: SPDXRef-app\nPackageVersion: 1\nExternalRef: PACKAGE-MANAGER purl pkg:pypi/app@1\n\
    PackageName: Zope.Interface\nSPDXID: SPDXRef-zope\nPackageVersion: 5.0\nPackageSupplier: Organization: Zope (z@example.org)\n\
    PackageChecksum: SHA1: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nPackageLicenseDeclared: LicenseRef-1\n\
    PackageComment: <text>one\nPackageName: not a package\n</text>\nExternalRef: PACKAGE_MANAGER purl pkg:pypi/zope.interface@5.0\n\
    PackageName: test-tool\nSPDXID: SPDXRef-tool\nPackageVersion: 2\nExternalRef: PACKAGE-MANAGER purl pkg:pypi/test-tool@2\n\
    FileName: ./x\nSPDXID: SPDXRef-x\n\
    LicenseID: LicenseRef-1\nExtractedText: <text>ZPL 2.1</text>\n\
    Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-app\nRelationship: SPDXRef-app DEPENDS_ON SPDXRef-zope\n\
    Relationship: SPDXRef-tool DEV_DEPENDENCY_OF SPDXRef-app\n";

#[test]
fn spdx_tag_value() {
    let found = look("x.spdx", true, TAGS.as_bytes()).unwrap();
    assert_eq!(found.components.len(), 3, "{:?}", found.components);
    let zope = named(&found, "Zope.Interface".to_lowercase().as_str());
    assert_eq!(
        (&*zope.component.match_name, zope.licenses.as_slice()),
        ("zope-interface", ["ZPL 2.1".to_owned()].as_slice())
    );
    assert_eq!(zope.digest.as_deref(), Some("sha1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    assert_eq!(zope.properties["sbom.supplier"], "Zope (z@example.org)");
    let app = named(&found, "app");
    assert!(app.is_subject && app.depends_on.len() == 2);
    assert!(named(&found, "test-tool").dev);
    assert!(look("x.spdx", true, b"SPDXVersion: SPDX-2.3\nPackageComment: <text>no end").is_err());
}

#[test]
fn spdx_3() {
    let of = |kind: &str, id: &str, more: Value| {
        let mut element = json!({"type": kind, "spdxId": format!("https://example.org/d#{id}"), "creationInfo": "_:c"});
        element.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        element
    };
    let at = |id: &str| format!("https://example.org/d#{id}");
    let document = json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
        {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1"},
        of("SpdxDocument", "D", json!({"rootElement": at("S")})),
        of("software_Sbom", "S", json!({"rootElement": [at("app")]})),
        of("software_Package", "app", json!({"name": "app", "software_packageVersion": "1", "software_packageUrl": "pkg:cargo/app@1"})),
        of("software_Package", "dep", json!({"name": "dep", "software_packageVersion": "2",
            "externalIdentifier": [{"type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": "pkg:cargo/dep@2"}],
            "verifiedUsing": [{"type": "Hash", "algorithm": "sha256", "hashValue": "c".repeat(64)}], "suppliedBy": at("O")})),
        of("Organization", "O", json!({"name": "Maker"})),
        of("simplelicensing_LicenseExpression", "L", json!({"simplelicensing_licenseExpression": "MIT OR Apache-2.0"})),
        of("Relationship", "R1", json!({"from": at("dep"), "relationshipType": "hasDeclaredLicense", "to": [at("L")]})),
        of("LifecycleScopedRelationship", "R2", json!({"from": at("app"), "relationshipType": "dependsOn", "to": at("dep"), "scope": "build"})),
    ]});
    let found = look("x.json", true, document.to_string().as_bytes()).unwrap();
    assert_eq!(found.components.len(), 2);
    assert!(named(&found, "app").is_subject);
    let dep = named(&found, "dep");
    assert_eq!((dep.licenses.as_slice(), dep.dev), (["MIT OR Apache-2.0".to_owned()].as_slice(), true));
    assert_eq!(dep.properties["sbom.supplier"], "Maker");
    assert_eq!(dep.digest.as_deref(), Some(format!("sha256:{}", "c".repeat(64)).as_str()));
    assert!(look("x.json", true, br#"{"@graph":[{"type":"Other"}]}"#).is_err());
}

fn enveloped(statement: &Value) -> Value {
    let payload = base64::engine::general_purpose::STANDARD.encode(statement.to_string());
    json!({"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [{"sig": "eA=="}]})
}

#[test]
fn documents_in_envelopes() {
    let statement = |predicate: Value| json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://cyclonedx.org/bom", "predicate": predicate});
    let plain = statement(bom());
    let cosign = statement(json!({"Data": bom(), "Timestamp": "x"}));
    let text = statement(json!({"Data": bom().to_string()}));
    let bundle = json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": {}, "dsseEnvelope": enveloped(&plain)});
    for document in [&plain, &cosign, &text, &enveloped(&plain), &enveloped(&cosign), &enveloped(&text), &bundle] {
        let found = look("x.intoto.jsonl", true, document.to_string().as_bytes()).unwrap();
        assert_eq!(found.components.len(), 5, "{document}");
    }
    let two = format!("{}\n{}\n", enveloped(&plain), enveloped(&plain));
    let found = look("x.intoto.jsonl", true, two.as_bytes()).unwrap();
    assert!(found.components.len() == 5 && says(&found, "1 more bills of materials"));
    let provenance = json!({"_type": "x", "predicateType": "https://slsa.dev/provenance/v1", "predicate": {"a": 1}});
    let first = format!("{}\n{}\n", enveloped(&provenance), enveloped(&plain));
    assert_eq!(look("x.intoto.jsonl", true, first.as_bytes()).unwrap().components.len(), 5);
    let refused = look("x.intoto.jsonl", true, enveloped(&provenance).to_string().as_bytes()).unwrap_err();
    assert!(refused.message.contains("slsa.dev/provenance"), "{}", refused.message);
}

#[test]
fn in_a_tree_everything_stands_at_the_documents_own_place() {
    let found = look("opt/bitnami/redis/.spdx-redis.spdx", false, TAGS.as_bytes()).unwrap();
    assert!(found.components.iter().all(|one| one.path == "opt/bitnami/redis/.spdx-redis.spdx" && !one.is_subject));
    assert!(found.os.is_none() && found.image.is_none());
    let entry = |path| Entry { path, ..Entry::default() };
    assert!(Sbom.wants(&entry("opt/bitnami/redis/.spdx-redis.spdx")) && Sbom.wants(&entry("a/b.CDX.json")));
    assert!(!Sbom.wants(&entry("a/package.json")) && !Sbom.wants(&entry("a/bom.json")));
}

#[test]
fn hostile_documents_end() {
    let deep = format!("{}{}", r#"{"bomFormat":"CycloneDX","components":[{"components":["#.repeat(3000), "");
    assert_eq!(look("x.cdx.json", true, deep.as_bytes()).unwrap_err().code, "limit");
    let ignored = format!(r#"{{"x":{}1{},"bomFormat":"CycloneDX"}}"#, "[".repeat(50_000), "]".repeat(50_000));
    let _ = look("x.cdx.json", true, ignored.as_bytes());
    let mut envelope = bom();
    for _ in 0..8 {
        envelope = enveloped(&envelope);
    }
    assert_eq!(look("x.json", true, envelope.to_string().as_bytes()).unwrap_err().code, "limit");
    let many = format!(
        r#"{{"bomFormat":"CycloneDX","components":[{}{{}}]}}"#,
        r#"{"name":"a"},"#.repeat(super::bom::ITEMS + 5)
    );
    let found = look("x.cdx.json", true, many.as_bytes()).unwrap();
    assert_eq!(found.components.len(), super::bom::ITEMS);
    assert!(found.skipped.iter().any(|one| one.reason == "limit"));
    let line = format!("SPDXVersion: SPDX-2.3\nPackageName: {}", "x".repeat(2 << 20));
    assert_eq!(look("x.spdx", true, line.as_bytes()).unwrap_err().code, "limit");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn mutations_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(), which in 0..3_usize) {
        let mut bytes = match which {
            0 => bom().to_string().into_bytes(),
            1 => TAGS.as_bytes().to_vec(),
            _ => enveloped(&bom()).to_string().into_bytes(),
        };
        let place = at.index(bytes.len());
        bytes[place] = byte;
        let _ = look("x.json", true, &bytes);
        bytes.truncate(cut.index(bytes.len()));
        let _ = look("x.json", false, &bytes);
    }
}
