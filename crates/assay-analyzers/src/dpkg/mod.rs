//! Debian's package database: `var/lib/dpkg/status`, or `status.d/*` where there is no package manager.
//!
//! Only what is installed counts. `Source` names the source package, with its version in parentheses where it differs
//! from the binary's. Licences are in `usr/share/doc/*/copyright`.

mod copyright;

use assay_archive::{Budget, Limits};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::component::OsPackage;
use crate::part::{Part, corrupt, field, line, text};
use crate::stanza::{Stanza, stanzas};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "dpkg",
    revision: 1,
    reads: Reads::System,
    summary: "installed packages of Debian and its kin, with source package and requirements",
};

const PURL_TYPE: &str = "deb";
const STATUS: &str = "var/lib/dpkg/status";
const STATUS_FOLDER: &str = "var/lib/dpkg/status.d/";
const LISTS: &str = "var/lib/dpkg/info/";
const DOCUMENTS: &str = "usr/share/doc/";
const SUMS: &str = ".md5sums";

pub(crate) struct Dpkg;

impl Analyzer for Dpkg {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        let alone = |rest: &str| !rest.is_empty() && !rest.contains('/') && !rest.ends_with(SUMS);
        entry.path == STATUS || entry.path.strip_prefix(STATUS_FOLDER).is_some_and(alone)
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
        let text = text(bytes, budget)?;
        let mut bad = 0;
        for stanza in stanzas(&text).filter(|stanza| is_installed(*stanza)) {
            match package(stanza, entry.path) {
                Some(found) => out.components.push(found),
                None => bad += 1,
            }
        }
        if bad > 0 {
            return Err(corrupt(format!("{bad} packages of {} have no usable name or version", entry.path)));
        }
        Ok(())
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

    fn licence(&self, text: &str) -> Option<String> {
        copyright::licences(text)
    }
}

/// `Status: want flag state`. In `status.d` there is no such field, and everything is installed.
fn is_installed(stanza: Stanza<'_>) -> bool {
    stanza.get("Status").is_none_or(|status| status.split_whitespace().nth(2) == Some("installed"))
}

fn package(stanza: Stanza<'_>, path: &str) -> Option<Occurrence> {
    let name = field(stanza.get("Package").as_deref())?;
    let version = field(stanza.get("Version").as_deref())?;
    let architecture = field(stanza.get("Architecture").as_deref()).unwrap_or_default();
    let stated = field(stanza.get("Source").as_deref());
    let (source, source_version) = match stated.as_deref().map(|source| source.split_once('(').unwrap_or((source, "")))
    {
        Some((source, version)) => (source.trim(), version.trim_end_matches(')').trim()),
        None => (name.as_str(), ""),
    };
    let package = OsPackage {
        purl_type: PURL_TYPE,
        name: &name,
        version: &version,
        architecture: &architecture,
        source,
        source_version: if source_version.is_empty() { &version } else { source_version },
    };
    let mut found = package.occurrence(path, SPEC.id).ok()?;
    found.summary = line(stanza.get("Description").as_deref());
    found.requires = ["Pre-Depends", "Depends"]
        .iter()
        .filter_map(|key| stanza.get(key))
        .flat_map(|list| list.split(',').map(|one| one.trim().replace('\n', " ")).collect::<Vec<_>>())
        .filter(|one| !one.is_empty())
        .collect();
    Some(found)
}
