//! The `cpio` container (RPM payloads): the "newc", "crc" and "odc" forms.

use std::io::Read;

use crate::error::ArchiveError;
use crate::fields::{Exact, ascii_number, read_exactly, read_record, read_vec, skip};
use crate::walk::{Flow, RawEntry, RawKind, Visitor};

const TRAILER: &[u8] = b"TRAILER!!!";

struct Header {
    mode: u32,
    size: u64,
    name_bytes: u64,
    /// Names and contents are padded to this.
    align: u64,
    header_bytes: u64,
}

pub(crate) fn walk<E: From<ArchiveError>>(reader: &mut dyn Read, visitor: &mut Visitor<'_, E>) -> Result<(), E> {
    loop {
        let header = read_header(reader)?;
        visitor.count()?;
        // The length counts the closing NUL.
        visitor.budget().check_path(header.name_bytes.saturating_sub(1))?;
        let mut name = read_vec(reader, header.name_bytes, "an entry's name")?;
        if name.pop() != Some(0) {
            return Err(ArchiveError::corrupt("an entry's name is not closed").into());
        }
        skip(reader, padding(header.header_bytes + header.name_bytes, header.align), "a padding")?;
        if name == TRAILER {
            return Ok(());
        }
        if entry(reader, &header, name, visitor)? == Flow::Stop {
            return Ok(());
        }
    }
}

fn entry<E: From<ArchiveError>>(
    reader: &mut dyn Read,
    header: &Header,
    name: Vec<u8>,
    visitor: &mut Visitor<'_, E>,
) -> Result<Flow, E> {
    let mut kind = RawKind::of_mode(header.mode);
    let mut remaining = header.size;
    if let RawKind::Symlink(target) = &mut kind {
        visitor.budget().check_path(header.size)?;
        *target = read_vec(reader, header.size, "a link's target")?;
        remaining = 0;
    }
    let mut body = Exact { reader, remaining };
    let raw = RawEntry { name, kind, size: header.size, mode: header.mode };
    let flow = visitor.show(&raw, &mut body)?;
    if flow == Flow::Continue {
        let remaining = body.remaining;
        skip(reader, remaining, "an entry's content")?;
        skip(reader, padding(header.size, header.align), "a padding")?;
    }
    Ok(flow)
}

fn read_header(reader: &mut dyn Read) -> Result<Header, ArchiveError> {
    let mut magic = [0; 6];
    if !read_record(reader, &mut magic, "an entry's header")? {
        return Err(ArchiveError::truncated("the closing entry is missing"));
    }
    match &magic {
        b"070701" | b"070702" => {
            let mut rest = [0; 104];
            read_exactly(reader, &mut rest, "an entry's header")?;
            let field = |index: usize| number(&rest[index * 8..index * 8 + 8], 16);
            Ok(Header {
                mode: u32::try_from(field(1)?).unwrap_or(0),
                size: field(6)?,
                name_bytes: field(11)?,
                align: 4,
                header_bytes: 110,
            })
        }
        b"070707" => {
            let mut rest = [0; 70];
            read_exactly(reader, &mut rest, "an entry's header")?;
            Ok(Header {
                mode: u32::try_from(number(&rest[12..18], 8)?).unwrap_or(0),
                size: number(&rest[59..70], 8)?,
                name_bytes: number(&rest[53..59], 8)?,
                align: 1,
                header_bytes: 76,
            })
        }
        _ => Err(ArchiveError::corrupt("an entry's header has a wrong magic")),
    }
}

fn number(field: &[u8], radix: u32) -> Result<u64, ArchiveError> {
    ascii_number(field, radix).ok_or_else(|| ArchiveError::corrupt("a header field is no number"))
}

fn padding(length: u64, align: u64) -> u64 {
    (align - length % align) % align
}
