//! Berkeley DB's hash files, as rpm kept `Packages` in until 2020: pages of pairs, large values on chains of overflow pages.
//!
//! Pages are read one at a time in the order of the file; buckets need not be known to meet every pair. A file is in the
//! byte order of the machine that wrote it.

use std::io::SeekFrom;

use assay_archive::Budget;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;

use super::header;
use crate::part::{corrupt, problem};

const MAGIC: u32 = 0x0006_1561;
const META_PAGE: u8 = 8;
const HASH_PAGES: [u8; 2] = [2, 13];
const OVERFLOW_PAGE: u8 = 7;
const INLINE: u8 = 1;
const OFF_PAGE: u8 = 3;
/// Every page begins with this many bytes about itself.
const PAGE_HEAD: usize = 26;
/// Shorter values are no headers; one holds the next free number.
const SHORTEST: usize = 16;

/// Whether a file begins as such a database does.
pub(super) fn is_one(first: &[u8]) -> bool {
    let magic = first.get(12..16).and_then(|bytes| bytes.first_chunk::<4>());
    magic.is_some_and(|magic| u32::from_le_bytes(*magic) == MAGIC || u32::from_be_bytes(*magic) == MAGIC)
}

struct File<'a> {
    bytes: &'a mut dyn ReadSeek,
    big_endian: bool,
    page: usize,
    pages: u64,
    /// Overflow pages that may still be read: a page belongs to one value only, so a chain that loops runs out of them.
    overflow: u64,
}

/// Calls `each` with every value that can be a header. A value that cannot be read is counted and left out.
pub(super) fn read(bytes: &mut dyn ReadSeek, budget: &Budget, each: &mut dyn FnMut(&[u8])) -> Result<u64, Problem> {
    let mut file = open(bytes)?;
    let mut page = vec![0; file.page];
    let mut bad = 0;
    for number in 1..file.pages {
        budget.check_time().map_err(problem)?;
        file.load(number, &mut page)?;
        if page.get(25).is_some_and(|kind| HASH_PAGES.contains(kind)) {
            bad += file.pairs(&page, each)?;
        }
    }
    Ok(bad)
}

fn open(bytes: &mut dyn ReadSeek) -> Result<File<'_>, Problem> {
    let size = bytes.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let mut first = [0; 72];
    bytes.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    bytes.read_exact(&mut first).map_err(|_| corrupt("a Berkeley DB file ends in its first page"))?;
    let big_endian = u32::from_be_bytes([first[12], first[13], first[14], first[15]]) == MAGIC;
    let mut file = File { bytes, big_endian, page: 0, pages: 0, overflow: 0 };
    let page = file.number32(&first, 20) as usize;
    if first[25] != META_PAGE || !page.is_power_of_two() || !(512..=65536).contains(&page) {
        return Err(corrupt("this Berkeley DB file is no hash database"));
    }
    if first[24] != 0 {
        return Err(Problem::invalid("encrypted", "the Berkeley DB file is encrypted"));
    }
    file.page = page;
    file.pages = (u64::from(file.number32(&first, 32)) + 1).min(size / page as u64);
    file.overflow = file.pages;
    Ok(file)
}

impl File<'_> {
    fn number32(&self, page: &[u8], at: usize) -> u32 {
        let Some(bytes) = page.get(at..at + 4).and_then(|bytes| bytes.first_chunk::<4>()) else { return 0 };
        if self.big_endian { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) }
    }

    fn number16(&self, page: &[u8], at: usize) -> usize {
        let Some(bytes) = page.get(at..at + 2).and_then(|bytes| bytes.first_chunk::<2>()) else { return 0 };
        usize::from(if self.big_endian { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) })
    }

    fn load(&mut self, number: u64, page: &mut [u8]) -> Result<(), Problem> {
        self.bytes.seek(SeekFrom::Start(number * self.page as u64)).map_err(unreadable)?;
        self.bytes.read_exact(page).map_err(|_| corrupt("a Berkeley DB file ends within a page"))
    }

    /// Offsets follow the page's head, two for each pair. Items lie from the end of the page downwards, so each ends where the
    /// one before begins.
    fn pairs(&mut self, page: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<u64, Problem> {
        let count = self.number16(page, 20).min((page.len() - PAGE_HEAD) / 2);
        let mut bad = 0;
        for at in (1..count).step_by(2) {
            let begin = self.number16(page, PAGE_HEAD + 2 * at);
            let end = self.number16(page, PAGE_HEAD + 2 * (at - 1));
            match page.get(begin) {
                Some(&OFF_PAGE) => match self.chain(page, begin)? {
                    Some(value) => each(&value),
                    None => bad += 1,
                },
                Some(&INLINE) => match page.get(begin + 1..end) {
                    Some(value) if value.len() >= SHORTEST => each(value),
                    Some(_) => {}
                    None => bad += 1,
                },
                _ => bad += 1,
            }
        }
        Ok(bad)
    }

    /// A value on overflow pages; none if its chain is not as its item says.
    fn chain(&mut self, page: &[u8], item: usize) -> Result<Option<Vec<u8>>, Problem> {
        let (mut next, length) = (self.number32(page, item + 4), self.number32(page, item + 8) as usize);
        if length > header::BYTES || length as u64 > self.pages.saturating_mul(self.page as u64) {
            return Ok(None);
        }
        let mut value = Vec::new();
        let mut piece = vec![0; self.page];
        while value.len() < length {
            if next == 0 || u64::from(next) >= self.pages || self.overflow == 0 {
                return Ok(None);
            }
            self.overflow -= 1;
            self.load(u64::from(next), &mut piece)?;
            let used = self.number16(&piece, 22);
            let Some(data) = piece.get(PAGE_HEAD..PAGE_HEAD + used).filter(|_| piece[25] == OVERFLOW_PAGE) else {
                return Ok(None);
            };
            if data.is_empty() {
                return Ok(None);
            }
            value.extend_from_slice(data);
            next = self.number32(&piece, 16);
        }
        // A chain that is right ends where its value does.
        Ok((value.len() == length && next == 0).then_some(value))
    }
}

fn unreadable(error: std::io::Error) -> Problem {
    Problem::internal("a package database cannot be read", error)
}
