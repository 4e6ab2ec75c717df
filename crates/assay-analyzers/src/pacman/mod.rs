//! Arch Linux's packages: the database `var/lib/pacman/local/*/desc` (each field a line `%NAME%` with its values below), and
//! package files.

mod file;

use std::collections::BTreeMap;

use assay_archive::{Budget, Limits};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::component::{OsPackage, set};
use crate::depends::{Node, connect};
use crate::part::{Gathered, Part, corrupt, field, line, skipped};
pub(crate) use file::PacmanFile;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "pacman",
    revision: 1,
    reads: Reads::System,
    summary: "installed packages of Arch Linux and its kin, with base package, licence and requirements",
};

const PURL_TYPE: &str = "alpm";
const FOLDER: &str = "var/lib/pacman/local/";

/// Installed packages.
pub(crate) struct Pacman;

/// The folder of a package's `file`: `name-version-release`.
fn folder<'a>(path: &'a str, file: &str) -> Option<&'a str> {
    let (folder, name) = path.strip_prefix(FOLDER)?.split_once('/')?;
    (name == file).then_some(folder)
}

impl Analyzer for Pacman {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, _entry: &Entry<'_>) -> bool {
        false
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for Pacman {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let text = crate::part::text(bytes, budget)?;
        let node = package(&text, entry.path).ok_or_else(|| corrupt("the package has no usable name or version"))?;
        out.components.push(node.found);
        Ok(())
    }

    fn gathers(&self, entry: &Entry<'_>) -> bool {
        folder(entry.path, "desc").is_some()
    }

    fn conclude(&self, files: &Gathered, _budget: &Budget, out: &mut Inventory) {
        let mut nodes = Vec::new();
        for (path, bytes) in files.iter() {
            match package(&String::from_utf8_lossy(bytes), path) {
                Some(node) => nodes.push(node),
                None => out.skipped.push(skipped(path, &corrupt("the package has no usable name or version"))),
            }
        }
        out.components.extend(connect(nodes));
    }

    fn lists_owned_files(&self, path: &str) -> bool {
        folder(path, "files").is_some()
    }

    fn owned_files(&self, path: &str, list: &str, owned: &mut dyn FnMut(&str, &str)) {
        let Some(package) = folder(path, "files").and_then(|folder| folder.rsplitn(3, '-').nth(2)) else { return };
        let names = fields(list).remove("FILES").unwrap_or_default();
        names.iter().filter(|name| !name.ends_with('/')).for_each(|name| owned(name, package));
    }
}

fn fields(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut key = "";
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_prefix('%').and_then(|line| line.strip_suffix('%')) {
            Some(name) => key = name,
            None => all.entry(key).or_default().push(line),
        }
    }
    all
}

fn package(text: &str, path: &str) -> Option<Node> {
    let fields = fields(text);
    let all = |key: &str| fields.get(key).map(Vec::as_slice).unwrap_or_default();
    let get = |key: &str| all(key).first().copied();
    let name = field(get("NAME"))?;
    let version = field(get("VERSION"))?;
    let package = OsPackage {
        purl_type: PURL_TYPE,
        name: &name,
        version: &version,
        architecture: &field(get("ARCH")).unwrap_or_default(),
        source: &field(get("BASE")).unwrap_or_else(|| name.clone()),
        source_version: &version,
    };
    let mut found = package.occurrence(path, SPEC.id).ok()?;
    found.summary = line(get("DESC"));
    found.licenses = all("LICENSE").iter().filter_map(|licence| line(Some(licence))).collect();
    found.requires = all("DEPENDS").iter().filter_map(|one| field(Some(one))).collect();
    set(&mut found, "maintainer", &line(get("PACKAGER")).unwrap_or_default());
    let needs = all("DEPENDS").iter().map(|one| bare(one)).collect();
    let provides = all("PROVIDES").iter().map(|one| bare(one)).collect();
    Some(Node { found, provides, needs })
}

/// The name in `glibc>=2.38` or `libz.so=1-64`.
fn bare(entry: &str) -> String {
    entry.split(['<', '>', '=', ':']).next().unwrap_or(entry).trim().to_owned()
}
