//! Go executables: the modules that the linker writes into each of them, with the version of Go (package `debug/buildinfo`).

mod settings;
mod version;

use assay_archive::Budget;
use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::purl::{BadPurl, Purl};
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};

use crate::executable::{self, Layout, Order, Section};
use crate::locked::UNRESOLVED;
use crate::part::{LIMIT, corrupt, field, skipped};
use crate::reader::{Reader, package};
use settings::{BuildInfo, Module};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "go-binary",
    revision: 2,
    reads: Reads::Installed,
    summary: "Go executables: main module, modules with replacements applied, standard library; for which system they are",
};

const OSV: &str = "Go";
/// OSV's name of the standard library.
const STDLIB: &str = "stdlib";
const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The header is aligned to this.
const ALIGN: usize = 16;
const HEADER: usize = 32;
/// How far into the data the header is looked for where no section says where it is.
const SEARCH_BYTES: u64 = 1 << 20;
/// The longest list of modules.
const TEXT_BYTES: u64 = 8 << 20;
/// Both ends of the list are marked with as many bytes.
const MARK: usize = 16;

pub(crate) const PART: Reader = Reader { spec: &SPEC, wants: |entry| executable::is_one(entry.head), look };

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, _: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let Some(layout) = executable::layout(bytes)? else { return Ok(()) };
    let Some((go, modules)) = build_info(bytes, &layout)? else { return Ok(()) };
    let info = settings::parse(&modules);
    add(entry, &go, &info, out)
}

/// The version of Go and the list of modules, both as text.
fn build_info(bytes: &mut dyn ReadSeek, layout: &Layout) -> Result<Option<(String, String)>, Problem> {
    for section in candidates(layout) {
        let data = executable::read_at(bytes, section.offset, section.size.min(SEARCH_BYTES))?;
        let Some(at) = (0..data.len()).step_by(ALIGN).find(|at| data.get(*at..).is_some_and(|d| d.starts_with(MAGIC)))
        else {
            continue;
        };
        let offset = section.offset + at as u64;
        let header = executable::read_at(bytes, offset, HEADER as u64)?;
        let (Some(word), Some(flags)) = (header.get(14), header.get(15)) else {
            return Err(corrupt("the build information ends early"));
        };
        let (go, list) = if flags & 2 != 0 {
            inline(bytes, offset + HEADER as u64)?
        } else {
            let order = Order { is_big: flags & 1 != 0 };
            (pointed(bytes, layout, order, *word, &header, 0)?, pointed(bytes, layout, order, *word, &header, 1)?)
        };
        let list = unmarked(&list);
        return Ok(Some((String::from_utf8_lossy(&go).into_owned(), String::from_utf8_lossy(list).into_owned())));
    }
    Ok(None)
}

/// Where the header can be: the section made for it, or the beginning of what is writable.
fn candidates(layout: &Layout) -> Vec<&Section> {
    let named = [".go.buildinfo", "__go_buildinfo"].iter().filter_map(|name| layout.section(name));
    let named: Vec<&Section> = named.collect();
    if !named.is_empty() {
        return named;
    }
    let writable = layout.segments.iter().filter(|segment| segment.writable && segment.size > 0);
    writable.take(4).collect()
}

/// Since Go 1.18: both texts follow the header, each behind its length.
fn inline(bytes: &mut dyn ReadSeek, offset: u64) -> Result<(Vec<u8>, Vec<u8>), Problem> {
    let (go, next) = counted(bytes, offset)?;
    let (list, _) = counted(bytes, next)?;
    Ok((go, list))
}

/// A text behind its length, and the place behind it.
fn counted(bytes: &mut dyn ReadSeek, offset: u64) -> Result<(Vec<u8>, u64), Problem> {
    let head = executable::read_at(bytes, offset, 10)?;
    let mut length = 0_u64;
    let end =
        head.iter().position(|byte| byte & 0x80 == 0).ok_or_else(|| corrupt("the build information ends early"))?;
    for (index, byte) in head.iter().take(end + 1).enumerate() {
        length |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(index).unwrap_or(u32::MAX)).unwrap_or(0);
    }
    let start = offset + end as u64 + 1;
    if length > TEXT_BYTES {
        return Err(corrupt("the build information states an impossible length"));
    }
    Ok((executable::read_at(bytes, start, length)?, start + length))
}

/// Before: the header points to two strings of Go, each an address and a length.
fn pointed(
    bytes: &mut dyn ReadSeek,
    layout: &Layout,
    order: Order,
    word: u8,
    header: &[u8],
    index: usize,
) -> Result<Vec<u8>, Problem> {
    let is_wide = word == 8;
    let word = if is_wide { 8 } else { 4 };
    let pointer = order.word(header, ALIGN + index * word, is_wide);
    let string = executable::read_address(bytes, layout, pointer, 2 * word as u64)?;
    let (address, length) = (order.word(&string, 0, is_wide), order.word(&string, word, is_wide));
    executable::read_address(bytes, layout, address, length.min(TEXT_BYTES))
}

fn unmarked(list: &[u8]) -> &[u8] {
    let marked = list.len() > 2 * MARK && list.get(list.len() - MARK - 1) == Some(&b'\n');
    if marked { list.get(MARK..list.len() - MARK).unwrap_or_default() } else { &[] }
}

fn add(entry: &Entry<'_>, go: &str, info: &BuildInfo, out: &mut Inventory) -> Result<(), Problem> {
    let mut all = Vec::new();
    if let Some(number) = version::of_go(go) {
        let mut stdlib = package(OSV, STDLIB, &format!("v{number}"), entry.path, SPEC.id)?;
        stdlib.relationship = Relationship::Direct;
        all.push(stdlib);
    }
    let mut unresolved = 0;
    for module in &info.modules {
        match module.used().filter(|used| !used.is_folder()) {
            Some(used) => all.push(component(used, entry)?),
            None => unresolved += 1,
        }
    }
    if unresolved > 0 {
        let detail = format!("{unresolved} modules were replaced by folders, of which no version is known");
        out.skipped.push(skipped(entry.path, &Problem::invalid(UNRESOLVED, detail)));
    }
    if info.more > 0 {
        let detail = format!("the program names {} more modules than are read", info.more);
        out.skipped.push(skipped(entry.path, &Problem::invalid(LIMIT, detail)));
    }
    // The tools that come with Go are of its own source tree.
    if info.modules.is_empty() && info.main.is_none() && !info.path.starts_with("cmd/") {
        let detail = "this Go program was built without modules; only its standard library is known";
        out.skipped.push(skipped(entry.path, &Problem::invalid(UNRESOLVED, detail)));
    }
    if let Some(main) = &info.main {
        let mut root = component(&Module { version: info.main_version(), ..main.clone() }, entry)?;
        root.relationship = Relationship::Root;
        root.depends_on = all.iter().map(|found| found.id.clone()).collect();
        root.depends_on.sort();
        root.depends_on.dedup();
        all.push(root);
    }
    for found in &mut all {
        for_platform(found, info)?;
    }
    out.components.append(&mut all);
    Ok(())
}

/// Says for which system and processor it was built. The package URL says so too: some vulnerabilities are those of one
/// system only.
fn for_platform(found: &mut Occurrence, info: &BuildInfo) -> Result<(), Problem> {
    let bad = |error: BadPurl| corrupt(error.to_string());
    let purl: Purl = found.component.purl.parse().map_err(bad)?;
    let mut platform = purl.to_builder();
    for (key, setting) in [("goos", "GOOS"), ("goarch", "GOARCH")] {
        if let Some(value) = info.settings.get(setting).and_then(|value| field(Some(value))) {
            platform = platform.qualifier(key, &value);
            found.properties.insert(format!("go.{key}"), value);
        }
    }
    found.component.purl = platform.build().map_err(bad)?.as_str().to_owned();
    Ok(())
}

fn component(module: &Module, entry: &Entry<'_>) -> Result<Occurrence, Problem> {
    let mut found = package(OSV, &module.path, &module.version, entry.path, SPEC.id)?;
    found.digest = module.sum.strip_prefix("h1:").map(|sum| format!("h1:{sum}"));
    Ok(found)
}
