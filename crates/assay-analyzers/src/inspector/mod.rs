//! The inspector: takes package files, layers, directories and image archives apart with all analyzers.

mod collector;
mod compose;
mod directory;
mod hashing;
mod image;
mod owners;

use std::io::{Read, SeekFrom};
use std::path::Path;

use assay_archive::{Budget, Flow, Kind, Limits, Names, SNIFF_BYTES, Tolerance, Walker, sniff};
use assay_model::digest::Digest;
use assay_model::inventory::{Inventory, Skipped};
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::Entry;
use assay_model::seam::inspector::Inspector;

use crate::part::{Halt, Part, UNSUPPORTED, corrupt, problem};
use collector::{Collector, Within};
use image::ImageArchive;

/// All analyzers under one set of limits. Cheap to call from several threads at once.
pub struct StandardInspector {
    parts: Vec<Box<dyn Part>>,
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
        let parts = crate::all();
        let mut names: Vec<String> =
            parts.iter().map(|part| format!("{}/{}", part.spec().id, part.spec().revision)).collect();
        names.sort();
        Self { parts, limits, revision: names.join(" ") }
    }

    /// A directory on this machine, read as the root of a file system. Links are not followed.
    ///
    /// # Errors
    /// When the directory itself cannot be read; what cannot be read inside is recorded as skipped.
    pub fn directory(&self, path: &Path) -> Result<Inventory, Problem> {
        let budget = Budget::new(self.limits.clone());
        let mut collector = Collector::new(&self.parts, &budget, Within::FileSystem);
        directory::walk(path, &budget, &mut collector)?;
        Ok(collector.finish())
    }

    fn one_layer(&self, bytes: &mut dyn Read, budget: &Budget) -> Result<Inventory, Problem> {
        let mut collector = Collector::new(&self.parts, budget, Within::Layer);
        let walker = Walker::new(budget).names(Names::Layer).tolerance(Tolerance::SkipAndReport);
        let outcome = walker.stream(bytes, Kind::Tar, |head, body| {
            collector.visit(head, body)?;
            Ok::<_, Halt>(Flow::Continue)
        });
        collector.close(outcome)
    }

    /// The archive as a whole: whatever analyzer makes something of it.
    fn as_package(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget) -> Result<Inventory, Problem> {
        let mut out = Inventory::default();
        for part in self.parts.iter().filter(|part| part.wants(entry)) {
            rewind(bytes)?;
            part.look(entry, bytes, budget, &mut out)?;
            if !out.components.is_empty() {
                out.analyzers.insert(part.spec().id.to_owned());
                break;
            }
        }
        out.sort();
        Ok(out)
    }

    /// A tar that is no package: an image archive, or the root of a file system. One pass finds out which.
    fn as_tree(
        &self,
        path: &str,
        kind: Kind,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
    ) -> Result<Option<Inventory>, Problem> {
        rewind(bytes)?;
        let mut collector = Collector::new(&self.parts, budget, Within::FileSystem);
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
            return Ok(Some(image.compose(self, &report)));
        }
        match outcome {
            // A compressed single file, say.
            Err(Halt(problem)) if problem.code == UNSUPPORTED => Ok(None),
            outcome => collector.close(outcome).map(|out| Some(claimed(out, path))),
        }
    }

    fn as_zip(&self, path: &str, bytes: &mut dyn ReadSeek, budget: &Budget) -> Result<Inventory, Problem> {
        let mut collector = Collector::new(&self.parts, budget, Within::FileSystem);
        let walker = Walker::new(budget).tolerance(Tolerance::SkipAndReport);
        let outcome = walker.zip(bytes, |head, body| {
            collector.visit(head, body)?;
            Ok::<_, Halt>(Flow::Continue)
        });
        collector.close(outcome).map(|out| claimed(out, path))
    }
}

impl Inspector for StandardInspector {
    fn revision(&self) -> &str {
        &self.revision
    }

    fn file(&self, name: &str, size: u64, bytes: &mut dyn ReadSeek) -> Result<Inventory, Problem> {
        let budget = Budget::new(self.limits.clone());
        let path = name.rsplit('/').next().unwrap_or(name);
        let head = first_bytes(bytes)?;
        let entry = Entry { path, size, is_artifact: true, head: &head };
        let found = self.as_package(&entry, bytes, &budget)?;
        if !found.components.is_empty() {
            return Ok(found);
        }
        let tree = match sniff(&head) {
            Some(Kind::Zip) => Some(self.as_zip(path, bytes, &budget)?),
            Some(Kind::Ar | Kind::Cpio) | None => None,
            Some(kind) => self.as_tree(path, kind, bytes, &budget)?,
        };
        Ok(tree.unwrap_or_else(|| not_understood(Inventory::default(), path)))
    }

    fn layer(&self, bytes: &mut dyn Read) -> Result<Inventory, Problem> {
        self.one_layer(bytes, &Budget::new(self.limits.clone()))
    }

    fn compose(&self, layers: &[(Digest, Inventory)]) -> Inventory {
        compose::compose(layers)
    }
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

/// The layers of an image archive have to be there.
fn missing(path: &str) -> Problem {
    corrupt(format!("the archive's manifest names {path}, which is not in the archive"))
}
