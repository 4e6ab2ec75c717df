//! Archives inside: told by their first bytes, opened with what is left of the budget, their files offered like others.
//!
//! A damaged or forbidden part ends the look into that archive, is told as skipped, and leaves the rest alone.

use std::io::{Cursor, Read, SeekFrom};

use assay_archive::{
    Budget, EntryHead, EntryKind, Flow, Kind, Names, Report, SNIFF_BYTES, Tolerance, Walker, decompress, sniff,
};
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Entry, Reads};

use super::collector::Collector;
use super::place::Place;
use crate::part::{Halt, Part, problem, skipped};

/// Files that may begin with a script that runs what follows it.
const SELF_EXECUTING: [&str; 6] = [".jar", ".war", ".ear", ".par", ".pex", ".pyz"];

const AR_MAGIC: usize = 8;
/// The first member of a Debian package.
const DEBIAN: &[u8] = b"debian-binary";

/// What a file can be opened as.
pub(super) fn kind_of(entry: &Entry<'_>) -> Option<Kind> {
    let kind = match sniff(entry.head) {
        // Libraries to link with are of this kind, too, and hold compiled code with odd names.
        Some(Kind::Ar) if !entry.head.get(AR_MAGIC..).is_some_and(|first| first.starts_with(DEBIAN)) => return None,
        kind => kind,
    };
    kind.or_else(|| {
        let runs = entry.head.starts_with(b"#!") && SELF_EXECUTING.iter().any(|suffix| entry.path.ends_with(suffix));
        runs.then_some(Kind::Zip)
    })
}

impl Collector<'_> {
    /// Offers what is in the archive at `path`; everything but a zip is only read front to back.
    pub(super) fn open(
        &mut self,
        path: &str,
        kind: Kind,
        bytes: &mut dyn ReadSeek,
        is_package: bool,
        place: &Place,
    ) -> Result<(), Halt> {
        let budget = match self.deeper(path, place) {
            Some(budget) => budget,
            None => return Ok(()),
        };
        let inner = place.inside(path, is_package, budget);
        let outcome = match kind {
            Kind::Zip => self.zip(bytes, &inner),
            _ => self.stream(path, bytes, &inner),
        };
        self.told(path, outcome)
    }

    /// Offers what is in a package file that does not begin with an archive, if its analyzer knows where one begins.
    pub(super) fn open_payload(
        &mut self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        place: &Place,
    ) -> Result<(), Halt> {
        let kit = self.kit;
        let is_of = |part: &&dyn Part| part.spec().reads == Reads::Package && part.wants(entry);
        for part in kit.parts.iter().map(AsRef::as_ref).filter(is_of) {
            match part.payload(bytes) {
                Ok(Some(at)) => {
                    bytes.seek(SeekFrom::Start(at)).map_err(assay_archive::ArchiveError::from)?;
                    return self.open(entry.path, Kind::Cpio, bytes, true, place);
                }
                Ok(None) => {}
                Err(problem) => self.add_skipped(skipped(entry.path, &problem)),
            }
        }
        Ok(())
    }

    /// Like `open`, for an archive that need not be kept to be read. Not for a zip.
    pub(super) fn open_passing(&mut self, path: &str, body: &mut dyn Read, place: &Place) -> Result<(), Halt> {
        let budget = match self.deeper(path, place) {
            Some(budget) => budget,
            None => return Ok(()),
        };
        let inner = place.inside(path, false, budget);
        let outcome = self.stream(path, body, &inner);
        self.told(path, outcome)
    }

    /// The budget of an archive inside. The artifact itself is the first level.
    fn deeper(&mut self, path: &str, place: &Place) -> Option<Budget> {
        if place.is_artifact {
            return Some(place.budget.clone());
        }
        match place.budget.nested() {
            Ok(budget) => Some(budget),
            Err(error) => {
                self.add_skipped(skipped(path, &problem(error)));
                None
            }
        }
    }

    fn told(&mut self, path: &str, outcome: Result<(), Halt>) -> Result<(), Halt> {
        match outcome {
            Err(Halt(failed)) if failed.kind != assay_model::Kind::Internal => {
                self.add_skipped(skipped(path, &failed));
                Ok(())
            }
            other => other,
        }
    }

    fn zip(&mut self, bytes: &mut dyn ReadSeek, inner: &Place) -> Result<(), Halt> {
        let walker = Walker::new(&inner.budget).tolerance(Tolerance::SkipAndReport);
        let report = walker.zip(bytes, |head, body| {
            self.offer(head, body, inner)?;
            Ok::<_, Halt>(Flow::Continue)
        })?;
        self.take_notices(&report, &inner.prefix);
        Ok(())
    }

    /// A tar, ar or cpio, compressed or not; or one compressed file.
    fn stream(&mut self, path: &str, body: &mut dyn Read, inner: &Place) -> Result<(), Halt> {
        let mut opened = decompress(body, &inner.budget)?;
        let mut first = Vec::new();
        (&mut opened).take(SNIFF_BYTES as u64).read_to_end(&mut first).map_err(assay_archive::ArchiveError::from)?;
        let kind = sniff(&first);
        let mut content: Box<dyn Read + '_> = Box::new(Cursor::new(first).chain(opened));
        match kind {
            Some(kind @ (Kind::Tar | Kind::Ar | Kind::Cpio)) => {
                let report = self.walk(&mut *content, kind, inner)?;
                self.take_notices(&report, &inner.prefix);
                Ok(())
            }
            _ => {
                let head = EntryHead { path: unpacked_name(path), kind: EntryKind::File, size: 0, mode: 0 };
                self.offer(&head, &mut *content, inner)
            }
        }
    }

    fn walk(&mut self, content: &mut dyn Read, kind: Kind, inner: &Place) -> Result<Report, Halt> {
        let walker = Walker::new(&inner.budget).names(Names::Layer).tolerance(Tolerance::SkipAndReport);
        walker.stream(content, kind, |head, body| {
            self.offer(head, body, inner)?;
            Ok::<_, Halt>(Flow::Continue)
        })
    }
}

/// The name of the one file in a compressed file: `notes.txt` in `notes.txt.gz`.
fn unpacked_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
    if stem.is_empty() { "content".to_owned() } else { stem.to_owned() }
}

/// The first bytes of a file, where its name does not rule out that it is an archive or an executable.
pub(super) fn first_bytes(head: &EntryHead, body: &mut dyn Read) -> Result<Vec<u8>, Problem> {
    let mut first = Vec::new();
    if head.kind == EntryKind::File && !is_telling(head.file_name()) {
        let read = body.take(SNIFF_BYTES as u64).read_to_end(&mut first);
        read.map_err(|error| problem(error.into()))?;
    }
    Ok(first)
}

/// Names of sources and pictures, of which trees are full: opening each of them to see that it is what it says is most of
/// the work in a zip of classes.
fn is_telling(name: &str) -> bool {
    const TELLING: [&str; 26] = [
        "c", "cc", "class", "cpp", "css", "go", "gif", "h", "hpp", "html", "java", "jpg", "js", "kt", "map", "md",
        "mo", "php", "po", "png", "py", "pyc", "rb", "rs", "svg", "ts",
    ];
    name.rsplit_once('.').is_some_and(|(_, suffix)| TELLING.contains(&suffix))
}
