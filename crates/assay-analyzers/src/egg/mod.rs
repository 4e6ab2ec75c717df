//! Eggs of setuptools: the `EGG-INFO/PKG-INFO` in a `.egg` archive, with the requirements beside it.

use assay_archive::{Budget, Flow, Kind};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};

use crate::part::{corrupt, inside, text};
use crate::python;
use crate::reader::{Reader, members, requirements};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "egg",
    revision: 1,
    reads: Reads::Package,
    summary: "PKG-INFO of Python eggs: name, version, licence, requirements",
};

pub(crate) const PART: Reader = Reader { spec: &SPEC, wants: |entry| entry.path.ends_with(".egg"), look };

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut own = None;
    let mut requires = Vec::new();
    members(bytes, Kind::Zip, budget, |head, body| {
        match head.path.as_str() {
            "EGG-INFO/PKG-INFO" => {
                own = Some(python::parse(&text(body, budget)?, &inside(entry, &head.path), SPEC.id)?)
            }
            "EGG-INFO/requires.txt" => requires = unconditional(&text(body, budget)?),
            _ => {}
        }
        Ok(Flow::Continue)
    })?;
    let mut own = own.ok_or_else(|| corrupt("an egg has an EGG-INFO/PKG-INFO, this one has none"))?;
    if own.requires.is_empty() {
        own.requires = requires;
    }
    own.is_subject = entry.is_artifact;
    out.components.push(own);
    Ok(())
}

/// Sections are of extras and conditions; what comes before the first is always needed.
fn unconditional(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with('['));
    requirements(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned))
}
