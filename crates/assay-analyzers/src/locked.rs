//! What analyzers of lock files and manifests share: how such files are taken, and the entries of one file.
//! Does not live here: any format.

use std::collections::{BTreeMap, BTreeSet};

use assay_archive::{Budget, Limits};
use assay_model::component::{Component, Occurrence, Relationship};
use assay_model::inventory::{Inventory, Skipped};
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::component;
use crate::part::{CORRUPT, Gathered, Part, field, skipped, text};

/// Why a version or a file that another names is not known.
pub(crate) const UNRESOLVED: &str = "unresolved";

/// How many of something a message names.
const NAMED: usize = 10;

/// The file name of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// An analyzer of files that are each read by themselves.
pub(crate) struct Single {
    pub(crate) spec: &'static AnalyzerSpec,
    /// Whether a path is one of its files.
    pub(crate) wants: fn(&str) -> bool,
    /// Reads the text of one file.
    pub(crate) read: fn(&str, &mut Locked<'_>) -> Result<(), Problem>,
    /// OSV's name of the ecosystem.
    pub(crate) ecosystem: &'static str,
}

impl Analyzer for Single {
    fn spec(&self) -> &'static AnalyzerSpec {
        self.spec
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        (self.wants)(entry.path)
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for Single {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let text = text(bytes, budget)?;
        let mut locked = Locked::new(self.spec.id, entry.path, self.ecosystem);
        (self.read)(&text, &mut locked)?;
        locked.finish(out);
        Ok(())
    }
}

/// An analyzer of files that are read together with others of the same tree.
pub(crate) struct Together {
    pub(crate) spec: &'static AnalyzerSpec,
    /// Whether a path is one of its files.
    pub(crate) wants: fn(&str) -> bool,
    /// Reads them all.
    pub(crate) conclude: fn(&Gathered, &mut Inventory),
}

impl Analyzer for Together {
    fn spec(&self) -> &'static AnalyzerSpec {
        self.spec
    }

    /// In a tree such files are gathered; one that comes alone is read alone.
    fn wants(&self, entry: &Entry<'_>) -> bool {
        entry.is_artifact && (self.wants)(entry.path)
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for Together {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let mut files = Gathered::default();
        files.insert(entry.path, text(bytes, budget)?.into_bytes());
        if !(self.wants)(entry.path) {
            files.mark_told(entry.path);
        }
        (self.conclude)(&files, out);
        Ok(())
    }

    fn gathers(&self, entry: &Entry<'_>) -> bool {
        (self.wants)(entry.path)
    }

    fn reads_together(&self) -> bool {
        true
    }

    fn conclude(&self, files: &Gathered, _: &Budget, out: &mut Inventory) {
        (self.conclude)(files, out);
    }
}

/// The entries of one file, by their identifiers. One that comes twice is one: with all its lines, and needed for more
/// than development if one of them is.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    analyzer: &'static str,
    pub(crate) path: &'a str,
    ecosystem: &'static str,
    found: BTreeMap<String, Occurrence>,
    refused: u64,
    skipped: Vec<Skipped>,
}

impl<'a> Locked<'a> {
    pub(crate) fn new(analyzer: &'static str, path: &'a str, ecosystem: &'static str) -> Self {
        Self { analyzer, path, ecosystem, found: BTreeMap::new(), refused: 0, skipped: Vec::new() }
    }

    /// An entry of the file's ecosystem; none when name or version cannot be one. The version may be empty: not known.
    pub(crate) fn entry(&mut self, name: &str, version: &str) -> Option<Occurrence> {
        let name = field(Some(name));
        let version = if version.trim().is_empty() { Some(String::new()) } else { field(Some(version)) };
        let component =
            name.zip(version).map(|(name, version)| component::of_language(self.ecosystem, &name, &version));
        match component {
            Some(Ok(component)) => Some(self.occurrence(component)),
            _ => {
                self.refused += 1;
                None
            }
        }
    }

    /// An entry that says nothing yet but what it is.
    pub(crate) fn occurrence(&self, component: Component) -> Occurrence {
        component::occurrence(component, self.path, self.analyzer)
    }

    /// Notes that an entry could not be read.
    pub(crate) fn refuse(&mut self) {
        self.refused += 1;
    }

    /// Adds an entry under its identifier, or under its package URL in files whose entries have none.
    pub(crate) fn add(&mut self, entry: Occurrence) {
        let key = if entry.id.is_empty() { &entry.component.purl } else { &entry.id };
        match self.found.get_mut(key) {
            Some(known) => merge(known, entry),
            None => {
                let key = key.clone();
                self.found.insert(key, entry);
            }
        }
    }

    /// The entries so far.
    pub(crate) fn entries(&mut self) -> impl Iterator<Item = &mut Occurrence> {
        self.found.values_mut()
    }

    /// Tells that something the file refers to is not known.
    pub(crate) fn unresolved(&mut self, detail: impl Into<String>) {
        let detail = detail.into();
        self.skipped.push(Skipped { path: self.path.to_owned(), reason: UNRESOLVED.to_owned(), detail });
    }

    /// Tells that part of it, or a file beside it, could not be read.
    pub(crate) fn trouble(&mut self, problem: &Problem) {
        self.skipped.push(skipped(self.path, problem));
    }

    /// What can be reached from these entries, they themselves included.
    pub(crate) fn reach(&self, mut pending: Vec<String>) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        while let Some(id) = pending.pop() {
            let Some(entry) = self.found.get(&id) else { continue };
            if reached.insert(id) {
                pending.extend(entry.depends_on.iter().cloned());
            }
        }
        reached
    }

    /// Gives all entries to the inventory.
    pub(crate) fn finish(mut self, out: &mut Inventory) {
        if self.refused > 0 {
            let detail = format!("{} entries have no usable name and version", self.refused);
            self.skipped.push(Skipped { path: self.path.to_owned(), reason: CORRUPT.to_owned(), detail });
        }
        self.found.values_mut().for_each(tidy);
        out.components.extend(self.found.into_values());
        out.skipped.append(&mut self.skipped);
    }
}

/// Lines in order, and nothing twice. Done once, when all is there.
fn tidy(entry: &mut Occurrence) {
    entry.lines.sort();
    entry.lines.dedup();
    for list in [&mut entry.depends_on, &mut entry.licenses] {
        if list.len() > 1 {
            let mut seen = BTreeSet::new();
            list.retain(|one| seen.insert(one.clone()));
        }
    }
}

fn merge(known: &mut Occurrence, other: Occurrence) {
    known.dev &= other.dev;
    known.lines.extend(other.lines);
    known.depends_on.extend(other.depends_on);
    known.licenses.extend(other.licenses);
    if rank(other.relationship) > rank(known.relationship) {
        known.relationship = other.relationship;
    }
    known.digest = known.digest.take().or(other.digest);
}

/// What says more about an entry that is there for two reasons.
fn rank(relationship: Relationship) -> u8 {
    match relationship {
        Relationship::Unknown => 0,
        Relationship::Indirect => 1,
        Relationship::Direct => 2,
        Relationship::Workspace => 3,
        Relationship::Root => 4,
    }
}

/// Sorts and makes unique, for `depends_on` where the file's order means nothing.
pub(crate) fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids.dedup();
    ids
}

/// A SHA-512 in Base64 as a digest.
pub(crate) fn sha512(hash: &str) -> Option<String> {
    let bytes = STANDARD.decode(hash).ok().filter(|bytes| bytes.len() == 64)?;
    Some(format!("sha512:{}", hex::encode(bytes)))
}

/// Some of the names, for a message.
pub(crate) fn some_of<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let list = names.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

/// Notes a file that could not be read.
pub(crate) fn skip(path: &str, problem: &Problem, out: &mut Inventory) {
    out.skipped.push(skipped(path, problem));
}

/// Reads gathered files of one name, each into entries of its own.
pub(crate) fn each<'g>(
    spec: &'static AnalyzerSpec,
    ecosystem: &'static str,
    files: impl Iterator<Item = (&'g str, &'g [u8])>,
    out: &mut Inventory,
    mut read: impl FnMut(&str, &mut Locked<'_>) -> Result<(), Problem>,
) {
    for (path, bytes) in files {
        let mut locked = Locked::new(spec.id, path, ecosystem);
        match read(&String::from_utf8_lossy(bytes), &mut locked) {
            Ok(()) => locked.finish(out),
            Err(problem) => skip(path, &problem, out),
        }
    }
}

/// Joins a folder with a relative path, `.` and `..` resolved; none if it leaves the tree.
pub(crate) fn join(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder of a path, empty for the root.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
pub(crate) mod testing {
    //! Reading fixtures, whole and damaged.
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    /// Files of a tree, read by one analyzer.
    pub(crate) fn tree(part: &dyn Part, files: &[(&str, &str)]) -> Inventory {
        let budget = Budget::new(Limits::default());
        let mut out = Inventory::default();
        let mut gathered = Gathered::default();
        for (path, text) in files {
            let entry = Entry { path, size: text.len() as u64, is_artifact: false, head: &[] };
            let looked =
                part.wants(&entry).then(|| part.look(&entry, &mut std::io::Cursor::new(text), &budget, &mut out));
            if let Some(Err(problem)) = looked {
                skip(path, &problem, &mut out);
            }
            if part.gathers(&entry) {
                gathered.insert(path, text.as_bytes().to_vec());
            }
        }
        if gathered.iter().next().is_some() {
            part.conclude(&gathered, &budget, &mut out);
        }
        out.sort();
        out
    }

    /// The entry of an identifier.
    pub(crate) fn by_id<'i>(inventory: &'i Inventory, id: &str) -> &'i Occurrence {
        let ids: Vec<&str> = inventory.components.iter().map(|found| found.id.as_str()).collect();
        inventory.components.iter().find(|found| found.id == id).unwrap_or_else(|| panic!("no {id} in {ids:?}"))
    }

    pub(crate) fn ids(inventory: &Inventory) -> Vec<&str> {
        inventory.components.iter().map(|found| found.id.as_str()).collect()
    }

    pub(crate) fn lines(found: &Occurrence) -> Vec<(u32, u32)> {
        found.lines.iter().map(|lines| (lines.first, lines.last)).collect()
    }

    /// Damages each file in turn, in many ways: none may panic, and what is found keeps to the rules of occurrences.
    pub(crate) fn survives_damage(part: &dyn Part, files: &[(&str, &str)]) {
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % below.max(1) as u64).unwrap()
        };
        let put = ["\"", "{", "}", "[", "]", "\n", ":", " ", "\0", "é", "0", "-", "<", "/", "@", "#", "=", "  "];
        for at in 0..files.len() {
            let chars: Vec<char> = files[at].1.chars().collect();
            for round in 0..120 {
                let cut = next(chars.len());
                let mut damaged: String = chars[..cut].iter().collect();
                if round % 3 != 0 {
                    damaged.push_str(put[next(put.len())]);
                    let rest = cut + next(4);
                    damaged.extend(chars.get(rest..).unwrap_or_default());
                }
                let mut files = files.to_vec();
                files[at].1 = &damaged;
                let inventory = tree(part, &files);
                for found in &inventory.components {
                    let has_id = !found.id.is_empty() || found.analyzer == "conda-environment";
                    assert!(has_id && found.component.purl.starts_with("pkg:"), "{found:?}");
                }
                assert_eq!(inventory, tree(part, &files));
            }
        }
    }

    #[test]
    fn paths_are_joined_within_the_tree() {
        assert_eq!(join("a/b", "../c/./d").as_deref(), Some("a/c/d"));
        assert_eq!(join("", "x").as_deref(), Some("x"));
        assert_eq!(join("a", "../.."), None);
        assert_eq!(some_of(["b", "a", "b"]), "a, b");
    }
}
