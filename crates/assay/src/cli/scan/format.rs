//! The formats of a scan's report, and writing each of them.

use super::report::Report;
use crate::cli::{look::Look, out::Out, sbom::write_text};
use anyhow::{Result, anyhow};
use assay_engine::{
    ScanResult,
    report::{
        SbomFormat, Sources, csv, gitlab, html, junit, render as bill,
        sarif::{self, Tool},
        trivy,
    },
};
use jiff::Timestamp;
use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people
    Table,
    /// Everything, for programs
    Json,
    /// What programs that read Trivy's JSON expect, schema version 2
    TrivyJson,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// GitLab's container or dependency scanning report
    Gitlab,
    /// JUnit XML, for build servers
    Junit,
    /// A line per finding, for spreadsheets
    Csv,
    /// One page for a browser
    Html,
    /// CycloneDX 1.7 in Trivy's words
    TrivyCyclonedx,
    /// A bill of materials with vulnerabilities
    Sbom(SbomFormat),
}

/// The formats with one name each.
const NAMES: [(&str, Format); 9] = [
    ("table", Format::Table),
    ("json", Format::Json),
    ("trivy-json", Format::TrivyJson),
    ("sarif", Format::Sarif),
    ("gitlab", Format::Gitlab),
    ("junit", Format::Junit),
    ("csv", Format::Csv),
    ("html", Format::Html),
    ("trivy-cyclonedx", Format::TrivyCyclonedx),
];

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let asked = text.trim().to_ascii_lowercase();
        if let Some((_, format)) = NAMES.iter().find(|(name, _)| *name == asked) {
            return Ok(*format);
        }
        asked.parse().map(Self::Sbom).map_err(|_| {
            let own = NAMES.iter().map(|(name, _)| *name);
            let names: Vec<&str> = own.chain(SbomFormat::ALL.iter().map(|format| format.name())).collect();
            format!("use one of {}", names.join(", "))
        })
    }
}

/// Everything that a report is made from.
pub(crate) struct Made<'a> {
    /// As people and programs of ours read it.
    pub(crate) report: &'a Report,
    /// What was found, filtered, with development in the inventory.
    pub(crate) scan: &'a ScanResult,
    /// The same in the form of others.
    pub(crate) told: &'a trivy::Report,
    /// When.
    pub(crate) at: Timestamp,
}

/// Writes the report of a scan.
pub(crate) fn write(format: Format, made: &Made<'_>, out: &Out, file: Option<&Path>) -> Result<()> {
    let text = match format {
        Format::Table => made.report.table(if file.is_some() { Look::default() } else { out.look }),
        Format::Json => serde_json::to_string_pretty(made.report)?,
        Format::Sbom(format) => {
            let subject = made.report.target.subject(&made.scan.inventory);
            let (inventory, findings) = (&made.report.inventory, &made.report.findings);
            let details = &made.scan.details;
            bill(format, Sources { subject: &subject, inventory, findings, details, at: made.at })
        }
        other => {
            let root = root(made);
            foreign(other, made.told, root.as_deref(), &made.report.notes())?
        }
    };
    put(&text, out, file)
}

/// A report in the form of others.
pub(crate) fn foreign(format: Format, report: &trivy::Report, root: Option<&str>, notes: &[String]) -> Result<String> {
    Ok(match format {
        Format::TrivyJson => trivy::text(report)?,
        Format::Sarif => sarif::render(report, &Tool::default(), root)?,
        Format::Gitlab => trivy::text(&gitlab::render(report))?,
        Format::Junit => junit::render(report)?,
        Format::Csv => csv::render(report)?,
        Format::Html => html::render(report, notes),
        Format::TrivyCyclonedx => trivy::text(&trivy::cyclonedx(report))?,
        Format::Table | Format::Json | Format::Sbom(_) => {
            return Err(anyhow!("this format needs more than the report has; scan the artifact again"));
        }
    })
}

/// Prints a document, or writes it to a file, ended by one line feed.
pub(crate) fn put(text: &str, out: &Out, file: Option<&Path>) -> Result<()> {
    match file {
        Some(file) => write_text(file, text),
        None => out.text(text),
    }
}

/// The directory that locations are relative to, where one was scanned.
fn root(made: &Made<'_>) -> Option<String> {
    let path = PathBuf::from(&made.report.target.path);
    path.is_dir().then(|| path.canonicalize().ok()).flatten().map(|path| path.display().to_string())
}

/// The time of the report: `SOURCE_DATE_EPOCH` where it is set, so that the same scan gives the same bytes.
pub(crate) fn now() -> Timestamp {
    let fixed = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.trim().parse().ok());
    fixed.and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or_else(Timestamp::now)
}
