//! RPM: installed databases in their three forms, the list that systems without rpm keep, and package files.
//!
//! A database holds one header for each package, whatever its form; the form is told by the first bytes. Headers also list
//! files, so the database says what belongs to which package.

mod bdb;
mod file;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests")]
mod fixtures;
mod header;
mod manifest;
mod ndb;
mod origin;
mod package;
mod sqlite;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests")]
mod tests;

use std::io::{Read as _, SeekFrom};

use assay_archive::{Budget, Limits};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::depends::connect;
use crate::part::{Part, corrupt};
pub(crate) use file::RpmFile;
use header::{Header, Tag};
pub(crate) use manifest::RpmManifest;
use package::Read;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "rpm",
    revision: 1,
    reads: Reads::System,
    summary: "rpm databases (Berkeley DB, NDB, SQLite): installed packages with source package, module, licence, requirements",
};

const PATHS: [&str; 7] = [
    "var/lib/rpm/Packages",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages",
    "usr/lib/sysimage/rpm/Packages.db",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/share/rpm/rpmdb.sqlite",
];

/// Installed packages.
pub(crate) struct Rpm;

impl Analyzer for Rpm {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        PATHS.contains(&entry.path)
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for Rpm {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let mut nodes = Vec::new();
        let mut nameless = 0;
        let outcome = each_header(bytes, budget, &mut |blob| match Header::parse(blob)
            .map(|header| package::read(header, entry.path, SPEC.id))
        {
            Ok(Read::Package(node)) => nodes.push(*node),
            Ok(Read::Key) => {}
            Ok(Read::Nameless) | Err(_) => nameless += 1,
        });
        out.components.extend(connect(nodes));
        match outcome? + nameless {
            0 => Ok(()),
            bad => Err(corrupt(format!("{bad} packages of {} cannot be read", entry.path))),
        }
    }

    fn lists_owned_files(&self, path: &str) -> bool {
        PATHS.contains(&path)
    }

    fn owns(
        &self,
        _entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        owned: &mut dyn FnMut(&str, &str),
    ) -> Result<(), Problem> {
        each_header(bytes, budget, &mut |blob| {
            let Ok(header) = Header::parse(blob) else { return };
            let Some(name) = header.text(Tag::NAME) else { return };
            header.files(&mut |file| owned(file, &name));
        })?;
        Ok(())
    }
}

/// Calls `each` with every header of a database; the outcome is how many could not be had. An empty file is an empty
/// database: images have it where rpm was never used.
fn each_header(bytes: &mut dyn ReadSeek, budget: &Budget, each: &mut dyn FnMut(&[u8])) -> Result<u64, Problem> {
    let unreadable = |error| Problem::internal("a package database cannot be read", error);
    let mut first = Vec::new();
    bytes.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    (&mut *bytes).take(32).read_to_end(&mut first).map_err(unreadable)?;
    match first.as_slice() {
        [] => Ok(0),
        first if sqlite::is_one(first) => sqlite::read(bytes, budget, each),
        first if ndb::is_one(first) => ndb::read(bytes, budget, each),
        first if bdb::is_one(first) => bdb::read(bytes, budget, each),
        _ => Err(corrupt("this is no rpm database of a known form")),
    }
}
