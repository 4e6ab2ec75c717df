//! Files that hold many documents: an archive (zip, or a tar however compressed) with a document in each entry, or one
//! document by itself, plain or compressed.

use crate::input;
use assay_archive::{ArchiveError, Flow, Kind, Names, Tolerance, Walker, sniff};
use assay_model::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::source::Intel;
use flate2::read::DeflateDecoder;
use std::io::{Read, SeekFrom};

/// Unpacked bytes of one file.
const MAX_BYTES: u64 = 64 << 30;
/// Enough to see what a compressed tar begins with.
const HEAD_BYTES: u64 = 16 << 10;

/// What reads a file of many documents.
pub(crate) struct Reader<'a> {
    /// Source for records that are set aside.
    pub(crate) source: &'static str,
    /// Largest document, in bytes; a larger one is set aside.
    pub(crate) largest: usize,
    /// Whether an entry of an archive is a document, by its path.
    pub(crate) is_document: &'a dyn Fn(&str) -> bool,
}

/// Takes a document: its name, its bytes, and where facts go.
pub(crate) type Each<'a> = dyn FnMut(&str, &[u8], &mut dyn Intel) -> Result<(), Problem> + 'a;

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

/// The kind of archive that the beginning of a file is one of: after decompression where it is a compressed tar.
pub(crate) fn archive(head: &[u8]) -> Option<Kind> {
    match sniff(head)? {
        kind @ (Kind::Zip | Kind::Tar) => Some(kind),
        kind if kind.is_compression() => (sniff(&input::peek(head)) == Some(Kind::Tar)).then_some(kind),
        _ => None,
    }
}

/// The same of a whole file, which is left at its beginning.
///
/// # Errors
/// `Internal` when it cannot be read.
pub(crate) fn kind(file: &mut dyn ReadSeek) -> Result<Option<Kind>, Problem> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(input::failed)?;
    Read::take(&mut *file, HEAD_BYTES).read_to_end(&mut head).map_err(input::failed)?;
    file.seek(SeekFrom::Start(0)).map_err(input::failed)?;
    Ok(archive(&head))
}

impl Reader<'_> {
    /// Hands every document to `read`, with its name.
    ///
    /// # Errors
    /// `Invalid` when the archive is damaged, `TooLarge` past a limit, and what `read` says.
    pub(crate) fn each(
        &self,
        name: &str,
        file: &mut dyn ReadSeek,
        out: &mut dyn Intel,
        read: &mut Each<'_>,
    ) -> Result<(), Problem> {
        match kind(file)? {
            Some(kind) => self.entries(kind, file, out, read),
            None => self.single(name, file, out, read),
        }
    }

    fn single(
        &self,
        name: &str,
        file: &mut dyn ReadSeek,
        out: &mut dyn Intel,
        read: &mut Each<'_>,
    ) -> Result<(), Problem> {
        let mut bytes = Vec::new();
        let mut content = input::open(file, MAX_BYTES)?;
        Read::take(&mut content, self.largest as u64 + 1).read_to_end(&mut bytes).map_err(input::failed)?;
        drop(content);
        if bytes.len() > self.largest { self.too_large(name, out) } else { read(name, &bytes, out) }
    }

    fn entries(
        &self,
        kind: Kind,
        file: &mut dyn ReadSeek,
        out: &mut dyn Intel,
        read: &mut Each<'_>,
    ) -> Result<(), Problem> {
        let walker = Walker::new(input::limits(MAX_BYTES)).names(Names::Package).tolerance(Tolerance::SkipAndReport);
        let mut documents = 0_u64;
        let mut visit = |head: &assay_archive::EntryHead, body: &mut dyn Read| {
            if !head.is_file() || !(self.is_document)(&head.path) {
                return Ok(Flow::Continue);
            }
            documents += 1;
            out.progress(documents, None);
            if head.size > self.largest as u64 {
                self.too_large(&head.path, out)?;
                return Ok(Flow::Continue);
            }
            let mut bytes = Vec::with_capacity(usize::try_from(head.size).unwrap_or(0));
            body.read_to_end(&mut bytes).map_err(ArchiveError::from)?;
            read(&head.path, &bytes, out)?;
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
        report.notices.iter().try_for_each(|notice| out.bad(self.source, &notice.path, &notice.what, &[]))
    }

    fn too_large(&self, name: &str, out: &mut dyn Intel) -> Result<(), Problem> {
        out.bad(self.source, name, &format!("the document is larger than {} MiB", self.largest >> 20), &[])
    }
}

/// Name and beginning of the content of the first entry of an archive. `None` when the head does not reach so far.
pub(crate) fn first_entry(head: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    match archive(head)? {
        Kind::Zip => first_of_zip(head),
        kind => first_of_tar(head, kind),
    }
}

/// APPNOTE 4.3.7.
fn first_of_zip(head: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let fixed = head.get(..30).filter(|fixed| fixed.starts_with(b"PK\x03\x04"))?;
    let u16_at = |at: usize| Some(usize::from(u16::from_le_bytes([*fixed.get(at)?, *fixed.get(at + 1)?])));
    let (method, name_length, extra_length) = (u16_at(8)?, u16_at(26)?, u16_at(28)?);
    let name = head.get(30..30 + name_length)?;
    let packed = head.get(30 + name_length + extra_length..).unwrap_or_default();
    let mut content = Vec::new();
    match method {
        0 => content.extend_from_slice(packed),
        8 => input::read_what_there_is(DeflateDecoder::new(packed), &mut content),
        _ => {}
    }
    Some((name.to_vec(), content))
}

fn first_of_tar(head: &[u8], kind: Kind) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut first = None;
    let walker = Walker::new(input::limits(1 << 20)).names(Names::Package).tolerance(Tolerance::SkipAndReport);
    // The walk ends where the head does, at the latest; what was seen until then is all that is asked for.
    let _ = walker.stream(head, kind, |entry, body| {
        if !entry.is_file() {
            return Ok::<_, ArchiveError>(Flow::Continue);
        }
        let mut content = Vec::new();
        input::read_what_there_is(body, &mut content);
        first = Some((entry.path.clone().into_bytes(), content));
        Ok(Flow::Stop)
    });
    first
}
