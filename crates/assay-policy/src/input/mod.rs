//! The input document: everything a policy can read of one package, in two versions built from the same facts.
//!
//! `input.v0` has the shape of an established hosted product's policy input, so that policies written for it run here
//! unchanged; `input.v1` is a superset of it. Unknown values are null or empty as their type says. No clock is in the
//! document (policies call `time.now_ns`), so its digest changes only when a fact does.

mod content;
mod depth;
mod findings;
mod health;
mod inputs;
mod kind;
mod license;
mod osv;
mod package;
mod parts;
mod place;
mod sbom;
pub mod schema;
pub(crate) mod sheet;
mod suppressed;
mod v1;
mod value;

use assay_model::{Digest, Problem, facts::Facts};
use regorus::{Value, value::Object};
use std::collections::BTreeMap;
use value::object;

pub(crate) use inputs::Inputs;
pub(crate) use parts::Parts;

/// The part with the numbers of `security_scan` as numbers again: as keys of JSON they are texts, which is what another
/// policy would see and what would be in another order.
fn renumbered(part: &Value) -> Value {
    let scan = part.as_object().ok().and_then(|fields| fields.get(&Value::from("security_scan")));
    let Some(scan) = scan.and_then(|scan| scan.as_object().ok()) else { return part.clone() };
    let number = |key: &Value| {
        let text = key.as_string().ok()?;
        let number: usize = text.parse().ok()?;
        (number.to_string() == text.as_ref()).then(|| Value::from(number))
    };
    let scan = scan.iter().map(|(key, value)| (number(key).unwrap_or_else(|| key.clone()), value.clone()));
    value::extend(part, [("security_scan", scan.collect::<Object>().into_value())])
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
        Self::build_parts(facts, names, &Parts::all())
    }
    /// The same with null for the parts that are not wanted.
    pub(crate) fn build_parts(facts: &Facts, names: &PolicyNames, parts: &Parts) -> Self {
        let findings = findings::Findings::new(facts, names);
        let v0 = parts.object(&[
            ("package", &|| package::package(facts, names, &findings)),
            ("repository", &|| place::repository(&facts.repository)),
            ("workspace", &|| place::workspace(&facts.workspace, facts.workspace_since)),
            ("identity", &|| package::identity(facts, names)),
            ("metadata", &|| package::metadata(facts)),
            ("upstream", &|| package::upstream(facts)),
            ("osv", &|| osv::records(facts, &findings)),
            ("security_scan", &|| findings.security_scan()),
            ("vulnerabilities", &|| findings.vulnerabilities()),
            ("model_security", &|| Value::Null),
            ("sbom", &|| sbom::sbom(facts)),
        ]);
        let more = v1::more(facts, &findings, parts);
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
        let (v0, more) = (renumbered(&v0), renumbered(&more));
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
