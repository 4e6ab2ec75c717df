//! Sources: facts about the world arrive, from files and from addresses, and touch what they are about. `import` takes what
//! a parser reads; `advisories`, `scores` and `health` keep it and find whom it touches; `whole` takes back what a complete
//! file lacks; `coming` waits for what takes effect by itself; `schedule` fetches; `freshness` tells how old it all is.

mod advisories;
mod coming;
mod freshness;
mod health;
mod import;
mod report;
mod schedule;
mod scores;
mod vex;
mod whole;

pub use freshness::{Rhythm, SourceHealth};
pub use report::{ImportReport, SourceCounts};
pub use schedule::Watched;

use crate::Engine;
use assay_model::{
    access::{Caller, Permission},
    problem::Problem,
    seam::{
        ReadSeek,
        meta::{self, BadRecord},
        source::{Intel, Source},
    },
};
use import::Import;
use std::path::Path;

/// Records in one transaction.
const BATCH: usize = 1000;
/// Bytes that are kept of a bad record.
const EXCERPT: usize = 64 << 10;
/// Ids read at once when a catalogue is compared with what is kept.
const PAGE: usize = 10_000;

/// Called with records read and, where known, how many there are.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, Option<u64>) + Send);

/// Tells an import what there is.
pub type Tell<'a> = &'a mut dyn FnMut(&mut dyn Intel) -> Result<(), Problem>;

impl Engine {
    /// Imports one file of whatever source recognises it. Runs on a blocking thread. Importing it twice changes nothing.
    ///
    /// # Errors
    /// `Invalid` when no source knows the file, and with code `feed-shrank` when so much is missing that nothing is taken
    /// back (what was read stands); otherwise only from the store: bad records are set aside.
    pub fn import_file(
        &self,
        name: &str,
        file: &mut dyn ReadSeek,
        report: &mut ImportReport,
        progress: Progress<'_>,
    ) -> Result<(), Problem> {
        self.import_forced(name, file, false, report, progress)
    }

    /// The same; with `force` a complete file takes back what it lacks, however much that is.
    ///
    /// # Errors
    /// As [`Engine::import_file`].
    pub fn import_forced(
        &self,
        name: &str,
        file: &mut dyn ReadSeek,
        force: bool,
        report: &mut ImportReport,
        progress: Progress<'_>,
    ) -> Result<(), Problem> {
        let source = self.recognize(name, file)?;
        let mut import = Import::new(self, source.spec().id, force, report, progress);
        let parsed = source.parse(name, file, &mut import);
        match parsed {
            Err(problem) if problem.code == "feed-shrank" => import.finish(name).and(Err(problem)),
            Err(problem) => Err(problem),
            Ok(()) => import.finish(name),
        }
    }

    /// Imports what `tell` tells: the way of facts that were fetched elsewhere and come in a container of our own. `of` is
    /// what scores and catalogues count as; advisories and VEX say themselves whose they are. When the sources were heard
    /// of is another matter ([`Engine::heard_of`]). Runs on a blocking thread.
    ///
    /// # Errors
    /// Those of `tell` and of the store.
    pub fn import_told(
        &self,
        of: &'static str,
        name: &str,
        force: bool,
        report: &mut ImportReport,
        tell: Tell<'_>,
    ) -> Result<(), Problem> {
        let mut quiet = |_, _| {};
        let mut import = Import::new(self, of, force, report, &mut quiet);
        import.carried = true;
        match tell(&mut import) {
            Err(problem) if problem.code == "feed-shrank" => import.finish(name).and(Err(problem)),
            Err(problem) => Err(problem),
            Ok(()) => import.finish(name),
        }
    }

    fn recognize(&self, name: &str, file: &mut dyn ReadSeek) -> Result<&'static dyn Source, Problem> {
        let mut head = vec![0_u8; 4096];
        let unreadable = |e| Problem::invalid("unreadable", format!("cannot read {name}")).caused_by(e);
        let mut filled = 0;
        while let Some(rest) = head.get_mut(filled..).filter(|r| !r.is_empty()) {
            match file.read(rest).map_err(unreadable)? {
                0 => break,
                n => filled += n,
            }
        }
        head.truncate(filled);
        file.rewind().map_err(unreadable)?;
        self.parts.sources.iter().copied().find(|s| s.recognizes(name, &head)).ok_or_else(|| {
            let known: Vec<&str> = self.parts.sources.iter().map(|s| s.spec().id).collect();
            Problem::invalid("unknown-feed", format!("{name} is of no known source; known are {}", known.join(", ")))
        })
    }

    /// Notices what an import on a blocking thread committed.
    ///
    /// # Errors
    /// From the store.
    pub async fn after_import(&self) -> Result<(), Problem> {
        self.notice().await
    }

    /// The newest records that were set aside.
    ///
    /// # Errors
    /// `Forbidden`, or from the store.
    pub async fn bad_records(&self, caller: &Caller, limit: usize) -> Result<Vec<BadRecord>, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        meta::read(self.meta(), move |tx| tx.bad_records(limit)).await
    }
}

fn open(path: &Path) -> Result<std::fs::File, Problem> {
    std::fs::File::open(path).map_err(|e| Problem::internal(format!("cannot open {}", path.display()), e))
}
