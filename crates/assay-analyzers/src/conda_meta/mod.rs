//! Conda packages that are installed in an environment: `conda-meta/*.json`.

use assay_archive::Budget;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};

use crate::conda;
use crate::part::text;
use crate::reader::{Reader, json};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "conda-meta",
    revision: 1,
    reads: Reads::Installed,
    summary: "conda-meta of Conda environments: installed packages with build, licence, dependencies",
};

pub(crate) const PART: Reader = Reader { spec: &SPEC, wants: |entry| is_record(entry.path), look };

fn is_record(path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    name.ends_with(".json") && (folder == "conda-meta" || folder.ends_with("/conda-meta"))
}

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let record = json(&text(bytes, budget)?, entry.path)?;
    out.components.push(conda::package(&record, entry.path, SPEC.id)?);
    Ok(())
}
