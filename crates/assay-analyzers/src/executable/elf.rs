//! ELF: section headers, and the program headers that say what is loaded where.

use assay_model::problem::Problem;

use super::{File, Layout, Order, SECTIONS, Section};
use crate::part::corrupt;

const LOAD: u32 = 1;
const WRITABLE: u32 = 2;
/// Type of a section without bytes in the file.
const NO_BITS: u32 = 8;

pub(super) fn read(file: &mut File<'_>, head: &[u8]) -> Result<Layout, Problem> {
    let is_wide = head.get(4) == Some(&2);
    let order = Order { is_big: head.get(5) == Some(&2) };
    // Places of the fields in the header, for 64 and for 32 bits.
    let (programs_at, sections_at, sizes_at) = if is_wide { (32, 40, 54) } else { (28, 32, 42) };
    let programs = order.word(head, programs_at, is_wide);
    let sections = order.word(head, sections_at, is_wide);
    let program_bytes = u64::from(order.u16(head, sizes_at));
    let program_count = u64::from(order.u16(head, sizes_at + 2));
    let section_bytes = u64::from(order.u16(head, sizes_at + 4));
    let section_count = u64::from(order.u16(head, sizes_at + 6));
    let names = u64::from(order.u16(head, sizes_at + 8));
    let mut layout = Layout::default();
    for at in 0..program_count {
        let header = file.exactly(place(programs, at, program_bytes)?, program_bytes)?;
        layout.segments.extend(segment(order, is_wide, &header));
    }
    if section_count == 0 || sections == 0 {
        return Ok(layout);
    }
    if section_count > SECTIONS {
        return Err(corrupt("the executable has more sections than any linker writes"));
    }
    let names = file.exactly(place(sections, names, section_bytes)?, section_bytes)?;
    let names_at = order.word(&names, if is_wide { 24 } else { 16 }, is_wide);
    for at in 0..section_count {
        let header = file.exactly(place(sections, at, section_bytes)?, section_bytes)?;
        layout.sections.push(section(file, order, is_wide, &header, names_at)?);
    }
    Ok(layout)
}

fn place(start: u64, index: u64, bytes: u64) -> Result<u64, Problem> {
    let at = index.checked_mul(bytes).and_then(|at| start.checked_add(at));
    at.ok_or_else(|| corrupt("the executable's headers lie outside of the file"))
}

fn segment(order: Order, is_wide: bool, header: &[u8]) -> Option<Section> {
    let (flags_at, offset_at, address_at, size_at) = if is_wide { (4, 8, 16, 32) } else { (24, 4, 8, 16) };
    (order.u32(header, 0) == LOAD).then(|| Section {
        name: String::new(),
        address: order.word(header, address_at, is_wide),
        offset: order.word(header, offset_at, is_wide),
        size: order.word(header, size_at, is_wide),
        writable: order.u32(header, flags_at) & WRITABLE != 0,
    })
}

fn section(file: &mut File<'_>, order: Order, is_wide: bool, header: &[u8], names_at: u64) -> Result<Section, Problem> {
    let name = file.name(names_at.saturating_add(u64::from(order.u32(header, 0))))?;
    let (address_at, offset_at, size_at) = if is_wide { (16, 24, 32) } else { (12, 16, 20) };
    let in_file = order.u32(header, 4) != NO_BITS;
    Ok(Section {
        name,
        address: order.word(header, address_at, is_wide),
        offset: order.word(header, offset_at, is_wide),
        size: if in_file { order.word(header, size_at, is_wide) } else { 0 },
        writable: order.word(header, 8, is_wide) & 1 != 0,
    })
}
