//! OSV records: bulk zips and tars with one JSON file per record, single JSON files, arrays, and one record per line.
//!
//! `record` reads one record, `bulk` and `text` find the records in a file, `fetch` speaks to a bulk export. What the
//! records mean is the matcher's.

mod bulk;
mod cursor;
mod extent;
mod fetch;
mod record;
mod text;

use crate::{documents, input};
use assay_model::Problem;
use assay_model::seam::source::{Cursor, Fetched, Intel, Net, Source, SourceSpec};
use assay_model::seam::{ReadSeek, Task};

pub(crate) static SPEC: SourceSpec = SourceSpec {
    id: "osv",
    summary: "Advisories in the OSV schema: bulk zips and tars, single records, arrays, one record per line",
    cadence: 3600,
    data_license: "per database: CC-BY-4.0, CC0-1.0, Apache-2.0, MIT and others, see each record's origin",
};

/// Largest record, in bytes; the largest known has 6 MiB.
const MAX_RECORD: usize = 16 << 20;
/// Records between two reports of progress.
const REPORT_EVERY: u64 = 500;

/// The source.
#[derive(Debug)]
pub struct Osv;

impl Source for Osv {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, name: &str, head: &[u8]) -> bool {
        match documents::archive(head) {
            Some(_) => bulk::looks_like_records(name, head),
            None => record::begins_one(&input::peek(head)),
        }
    }

    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(fetch::fetch(net, base, since))
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let kind = documents::kind(file)?;
        let mut sink = Sink { out, read: 0, total: None, common: extent::Common::default() };
        match kind {
            Some(kind) => {
                bulk::parse(kind, file, &mut sink)?;
                if is_export(name) {
                    sink.common.tell(sink.out)?;
                }
            }
            None => text::parse(name, file, &mut sink)?,
        }
        sink.out.progress(sink.read, Some(sink.read));
        Ok(())
    }
}

/// Where records go: good ones to the store, bad ones aside.
struct Sink<'a> {
    out: &'a mut dyn Intel,
    read: u64,
    total: Option<u64>,
    common: extent::Common,
}

impl Sink<'_> {
    /// One record with its own bytes.
    fn record(&mut self, name: &str, bytes: &[u8]) -> Result<(), Problem> {
        self.count();
        match record::read(bytes) {
            Ok(advisory) => {
                self.common.add(&advisory);
                self.out.advisory(SPEC.id, advisory, bytes)
            }
            Err(reason) => {
                self.common.spoil();
                self.out.bad(SPEC.id, name, &reason, &bytes[..bytes.len().min(input::KEPT_BYTES)])
            }
        }
    }

    /// Something that is no record, with what there is of it.
    fn bad(&mut self, name: &str, reason: &str, bytes: &[u8]) -> Result<(), Problem> {
        self.count();
        self.common.spoil();
        self.out.bad(SPEC.id, name, reason, &bytes[..bytes.len().min(input::KEPT_BYTES)])
    }

    fn count(&mut self) {
        self.read += 1;
        if self.read.is_multiple_of(REPORT_EVERY) {
            self.out.progress(self.read, self.total);
        }
    }
}

/// Whether a file of this name holds all that there is: bulk exports call it so, and nothing else is.
fn is_export(name: &str) -> bool {
    name.rsplit(['/', '\\']).next() == Some("all.zip")
}

fn too_large() -> String {
    format!("the record is larger than {} MiB", MAX_RECORD >> 20)
}

#[cfg(test)]
mod tests;
