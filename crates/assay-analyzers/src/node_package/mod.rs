//! Node packages as published: the `package.json` in the top folder of the archive (`.tgz`) that the npm client makes.

use assay_archive::{Budget, Flow, Kind, Limits, Walker};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::node;
use crate::part::{Halt, Part, inside, text};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "node-package",
    revision: 2,
    reads: Reads::Package,
    summary: "package.json of npm's .tgz archives: name, version, licence, dependencies",
};

/// The folder that the npm client packs everything into.
const PACKED: &str = "package";

pub(crate) struct NodePackage;

impl Analyzer for NodePackage {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        entry.path.ends_with(".tgz")
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for NodePackage {
    /// The client strips the first folder whatever its name; it is `package` when npm packed it. An archive that merely
    /// lies somewhere has to have that name to be believed.
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let mut own: Option<Occurrence> = None;
        let outcome = Walker::new(budget).walk(bytes, Kind::Tar, |head, body| {
            let (top, rest) = head.path.split_once('/').unwrap_or(("", ""));
            if !entry.is_artifact && head.is_file() && top != PACKED {
                return Ok(Flow::Stop);
            }
            if head.is_file() && rest == "package.json" {
                own = node::manifest(&text(body, budget)?, &inside(entry, &head.path), SPEC.id)?;
            }
            Ok::<_, Halt>(Flow::Continue)
        });
        match outcome {
            // Then its damage is told when it is opened as an archive.
            Err(_) if !entry.is_artifact && own.is_none() => return Ok(()),
            other => other.map_err(|halt| halt.0)?,
        };
        if let Some(mut own) = own {
            own.is_subject = entry.is_artifact;
            out.components.push(own);
        }
        Ok(())
    }
}
