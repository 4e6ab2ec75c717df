//! Sparse files in tar: the old GNU form and the three PAX forms. Holes read as zeros and are charged to the budget.

use std::io::{self, Read};

use crate::error::ArchiveError;
use crate::fields::{Exact, ascii_number, read_exactly};
use crate::limits::Budget;

use super::header::{BLOCK, Header, number};
use super::pax::Pax;

/// The most pieces a file may have; each costs sixteen bytes of memory.
const PIECES: usize = 1 << 16;

/// Where the stored bytes belong.
pub(crate) struct Map {
    pub(crate) real_size: u64,
    pieces: Vec<(u64, u64)>,
}

impl Map {
    /// The map of this entry if it is sparse; reads what part of it stands in the content.
    pub(crate) fn find(
        block: &[u8; BLOCK],
        header: &Header,
        pax: &Pax,
        content: &mut Exact<'_>,
    ) -> Result<Option<Self>, ArchiveError> {
        let map = if header.flag == b'S' {
            old_gnu(block, content)?
        } else if pax.sparse_major == Some(1) {
            Self { real_size: pax.sparse_size.ok_or_else(bad)?, pieces: leading(content)? }
        } else if let Some(real_size) = pax.sparse_size {
            Self { real_size, pieces: pairs(&pax.sparse_map)? }
        } else {
            return Ok(None);
        };
        map.check(content.remaining)?;
        Ok(Some(map))
    }

    fn check(&self, stored: u64) -> Result<(), ArchiveError> {
        let mut end = 0_u64;
        let mut sum = 0_u64;
        for (offset, length) in &self.pieces {
            if *offset < end {
                return Err(bad());
            }
            end = offset.checked_add(*length).ok_or_else(bad)?;
            sum = sum.checked_add(*length).ok_or_else(bad)?;
        }
        if end > self.real_size || sum > stored {
            return Err(bad());
        }
        Ok(())
    }
}

/// Four pieces in the header, more in blocks that follow it. Those blocks come before the content and are not
/// counted in its size.
fn old_gnu(block: &[u8; BLOCK], content: &mut Exact<'_>) -> Result<Map, ArchiveError> {
    let mut pieces = Vec::new();
    let real_size = number(&block[483..495]).ok_or_else(bad)?;
    descriptors(&block[386..482], &mut pieces)?;
    let mut more = block[482] != 0;
    let mut extension = [0; BLOCK];
    while more {
        read_exactly(content.reader, &mut extension, "a sparse map")?;
        descriptors(&extension[..504], &mut pieces)?;
        more = extension[504] != 0;
    }
    Ok(Map { real_size, pieces })
}

fn descriptors(bytes: &[u8], pieces: &mut Vec<(u64, u64)>) -> Result<(), ArchiveError> {
    for field in bytes.chunks_exact(24) {
        if field[0] == 0 {
            break;
        }
        let offset = number(&field[..12]).ok_or_else(bad)?;
        let length = number(&field[12..]).ok_or_else(bad)?;
        push(pieces, offset, length)?;
    }
    Ok(())
}

/// PAX form 1.0: decimal lines before the content, padded to a block.
fn leading(content: &mut Exact<'_>) -> Result<Vec<(u64, u64)>, ArchiveError> {
    let mut lines = Lines { content, block: [0; BLOCK], at: BLOCK };
    let count = lines.next()?;
    let mut pieces = Vec::new();
    for _ in 0..count {
        let offset = lines.next()?;
        let length = lines.next()?;
        push(&mut pieces, offset, length)?;
    }
    Ok(pieces)
}

struct Lines<'a, 'b> {
    content: &'a mut Exact<'b>,
    block: [u8; BLOCK],
    at: usize,
}

impl Lines<'_, '_> {
    fn next(&mut self) -> Result<u64, ArchiveError> {
        let mut digits = Vec::with_capacity(20);
        loop {
            if self.at == BLOCK {
                read_exactly(self.content, &mut self.block, "a sparse map")?;
                self.at = 0;
            }
            let byte = self.block[self.at];
            self.at += 1;
            match byte {
                b'\n' if !digits.is_empty() => return ascii_number(&digits, 10).ok_or_else(bad),
                b'0'..=b'9' if digits.len() < 20 => digits.push(byte),
                _ => return Err(bad()),
            }
        }
    }
}

fn pairs(numbers: &[u64]) -> Result<Vec<(u64, u64)>, ArchiveError> {
    let mut pieces = Vec::new();
    for pair in numbers.chunks(2) {
        let [offset, length] = pair else { return Err(bad()) };
        push(&mut pieces, *offset, *length)?;
    }
    Ok(pieces)
}

fn push(pieces: &mut Vec<(u64, u64)>, offset: u64, length: u64) -> Result<(), ArchiveError> {
    if pieces.len() >= PIECES {
        return Err(ArchiveError::corrupt("a sparse file has too many pieces"));
    }
    pieces.push((offset, length));
    Ok(())
}

fn bad() -> ArchiveError {
    ArchiveError::corrupt("a sparse file's map cannot be right")
}

/// The file as it was before its holes were left out.
pub(crate) struct Sparse<'a, 'b> {
    map: Map,
    content: &'a mut Exact<'b>,
    budget: &'a Budget,
    position: u64,
    piece: usize,
}

impl<'a, 'b> Sparse<'a, 'b> {
    pub(crate) fn new(map: Map, content: &'a mut Exact<'b>, budget: &'a Budget) -> Self {
        Self { map, content, budget, position: 0, piece: 0 }
    }
}

impl Read for Sparse<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some((offset, length)) = self.map.pieces.get(self.piece)
            && offset + length <= self.position
        {
            self.piece += 1;
        }
        let (in_hole, until) = match self.map.pieces.get(self.piece) {
            Some((offset, _)) if self.position < *offset => (true, *offset),
            Some((offset, length)) => (false, offset + length),
            None => (true, self.map.real_size),
        };
        let left = usize::try_from(until - self.position).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        let count = if in_hole {
            self.budget.spend_bytes(wanted as u64)?;
            buffer[..wanted].fill(0);
            wanted
        } else {
            self.content.read(&mut buffer[..wanted])?
        };
        self.position += count as u64;
        Ok(count)
    }
}
