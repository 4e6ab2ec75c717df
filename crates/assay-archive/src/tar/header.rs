//! One 512-byte tar header: fields, numbers in both forms, checksum.

use crate::error::ArchiveError;
use crate::fields::{ascii_number, until_nul};

pub(crate) const BLOCK: usize = 512;

pub(crate) struct Header {
    pub(crate) name: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) flag: u8,
}

/// True for a block with a right checksum, and for a block of zeros: an empty archive.
pub(crate) fn looks_like_tar(first: &[u8]) -> bool {
    let Some(block) = first.first_chunk::<BLOCK>() else {
        return false;
    };
    block.iter().all(|byte| *byte == 0) || checksum_is_right(block)
}

impl Header {
    pub(crate) fn parse(block: &[u8; BLOCK]) -> Result<Self, ArchiveError> {
        if !checksum_is_right(block) {
            return Err(ArchiveError::corrupt("a header's checksum is wrong"));
        }
        let size = number(&block[124..136]).ok_or_else(|| ArchiveError::corrupt("an entry's size is no number"))?;
        let mode = number(&block[100..108]).unwrap_or(0);
        Ok(Self {
            name: full_name(block),
            link: until_nul(&block[157..257]).to_vec(),
            size,
            mode: (mode & 0xffff) as u32,
            flag: block[156],
        })
    }

    /// False for flags of which only the size is known.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self.flag, 0 | b'0'..=b'7' | b'S')
    }
}

fn full_name(block: &[u8; BLOCK]) -> Vec<u8> {
    let name = until_nul(&block[..100]);
    let prefix = until_nul(&block[345..500]);
    // Only POSIX headers have the prefix; GNU's, with a space after the magic, keep times there.
    if &block[257..263] != b"ustar\0" || prefix.is_empty() {
        return name.to_vec();
    }
    [prefix, b"/", name].concat()
}

fn checksum_is_right(block: &[u8; BLOCK]) -> bool {
    let Some(stored) = ascii_number(block[148..156].trim_ascii(), 8) else {
        return false;
    };
    let with_blanks = |index: usize, byte: u8| if (148..156).contains(&index) { b' ' } else { byte };
    let bytes = || block.iter().enumerate().map(|(index, byte)| with_blanks(index, *byte));
    let unsigned: u64 = bytes().map(u64::from).sum();
    // Some old writers summed signed characters.
    let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
    stored == unsigned || i64::try_from(stored) == Ok(signed)
}

/// Octal digits, or GNU's base 256 marked by the top bit. Negative and oversized numbers are none.
pub(crate) fn number(field: &[u8]) -> Option<u64> {
    match field.split_first()? {
        (first, rest) if first & 0x80 != 0 => {
            if first & 0x40 != 0 {
                return None;
            }
            rest.iter()
                .try_fold(u64::from(first & 0x3f), |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte)))
        }
        _ => ascii_number(field.trim_ascii(), 8),
    }
}
