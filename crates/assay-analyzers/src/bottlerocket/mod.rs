//! Bottlerocket's inventory, `usr/share/bottlerocket/application-inventory.json`: the system has no package manager, and its
//! packages, built as rpms, are listed there.

use assay_archive::{Budget, Limits};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};
use serde_json::Value;

use crate::component::{OsPackage, set};
use crate::part::{Part, corrupt, field, line, text};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "bottlerocket",
    revision: 1,
    reads: Reads::System,
    summary: "application-inventory.json of Bottlerocket: packages of the system",
};

const PURL_TYPE: &str = "rpm";
const PATH: &str = "usr/share/bottlerocket/application-inventory.json";

/// The inventory; in images it may lie below the root of the build.
pub(crate) struct Bottlerocket;

impl Analyzer for Bottlerocket {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        entry.path.strip_suffix(PATH).is_some_and(|above| above.is_empty() || above.ends_with("/sys-root/"))
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for Bottlerocket {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let document: Value = serde_json::from_str(&text(bytes, budget)?)
            .map_err(|error| corrupt(format!("{} is no JSON: {error}", entry.path)))?;
        let content =
            document["Content"].as_array().ok_or_else(|| corrupt(format!("{} has no Content", entry.path)))?;
        let mut bad = 0;
        for item in content {
            match package(item, entry.path) {
                Some(found) => out.components.push(found),
                None => bad += 1,
            }
        }
        match bad {
            0 => Ok(()),
            bad => Err(corrupt(format!("{bad} packages of {} have no usable name or version", entry.path))),
        }
    }
}

fn package(item: &Value, path: &str) -> Option<Occurrence> {
    let get = |key: &str| field(item[key].as_str());
    let name = get("Name")?;
    let bare = match get("Release") {
        Some(release) => format!("{}-{release}", get("Version")?),
        None => get("Version")?,
    };
    let version = match get("Epoch").filter(|epoch| epoch != "0") {
        Some(epoch) => format!("{epoch}:{bare}"),
        None => bare.clone(),
    };
    let package = OsPackage {
        purl_type: PURL_TYPE,
        name: &name,
        version: &version,
        architecture: &get("Architecture").unwrap_or_default(),
        source: &name,
        source_version: &version,
    };
    let mut found = package.occurrence(path, SPEC.id).ok()?;
    found.id = format!("{name}@{bare}");
    found.summary = line(item["Summary"].as_str());
    set(&mut found, "maintainer", &line(item["Publisher"].as_str()).unwrap_or_default());
    Some(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Bottlerocket, PATH};
    use assay_model::inventory::Inventory;
    use assay_model::seam::analyzer::{Analyzer, Entry};
    use std::io::Cursor;

    fn read(text: &str) -> (bool, Inventory) {
        let mut out = Inventory::default();
        let entry = Entry { path: PATH, ..Entry::default() };
        assert!(Bottlerocket.wants(&entry));
        (Bottlerocket.analyze(&entry, &mut Cursor::new(text), &mut out).is_ok(), out)
    }

    #[test]
    fn the_inventory_lists_packages() {
        let (fine, out) = read(
            r#"{"Content":[
                {"Name":"acpid","Publisher":"Bottlerocket","Architecture":"x86_64","Version":"2.0.34","Release":"1","Epoch":"2"},
                {"Name":"glibc","Architecture":"x86_64","Version":"2.38","Release":"1"}]}"#,
        );
        assert!(fine);
        assert_eq!(out.components[0].component.purl, "pkg:rpm/acpid@2.0.34-1?arch=x86_64&epoch=2");
        assert_eq!(out.components[1].id, "glibc@2.38-1");
        assert!(!read("{}").0 && !read("no").0 && !read(r#"{"Content":[{"Name":"a"}]}"#).0);
    }
}
