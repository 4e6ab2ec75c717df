//! SPDX 2.3: from the document to the specification's own parts, which JSON and tag-value write alike.

use super::names;
use crate::report::bom::{self, Document, Kind, Node, PREFIX, TOOL, TOOL_VERSION, joined, second, uuid_of};
use serde::Serialize;
use std::collections::BTreeMap;

const NOASSERTION: &str = "NOASSERTION";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spdx {
    pub(super) spdx_version: &'static str,
    pub(super) data_license: &'static str,
    #[serde(rename = "SPDXID")]
    pub(super) id: &'static str,
    pub(super) name: String,
    pub(super) document_namespace: String,
    pub(super) creation_info: CreationInfo,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) comment: String,
    pub(super) packages: Vec<Package>,
    #[serde(rename = "hasExtractedLicensingInfos", skip_serializing_if = "Vec::is_empty")]
    pub(super) licenses: Vec<Extracted>,
    pub(super) relationships: Vec<Relationship>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) annotations: Vec<Annotation>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreationInfo {
    pub(super) created: String,
    pub(super) creators: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package {
    pub(super) name: String,
    #[serde(rename = "SPDXID")]
    pub(super) id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) version_info: String,
    pub(super) supplier: String,
    pub(super) download_location: &'static str,
    pub(super) files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) source_info: String,
    pub(super) license_concluded: &'static str,
    pub(super) license_declared: String,
    pub(super) copyright_text: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) summary: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_refs: Vec<ExternalRef>,
    pub(super) primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) annotations: Vec<Annotation>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checksum {
    pub(super) algorithm: String,
    pub(super) checksum_value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExternalRef {
    pub(super) reference_category: &'static str,
    pub(super) reference_type: &'static str,
    pub(super) reference_locator: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) comment: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Annotation {
    pub(super) annotator: String,
    pub(super) annotation_date: String,
    pub(super) annotation_type: &'static str,
    pub(super) comment: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extracted {
    pub(super) license_id: String,
    pub(super) name: String,
    pub(super) extracted_text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Relationship {
    pub(super) spdx_element_id: String,
    pub(super) relationship_type: &'static str,
    pub(super) related_spdx_element: String,
}

pub(super) fn spdx(document: &Document) -> Spdx {
    let ids: Vec<String> = names::ids(document).into_iter().map(|id| format!("SPDXRef-{id}")).collect();
    let mut extracted = BTreeMap::new();
    let annotate = Annotate { date: second(document.at) };
    let packages: Vec<Package> = document
        .nodes
        .iter()
        .zip(&ids)
        .enumerate()
        .map(|(at, (node, id))| {
            let mut package = package(node, id, &mut extracted, &annotate);
            add_vulnerabilities(&mut package, at, document, &annotate);
            package
        })
        .collect();
    let name = document.nodes.first().map(|root| root.name.clone()).unwrap_or_default();
    let mut out = Spdx {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: "SPDXRef-DOCUMENT",
        document_namespace: String::new(),
        creation_info: CreationInfo {
            created: second(document.at),
            creators: vec![format!("Organization: {TOOL}"), format!("Tool: {TOOL}-{TOOL_VERSION}")],
        },
        comment: completeness(document),
        packages,
        licenses: extracted
            .into_iter()
            .map(|(license_id, text): (String, String)| Extracted {
                license_id,
                name: text.clone(),
                extracted_text: text,
            })
            .collect(),
        relationships: relationships(document, &ids),
        annotations: document.gaps.iter().map(|gap| annotate.gap(gap)).collect(),
        name,
    };
    let uuid = uuid_of(&serde_json::to_vec(&out).unwrap_or_default());
    out.document_namespace = names::namespace(&out.name, &uuid);
    out
}

/// One sentence; what exactly was not read stands in the annotations.
pub(super) fn completeness(document: &Document) -> String {
    match document.gaps.len() {
        0 => "Everything in the artifact was read.".to_owned(),
        1 => "The list may be incomplete: one thing could not be read.".to_owned(),
        n => format!("The list may be incomplete: {n} things could not be read."),
    }
}

struct Annotate {
    date: String,
}

impl Annotate {
    fn with(&self, name: &str, value: &str) -> Annotation {
        Annotation {
            annotator: format!("Tool: {TOOL}-{TOOL_VERSION}"),
            annotation_date: self.date.clone(),
            annotation_type: "OTHER",
            comment: format!("{PREFIX}{name}: {value}"),
        }
    }

    fn gap(&self, gap: &assay_model::inventory::Skipped) -> Annotation {
        let path = if gap.path.is_empty() { String::new() } else { format!("{}: ", gap.path) };
        self.with(&format!("skipped:{}", gap.reason), &format!("{path}{}", gap.detail))
    }
}

fn package(node: &Node, id: &str, extracted: &mut BTreeMap<String, String>, annotate: &Annotate) -> Package {
    let declared = joined(&node.licenses, &mut |reference, text| {
        extracted.insert(reference.to_owned(), text.to_owned());
    });
    let checksum = |(algorithm, value): &(&'static str, String)| Checksum {
        algorithm: algorithm.replace("SHA-", "SHA"),
        checksum_value: value.clone(),
    };
    let purl = |purl: &String| ExternalRef {
        reference_category: "PACKAGE-MANAGER",
        reference_type: "purl",
        reference_locator: purl.clone(),
        comment: String::new(),
    };
    Package {
        name: names::full_name(node),
        id: id.to_owned(),
        version_info: node.version.clone(),
        supplier: node.supplier.as_ref().map_or(NOASSERTION.into(), |name| format!("Organization: {}", one_line(name))),
        download_location: NOASSERTION,
        files_analyzed: false,
        checksums: node.hashes.iter().map(checksum).collect(),
        source_info: source_info(node),
        license_concluded: NOASSERTION,
        license_declared: declared.unwrap_or_else(|| NOASSERTION.to_owned()),
        copyright_text: NOASSERTION,
        summary: node.summary.clone().unwrap_or_default(),
        external_refs: node.purl.iter().map(purl).collect(),
        primary_package_purpose: match node.kind {
            Kind::File => "FILE",
            Kind::Container => "CONTAINER",
            Kind::Application => "APPLICATION",
            Kind::OperatingSystem => "OPERATING_SYSTEM",
            Kind::Library => "LIBRARY",
        },
        annotations: names::properties(node).iter().map(|(name, value)| annotate.with(name, value)).collect(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Which source package a binary one was made from.
pub(super) fn source_info(node: &Node) -> String {
    node.source.as_ref().map(|(name, version)| format!("built package from: {name} {version}")).unwrap_or_default()
}

fn relationships(document: &Document, ids: &[String]) -> Vec<Relationship> {
    let one = |from: &str, kind, to: &str| Relationship {
        spdx_element_id: from.to_owned(),
        relationship_type: kind,
        related_spdx_element: to.to_owned(),
    };
    let mut all: Vec<Relationship> =
        ids.first().map(|root| one("SPDXRef-DOCUMENT", "DESCRIBES", root)).into_iter().collect();
    for ((node, from), below) in document.nodes.iter().zip(ids).zip(&document.edges) {
        let kind = if node.kind == Kind::Library { "DEPENDS_ON" } else { "CONTAINS" };
        all.extend(below.iter().filter_map(|to| ids.get(*to)).map(|to| one(from, kind, to)));
    }
    all
}

/// SPDX 2.3 refers to advisories; how bad they are and what fixes them stands in annotations.
fn add_vulnerabilities(package: &mut Package, at: usize, document: &Document, annotate: &Annotate) {
    let affecting = |vulnerability: &&bom::Vulnerability| vulnerability.affects.iter().any(|one| one.node == at);
    for vulnerability in document.vulnerabilities.iter().filter(affecting) {
        package.external_refs.extend(vulnerability.advisories.first().map(|link| ExternalRef {
            reference_category: "SECURITY",
            reference_type: "advisory",
            reference_locator: link.clone(),
            comment: vulnerability.id.clone(),
        }));
        let fixed = vulnerability.affects.iter().find(|one| one.node == at).map(|one| one.fixed.join(", "));
        let severity = vulnerability.properties.iter().find(|(name, _)| name == "severity").map(|(_, value)| value);
        let fixed = fixed.filter(|text| !text.is_empty()).map(|text| format!(", fixed in {text}")).unwrap_or_default();
        let text = format!("{} {}{fixed}", vulnerability.id, severity.map_or("UNKNOWN", String::as_str));
        package.annotations.push(annotate.with("vulnerability", &text));
    }
}
