//! The one walk over all containers: what a visitor sees, and the checks every entry passes first.

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use crate::decompress::{Decompressed, decompress};
use crate::error::ArchiveError;
use crate::limits::{Budget, LimitKind};
use crate::names::{Names, link_target, normalise};
use crate::sniff::{Kind, SNIFF_BYTES, sniff};
use crate::{ar, cpio, tar, zip};

/// How many notices a report keeps; the rest is only counted.
const NOTICES: usize = 100;

/// One entry, before its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryHead {
    /// Normalised: relative, `/` between parts, no `.` or `..`. Bytes that are not UTF-8 are replaced.
    pub path: String,
    pub kind: EntryKind,
    /// Unpacked bytes, as declared; the body never yields more.
    pub size: u64,
    /// Unix permission bits, zero where the container has none.
    pub mode: u32,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Dir,
    /// With its target as stored; never followed.
    Symlink(String),
    /// With the normalised path of the entry that it repeats.
    Hardlink(String),
    /// Devices, pipes and the like.
    Other,
}

impl EntryHead {
    /// The last part of the path.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Continue,
    Stop,
}

/// What to do about an entry that breaks a rule without breaking the container: an unsafe path, a doubled name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tolerance {
    /// The walk ends with the error.
    #[default]
    Reject,
    /// An unsafe or encrypted entry is left out, a doubled one is shown, and the report says so.
    SkipAndReport,
}

/// Something a walk put up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The entry as stored, lossily decoded; empty where it is about the archive as a whole.
    pub path: String,
    pub what: String,
    /// Whether the entry was left out because only a password opens it.
    pub encrypted: bool,
}

/// What a finished walk saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries met, skipped ones included.
    pub entries: u64,
    /// At most a hundred; see `more_notices`.
    pub notices: Vec<Notice>,
    /// How many notices were not kept.
    pub more_notices: u64,
    /// True if the visitor ended the walk.
    pub stopped: bool,
}

/// Walks archives under one budget and one set of rules.
#[derive(Debug, Clone)]
pub struct Walker {
    budget: Budget,
    names: Names,
    tolerance: Tolerance,
}

/// Walks a package archive, rejecting whatever is unsafe. [`Walker`] has the other settings.
///
/// # Errors
/// Any [`ArchiveError`], or what the visitor returns.
pub fn walk<R: Read + Seek, E: From<ArchiveError>>(
    reader: R,
    kind: Kind,
    limits: impl Into<Budget>,
    visit: impl FnMut(&EntryHead, &mut dyn Read) -> Result<Flow, E>,
) -> Result<Report, E> {
    Walker::new(limits).walk(reader, kind, visit)
}

/// Reads a body that must be held in memory to be understood, within `metadata_bytes` of the limits.
///
/// # Errors
/// `Limit`, or whatever reading the body says.
pub fn read_small(body: &mut dyn Read, budget: &Budget) -> Result<Vec<u8>, ArchiveError> {
    let limit = budget.limits().metadata_bytes;
    let mut bytes = Vec::new();
    body.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(budget.exceeded(LimitKind::MetadataBytes));
    }
    Ok(bytes)
}

impl Walker {
    /// For package archives, rejecting whatever is unsafe.
    #[must_use]
    pub fn new(limits: impl Into<Budget>) -> Self {
        Self { budget: limits.into(), names: Names::Package, tolerance: Tolerance::Reject }
    }

    /// With another rule for names.
    #[must_use]
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// With another answer to unsafe entries.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The budget this walker draws on.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Walks any container; compressed ones are opened first. The reader is read from its start.
    ///
    /// # Errors
    /// Any [`ArchiveError`], or what the visitor returns.
    pub fn walk<R: Read + Seek, E: From<ArchiveError>>(
        &self,
        mut reader: R,
        kind: Kind,
        visit: impl FnMut(&EntryHead, &mut dyn Read) -> Result<Flow, E>,
    ) -> Result<Report, E> {
        reader.seek(SeekFrom::Start(0)).map_err(|error| E::from(ArchiveError::of_input(&error)))?;
        if kind == Kind::Zip {
            return self.zip(reader, visit);
        }
        self.stream(reader, kind, visit)
    }

    /// Walks a container that can be read front to back: everything but zip, compressed or not.
    ///
    /// # Errors
    /// `Unsupported` for zip; any other [`ArchiveError`]; what the visitor returns.
    pub fn stream<R: Read, E: From<ArchiveError>>(
        &self,
        reader: R,
        kind: Kind,
        mut visit: impl FnMut(&EntryHead, &mut dyn Read) -> Result<Flow, E>,
    ) -> Result<Report, E> {
        let opened = decompress(reader, &self.budget)?;
        let (kind, mut content) = settle(opened, kind)?;
        let mut visitor = Visitor::new(self, &mut visit);
        match kind {
            Kind::Ar => ar::walk(&mut content, &mut visitor)?,
            Kind::Cpio => cpio::walk(&mut content, &mut visitor)?,
            Kind::Tar => tar::walk(&mut content, &mut visitor)?,
            _ => return Err(ArchiveError::Unsupported("a zip can only be read with seeking".into()).into()),
        }
        if !visitor.report.stopped {
            // To the very end: only there do checksums and missing bytes show.
            io::copy(&mut content, &mut io::sink()).map_err(ArchiveError::from)?;
        }
        Ok(visitor.report)
    }

    /// Walks a zip.
    ///
    /// # Errors
    /// Any [`ArchiveError`], or what the visitor returns.
    pub fn zip<R: Read + Seek, E: From<ArchiveError>>(
        &self,
        mut reader: R,
        mut visit: impl FnMut(&EntryHead, &mut dyn Read) -> Result<Flow, E>,
    ) -> Result<Report, E> {
        let mut visitor = Visitor::new(self, &mut visit);
        zip::walk(&mut reader, &mut visitor)?;
        Ok(visitor.report)
    }
}

type Content<R> = BufReader<io::Chain<Cursor<Vec<u8>>, Decompressed<R>>>;

/// What is inside: a bare compression is settled by its first unpacked bytes.
fn settle<R: Read>(mut opened: Decompressed<R>, kind: Kind) -> Result<(Kind, Content<R>), ArchiveError> {
    let mut first = Vec::new();
    let mut inner = kind;
    if kind.is_compression() {
        (&mut opened).take(SNIFF_BYTES as u64).read_to_end(&mut first)?;
        inner = match sniff(&first) {
            Some(found @ (Kind::Tar | Kind::Ar | Kind::Cpio)) => found,
            _ => return Err(ArchiveError::Unsupported("a compressed file that is no archive".into())),
        };
    }
    Ok((inner, BufReader::with_capacity(32 << 10, Cursor::new(first).chain(opened))))
}

/// An entry as a container parser found it.
pub(crate) struct RawEntry {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: RawKind,
    pub(crate) size: u64,
    pub(crate) mode: u32,
}

pub(crate) enum RawKind {
    File,
    Dir,
    Symlink(Vec<u8>),
    Hardlink(Vec<u8>),
    Other,
}

impl RawKind {
    /// From Unix file type bits; links carry their target elsewhere.
    pub(crate) fn of_mode(mode: u32) -> Self {
        match mode & 0o170_000 {
            0o100_000 | 0 => Self::File,
            0o040_000 => Self::Dir,
            0o120_000 => Self::Symlink(Vec::new()),
            _ => Self::Other,
        }
    }
}

/// The caller's closure plus the checks that come before it.
pub(crate) struct Visitor<'a, E> {
    walker: &'a Walker,
    visit: &'a mut dyn FnMut(&EntryHead, &mut dyn Read) -> Result<Flow, E>,
    pub(crate) report: Report,
}

impl<'a, E: From<ArchiveError>> Visitor<'a, E> {
    fn new(walker: &'a Walker, visit: &'a mut dyn FnMut(&EntryHead, &mut dyn Read) -> Result<Flow, E>) -> Self {
        Self { walker, visit, report: Report::default() }
    }

    pub(crate) fn budget(&self) -> &'a Budget {
        &self.walker.budget
    }

    pub(crate) fn normal_form(&self, name: &[u8]) -> Result<String, ArchiveError> {
        normalise(name, self.walker.names)
    }

    /// Counts an entry that is about to be read; called before its name is looked at.
    pub(crate) fn count(&mut self) -> Result<(), ArchiveError> {
        self.report.entries += 1;
        self.walker.budget.spend_entry()
    }

    /// Shows one entry. A failure of the body ends the walk even if the caller overlooks it.
    pub(crate) fn show(&mut self, raw: &RawEntry, body: &mut dyn Read) -> Result<Flow, E> {
        let Some(head) = self.head(raw)? else {
            return Ok(Flow::Continue);
        };
        let mut sticky = Sticky { body, failed: None };
        let outcome = (self.visit)(&head, &mut sticky);
        if let Some(failed) = sticky.failed {
            return Err(failed.into());
        }
        let flow = outcome?;
        self.report.stopped |= flow == Flow::Stop;
        Ok(flow)
    }

    fn head(&mut self, raw: &RawEntry) -> Result<Option<EntryHead>, ArchiveError> {
        let budget = self.budget();
        budget.check_path(raw.name.len() as u64)?;
        budget.check_entry_size(raw.size)?;
        let head = match self.checked(raw) {
            Ok(head) => head,
            Err(ArchiveError::UnsafePath { path, why }) => {
                self.irregular(ArchiveError::UnsafePath { path: path.clone(), why }, &path, why)?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        Ok((!head.path.is_empty()).then_some(head))
    }

    fn checked(&self, raw: &RawEntry) -> Result<EntryHead, ArchiveError> {
        let names = self.walker.names;
        let path = normalise(&raw.name, names)?;
        let kind = match &raw.kind {
            RawKind::File if path.is_empty() => {
                return Err(ArchiveError::UnsafePath { path, why: "it is empty" });
            }
            RawKind::File => EntryKind::File,
            RawKind::Dir => EntryKind::Dir,
            RawKind::Other => EntryKind::Other,
            RawKind::Symlink(target) => {
                self.budget().check_path(target.len() as u64)?;
                EntryKind::Symlink(link_target(target, &path, names)?)
            }
            RawKind::Hardlink(target) => {
                self.budget().check_path(target.len() as u64)?;
                EntryKind::Hardlink(normalise(target, names)?)
            }
        };
        Ok(EntryHead { path, kind, size: raw.size, mode: raw.mode & 0o7777 })
    }

    /// Rejects or notes, as the walker was told.
    pub(crate) fn irregular(&mut self, error: ArchiveError, path: &str, what: &str) -> Result<(), ArchiveError> {
        if self.walker.tolerance == Tolerance::Reject {
            return Err(error);
        }
        self.note_as(path, what, matches!(error, ArchiveError::Encrypted(_)));
        Ok(())
    }

    pub(crate) fn note(&mut self, path: &str, what: &str) {
        self.note_as(path, what, false);
    }

    fn note_as(&mut self, path: &str, what: &str, encrypted: bool) {
        if self.report.notices.len() < NOTICES {
            self.report.notices.push(Notice { path: path.to_owned(), what: what.to_owned(), encrypted });
        } else {
            self.report.more_notices += 1;
        }
    }
}

/// Remembers that the body failed.
struct Sticky<'a> {
    body: &'a mut dyn Read,
    failed: Option<ArchiveError>,
}

impl Read for Sticky<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone().into());
        }
        match self.body.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                let failed = ArchiveError::from(error);
                self.failed = Some(failed.clone());
                Err(failed.into())
            }
            other => other,
        }
    }
}
