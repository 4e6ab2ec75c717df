//! The operating system's release: `os-release` (freedesktop.org), what distributions had before it, and what says more
//! than it: the exact release, the repositories that packages come from, a subscription.
//!
//! Lives here: reading each file. Which of several counts is decided in `release.rs`.

mod forms;

use assay_archive::{Budget, Limits};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::part::{Part, corrupt, text};
use crate::release;
use forms::Said;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "os-release",
    revision: 2,
    reads: Reads::System,
    summary: "os-release, the distributions' own release files, apk repositories, Ubuntu's subscription: distribution and release",
};

pub(crate) struct OsReleaseFile;

impl Analyzer for OsReleaseFile {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        release::PATHS.contains(&entry.path)
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for OsReleaseFile {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let text = text(bytes, budget)?;
        match forms::read(entry.path, &text) {
            Said::Release(found) => {
                out.releases.retain(|known| known.path != found.path);
                out.releases.push(found);
                out.os = release::decide(&out.releases);
                Ok(())
            }
            Said::Nothing => Ok(()),
            Said::Unclear => Err(corrupt(format!("{} names no operating system", entry.path))),
        }
    }
}
