//! The inspector: takes package files, layers, directories and image archives apart with all analyzers.
//!
//! What lies in an archive is named after it: `outer.zip!/inner/path`; paths directly inside of the artifact begin there.

mod collector;
mod compose;
mod directory;
mod facts;
mod hashing;
mod image;
mod nested;
mod newer;
mod owners;
mod pattern;
mod place;
mod reading;
mod release;
mod selection;
mod subject;
mod vendored;

use std::collections::BTreeSet;
use std::io::{Read, SeekFrom};
use std::path::Path;

use assay_archive::{
    Budget, EntryHead, EntryKind, Flow, Kind, Limits, Names, SNIFF_BYTES, Tolerance, Walker, decompress, sniff,
};
use assay_model::digest::Digest;
use assay_model::inventory::{Inventory, Skipped};
use assay_model::package::Role;
use assay_model::problem::Problem;
use assay_model::renewal::Outline;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Entry, Reads};
use assay_model::seam::inspector::Inspector;

use crate::content::{LICENSES_REVISION, SECRETS_REVISION};
use crate::part::{Halt, Part, UNSUPPORTED, corrupt, problem};
use collector::Collector;
pub use facts::{StoredLayer, image_facts};
use image::ImageArchive;
pub use pattern::{Excluded, Pattern};
pub(crate) use place::INSIDE;
use place::{Place, Within};
pub use selection::Selection;

/// The analyzers that are asked, and what else is looked for.
pub(crate) struct Kit {
    pub(crate) parts: Vec<Box<dyn Part>>,
    pub(crate) selection: Selection,
}

/// All analyzers under one set of limits. Cheap to call from several threads at once.
pub struct StandardInspector {
    kit: Kit,
    limits: Limits,
    revision: String,
}

impl std::fmt::Debug for StandardInspector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandardInspector").field("revision", &self.revision).field("limits", &self.limits).finish()
    }
}

impl StandardInspector {
    /// With every analyzer of this crate.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let kit = Kit { parts: crate::all(), selection: Selection::default() };
        let revision = revision(&kit);
        Self { kit, limits, revision }
    }

    /// Restricted to what is selected. The revision says so: such an inventory is not to be kept as the whole one.
    #[must_use]
    pub fn selecting(mut self, selection: Selection) -> Self {
        self.kit.parts.retain(|part| selection.reads.contains(&part.spec().reads));
        self.kit.selection = selection;
        self.revision = revision(&self.kit);
        self
    }

    /// A directory on this machine: an image layout, or else the root of a file system. Links are not followed.
    ///
    /// # Errors
    /// When the directory itself cannot be read; what cannot be read inside is recorded as skipped.
    pub fn directory(&self, path: &Path) -> Result<Inventory, Problem> {
        let budget = Budget::new(self.limits.clone());
        let nested = budget.nested().map_err(problem)?;
        if let Some((image, report)) = directory::image(path, &budget, |layer| self.one_layer(layer, &nested))? {
            return Ok(image.compose(self, &report));
        }
        let mut collector = Collector::new(&self.kit, &budget, Within::FileSystem);
        directory::walk(path, &budget, &mut collector)?;
        Ok(collector.finish())
    }

    fn one_layer(&self, bytes: &mut dyn Read, budget: &Budget) -> Result<Inventory, Problem> {
        let mut collector = Collector::new(&self.kit, budget, Within::Layer);
        let walker = Walker::new(budget).names(Names::Layer).tolerance(Tolerance::SkipAndReport);
        let outcome = walker.stream(bytes, Kind::Tar, |head, body| {
            collector.visit(head, body)?;
            Ok::<_, Halt>(Flow::Continue)
        });
        collector.close(outcome)
    }

    /// The file as one package: the first analyzer of package files that makes something of it.
    fn as_package(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget) -> Result<Inventory, Problem> {
        let mut out = Inventory::default();
        let readers = self.kit.parts.iter().filter(|part| part.spec().reads == Reads::Package && part.wants(entry));
        for part in readers {
            rewind(bytes)?;
            part.look(entry, bytes, budget, &mut out)?;
            if !out.components.is_empty() {
                let id = part.spec().id.to_owned();
                let found = u32::try_from(out.components.len()).unwrap_or(u32::MAX);
                out.read.push(assay_model::inventory::Read {
                    path: entry.path.to_owned(),
                    analyzer: id.clone(),
                    found,
                });
                out.analyzers.insert(id);
                break;
            }
        }
        Ok(out)
    }

    /// What else is in a package, or in any other file that is no tree.
    fn contents(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        known: Inventory,
    ) -> Result<Inventory, Problem> {
        let is_package = !known.components.is_empty();
        let own = 0..known.components.len();
        rewind(bytes)?;
        let mut collector = Collector::new(&self.kit, budget, Within::FileSystem);
        collector.out = known;
        let place = Place { is_artifact: true, ..Place::top(Within::FileSystem, budget) };
        let outcome = match nested::kind_of(entry) {
            Some(kind) => collector.open(entry.path, kind, bytes, is_package, &place),
            None if is_package => collector.open_payload(entry, bytes, &place),
            None => {
                let head = EntryHead { path: entry.path.to_owned(), kind: EntryKind::File, size: entry.size, mode: 0 };
                collector.offer(&head, &mut { bytes }, &place)
            }
        };
        outcome.map_err(|halt| halt.0)?;
        if is_package {
            subject::settle(&mut collector.out.components, own);
        }
        let mut out = collector.finish();
        out.files_seen = out.files_seen.max(1);
        Ok(out)
    }

    /// A tar that is no package: an image archive, or the root of a file system. One pass finds out which.
    fn as_tree(&self, path: &str, kind: Kind, bytes: &mut dyn ReadSeek, budget: &Budget) -> Result<Inventory, Problem> {
        rewind(bytes)?;
        let mut collector = Collector::new(&self.kit, budget, Within::FileSystem);
        let mut image = ImageArchive::default();
        let walker = Walker::new(budget).names(Names::Layer).tolerance(Tolerance::SkipAndReport);
        let nested = budget.nested().map_err(problem)?;
        let outcome = walker.stream(bytes, kind, |head, body| {
            let taken = image.visit(head, body, budget, |layer| self.one_layer(layer, &nested))?;
            if !taken {
                collector.visit(head, body)?;
            }
            Ok::<_, Halt>(Flow::Continue)
        });
        if image.is_one() {
            let report = outcome.map_err(|halt| halt.0)?;
            // What its layers consist of is not told apart.
            let outline = Some(Outline::unknown());
            return Ok(Inventory { outline, ..image.compose(self, &report) });
        }
        collector.close(outcome).map(|out| claimed(out, path))
    }

    fn as_zip(&self, path: &str, bytes: &mut dyn ReadSeek, budget: &Budget) -> Result<Inventory, Problem> {
        rewind(bytes)?;
        let mut collector = Collector::new(&self.kit, budget, Within::FileSystem);
        let walker = Walker::new(budget).tolerance(Tolerance::SkipAndReport);
        let outcome = walker.zip(bytes, |head, body| {
            collector.visit(head, body)?;
            Ok::<_, Halt>(Flow::Continue)
        });
        collector.close(outcome).map(|out| claimed(out, path))
    }

    /// As one package, or as whatever else it is.
    fn whole(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek) -> Result<Inventory, Problem> {
        let (budget, path) = (Budget::new(self.limits.clone()), entry.path);
        let found = self.as_package(entry, bytes, &budget)?;
        if !found.components.is_empty() {
            return self.contents(entry, bytes, &budget, found);
        }
        let told = found.skipped;
        let mut out = match unpacked_kind(sniff(entry.head), bytes, &budget)? {
            Some(Kind::Zip) => self.as_zip(path, bytes, &budget),
            Some(kind @ Kind::Tar) => self.as_tree(path, kind, bytes, &budget),
            _ => self.contents(entry, bytes, &budget, Inventory::default()).map(|out| claimed(out, path)),
        }?;
        if !told.is_empty() {
            // Then an analyzer does read this kind, and has said why it could not here.
            out.skipped.retain(|skipped| skipped.path != path || skipped.reason != UNSUPPORTED);
            out.skipped.splice(0..0, told);
        }
        Ok(out)
    }
}

impl Inspector for StandardInspector {
    fn revision(&self) -> &str {
        &self.revision
    }

    fn file(&self, name: &str, size: u64, bytes: &mut dyn ReadSeek) -> Result<Inventory, Problem> {
        let path = name.rsplit('/').next().unwrap_or(name);
        let head = first_bytes(bytes)?;
        let mut out = self.whole(&Entry { path, size, is_artifact: true, head: &head }, bytes)?;
        out.outline.get_or_insert_default().artifact(path, &head);
        Ok(out)
    }

    fn layer(&self, bytes: &mut dyn Read) -> Result<Inventory, Problem> {
        let mut out = self.one_layer(bytes, &Budget::new(self.limits.clone()))?;
        out.outline.get_or_insert_default();
        Ok(out)
    }

    fn compose(&self, layers: &[(Digest, Inventory)]) -> Inventory {
        compose::compose(layers)
    }

    fn describe(&self, image: &mut Inventory, config: &[u8], layers: &[StoredLayer]) {
        let mut facts = image_facts(config, layers, Vec::new(), Vec::new());
        if self.kit.selection.secrets {
            image.secrets.extend(crate::content::image_secrets(&mut facts));
            image.sort();
        }
        image.image = Some(facts);
    }

    fn newer_than(&self, revision: &str) -> BTreeSet<String> {
        newer::than(&self.revision, revision)
    }

    fn may_improve(&self, newer: &BTreeSet<String>, role: Role, known: &Inventory, outline: Option<&Outline>) -> bool {
        newer::may_improve(&self.kit, newer, role, known, outline)
    }
}

fn revision(kit: &Kit) -> String {
    let mut names: Vec<String> =
        kit.parts.iter().map(|part| format!("{}/{}", part.spec().id, part.spec().revision)).collect();
    let selection = &kit.selection;
    names.extend(selection.secrets.then(|| SECRETS_REVISION.to_owned()));
    names.extend(selection.licenses.then(|| LICENSES_REVISION.to_owned()));
    let excluded = selection.excluded.files.iter().chain(&selection.excluded.folders);
    names.extend(excluded.map(|pattern| format!("without:{}", pattern.as_str())));
    names.extend(selection.also.iter().map(|(id, pattern)| format!("{id}:{}", pattern.as_str())));
    names.sort();
    names.join(" ")
}

/// An archive of which no analyzer read anything is rather of an unknown kind than empty.
fn claimed(out: Inventory, path: &str) -> Inventory {
    if out.analyzers.is_empty() { not_understood(out, path) } else { out }
}

/// Nothing was found because nothing was understood, and the inventory has to say so.
fn not_understood(mut out: Inventory, path: &str) -> Inventory {
    out.skipped.push(Skipped {
        path: path.to_owned(),
        reason: UNSUPPORTED.to_owned(),
        detail: "no analyzer reads this kind of file".to_owned(),
    });
    out
}

fn rewind(bytes: &mut dyn ReadSeek) -> Result<(), Problem> {
    bytes.seek(SeekFrom::Start(0)).map(|_| ()).map_err(|error| Problem::internal("the artifact cannot be read", error))
}

fn first_bytes(bytes: &mut dyn ReadSeek) -> Result<Vec<u8>, Problem> {
    rewind(bytes)?;
    let mut first = Vec::new();
    bytes
        .take(SNIFF_BYTES as u64)
        .read_to_end(&mut first)
        .map_err(|error| Problem::internal("the artifact cannot be read", error))?;
    rewind(bytes)?;
    Ok(first)
}

/// What a compressed file holds, or the file itself.
fn unpacked_kind(kind: Option<Kind>, bytes: &mut dyn ReadSeek, budget: &Budget) -> Result<Option<Kind>, Problem> {
    if !kind.is_some_and(Kind::is_compression) {
        return Ok(kind);
    }
    rewind(bytes)?;
    let mut first = Vec::new();
    let read = decompress(&mut *bytes, budget).map(|opened| opened.take(SNIFF_BYTES as u64).read_to_end(&mut first));
    rewind(bytes)?;
    match read {
        // Damage shows, and is told, when it is opened.
        Ok(_) => Ok(sniff(&first).filter(|kind| *kind == Kind::Tar)),
        Err(error) => Err(problem(error)),
    }
}

/// The layers of an image archive have to be there.
fn missing(path: &str) -> Problem {
    corrupt(format!("the archive's manifest names {path}, which is not in the archive"))
}
