//! NDB, the database of rpm's own that SUSE uses (`Packages.db`): pages of slots, each naming a run of blocks with one header.
//!
//! All numbers are little-endian; a block has 16 bytes, a page of slots 4096.

use std::io::{Read as _, SeekFrom};

use assay_archive::Budget;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;

use super::header;
use crate::part::{corrupt, problem};

const MAGIC: &[u8] = b"RpmP";
const SLOT: &[u8] = b"Slot";
const BLOB: &[u8] = b"BlbS";
const BLOCK: u64 = 16;
const PAGE: u64 = 4096;
/// The first two slots are the file's own head.
const HEAD: usize = 32;

/// Whether a file begins as such a database does.
pub(super) fn is_one(first: &[u8]) -> bool {
    first.starts_with(MAGIC)
}

/// Calls `each` with every header. What cannot be read is counted and left out.
pub(super) fn read(bytes: &mut dyn ReadSeek, budget: &Budget, each: &mut dyn FnMut(&[u8])) -> Result<u64, Problem> {
    let size = bytes.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let slots = slots(bytes, size)?;
    let mut bad = 0;
    // Values do not overlap, so together they are no larger than the file.
    let mut left = size;
    for slot in slots.chunks_exact(16).filter(|slot| number(slot, 4) != 0) {
        budget.check_time().map_err(problem)?;
        if !slot.starts_with(SLOT) {
            bad += 1;
            continue;
        }
        match blob(bytes, slot, &mut left)? {
            Some(value) => each(&value),
            None => bad += 1,
        }
    }
    Ok(bad)
}

fn slots(bytes: &mut dyn ReadSeek, size: u64) -> Result<Vec<u8>, Problem> {
    let cut = |_| corrupt("the database ends within its slots");
    let mut head = [0; HEAD];
    bytes.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    bytes.read_exact(&mut head).map_err(cut)?;
    if number(&head, 4) != 0 {
        return Err(Problem::invalid("unsupported", "this version of the NDB format is not known"));
    }
    let length = u64::from(number(&head, 12)) * PAGE;
    if length < PAGE || length > size {
        return Err(corrupt("the database says that it has more slots than it holds"));
    }
    let mut slots = Vec::new();
    bytes.take(length - HEAD as u64).read_to_end(&mut slots).map_err(unreadable)?;
    Ok(slots)
}

/// Four numbers (magic, package, generation, length), then the header.
fn blob(bytes: &mut dyn ReadSeek, slot: &[u8], left: &mut u64) -> Result<Option<Vec<u8>>, Problem> {
    let (package, offset, blocks) = (number(slot, 4), number(slot, 8), number(slot, 12));
    let mut head = [0; 16];
    bytes.seek(SeekFrom::Start(u64::from(offset) * BLOCK)).map_err(unreadable)?;
    if bytes.read_exact(&mut head).is_err() || !head.starts_with(BLOB) || number(&head, 4) != package {
        return Ok(None);
    }
    let length = u64::from(number(&head, 12));
    if length > u64::from(blocks) * BLOCK || length > *left || length > header::BYTES as u64 {
        return Ok(None);
    }
    *left -= length;
    let mut value = Vec::new();
    bytes.take(length).read_to_end(&mut value).map_err(unreadable)?;
    Ok((value.len() as u64 == length).then_some(value))
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..at + 4).and_then(|bytes| bytes.first_chunk::<4>());
    found.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn unreadable(error: std::io::Error) -> Problem {
    Problem::internal("a package database cannot be read", error)
}
