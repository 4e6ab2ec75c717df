//! The database in small: what its buckets become, what is set aside, and files that lie.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, reason = "tests")]

#[path = "../../../../assay-testkit/src/make/bolt.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod bolt;
mod fetch;

use self::bolt::Bucket as Made;
use super::*;
use crate::statement::{Named, Statement};
use crate::testing::{self, Kept, gzip};
use assay_model::finding::{Severity, Status};
use proptest::prelude::*;
use serde_json::json;

fn parse(file: &[u8]) -> Kept {
    testing::parse(&TrivyDb, "trivy.db", file).unwrap()
}

/// Records of a database with this one entry, by what each says of its package.
fn entry(bucket: &str, package: &str, key: &str, value: serde_json::Value) -> (Kept, Vec<(String, Statement)>) {
    let mut made = Made::default();
    made.bucket("Red Hat CPE").bucket("repository").put("rhel-7-server-rpms", "[869]");
    made.bucket("data-source")
        .put(bucket, json!({ "ID": "db", "Name": "A Database", "URL": "https://db.example" }).to_string());
    made.bucket(bucket).bucket(package).put(key, value.to_string());
    let kept = parse(&made.file(4096));
    let said = kept.advisories.iter().flat_map(|(advisory, _)| &advisory.affected);
    let said = said.map(|affected| (affected.package.ecosystem.clone(), Statement::of(affected).unwrap())).collect();
    (kept, said)
}

#[test]
fn a_distribution_names_a_fixed_version() {
    let (kept, said) = entry(
        "debian 10",
        "libidn2",
        "CVE-2019-18224",
        json!({ "FixedVersion": "2.0.5-1+deb10u1", "VendorIDs": ["DSA-4613-1"], "Severity": 1.0 }),
    );
    let (record, bytes) = &kept.advisories[0];
    assert_eq!(
        (record.id.as_str(), &record.aliases[..]),
        ("trivy-db/debian 10/libidn2/CVE-2019-18224", &["CVE-2019-18224".to_owned()][..])
    );
    assert_eq!(serde_json::from_slice::<Advisory>(bytes).unwrap(), *record);
    assert_eq!(record.affected[0].ranges[0].events[1].fixed.as_deref(), Some("2.0.5-1+deb10u1"));
    let (ecosystem, said) = &said[0];
    assert_eq!(
        (ecosystem.as_str(), said.named, said.severity),
        ("Debian:10", Some(Named::Source), Some(Severity::Low))
    );
    assert_eq!((said.fix.as_deref(), &said.vendor_ids[..]), (Some("2.0.5-1+deb10u1"), &["DSA-4613-1".to_owned()][..]));
    assert_eq!(said.origin.as_ref().unwrap().name, "A Database");
    assert_eq!(kept.whole, ["trivy-db"]);
}

#[test]
fn what_is_not_fixed_says_what_becomes_of_it() {
    let unfixed = |bucket: &str, value| entry(bucket, "a", "CVE-2026-1", value).1;
    assert_eq!(unfixed("debian 9", json!({ "Status": 7 }))[0].1.status, Some(Status::EndOfLife));
    assert_eq!(unfixed("ubuntu 22.04", json!({}))[0].1.status, None);
    assert_eq!(unfixed("CBL-Mariner 1.0", json!(null)).len(), 1);
    assert!(unfixed("debian 9", json!({ "Status": 1 })).is_empty(), "not affected");
    assert!(unfixed("alma 8", json!({})).is_empty(), "its database lists fixes only");
}

#[test]
fn entries_differ_by_architecture() {
    let value = json!({ "FixedVersion": "1:9", "Entries": [
        { "FixedVersion": "0:1.2-3.el8", "Arches": ["x86_64"], "VendorIds": ["RLSA-1"] }, { "FixedVersion": "0:1.2-4.el8", "Arches": ["aarch64"] }] });
    let said = entry("rocky 8", "a", "CVE-2026-1", value).1;
    let told: Vec<_> = said.iter().map(|(_, said)| (said.fix.as_deref(), said.arches.join(","))).collect();
    assert_eq!(told, [(Some("1.2-3.el8"), "x86_64".to_owned()), (Some("1.2-4.el8"), "aarch64".to_owned())]);
}

#[test]
fn red_hat_speaks_of_products_and_announcements() {
    let value = json!({ "Entries": [
        { "Affected": [5, 869], "Cves": [{ "ID": "CVE-2026-1", "Severity": 1.0 }, { "ID": "CVE-2026-2", "Severity": 2.0 }], "FixedVersion": "1:1.0.2k-19.el7" },
        { "Affected": [5], "Cves": [{ "ID": "CVE-2026-3" }], "FixedVersion": "1" }] });
    let (kept, said) = entry("Red Hat", "openssl", "RHSA-2019:2304", value);
    let ids: Vec<&str> = kept.advisories.iter().map(|(a, _)| a.aliases[0].as_str()).collect();
    assert_eq!(ids, ["CVE-2026-1", "CVE-2026-2"], "the third is about products that no system has by itself");
    assert_eq!(kept.advisories[0].0.id, "trivy-db/Red Hat/openssl/RHSA-2019:2304/CVE-2026-1");
    assert_eq!(
        (said[1].0.as_str(), said[1].1.severity, &said[1].1.vendor_ids[..]),
        ("Red Hat:enterprise_linux:7", Some(Severity::Medium), &["RHSA-2019:2304".to_owned()][..])
    );
    let unfixed =
        json!({ "Entries": [{ "Affected": [869], "Cves": [{ "Severity": 1.0 }], "Arches": ["x86_64"], "Status": 5 }] });
    let (kept, said) = entry("Red Hat", "bash", "CVE-2019-18276", unfixed);
    assert_eq!(kept.advisories[0].0.aliases, ["CVE-2019-18276"]);
    assert_eq!((said[0].1.status, said[0].1.said_by.as_deref()), (Some(Status::WillNotFix), Some("redhat")));
}

#[test]
fn a_language_has_constraints_and_a_fix_in_one_piece() {
    let fix = |value| entry("npm::A", "a", "GHSA-1", value).1.remove(0).1.fix;
    assert_eq!(
        fix(json!({ "PatchedVersions": ["1.2", "2.1", "1.2"], "VulnerableVersions": ["<1.2"] })).as_deref(),
        Some("1.2, 2.1")
    );
    assert_eq!(fix(json!({ "VulnerableVersions": [">=1, <1.2", "<= 3", "< 2.1"] })).as_deref(), Some("1.2, 2.1"));
    assert_eq!(fix(json!({ "VulnerableVersions": [">= 0"] })), None);
    assert!(entry("npm::A", "a", "GHSA-1", json!({})).1.is_empty());
}

#[test]
fn a_vulnerability_has_words_and_scores_of_many() {
    let mut made = Made::default();
    let value = json!({ "Title": "t", "Description": "d", "Severity": "HIGH", "CweIDs": ["CWE-79"], "VendorSeverity": { "nvd": 3.0, "redhat": 1 },
        "CVSS": { "nvd": { "V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "V3Score": 7.5, "V2Score": 0 } }, "References": ["https://a.example"],
        "PublishedDate": "2026-01-01T00:00:00Z", "LastModifiedDate": "2026-01-02T00:00:00Z" });
    made.bucket("vulnerability").put("CVE-2026-1", value.to_string());
    let kept = parse(&made.file(512));
    let (record, _) = &kept.advisories[0];
    let note = crate::statement::Note::of(record).unwrap();
    assert_eq!(
        (note.severities["nvd"], note.severities["redhat"], note.severity),
        (Severity::High, Severity::Low, Some(Severity::High))
    );
    assert_eq!((note.cvss["nvd"].v3_score, note.cvss["nvd"].v2_score), (Some(7.5), None));
    assert_eq!((record.modified.as_str(), record.summary.as_deref()), ("2026-01-02T00:00:00Z", Some("t")));
}

#[test]
fn one_bad_entry_costs_only_itself() {
    let mut made = Made::default();
    made.bucket("alpine 3.10").bucket("musl").put("CVE-2026-1", "{nonsense");
    made.bucket("alpine 3.10").bucket("musl").put("CVE-2026-2", r#"{"FixedVersion":"1"}"#);
    made.bucket("alpine 3.10").bucket("musl").put("a b/c", r#"{"FixedVersion":"1"}"#);
    made.bucket("martian 1").bucket("a").put("CVE-2026-1", "{}");
    let kept = parse(&made.file(4096));
    assert_eq!(kept.advisories.len(), 1);
    let names: Vec<&str> = kept.bad.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["alpine 3.10/musl/CVE-2026-1", "alpine 3.10/musl/a b/c", "bucket martian 1"]);
}

#[test]
fn large_databases_have_trees_and_pages_that_overflow() {
    let mut made = Made::default();
    for n in 0..2000 {
        let long = "x".repeat(if n % 100 == 0 { 5000 } else { 10 });
        made.bucket("vulnerability").put(&format!("CVE-2026-{n:05}"), json!({ "Title": long }).to_string());
        made.bucket("debian 12")
            .bucket(&format!("package-{}", n % 300))
            .put(&format!("CVE-2026-{n:05}"), r#"{"FixedVersion":"1"}"#);
    }
    for page_size in [512, 4096, 16384] {
        let kept = parse(&made.file(page_size));
        assert_eq!((kept.advisories.len(), kept.bad.len()), (4000, 0), "{page_size}");
        assert_eq!(kept.progress, (4000, Some(4000)));
    }
}

#[test]
fn it_comes_in_an_archive_too() {
    let mut made = Made::default();
    made.bucket("wolfi").bucket("a").put("CVE-2026-1", r#"{"FixedVersion":"1"}"#);
    let packed = gzip(&tar(&[("metadata.json", b"{}"), ("trivy.db", &made.file(4096))]));
    assert!(TrivyDb.recognizes("db.tar.gz", &packed[..packed.len().min(4096)]));
    assert_eq!(testing::parse(&TrivyDb, "db.tar.gz", &packed).unwrap().advisories.len(), 1);
    let other = gzip(&tar(&[("trivy-java.db", b"x")]));
    assert!(!TrivyDb.recognizes("db.tar.gz", &other) && testing::parse(&TrivyDb, "db.tar.gz", &other).is_err());
}

/// A tar in the plain form of POSIX.1-1988.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in files {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..263].copy_from_slice(b"ustar\0");
        header[263..265].copy_from_slice(b"00");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        bytes.extend(header);
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    bytes
}

#[test]
fn the_newer_sound_meta_page_counts() {
    let mut made = Made::default();
    made.bucket("wolfi").bucket("a").put("CVE-2026-1", r#"{"FixedVersion":"1"}"#);
    let whole = made.file(4096);
    for torn in [0, 4096] {
        let mut file = whole.clone();
        file[torn + 40] ^= 0xff;
        // A file whose first page is torn is not recognised by it, but can be read.
        let mut kept = Kept::default();
        database("trivy.db", &mut io::Cursor::new(file), &mut kept).unwrap();
        assert_eq!(kept.advisories.len(), 1, "meta page at {torn}");
    }
    let mut file = whole;
    file[40] ^= 0xff;
    file[4096 + 40] ^= 0xff;
    let mut kept = Kept::default();
    assert!(database("trivy.db", &mut io::Cursor::new(file), &mut kept).is_err());
}

#[test]
fn a_circle_of_pages_ends() {
    let mut made = Made::default();
    for n in 0..200 {
        made.bucket("vulnerability").put(&format!("CVE-2026-{n:05}"), "{}");
    }
    let mut file = made.file(512);
    // Every child of every branch becomes the branch itself.
    for page in (0..file.len()).step_by(512) {
        if file[page + 8] == 1 {
            let id = (page as u64 / 512).to_le_bytes();
            file[page + 24..page + 32].copy_from_slice(&id);
        }
    }
    let mut kept = Kept::default();
    let _ = database("trivy.db", &mut io::Cursor::new(file), &mut kept);
    assert!(kept.advisories.len() <= 200 && kept.whole.is_empty());
}

proptest! {
    #[test]
    fn no_damage_makes_it_panic(changes in prop::collection::vec((0_usize..1 << 16, any::<u8>()), 1..12), cut in 0_usize..1 << 16) {
        let mut made = Made::default();
        for n in 0..40 {
            made.bucket("alpine 3.10").bucket("musl").put(&format!("CVE-2026-{n:04}"), r#"{"FixedVersion":"1"}"#);
            made.bucket("wolfi").bucket(&format!("p{n}")).put("CVE-2026-1", "{}");
        }
        let mut file = made.file(512);
        for (at, byte) in changes {
            // Past the meta pages, which a checksum guards.
            let at = 1024 + at % (file.len() - 1024);
            file[at] = byte;
        }
        file.truncate(if cut % 4 == 0 { cut % file.len() } else { file.len() });
        let _ = testing::parse(&TrivyDb, "trivy.db", &file);
    }
}
