//! Offers the files of one tree to the analyzers, and keeps account of what was removed, replaced and not read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use assay_archive::{ArchiveError, Budget, EntryHead, EntryKind, Report, SNIFF_BYTES};
use assay_model::component::Occurrence;
use assay_model::inventory::{self, Inventory, Skipped, Whiteout};
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{Entry, Reads};
use tempfile::SpooledTempFile;

use crate::component;
use crate::part::{Gathered, Halt, LIMIT, Part, UNSAFE_PATH, UNSUPPORTED, problem, skipped, text};

use super::owners::Owners;

/// Files above this go to a temporary file rather than into memory while they are analyzed.
const MEMORY_BYTES: usize = 8 << 20;
/// Archives in a file system above this are not opened.
const NESTED_BYTES: u64 = 1 << 30;
/// How many files that were read are told one by one.
const READ: usize = 20_000;
/// The largest file that is kept to be read together with others, and all of them together.
const GATHERED_FILE: u64 = 32 << 20;
const GATHERED_BYTES: u64 = 128 << 20;
/// How many skipped files are told one by one.
const SKIPPED: usize = 1000;

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// Databases of packages that no analyzer reads yet: their presence means that the look is not complete.
const UNREAD: [&str; 9] = [
    "var/lib/rpm/Packages",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages",
    "usr/lib/sysimage/rpm/Packages.db",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/share/rpm/rpmdb.sqlite",
    "var/lib/rpmmanifest/container-manifest-2",
    "var/lib/pacman/local/ALPM_DB_VERSION",
];

/// What the tree is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    FileSystem,
    /// Of an image: whiteouts mean something.
    Layer,
}

impl Within {
    fn asks(self, reads: Reads) -> bool {
        self == Self::FileSystem || reads != Reads::Project
    }
}

pub(super) struct Collector<'a> {
    parts: &'a [Box<dyn Part>],
    budget: &'a Budget,
    within: Within,
    out: Inventory,
    owners: Owners,
    /// What analyzers want to see together, by their place in `parts`.
    gathered: BTreeMap<usize, Gathered>,
    gathered_bytes: u64,
    /// Paths that some analyzer wants and that were met.
    met: HashSet<String>,
    /// Path and target of hard links that an analyzer would read.
    links: Vec<(String, String)>,
    more_skipped: u64,
}

impl<'a> Collector<'a> {
    pub(super) fn new(parts: &'a [Box<dyn Part>], budget: &'a Budget, within: Within) -> Self {
        Self {
            parts,
            budget,
            within,
            out: Inventory::default(),
            owners: Owners::default(),
            gathered: BTreeMap::new(),
            gathered_bytes: 0,
            met: HashSet::new(),
            links: Vec::new(),
            more_skipped: 0,
        }
    }

    /// Looks at one entry.
    pub(super) fn visit(&mut self, head: &EntryHead, body: &mut dyn Read) -> Result<(), Halt> {
        if self.within == Within::Layer && self.whiteout(head) {
            return Ok(());
        }
        if head.kind == EntryKind::Dir {
            return Ok(());
        }
        self.out.files_seen += 1;
        let first = first_bytes(head, body)?;
        let body = &mut Cursor::new(&first).chain(body);
        let entry = Entry { path: &head.path, size: head.size, is_artifact: false, head: &first };
        let takers: Vec<&'a dyn Part> = self.asked().filter(|part| part.wants(&entry)).collect();
        let gatherers: Vec<usize> = (0..self.parts.len())
            .filter(|&at| self.parts.get(at).is_some_and(|part| self.asks(part.as_ref()) && part.gathers(&entry)))
            .collect();
        let listers: Vec<&'a dyn Part> = self
            .parts
            .iter()
            .map(AsRef::as_ref)
            .filter(|part| part.lists_owned_files(&head.path) || part.licence_of(&head.path).is_some())
            .collect();
        if UNREAD.contains(&head.path.as_str()) {
            self.skip(&head.path, UNSUPPORTED, "this package database is not read");
        }
        if takers.is_empty() && listers.is_empty() && gatherers.is_empty() {
            return Ok(());
        }
        if !takers.is_empty() && !self.met.insert(head.path.clone()) {
            self.forget(&head.path);
        }
        match &head.kind {
            EntryKind::File => self.read(&entry, body, &takers, &gatherers, &listers)?,
            EntryKind::Hardlink(target) if !takers.is_empty() => self.links.push((head.path.clone(), target.clone())),
            _ => {}
        }
        if self.within == Within::Layer && !takers.is_empty() {
            // Whatever stands here now hides what a lower layer had in its place.
            self.out.whiteouts.push(Whiteout { path: head.path.clone(), opaque: false });
        }
        Ok(())
    }

    /// A name that comes again replaces what it stood for, as it does when an archive is unpacked.
    fn forget(&mut self, path: &str) {
        let replaced =
            |found: &str| found.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.out.components.retain(|found| !replaced(&found.path));
        self.out.skipped.retain(|skipped| !replaced(&skipped.path));
        self.out.read.retain(|read| !replaced(&read.path));
        self.gathered.values_mut().for_each(|files| files.remove(path));
        self.out.os = self.out.os.take().filter(|os| os.path != path);
        self.links.retain(|(link, _)| link != path);
    }

    fn whiteout(&mut self, head: &EntryHead) -> bool {
        let (folder, name) = head.path.rsplit_once('/').unwrap_or(("", &head.path));
        if name == OPAQUE {
            self.out.whiteouts.push(Whiteout { path: folder.to_owned(), opaque: true });
            return true;
        }
        let Some(removed) = name.strip_prefix(WHITEOUT) else { return false };
        // `.wh..wh.` begins the file-system driver's own names.
        if !removed.is_empty() && !removed.starts_with(WHITEOUT) {
            let path = if folder.is_empty() { removed.to_owned() } else { format!("{folder}/{removed}") };
            self.out.whiteouts.push(Whiteout { path, opaque: false });
        }
        true
    }

    fn read(
        &mut self,
        entry: &Entry<'_>,
        body: &mut dyn Read,
        takers: &[&dyn Part],
        gatherers: &[usize],
        listers: &[&dyn Part],
    ) -> Result<(), Halt> {
        if entry.size > NESTED_BYTES {
            self.skip(entry.path, LIMIT, "the file is larger than 1 GiB");
            return Ok(());
        }
        let mut file = SpooledTempFile::new(MEMORY_BYTES);
        io::copy(body, &mut file).map_err(ArchiveError::from)?;
        let nested = self.budget.nested().map_err(problem);
        for part in takers {
            rewind(&mut file)?;
            let before = self.out.components.len();
            let looked = match &nested {
                Ok(nested) => part.look(entry, &mut file, nested, &mut self.out),
                Err(too_deep) => Err(Problem::new(too_deep.kind, too_deep.code, too_deep.message.clone())),
            };
            match looked {
                Ok(()) => {}
                Err(problem) if problem.kind == assay_model::Kind::Internal => return Err(Halt(problem)),
                Err(problem) => self.add_skipped(skipped(entry.path, &problem)),
            }
            self.out.analyzers.insert(part.spec().id.to_owned());
            let found = u32::try_from(self.out.components.len() - before).unwrap_or(u32::MAX);
            self.note_read(entry.path, part.spec().id, found);
        }
        if !gatherers.is_empty() {
            self.gather(entry, &mut file, gatherers)?;
        }
        for part in listers {
            rewind(&mut file)?;
            // A list that is too long is no loss worth telling: packages are only counted twice.
            let Ok(text) = text(&mut file, self.budget) else { continue };
            match part.licence_of(entry.path) {
                Some(package) => self.owners.read_licence(*part, package, &text),
                None => self.owners.read(self.parts, *part, entry.path, &text),
            }
        }
        Ok(())
    }

    /// The analyzers that are asked in this kind of tree.
    fn asked(&self) -> impl Iterator<Item = &'a dyn Part> {
        let within = self.within;
        self.parts.iter().map(AsRef::as_ref).filter(move |part| within.asks(part.spec().reads))
    }

    fn asks(&self, part: &dyn Part) -> bool {
        self.within.asks(part.spec().reads)
    }

    fn note_read(&mut self, path: &str, analyzer: &str, found: u32) {
        if self.out.read.len() < READ {
            self.out.read.push(inventory::Read { path: path.to_owned(), analyzer: analyzer.to_owned(), found });
        }
    }

    fn gather(&mut self, entry: &Entry<'_>, file: &mut SpooledTempFile, gatherers: &[usize]) -> Result<(), Halt> {
        if entry.size > GATHERED_FILE || self.gathered_bytes + entry.size > GATHERED_BYTES {
            self.skip(entry.path, LIMIT, "too large, or too many such files, to be read together with others");
            return Ok(());
        }
        rewind(file)?;
        let mut bytes = Vec::new();
        file.take(GATHERED_FILE).read_to_end(&mut bytes).map_err(ArchiveError::from)?;
        for &at in gatherers {
            self.gathered_bytes += bytes.len() as u64;
            self.gathered.entry(at).or_default().insert(entry.path, bytes.clone());
        }
        Ok(())
    }

    /// Lets analyzers read what they gathered.
    fn conclude(&mut self) {
        for (at, files) in std::mem::take(&mut self.gathered) {
            let Some(part) = self.parts.get(at) else { continue };
            let id = part.spec().id;
            part.conclude(&files, self.budget, &mut self.out);
            self.out.analyzers.insert(id.to_owned());
            for (path, _) in files.iter() {
                let of = |found: &&Occurrence| found.path == path && found.analyzer == id;
                let found = self.out.components.iter().filter(of).count();
                self.note_read(path, id, u32::try_from(found).unwrap_or(u32::MAX));
            }
        }
    }

    pub(super) fn skip(&mut self, path: &str, reason: &str, detail: &str) {
        self.add_skipped(Skipped { path: path.to_owned(), reason: reason.to_owned(), detail: detail.to_owned() });
    }

    fn add_skipped(&mut self, skipped: Skipped) {
        if self.out.skipped.len() < SKIPPED {
            self.out.skipped.push(skipped);
        } else {
            self.more_skipped += 1;
        }
    }

    /// Ends a walk: a broken one is an error if nothing was read, and a gap in the inventory otherwise.
    pub(super) fn close(mut self, outcome: Result<Report, Halt>) -> Result<Inventory, Problem> {
        match outcome {
            Ok(report) => self.take_notices(&report),
            Err(Halt(problem)) if self.out.files_seen == 0 || problem.kind == assay_model::Kind::Internal => {
                return Err(problem);
            }
            Err(Halt(problem)) => self.add_skipped(skipped("", &problem)),
        }
        Ok(self.finish())
    }

    fn take_notices(&mut self, report: &Report) {
        for notice in report.notices.iter().filter(|notice| !notice.path.is_empty()) {
            self.skip(&notice.path, UNSAFE_PATH, &notice.what);
        }
        self.more_skipped += report.more_notices;
    }

    /// Everything that was found, in order.
    pub(super) fn finish(mut self) -> Inventory {
        self.conclude();
        self.resolve_links();
        settle(&mut self.out);
        if self.within == Within::FileSystem {
            tell_unmatchable(&mut self.out);
        }
        self.owners.mark(&mut self.out);
        self.owners.license(&mut self.out);
        if self.more_skipped > 0 {
            let detail = format!("{} more files were not read", self.more_skipped);
            self.out.skipped.push(Skipped { path: String::new(), reason: LIMIT.to_owned(), detail });
        }
        self.out.sort();
        self.out.components.dedup();
        self.out.whiteouts.sort_by(|a, b| (&a.path, a.opaque).cmp(&(&b.path, b.opaque)));
        self.out.whiteouts.dedup();
        self.out
    }

    /// A hard link repeats a file: what was read there holds here too.
    fn resolve_links(&mut self) {
        for (path, target) in std::mem::take(&mut self.links) {
            let copies: Vec<_> = self.out.components.iter().filter(|found| found.path == target).cloned().collect();
            if copies.is_empty() {
                let detail = format!("a hard link to {target}, which was not kept");
                self.skip(&path, UNSUPPORTED, &detail);
            }
            self.out.components.extend(copies.into_iter().map(|mut copy| {
                copy.path.clone_from(&path);
                copy
            }));
        }
    }
}

/// Gives the distribution's packages the names of its release, once that is known. Purls of owners follow.
pub(super) fn settle(out: &mut Inventory) {
    let Some(os) = out.os.clone() else { return };
    let mut renamed = HashMap::new();
    for found in out.components.iter_mut().filter(|found| component::is_distribution(&found.component)) {
        let before = found.component.purl.clone();
        component::settle(found, &os);
        renamed.insert(before, found.component.purl.clone());
    }
    for owner in out.components.iter_mut().filter_map(|found| found.owned_by.as_mut()) {
        if let Some(purl) = renamed.get(owner) {
            owner.clone_from(purl);
        }
    }
}

/// Packages of a distribution whose release nobody knows, or nobody has advisories for, were found but cannot be judged.
pub(super) fn tell_unmatchable(out: &mut Inventory) {
    let paths: BTreeSet<String> = out
        .components
        .iter()
        .filter(|found| found.component.ecosystem.is_empty() && component::is_distribution(&found.component))
        .map(|found| found.path.clone())
        .collect();
    out.skipped.extend(paths.into_iter().map(|path| Skipped {
        path,
        reason: UNSUPPORTED.to_owned(),
        detail: match &out.os {
            Some(os) => format!("there are no advisories for the packages of {}", os.name),
            None => "no file tells the distribution's release, so advisories cannot be matched".to_owned(),
        },
    }));
}

fn rewind(file: &mut SpooledTempFile) -> Result<(), Halt> {
    file.seek(SeekFrom::Start(0))
        .map(|_| ())
        .map_err(|error| Halt(Problem::internal("a temporary file cannot be read", error)))
}

fn first_bytes(head: &EntryHead, body: &mut dyn Read) -> Result<Vec<u8>, Halt> {
    let mut first = Vec::new();
    if head.kind == EntryKind::File {
        body.take(SNIFF_BYTES as u64).read_to_end(&mut first).map_err(ArchiveError::from)?;
    }
    Ok(first)
}
