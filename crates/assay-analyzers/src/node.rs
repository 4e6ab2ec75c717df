//! `package.json`, which packages of Node have whether installed or packed.

use assay_model::component::Occurrence;
use assay_model::problem::Problem;
use serde_json::Value;

use crate::component::{occurrence, of_language};
use crate::part::{corrupt, field, line};

const OSV: &str = assay_model::ecosystem::NPM;

/// The package a manifest speaks of; none if it has no name and version, which is in order for private ones.
pub(crate) fn manifest(text: &str, path: &str, analyzer: &str) -> Result<Option<Occurrence>, Problem> {
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| corrupt(format!("{path} is no JSON: {error}")))?;
    let (Some(name), Some(version)) = (field(json["name"].as_str()), field(json["version"].as_str())) else {
        return Ok(None);
    };
    let component = of_language(OSV, &name, &version).map_err(|error| corrupt(format!("{path}: {error}")))?;
    let mut found = occurrence(component, path, analyzer);
    found.licenses.extend(license(&json));
    found.summary = line(json["description"].as_str());
    found.id = format!("{name}@{version}");
    if let Some(dependencies) = json["dependencies"].as_object() {
        let wanted = |(name, range): (&String, &Value)| Some(format!("{name}@{}", range.as_str()?));
        found.requires = dependencies.iter().filter_map(wanted).collect();
    }
    Ok(Some(found))
}

/// A string today; an object or a list of objects in old manifests.
fn license(json: &Value) -> Option<String> {
    let named = |value: &Value| line(value.as_str().or_else(|| value["type"].as_str()));
    named(&json["license"]).or_else(|| {
        let names: Vec<String> = json["licenses"].as_array()?.iter().filter_map(named).collect();
        (!names.is_empty()).then(|| names.join(" OR "))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::manifest;

    #[test]
    fn manifests_of_all_ages() {
        let found = manifest(
            r#"{"name":"@s/a","version":"1.0.0","licenses":[{"type":"MIT"},"ISC"],"dependencies":{"b":"^2"}}"#,
            "p",
            "node",
        );
        let found = found.unwrap().unwrap();
        assert_eq!(found.component.purl, "pkg:npm/%40s/a@1.0.0");
        assert_eq!(found.component.match_name, "@s/a");
        assert_eq!((&*found.component.namespace, &*found.component.name), ("@s", "a"));
        assert_eq!(found.licenses, ["MIT OR ISC"]);
        assert_eq!(found.requires, ["b@^2"]);
        assert!(manifest(r#"{"type":"module"}"#, "p", "node").unwrap().is_none());
        assert!(manifest("[1]", "p", "node").unwrap().is_none());
        assert!(manifest("{", "p", "node").is_err());
    }
}
