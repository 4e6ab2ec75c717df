//! Package files (`.rpm`): the lead, a header of signatures, and the header of the package itself (RPM package format,
//! version 3 and later). What the package installs follows, a compressed archive.

use std::io::{Read as _, SeekFrom};

use assay_archive::{Budget, Limits};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use super::header::{self, Header, Tag};
use super::{origin, package};
use crate::component::{rename, set, settle};
use crate::part::{Part, corrupt};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "rpm-file",
    revision: 1,
    reads: Reads::Package,
    summary: "rpm package files: name, version, source package, module, licence, requirements",
};

const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
const LEAD_BYTES: usize = 96;
const HEADER_MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];

/// A package file.
pub(crate) struct RpmFile;

impl Analyzer for RpmFile {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        entry.path.ends_with(".rpm") || entry.is_artifact && entry.head.starts_with(&LEAD_MAGIC)
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for RpmFile {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        _budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let mut lead = [0; LEAD_BYTES];
        bytes.read_exact(&mut lead).map_err(|_| corrupt("an rpm file ends in its lead"))?;
        if !lead.starts_with(&LEAD_MAGIC) {
            return Err(corrupt("an rpm file begins with other bytes"));
        }
        let signatures = next_header(bytes)?;
        let padding = signatures.len().next_multiple_of(8) - signatures.len();
        let mut pad = [0; 8];
        bytes.read_exact(&mut pad[..padding]).map_err(|_| corrupt("an rpm file ends in its signatures"))?;
        let blob = next_header(bytes)?;
        let header = Header::parse(&blob)?;
        let package::Read::Package(node) = package::read(header, entry.path, SPEC.id) else {
            return Err(corrupt("the package has no usable name or version"));
        };
        let mut found = node.found;
        found.is_subject = entry.is_artifact;
        if header.text(Tag::SOURCE_RPM).is_none() {
            // The architecture in a source package is where it happened to be made.
            let built = found.property("architecture").map(|built| format!(".{built}")).unwrap_or_default();
            found.id = format!("{}.src", found.id.strip_suffix(&built).unwrap_or(&found.id));
            set(&mut found, "architecture", "src");
            rename(&mut found);
        }
        if let Some(os) = origin::of(header) {
            settle(&mut found, &os);
        }
        out.files_seen += 1;
        out.components.push(found);
        Ok(())
    }

    fn payload(&self, bytes: &mut dyn ReadSeek) -> Result<Option<u64>, Problem> {
        bytes.seek(SeekFrom::Start(LEAD_BYTES as u64)).map_err(cut_io)?;
        let signatures = next_header(bytes)?.len();
        // Each header has eight bytes of magic.
        let header = LEAD_BYTES + (8 + signatures).next_multiple_of(8);
        bytes.seek(SeekFrom::Start(header as u64)).map_err(cut_io)?;
        Ok(Some((header + 8 + next_header(bytes)?.len()) as u64))
    }
}

/// A header with its magic; gives it without.
fn next_header(bytes: &mut dyn ReadSeek) -> Result<Vec<u8>, Problem> {
    let cut = |_| corrupt("an rpm file ends in a header");
    let mut magic = [0; 8];
    bytes.read_exact(&mut magic).map_err(cut)?;
    if !magic.starts_with(&HEADER_MAGIC) {
        return Err(corrupt("a header of an rpm file has another magic"));
    }
    let mut first = [0; 8];
    bytes.read_exact(&mut first).map_err(cut)?;
    let (index, data) = header::announced(first)?;
    let mut blob = first.to_vec();
    bytes.take((index + data) as u64).read_to_end(&mut blob).map_err(cut_io)?;
    if blob.len() != 8 + index + data {
        return Err(corrupt("an rpm file ends in a header"));
    }
    Ok(blob)
}

fn cut_io(error: std::io::Error) -> Problem {
    Problem::internal("a package file cannot be read", error)
}
