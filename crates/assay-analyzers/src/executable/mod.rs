//! Executables: told by their first bytes, and where their sections are, without reading the whole file.
//!
//! ELF (System V ABI), PE (Microsoft's PE/COFF specification), Mach-O (Apple's `loader.h`; of a file for several processors
//! the first is read) and WebAssembly. Only headers are read: a file of any size costs no more than they do. What the
//! sections mean is said elsewhere.

mod elf;
mod macho;
mod pe;
mod wasm;

use std::io::{Read, SeekFrom};

use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;

use crate::part::corrupt;

/// More than any linker writes.
const SECTIONS: u64 = 20_000;
/// The longest name of a section that is read.
const NAME_BYTES: u64 = 64;

/// A part of the file that has a place in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    /// Where it is in memory, zero for what is not loaded.
    pub(crate) address: u64,
    /// Where it is in the file.
    pub(crate) offset: u64,
    /// Bytes in the file.
    pub(crate) size: u64,
    pub(crate) writable: bool,
}

/// The layout of an executable or a library.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) sections: Vec<Section>,
    /// What is loaded, for formats that tell apart from sections; else the sections again.
    pub(crate) segments: Vec<Section>,
}

/// Whether these first bytes are an executable's or a library's.
pub(crate) fn is_one(head: &[u8]) -> bool {
    match head {
        [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..] | [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => true,
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => true,
        // Java classes begin alike; there the version follows, of which none was as low as a count of processors.
        [0xca, 0xfe, 0xba, 0xbe | 0xbf, 0, 0, 0, count, ..] => *count < 20,
        _ => false,
    }
}

/// The layout, or none if it is no executable after all (a DOS program, say).
pub(crate) fn layout(bytes: &mut dyn ReadSeek) -> Result<Option<Layout>, Problem> {
    let mut file = File { bytes };
    let head = file.at_most(0, 64)?;
    match head.as_slice() {
        [0x7f, b'E', b'L', b'F', ..] => elf::read(&mut file, &head).map(Some),
        [b'M', b'Z', ..] => pe::read(&mut file, &head),
        [0, b'a', b's', b'm', ..] => wasm::read(&mut file).map(Some),
        _ => macho::read(&mut file, &head),
    }
}

impl Layout {
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }
}

/// The bytes of a file from `offset` on, at most `limit`; fewer where it ends.
pub(crate) fn read_at(bytes: &mut dyn ReadSeek, offset: u64, limit: u64) -> Result<Vec<u8>, Problem> {
    File { bytes }.at_most(offset, limit)
}

/// Bytes at a place in memory, at most `limit`, within the segment that is loaded there.
pub(crate) fn read_address(
    bytes: &mut dyn ReadSeek,
    layout: &Layout,
    address: u64,
    limit: u64,
) -> Result<Vec<u8>, Problem> {
    let place = layout.segments.iter().find_map(|segment| {
        let inside = address.checked_sub(segment.address).filter(|inside| *inside < segment.size)?;
        Some((segment.offset.checked_add(inside)?, segment.size - inside))
    });
    match place {
        Some((offset, left)) => read_at(bytes, offset, left.min(limit)),
        None => Ok(Vec::new()),
    }
}

pub(super) struct File<'a> {
    bytes: &'a mut dyn ReadSeek,
}

impl File<'_> {
    fn at_most(&mut self, offset: u64, limit: u64) -> Result<Vec<u8>, Problem> {
        let io = |error| Problem::internal("the executable cannot be read", error);
        let mut found = Vec::new();
        // A place past the end is an honest mistake of its producer; a place past all files is no place.
        if offset <= i64::MAX as u64 {
            self.bytes.seek(SeekFrom::Start(offset)).map_err(io)?;
            (&mut *self.bytes).take(limit).read_to_end(&mut found).map_err(io)?;
        }
        Ok(found)
    }

    fn exactly(&mut self, offset: u64, count: u64) -> Result<Vec<u8>, Problem> {
        let found = self.at_most(offset, count)?;
        if found.len() as u64 == count { Ok(found) } else { Err(corrupt("the executable ends early")) }
    }

    /// A name that ends with a zero byte.
    fn name(&mut self, offset: u64) -> Result<String, Problem> {
        Ok(until_zero(&self.at_most(offset, NAME_BYTES)?))
    }
}

fn until_zero(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// Numbers of a header in its byte order. What lies outside reads as zero: counts and places are checked where they are used.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) is_big: bool,
}

impl Order {
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        u16::try_from(self.number(bytes, at, 2)).unwrap_or_default()
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        u32::try_from(self.number(bytes, at, 4)).unwrap_or_default()
    }

    pub(crate) fn u64(self, bytes: &[u8], at: usize) -> u64 {
        self.number(bytes, at, 8)
    }

    /// An address or a size: 4 or 8 bytes.
    pub(crate) fn word(self, bytes: &[u8], at: usize, is_wide: bool) -> u64 {
        self.number(bytes, at, if is_wide { 8 } else { 4 })
    }

    fn number(self, bytes: &[u8], at: usize, count: usize) -> u64 {
        let Some(found) = at.checked_add(count).and_then(|end| bytes.get(at..end)) else { return 0 };
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if self.is_big { found.iter().fold(0, add) } else { found.iter().rev().fold(0, add) }
    }
}
