//! Wheels (PEP 427): the `.dist-info/METADATA` inside a `.whl`, and those of packages that it carries along.

use assay_archive::{Budget, EntryHead, Flow, Limits, Walker};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::part::{Halt, Part, corrupt, text};
use crate::python;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "wheel",
    revision: 1,
    reads: Reads::Package,
    summary: "METADATA of Python wheels: name, version, licence, requirements; vendored distributions inside",
};

pub(crate) struct Wheel;

impl Analyzer for Wheel {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        entry.path.ends_with(".whl")
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for Wheel {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let mut own: Vec<Occurrence> = Vec::new();
        let mut carried = Vec::new();
        let report = Walker::new(budget)
            .zip(bytes, |head, body| {
                if let Some(level) = metadata_level(head) {
                    let path =
                        if entry.is_artifact { head.path.clone() } else { format!("{}/{}", entry.path, head.path) };
                    let found = python::parse(&text(body, budget)?, &path, SPEC.id)?;
                    if level == 1 { own.push(found) } else { carried.push(found) }
                }
                Ok::<_, Halt>(Flow::Continue)
            })
            .map_err(|halt| halt.0)?;
        let [mut own] = <[Occurrence; 1]>::try_from(own).map_err(|own| {
            corrupt(format!("a wheel has one .dist-info/METADATA at its top, this one has {}", own.len()))
        })?;
        own.is_subject = entry.is_artifact;
        out.files_seen += report.entries;
        out.components.push(own);
        out.components.extend(carried);
        Ok(())
    }
}

/// How many directories deep a metadata file lies.
fn metadata_level(head: &EntryHead) -> Option<usize> {
    let is_metadata = head.is_file() && head.path.ends_with(".dist-info/METADATA");
    is_metadata.then(|| head.path.matches('/').count())
}
