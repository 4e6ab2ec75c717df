//! The tag-value encoding of SPDX 2.3.

use super::v2::{Annotation, Package, Spdx};
use std::fmt::Write as _;

pub(super) fn text(spdx: &Spdx) -> String {
    let mut out = Tags(String::new());
    out.tag("SPDXVersion", spdx.spdx_version);
    out.tag("DataLicense", spdx.data_license);
    out.tag("SPDXID", spdx.id);
    out.tag("DocumentName", &spdx.name);
    out.tag("DocumentNamespace", &spdx.document_namespace);
    out.text("DocumentComment", &spdx.comment);
    spdx.creation_info.creators.iter().for_each(|creator| out.tag("Creator", creator));
    out.tag("Created", &spdx.creation_info.created);
    for package in &spdx.packages {
        out.package(package);
    }
    if !spdx.licenses.is_empty() {
        out.0.push('\n');
    }
    for license in &spdx.licenses {
        out.tag("LicenseID", &license.license_id);
        out.text("ExtractedText", &license.extracted_text);
        out.tag("LicenseName", &license.name);
    }
    out.0.push('\n');
    for one in &spdx.relationships {
        let value = format!("{} {} {}", one.spdx_element_id, one.relationship_type, one.related_spdx_element);
        out.tag("Relationship", &value);
    }
    spdx.annotations.iter().for_each(|annotation| out.annotation(annotation, spdx.id));
    out.0
}

struct Tags(String);

impl Tags {
    /// A value on one line; none where it is empty.
    fn tag(&mut self, tag: &str, value: &str) {
        let value = value.split(['\n', '\r']).map(str::trim).collect::<Vec<_>>().join(" ");
        if !value.trim().is_empty() {
            let _ = writeln!(self.0, "{tag}: {}", value.trim());
        }
    }

    /// A value that may have several lines.
    fn text(&mut self, tag: &str, value: &str) {
        if !value.is_empty() {
            let _ = writeln!(self.0, "{tag}: <text>{}</text>", value.replace("</text>", "</ text>"));
        }
    }

    fn annotation(&mut self, annotation: &Annotation, about: &str) {
        self.tag("Annotator", &annotation.annotator);
        self.tag("AnnotationDate", &annotation.annotation_date);
        self.tag("AnnotationType", annotation.annotation_type);
        self.tag("SPDXREF", about);
        self.text("AnnotationComment", &annotation.comment);
    }

    fn package(&mut self, package: &Package) {
        let name = package.name.replace(['\n', '\r'], " ");
        let _ = writeln!(self.0, "\n##### Package: {name}\n");
        self.tag("PackageName", &name);
        self.tag("SPDXID", &package.id);
        self.tag("PackageVersion", &package.version_info);
        self.tag("PackageSupplier", &package.supplier);
        self.tag("PackageDownloadLocation", package.download_location);
        self.tag("FilesAnalyzed", if package.files_analyzed { "true" } else { "false" });
        for checksum in &package.checksums {
            self.tag("PackageChecksum", &format!("{}: {}", checksum.algorithm, checksum.checksum_value));
        }
        self.text("PackageSourceInfo", &package.source_info);
        self.tag("PackageLicenseConcluded", package.license_concluded);
        self.tag("PackageLicenseDeclared", &package.license_declared);
        self.tag("PackageCopyrightText", package.copyright_text);
        self.text("PackageSummary", &package.summary);
        self.tag("PrimaryPackagePurpose", &package.primary_package_purpose.replace('_', "-"));
        for reference in &package.external_refs {
            let (category, kind) = (reference.reference_category, reference.reference_type);
            self.tag("ExternalRef", &format!("{category} {kind} {}", reference.reference_locator));
            self.text("ExternalRefComment", &reference.comment);
        }
        package.annotations.iter().for_each(|annotation| self.annotation(annotation, &package.id));
    }
}
