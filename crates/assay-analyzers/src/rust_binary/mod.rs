//! Rust executables built with `cargo auditable`: the list of crates in the section `.dep-v0`, JSON compressed with zlib.

use std::io::Read;

use assay_archive::Budget;
use assay_model::component::Relationship;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};
use flate2::read::ZlibDecoder;
use serde::Deserialize;

use crate::executable;
use crate::part::{LIMIT, corrupt, field};
use crate::reader::{Reader, identifier, package};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "rust-binary",
    revision: 1,
    reads: Reads::Installed,
    summary: "Rust executables with an embedded list of crates (cargo auditable): all crates, and how they depend on each other",
};

const OSV: &str = "crates.io";
const SECTION: &str = ".dep-v0";
/// The list of a program with thousands of crates is below a tenth of this.
const LIST_BYTES: u64 = 8 << 20;

pub(crate) const PART: Reader = Reader { spec: &SPEC, wants: |entry| executable::is_one(entry.head), look };

#[derive(Deserialize)]
struct List {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    source: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    dependencies: Vec<usize>,
    #[serde(default)]
    root: bool,
}

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, _: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let Some(layout) = executable::layout(bytes)? else { return Ok(()) };
    let Some(section) = layout.section(SECTION) else { return Ok(()) };
    let packed = executable::read_at(bytes, section.offset, section.size.min(LIST_BYTES))?;
    let mut json = Vec::new();
    let read = ZlibDecoder::new(packed.as_slice()).take(LIST_BYTES + 1).read_to_end(&mut json);
    read.map_err(|error| corrupt(format!("the list of crates cannot be unpacked: {error}")))?;
    if json.len() as u64 > LIST_BYTES {
        return Err(Problem::invalid(LIMIT, "the list of crates is larger than 8 MiB"));
    }
    let list: List =
        serde_json::from_slice(&json).map_err(|error| corrupt(format!("the list of crates is not one: {error}")))?;
    add(&list.packages, entry.path, out)
}

fn add(crates: &[Crate], path: &str, out: &mut Inventory) -> Result<(), Problem> {
    let ids: Vec<String> = crates.iter().map(|one| identifier(&one.name, &one.version)).collect();
    let direct = crates.iter().filter(|one| one.root).flat_map(|root| &root.dependencies);
    let direct: std::collections::BTreeSet<usize> = direct.copied().collect();
    for (at, one) in crates.iter().enumerate() {
        let mut found = package(OSV, &one.name, &one.version, path, SPEC.id)?;
        found.relationship = match (one.root, direct.contains(&at)) {
            (true, _) => Relationship::Root,
            (_, true) => Relationship::Direct,
            _ => Relationship::Indirect,
        };
        // Crates of build scripts and macros run when it is built, and are not in the executable.
        found.dev = one.kind.as_deref() == Some("build");
        found.depends_on = one.dependencies.iter().filter_map(|at| ids.get(*at).cloned()).collect();
        found.depends_on.sort();
        found.depends_on.dedup();
        if let Some(source) = field(one.source.as_deref()) {
            found.properties.insert(format!("{}.source", SPEC.id), source);
        }
        out.components.push(found);
    }
    Ok(())
}
