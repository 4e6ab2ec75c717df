//! The older JSON documents of a project and of one release, which tools that update dependencies read.

use super::entry::{self, Entry, PLACE};
use crate::pypi::kept;
use assay_model::{
    seam::format::Document,
    view::{PackageView, VersionView},
};
use pep440_rs::Version;
use serde_json::{Map, Value, json};

/// Whether this is the address of such a document: `<project>/json` or `<project>/<version>/json`.
pub(crate) fn asks(segments: &[&str]) -> bool {
    matches!(segments, [_, "json"] | [_, _, "json"])
}

/// All releases, and what the one says that an installer would take.
pub(crate) fn project(view: &PackageView) -> Document {
    let versions = entry::versions(view);
    let mut releases = Map::new();
    for (_, version) in &versions {
        releases.insert(version.package.at.version.clone(), files(view, version));
    }
    let mut body = versions.iter().max_by_key(|(number, version)| rank(number, version)).map_or_else(
        || json!({ "info": {}, "urls": [], "vulnerabilities": [] }),
        |(_, newest)| described(view, newest),
    );
    body["releases"] = Value::Object(releases);
    document(&body)
}

/// One release.
pub(crate) fn release(view: &PackageView, version: &VersionView) -> Document {
    document(&described(view, version))
}

/// What may be had comes before what was taken back, finished versions before those in the making.
fn rank<'v>(number: &'v Version, version: &VersionView) -> (bool, bool, &'v Version) {
    let yanked = version.blocked.is_some() || kept::yanked(version).is_some();
    (!yanked, !number.any_prerelease(), number)
}

fn described(view: &PackageView, version: &VersionView) -> Value {
    let said = &version.package.metadata;
    let text = |key: &str| said.get(key).cloned().unwrap_or_default();
    let yanked = version.blocked.as_deref().or_else(|| kept::yanked(version));
    json!({
        "info": {
            "name": said.get("name").cloned().unwrap_or_else(|| view.name.as_str().into()),
            "version": version.package.at.version,
            "summary": text("summary"),
            "author": text("author"),
            "author_email": text("author_email"),
            "maintainer": text("maintainer"),
            "maintainer_email": text("maintainer_email"),
            "license": text("license"),
            "license_expression": text("license_expression"),
            "keywords": text("keywords"),
            "home_page": text("home_page"),
            "classifiers": said.get("classifiers").cloned().unwrap_or_else(|| json!([])),
            "project_urls": project_urls(said),
            "requires_python": text("requires_python"),
            "requires_dist": text("requires_dist"),
            "provides_extra": text("provides_extra"),
            "yanked": yanked.is_some(),
            "yanked_reason": yanked.filter(|why| !why.is_empty()),
        },
        "urls": files(view, version),
        "vulnerabilities": [],
    })
}

/// `Label, address` as a map.
fn project_urls(said: &Value) -> Value {
    let lines = said.get("project_urls").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let pairs: Map<String, Value> =
        lines.filter_map(|line| line.split_once(',')).map(|(k, v)| (k.trim().to_owned(), v.trim().into())).collect();
    if pairs.is_empty() { Value::Null } else { Value::Object(pairs) }
}

fn files(view: &PackageView, version: &VersionView) -> Value {
    entry::entries(&view.name, version).map(|entry| file(&entry)).collect()
}

fn file(entry: &Entry<'_>) -> Value {
    let kept = |key: &str| entry.kept.get(key).cloned().unwrap_or_default();
    let uploaded = entry.uploaded();
    json!({
        "filename": entry.name,
        "url": format!("{PLACE}/{}", entry.path),
        "packagetype": kept("filetype"),
        "python_version": kept("python_version"),
        "requires_python": entry.requires_python(),
        "size": entry.size,
        "digests": entry.digests(Some("blake2b_256")),
        "md5_digest": entry.hashes.get("md5"),
        "upload_time": uploaded.as_deref().and_then(|time| time.get(..19)),
        "upload_time_iso_8601": uploaded,
        "yanked": entry.yanked.is_some(),
        "yanked_reason": entry.yanked.filter(|why| !why.is_empty()),
    })
}

fn document(body: &Value) -> Document {
    Document { media_type: "application/json".to_owned(), body: body.to_string().into(), headers: Vec::new() }
}
