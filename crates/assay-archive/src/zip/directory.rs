//! The central directory: found, read, and compared with the local headers.

use std::io::{Read, Seek, SeekFrom};

use crate::error::ArchiveError;
use crate::fields::{read_exactly, read_vec, u16_le, u32_le, u64_le};
use crate::limits::{Budget, LimitKind};

const END_BYTES: u64 = 22;
const COMMENT_BYTES: u64 = 65_535;
const CENTRAL_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;
const ENCRYPTED: u16 = 1;
const SIZES_FOLLOW: u16 = 1 << 3;
const UTF8_NAME: u16 = 1 << 11;

/// One entry, checked against its local header.
#[derive(Debug)]
pub(crate) struct Central {
    pub(crate) name: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) packed: u64,
    pub(crate) unpacked: u64,
    pub(crate) made_by: u16,
    pub(crate) external: u32,
    /// Where the content starts, from the start of the file.
    pub(crate) content_at: u64,
    flags: u16,
    header_at: u64,
}

impl Central {
    pub(crate) fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0
    }
}

/// Where the directory is, in offsets from the start of the file.
struct Place {
    at: u64,
    bytes: u64,
    entries: u64,
    /// Bytes before the first header, such as a self-extractor; offsets in headers do not count them.
    shift: u64,
}

/// All entries, in the directory's order.
pub(crate) fn read<R: Read + Seek>(reader: &mut R, budget: &Budget) -> Result<Vec<Central>, ArchiveError> {
    let length = reader.seek(SeekFrom::End(0)).map_err(|e| ArchiveError::of_input(&e))?;
    let place = locate(reader, length)?;
    if place.entries > budget.limits().entries {
        return Err(budget.exceeded(LimitKind::Entries));
    }
    if place.bytes > budget.limits().metadata_bytes {
        return Err(budget.exceeded(LimitKind::MetadataBytes));
    }
    seek(reader, place.at)?;
    let directory = read_vec(reader, place.bytes, "the central directory")?;
    let mut entries = parse(&directory, &place, budget)?;
    check_declared(&entries, length, budget)?;
    for (index, entry) in entries.iter_mut().enumerate() {
        if index % 1024 == 0 {
            budget.check_time()?;
        }
        compare_local(reader, entry, &place)?;
    }
    check_layout(reader, &entries, &place)?;
    Ok(entries)
}

fn seek<R: Seek>(reader: &mut R, at: u64) -> Result<(), ArchiveError> {
    reader.seek(SeekFrom::Start(at)).map(|_| ()).map_err(|error| ArchiveError::of_input(&error))
}

fn locate<R: Read + Seek>(reader: &mut R, length: u64) -> Result<Place, ArchiveError> {
    let tail_bytes = length.min(END_BYTES + COMMENT_BYTES);
    let tail_at = length - tail_bytes;
    seek(reader, tail_at)?;
    let tail = read_vec(reader, tail_bytes, "the end record")?;
    let found = (0..=tail.len().saturating_sub(END_BYTES as usize))
        .rev()
        .find(|at| tail[*at..].starts_with(b"PK\x05\x06") && tail.len() >= at + END_BYTES as usize)
        .ok_or_else(|| ArchiveError::truncated("the zip's end record is missing"))?;
    let end = &tail[found..];
    let end_at = tail_at + found as u64;
    if END_BYTES + u64::from(u16_le(end, 20)) != end.len() as u64 {
        return Err(ArchiveError::corrupt("the zip's comment does not end where the file ends"));
    }
    let disks = (u16_le(end, 4), u16_le(end, 6));
    if let Some(place) = locate64(reader, end_at)? {
        return Ok(place);
    }
    if disks != (0, 0) || u16_le(end, 8) != u16_le(end, 10) {
        return Err(ArchiveError::Unsupported("a zip over several disks".into()));
    }
    let bytes = u64::from(u32_le(end, 12));
    let offset = u64::from(u32_le(end, 16));
    place(end_at, bytes, offset, u64::from(u16_le(end, 10)))
}

fn place(directory_end: u64, bytes: u64, offset: u64, entries: u64) -> Result<Place, ArchiveError> {
    let at = directory_end.checked_sub(bytes);
    let shift = at.and_then(|at| at.checked_sub(offset));
    match (at, shift) {
        (Some(at), Some(shift)) => Ok(Place { at, bytes, entries, shift }),
        _ => Err(ArchiveError::corrupt("the central directory lies outside of the file")),
    }
}

/// The zip64 end record, if its locator stands right before the plain end record.
fn locate64<R: Read + Seek>(reader: &mut R, end_at: u64) -> Result<Option<Place>, ArchiveError> {
    let Some(locator_at) = end_at.checked_sub(20) else {
        return Ok(None);
    };
    let mut locator = [0; 20];
    seek(reader, locator_at)?;
    read_exactly(reader, &mut locator, "the zip64 locator")?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    // Without extensible data, which nobody writes, the record stands right before its locator.
    let record_at = locator_at
        .checked_sub(56)
        .ok_or_else(|| ArchiveError::corrupt("the zip64 end record lies outside of the file"))?;
    let mut record = [0; 56];
    seek(reader, record_at)?;
    read_exactly(reader, &mut record, "the zip64 end record")?;
    if !record.starts_with(b"PK\x06\x06") {
        return Err(ArchiveError::corrupt("the zip64 end record is not where it belongs"));
    }
    let entries = u64_le(&record, 32);
    if u32_le(&record, 16) != 0 || u32_le(&record, 20) != 0 || u64_le(&record, 24) != entries {
        return Err(ArchiveError::Unsupported("a zip over several disks".into()));
    }
    let found = place(record_at, u64_le(&record, 40), u64_le(&record, 48), entries)?;
    let locator_says = u64_le(&locator, 8).checked_add(found.shift);
    if locator_says != Some(record_at) {
        return Err(ArchiveError::corrupt("the zip64 locator points elsewhere"));
    }
    Ok(Some(found))
}

fn parse(mut directory: &[u8], place: &Place, budget: &Budget) -> Result<Vec<Central>, ArchiveError> {
    let mut entries = Vec::new();
    while !directory.is_empty() {
        let header = directory
            .get(..CENTRAL_BYTES)
            .filter(|header| header.starts_with(b"PK\x01\x02"))
            .ok_or_else(|| ArchiveError::corrupt("the central directory cannot be read"))?;
        let name_bytes = usize::from(u16_le(header, 28));
        let extra_bytes = usize::from(u16_le(header, 30));
        let whole = CENTRAL_BYTES + name_bytes + extra_bytes + usize::from(u16_le(header, 32));
        if directory.len() < whole {
            return Err(ArchiveError::truncated("the central directory ends early"));
        }
        budget.check_path(name_bytes as u64)?;
        let name = directory[CENTRAL_BYTES..CENTRAL_BYTES + name_bytes].to_vec();
        let extra = &directory[CENTRAL_BYTES + name_bytes..][..extra_bytes];
        entries.push(central(header, name, extra, place)?);
        directory = &directory[whole..];
    }
    if entries.len() as u64 != place.entries {
        return Err(ArchiveError::corrupt("the end record counts other entries than the directory has"));
    }
    Ok(entries)
}

fn central(header: &[u8], name: Vec<u8>, extra: &[u8], place: &Place) -> Result<Central, ArchiveError> {
    let shown = String::from_utf8_lossy(&name).into_owned();
    let mut wide = Wide::find(extra);
    let unpacked = wide.or32(u32_le(header, 24));
    let packed = wide.or32(u32_le(header, 20));
    let offset = wide.or32(u32_le(header, 42));
    let (Some(unpacked), Some(packed), Some(offset)) = (unpacked, packed, offset) else {
        return Err(ArchiveError::corrupt(format!("the zip64 sizes of {shown:?} are missing")));
    };
    let header_at = offset
        .checked_add(place.shift)
        .filter(|at| *at < place.at)
        .ok_or_else(|| ArchiveError::corrupt(format!("the header of {shown:?} lies outside of the file")))?;
    Ok(Central {
        name,
        method: u16_le(header, 10),
        crc: u32_le(header, 16),
        packed,
        unpacked,
        made_by: u16_le(header, 4),
        external: u32_le(header, 38),
        content_at: 0,
        flags: u16_le(header, 8),
        header_at,
    })
}

/// The zip64 extra field: eight bytes for each plain field that is all ones, in order.
struct Wide<'a>(Option<&'a [u8]>);

impl<'a> Wide<'a> {
    fn find(mut extra: &'a [u8]) -> Self {
        while extra.len() >= 4 {
            let length = usize::from(u16_le(extra, 2));
            let Some(body) = extra.get(4..4 + length) else {
                break;
            };
            if u16_le(extra, 0) == 1 {
                return Self(Some(body));
            }
            extra = &extra[4 + length..];
        }
        Self(None)
    }

    fn or32(&mut self, plain: u32) -> Option<u64> {
        if plain != u32::MAX {
            return Some(u64::from(plain));
        }
        match self.0 {
            Some(body) => {
                let (field, rest) = body.split_first_chunk::<8>()?;
                self.0 = Some(rest);
                Some(u64::from_le_bytes(*field))
            }
            // All ones may be the value itself.
            None => Some(u64::from(plain)),
        }
    }
}

/// Bombs say so themselves: the directory is enough to refuse them.
fn check_declared(entries: &[Central], length: u64, budget: &Budget) -> Result<(), ArchiveError> {
    let mut sum = 0_u64;
    for entry in entries {
        budget.check_entry_size(entry.unpacked)?;
        sum = sum.saturating_add(entry.unpacked);
    }
    if sum > budget.limits().total_bytes {
        return Err(budget.exceeded(LimitKind::TotalBytes));
    }
    budget.check_ratio(length, sum)
}

fn compare_local<R: Read + Seek>(reader: &mut R, entry: &mut Central, place: &Place) -> Result<(), ArchiveError> {
    let shown = String::from_utf8_lossy(&entry.name).into_owned();
    let differs = |what: &str| {
        ArchiveError::corrupt(format!("the local and the central header of {shown:?} have another {what}"))
    };
    let mut header = [0; LOCAL_BYTES];
    seek(reader, entry.header_at)?;
    read_exactly(reader, &mut header, "a local header")?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(ArchiveError::corrupt(format!("{shown:?} has no local header")));
    }
    let name_bytes = u16_le(&header, 26);
    let extra_bytes = u16_le(&header, 28);
    if usize::from(name_bytes) != entry.name.len() {
        return Err(differs("name"));
    }
    let rest = read_vec(reader, u64::from(name_bytes) + u64::from(extra_bytes), "a local header")?;
    let (name, extra) = rest.split_at(usize::from(name_bytes));
    if name != entry.name {
        return Err(differs("name"));
    }
    entry.content_at = entry.header_at + LOCAL_BYTES as u64 + rest.len() as u64;
    match entry.content_at.checked_add(entry.packed) {
        Some(end) if end <= place.at => {}
        _ => return Err(ArchiveError::corrupt(format!("the content of {shown:?} reaches past the entries"))),
    }
    // Nobody reads it here, and encryption has reasons of its own to hide sizes and checksums.
    if entry.is_encrypted() {
        return Ok(());
    }
    if u16_le(&header, 8) != entry.method {
        return Err(differs("method"));
    }
    let flags = u16_le(&header, 6);
    let compared = if name.is_ascii() { ENCRYPTED } else { ENCRYPTED | UTF8_NAME };
    if (flags ^ entry.flags) & compared != 0 {
        return Err(differs("set of flags"));
    }
    let mut wide = Wide::find(extra);
    let unpacked = wide.or32(u32_le(&header, 22));
    let packed = wide.or32(u32_le(&header, 18));
    let crc = u32_le(&header, 14);
    // With sizes that follow the content, the local fields may be zero.
    let follows = flags & SIZES_FOLLOW != 0;
    let agrees = |local: Option<u64>, central: u64| local == Some(central) || follows && local == Some(0);
    if !agrees(unpacked, entry.unpacked) || !agrees(packed, entry.packed) {
        return Err(differs("size"));
    }
    if !agrees(Some(u64::from(crc)), u64::from(entry.crc)) {
        return Err(differs("checksum"));
    }
    Ok(())
}

/// No two entries may share bytes, and no header may hide between them.
fn check_layout<R: Read + Seek>(reader: &mut R, entries: &[Central], place: &Place) -> Result<(), ArchiveError> {
    let mut by_place: Vec<&Central> = entries.iter().collect();
    by_place.sort_by_key(|entry| entry.header_at);
    let ends = by_place.iter().map(|entry| entry.content_at + entry.packed);
    let starts = by_place.iter().skip(1).map(|entry| entry.header_at).chain([place.at]);
    for ((end, start), entry) in ends.zip(starts).zip(&by_place) {
        if start < end {
            return Err(ArchiveError::corrupt(format!(
                "the content of {:?} overlaps with another entry",
                String::from_utf8_lossy(&entry.name)
            )));
        }
        if start - end >= LOCAL_BYTES as u64 && hides_header(reader, end, start - end)? {
            return Err(ArchiveError::corrupt(format!(
                "an entry that is not in the directory follows {:?}",
                String::from_utf8_lossy(&entry.name)
            )));
        }
    }
    Ok(())
}

/// Looks behind the content, past a data descriptor of at most 24 bytes.
fn hides_header<R: Read + Seek>(reader: &mut R, at: u64, gap: u64) -> Result<bool, ArchiveError> {
    seek(reader, at)?;
    let bytes = read_vec(reader, gap.min(28), "the gap between entries")?;
    Ok(bytes.windows(4).any(|window| window == b"PK\x03\x04"))
}
