//! What Conda records of a package: `info/index.json` when packed, `conda-meta/*.json` when installed.

use assay_model::component::Occurrence;
use assay_model::problem::Problem;
use serde_json::Value;

use crate::component::occurrence;
use crate::part::{corrupt, field, line};
use crate::reader::{identifier, requirements, stated, unmatched};

const PURL_TYPE: &str = "conda";

/// The package that a record describes. No advisories are kept by names of Conda.
pub(crate) fn package(record: &Value, path: &str, analyzer: &str) -> Result<Occurrence, Problem> {
    let text = |key: &str| record[key].as_str();
    let (name, version) = stated(text("name").unwrap_or_default(), text("version").unwrap_or_default(), path)?;
    let component =
        unmatched(PURL_TYPE, "", &name, &version, &[]).map_err(|error| corrupt(format!("{path}: {error}")))?;
    let mut found = occurrence(component, path, analyzer);
    found.id = identifier(&name, &version);
    found.licenses.extend(line(text("license")));
    let depends = record["depends"].as_array().into_iter().flatten();
    found.requires = requirements(depends.filter_map(|one| one.as_str().map(str::to_owned)));
    for key in ["build", "subdir"] {
        if let Some(value) = field(text(key)) {
            found.properties.insert(format!("{analyzer}.{key}"), value);
        }
    }
    Ok(found)
}
