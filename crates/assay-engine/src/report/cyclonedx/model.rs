//! The parts of a CycloneDX document that we write, in the order of the specification.

use serde::Serialize;

/// Version of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// ECMA-424, first edition.
    V16,
    /// ECMA-424, second edition.
    V17,
}

impl Version {
    /// As `specVersion` writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V16 => "1.6",
            Self::V17 => "1.7",
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bom {
    #[serde(rename = "$schema")]
    pub(super) schema: String,
    pub(super) bom_format: &'static str,
    pub(super) spec_version: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) serial_number: String,
    pub(super) version: u32,
    pub(super) metadata: Metadata,
    pub(super) components: Vec<Component>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) compositions: Vec<Composition>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) vulnerabilities: Vec<Vulnerability>,
}

#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    pub(super) timestamp: String,
    pub(super) tools: Tools,
    pub(super) component: Component,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
}

#[derive(Debug, Serialize)]
pub(super) struct Tools {
    pub(super) components: Vec<Component>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "String::is_empty")]
    pub(super) reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplier: Option<Organization>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) group: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) scope: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) licenses: Vec<LicenseChoice>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) purl: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
}

#[derive(Debug, Serialize)]
pub(super) struct Organization {
    pub(super) name: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Hash {
    pub(super) alg: &'static str,
    pub(super) content: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LicenseChoice {
    License(License),
    Expression(String),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum License {
    Id(String),
    Name(String),
}

#[derive(Debug, Serialize)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dependency {
    #[serde(rename = "ref")]
    pub(super) reference: String,
    pub(super) depends_on: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Composition {
    pub(super) aggregate: &'static str,
    pub(super) assemblies: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Vulnerability {
    #[serde(rename = "bom-ref")]
    pub(super) reference: String,
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Source>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) references: Vec<Reference>,
    pub(super) ratings: Vec<Rating>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cwes: Vec<u32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) detail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) recommendation: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) advisories: Vec<Advisory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) published: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) updated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) analysis: Option<Analysis>,
    pub(super) affects: Vec<Affect>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Source {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) url: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Reference {
    pub(super) id: String,
    pub(super) source: Source,
}

#[derive(Debug, Serialize)]
pub(super) struct Rating {
    pub(super) source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) score: Option<f64>,
    pub(super) severity: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vector: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Advisory {
    pub(super) url: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Analysis {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) response: Vec<&'static str>,
    pub(super) detail: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Affect {
    #[serde(rename = "ref")]
    pub(super) reference: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) versions: Vec<AffectedVersion>,
}

#[derive(Debug, Serialize)]
pub(super) struct AffectedVersion {
    pub(super) version: String,
    pub(super) status: &'static str,
}
