//! Alpine's package database, `lib/apk/db/installed`: stanzas of one-letter fields.
//!
//! `P` name, `V` version, `A` architecture, `o` origin (the source package), `L` licence, `T` summary, `D` requirements,
//! `F` a directory and `R` a file in it. The source has the same version as what is built from it.

use assay_archive::{Budget, Limits};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::component::OsPackage;
use crate::part::{Part, corrupt, field, line, text};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "apk",
    revision: 1,
    reads: Reads::System,
    summary: "installed packages of Alpine and its kin, with origin, licence and requirements",
};

const PATHS: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

pub(crate) struct Apk;

impl Analyzer for Apk {
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

impl Part for Apk {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let text = text(bytes, budget)?;
        let mut bad = 0;
        for stanza in stanzas(&text) {
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
        PATHS.contains(&path)
    }

    fn owned_files(&self, _path: &str, list: &str, owned: &mut dyn FnMut(&str, &str)) {
        for stanza in stanzas(list) {
            let (mut package, mut folder) = ("", "");
            for (key, value) in fields(stanza) {
                match key {
                    "P" => package = value,
                    "F" => folder = value,
                    "R" if folder.is_empty() => owned(value, package),
                    "R" => owned(&format!("{folder}/{value}"), package),
                    _ => {}
                }
            }
        }
    }
}

fn stanzas(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(|stanza| stanza.trim_matches('\n')).filter(|stanza| !stanza.is_empty())
}

fn fields(stanza: &str) -> impl Iterator<Item = (&str, &str)> {
    stanza.lines().filter_map(|line| line.split_once(':'))
}

fn package(stanza: &str, path: &str) -> Option<Occurrence> {
    let get = |key: &str| fields(stanza).find(|(found, _)| *found == key).map(|(_, value)| value);
    let name = field(get("P"))?;
    let version = field(get("V"))?;
    let source = field(get("o")).unwrap_or_else(|| name.clone());
    let package = OsPackage {
        purl_type: SPEC.id,
        name: &name,
        version: &version,
        architecture: &field(get("A")).unwrap_or_default(),
        source: &source,
        source_version: &version,
    };
    let mut found = package.occurrence(path, SPEC.id).ok()?;
    found.licenses.extend(line(get("L")));
    found.summary = line(get("T"));
    found.requires = get("D").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    Some(found)
}
