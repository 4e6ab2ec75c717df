//! WebAssembly modules: their custom sections, which have names.

use assay_model::problem::Problem;

use super::{File, Layout, NAME_BYTES, SECTIONS, Section};

pub(super) fn read(file: &mut File<'_>) -> Result<Layout, Problem> {
    let mut layout = Layout::default();
    let mut at = 8;
    for _ in 0..SECTIONS {
        let head = file.at_most(at, 16 + NAME_BYTES)?;
        let Some((id, rest)) = head.split_first() else { break };
        let Some((size, size_bytes)) = leb(rest) else { break };
        let body_at = at + 1 + size_bytes;
        let name = usize::try_from(size_bytes).ok().and_then(|skip| rest.get(skip..)).unwrap_or_default();
        if *id == 0
            && let Some((length, length_bytes)) = leb(name)
            && let (Ok(from), Ok(to)) = (usize::try_from(length_bytes), usize::try_from(length_bytes + length))
            && let Some(name) = name.get(from..to)
        {
            layout.sections.push(Section {
                name: String::from_utf8_lossy(name).into_owned(),
                offset: body_at + length_bytes + length,
                size: size.saturating_sub(length_bytes + length),
                ..Section::default()
            });
        }
        at = body_at + size;
    }
    Ok(layout)
}

/// An unsigned number of at most 32 bits, and how many bytes it takes.
fn leb(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut number = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number & u64::from(u32::MAX), index as u64 + 1));
        }
    }
    None
}
