//! Debian's packages: the database `var/lib/dpkg/status`, `status.d/*` where there is no package manager, and package files.
//!
//! `Source` names the source package, with its version in parentheses where it differs from the binary's. Licences are in
//! `usr/share/doc/*/copyright`.

mod control;
mod copyright;
mod file;

use assay_archive::{Budget, Limits};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::depends::{Node, connect};
use crate::part::{Gathered, LIMIT, Part, corrupt, skipped, text};
use crate::project::PACKAGES;
use crate::stanza::stanzas;
pub(crate) use file::DebFile;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "dpkg",
    revision: 2,
    reads: Reads::System,
    summary: "installed packages of Debian and its kin, with source package, requirements and licences",
};

const STATUS: &str = "var/lib/dpkg/status";
const STATUS_FOLDER: &str = "var/lib/dpkg/status.d/";
const LISTS: &str = "var/lib/dpkg/info/";
const DOCUMENTS: &str = "usr/share/doc/";
const SUMS: &str = ".md5sums";

pub(crate) struct Dpkg;

fn is_single(path: &str) -> bool {
    let alone = |rest: &str| !rest.is_empty() && !rest.contains('/') && !rest.ends_with(SUMS);
    path.strip_prefix(STATUS_FOLDER).is_some_and(alone)
}

impl Analyzer for Dpkg {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        entry.path == STATUS
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for Dpkg {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let mut nodes = Vec::new();
        let outcome = read(entry.path, &text(bytes, budget)?, &mut nodes);
        out.components.extend(connect(nodes));
        outcome
    }

    /// One package in each file of `status.d`: only together do they tell what depends on what.
    fn gathers(&self, entry: &Entry<'_>) -> bool {
        is_single(entry.path)
    }

    fn conclude(&self, files: &Gathered, _budget: &Budget, out: &mut Inventory) {
        let mut nodes = Vec::new();
        for (path, bytes) in files.iter() {
            if let Err(problem) = read(path, &String::from_utf8_lossy(bytes), &mut nodes) {
                out.skipped.push(skipped(path, &problem));
            }
        }
        out.components.extend(connect(nodes));
    }

    fn lists_owned_files(&self, path: &str) -> bool {
        path.starts_with(LISTS) && path.ends_with(".list") || path.starts_with(STATUS_FOLDER) && path.ends_with(SUMS)
    }

    fn owned_files(&self, path: &str, list: &str, owned: &mut dyn FnMut(&str, &str)) {
        let file = path.rsplit('/').next().unwrap_or(path);
        let stem = file.strip_suffix(".list").or_else(|| file.strip_suffix(SUMS)).unwrap_or(file);
        // `libc6:amd64.list`: the architecture is no part of the name.
        let package = stem.split(':').next().unwrap_or(stem);
        for line in list.lines() {
            let listed = if file.ends_with(SUMS) { line.split_once("  ").map_or("", |(_, path)| path) } else { line };
            owned(listed.trim_start_matches("./").trim_start_matches('/'), package);
        }
    }

    fn licence_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let package = path.strip_prefix(DOCUMENTS)?.strip_suffix("/copyright")?;
        (!package.contains('/')).then_some(package)
    }

    fn licences(&self, text: &str) -> Vec<String> {
        copyright::licences(text)
    }
}

fn read(path: &str, text: &str, nodes: &mut Vec<Node>) -> Result<(), Problem> {
    let mut bad = 0;
    for stanza in stanzas(text).filter(|stanza| control::is_installed(*stanza)) {
        if nodes.len() >= PACKAGES {
            return Err(Problem::invalid(LIMIT, format!("{path} has more than {PACKAGES} packages")));
        }
        match control::package(stanza, path, SPEC.id) {
            Some(found) => nodes.push(found),
            None => bad += 1,
        }
    }
    match bad {
        0 => Ok(()),
        bad => Err(corrupt(format!("{bad} packages of {path} have no usable name or version"))),
    }
}
