//! The tar container, front to back: ustar, old V7, GNU long names and sparse files, PAX extended headers.
//!
//! Where tar readers disagree, this one sides with what container runtimes do: headers that cannot have content
//! (links, directories, devices) are taken to have none, and the end mark ends the archive.

mod header;
mod pax;
mod sparse;

use std::io::Read;

use crate::error::ArchiveError;
use crate::fields::{Exact, read_record, read_vec, skip, until_nul};
use crate::limits::LimitKind;
use crate::walk::{Flow, RawEntry, RawKind, Visitor};

pub(crate) use header::looks_like_tar;
use header::{BLOCK, Header};
use pax::Pax;
use sparse::{Map, Sparse};

/// The most an extended header may have; real ones have a few hundred bytes.
const EXTENDED_BYTES: u64 = 1 << 20;

/// What headers before an entry said about it.
#[derive(Default)]
struct Pending {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Pax,
    any: bool,
}

pub(crate) fn walk<E: From<ArchiveError>>(reader: &mut dyn Read, visitor: &mut Visitor<'_, E>) -> Result<(), E> {
    let mut block = [0; BLOCK];
    let mut global = Pax::default();
    let mut pending = Pending::default();
    loop {
        if !next_header(reader, &mut block, visitor)? {
            if pending.any {
                return Err(ArchiveError::truncated("the entry after an extended header is missing").into());
            }
            return Ok(());
        }
        let header = Header::parse(&block)?;
        visitor.count()?;
        if extension(reader, &header, &mut pending, &mut global, visitor)? {
            continue;
        }
        let taken = std::mem::take(&mut pending);
        if entry(reader, &block, &header, taken, &global, visitor)? == Flow::Stop {
            return Ok(());
        }
    }
}

/// Fills `block` with the next header; false at the end of the archive.
fn next_header<E: From<ArchiveError>>(
    reader: &mut dyn Read,
    block: &mut [u8; BLOCK],
    visitor: &mut Visitor<'_, E>,
) -> Result<bool, ArchiveError> {
    if !read_record(reader, block, "a header")? {
        visitor.note("", "the archive has no end mark");
        return Ok(false);
    }
    if block.iter().any(|byte| *byte != 0) {
        return Ok(true);
    }
    if read_record(reader, block, "the end mark")? && block.iter().any(|byte| *byte != 0) {
        return Err(ArchiveError::corrupt("entries follow half of an end mark"));
    }
    after_end(reader, visitor)?;
    Ok(false)
}

/// Padding may follow the end mark; anything else is shown by no tool, so it is worth a word.
fn after_end<E: From<ArchiveError>>(reader: &mut dyn Read, visitor: &mut Visitor<'_, E>) -> Result<(), ArchiveError> {
    let mut buffer = vec![0; 16 << 10];
    let mut noted = false;
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        if !noted && buffer[..count].iter().any(|byte| *byte != 0) {
            noted = true;
            visitor.note("", "bytes follow the end mark");
        }
    }
}

/// Takes in a header that speaks of others; true if it was one.
fn extension<E: From<ArchiveError>>(
    reader: &mut dyn Read,
    header: &Header,
    pending: &mut Pending,
    global: &mut Pax,
    visitor: &Visitor<'_, E>,
) -> Result<bool, ArchiveError> {
    match header.flag {
        b'L' | b'K' => {
            // The closing NUL counts.
            visitor.budget().check_path(header.size.saturating_sub(1))?;
            let name = until_nul(&content(reader, header.size, "a long name")?).to_vec();
            let slot = if header.flag == b'L' { &mut pending.name } else { &mut pending.link };
            *slot = Some(name);
            pending.any = true;
        }
        b'x' | b'X' | b'g' => {
            if header.size > EXTENDED_BYTES {
                return Err(visitor.budget().exceeded(LimitKind::MetadataBytes));
            }
            let records = content(reader, header.size, "an extended header")?;
            if header.flag == b'g' {
                global.read(&records)?;
            } else {
                pending.pax.read(&records)?;
                pending.any = true;
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn content(reader: &mut dyn Read, size: u64, what: &str) -> Result<Vec<u8>, ArchiveError> {
    let bytes = read_vec(reader, size, what)?;
    skip(reader, padding(size), what)?;
    Ok(bytes)
}

fn padding(size: u64) -> u64 {
    let over = size % BLOCK as u64;
    if over == 0 { 0 } else { BLOCK as u64 - over }
}

fn entry<E: From<ArchiveError>>(
    reader: &mut dyn Read,
    block: &[u8; BLOCK],
    header: &Header,
    pending: Pending,
    global: &Pax,
    visitor: &mut Visitor<'_, E>,
) -> Result<Flow, E> {
    let pax = pending.pax.over(global);
    let link = pax.linkpath.clone().or(pending.link).unwrap_or_else(|| header.link.clone());
    let name =
        pax.sparse_name.clone().or_else(|| pax.path.clone()).or(pending.name).unwrap_or_else(|| header.name.clone());
    let kind = kind(header, &name, link);
    let has_content = matches!(kind, RawKind::File) || !header.is_known();
    let stored = if has_content { pax.size.unwrap_or(header.size) } else { 0 };
    let mut raw = RawEntry { name, kind, size: stored, mode: header.mode };
    let mut exact = Exact { reader, remaining: stored };
    let map = if has_content { Map::find(block, header, &pax, &mut exact)? } else { None };
    let flow = match map {
        Some(map) => {
            raw.size = map.real_size;
            let mut body = Sparse::new(map, &mut exact, visitor.budget());
            visitor.show(&raw, &mut body)?
        }
        None => visitor.show(&raw, &mut exact)?,
    };
    if flow == Flow::Continue {
        let rest = exact.remaining.saturating_add(padding(stored));
        skip(reader, rest, "an entry's content")?;
    }
    Ok(flow)
}

fn kind(header: &Header, name: &[u8], link: Vec<u8>) -> RawKind {
    match header.flag {
        // Before there was a flag for directories, a closing slash was it.
        0 | b'0' | b'7' if name.ends_with(b"/") => RawKind::Dir,
        0 | b'0' | b'7' | b'S' => RawKind::File,
        b'1' => RawKind::Hardlink(link),
        b'2' => RawKind::Symlink(link),
        b'5' => RawKind::Dir,
        _ => RawKind::Other,
    }
}
