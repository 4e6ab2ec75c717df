//! Targets of `assay-advisories`: each source's parser, and CVSS vectors.
//!
//! They follow the crate's own list: a new source is fuzzed as soon as [`samples`] holds a file that it recognises, and
//! a test fails until then.

use std::io::Cursor;

use assay_advisories::ALL;
use assay_advisories::cvss::Vector;
use assay_model::Problem;
use assay_model::advisory::Advisory;
use assay_model::health::{Popularity, Scorecard, Ssvc};
use assay_model::score::{Epss, Kev};
use assay_model::seam::source::{Extent, Intel};

use super::{Target, distributions};
use crate::make::{bolt::Bucket, feeds};

pub(super) fn targets() -> Vec<Target> {
    let mut all = Vec::new();
    for source in ALL {
        let wanted: Vec<(&str, Vec<u8>)> = samples()
            .into_iter()
            .filter(|(name, bytes)| source.recognizes(name, &bytes[..bytes.len().min(4096)]))
            .collect();
        let name = wanted.first().map_or("feed", |(name, _)| *name);
        let seeds = wanted.iter().map(|(_, bytes)| bytes.clone()).collect();
        all.push(Target::new(format!("source-{}", source.spec().id), seeds, move |input| {
            let _ = source.recognizes(name, &input[..input.len().min(4096)]);
            // Errors are an answer; what is looked for is worse.
            let _ = source.parse(name, &mut Cursor::new(input), &mut Sink::default());
        }));
    }
    let vectors = [
        feeds::CRITICAL,
        "CVSS:3.0/AV:L/AC:H/PR:L/UI:R/S:C/C:L/I:N/A:L/E:P/RL:O/RC:C",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:A",
        "AV:N/AC:L/Au:N/C:P/I:P/A:P",
    ];
    let seeds = vectors.iter().map(|vector| vector.as_bytes().to_vec()).collect();
    all.push(Target::new("model-cvss", seeds, |input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        if let Ok(vector) = Vector::parse(text) {
            assert!((0.0..=10.0).contains(&vector.score), "{text}");
        }
    }));
    all
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let record = feeds::osv_record("PYSEC-1", "PyPI", "a", Some("1.2"), feeds::CRITICAL, "2026-01-01T00:00:00Z");
    let one = serde_json::to_vec(&record).unwrap_or_default();
    let gone = feeds::withdrawn(record.clone(), "2026-02-01T00:00:00Z");
    let bulk = feeds::osv_zip(&[record, gone]).unwrap_or_default();
    let day = feeds::epss_csv_gz("2026-01-01", &[("CVE-2026-0001", 0.5, 0.9)]).unwrap_or_default();
    let plain = b"#model_version:v1,score_date:2026-01-01T00:00:00+0000\ncve,epss,percentile\nCVE-2026-1,0.1,0.2\n";
    let kev = feeds::kev_json("2026-01-01", &[("CVE-2026-0001", "2025-12-31")]).unwrap_or_default();
    let bolt = trivy_db();
    let packed = crate::make::tar(&[("trivy.db", &bolt)]).and_then(|tar| crate::make::gzip(&tar)).unwrap_or_default();
    let made = vec![
        ("trivy.db", bolt),
        ("db.tar.gz", packed),
        ("all.zip", bulk),
        ("PYSEC-1.json", one),
        ("epss_scores-2026-01-01.csv.gz", day),
        ("epss_scores-2026-01-01.csv", plain.to_vec()),
        ("known_exploited_vulnerabilities.json", kev),
        ("products.json", ENDS.as_bytes().to_vec()),
        ("results.json", SCORES.as_bytes().to_vec()),
        ("history.json", HISTORY.as_bytes().to_vec()),
        ("top-pypi-packages.json", POPULAR.as_bytes().to_vec()),
        ("npm-high-impact.json", br#"{"top_download":["a","@b/c"],"top_dependent":["d"]}"#.to_vec()),
        ("vulnrichment.jsonl", POINTS.as_bytes().to_vec()),
        ("CVE-2026-0002.json", RECORD.as_bytes().to_vec()),
        ("vex-hub.archive", hub()),
    ];
    let texts = distributions::SAMPLES.iter().map(|(name, text)| (*name, text.as_bytes().to_vec()));
    made.into_iter().chain(texts).collect()
}

/// A hub of statements with one document.
fn hub() -> Vec<u8> {
    let index = r#"{"version":1,"packages":[{"id":"pkg:npm/a","location":"a.json"}]}"#;
    let said = r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2026-01-01T00:00:00Z","version":1,
"statements":[{"vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:npm/a@1"}],"status":"fixed"}]}"#;
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    crate::make::zip(&[file("index.json", index), file("a.json", said)]).unwrap_or_default()
}

const ENDS: &str = r#"{"schema_version":"1.2.0","total":1,"result":[{"name":"alpine-linux","label":"Alpine","category":"os",
"identifiers":[{"type":"purl","id":"pkg:apk/alpine/x"}],"releases":[{"name":"3.10","label":"3.10","releaseDate":"2019-06-19",
"isEol":true,"eolFrom":"2021-05-01","isMaintained":false,"latest":{"name":"3.10.9","date":"2021-04-14"}}]}]}"#;

const SCORES: &str = r#"[{"date":"2026-01-01","repo":{"name":"github.com/a/b","commit":"c"},"scorecard":{"version":"v5"},
"score":5.2,"checks":[{"name":"Maintained","score":-1,"reason":"r"},{"name":"Code-Review","score":10,"reason":"r"}]}]"#;
const HISTORY: &str = r#"{"github.com":{"a":{"b":{"previous":[{"score":5.1,"commit":"c","date":"2026-01-01T00:00:00Z"}],
"current":{"score":6,"commit":"d","date":"2026-01-08T00:00:00Z"}}}}}"#;
const POPULAR: &str = r#"{"last_update":"2026-01-01","query":{},"rows":[{"download_count":9,"project":"boto3"},
{"download_count":8,"project":"Typing_Extensions"}]}"#;
const POINTS: &str = r#"{"cve":"CVE-2026-0001","state":"PUBLISHED","updated":"2026-01-01T00:00:00Z","ssvc":{"Exploitation":"active","Automatable":"yes","Technical Impact":"total"},"ssvc_timestamp":"2026-01-01T00:00:00Z","cvss":[{"source":"CISA","version":"3.1","vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"cwe":["CWE-121"]}
{"cve":"CVE-2026-0002","state":"REJECTED"}
"#;
const RECORD: &str = r#"{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2026-0002","state":"PUBLISHED",
"dateUpdated":"2026-01-01T00:00:00Z"},"containers":{"cna":{"metrics":[{"cvssV3_1":{"vectorString":"CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"}}]},
"adp":[{"title":"CISA ADP Vulnrichment","providerMetadata":{"shortName":"CISA-ADP"},"metrics":[{"other":{"type":"ssvc","content":
{"timestamp":"2026-01-01T00:00:00Z","options":[{"Exploitation":"poc"},{"Automatable":"no"},{"Technical Impact":"partial"}]}}}]}]}}"#;

/// A database with a bucket of every kind.
fn trivy_db() -> Vec<u8> {
    let mut root = Bucket::default();
    root.bucket("alpine 3.10").bucket("musl").put("CVE-2026-1", r#"{"FixedVersion":"1.1-r5","VendorIDs":["A-1"]}"#);
    root.bucket("rocky 8").bucket("a").put("CVE-2026-1", r#"{"Entries":[{"FixedVersion":"0:1","Arches":["x86_64"]}]}"#);
    let entry = r#"{"Entries":[{"Affected":[869],"Cves":[{"ID":"CVE-2026-1","Severity":2}],"Status":5}]}"#;
    root.bucket("Red Hat").bucket("bash").put("RHSA-2026:1", entry);
    root.bucket("Red Hat CPE").bucket("repository").put("rhel-7-server-rpms", "[869]");
    root.bucket("Red Hat CPE").bucket("cpe").put("869", r#""cpe:/o:redhat:enterprise_linux:7::server""#);
    let entry = r#"{"PatchedVersions":["1.2"],"VulnerableVersions":["< 1.2 || >=2 <2.1"]}"#;
    root.bucket("npm::A Database").bucket("a").put("GHSA-1", entry);
    root.bucket("data-source").put("npm::A Database", r#"{"ID":"ghsa","Name":"A Database","URL":"https://a.example"}"#);
    let said = r#"{"Title":"t","VendorSeverity":{"nvd":3},"CVSS":{"nvd":{"V3Vector":"CVSS:3.1/AV:N","V3Score":7.5}}}"#;
    root.bucket("vulnerability").put("CVE-2026-1", said);
    root.file(512)
}

/// Takes everything and keeps nothing.
#[derive(Default)]
struct Sink {
    records: u64,
}

impl Intel for Sink {
    fn advisory(&mut self, _: &str, advisory: Advisory, _: &[u8]) -> Result<(), Problem> {
        // What was read can be written: it goes into the store as JSON.
        assert!(serde_json::to_vec(&advisory).is_ok());
        self.records += 1;
        Ok(())
    }

    fn epss(&mut self, _: Epss) -> Result<(), Problem> {
        self.records += 1;
        Ok(())
    }

    fn kev(&mut self, _: Kev) -> Result<(), Problem> {
        self.records += 1;
        Ok(())
    }

    fn vex(&mut self, _: &str, _: &str, said: Vec<assay_model::vex::VexStatement>, _: &[u8]) -> Result<(), Problem> {
        assert!(serde_json::to_vec(&said).is_ok());
        self.records += 1;
        Ok(())
    }

    fn bad(&mut self, _: &str, _: &str, reason: &str, _: &[u8]) -> Result<(), Problem> {
        assert!(!reason.is_empty(), "a record is set aside with its reason");
        Ok(())
    }

    fn ssvc(&mut self, _: &str, _: Ssvc) -> Result<(), Problem> {
        self.records += 1;
        Ok(())
    }

    fn scorecard(&mut self, card: Scorecard) -> Result<(), Problem> {
        assert!(!card.repository.is_empty());
        self.records += 1;
        Ok(())
    }

    fn popularity(&mut self, _: Popularity) -> Result<(), Problem> {
        self.records += 1;
        Ok(())
    }

    fn whole(&mut self, _: &Extent<'_>) -> Result<(), Problem> {
        Ok(())
    }

    fn progress(&mut self, _: u64, _: Option<u64>) {}
}
