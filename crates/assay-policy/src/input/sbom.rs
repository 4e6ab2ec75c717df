//! `sbom`: a small CycloneDX document of the components, for images only. The complete document is rendered elsewhere.

use super::{
    license,
    value::{list, object, sparse, text},
};
use assay_model::{component::Occurrence, facts::Facts, package::Role};
use regorus::Value;

/// `sbom`; null for packages that are not images.
pub(super) fn sbom(facts: &Facts) -> Value {
    if !facts.files.iter().any(|file| file.role == Some(Role::Image)) {
        return Value::Null;
    }
    object([
        ("bomFormat", Value::from("CycloneDX")),
        ("specVersion", Value::from("1.6")),
        ("version", Value::from(1_u64)),
        ("components", list(facts.components.iter().filter(|found| !found.is_subject).map(component))),
    ])
}

fn component(found: &Occurrence) -> Value {
    let component = &found.component;
    sparse([
        ("type", Value::from("library")),
        ("bom-ref", Value::from(component.purl.as_str())),
        ("group", text(Some(&component.namespace))),
        ("name", Value::from(component.name.as_str())),
        ("version", text(Some(&component.version))),
        ("purl", Value::from(component.purl.as_str())),
        ("licenses", licences(found)),
    ])
}

fn licences(found: &Occurrence) -> Value {
    if found.licenses.is_empty() { Value::Null } else { list(found.licenses.iter().map(|raw| licence(raw))) }
}

fn licence(raw: &str) -> Value {
    let named = license::spdx(raw).map_or(("name", raw), |(id, _, _)| ("id", id));
    object([("license", object([(named.0, Value::from(named.1))]))])
}
