//! One line of the index: what is kept of a version for it, made from a publication or read from an upstream, and the
//! line that is served. Pure.
//!
//! A package's metadata holds the line as `line`, without what changes or is kept elsewhere: the checksum (the file's
//! digest), `yanked` (beside it) and `pubtime` (the package's publish time).

use super::{inspect::metadata::Metadata, names};
use assay_model::{Digest, view::VersionView};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Keys of a package's metadata.
pub(super) const LINE: &str = "line";
pub(super) const YANKED: &str = "yanked";

/// The version of the line's form in which `features2` is read.
const WITH_FEATURES2: u32 = 2;

/// A line of an upstream's index.
pub(super) struct Parsed {
    pub(super) version: String,
    pub(super) digest: Digest,
    pub(super) yanked: bool,
    pub(super) published_at: Option<Timestamp>,
    /// What is kept.
    pub(super) kept: Value,
}

/// What is kept of a publication.
pub(super) fn of(metadata: &Metadata) -> Value {
    let deps: Vec<Value> = metadata
        .deps
        .iter()
        .map(|dep| {
            let (name, package) = match &dep.explicit_name_in_toml {
                Some(renamed) => (renamed, Some(&dep.name)),
                None => (&dep.name, None),
            };
            json!({
                "name": name,
                "req": dep.version_req,
                "features": dep.features,
                "optional": dep.optional,
                "default_features": dep.default_features,
                "target": dep.target,
                "kind": dep.kind(),
                "registry": dep.registry,
                "package": package,
            })
        })
        .collect();
    // Features with the newer syntax stand apart, so that an old cargo passes over them and reads the rest.
    let newer = |values: &[String]| values.iter().any(|value| value.starts_with("dep:") || value.contains("?/"));
    let (features2, features): (Map<String, Value>, Map<String, Value>) = metadata
        .features
        .iter()
        .map(|(name, values)| (name.clone(), json!(values)))
        .partition(|(name, _)| metadata.features.get(name).is_some_and(|values| newer(values)));
    let mut line = Map::new();
    line.insert("name".into(), metadata.name.as_str().into());
    line.insert("vers".into(), metadata.vers.as_str().into());
    line.insert("deps".into(), deps.into());
    line.insert("features".into(), features.into());
    if !features2.is_empty() {
        line.insert("features2".into(), features2.into());
        line.insert("v".into(), WITH_FEATURES2.into());
    }
    line.insert("links".into(), json!(metadata.links));
    if let Some(rust) = &metadata.rust_version {
        line.insert("rust_version".into(), rust.as_str().into());
    }
    Value::Object(line)
}

/// A line of `name` (normalised) as an upstream's index has it; nothing when it is damaged or of another name. Fields
/// that are not known here are kept.
pub(super) fn parse(name: &str, text: &str) -> Option<Parsed> {
    let Ok(Value::Object(mut line)) = serde_json::from_str(text) else { return None };
    if names::normalise(line.get("name")?.as_str()?).ok()? != name {
        return None;
    }
    let version = line.get("vers")?.as_str()?.to_owned();
    names::version(&version).ok()?;
    let digest = Digest::sha256(&line.remove("cksum")?.as_str()?.to_ascii_lowercase()).ok()?;
    let yanked = line.remove("yanked").and_then(|yanked| yanked.as_bool()).unwrap_or(false);
    let published_at = line.remove("pubtime").and_then(|time| time.as_str()?.parse().ok());
    Some(Parsed { version, digest, yanked, published_at, kept: Value::Object(line) })
}

/// The line that is served of a version; nothing when it has no `.crate`.
pub(super) fn serve(name: &str, version: &VersionView) -> Option<String> {
    let package = &version.package;
    let path = names::file_path(name, &package.at.version);
    let stored = version.files.iter().find(|file| file.path == path).map(|file| &file.digest);
    let remote = version.remote.iter().find(|file| file.path == path);
    let digest = stored.or_else(|| remote?.digest.as_ref())?;
    let Some(Value::Object(mut line)) = package.metadata.get(LINE).cloned() else { return None };
    line.insert("cksum".into(), digest.hex().into());
    line.insert("yanked".into(), (version.blocked.is_some() || is_yanked(version)).into());
    // When a crate arrived here says nothing of one that was published elsewhere.
    let arrived = package.origin.is_none() && !version.files.is_empty();
    if let Some(time) = package.published_at.or(arrived.then_some(package.uploaded_at)) {
        line.insert("pubtime".into(), time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
    }
    Some(Value::Object(line).to_string())
}

/// Whether its publisher yanked it.
pub(super) fn is_yanked(version: &VersionView) -> bool {
    version.package.metadata.get(YANKED).and_then(Value::as_bool).unwrap_or(false)
}

/// The name as its author writes it.
pub(super) fn written_name(version: &VersionView) -> Option<&str> {
    version.package.metadata.get(LINE)?.get("name")?.as_str()
}
