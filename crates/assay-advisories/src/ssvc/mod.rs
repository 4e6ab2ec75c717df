//! CISA's enrichment of CVE records ("Vulnrichment"): the decision points of SSVC, which say how mature exploitation is,
//! and CVSS vectors. CVE records (version 5) as JSON, one or an archive of them, and one line per CVE.
//!
//! A file of more than one record is complete about the years that its CVEs are of: decision points that it lacks are gone.
//! Vectors become notes about the vulnerability, apart from any package, as those of Trivy's database do.

mod note;
mod record;

use crate::{
    documents::{self, Reader},
    input::{self, Line},
};
use assay_model::{
    Problem,
    seam::{
        ReadSeek, Task,
        source::{Cursor, Extent, Fetched, Intel, Net, Source, SourceSpec},
    },
};
use record::Said;
use serde_json::Value;
use std::collections::BTreeSet;

/// Largest record, in bytes.
const MAX_RECORD: usize = 4 << 20;
/// Unpacked bytes of a file of lines.
const MAX_BYTES: u64 = 8 << 30;
/// Lines between two reports of progress.
const REPORT_EVERY: u64 = 500;

static SPEC: SourceSpec = SourceSpec {
    id: "ssvc",
    summary: "Exploit maturity (SSVC) and CVSS of CVEs by CISA's Vulnrichment: CVE records, JSON or one per line",
    cadence: 24 * 3600,
    data_license: "CC0-1.0 (CISA)",
};

/// The source.
#[derive(Debug)]
pub struct Vulnrichment;

impl Source for Vulnrichment {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, _name: &str, head: &[u8]) -> bool {
        let first = documents::first_entry(head);
        let content = first.map_or_else(|| input::peek(head), |(_, content)| content);
        let text = String::from_utf8_lossy(&content);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let line = text.starts_with("{\"cve\"") && text.contains("\"ssvc\"");
        let record = text.starts_with('{')
            && text.contains("\"CVE_RECORD\"")
            && (text.contains("\"dataVersion\"") || text.contains("\"cveMetadata\""));
        line || record
    }

    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(crate::download::several_files(net, base, since))
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let mut told = Told::default();
        if documents::kind(file)?.is_none() {
            lines(name, file, &mut told, out)?;
        } else {
            let is_document = |path: &str| path.ends_with(".json");
            let reader = Reader { source: SPEC.id, largest: MAX_RECORD, is_document: &is_document };
            reader.each(name, file, out, &mut |name, bytes, out| told.one(name, bytes, out))?;
        }
        told.finish(out)
    }
}

/// What a file has told so far.
#[derive(Default)]
struct Told {
    records: u64,
    /// Some record could not be read, so it cannot be said what the file lacks.
    unread: bool,
    /// What the ids begin with, year by year.
    years: BTreeSet<String>,
}

impl Told {
    fn one(&mut self, name: &str, bytes: &[u8], out: &mut dyn Intel) -> Result<(), Problem> {
        self.records += 1;
        let read = serde_json::from_slice::<Value>(bytes).map_err(|error| error.to_string());
        match read.and_then(|value| record::read(&value)) {
            Ok(None) => Ok(()),
            Ok(Some(Said { cve, ssvc, vectors, cwes, updated })) => {
                if let Some((year, _)) = cve.rsplit_once('-') {
                    self.years.insert(format!("{year}-"));
                }
                if let Some(ssvc) = ssvc {
                    out.ssvc(&cve, ssvc)?;
                }
                if let Some(advisory) = note::of(&cve, &vectors, &cwes, &updated) {
                    let bytes = serde_json::to_vec(&advisory).unwrap_or_default();
                    out.advisory(SPEC.id, advisory, &bytes)?;
                }
                Ok(())
            }
            Err(reason) => {
                self.unread = true;
                out.bad(SPEC.id, name, &reason, &bytes[..bytes.len().min(input::KEPT_BYTES)])
            }
        }
    }

    fn finish(self, out: &mut dyn Intel) -> Result<(), Problem> {
        if self.unread || self.records < 2 {
            return Ok(());
        }
        self.years.iter().try_for_each(|year| out.whole(&Extent::Ssvc(year)))
    }
}

/// One record per line, or one record on many.
fn lines(name: &str, file: &mut dyn ReadSeek, told: &mut Told, out: &mut dyn Intel) -> Result<(), Problem> {
    let mut content = input::open(file, MAX_BYTES)?;
    let (mut number, mut whole) = (0_u64, Vec::new());
    while let Some(line) = input::line(&mut *content, MAX_RECORD).map_err(input::failed)? {
        number += 1;
        match line {
            Line::Whole(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => {}
            // a record that is spread over lines ends where the file does
            Line::Whole(bytes)
                if !whole.is_empty() || (number == 1 && serde_json::from_slice::<Value>(&bytes).is_err()) =>
            {
                whole.extend_from_slice(&bytes);
                whole.push(b'\n');
                if whole.len() > MAX_RECORD {
                    return Err(Problem::invalid("bad-feed", format!("{name} is no CVE record, nor one per line")));
                }
            }
            Line::Whole(bytes) => told.one(&format!("{name} line {number}"), &bytes, out)?,
            Line::TooLong(bytes) => {
                told.unread = true;
                out.bad(SPEC.id, &format!("{name} line {number}"), "the record is larger than 4 MiB", &bytes)?;
            }
        }
        if number.is_multiple_of(REPORT_EVERY) {
            out.progress(number, None);
        }
    }
    out.progress(number, Some(number));
    if whole.is_empty() { Ok(()) } else { told.one(name, &whole, out) }
}

#[cfg(test)]
mod tests;
