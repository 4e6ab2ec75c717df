//! Sources of facts about the world (advisories, scores, catalogues) and the matcher that joins them to components.
//!
//! One folder per source, fetching apart from parsing so that files work offline. Nothing here opens a socket or a
//! database: the network is [`assay_model::seam::source::Net`], and what was read goes to
//! [`assay_model::seam::source::Intel`].

pub mod cvss;
mod documents;
mod download;
mod input;
mod matcher;
mod statement;
pub mod vex;

mod csaf;
mod debian_tracker;
mod eol;
mod epss;
mod kev;
mod osv;
mod popularity;
mod scorecard;
mod secdb;
mod ssvc;
mod trivy_db;
mod updateinfo;
mod vex_hub;

use assay_model::seam::source::Source;

pub use matcher::OsvMatcher;

/// Every source. The first that recognises a file reads it.
pub static ALL: &[&dyn Source] = &[
    &osv::Osv,                      // advisories
    &trivy_db::TrivyDb,             // advisories and severities
    &epss::Epss,                    // probability of exploitation
    &kev::Kev,                      // known exploitation
    &eol::EndOfLife,                // ends of life
    &secdb::SecDb,                  // Alpine, Wolfi, Chainguard
    &debian_tracker::DebianTracker, // Debian
    &updateinfo::UpdateInfo,        // Amazon, Rocky, Oracle, openSUSE
    &csaf::Csaf,                    // Red Hat, SUSE
    &scorecard::Scorecards,         // health of projects
    &popularity::PopularPackages,   // popular packages
    &ssvc::Vulnrichment,            // exploit maturity
    &vex_hub::VexHub,               // statements of VEX
];

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_its_own_id() {
        let ids: std::collections::BTreeSet<&str> = ALL.iter().map(|source| source.spec().id).collect();
        assert_eq!(ids.len(), ALL.len());
    }

    #[test]
    fn a_real_file_has_one_source() {
        let Some(feeds) = testing::corpus("feeds") else { return };
        let by = |path: &str, head: usize| -> Vec<&str> {
            let Ok(bytes) = std::fs::read(feeds.join(path)) else { return vec!["missing"] };
            let head = &bytes[..bytes.len().min(head)];
            ALL.iter().filter(|source| source.recognizes(path, head)).map(|source| source.spec().id).collect()
        };
        for head in [512, 4096] {
            assert_eq!(by("osv/PyPI/all.zip", head), ["osv"]);
            assert_eq!(by("epss/epss_scores-2026-08-16.csv.gz", head), ["epss"]);
            assert_eq!(by("kev/known_exploited_vulnerabilities-2026-08-07.json.gz", head), ["kev"]);
            assert_eq!(by("alpine-secdb/secdb-2024-12-28.zip", head), ["secdb"]);
            assert_eq!(by("vex/aquasecurity-vexhub.zip", head), ["vex"]);
            assert_eq!(by("eol/endoflife-products.json.gz", head), ["eol"]);
            assert_eq!(by("cve/vulnrichment-2024-10-24.jsonl.gz", head), ["ssvc"]);
            assert_eq!(by("scorecard/results.json", head), ["scorecard"]);
            assert_eq!(by("scorecard/history-nodejs-security-wg.json", head), ["scorecard"]);
            assert_eq!(by("popularity/top-pypi-packages.min.json.gz", head), ["popularity"]);
            assert_eq!(by("popularity/npm-high-impact-1.13.0.json.gz", head), ["popularity"]);
            for other in [
                "sbom/real-sboms.zip",
                "osv-2-before/delta-npm.json",
                "schemas/osv.schema.json",
                "spdx/licenses.json.gz",
                "spdx/license-details.zip",
                "README.md",
            ] {
                assert_eq!(by(other, head), [""; 0], "{other}");
            }
        }
    }
}

/// The example of the documentation is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/add-a-source.md")]
struct AddASource;
