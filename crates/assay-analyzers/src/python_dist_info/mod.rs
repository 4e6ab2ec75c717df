//! Python packages installed in a file system: `*.dist-info/METADATA`, `*.egg-info/PKG-INFO`, and `*.egg-info` files.

use assay_archive::{Budget, Limits};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::part::{Part, text};
use crate::python;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "python-dist-info",
    revision: 1,
    reads: Reads::Installed,
    summary: "installed Python packages: METADATA of .dist-info, PKG-INFO of .egg-info",
};

pub(crate) struct PythonDistInfo;

impl Analyzer for PythonDistInfo {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        let path = entry.path;
        path.ends_with(".dist-info/METADATA")
            || path.ends_with(".egg-info/PKG-INFO")
            || path.ends_with("EGG-INFO/PKG-INFO")
            || path.ends_with(".egg-info")
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for PythonDistInfo {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        out.components.push(python::parse(&text(bytes, budget)?, entry.path, SPEC.id)?);
        Ok(())
    }
}
