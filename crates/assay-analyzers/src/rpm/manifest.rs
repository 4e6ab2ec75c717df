//! `var/lib/rpmmanifest/container-manifest-2`: what rpm was asked when an image was made that has no rpm itself.
//!
//! One package a line, fields between tabs: name, version-release, times of installation and build, vendor, epoch, size,
//! architecture, epoch as a number, source package.

use assay_archive::{Budget, Limits};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use super::package::Fields;
use crate::component::set;
use crate::part::{Part, corrupt, field, line, text};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "rpm-manifest",
    revision: 1,
    reads: Reads::System,
    summary: "the list of rpm packages in images without rpm (Azure Linux, CBL-Mariner)",
};

const PATH: &str = "var/lib/rpmmanifest/container-manifest-2";
const FIELDS: usize = 10;

/// The list of packages.
pub(crate) struct RpmManifest;

impl Analyzer for RpmManifest {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        entry.path == PATH
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for RpmManifest {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let text = text(bytes, budget)?;
        let mut bad = 0;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match package(line, entry.path) {
                Some(found) => out.components.push(found),
                None => bad += 1,
            }
        }
        match bad {
            0 => Ok(()),
            bad => Err(corrupt(format!("{bad} lines of {} name no package", entry.path))),
        }
    }
}

fn package(text: &str, path: &str) -> Option<Occurrence> {
    let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
    let [name, version, _, _, vendor, _, _, architecture, epoch, source_rpm] =
        <[&str; FIELDS]>::try_from(fields).ok()?;
    let name = field(Some(name))?;
    let (version, release) = version.rsplit_once('-').unwrap_or((version, ""));
    let told = |value: &str| field(Some(value)).filter(|value| value != "(none)").unwrap_or_default();
    let fields = Fields {
        name: &name,
        version: &field(Some(version))?,
        release: &told(release),
        epoch: &told(epoch),
        architecture: &told(architecture),
        source_rpm,
    };
    let mut found = fields.occurrence(path, SPEC.id)?;
    set(&mut found, "maintainer", &line(Some(vendor)).filter(|vendor| vendor != "(none)").unwrap_or_default());
    Some(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::package;

    #[test]
    fn a_line_is_a_package() {
        let line = "openssl-libs\t1.1.1k-15.cm2\t1653816591\t1653753130\tMicrosoft Corporation\t(none)\t580\tx86_64\t0\topenssl-1.1.1k-15.cm2.src.rpm";
        let found = package(line, "p").unwrap();
        assert_eq!(
            found.component.purl,
            "pkg:rpm/openssl-libs@1.1.1k-15.cm2?arch=x86_64&upstream=openssl-1.1.1k-15.cm2.src.rpm"
        );
        assert_eq!(found.source(), ("openssl", "1.1.1k-15.cm2"));
        assert_eq!(found.property("maintainer"), Some("Microsoft Corporation"));
        assert_eq!(found.id, "openssl-libs@1.1.1k-15.cm2.x86_64");
        assert!(package("a\tb", "p").is_none());
        assert!(package(&line.replace("openssl-libs", ""), "p").is_none());
    }
}
