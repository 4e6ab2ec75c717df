//! Package files (`.pkg.tar.zst` and the like): a compressed tar with `.PKGINFO` at its beginning.

use assay_archive::{Budget, Kind, Limits};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use super::PURL_TYPE;
use crate::part::{Part, corrupt};
use crate::pkginfo;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "pacman-file",
    revision: 1,
    reads: Reads::Package,
    summary: "Arch Linux package files: name, version, base package, licence, requirements",
};

const KINDS: [(&str, Kind); 5] = [
    (".pkg.tar.zst", Kind::Zstd),
    (".pkg.tar.xz", Kind::Xz),
    (".pkg.tar.gz", Kind::Gzip),
    (".pkg.tar.bz2", Kind::Bzip2),
    (".pkg.tar", Kind::Tar),
];

/// A package file.
pub(crate) struct PacmanFile;

impl Analyzer for PacmanFile {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        KINDS.iter().any(|(suffix, _)| entry.path.ends_with(suffix))
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for PacmanFile {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let kind = KINDS.iter().find(|(suffix, _)| entry.path.ends_with(suffix)).map_or(Kind::Tar, |(_, kind)| *kind);
        let text = pkginfo::find(bytes, kind, budget)?
            .ok_or_else(|| corrupt("the package has a .PKGINFO at its beginning, this one has none"))?;
        let mut found = pkginfo::package(&text, PURL_TYPE, "pkgbase", entry.path, SPEC.id)?;
        found.is_subject = entry.is_artifact;
        out.components.push(found);
        Ok(())
    }
}
