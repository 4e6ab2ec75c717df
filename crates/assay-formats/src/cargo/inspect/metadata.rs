//! The JSON document of a publication, and what is kept of it.

use crate::cargo::names;
use assay_model::Problem;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Dependencies and features of one version.
const PARTS: usize = 2000;

/// Values kept of one list, and characters of one text, for people and policies.
const VALUES: usize = 100;
const TEXT: usize = 4096;

/// What a publication says ("Publish" in the Registry Web API). Fields that are not named here are passed over.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cargo) struct Metadata {
    pub(in crate::cargo) name: String,
    pub(in crate::cargo) vers: String,
    #[serde(default)]
    pub(in crate::cargo) deps: Vec<Dependency>,
    #[serde(default)]
    pub(in crate::cargo) features: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    authors: Option<Vec<String>>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    documentation: Option<String>,
    #[serde(default)]
    homepage: Option<String>,
    #[serde(default)]
    repository: Option<String>,
    #[serde(default)]
    keywords: Option<Vec<String>>,
    #[serde(default)]
    categories: Option<Vec<String>>,
    #[serde(default)]
    license: Option<String>,
    #[serde(default)]
    license_file: Option<String>,
    #[serde(default)]
    pub(in crate::cargo) links: Option<String>,
    #[serde(default)]
    pub(in crate::cargo) rust_version: Option<String>,
}

/// A dependency of a publication.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cargo) struct Dependency {
    /// The name that it is published under.
    pub(in crate::cargo) name: String,
    pub(in crate::cargo) version_req: String,
    #[serde(default)]
    pub(in crate::cargo) features: Vec<String>,
    #[serde(default)]
    pub(in crate::cargo) optional: bool,
    #[serde(default = "yes")]
    pub(in crate::cargo) default_features: bool,
    #[serde(default)]
    pub(in crate::cargo) target: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    /// Index of another registry; nothing for this one.
    #[serde(default)]
    pub(in crate::cargo) registry: Option<String>,
    /// The name that the manifest calls it by, where that is another.
    #[serde(default)]
    pub(in crate::cargo) explicit_name_in_toml: Option<String>,
}

fn yes() -> bool {
    true
}

impl Dependency {
    /// `normal`, `dev` or `build`.
    pub(in crate::cargo) fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("normal")
    }
}

impl Metadata {
    /// # Errors
    /// `Invalid` when it is no such document, or says what cannot be.
    pub(in crate::cargo) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let wrong = |why: String| Problem::invalid("bad-metadata", why);
        let metadata: Self = serde_json::from_slice(bytes)
            .map_err(|error| wrong(format!("the metadata of the publication cannot be read: {error}")))?;
        names::normalise(&metadata.name)?;
        names::version(&metadata.vers)?;
        if metadata.deps.len() > PARTS || metadata.features.len() > PARTS {
            return Err(wrong(format!("a crate has at most {PARTS} dependencies and {PARTS} features")));
        }
        for dep in &metadata.deps {
            names::normalise(&dep.name)?;
            if !["normal", "dev", "build"].contains(&dep.kind()) {
                let (name, kind) = (names::shown(&dep.name), names::shown(dep.kind()));
                return Err(wrong(format!("the kind `{kind}` of the dependency `{name}` is not known")));
            }
            requirement(&dep.name, &dep.version_req)?;
        }
        for name in metadata.features.keys() {
            let fits = |c: char| c.is_alphanumeric() || "_-+.".contains(c);
            if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
                return Err(wrong(format!("`{}` is not a valid feature name", names::shown(name))));
            }
        }
        Ok(metadata)
    }

    /// What people and policies ask of a crate.
    pub(in crate::cargo) fn described(&self) -> Map<String, Value> {
        let mut kept = Map::new();
        let texts = [
            ("description", &self.description),
            ("documentation", &self.documentation),
            ("homepage", &self.homepage),
            ("repository", &self.repository),
            ("license", &self.license),
            ("license_file", &self.license_file),
        ];
        for (name, text) in texts {
            if let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
                kept.insert(name.into(), text.chars().take(TEXT).collect::<String>().into());
            }
        }
        let lists = [("authors", &self.authors), ("keywords", &self.keywords), ("categories", &self.categories)];
        for (name, list) in lists {
            let values = list.iter().flatten().take(VALUES);
            let values: Vec<String> = values.map(|value| value.chars().take(TEXT).collect()).collect();
            if !values.is_empty() {
                kept.insert(name.into(), json!(values));
            }
        }
        kept
    }
}

/// What a dependency asks for, in one spelling.
///
/// # Errors
/// `Invalid` when it is no requirement.
pub(super) fn requirement(name: &str, text: &str) -> Result<semver::VersionReq, Problem> {
    semver::VersionReq::parse(text).map_err(|why| {
        let (name, text) = (names::shown(name), names::shown(text));
        Problem::invalid(
            "bad-metadata",
            format!("`{text}`, asked for of the dependency `{name}`, cannot be read: {why}"),
        )
    })
}
