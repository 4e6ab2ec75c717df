//! Mach-O: segments and their sections from the load commands; of a file for several processors, the first.

use assay_model::problem::Problem;

use super::{File, Layout, Order, SECTIONS, Section, until_zero};
use crate::part::corrupt;

const BIG: Order = Order { is_big: true };
const SEGMENT: u32 = 1;
const SEGMENT_64: u32 = 0x19;
/// Load commands of real files are a few kilobytes.
const COMMANDS_BYTES: u64 = 4 << 20;
const WRITABLE: u32 = 2;

/// None if the magic is of nothing known.
pub(super) fn read(file: &mut File<'_>, head: &[u8]) -> Result<Option<Layout>, Problem> {
    let start = match BIG.u32(head, 0) {
        0xcafe_babe => u64::from(BIG.u32(head, 16)),
        0xcafe_babf => BIG.u64(head, 16),
        _ => 0,
    };
    let head = if start == 0 { head.to_vec() } else { file.at_most(start, 32)? };
    let (order, is_wide) = match BIG.u32(&head, 0) {
        0xfeed_face => (BIG, false),
        0xfeed_facf => (BIG, true),
        0xcefa_edfe => (Order { is_big: false }, false),
        0xcffa_edfe => (Order { is_big: false }, true),
        _ => return Ok(None),
    };
    let bytes = u64::from(order.u32(&head, 20));
    if bytes > COMMANDS_BYTES {
        return Err(corrupt("the executable's load commands are larger than any linker writes"));
    }
    let commands = file.exactly(start + if is_wide { 32 } else { 28 }, bytes)?;
    let mut layout = Layout::default();
    let mut rest = commands.as_slice();
    while rest.len() >= 8 && (layout.sections.len() as u64) < SECTIONS {
        let size = usize::try_from(order.u32(rest, 4)).unwrap_or(usize::MAX);
        let Some(command) = rest.get(..size).filter(|command| command.len() >= 8) else { break };
        match order.u32(command, 0) {
            SEGMENT => add(&mut layout, order, false, command, start),
            SEGMENT_64 => add(&mut layout, order, true, command, start),
            _ => {}
        }
        rest = rest.get(size..).unwrap_or_default();
    }
    Ok(Some(layout))
}

fn add(layout: &mut Layout, order: Order, is_wide: bool, command: &[u8], start: u64) {
    let word = if is_wide { 8 } else { 4 };
    let field = |index: usize| order.word(command, 24 + index * word, is_wide);
    let protection = order.u32(command, 24 + 4 * word + 4);
    let writable = protection & WRITABLE != 0;
    layout.segments.push(Section {
        name: until_zero(command.get(8..24).unwrap_or_default()),
        address: field(0),
        offset: start.saturating_add(field(2)),
        size: field(3),
        writable,
    });
    let (header, section) = if is_wide { (72, 80) } else { (56, 68) };
    let count = usize::try_from(order.u32(command, header - 8)).unwrap_or_default();
    let sections = command.get(header..).unwrap_or_default().chunks_exact(section);
    layout.sections.extend(sections.take(count).map(|bytes| Section {
        name: until_zero(bytes.get(..16).unwrap_or_default()),
        address: order.word(bytes, 32, is_wide),
        offset: start.saturating_add(u64::from(order.u32(bytes, 32 + 2 * word))),
        size: order.word(bytes, 32 + word, is_wide),
        writable,
    }));
}
