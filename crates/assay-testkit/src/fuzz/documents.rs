//! Targets of documents that people and other tools hand in: statements of exploitability, ignore files, earlier reports,
//! rules for secrets, licences as publishers write them, what images say of themselves; and the search of whole files.

use std::io::{Cursor, Read};

use assay_analyzers::{SecretRules, Selection, StandardInspector, image_facts, image_secrets};
use assay_archive::Limits;
use assay_engine::ignore;
use assay_engine::report::trivy::Report;
use assay_engine::report::{csv, gitlab, html, junit, sarif, trivy};
use assay_model::inventory::Inventory;
use assay_model::license;
use assay_model::seam::inspector::Inspector;

use super::Target;
use crate::make::tar;

pub(super) fn targets() -> Vec<Target> {
    let text = |input: &[u8]| String::from_utf8_lossy(input).into_owned();
    vec![
        Target::new("vex-read", seeds(VEX), |input| {
            for statement in assay_advisories::vex::read("vex.json", input).unwrap_or_default() {
                assert!(!format!("{statement:?}").is_empty());
            }
        }),
        Target::new("ignore-lines", seeds(IGNORED), move |input| drop(ignore::read(".assayignore", &text(input)))),
        Target::new("ignore-yaml", seeds(IGNORED_YAML), move |input| drop(ignore::read("x.yaml", &text(input)))),
        Target::new("report-convert", seeds(REPORTS), move |input| {
            if let Ok(report) = trivy::parse(&text(input)) {
                render(&report);
            }
        }),
        Target::new("model-licence", seeds(LICENCES), move |input| licence(&text(input))),
        Target::new("secret-rules", seeds(RULES), move |input| drop(SecretRules::custom(&text(input), &[]))),
        Target::new("image-facts", seeds(CONFIGS), |input| {
            let mut facts = image_facts(input, &[], vec!["a:1".to_owned()], Vec::new());
            let _ = image_secrets(&mut facts);
            assert!(serde_json::to_vec(&facts).is_ok());
        }),
        content("content-secrets", &["src/settings.ini", "id_rsa", ".env"], SECRETS),
        content("content-licences", &["LICENSE", "usr/share/x/COPYING.txt", "src/a.c"], TEXTS),
    ]
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Every form that a report can be converted to; all of them can be written.
fn render(report: &Report) {
    assert!(sarif::render(report, &sarif::Tool::default(), Some("/x")).is_ok());
    assert!(serde_json::to_vec(&gitlab::render(report)).is_ok());
    assert!(junit::render(report).is_ok());
    assert!(csv::render(report).is_ok());
    assert!(!html::render(report, &[]).is_empty());
    assert!(serde_json::to_vec(&trivy::cyclonedx(report)).is_ok());
}

/// What is understood once is understood in the same way again.
fn licence(text: &str) {
    let declared = license::normalise(text);
    if declared.known {
        let again = license::normalise(&declared.expression);
        assert_eq!((again.expression, again.known), (declared.expression, true), "{text:?}");
    }
}

/// The content of files gives the same, however many bytes come at a time.
fn content(name: &str, paths: &'static [&'static str], texts: &[&str]) -> Target {
    let selection = Selection { reads: Vec::new(), ..Selection::default() };
    let inspector = StandardInspector::new(Limits::default().with_total_bytes(16 << 20)).selecting(selection);
    Target::new(name, seeds(texts), move |input| {
        let files: Vec<(&str, &[u8])> = paths.iter().map(|path| (*path, input)).collect();
        let tree = tar(&files).unwrap_or_default();
        let look =
            |bytes: &mut dyn Read| inspector.layer(bytes).map(|found: Inventory| (found.secrets, found.licenses));
        let whole = look(&mut Cursor::new(&tree));
        let piece = 1 + input.len() % 97;
        let pieces = look(&mut Pieces { bytes: &tree, piece });
        match (whole, pieces) {
            (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces, "{piece} bytes at a time"),
            (whole, pieces) => assert_eq!(whole.is_ok(), pieces.is_ok()),
        }
    })
}

/// A reader that gives few bytes at a time, as networks do.
struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = self.piece.min(buffer.len());
        let few = buffer.get_mut(..most).unwrap_or_default();
        self.bytes.read(few)
    }
}

const VEX: &[&str] = &[
    r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2026-01-01T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2026-1","aliases":["GHSA-x"]},"products":[{"@id":"pkg:npm/a@1","subcomponents":[{"@id":"pkg:npm/b@2"}]}],"status":"not_affected","justification":"component_not_present"}]}"#,
    r#"{"document":{"category":"csaf_vex","csaf_version":"2.0","title":"t","publisher":{"name":"p"},"tracking":{"id":"1","current_release_date":"2026-01-01T00:00:00Z"}},"product_tree":{"branches":[{"category":"vendor","name":"v","branches":[{"category":"product_version","name":"1","product":{"product_id":"P","name":"p","product_identification_helper":{"purl":"pkg:rpm/a@1"}}}]}],"relationships":[{"category":"default_component_of","product_reference":"P","relates_to_product_reference":"P","full_product_name":{"product_id":"Q","name":"q"}}]},"vulnerabilities":[{"cve":"CVE-2026-1","product_status":{"known_not_affected":["Q"],"fixed":["P"]},"flags":[{"label":"component_not_present","product_ids":["Q"]}],"threats":[{"category":"impact","details":"x","product_ids":["Q"]}]}]}"#,
    r#"{"bomFormat":"CycloneDX","specVersion":"1.5","serialNumber":"urn:uuid:0","version":1,"components":[{"bom-ref":"a","name":"a","purl":"pkg:npm/a@1"}],"vulnerabilities":[{"id":"CVE-2026-1","analysis":{"state":"not_affected","justification":"code_not_reachable","detail":"d"},"affects":[{"ref":"urn:cdx:0/1#a"},{"ref":"a"}]}]}"#,
];
const IGNORED: &[&str] = &["# x\nCVE-2026-1\nCVE-2026-2 exp:2030-01-01 # why\nGHSA-x pkg:npm/a\n\nDS-1\n"];
const IGNORED_YAML: &[&str] = &[
    "vulnerabilities:\n  - id: CVE-2026-1\n    paths: ['a/**/b.jar', 'x']\n    purls: ['pkg:npm/a@1']\n    statement: why\n    expired_at: 2030-01-01\nmisconfigurations: []\nsecrets:\n  - id: aws-access-key-id\nlicenses:\n  - id: GPL-3.0\n",
];
const REPORTS: &[&str] = &[
    r#"{"SchemaVersion":2,"CreatedAt":"2026-01-01T00:00:00Z","ArtifactName":"a","ArtifactType":"container_image","Metadata":{"OS":{"Family":"alpine","Name":"3.10"},"DiffIDs":["sha256:00"]},"Results":[{"Target":"a (alpine 3.10)","Class":"os-pkgs","Type":"alpine","Packages":[{"ID":"b@1","Name":"b","Version":"1","Identifier":{"PURL":"pkg:apk/alpine/b@1","UID":"00"},"DependsOn":["c@2","b@1"]}],"Vulnerabilities":[{"VulnerabilityID":"CVE-2026-1","PkgID":"b@1","PkgName":"b","InstalledVersion":"1","FixedVersion":"2","Status":"fixed","Severity":"HIGH","CVSS":{"nvd":{"V3Vector":"CVSS:3.1/AV:N","V3Score":7.5}},"References":["https://x.example"],"CweIDs":["CWE-1"]}]},{"Target":"x.env","Class":"secret","Secrets":[{"RuleID":"r","Category":"c","Severity":"LOW","Title":"t","StartLine":3,"EndLine":1,"Match":"***"}]},{"Target":"l","Class":"license","Licenses":[{"Severity":"HIGH","Category":"restricted","PkgName":"b","Name":"GPL-3.0","Confidence":1}]}]}"#,
    r#"{"SchemaVersion":2}"#,
];
const LICENCES: &[&str] = &[
    "MIT OR (Apache-2.0 AND GPL-2.0-only WITH Classpath-exception-2.0)",
    "License :: OSI Approved :: GNU General Public License v2 or later (GPLv2+)",
    "Apache 2; BSD 3-Clause, and MIT + file LICENSE",
    "https://opensource.org/licenses/MIT",
    "LicenseRef-x OR DocumentRef-a:LicenseRef-b AND gpl-2+",
];
const RULES: &[&str] = &[
    "[[rule]]\nid = \"x\"\ntitle = \"X\"\nseverity = \"high\"\ncategory = \"c\"\nkeywords = [\"xk_\"]\nregex = 'xk_[a-z]{8}'\nentropy = 3.0\n",
];
const CONFIGS: &[&str] = &[
    r#"{"architecture":"amd64","os":"linux","created":"2026-01-01T00:00:00Z","config":{"Env":["PATH=/bin","TOKEN=ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],"Cmd":["sh"],"Labels":{"a":"b"}},"rootfs":{"type":"layers","diff_ids":["sha256:00"]},"history":[{"created":"2026-01-01T00:00:00Z","created_by":"RUN x","empty_layer":true},{"created_by":"ADD"}]}"#,
];
const SECRETS: &[&str] = &[
    "[default]\naws_access_key_id = AKIAQWERTYUIOPASDFGH\naws_secret_access_key = \"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\"\n",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1y2z3\nq2w3e4r5t6y7u8i9o0p1\n-----END RSA PRIVATE KEY-----\ntoken=ghp_16C7e42F292c6912E7710c838347Ae178B4a\r\npassword: hunter2hunter2\n",
];
const TEXTS: &[&str] = &[
    "/* SPDX-License-Identifier: MIT OR Apache-2.0 */\nint x;\n",
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the \"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software.\n",
];
