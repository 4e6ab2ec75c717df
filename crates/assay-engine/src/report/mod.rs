//! Renderings of inventories and findings in standard formats. Pure.

pub mod bom;
pub mod compare;
pub mod csv;
pub mod cyclonedx;
pub mod gitlab;
pub mod html;
pub mod junit;
pub mod sarif;
pub mod spdx;
pub mod trivy;

pub use bom::{Document, SbomFormat, Sources, Subject};

/// Writes a bill of materials, ended by a line feed. The same sources give the same bytes.
#[must_use]
pub fn render(format: SbomFormat, sources: Sources<'_>) -> String {
    let document = Document::new(sources);
    match format {
        SbomFormat::CycloneDx16Json => cyclonedx::json(&document, cyclonedx::Version::V16),
        SbomFormat::CycloneDx17Json => cyclonedx::json(&document, cyclonedx::Version::V17),
        SbomFormat::CycloneDx16Xml => cyclonedx::xml(&document, cyclonedx::Version::V16),
        SbomFormat::CycloneDx17Xml => cyclonedx::xml(&document, cyclonedx::Version::V17),
        SbomFormat::Spdx23Json => spdx::json(&document),
        SbomFormat::Spdx23TagValue => spdx::tag_value(&document),
        SbomFormat::Spdx3Json => spdx::json3(&document),
    }
}
