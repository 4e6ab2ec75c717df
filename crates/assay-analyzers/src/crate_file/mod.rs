//! Rust's `.crate` files: the `Cargo.toml` that cargo writes when it packs, in the one folder `name-version`.
//!
//! A `Cargo.lock` inside says what the crate was tested with, or what its binaries are built from with `--locked`; it is
//! noted, and its entries are no components of the crate.

use assay_archive::{Budget, Flow, Kind};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};
use toml::{Table, Value};

use crate::part::{corrupt, inside, line, text};
use crate::reader::{Reader, members, package, requirements};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "crate",
    revision: 1,
    reads: Reads::Package,
    summary: "Cargo.toml of Rust crates: name, version, licence, dependencies; whether a Cargo.lock is inside",
};

const OSV: &str = "crates.io";

pub(crate) const PART: Reader = Reader { spec: &SPEC, wants: |entry| entry.path.ends_with(".crate"), look };

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut packed = None;
    let mut original = None;
    let mut locked = false;
    members(bytes, Kind::Tar, budget, |head, body| {
        match head.path.split_once('/').map(|(_, rest)| rest).filter(|_| head.is_file()) {
            Some("Cargo.toml") => packed = Some((inside(entry, &head.path), text(body, budget)?)),
            Some("Cargo.toml.orig") => original = Some((inside(entry, &head.path), text(body, budget)?)),
            Some("Cargo.lock") => locked = true,
            _ => {}
        }
        Ok(Flow::Continue)
    })?;
    let (path, manifest) = packed.or(original).ok_or_else(|| corrupt("a crate has a Cargo.toml, this one has none"))?;
    let mut own = read(&manifest, &path)?;
    if locked {
        own.properties.insert(format!("{}.locked", SPEC.id), "true".to_owned());
    }
    own.is_subject = entry.is_artifact;
    out.components.push(own);
    Ok(())
}

fn read(text: &str, path: &str) -> Result<Occurrence, Problem> {
    let manifest: Table = text
        .parse()
        .map_err(|error: toml::de::Error| corrupt(format!("{path} cannot be read as TOML: {}", error.message())))?;
    let own = manifest.get("package").or_else(|| manifest.get("project")).and_then(Value::as_table);
    let stated = |key: &str| own.and_then(|own| own.get(key)).and_then(Value::as_str);
    let (name, version) = (stated("name").unwrap_or_default(), stated("version").unwrap_or_default());
    let mut found = package(OSV, name, version, path, SPEC.id)?;
    found.licenses.extend(line(stated("license")));
    found.summary = line(stated("description"));
    found.requires = requirements(
        ["dependencies", "build-dependencies"]
            .iter()
            .filter_map(|section| manifest.get(*section)?.as_table())
            .flatten()
            .map(|(name, wanted)| requirement(name, wanted)),
    );
    Ok(found)
}

/// `name@requirement`, by the name that the dependency is published under.
fn requirement(name: &str, wanted: &Value) -> String {
    let stated = |key: &str| wanted.get(key).and_then(Value::as_str);
    let range = wanted.as_str().or_else(|| stated("version")).unwrap_or("*");
    format!("{}@{range}", stated("package").unwrap_or(name))
}
