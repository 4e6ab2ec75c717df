//! Small helpers for fixed binary and text fields, shared by the container parsers.

use std::io::{self, Read};

use crate::error::ArchiveError;

/// Reads exactly `buffer.len()` bytes. `Ok(false)` if there was nothing at all; an error if only a part came.
pub(crate) fn read_record(reader: &mut dyn Read, buffer: &mut [u8], what: &str) -> Result<bool, ArchiveError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(ArchiveError::truncated(format!("{what} ends early"))),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// Like [`read_record`], where nothing at all is an error too.
pub(crate) fn read_exactly(reader: &mut dyn Read, buffer: &mut [u8], what: &str) -> Result<(), ArchiveError> {
    if !buffer.is_empty() && !read_record(reader, buffer, what)? {
        return Err(ArchiveError::truncated(format!("{what} is missing")));
    }
    Ok(())
}

/// Reads `length` bytes into memory; the caller has checked that `length` is small.
pub(crate) fn read_vec(reader: &mut dyn Read, length: u64, what: &str) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    reader.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(ArchiveError::truncated(format!("{what} ends early")));
    }
    Ok(bytes)
}

/// Reads and drops exactly `count` bytes.
pub(crate) fn skip(reader: &mut dyn Read, count: u64, what: &str) -> Result<(), ArchiveError> {
    let skipped = io::copy(&mut reader.take(count), &mut io::sink())?;
    if skipped < count {
        return Err(ArchiveError::truncated(format!("{what} ends early")));
    }
    Ok(())
}

pub(crate) fn u16_le(bytes: &[u8], at: usize) -> u16 {
    let mut value = [0; 2];
    copy_at(bytes, at, &mut value);
    u16::from_le_bytes(value)
}

pub(crate) fn u32_le(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    copy_at(bytes, at, &mut value);
    u32::from_le_bytes(value)
}

pub(crate) fn u64_le(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    copy_at(bytes, at, &mut value);
    u64::from_le_bytes(value)
}

/// Bytes past the end read as zero; callers check lengths before they trust a field.
fn copy_at(bytes: &[u8], at: usize, into: &mut [u8]) {
    if let Some(field) = bytes.get(at..at + into.len()) {
        into.copy_from_slice(field);
    }
}

/// The bytes before the first NUL.
pub(crate) fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number in ASCII digits of `radix`, padded with spaces or NULs; an empty field is zero.
pub(crate) fn ascii_number(field: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(until_nul(field)).ok()?.trim_matches(' ');
    if text.is_empty() {
        return Some(0);
    }
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(text, radix).ok()
}

/// A reader over `remaining` bytes of a stream that fails, rather than ends, if the stream is short.
pub(crate) struct Exact<'a> {
    pub(crate) reader: &'a mut dyn Read,
    pub(crate) remaining: u64,
}

impl Read for Exact<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.reader.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(ArchiveError::truncated("an entry's content ends early").into());
        }
        self.remaining -= count as u64;
        Ok(count)
    }
}
