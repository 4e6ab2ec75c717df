//! One file of a tree: handed to every analyzer that wants it, kept for those that read several together, and opened if it
//! is an archive.

use std::io::{self, Read, Seek, SeekFrom};

use assay_archive::{ArchiveError, Kind};
use assay_model::inventory::Whiteout;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{Entry, Reads};
use tempfile::SpooledTempFile;

use super::collector::{Collector, Takers};
use super::nested::kind_of;
use super::place::{Place, Within};
use super::subject;
use crate::content::Wanted;
use crate::executable;
use crate::part::{Halt, LIMIT, Part, problem, skipped, text};

/// Files above this go to a temporary file rather than into memory while they are analyzed.
const MEMORY_BYTES: usize = 8 << 20;
/// Files above this are not read by analyzers, and zips above it are not opened.
const FILE_BYTES: u64 = 1 << 30;
/// The largest file that is kept to be read together with others, and all of them together.
const GATHERED_FILE: u64 = 32 << 20;
const GATHERED_BYTES: u64 = 128 << 20;

impl Collector<'_> {
    pub(super) fn read(
        &mut self,
        entry: &Entry<'_>,
        body: &mut dyn Read,
        takers: &Takers<'_>,
        place: &Place,
    ) -> Result<(), Halt> {
        if takers.is_empty() {
            return self.look_into(entry, body, takers.content, place);
        }
        let unread = takers.analyzers.is_empty() && takers.gatherers.is_empty() && takers.listers.is_empty();
        match takers.archive {
            Some(kind) if unread && kind != Kind::Zip => return self.open_passing(entry.path, body, place),
            _ => {}
        }
        let mut file = SpooledTempFile::new(MEMORY_BYTES);
        let too_large = entry.size > FILE_BYTES;
        let size = if too_large {
            0
        } else {
            io::copy(&mut body.take(FILE_BYTES + 1), &mut file).map_err(ArchiveError::from)?
        };
        if too_large || size > FILE_BYTES {
            self.skip(entry.path, LIMIT, "the file is larger than 1 GiB");
            return Ok(());
        }
        let entry = &Entry { size, ..*entry };
        let mut is_package = false;
        let before = self.out.components.len();
        for part in &takers.analyzers {
            is_package |= self.ask(*part, entry, &mut file, place)? && part.spec().reads == Reads::Package;
        }
        if !takers.gatherers.is_empty() {
            self.gather(entry, &mut file, takers)?;
        }
        self.list(entry, &mut file, &takers.listers)?;
        if takers.content.any() {
            rewind(&mut file)?;
            self.look_into(entry, &mut file, takers.content, place)?;
        }
        let own = before..self.out.components.len();
        rewind(&mut file)?;
        match takers.archive {
            Some(kind) => self.open(entry.path, kind, &mut file, is_package, place)?,
            None if is_package => self.open_payload(entry, &mut file, place)?,
            None => {}
        }
        if is_package {
            subject::settle(&mut self.out.components, own);
        }
        Ok(())
    }

    /// What the file is read for beside components. Archives are opened instead, and machine code holds no text.
    pub(super) fn content_of(&self, entry: &Entry<'_>, place: &Place) -> Wanted {
        if kind_of(entry).is_some() || executable::is_one(entry.head) {
            return Wanted::default();
        }
        self.content.wants(entry.path.strip_prefix(&place.prefix).unwrap_or(entry.path))
    }

    /// Looks for secrets and licences.
    fn look_into(&mut self, entry: &Entry<'_>, body: &mut dyn Read, wanted: Wanted, place: &Place) -> Result<(), Halt> {
        let inner = entry.path.strip_prefix(&place.prefix).unwrap_or(entry.path);
        let licenses = self.out.licenses.len();
        self.content.look(entry.path, inner, wanted, body, &mut self.out).map_err(ArchiveError::from)?;
        if place.within == Within::Layer && self.out.licenses.len() > licenses {
            // What a lower layer said in this place no longer holds.
            self.out.whiteouts.push(Whiteout { path: entry.path.to_owned(), opaque: false });
        }
        Ok(())
    }

    /// True if the analyzer made something of the file.
    fn ask(
        &mut self,
        part: &dyn Part,
        entry: &Entry<'_>,
        file: &mut SpooledTempFile,
        place: &Place,
    ) -> Result<bool, Halt> {
        rewind(file)?;
        let before = self.out.components.len();
        let budget = if entry.is_artifact { Ok(place.budget.clone()) } else { place.budget.nested() };
        let looked = match budget.map_err(problem) {
            Ok(budget) => part.look(entry, file, &budget, &mut self.out),
            Err(too_deep) => Err(too_deep),
        };
        let found = self.out.components.len().saturating_sub(before);
        match looked {
            Err(problem) if problem.kind == assay_model::Kind::Internal => return Err(Halt(problem)),
            Err(problem) => self.add_skipped(skipped(entry.path, &problem)),
            // Whoever passes has learned that the file is none of its own.
            Ok(()) if found == 0 && may_pass(part, entry) => return Ok(false),
            Ok(()) => {}
        }
        self.out.analyzers.insert(part.spec().id.to_owned());
        self.note_read(entry.path, part.spec().id, found);
        Ok(found > 0)
    }

    fn gather(&mut self, entry: &Entry<'_>, file: &mut SpooledTempFile, takers: &Takers<'_>) -> Result<(), Halt> {
        if entry.size > GATHERED_FILE || self.gathered_bytes + entry.size > GATHERED_BYTES {
            self.skip(entry.path, LIMIT, "too large, or too many such files, to be read together with others");
            return Ok(());
        }
        rewind(file)?;
        let mut bytes = Vec::new();
        file.take(GATHERED_FILE).read_to_end(&mut bytes).map_err(ArchiveError::from)?;
        for &at in &takers.gatherers {
            self.gathered_bytes += bytes.len() as u64;
            let files = self.gathered.entry(at).or_default();
            files.insert(entry.path, bytes.clone());
            if takers.told.contains(&at) {
                files.mark_told(entry.path);
            }
        }
        Ok(())
    }

    /// What packages of the operating system own, and their licences.
    fn list(&mut self, entry: &Entry<'_>, file: &mut SpooledTempFile, listers: &[&dyn Part]) -> Result<(), Halt> {
        for part in listers {
            rewind(file)?;
            // A list that cannot be read is no loss worth telling: packages are only counted twice.
            match part.licence_of(entry.path) {
                Some(package) => {
                    if let Ok(text) = text(file, &self.top.budget) {
                        self.owners.read_licence(*part, package, &text);
                    }
                }
                None => {
                    let _ = self.owners.read(*part, entry, file, &self.top.budget);
                }
            }
        }
        Ok(())
    }
}

fn rewind(file: &mut SpooledTempFile) -> Result<(), Halt> {
    file.seek(SeekFrom::Start(0))
        .map(|_| ())
        .map_err(|error| Halt(Problem::internal("a temporary file cannot be read", error)))
}

/// Whether names and first bytes promise too little for a find: any executable, any archive.
fn may_pass(part: &dyn Part, entry: &Entry<'_>) -> bool {
    part.spec().reads == Reads::Package || executable::is_one(entry.head)
}
