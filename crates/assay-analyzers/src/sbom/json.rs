//! JSON documents of all kinds in one pass: which of the formats it is shows only when its fields are known.

use assay_model::problem::Problem;
use std::io::Read;

use super::bom::{Bom, EDGES, ITEMS};
use super::lenient::{List, Payload, Text, record};
use super::{cyclonedx, envelope, spdx2, spdx3};
use crate::part::{LIMIT, UNSUPPORTED, corrupt};

/// Envelopes inside envelopes that are opened.
pub(super) const DEPTH: usize = 4;

record!(
    /// The fields of CycloneDX, SPDX 2 and 3, in-toto statements, DSSE envelopes and Sigstore bundles that matter.
    Document {
        spec_version: Text = "specVersion",
        bom_format: Text = "bomFormat",
        metadata: cyclonedx::Metadata = "metadata",
        components: List<cyclonedx::Component, ITEMS> = "components",
        dependencies: List<cyclonedx::Dependency, ITEMS> = "dependencies",
        compositions: List<cyclonedx::Composition> = "compositions",
        spdx_version: Text = "spdxVersion",
        name: Text = "name",
        annotations: List<spdx2::Annotation> = "annotations",
        describes: List<Text> = "documentDescribes",
        packages: List<spdx2::Package, ITEMS> = "packages",
        files: List<spdx2::File, ITEMS> = "files",
        relationships: List<spdx2::Relationship, EDGES> = "relationships",
        extracted: List<spdx2::Extracted> = "hasExtractedLicensingInfos",
        graph: List<spdx3::Element, { spdx3::ELEMENTS }> = "@graph",
        payload_type: Text = "payloadType",
        payload: Payload = "payload",
        envelope: Option<Box<Document>> = "dsseEnvelope",
        predicate_type: Text = "predicateType",
        predicate: Option<Box<Document>> = "predicate",
        data: envelope::Data = "Data",
    }
);

/// One JSON document.
pub(super) fn read(bytes: impl Read) -> Result<Bom, Problem> {
    let document = serde_json::from_reader(bytes).map_err(|error| broken(&error))?;
    understand(document, DEPTH)
}

/// A list of documents, one a line: the first that is a bill of materials.
pub(super) fn read_lines(bytes: impl Read) -> Result<Bom, Problem> {
    let mut first = None;
    let mut others = 0;
    for document in serde_json::Deserializer::from_reader(bytes).into_iter::<Document>() {
        let document = match document {
            Ok(document) => document,
            // What came before is whole.
            Err(_) if matches!(first, Some(Ok(_))) => break,
            Err(error) => return Err(broken(&error)),
        };
        match understand(document, DEPTH) {
            Ok(_) if matches!(first, Some(Ok(_))) => others += 1,
            read if !matches!(first, Some(Ok(_))) => first = Some(read),
            _ => {}
        }
    }
    let mut bom = first.unwrap_or_else(|| Err(corrupt("the file is empty")))?;
    if others > 0 {
        bom.gaps.push((UNSUPPORTED, format!("the file holds {others} more bills of materials, which were not read")));
    }
    Ok(bom)
}

fn broken(error: &serde_json::Error) -> Problem {
    if error.to_string().starts_with("recursion limit") {
        return Problem::invalid(LIMIT, "the JSON is nested too deeply to be read");
    }
    corrupt(format!("the JSON breaks off or is none: {error}"))
}

pub(super) fn understand(mut document: Document, depth: usize) -> Result<Bom, Problem> {
    let too_deep = || Problem::invalid(LIMIT, "there are too many envelopes around each other");
    let inside = depth.checked_sub(1).ok_or_else(too_deep);
    if &*document.bom_format == "CycloneDX" {
        return Ok(cyclonedx::read(document));
    }
    if document.spdx_version.starts_with("SPDX-2") {
        return Ok(spdx2::read(document));
    }
    if !document.graph.all.is_empty() {
        return spdx3::read(document.graph);
    }
    if let Some(envelope) = document.envelope {
        return understand(*envelope, inside?);
    }
    if !document.payload.0.is_empty() {
        return envelope::open(&document.payload.0, inside?);
    }
    if let Some(predicate) = document.predicate.take() {
        return envelope::statement(&document.predicate_type, *predicate, inside?);
    }
    if let Some(data) = document.data.document {
        return understand(*data, inside?);
    }
    if document.data.text.trim_start().starts_with('{') {
        let inner = serde_json::from_str(&document.data.text).map_err(|error| broken(&error))?;
        return understand(inner, inside?);
    }
    Err(Problem::invalid(UNSUPPORTED, "this JSON is no bill of materials"))
}
