//! Records outside a zip: one JSON document, an array of records, or one record per line. Also compressed.
//!
//! The records are found without parsing, so that one bad record costs itself only, and each keeps its own bytes.

use super::{MAX_RECORD, Sink, too_large};
use crate::input::{self, Line};
use assay_model::Problem;
use assay_model::seam::ReadSeek;
use serde::de::IgnoredAny;
use std::io::{self, BufRead, Read};

/// Unpacked bytes of one file.
const MAX_BYTES: u64 = 64 << 30;

/// Reads every record.
///
/// # Errors
/// `Invalid` when it is no such file at all, `TooLarge` past a limit, and what the store says.
pub(super) fn parse(name: &str, file: &mut dyn ReadSeek, sink: &mut Sink<'_>) -> Result<(), Problem> {
    let mut content = input::open(file, MAX_BYTES)?;
    match first(&mut *content).map_err(input::failed)? {
        Some(b'[') => array(name, &mut *content, sink),
        Some(b'{') => objects(name, &mut *content, sink),
        _ => Err(Problem::invalid("bad-feed", format!("{name} is neither a zip nor JSON with OSV records"))),
    }
}

/// The first byte that is neither white space nor a byte order mark; not consumed.
fn first(from: &mut dyn BufRead) -> io::Result<Option<u8>> {
    loop {
        let Some(&byte) = from.fill_buf()?.first() else { return Ok(None) };
        if !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf) {
            return Ok(Some(byte));
        }
        from.consume(1);
    }
}

/// One document over many lines, or one document on each line: told by whether the first line is complete.
fn objects(name: &str, from: &mut dyn BufRead, sink: &mut Sink<'_>) -> Result<(), Problem> {
    let mut number = 1;
    let mut next = input::line(from, MAX_RECORD).map_err(input::failed)?;
    if let Some(Line::Whole(begin)) = &next
        && !is_lines(name)
        && serde_json::from_slice::<IgnoredAny>(begin).is_err()
    {
        return document(name, begin, from, sink);
    }
    while let Some(line) = next {
        match line {
            Line::Whole(bytes) if bytes.trim_ascii().is_empty() => {}
            Line::Whole(bytes) => sink.record(&format!("{name} line {number}"), &bytes)?,
            Line::TooLong(bytes) => sink.bad(&format!("{name} line {number}"), &too_large(), &bytes)?,
        }
        number += 1;
        next = input::line(from, MAX_RECORD).map_err(input::failed)?;
    }
    Ok(())
}

fn is_lines(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.ends_with(".jsonl") || name.ends_with(".ndjson")
}

/// One document; the line breaks belong to its bytes.
fn document(name: &str, begin: &[u8], from: &mut dyn BufRead, sink: &mut Sink<'_>) -> Result<(), Problem> {
    let mut bytes = begin.to_vec();
    bytes.push(b'\n');
    let left = (MAX_RECORD as u64 + 1).saturating_sub(bytes.len() as u64);
    Read::take(from, left).read_to_end(&mut bytes).map_err(input::failed)?;
    if bytes.len() > MAX_RECORD {
        return sink.bad(name, &too_large(), &bytes);
    }
    sink.record(name, &bytes)
}

/// The elements of an array.
fn array(name: &str, from: &mut dyn BufRead, sink: &mut Sink<'_>) -> Result<(), Problem> {
    from.consume(1);
    let mut element = Element::default();
    let mut number = 1;
    loop {
        let buffer = from.fill_buf().map_err(input::failed)?;
        if buffer.is_empty() {
            let reason = "the array ends before it is closed";
            return if element.is_blank() {
                Ok(())
            } else {
                sink.bad(&format!("{name} record {number}"), reason, &element.bytes)
            };
        }
        let mut used = 0;
        let mut ended = None;
        for &byte in buffer {
            used += 1;
            if element.ends_at(byte) {
                ended = Some(byte);
                break;
            }
        }
        from.consume(used);
        if let Some(byte) = ended {
            let done = std::mem::take(&mut element);
            if !done.is_blank() {
                done.give(&format!("{name} record {number}"), sink)?;
                number += 1;
            }
            if byte == b']' {
                return Ok(());
            }
        }
    }
}

/// The element being read.
#[derive(Default)]
struct Element {
    bytes: Vec<u8>,
    depth: u64,
    in_string: bool,
    escaped: bool,
    too_large: bool,
}

impl Element {
    /// Takes one byte; true when it is the comma or bracket after the element.
    fn ends_at(&mut self, byte: u8) -> bool {
        if self.in_string {
            self.in_string = byte != b'"' || self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
        } else {
            match byte {
                b',' | b']' if self.depth == 0 => return true,
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        if self.bytes.len() < MAX_RECORD {
            self.bytes.push(byte);
        } else {
            self.too_large = true;
        }
        false
    }

    fn is_blank(&self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }

    fn give(&self, name: &str, sink: &mut Sink<'_>) -> Result<(), Problem> {
        if self.too_large {
            sink.bad(name, &too_large(), &self.bytes)
        } else {
            sink.record(name, self.bytes.trim_ascii())
        }
    }
}
