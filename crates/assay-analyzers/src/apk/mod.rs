//! Alpine's packages: the database `lib/apk/db/installed`, stanzas of one-letter fields, and package files.
//!
//! `C` checksum, `P` name, `V` version, `A` architecture, `o` origin (the source package), `L` licence, `T` summary, `m` maintainer,
//! `D` requirements, `p` what else it provides, `F` a directory and `R` a file in it. The source has the same version as what is built from it.

mod file;

use assay_archive::{Budget, Limits};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::component::{OsPackage, set};
use crate::depends::{Node, connect};
use crate::part::{LIMIT, Part, corrupt, field, line, text};
use crate::project::PACKAGES;
pub(crate) use file::ApkFile;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "apk",
    revision: 2,
    reads: Reads::System,
    summary: "installed packages of Alpine and its kin, with origin, licence and requirements",
};

const PURL_TYPE: &str = "apk";
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
        let mut nodes = Vec::new();
        let mut all = stanzas(&text);
        for stanza in all.by_ref().take(PACKAGES) {
            match package(stanza, entry.path) {
                Some(found) => nodes.push(found),
                None => bad += 1,
            }
        }
        out.components.extend(connect(nodes));
        if all.next().is_some() {
            return Err(Problem::invalid(LIMIT, format!("{} has more than {PACKAGES} packages", entry.path)));
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

fn package(stanza: &str, path: &str) -> Option<Node> {
    let get = |key: &str| fields(stanza).find(|(found, _)| *found == key).map(|(_, value)| value);
    let name = field(get("P"))?;
    let version = field(get("V"))?;
    let source = field(get("o")).unwrap_or_else(|| name.clone());
    let package = OsPackage {
        purl_type: PURL_TYPE,
        name: &name,
        version: &version,
        architecture: &field(get("A")).unwrap_or_default(),
        source: &source,
        source_version: &version,
    };
    let mut found = package.occurrence(path, SPEC.id).ok()?;
    found.licenses.extend(line(get("L")));
    found.summary = line(get("T"));
    found.digest = get("C").and_then(digest);
    found.requires = words(get("D"));
    set(&mut found, "maintainer", &line(get("m")).unwrap_or_default());
    let needs = found.requires.iter().map(|one| bare(one)).collect();
    let provides = words(get("p")).iter().map(|one| bare(one)).collect();
    Some(Node { found, provides, needs })
}

fn words(value: Option<&str>) -> Vec<String> {
    value.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// The name in `so:libz.so.1=1.2.11` or `zlib>=1.2`.
fn bare(entry: &str) -> String {
    entry.split(['<', '>', '=', '~', '@']).next().unwrap_or(entry).to_owned()
}

/// `Q1` and `Q2` begin SHA-1 and SHA-256 of the package's control part.
fn digest(stated: &str) -> Option<String> {
    let (algorithm, length, encoded) = match stated.trim().split_at_checked(2)? {
        ("Q1", encoded) => ("sha1", 20, encoded),
        ("Q2", encoded) => ("sha256", 32, encoded),
        _ => return None,
    };
    let bytes = BASE64_STANDARD.decode(encoded).ok().filter(|bytes| bytes.len() == length)?;
    Some(format!("{algorithm}:{}", hex::encode(bytes)))
}
