//! Targets of `assay-archive`: each container, each compression, and names.

use std::io::{Cursor, Read};
use std::time::Duration;

use assay_archive::{ArchiveError, Budget, Flow, Kind, Limits, decompress, read_small, sniff, walk};

use super::Target;
use crate::make::{gzip, tar, wheel::Wheel, zip};

pub(super) fn targets() -> Vec<Target> {
    let inner = tar(&[("a/b.txt", b"hello"), ("a/c.txt", &[0; 600])]).unwrap_or_default();
    let packed = gzip(&inner).unwrap_or_default();
    let zipped = zip(&[("a.txt".to_owned(), b"hello".repeat(20)), ("d/inner.tar.gz".to_owned(), packed.clone())]);
    let wheel = Wheel::new("tiny", "1.0").build().map(|built| built.bytes);
    let zips = vec![zipped.unwrap_or_default(), wheel.unwrap_or_default()];
    vec![
        Target::new("archive-zip", zips, |input| open(input, Kind::Zip)),
        Target::new("archive-tar", vec![inner.clone(), packed.clone()], |input| open(input, Kind::Tar)),
        Target::new("archive-ar", vec![ar()], |input| open(input, Kind::Ar)),
        Target::new("archive-cpio", vec![cpio()], |input| open(input, Kind::Cpio)),
        Target::new("archive-decompress", vec![packed, inner], unpack),
    ]
}

/// Bounds under which no input may take long.
fn limits() -> Limits {
    Limits::default()
        .with_entries(10_000)
        .with_entry_bytes(8 << 20)
        .with_total_bytes(16 << 20)
        .with_metadata_bytes(1 << 20)
        .with_deadline(Duration::from_secs(5))
}

fn open(input: &[u8], kind: Kind) {
    let budget = Budget::new(limits());
    // Errors are an answer; what is looked for is worse.
    let _ = look(input, kind, &budget);
    assert!(budget.bytes_spent() <= (16 << 20) + (1 << 20), "more was unpacked than the budget allows");
}

/// Reads every entry, and archives inside archives as deep as the budget allows.
fn look(input: &[u8], kind: Kind, budget: &Budget) -> Result<(), ArchiveError> {
    walk(Cursor::new(input), kind, budget.clone(), |entry, body| {
        assert!(!entry.path.starts_with('/') && !entry.path.split('/').any(|part| part == ".."), "{:?}", entry.path);
        let bytes = read_small(body, budget)?;
        if let (Some(kind), Ok(nested)) = (sniff(&bytes), budget.nested()) {
            // A damaged inner archive does not end the outer walk.
            let _ = look(&bytes, kind, &nested);
        }
        Ok::<_, ArchiveError>(Flow::Continue)
    })
    .map(drop)
}

fn unpack(input: &[u8]) {
    let budget = Budget::new(limits());
    if let Ok(mut reader) = decompress(Cursor::new(input), budget) {
        let mut buffer = vec![0; 64 << 10];
        while matches!(reader.read(&mut buffer), Ok(count) if count > 0) {}
    }
}

fn ar() -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, body) in [("debian-binary", &b"2.0\n"[..]), ("control.tar", b"odd")] {
        bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, body.len()).bytes());
        bytes.extend_from_slice(body);
        if body.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// Two entries in the portable ASCII form with the end mark.
fn cpio() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, body) in [("usr/a", &b"hello"[..]), ("TRAILER!!!", b"")] {
        let mode = 0o100_644;
        let fields = [1, mode, 0, 0, 1, 0, body.len(), 0, 0, 0, 0, name.len() + 1, 0];
        bytes.extend_from_slice(b"070701");
        for field in fields {
            bytes.extend(format!("{field:08x}").bytes());
        }
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend_from_slice(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}
