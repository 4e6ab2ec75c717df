//! Reading foreign files within bounds: opening gzip, a look at the first bytes, lines of bounded length.

use assay_archive::{ArchiveError, Kind, Limits, decompress, sniff};
use assay_model::{Problem, problem, seam::ReadSeek};
use std::io::{self, BufRead, BufReader, Read, SeekFrom};
use std::time::Duration;

/// How much of a compressed beginning is unpacked to recognise it, in bytes.
const PEEK_BYTES: u64 = 4096;

/// What of a bad record is kept for inspection, in bytes.
pub(crate) const KEPT_BYTES: usize = 64 << 10;

/// Bounds for one file of a source. The time is long because the records are stored while they are read.
pub(crate) fn limits(total_bytes: u64) -> Limits {
    Limits::default()
        .with_entries(5_000_000)
        .with_entry_bytes(1 << 30)
        .with_total_bytes(total_bytes)
        .with_ratio(1000)
        .with_deadline(Duration::from_secs(6 * 3600))
}

/// The content from its start, unpacked if it is compressed, at most `total_bytes` of it.
///
/// # Errors
/// `Internal` when the file cannot be read.
pub(crate) fn open<'a>(file: &'a mut dyn ReadSeek, total_bytes: u64) -> Result<Box<dyn BufRead + 'a>, Problem> {
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let content = decompress(file, limits(total_bytes)).map_err(refused)?;
    Ok(Box::new(BufReader::with_capacity(64 << 10, content)))
}

/// The first bytes of the content: unpacked as far as they go where they are compressed.
pub(crate) fn peek(head: &[u8]) -> Vec<u8> {
    if !sniff(head).is_some_and(Kind::is_compression) {
        return head.to_vec();
    }
    let mut content = Vec::new();
    if let Ok(opened) = decompress(head, limits(PEEK_BYTES * 2)) {
        read_what_there_is(opened, &mut content);
    }
    content
}

/// Reads at most [`PEEK_BYTES`], one byte at a time so that what precedes an abrupt end is not lost.
pub(crate) fn read_what_there_is(mut from: impl Read, into: &mut Vec<u8>) {
    let mut byte = [0];
    while (into.len() as u64) < PEEK_BYTES {
        match from.read(&mut byte) {
            Ok(1) => into.push(byte[0]),
            _ => return,
        }
    }
}

/// One line, or its beginning.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its line break.
    Whole(Vec<u8>),
    /// The first [`KEPT_BYTES`] at most; the rest was skipped.
    TooLong(Vec<u8>),
}

/// The next line, of at most `limit` bytes. `None` at the end.
///
/// # Errors
/// As the reader.
pub(crate) fn line(from: &mut dyn BufRead, limit: usize) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    Read::take(&mut *from, limit as u64 + 1).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    } else if bytes.len() > limit {
        from.skip_until(b'\n')?;
        bytes.truncate(limit.min(KEPT_BYTES));
        return Ok(Some(Line::TooLong(bytes)));
    }
    Ok(Some(Line::Whole(bytes)))
}

/// A failure of reading: the archive's where one travelled inside, the machine's otherwise.
pub(crate) fn failed(error: io::Error) -> Problem {
    refused(ArchiveError::from(error))
}

/// What is wrong with the file.
pub(crate) fn refused(error: ArchiveError) -> Problem {
    match &error {
        ArchiveError::Limit { .. } => Problem::new(problem::Kind::TooLarge, "feed-too-large", error.to_string()),
        ArchiveError::Io(..) => Problem::internal("the file cannot be read", error),
        _ => Problem::invalid("bad-feed", error.to_string()),
    }
}

/// Whether the text is a CVE id: `CVE-`, four digits of a year, `-`, four digits or more.
pub(crate) fn is_cve(id: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    id.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')).is_some_and(|(year, number)| {
        year.len() == 4 && number.len() >= 4 && number.len() <= 19 && digits(year) && digits(number)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_the_next_one_is_found() {
        let mut from: &[u8] = b"one\r\n\nfar too long\nlast";
        assert_eq!(line(&mut from, 6).unwrap(), Some(Line::Whole(b"one".to_vec())));
        assert_eq!(line(&mut from, 6).unwrap(), Some(Line::Whole(Vec::new())));
        assert_eq!(line(&mut from, 6).unwrap(), Some(Line::TooLong(b"far to".to_vec())));
        assert_eq!(line(&mut from, 6).unwrap(), Some(Line::Whole(b"last".to_vec())));
        assert_eq!(line(&mut from, 6).unwrap(), None);
    }

    #[test]
    fn cve_ids_are_told_from_look_alikes() {
        assert!(is_cve("CVE-2018-18074") && is_cve("CVE-1999-0001"));
        for other in ["CVE-2007-01-09", "CVE-2018-1", "CVE-18-18074", "cve-2018-18074", "ALPINE-CVE-2018-18074", "CVE-"]
        {
            assert!(!is_cve(other), "{other}");
        }
    }
}
