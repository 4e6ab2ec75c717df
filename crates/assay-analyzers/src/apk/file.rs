//! Package files (`.apk`): gzip members one after the other, signature, control and content, which are one tar together.
//! Form 2; form 3 (a database of its own) is not read. Android's `.apk` is a zip and none of ours.

use std::io::{Read as _, SeekFrom};

use assay_archive::{Budget, Kind, Limits};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use super::PURL_TYPE;
use crate::part::{Part, UNSUPPORTED, corrupt};
use crate::pkginfo;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "apk-file",
    revision: 1,
    reads: Reads::Package,
    summary: "Alpine package files: name, version, origin, licence, requirements",
};

const GZIP: &[u8] = &[0x1f, 0x8b];
const FORM_3: &[u8] = b"ADB";

/// A package file.
pub(crate) struct ApkFile;

impl Analyzer for ApkFile {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        entry.path.ends_with(".apk")
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for ApkFile {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let unreadable = |error| Problem::internal("a package file cannot be read", error);
        let mut first = Vec::new();
        (&mut *bytes).take(3).read_to_end(&mut first).map_err(unreadable)?;
        bytes.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        if first.starts_with(FORM_3) {
            return Err(Problem::invalid(UNSUPPORTED, "packages of apk-tools 3's own form are not read"));
        }
        if !first.starts_with(GZIP) {
            return Ok(());
        }
        let text = pkginfo::find(bytes, Kind::Gzip, budget)?
            .ok_or_else(|| corrupt("an apk package has a .PKGINFO at its beginning, this one has none"))?;
        let mut found = pkginfo::package(&text, PURL_TYPE, "origin", entry.path, SPEC.id)?;
        found.is_subject = entry.is_artifact;
        out.components.push(found);
        Ok(())
    }
}
