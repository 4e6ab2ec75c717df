//! What is kept with a version and changes after it was published: yanked or not, files that were removed, the project's
//! other homes. It stands in the package's metadata beside what the distribution says of itself.

use assay_model::view::{PackageView, VersionView};
use serde_json::{Map, Value, json};

/// Why the release was yanked (PEP 592); empty when nobody said.
pub(super) const YANKED: &str = "yanked";
/// Names of files that were removed.
const REMOVED: &str = "removed";
/// Addresses where the same project lives too (PEP 708), said by its owner.
pub(super) const ALTERNATES: &str = "alternate_locations";
/// Addresses of the projects that this one follows (PEP 708).
pub(super) const TRACKS: &str = "tracks";

/// Of a file: where its registry has the provenance.
pub(super) const PROVIDED: &str = "provenance";

/// What stands beside a distribution, by what is added to its name.
pub(super) const METADATA: &str = ".metadata";
pub(super) const PROVENANCE: &str = ".provenance";
pub(super) const SIGNATURE: &str = ".asc";

/// The distribution that a path belongs to: itself, or what it stands beside.
pub(super) fn distribution(path: &str) -> &str {
    [METADATA, PROVENANCE, SIGNATURE].iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path)
}

pub(super) fn yanked(version: &VersionView) -> Option<&str> {
    version.package.metadata.get(YANKED).and_then(Value::as_str)
}

/// Whether the distribution was removed from this version.
pub(super) fn is_removed(version: &VersionView, file: &str) -> bool {
    strings(&version.package.metadata, REMOVED).any(|name| name == file)
}

/// The removed files of a version.
pub(super) fn removed(version: &VersionView) -> Vec<String> {
    strings(&version.package.metadata, REMOVED).map(str::to_owned).collect()
}

/// Texts of a list that any version of the project has, each once, in order.
pub(super) fn of_project(view: &PackageView, key: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for text in view.versions.iter().flat_map(|version| strings(&version.package.metadata, key)) {
        if !all.iter().any(|known| known == text) {
            all.push(text.to_owned());
        }
    }
    all
}

fn strings<'v>(metadata: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    metadata.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The metadata of a version with one thing changed; `Null` and an empty list take it away.
pub(super) fn changed(version: &VersionView, key: &str, to: Value) -> Value {
    let mut fields = version.package.metadata.as_object().cloned().unwrap_or_default();
    if to.is_null() || to.as_array().is_some_and(Vec::is_empty) {
        fields.remove(key);
    } else {
        fields.insert(key.to_owned(), to);
    }
    Value::Object(fields)
}

/// The metadata of a version with these files removed.
pub(super) fn with_removed(version: &VersionView, files: Vec<String>) -> Value {
    changed(version, REMOVED, json!(files))
}

/// What a further file of a version must not lose; the file itself is there again.
pub(super) fn carried(view: &PackageView, version: Option<&VersionView>, file: &str) -> Map<String, Value> {
    let mut kept = Map::new();
    if let Some(version) = version {
        if let Some(why) = yanked(version) {
            kept.insert(YANKED.to_owned(), why.into());
        }
        let removed: Vec<String> = removed(version).into_iter().filter(|name| name != file).collect();
        if !removed.is_empty() {
            kept.insert(REMOVED.to_owned(), json!(removed));
        }
    }
    let alternates = of_project(view, ALTERNATES);
    if !alternates.is_empty() {
        kept.insert(ALTERNATES.to_owned(), json!(alternates));
    }
    kept
}
