//! Bills of materials: CycloneDX 1.2 to 1.7 (JSON, XML), SPDX 2.2 and 2.3 (JSON, tag-value), SPDX 3.0 (JSON-LD), alone or in
//! DSSE envelopes, in-toto statements and Sigstore bundles.
//!
//! One file for each format, which gives a [`bom::Bom`]; `inventory` makes an inventory of it. Does not live here: what a
//! document says of vulnerabilities, and whether its signature is good.

mod bom;
mod cyclonedx;
mod cyclonedx_xml;
mod envelope;
mod facts;
mod image;
mod inventory;
mod json;
mod lacks;
mod lenient;
mod os;
mod settle;
mod spdx2;
mod spdx3;
mod spdx_tag_value;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "tests")]
mod tests;

use std::io::{BufReader, Read};

use assay_archive::{Budget, Limits};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::part::{LIMIT, Part, UNSUPPORTED, text};
use bom::Bom;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "sbom",
    revision: 1,
    reads: Reads::Sbom,
    summary: "bills of materials: CycloneDX (JSON, XML), SPDX 2 (JSON, tag-value) and 3, also in DSSE, in-toto and Sigstore",
};

/// The largest document that is read. JSON and tag-value are streamed; XML has the limit of metadata files.
const DOCUMENT: u64 = 256 << 20;

/// Names of documents in trees.
const NAMES: [&str; 6] = [".cdx.json", ".cdx.xml", ".cdx", ".spdx.json", ".spdx3.json", ".spdx"];

/// Bills of materials.
pub(crate) struct Sbom;

impl Analyzer for Sbom {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        let name = entry.path.rsplit('/').next().unwrap_or(entry.path).to_ascii_lowercase();
        NAMES.iter().any(|ending| name.ends_with(ending)) || entry.is_artifact && is_one(&name, entry.head)
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for Sbom {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let bom = read(bytes, budget)?;
        inventory::add(bom, entry, SPEC.id, out);
        Ok(())
    }
}

/// A file that was given by itself may have any name: the first bytes tell.
fn is_one(name: &str, head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let says = |marks: &[&str]| marks.iter().any(|mark| head.contains(mark));
    match head.chars().next() {
        Some('{') => {
            says(&["\"CycloneDX\"", "\"bom-ref\"", "cyclonedx.org", "spdx.org", "\"spdxVersion\"", "\"SPDXRef-"])
                || says(&["\"payloadType\"", "application/vnd.in-toto", "application/vnd.dev.sigstore", "in-toto.io"])
                || says(&["\"compositions\"", "\"spdxElementId\"", "\"licenseConcluded\"", "\"@graph\""])
                || says(&["\"metadata\""]) && says(&["\"component\"", "\"components\"", "\"tools\"", "\"purl\""])
                || says(&["\"components\""]) && says(&["\"purl\"", "\"licenses\"", "\"library\""])
                || ["bom.json", ".intoto.jsonl", ".sigstore.json", ".sigstore"].iter().any(|end| name.ends_with(end))
        }
        Some('<') => says(&["cyclonedx.org/schema/bom"]),
        _ => spdx_tag_value::is_one(head.as_bytes()),
    }
}

/// Reads a document of whatever kind it is.
fn read(bytes: &mut dyn ReadSeek, budget: &Budget) -> Result<Bom, Problem> {
    let unreadable = |error| Problem::internal("the document cannot be read", error);
    let mut first = Vec::new();
    (&mut *bytes).take(4096).read_to_end(&mut first).map_err(unreadable)?;
    let size = bytes.seek(std::io::SeekFrom::End(0)).map_err(unreadable)?;
    if size > DOCUMENT {
        return Err(Problem::invalid(LIMIT, format!("the document is larger than {} MiB", DOCUMENT >> 20)));
    }
    let mark = if first.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    bytes.seek(std::io::SeekFrom::Start(mark)).map_err(unreadable)?;
    let start = first.iter().skip(usize::try_from(mark).unwrap_or(0)).find(|byte| !byte.is_ascii_whitespace());
    match start {
        Some(b'{') if is_list(&first) => json::read_lines(BufReader::new(bytes)),
        Some(b'{') => json::read(BufReader::new(bytes)),
        Some(b'<') => cyclonedx_xml::read(&text(bytes, budget)?),
        _ if spdx_tag_value::is_one(&first) => spdx_tag_value::read(bytes),
        _ => Err(Problem::invalid(UNSUPPORTED, "this is no bill of materials that is known")),
    }
}

/// Envelopes come one a line.
fn is_list(first: &[u8]) -> bool {
    let head = String::from_utf8_lossy(first);
    head.contains("\"payloadType\"") || head.contains("\"payload\"")
}
