//! Python source distributions: the `PKG-INFO` in the one top directory of a `name-version.tar.gz` or `.zip`.
//!
//! The suffix says little, so the first entry decides whether this is one at all: its directory has to repeat the file's
//! name. Anything else is left to others after a look at one entry.

use std::io::{Read, SeekFrom};

use assay_archive::{Budget, EntryHead, Flow, Kind, Limits, Report, SNIFF_BYTES, Tolerance, Walker, sniff};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::part::{Halt, Part, UNSAFE_PATH, inside, text};
use crate::python;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "sdist",
    revision: 1,
    reads: Reads::Package,
    summary: "PKG-INFO of Python source distributions: name, version, licence, requirements",
};

const SUFFIXES: [&str; 3] = [".tar.gz", ".tar.bz2", ".zip"];
/// Inside a file system, larger ones are rather backups than source distributions.
const NESTED_BYTES: u64 = 64 << 20;

pub(crate) struct Sdist;

impl Analyzer for Sdist {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        stem(entry.path).is_some_and(|stem| entry.is_artifact || entry.size <= NESTED_BYTES && has_version(stem))
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for Sdist {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let (Some(stem), Some(kind)) = (stem(entry.path), kind(bytes)?) else { return Ok(()) };
        let mut search = Search { entry, stem, is_one: None, found: None };
        let walker = Walker::new(budget).tolerance(Tolerance::SkipAndReport);
        let outcome = walker.walk(bytes, kind, |head, body| search.visit(head, body, budget));
        match (outcome, search.is_one) {
            // Not one of ours, or not known to be: then its damage is for others to report.
            (_, None | Some(false)) => Ok(()),
            (Err(halt), _) => Err(halt.0),
            (Ok(report), _) => finish(search, &report, out),
        }
    }
}

fn finish(search: Search<'_>, report: &Report, out: &mut Inventory) -> Result<(), Problem> {
    let Some(mut found) = search.found else { return Ok(()) };
    if let Some(notice) = report.notices.iter().find(|notice| !notice.path.is_empty()) {
        let message = format!("the archive has an unsafe entry {:?}: {}", notice.path, notice.what);
        return Err(Problem::invalid(UNSAFE_PATH, message));
    }
    found.is_subject = search.entry.is_artifact;
    out.components.push(found);
    Ok(())
}

struct Search<'a> {
    entry: &'a Entry<'a>,
    stem: &'a str,
    /// Known after the first entry.
    is_one: Option<bool>,
    found: Option<Occurrence>,
}

impl Search<'_> {
    fn visit(&mut self, head: &EntryHead, body: &mut dyn Read, budget: &Budget) -> Result<Flow, Halt> {
        let (top, rest) = head.path.split_once('/').unwrap_or((&head.path, ""));
        let is_one = *self.is_one.get_or_insert_with(|| python::same_name(top, self.stem));
        if !is_one {
            return Ok(Flow::Stop);
        }
        if rest == "PKG-INFO" && head.is_file() {
            self.found = Some(python::parse(&text(body, budget)?, &inside(self.entry, &head.path), SPEC.id)?);
        }
        Ok(Flow::Continue)
    }
}

fn stem(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix))
}

/// `name-1.0`: what follows the last hyphen begins like a version.
fn has_version(stem: &str) -> bool {
    stem.rsplit_once('-').is_some_and(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()))
}

fn kind(bytes: &mut dyn ReadSeek) -> Result<Option<Kind>, Problem> {
    let io = |error| Problem::internal("the artifact cannot be read", error);
    let mut first = Vec::new();
    bytes.seek(SeekFrom::Start(0)).map_err(io)?;
    bytes.take(SNIFF_BYTES as u64).read_to_end(&mut first).map_err(io)?;
    Ok(sniff(&first))
}
