//! The input document: everything a policy can read of one package, in two versions built from the same facts.
//!
//! `input.v0` has the shape of an established hosted product's policy input, so that policies written for it run here
//! unchanged; `input.v1` is a superset of it. Unknown values are null or empty as their type says. No clock is in the
//! document (policies call `time.now_ns`), so its digest changes only when a fact does.

mod content;
mod findings;
mod license;
mod osv;
mod package;
mod place;
mod sbom;
mod v1;
mod value;

use assay_model::{Digest, Problem, facts::Facts};
use regorus::Value;
use std::collections::BTreeMap;
use value::object;

/// Top-level fields of `input.v0`.
const V0: &[&str] = &[
    "package",
    "repository",
    "workspace",
    "identity",
    "metadata",
    "upstream",
    "osv",
    "security_scan",
    "vulnerabilities",
    "model_security",
    "sbom",
];
/// Top-level fields that `input.v1` has besides.
const V1: &[&str] = &[
    "format",
    "tags",
    "published_at",
    "age_at_arrival_days",
    "components",
    "os",
    "completeness",
    "kev",
    "malware",
    "end_of_life",
    "secrets",
    "licenses",
];

/// Top-level fields of a version of the document.
pub fn fields(version: &str) -> Vec<&'static str> {
    let more = if version == "v1" { V1 } else { &[] };
    V0.iter().chain(more).copied().collect()
}

/// Whether a version of the document has that top-level field.
pub fn has_field(version: &str, field: &str) -> bool {
    fields(version).contains(&field)
}

/// The names that policies use for formats, by format id.
#[derive(Clone, Debug, Default)]
pub struct PolicyNames(BTreeMap<String, String>);

impl PolicyNames {
    /// From pairs of format id and policy name.
    pub fn new(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned())).collect())
    }
    /// The name of the format with that id; the id itself when it has no other name.
    pub fn of<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

/// The input document of one package.
#[derive(Clone, Debug)]
pub struct Document {
    v0: Value,
    /// What `v1` has beyond `v0`, apart so that the digest covers every fact once.
    more: Value,
    whole: Value,
}

impl Document {
    /// Builds the document. Pure: the same facts give the same document and digest.
    pub fn build(facts: &Facts, names: &PolicyNames) -> Self {
        let findings = findings::Findings::new(facts, names);
        let v0 = object([
            ("package", package::package(facts, names)),
            ("repository", place::repository(&facts.repository)),
            ("workspace", place::workspace(&facts.workspace)),
            ("identity", package::identity(facts, names)),
            ("metadata", package::metadata(facts)),
            ("upstream", package::upstream(facts)),
            ("osv", osv::records(facts)),
            ("security_scan", findings.security_scan()),
            ("vulnerabilities", findings.vulnerabilities()),
            ("model_security", Value::Null),
            ("sbom", sbom::sbom(facts)),
        ]);
        let more = v1::more(facts, &findings);
        let whole = object([("v0", v0.clone()), ("v1", v1::superset(&v0, &more))]);
        Self { v0, more, whole }
    }
    /// The document as the evaluator takes it; cloning it is cheap.
    pub fn value(&self) -> Value {
        self.whole.clone()
    }
    /// Canonical JSON (sorted keys) of all facts in the document, and its SHA-256 as `sha256:<hex>`.
    ///
    /// # Errors
    /// When the document cannot be written as JSON, which no facts cause.
    pub fn canonical(&self) -> Result<(Vec<u8>, String), Problem> {
        let bytes = serde_json::to_vec(&[&self.v0, &self.more])
            .map_err(|error| Problem::internal("the policy input cannot be written", error))?;
        let digest = Digest::of(&bytes).to_string();
        Ok((bytes, digest))
    }
    /// Reads what [`Document::canonical`] wrote.
    ///
    /// # Errors
    /// `Invalid` when it is something else.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let [v0, more]: [Value; 2] = serde_json::from_slice(bytes)
            .map_err(|error| Problem::invalid("bad-input", "this is no policy input").caused_by(error))?;
        let whole = object([("v0", v0.clone()), ("v1", v1::superset(&v0, &more))]);
        Ok(Self { v0, more, whole })
    }
    /// The document as JSON, for display.
    ///
    /// # Errors
    /// When the document cannot be written as JSON, which no facts cause.
    pub fn json(&self) -> Result<serde_json::Value, Problem> {
        serde_json::to_value(&self.whole)
            .map_err(|error| Problem::internal("the policy input cannot be written", error))
    }
}
