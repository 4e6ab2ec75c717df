//! SPDX 2.2 and 2.3 (ISO/IEC 5962): what its JSON holds. The tag-value encoding fills the same records.

use std::collections::{BTreeMap, BTreeSet};

use super::bom::{Bom, Item, Kind, count};
use super::cyclonedx::plain;
use super::json::Document;
use super::lenient::{List, Text, record};

record!(Annotation { annotator: Text = "annotator", comment: Text = "comment" });

record!(Checksum { algorithm: Text = "algorithm", value: Text = "checksumValue" });

record!(ExternalRef { kind: Text = "referenceType", locator: Text = "referenceLocator" });

record!(Package {
    id: Text = "SPDXID",
    name: Text = "name",
    version: Text = "versionInfo",
    supplier: Text = "supplier",
    originator: Text = "originator",
    summary: Text = "summary",
    purpose: Text = "primaryPackagePurpose",
    source_info: Text = "sourceInfo",
    declared: Text = "licenseDeclared",
    concluded: Text = "licenseConcluded",
    checksums: List<Checksum> = "checksums",
    external: List<ExternalRef> = "externalRefs",
    attributions: List<Text> = "attributionTexts",
    annotations: List<Annotation> = "annotations",
});

record!(File { id: Text = "SPDXID" });

record!(Relationship {
    from: Text = "spdxElementId",
    kind: Text = "relationshipType",
    to: Text = "relatedSpdxElement"
});

record!(Extracted { id: Text = "licenseId", name: Text = "name", text: Text = "extractedText" });

pub(super) fn read(document: Document) -> Bom {
    let mut bom = Bom { format: document.spdx_version.replace('-', " "), ..Bom::default() };
    let names: BTreeMap<String, String> = document.extracted.all.iter().filter_map(licence_name).collect();
    let mut development = BTreeSet::new();
    let mut described: BTreeSet<String> = document.describes.all.iter().map(|id| id.0.clone()).collect();
    for one in &document.relationships.all {
        relate(&mut bom, one, &mut described, &mut development);
    }
    let packages = document.packages.all.len();
    let root = described.iter().next().filter(|_| described.len() == 1).cloned();
    for package in document.packages.all {
        let mut item = item(package, &names);
        item.development |= development.contains(&item.reference);
        if root.as_deref() == Some(item.reference.as_str()) && packages > 1 {
            bom.root = Some(item);
        } else {
            bom.push(item);
        }
    }
    for (name, value) in document.annotations.all.iter().filter_map(property) {
        bom.skipped.extend(name.strip_prefix("assay:skipped:").map(|reason| (reason.to_owned(), value)));
    }
    let files = document.files.all.len() + document.files.more;
    if packages == 0 && files > 0 {
        bom.unresolved(format!("the document names {} and no package", count(files, "file", "files")));
    }
    bom
}

/// The name of a licence that the document defines itself, or its text where that is one line.
fn licence_name(from: &Extracted) -> Option<(String, String)> {
    let nothing = |text: &&Text| !matches!(text.trim(), "" | "NOASSERTION" | "NONE");
    let short = |text: &&Text| text.len() <= 200 && !text.contains('\n');
    let name = [&from.name, &from.text].into_iter().find(|text| nothing(text) && short(text))?;
    Some((from.id.0.clone(), name.trim().to_owned()))
}

fn relate(bom: &mut Bom, one: &Relationship, described: &mut BTreeSet<String>, development: &mut BTreeSet<String>) {
    let (from, to) = (&*one.from, &*one.to);
    match &*one.kind {
        "DESCRIBES" if from == "SPDXRef-DOCUMENT" => {
            described.insert(to.to_owned());
        }
        "DESCRIBED_BY" if to == "SPDXRef-DOCUMENT" => {
            described.insert(from.to_owned());
        }
        "CONTAINS" => bom.link(from, to),
        "CONTAINED_BY" | "PACKAGE_OF" => bom.link(to, from),
        "DEPENDS_ON" | "HAS_PREREQUISITE" | "DYNAMIC_LINK" | "STATIC_LINK" => {
            bom.tells_dependencies = true;
            bom.link(from, to);
        }
        "DEPENDENCY_OF"
        | "RUNTIME_DEPENDENCY_OF"
        | "OPTIONAL_DEPENDENCY_OF"
        | "PROVIDED_DEPENDENCY_OF"
        | "PREREQUISITE_FOR" => {
            bom.tells_dependencies = true;
            bom.link(to, from);
        }
        "DEV_DEPENDENCY_OF"
        | "BUILD_DEPENDENCY_OF"
        | "TEST_DEPENDENCY_OF"
        | "DEV_TOOL_OF"
        | "TEST_TOOL_OF"
        | "BUILD_TOOL_OF" => {
            bom.tells_dependencies = true;
            bom.link(to, from);
            development.insert(from.to_owned());
        }
        _ => {}
    }
}

fn item(package: Package, licences: &BTreeMap<String, String>) -> Item {
    let purl = package.external.all.iter().find(|one| one.kind.eq_ignore_ascii_case("purl"));
    let noted = package.annotations.all.iter().filter_map(property);
    let attributed = package.attributions.all.iter().filter_map(|text| attribution(text));
    Item {
        kind: kind(&package.purpose, &package.id),
        purl: purl.map(|one| one.locator.trim().to_owned()).unwrap_or_default(),
        supplier: [&package.supplier, &package.originator].into_iter().find_map(|text| agent(text)).unwrap_or_default(),
        licenses: licenses([&package.declared, &package.concluded], licences),
        hashes: package.checksums.all.iter().map(|one| (plain(&one.algorithm), one.value.0.clone())).collect(),
        source: source(&package.source_info),
        properties: noted.chain(attributed).collect(),
        reference: package.id.0,
        name: package.name.0,
        version: package.version.0,
        summary: package.summary.0,
        ..Item::default()
    }
}

fn kind(purpose: &str, id: &str) -> Kind {
    match purpose.replace('-', "_").as_str() {
        "OPERATING_SYSTEM" => Kind::OperatingSystem,
        "APPLICATION" => Kind::Application,
        "CONTAINER" => Kind::Container,
        "" if id.starts_with("SPDXRef-OperatingSystem") => Kind::OperatingSystem,
        "" if id.starts_with("SPDXRef-Application") => Kind::Application,
        "" if id.starts_with("SPDXRef-ContainerImage") => Kind::Container,
        "SOURCE" | "LIBRARY" | "FRAMEWORK" | "INSTALL" | "FIRMWARE" | "" => Kind::Package,
        _ => Kind::Other,
    }
}

/// `Organization: Name (mail)` without the first word.
fn agent(text: &str) -> Option<String> {
    let name = text.strip_prefix("Organization:").or_else(|| text.strip_prefix("Person:"))?.trim();
    (!name.is_empty() && name != "NOASSERTION").then(|| name.to_owned())
}

/// The first expression that says something; references to licences of the document become their names.
pub(super) fn licenses(expressions: [&Text; 2], names: &BTreeMap<String, String>) -> Vec<String> {
    let says = |text: &&Text| !matches!(text.trim(), "" | "NOASSERTION" | "NONE");
    let Some(text) = expressions.into_iter().find(says) else { return Vec::new() };
    let text = text.trim();
    let terms: Vec<&str> = text.split(" AND ").collect();
    if !terms.iter().any(|term| names.contains_key(*term)) {
        return vec![text.to_owned()];
    }
    terms.into_iter().map(|term| names.get(term).cloned().unwrap_or_else(|| bare(term).to_owned())).collect()
}

/// Parentheses around the whole are there to join it with others.
fn bare(term: &str) -> &str {
    let inner = term.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(term)
}

/// `built package from: NAME VERSION`, as several tools write it.
pub(super) fn source(text: &str) -> Option<(String, String)> {
    let rest = text.trim().strip_prefix("built package from:")?.trim();
    let (name, version) = rest.split_once(' ').unwrap_or((rest, ""));
    (!name.is_empty()).then(|| (name.to_owned(), version.trim().to_owned()))
}

/// `name: value` in an annotation. Tools other than ours leave out whose name it is.
pub(super) fn property(annotation: &Annotation) -> Option<(String, String)> {
    let (name, value) = annotation.comment.split_once(": ")?;
    let plain = !name.is_empty() && !name.contains(char::is_whitespace);
    if name.starts_with("assay:") || name.starts_with("aquasecurity:") {
        return plain.then(|| (name.to_owned(), value.to_owned()));
    }
    let trivy = annotation.annotator.to_ascii_lowercase().contains("trivy");
    (plain && trivy).then(|| (format!("aquasecurity:trivy:{name}"), value.to_owned()))
}

/// Names that older tools wrote into attributions.
const ATTRIBUTED: [&str; 16] = [
    "PkgID",
    "PkgType",
    "SrcName",
    "SrcVersion",
    "SrcRelease",
    "SrcEpoch",
    "Modularitylabel",
    "FilePath",
    "LayerDigest",
    "LayerDiffID",
    "ImageID",
    "DiffID",
    "RepoTag",
    "RepoDigest",
    "Class",
    "Type",
];

fn attribution(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once(": ")?;
    ATTRIBUTED.contains(&name).then(|| (format!("aquasecurity:trivy:{name}"), value.to_owned()))
}
