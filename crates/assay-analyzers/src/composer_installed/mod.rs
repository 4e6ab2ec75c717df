//! PHP packages that Composer installed: `vendor/composer/installed.json`, of Composer 1 (a list) and 2 (an object).

use std::collections::BTreeSet;

use assay_archive::Budget;
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};
use serde_json::Value;

use crate::part::{corrupt, line, skipped, text};
use crate::reader::{Reader, json, package, requirements};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "composer-installed",
    revision: 1,
    reads: Reads::Installed,
    summary: "installed.json of PHP's Composer: installed packages, licences, how they depend on each other",
};

const OSV: &str = "Packagist";

pub(crate) const PART: Reader = Reader { spec: &SPEC, wants: |entry| is_one(entry.path), look };

fn is_one(path: &str) -> bool {
    path == "installed.json" || path.ends_with("composer/installed.json")
}

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let json = json(&text(bytes, budget)?, entry.path)?;
    let packages = json.as_array().or_else(|| json["packages"].as_array());
    let packages = packages.ok_or_else(|| corrupt(format!("{} lists no packages", entry.path)))?;
    let names = json["dev-package-names"].as_array().into_iter().flatten();
    let dev: BTreeSet<&str> = names.filter_map(Value::as_str).collect();
    let mut all = Vec::new();
    for stated in packages {
        match one(stated, entry.path) {
            Ok(mut found) => {
                found.dev = stated["name"].as_str().is_some_and(|name| dev.contains(name));
                all.push((found, stated));
            }
            Err(problem) => out.skipped.push(skipped(entry.path, &problem)),
        }
    }
    let ids: Vec<(String, String)> = all
        .iter()
        .map(|(found, stated)| (stated["name"].as_str().unwrap_or_default().to_lowercase(), found.id.clone()))
        .collect();
    for (found, stated) in &mut all {
        let needed = stated["require"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase());
        let needed: BTreeSet<String> = needed.collect();
        found.depends_on = ids.iter().filter(|(name, _)| needed.contains(name)).map(|(_, id)| id.clone()).collect();
        found.depends_on.sort();
    }
    out.components.extend(all.into_iter().map(|(found, _)| found));
    Ok(())
}

fn one(stated: &Value, path: &str) -> Result<Occurrence, Problem> {
    let text = |key: &str| stated[key].as_str().unwrap_or_default();
    let mut found = package(OSV, text("name"), text("version"), path, SPEC.id)?;
    let licenses = match &stated["license"] {
        Value::Array(all) => all.iter().map(Value::as_str).collect(),
        one => vec![one.as_str()],
    };
    found.licenses = licenses.into_iter().filter_map(line).collect();
    found.summary = line(stated["description"].as_str());
    let needed = stated["require"].as_object().into_iter().flatten();
    found.requires = requirements(needed.filter_map(|(name, range)| Some(format!("{name} {}", range.as_str()?))));
    Ok(found)
}
