//! Wheels (PEP 427): the `.dist-info/METADATA` inside a `.whl`.

use assay_archive::{Budget, EntryHead, Flow, Limits, Walker};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::part::{Halt, Part, corrupt, inside, text};
use crate::python;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "wheel",
    revision: 2,
    reads: Reads::Package,
    summary: "METADATA of Python wheels: name, version, licence, requirements",
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
        Walker::new(budget)
            .zip(bytes, |head, body| {
                if is_own_metadata(head) {
                    own.push(python::parse(&text(body, budget)?, &inside(entry, &head.path), SPEC.id)?);
                }
                Ok::<_, Halt>(Flow::Continue)
            })
            .map_err(|halt| halt.0)?;
        let [mut own] = <[Occurrence; 1]>::try_from(own).map_err(|own| {
            corrupt(format!("a wheel has one .dist-info/METADATA at its top, this one has {}", own.len()))
        })?;
        own.is_subject = entry.is_artifact;
        out.components.push(own);
        Ok(())
    }
}

/// Deeper ones are of distributions that it carries along, which are read as what they are.
fn is_own_metadata(head: &EntryHead) -> bool {
    head.is_file() && head.path.ends_with(".dist-info/METADATA") && head.path.matches('/').count() == 1
}
