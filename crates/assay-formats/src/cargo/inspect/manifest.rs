//! The manifest inside a `.crate`, compared with what the publication says: a registry that believed the publication
//! would tell resolvers one thing and give compilers another.

use super::metadata::{Dependency, Metadata, requirement};
use crate::cargo::names;
use assay_model::Problem;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// A dependency in the terms of both documents.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    package: String,
    requirement: String,
    optional: bool,
    default_features: bool,
    features: BTreeSet<String>,
}

/// Kind, platform and the name that the manifest calls it by.
type Place = (&'static str, Option<String>, String);

/// The manifest.
#[derive(Debug)]
pub(in crate::cargo) struct Manifest(Table);

impl Manifest {
    /// # Errors
    /// `Invalid` when it is no TOML, or has no package.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| Problem::invalid("bad-manifest", format!("the Cargo.toml in the crate {why}"));
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| wrong(&format!("cannot be read: {}", names::shown(error.message()))))?;
        let manifest = Self(table);
        if manifest.own().is_none() {
            return Err(wrong("has no [package]"));
        }
        Ok(manifest)
    }

    fn own(&self) -> Option<&Table> {
        self.0.get("package").or_else(|| self.0.get("project"))?.as_table()
    }

    /// A text of `[package]`.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.own()?.get(key)?.as_str()
    }

    /// A list of `[package]`.
    fn list(&self, key: &str) -> Option<Vec<&str>> {
        Some(self.own()?.get(key)?.as_array()?.iter().filter_map(Value::as_str).collect())
    }

    /// # Errors
    /// `Invalid` when the crate is not this name and version.
    pub(super) fn is_of(&self, name: &str, version: &str) -> Result<(), Problem> {
        for (what, said) in [("name", name), ("version", version)] {
            let inside = self.text(what).unwrap_or_default();
            if inside != said {
                return Err(differ(what, inside, said));
            }
        }
        Ok(())
    }

    /// # Errors
    /// `Invalid`, naming what disagrees.
    pub(super) fn agrees(&self, metadata: &Metadata) -> Result<(), Problem> {
        self.is_of(&metadata.name, &metadata.vers)?;
        let optional = |text: Option<&str>| text.unwrap_or("(none)").to_owned();
        for (what, said) in [("links", &metadata.links), ("rust-version", &metadata.rust_version)] {
            if self.text(what) != said.as_deref() {
                return Err(differ(what, &optional(self.text(what)), &optional(said.as_deref())));
            }
        }
        self.agrees_in_features(metadata)?;
        self.agrees_in_dependencies(metadata)
    }

    fn agrees_in_features(&self, metadata: &Metadata) -> Result<(), Problem> {
        let empty = Table::new();
        let inside = self.0.get("features").and_then(Value::as_table).unwrap_or(&empty);
        let values = |value: &Value| -> BTreeSet<String> {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let inside: BTreeMap<&str, BTreeSet<String>> =
            inside.iter().map(|(name, value)| (name.as_str(), values(value))).collect();
        let said: BTreeMap<&str, BTreeSet<String>> =
            metadata.features.iter().map(|(name, list)| (name.as_str(), list.iter().cloned().collect())).collect();
        match first_difference(&inside, &said) {
            Some(name) => Err(differ_in("feature", name)),
            None => Ok(()),
        }
    }

    fn agrees_in_dependencies(&self, metadata: &Metadata) -> Result<(), Problem> {
        let mut inside = BTreeMap::new();
        self.wanted(None, &self.0, &mut inside)?;
        for (target, table) in self.0.get("target").and_then(Value::as_table).into_iter().flatten() {
            let Some(table) = table.as_table() else { continue };
            self.wanted(Some(target), table, &mut inside)?;
        }
        let mut said = BTreeMap::new();
        for dep in &metadata.deps {
            let (place, wanted) = announced(dep)?;
            said.insert(place, wanted);
        }
        match first_difference(&inside, &said) {
            Some((_, _, name)) => Err(differ_in("dependency", name)),
            None => Ok(()),
        }
    }

    /// The dependencies of one table of the manifest, or of one of its platforms.
    fn wanted(&self, target: Option<&str>, from: &Table, into: &mut BTreeMap<Place, Wanted>) -> Result<(), Problem> {
        for (kind, sections) in [
            ("normal", ["dependencies", "dependencies"]),
            ("dev", ["dev-dependencies", "dev_dependencies"]),
            ("build", ["build-dependencies", "build_dependencies"]),
        ] {
            let section = sections.iter().find_map(|section| from.get(*section)?.as_table());
            for (name, value) in section.into_iter().flatten() {
                let stated = |key: &str| value.get(key).and_then(Value::as_str);
                let flag = |keys: [&str; 2], otherwise| {
                    keys.iter().find_map(|key| value.get(*key)?.as_bool()).unwrap_or(otherwise)
                };
                let range = value.as_str().or_else(|| stated("version"));
                // Only its author's machine has it: cargo leaves it out of publications.
                if range.is_none() && kind == "dev" {
                    continue;
                }
                let features = value.get("features").and_then(Value::as_array).into_iter().flatten();
                let wanted = Wanted {
                    package: stated("package").unwrap_or(name).to_owned(),
                    requirement: requirement(name, range.unwrap_or("*"))?.to_string(),
                    optional: flag(["optional", "optional"], false),
                    default_features: flag(["default-features", "default_features"], true),
                    features: features.filter_map(Value::as_str).map(str::to_owned).collect(),
                };
                into.insert((kind, target.map(without_spaces), name.clone()), wanted);
            }
        }
        Ok(())
    }

    /// The same as a publication of it says, for what came without one.
    pub(super) fn described(&self) -> serde_json::Map<String, serde_json::Value> {
        let texts = ["description", "documentation", "homepage", "repository", "license"];
        let mut document = serde_json::Map::new();
        for key in ["name", "version"].iter().chain(&texts) {
            document.insert((*key).to_owned(), self.text(key).into());
        }
        document.insert("vers".to_owned(), self.text("version").into());
        document.insert("license_file".to_owned(), self.text("license-file").into());
        for key in ["authors", "keywords", "categories"] {
            document.insert(key.to_owned(), self.list(key).into());
        }
        let read: Option<Metadata> = serde_json::from_value(document.into()).ok();
        read.map(|metadata| metadata.described()).unwrap_or_default()
    }
}

fn announced(dep: &Dependency) -> Result<(Place, Wanted), Problem> {
    let kind = match dep.kind() {
        "dev" => "dev",
        "build" => "build",
        _ => "normal",
    };
    let wanted = Wanted {
        package: dep.name.clone(),
        requirement: requirement(&dep.name, &dep.version_req)?.to_string(),
        optional: dep.optional,
        default_features: dep.default_features,
        features: dep.features.iter().cloned().collect(),
    };
    let name = dep.explicit_name_in_toml.as_ref().unwrap_or(&dep.name).clone();
    Ok(((kind, dep.target.as_deref().map(without_spaces), name), wanted))
}

/// A platform in one spelling: `cfg(all(unix,not(x)))` is written with and without spaces.
fn without_spaces(target: &str) -> String {
    target.split_whitespace().collect()
}

/// The first key that only one of the two has, or that they have with other values.
fn first_difference<'a, K: Ord, V: PartialEq>(a: &'a BTreeMap<K, V>, b: &'a BTreeMap<K, V>) -> Option<&'a K> {
    let only = |of: &'a BTreeMap<K, V>, other: &'a BTreeMap<K, V>| {
        of.iter().find(|(key, value)| other.get(key) != Some(value)).map(|(key, _)| key)
    };
    only(a, b).or_else(|| only(b, a))
}

fn differ(what: &str, inside: &str, said: &str) -> Problem {
    let (inside, said) = (names::shown(inside), names::shown(said));
    Problem::invalid(
        "metadata-mismatch",
        format!("the {what} in the crate's Cargo.toml is `{inside}` and the publication says `{said}`"),
    )
}

fn differ_in(what: &str, name: &str) -> Problem {
    let name = names::shown(name);
    Problem::invalid(
        "metadata-mismatch",
        format!("the {what} `{name}` is not the same in the crate's Cargo.toml and in the publication"),
    )
}
