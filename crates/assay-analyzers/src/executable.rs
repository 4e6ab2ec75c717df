//! Executables by their first bytes, and their sections without reading the whole file.

/// Whether these first bytes are an executable's or a library's: ELF, PE, Mach-O (one architecture or several).
pub(crate) fn is_one(head: &[u8]) -> bool {
    match head {
        [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..] => true,
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => true,
        // Java classes begin alike; there the version follows, of which none was as low as a count of architectures.
        [0xca, 0xfe, 0xba, 0xbe | 0xbf, 0, 0, 0, count, ..] => *count < 20,
        _ => false,
    }
}
