//! Composer projects: `composer.lock`, with `composer.json`, which says what the project itself asks for.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::Relationship;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::lines::{Json, Value};
use crate::locked::{self, Locked, Together, file_name, sorted};
use crate::part::{Gathered, line};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "composer",
    revision: 1,
    reads: Reads::Project,
    summary: "`composer.lock` with `composer.json`: packages, their licences and graph, what is for development",
};

const ECOSYSTEM: &str = "Packagist";
const LOCK: &str = "composer.lock";
const MANIFEST: &str = "composer.json";

pub(crate) const PART: Together = Together { spec: &SPEC, wants, conclude };

/// Installed packages bring their own manifests along, which are not the project's.
fn wants(path: &str) -> bool {
    matches!(file_name(path), LOCK | MANIFEST) && !path.split('/').any(|folder| folder == "vendor")
}

fn conclude(files: &Gathered, out: &mut Inventory) {
    locked::each(&SPEC, ECOSYSTEM, files.read_as(LOCK), out, |text, found| {
        let manifest = files.beside(found.path, MANIFEST).map(String::from_utf8_lossy);
        read(text, manifest.as_deref(), found)
    });
}

fn read(text: &str, manifest: Option<&str>, found: &mut Locked<'_>) -> Result<(), Problem> {
    let lock = Json::parse(text)?;
    let lists = [("packages", false), ("packages-dev", true)];
    let packages = || {
        lists.iter().flat_map(|(key, dev)| lock.get(key).map_or(&[][..], Json::items).iter().map(|item| (item, *dev)))
    };
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for (package, _) in packages() {
        if let (Some(name), Some(version)) = (package.text("name"), package.text("version")) {
            ids.entry(name.to_lowercase()).or_insert_with(|| format!("{name}@{version}"));
        }
    }
    for (package, dev) in packages() {
        let (Some(name), Some(version)) = (package.text("name"), package.text("version")) else {
            found.refuse();
            continue;
        };
        let Some(mut entry) = found.entry(name, version) else { continue };
        let wanted = package.entries_of("require").iter().map(|(name, _)| name.to_lowercase());
        entry.id = format!("{name}@{version}");
        entry.depends_on = sorted(wanted.filter_map(|name| ids.get(&name).cloned()).collect());
        entry.dev = dev;
        entry.lines = vec![package.lines];
        entry.licenses = licenses(package.get("license"));
        entry.digest = package.at(&["dist", "shasum"]).and_then(Json::as_str).and_then(sha1);
        found.add(entry);
    }
    if let Some(manifest) = manifest {
        match Json::parse(manifest) {
            Ok(manifest) => relate(&manifest, &ids, found),
            Err(problem) => found.trouble(&problem),
        }
    }
    Ok(())
}

fn relate(manifest: &Json<'_>, ids: &BTreeMap<String, String>, found: &mut Locked<'_>) {
    let asked = ["require", "require-dev"].into_iter().flat_map(|key| manifest.entries_of(key));
    let direct: BTreeSet<&String> = asked.filter_map(|(name, _)| ids.get(&name.to_lowercase())).collect();
    for entry in found.entries() {
        let is_direct = direct.contains(&entry.id);
        entry.relationship = if is_direct { Relationship::Direct } else { Relationship::Indirect };
    }
}

/// One text, or several of which one may be chosen.
fn licenses(json: Option<&Json<'_>>) -> Vec<String> {
    match json.map(|json| &json.value) {
        Some(Value::Text(one)) => line(Some(one)).into_iter().collect(),
        Some(Value::List(all)) => all.iter().filter_map(|one| line(one.as_str())).collect(),
        _ => Vec::new(),
    }
}

fn sha1(sum: &str) -> Option<String> {
    let sane = sum.len() == 40 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    sane.then(|| format!("sha1:{sum}"))
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, lines, survives_damage, tree};
    use assay_model::component::Relationship::{Direct, Indirect, Unknown};

    const LOCK: &str = r#"{
  "packages": [
    {
      "name": "Vendor/One", "version": "v1.2.0",
      "require": {"php": "^8", "ext-json": "*", "vendor/two": "^2", "gone/away": "*"},
      "license": ["MIT", "GPL-2.0-or-later"],
      "dist": {"shasum": "0123456789012345678901234567890123456789"}
    },
    {"name": "vendor/two", "version": "2.0.0", "license": "Apache-2.0", "dist": {"shasum": ""}}
  ],
  "packages-dev": [
    {"name": "vendor/tester", "version": "dev-main"},
    {"name": "nameless"}
  ]
}"#;
    const MANIFEST: &str = r#"{"require": {"vendor/one": "^1"}, "require-dev": {"vendor/tester": "*"}}"#;

    #[test]
    fn a_project() {
        let out = tree(&PART, &[("a/composer.lock", LOCK), ("a/composer.json", MANIFEST)]);
        let one = by_id(&out, "Vendor/One@v1.2.0");
        assert_eq!(one.component.purl, "pkg:composer/vendor/one@v1.2.0");
        assert_eq!((&*one.component.namespace, &*one.component.name), ("vendor", "One"));
        assert_eq!(one.component.match_name, "vendor/one");
        assert_eq!(one.depends_on, ["vendor/two@2.0.0"]);
        assert_eq!(one.licenses, ["MIT", "GPL-2.0-or-later"]);
        assert_eq!(one.digest.as_deref(), Some("sha1:0123456789012345678901234567890123456789"));
        assert_eq!((one.relationship, one.dev, lines(one)), (Direct, false, vec![(3, 8)]));
        let two = by_id(&out, "vendor/two@2.0.0");
        assert_eq!((two.relationship, two.dev, lines(two)), (Indirect, false, vec![(9, 9)]));
        let tester = by_id(&out, "vendor/tester@dev-main");
        assert_eq!((tester.relationship, tester.dev), (Direct, true));
        assert_eq!(out.skipped.len(), 1, "the entry without version is told");
    }

    #[test]
    fn a_lock_alone_and_one_below_vendor() {
        let out = tree(&PART, &[("composer.lock", LOCK), ("vendor/x/composer.lock", LOCK)]);
        assert_eq!(out.components.len(), 3);
        assert!(out.components.iter().all(|found| found.relationship == Unknown));
        assert_eq!(tree(&PART, &[("composer.lock", "[")]).skipped[0].reason, "corrupt");
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("composer.lock", LOCK), ("composer.json", MANIFEST)]);
    }
}
