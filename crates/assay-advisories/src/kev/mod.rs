//! Known exploited vulnerabilities: CISA's KEV catalogue as JSON, plain or compressed.
//!
//! The catalogue is whole: what it lacks is withdrawn. A damaged one withdraws nothing, see `Catalogue::is_whole`.

use crate::input;
use assay_model::Problem;
use assay_model::score;
use assay_model::seam::source::{Cursor, Extent, Fetched, Intel, Net, Source, SourceSpec};
use assay_model::seam::{ReadSeek, Task};
use serde::Deserialize;
use serde_json::Value;
use std::io::Read;

/// Unpacked bytes of the catalogue, which is read as one document; a real one has 2 MiB.
const MAX_BYTES: u64 = 64 << 20;

static SPEC: SourceSpec = SourceSpec {
    id: "kev",
    summary: "Catalogue of known exploited vulnerabilities (CISA KEV), JSON",
    cadence: 2 * 3600,
    data_license: "CC0-1.0",
};

/// The source.
#[derive(Debug)]
pub struct Kev;

#[derive(Deserialize)]
struct Catalogue {
    count: Option<u64>,
    vulnerabilities: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve: String,
    date_added: String,
    #[serde(default)]
    due_date: String,
    #[serde(default)]
    known_ransomware_campaign_use: String,
    #[serde(default)]
    vulnerability_name: String,
}

impl Source for Kev {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, _name: &str, head: &[u8]) -> bool {
        let head = input::peek(head);
        let text = String::from_utf8_lossy(&head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        // The catalogue's schema names the same fields, after `$schema`.
        text.starts_with('{') && text.contains("\"catalogVersion\"") && !text.contains("\"$schema\"")
    }

    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(crate::download::one_file(net, base, since))
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let mut bytes = Vec::new();
        input::open(file, MAX_BYTES)?.read_to_end(&mut bytes).map_err(input::failed)?;
        let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let catalogue: Catalogue = serde_json::from_slice(json)
            .map_err(|error| Problem::invalid("bad-feed", format!("not a KEV catalogue: {error}")))?;
        let total = catalogue.vulnerabilities.len() as u64;
        let mut bad = 0;
        for (entry, number) in catalogue.vulnerabilities.iter().zip(1_u64..) {
            match read(entry) {
                Ok(kev) => out.kev(kev)?,
                Err(reason) => {
                    bad += 1;
                    out.bad(SPEC.id, &format!("{name} entry {number}"), &reason, entry.to_string().as_bytes())?;
                }
            }
        }
        out.progress(total, Some(total));
        if catalogue.is_whole(bad) { out.whole(&Extent::Kev) } else { Ok(()) }
    }
}

impl Catalogue {
    /// Whether what this catalogue lacks is gone: it must not be empty, cut short, or hold an entry that cannot be read,
    /// since an entry that is lost by accident would release what it blocks.
    fn is_whole(&self, bad: u64) -> bool {
        let entries = self.vulnerabilities.len() as u64;
        bad == 0 && entries > 0 && self.count.is_none_or(|count| count == entries)
    }
}

fn read(entry: &Value) -> Result<score::Kev, String> {
    let entry = Entry::deserialize(entry).map_err(|error| error.to_string())?;
    if !input::is_cve(&entry.cve) {
        return Err("the id is no CVE id".to_owned());
    }
    if entry.date_added.parse::<jiff::civil::Date>().is_err() {
        return Err("dateAdded is no date".to_owned());
    }
    Ok(score::Kev {
        cve: entry.cve,
        date_added: entry.date_added,
        due_date: entry.due_date,
        ransomware: entry.known_ransomware_campaign_use.eq_ignore_ascii_case("known"),
        name: entry.vulnerability_name,
    })
}

#[cfg(test)]
mod tests;
