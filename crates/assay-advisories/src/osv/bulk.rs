//! Bulk archives, zips or tars however compressed: one JSON file per record, in any folder. Other entries are passed over.

use super::{MAX_RECORD, Sink, record, too_large};
use crate::{documents, input};
use assay_archive::{ArchiveError, EntryHead, Flow, Kind, Names, Tolerance, Walker};
use assay_model::Problem;
use assay_model::seam::ReadSeek;
use std::io::{Read, SeekFrom};

/// Unpacked bytes of one zip; the largest known has 2 GiB.
const MAX_BYTES: u64 = 64 << 30;
/// The end record with the longest comment.
const END_RECORD: u64 = 22 + 65_535;

/// What can end a walk.
enum Stop {
    Archive(ArchiveError),
    Store(Problem),
}

impl From<ArchiveError> for Stop {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Store(problem)
    }
}

/// Reads every record.
///
/// # Errors
/// `Invalid` when the archive is damaged, `TooLarge` past a limit, and what the store says.
pub(super) fn parse(kind: Kind, file: &mut dyn ReadSeek, sink: &mut Sink<'_>) -> Result<(), Problem> {
    if kind == Kind::Zip {
        sink.total = entries(file).map_err(input::failed)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(input::failed)?;
    let walker = Walker::new(input::limits(MAX_BYTES)).names(Names::Package).tolerance(Tolerance::SkipAndReport);
    let mut visit = |head: &EntryHead, body: &mut dyn Read| {
        if !head.is_file() || !head.path.ends_with(".json") {
            return Ok(Flow::Continue);
        }
        if head.size > MAX_RECORD as u64 {
            sink.bad(&head.path, &too_large(), &[])?;
            return Ok(Flow::Continue);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(head.size).unwrap_or(0));
        body.read_to_end(&mut bytes).map_err(ArchiveError::from)?;
        sink.record(&head.path, &bytes)?;
        Ok::<_, Stop>(Flow::Continue)
    };
    let walked = match kind {
        Kind::Zip => walker.zip(file, &mut visit),
        kind => walker.stream(file, kind, &mut visit),
    };
    let report = walked.map_err(|stop| match stop {
        Stop::Archive(error) => input::refused(error),
        Stop::Store(problem) => problem,
    })?;
    for notice in &report.notices {
        sink.bad(&notice.path, &notice.what, &[])?;
    }
    Ok(())
}

/// How many entries the zip says it has, for progress only; `None` where the number does not fit the classic record.
fn entries(file: &mut dyn ReadSeek) -> std::io::Result<Option<u64>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(END_RECORD)))?;
    let mut tail = Vec::new();
    Read::take(&mut *file, END_RECORD).read_to_end(&mut tail)?;
    let end = tail.windows(12).rposition(|window| window.starts_with(b"PK\x05\x06"));
    let count = end.map(|at| u64::from(u16::from_le_bytes([tail[at + 10], tail[at + 11]])));
    Ok(count.filter(|count| *count != u64::from(u16::MAX)))
}

/// Whether the archive that begins with `head` holds records, judged by its first entry. A zip with the name of the bulk
/// layout may be empty or begin with a folder.
pub(super) fn looks_like_records(name: &str, head: &[u8]) -> bool {
    let by_name = super::is_export(name);
    match documents::first_entry(head) {
        Some((entry, _)) if entry.is_empty() || entry.ends_with(b"/") => by_name,
        Some((entry, _)) if !entry.ends_with(b".json") => false,
        Some((_, content)) if content.is_empty() => by_name,
        Some((_, content)) => record::begins_one(&content),
        None => by_name,
    }
}
