//! PHP packages as Composer fetches them: a zip with `composer.json` at its top, or in its one folder.
//!
//! The version is rarely stated there, because it is the name of the tag that was packed; then the file's name is asked.

use assay_archive::{Budget, Flow, Kind};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};
use serde_json::Value;

use crate::locked::UNRESOLVED;
use crate::part::{inside, line, skipped, text};
use crate::reader::{Reader, if_recognised, json, may_be_package, members, package, requirements};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "composer-package",
    revision: 1,
    reads: Reads::Package,
    summary: "composer.json of Composer's zips: name, version where it is told, licences, requirements",
};

const OSV: &str = "Packagist";
const MANIFEST: &str = "composer.json";

pub(crate) const PART: Reader =
    Reader { spec: &SPEC, wants: |entry| entry.path.ends_with(".zip") && may_be_package(entry), look };

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut manifest: Option<(String, String)> = None;
    let mut top: Option<String> = None;
    let outcome = members(bytes, Kind::Zip, budget, |head, body| {
        let (folder, rest) = head.path.split_once('/').unwrap_or(("", &head.path));
        let is_top = head.path == MANIFEST;
        // A zip of one repository has one folder; one of many projects is not a package.
        let only = top.get_or_insert_with(|| folder.to_owned()) == folder;
        if is_top || only && rest == MANIFEST && manifest.is_none() {
            manifest = Some((inside(entry, &head.path), text(body, budget)?));
        }
        Ok(Flow::Continue)
    });
    let Some((path, text)) = if_recognised(outcome, manifest)? else { return Ok(()) };
    let Some(mut own) = read(&text, &path, entry.path)? else { return Ok(()) };
    if own.component.version.is_empty() {
        let detail = "neither composer.json nor the file's name tells the version";
        out.skipped.push(skipped(&path, &Problem::invalid(UNRESOLVED, detail)));
    }
    own.is_subject = entry.is_artifact;
    out.components.push(own);
    Ok(())
}

/// None for a manifest without a name, as projects have that are not published.
fn read(text: &str, path: &str, file: &str) -> Result<Option<Occurrence>, Problem> {
    let json = json(text, path)?;
    let Some(name) = json["name"].as_str().filter(|name| name.contains('/')) else { return Ok(None) };
    let version = json["version"].as_str().map(str::to_owned).unwrap_or_else(|| version_in(file).unwrap_or_default());
    let mut found = package(OSV, name, &version, path, SPEC.id)?;
    let licenses = match &json["license"] {
        Value::Array(all) => all.iter().map(Value::as_str).collect(),
        one => vec![one.as_str()],
    };
    found.licenses = licenses.into_iter().filter_map(line).collect();
    found.summary = line(json["description"].as_str());
    let needed = json["require"].as_object().into_iter().flatten();
    found.requires = requirements(needed.filter_map(|(name, range)| Some(format!("{name} {}", range.as_str()?))));
    Ok(Some(found))
}

/// `1.2.3` in `vendor-name-1.2.3.zip` and `v1.2.3` in `v1.2.3.zip`; a commit is no version.
fn version_in(file: &str) -> Option<String> {
    let stem = file.rsplit('/').next()?.strip_suffix(".zip")?;
    let starts = stem.match_indices('-').map(|(at, _)| at + 1).chain([0]);
    let is_version = |text: &str| {
        let bare = text.strip_prefix('v').unwrap_or(text);
        bare.starts_with(|c: char| c.is_ascii_digit())
            && bare.contains('.')
            && bare.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c))
    };
    starts.filter_map(|at| stem.get(at..)).find(|rest| is_version(rest)).map(str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{read, version_in};

    #[test]
    fn versions_in_names_of_files() {
        for (file, version) in [
            ("acme-demo-1.2.3.zip", Some("1.2.3")),
            ("v2.0.0-RC1.zip", Some("v2.0.0-RC1")),
            ("d/acme-php7-polyfill-1.0.zip", Some("1.0")),
            ("acme-demo-0a1b2c3d.zip", None),
            ("demo.zip", None),
        ] {
            assert_eq!(version_in(file).as_deref(), version, "{file}");
        }
    }

    #[test]
    fn a_manifest() {
        let text = r#"{"name":"acme/demo","license":["MIT","GPL-2.0-only"],"require":{"php":">=8","b/c":"^1"}}"#;
        let found = read(text, "composer.json", "x-1.0.0.zip").unwrap().unwrap();
        assert_eq!(found.component.purl, "pkg:composer/acme/demo@1.0.0");
        assert_eq!(found.licenses, ["MIT", "GPL-2.0-only"]);
        assert_eq!(found.requires, ["b/c ^1", "php >=8"]);
        assert!(read(r#"{"require":{}}"#, "p", "x.zip").unwrap().is_none());
        assert!(read("{", "p", "x.zip").is_err());
    }
}
