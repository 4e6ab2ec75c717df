//! Offers the files of one tree to the analyzers, and keeps account of what was removed, replaced and not read.

use std::collections::{BTreeMap, HashSet};
use std::io::{Cursor, Read};

use assay_archive::{Budget, EntryHead, EntryKind, Report};
use assay_model::component::Occurrence;
use assay_model::inventory::{self, Inventory, Skipped, Whiteout};
use assay_model::problem::Problem;
use assay_model::seam::analyzer::Entry;

use super::nested::{first_bytes, kind_of};
use super::owners::Owners;
use super::pattern::Pattern;
use super::place::{Place, Within, is_at_or_in};
use super::{Kit, release, vendored};
use crate::content::{Content, Wanted};
use crate::part::{Gathered, Halt, LIMIT, Part, UNSAFE_PATH, UNSUPPORTED, skipped};

/// How many files that were read are told one by one.
const READ: usize = 20_000;
/// How many skipped files are told one by one.
const SKIPPED: usize = 1000;

/// How many components hard links may repeat.
const COPIES: usize = 100_000;

/// The reason of what nobody wanted to look at.
const EXCLUDED: &str = "excluded";

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";
const ENCRYPTED: &str = "encrypted";

pub(super) struct Collector<'a> {
    pub(super) kit: &'a Kit,
    pub(super) top: Place,
    pub(super) out: Inventory,
    pub(super) owners: Owners,
    /// What analyzers want to see together, by their place in `parts`.
    pub(super) gathered: BTreeMap<usize, Gathered>,
    pub(super) gathered_bytes: u64,
    /// Paths that some analyzer wants and that were met.
    met: HashSet<String>,
    /// Path and target of hard links that an analyzer would read.
    links: Vec<(String, String)>,
    pub(super) content: Content,
    more_skipped: u64,
    /// Left out and told.
    excluded: HashSet<String>,
}

/// Who wants a file.
pub(super) struct Takers<'a> {
    pub(super) analyzers: Vec<&'a dyn Part>,
    pub(super) gatherers: Vec<usize>,
    /// Those of the gatherers that were told to take it, though it does not look like theirs.
    pub(super) told: Vec<usize>,
    pub(super) listers: Vec<&'a dyn Part>,
    pub(super) archive: Option<assay_archive::Kind>,
    pub(super) content: Wanted,
}

impl Takers<'_> {
    /// Whether no analyzer has a use for the file; its content may still be looked into.
    pub(super) fn is_empty(&self) -> bool {
        self.analyzers.is_empty() && self.gatherers.is_empty() && self.listers.is_empty() && self.archive.is_none()
    }
}

impl<'a> Collector<'a> {
    pub(super) fn new(kit: &'a Kit, budget: &Budget, within: Within) -> Self {
        Self {
            kit,
            top: Place::top(within, budget),
            out: Inventory::default(),
            owners: Owners::default(),
            gathered: BTreeMap::new(),
            gathered_bytes: 0,
            met: HashSet::new(),
            links: Vec::new(),
            content: Content::new(kit.selection.secrets, kit.selection.licenses),
            more_skipped: 0,
            excluded: HashSet::new(),
        }
    }

    /// Looks at one entry of the tree itself.
    pub(super) fn visit(&mut self, head: &EntryHead, body: &mut dyn Read) -> Result<(), Halt> {
        let top = self.top.clone();
        self.offer(head, body, &top)
    }

    /// Looks at one entry, of the tree or of an archive inside.
    pub(super) fn offer(&mut self, head: &EntryHead, body: &mut dyn Read, place: &Place) -> Result<(), Halt> {
        if place.within == Within::Layer && self.whiteout(head) {
            return Ok(());
        }
        if head.kind == EntryKind::Dir {
            return Ok(());
        }
        self.out.files_seen += 1;
        let path = format!("{}{}", place.prefix, head.path);
        if !place.is_artifact && self.excludes(&path) {
            return Ok(());
        }
        let first = first_bytes(head, body)?;
        let body = &mut Cursor::new(&first).chain(body);
        let entry = Entry { path: &path, size: head.size, is_artifact: place.is_artifact, head: &first };
        if !place.is_artifact {
            self.out.outline.get_or_insert_default().note(&path, head.size, &first);
        }
        let takers = self.takers(&entry, place);
        if place.within == Within::Layer && (!takers.is_empty() || may_replace(head)) {
            // Whatever stands here now hides what a lower layer had in its place.
            self.out.whiteouts.push(Whiteout { path: path.clone(), opaque: false });
        }
        if takers.is_empty() && !takers.content.any() {
            return Ok(());
        }
        if (!takers.analyzers.is_empty() || takers.archive.is_some()) && !self.met.insert(path.clone()) {
            self.forget(&path);
        }
        match &head.kind {
            EntryKind::File => self.read(&entry, body, &takers, place)?,
            EntryKind::Hardlink(target) if !takers.is_empty() => {
                self.links.push((path.clone(), format!("{}{target}", place.prefix)))
            }
            _ => {}
        }
        Ok(())
    }

    fn takers(&self, entry: &Entry<'_>, place: &Place) -> Takers<'a> {
        let parts = &self.kit.parts;
        let asked = |part: &dyn Part| place.within.asks(part.spec().reads);
        let lists = |part: &&dyn Part| part.lists_owned_files(entry.path) || part.licence_of(entry.path).is_some();
        let all = || parts.iter().map(AsRef::as_ref);
        let mut takers = Takers {
            analyzers: all().filter(|part| asked(*part) && part.wants(entry)).collect(),
            gatherers: all()
                .enumerate()
                .filter(|(_, part)| asked(*part) && part.gathers(entry))
                .map(|(at, _)| at)
                .collect(),
            told: Vec::new(),
            listers: all().filter(|part| place.is_top() && lists(part)).collect(),
            content: self.content_of(entry, place),
            archive: kind_of(entry),
        };
        self.add_told(entry, &mut takers);
        takers
    }

    /// Analyzers that were told to read this file.
    fn add_told(&self, entry: &Entry<'_>, takers: &mut Takers<'a>) {
        for (id, pattern) in &self.kit.selection.also {
            let Some(at) = self.kit.parts.iter().position(|part| part.spec().id == id) else { continue };
            let Some(part) = self.kit.parts.get(at).map(AsRef::as_ref) else { continue };
            if takers.told.contains(&at) || !pattern.matches(entry.path) {
                continue;
            }
            if entry.is_artifact || !part.reads_together() {
                if !takers.analyzers.iter().any(|taker| taker.spec().id == id) {
                    takers.analyzers.push(part);
                }
                continue;
            }
            takers.told.push(at);
            if !takers.gatherers.contains(&at) {
                takers.gatherers.push(at);
            }
        }
    }

    /// Whether this folder is not to be gone into; then that is told.
    pub(super) fn excludes_folder(&mut self, path: &str) -> bool {
        let pattern = self.kit.selection.excluded.folder(path);
        pattern.map(|pattern| self.tell_excluded(path, pattern)).is_some()
    }

    fn excludes(&mut self, path: &str) -> bool {
        let excluded = self.kit.selection.excluded.at(path);
        excluded.map(|(outer, pattern)| self.tell_excluded(outer, pattern)).is_some()
    }

    fn tell_excluded(&mut self, path: &str, pattern: &Pattern) {
        if self.excluded.len() < SKIPPED && self.excluded.insert(path.to_owned()) {
            self.skip(path, EXCLUDED, &format!("the pattern {} leaves it out", pattern.as_str()));
        } else if !self.excluded.contains(path) {
            self.more_skipped += 1;
        }
    }

    /// A name that comes again replaces what it stood for, as it does when an archive is unpacked.
    fn forget(&mut self, path: &str) {
        let replaced = |found: &str| is_at_or_in(found, path);
        self.out.components.retain(|found| !replaced(&found.path));
        self.out.skipped.retain(|skipped| !replaced(&skipped.path));
        self.out.read.retain(|read| !replaced(&read.path));
        self.gathered.values_mut().for_each(|files| files.remove(path));
        self.out.releases.retain(|said| !replaced(&said.path));
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

    pub(super) fn note_read(&mut self, path: &str, analyzer: &str, found: usize) {
        if self.out.read.len() < READ {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            self.out.read.push(inventory::Read { path: path.to_owned(), analyzer: analyzer.to_owned(), found });
        }
    }

    pub(super) fn skip(&mut self, path: &str, reason: &str, detail: &str) {
        self.add_skipped(Skipped { path: path.to_owned(), reason: reason.to_owned(), detail: detail.to_owned() });
    }

    /// A file that several readers fail at in one way is told once.
    pub(super) fn add_skipped(&mut self, skipped: Skipped) {
        let same = |told: &Skipped| told.path == skipped.path && told.reason == skipped.reason;
        if self.out.skipped.iter().rev().take(4).any(same) {
            return;
        }
        if self.out.skipped.len() < SKIPPED {
            self.out.skipped.push(skipped);
        } else {
            self.more_skipped += 1;
        }
    }

    /// Ends a walk: a broken one is an error if nothing was read, and a gap in the inventory otherwise.
    pub(super) fn close(mut self, outcome: Result<Report, Halt>) -> Result<Inventory, Problem> {
        match outcome {
            Ok(report) => self.take_notices(&report, ""),
            Err(Halt(problem)) if self.out.files_seen == 0 || problem.kind == assay_model::Kind::Internal => {
                return Err(problem);
            }
            Err(Halt(problem)) => self.add_skipped(skipped("", &problem)),
        }
        Ok(self.finish())
    }

    pub(super) fn take_notices(&mut self, report: &Report, prefix: &str) {
        for notice in report.notices.iter().filter(|notice| !notice.path.is_empty()) {
            let reason = if notice.encrypted { ENCRYPTED } else { UNSAFE_PATH };
            self.skip(&format!("{prefix}{}", notice.path), reason, &notice.what);
        }
        self.more_skipped += report.more_notices;
    }

    /// Lets analyzers read what they gathered.
    fn conclude(&mut self) {
        for (at, files) in std::mem::take(&mut self.gathered) {
            let Some(part) = self.kit.parts.get(at) else { continue };
            let id = part.spec().id;
            part.conclude(&files, &self.top.budget, &mut self.out);
            self.out.analyzers.insert(id.to_owned());
            for (path, _) in files.iter() {
                let of = |found: &&Occurrence| found.path == path && found.analyzer == id;
                let found = self.out.components.iter().filter(of).count();
                self.note_read(path, id, found);
            }
        }
    }

    /// Everything that was found, in order.
    pub(super) fn finish(mut self) -> Inventory {
        self.conclude();
        self.content.finish(&mut self.out);
        self.resolve_links();
        release::settle(&mut self.out);
        if self.top.within == Within::FileSystem {
            self.out.releases.clear();
            release::tell_unmatchable(&mut self.out);
        }
        self.owners.mark(&mut self.out);
        self.owners.license(&mut self.out);
        vendored::mark(&mut self.out);
        if self.more_skipped > 0 {
            let detail = format!("{} more files were not read", self.more_skipped);
            self.out.skipped.push(Skipped { path: String::new(), reason: LIMIT.to_owned(), detail });
        }
        self.out.sort();
        self.out.components.dedup();
        self.out.whiteouts.sort_by(|a, b| (&a.path, a.opaque).cmp(&(&b.path, b.opaque)));
        self.out.whiteouts.dedup();
        self.out.releases.sort_by(|a, b| a.path.cmp(&b.path));
        self.out
    }

    /// A hard link repeats a file: what was read there holds here too.
    fn resolve_links(&mut self) {
        let mut links = std::mem::take(&mut self.links).into_iter();
        if links.len() == 0 {
            return;
        }
        self.out.components.sort_by(|a, b| a.path.cmp(&b.path));
        let mut copies = Vec::new();
        for (path, target) in links.by_ref() {
            let before = copies.len();
            copies.extend(found_in(&self.out.components, &target).map(|found| {
                let path = format!("{path}{}", found.path.strip_prefix(&target).unwrap_or_default());
                Occurrence { path, ..found.clone() }
            }));
            if copies.len() == before && !self.met.contains(&target) {
                let detail = format!("a hard link to {target}, which was not kept");
                self.skip(&path, UNSUPPORTED, &detail);
            }
            if copies.len() > COPIES {
                break;
            }
        }
        let more = links.len();
        if more > 0 {
            self.skip("", LIMIT, &format!("what {more} more hard links repeat is not told again"));
        }
        self.out.components.append(&mut copies);
    }
}

/// What was found in a file, and in the archive that it may be; `all` is in the order of paths.
fn found_in<'a>(all: &'a [Occurrence], target: &str) -> impl Iterator<Item = &'a Occurrence> {
    let from = |start: String| {
        let begin = all.partition_point(|found| found.path < start);
        let of = all.get(begin..).unwrap_or_default();
        of.iter().take_while(move |found| found.path.starts_with(&start))
    };
    let begin = all.partition_point(|found| found.path.as_str() < target);
    let end = all.partition_point(|found| found.path.as_str() <= target);
    let own = all.get(begin..end).unwrap_or_default().iter();
    own.chain(from(format!("{target}!/"))).chain(from(format!("{target}/")))
}

/// Whether a file that nobody reads may stand where a lower layer has one that somebody does, though its name does not tell:
/// executables, and links to them.
fn may_replace(head: &EntryHead) -> bool {
    match head.kind {
        EntryKind::File | EntryKind::Hardlink(_) => head.mode & 0o111 != 0,
        EntryKind::Symlink(_) => !head.file_name().contains('.') || kind_by_name(head.file_name()),
        _ => false,
    }
}

fn kind_by_name(name: &str) -> bool {
    const ARCHIVES: [&str; 12] =
        ["jar", "war", "ear", "par", "whl", "egg", "zip", "tgz", "gz", "gem", "nupkg", "conda"];
    name.rsplit_once('.').is_some_and(|(_, suffix)| ARCHIVES.contains(&suffix))
}
