//! The `ar` container (Debian packages, static libraries), with the long-name forms of GNU and BSD.

use std::io::Read;

use crate::error::ArchiveError;
use crate::fields::{Exact, ascii_number, read_exactly, read_record, read_vec, skip};
use crate::limits::LimitKind;
use crate::walk::{Flow, RawEntry, RawKind, Visitor};

const MAGIC: &[u8; 8] = b"!<arch>\n";

struct Member {
    name: Vec<u8>,
    size: u64,
    padded: bool,
    mode: u32,
}

pub(crate) fn walk<E: From<ArchiveError>>(reader: &mut dyn Read, visitor: &mut Visitor<'_, E>) -> Result<(), E> {
    let mut magic = [0; 8];
    read_exactly(reader, &mut magic, "the archive's magic")?;
    if &magic != MAGIC {
        return Err(ArchiveError::corrupt("an ar archive starts with another magic").into());
    }
    let mut long_names = Vec::new();
    let mut header = [0; 60];
    while read_record(reader, &mut header, "a member's header")? {
        visitor.count()?;
        let mut member = parse(&header)?;
        if member.name == b"//" {
            check_memory(visitor, member.size)?;
            long_names = read_vec(reader, member.size, "the table of long names")?;
            pad(reader, member.padded)?;
            continue;
        }
        resolve_name(reader, &mut member, &long_names, visitor)?;
        if flow(reader, &member, visitor)? == Flow::Stop {
            return Ok(());
        }
    }
    Ok(())
}

fn flow<E: From<ArchiveError>>(
    reader: &mut dyn Read,
    member: &Member,
    visitor: &mut Visitor<'_, E>,
) -> Result<Flow, E> {
    let mut body = Exact { reader, remaining: member.size };
    let is_index = member.name.starts_with(b"/") || member.name.starts_with(b"__.SYMDEF");
    let flow = if is_index {
        Flow::Continue
    } else {
        let raw = RawEntry { name: member.name.clone(), kind: RawKind::File, size: member.size, mode: member.mode };
        visitor.show(&raw, &mut body)?
    };
    if flow == Flow::Continue {
        let remaining = body.remaining;
        skip(reader, remaining, "a member's content")?;
        pad(reader, member.padded)?;
    }
    Ok(flow)
}

fn parse(header: &[u8; 60]) -> Result<Member, ArchiveError> {
    if &header[58..60] != b"`\n" {
        return Err(ArchiveError::corrupt("a member's header has a wrong end mark"));
    }
    let size =
        ascii_number(&header[48..58], 10).ok_or_else(|| ArchiveError::corrupt("a member's size is no number"))?;
    let mode = ascii_number(&header[40..48], 8).unwrap_or(0);
    let name = header[..16].trim_ascii_end();
    Ok(Member { name: name.to_vec(), size, padded: size % 2 == 1, mode: u32::try_from(mode).unwrap_or(0) })
}

/// GNU: `name/` or `/offset` into the table. BSD: `#1/length`, the name before the content.
fn resolve_name<E: From<ArchiveError>>(
    reader: &mut dyn Read,
    member: &mut Member,
    long_names: &[u8],
    visitor: &Visitor<'_, E>,
) -> Result<(), ArchiveError> {
    if let Some(length) = member.name.strip_prefix(b"#1/") {
        let length = ascii_number(length, 10)
            .filter(|length| *length <= member.size)
            .ok_or_else(|| ArchiveError::corrupt("a long name's length is wrong"))?;
        visitor.budget().check_path(length)?;
        let name = read_vec(reader, length, "a long name")?;
        member.name = crate::fields::until_nul(&name).to_vec();
        member.size -= length;
        return Ok(());
    }
    if let Some(offset) = member.name.strip_prefix(b"/").filter(|rest| rest.first().is_some_and(u8::is_ascii_digit)) {
        let table = ascii_number(offset, 10)
            .and_then(|offset| usize::try_from(offset).ok())
            .and_then(|offset| long_names.get(offset..))
            .ok_or_else(|| ArchiveError::corrupt("a long name lies outside of the table"))?;
        let name = table.split(|byte| *byte == b'\n').next().unwrap_or_default();
        member.name = name.strip_suffix(b"/").unwrap_or(name).to_vec();
        return Ok(());
    }
    if member.name.len() > 1
        && let Some(name) = member.name.strip_suffix(b"/")
    {
        member.name = name.to_vec();
    }
    Ok(())
}

fn pad(reader: &mut dyn Read, padded: bool) -> Result<(), ArchiveError> {
    if padded {
        // The last member's padding is often left out.
        read_record(reader, &mut [0], "a member's padding")?;
    }
    Ok(())
}

fn check_memory<E: From<ArchiveError>>(visitor: &Visitor<'_, E>, size: u64) -> Result<(), ArchiveError> {
    if size > visitor.budget().limits().metadata_bytes {
        return Err(visitor.budget().exceeded(LimitKind::MetadataBytes));
    }
    Ok(())
}
