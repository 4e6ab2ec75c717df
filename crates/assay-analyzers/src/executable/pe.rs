//! PE: the section table behind the COFF header.

use assay_model::problem::Problem;

use super::{File, Layout, Order, Section, until_zero};

const ORDER: Order = Order { is_big: false };
const SECTION_BYTES: u64 = 40;
const WRITABLE: u32 = 0x8000_0000;
/// Magic of the optional header of a 64-bit image.
const WIDE: u16 = 0x20b;

/// None for a program of DOS.
pub(super) fn read(file: &mut File<'_>, head: &[u8]) -> Result<Option<Layout>, Problem> {
    let at = u64::from(ORDER.u32(head, 0x3c));
    let header = file.at_most(at, 24 + 32)?;
    if !header.starts_with(b"PE\0\0") {
        return Ok(None);
    }
    let count = u64::from(ORDER.u16(&header, 6));
    let optional = u64::from(ORDER.u16(&header, 20));
    let is_wide = ORDER.u16(&header, 24) == WIDE;
    // Addresses of sections count from where the image is loaded; pointers in it do not.
    let base = ORDER.word(&header, if is_wide { 24 + 24 } else { 24 + 28 }, is_wide);
    let mut layout = Layout::default();
    for index in 0..count {
        let header = file.exactly(at + 24 + optional + index * SECTION_BYTES, SECTION_BYTES)?;
        let loaded = u64::from(ORDER.u32(&header, 8));
        let stored = u64::from(ORDER.u32(&header, 16));
        layout.sections.push(Section {
            name: until_zero(header.get(..8).unwrap_or_default()),
            address: base.saturating_add(u64::from(ORDER.u32(&header, 12))),
            offset: u64::from(ORDER.u32(&header, 20)),
            // Stored bytes are rounded up; where fewer are loaded, only those mean something.
            size: if loaded == 0 { stored } else { stored.min(loaded) },
            writable: ORDER.u32(&header, 36) & WRITABLE != 0,
        });
    }
    layout.segments.clone_from(&layout.sections);
    Ok(Some(layout))
}
