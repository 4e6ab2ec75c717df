//! Whatever the bytes are, a walk ends: with entries or with an error, never with a panic.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use assay_archive::{Kind, Limits, Names, Tolerance, Walker, sniff};
use common::*;
use proptest::prelude::*;

const KINDS: [Kind; 8] = [Kind::Zip, Kind::Tar, Kind::Ar, Kind::Cpio, Kind::Gzip, Kind::Zstd, Kind::Xz, Kind::Bzip2];

fn tight() -> Limits {
    Limits::default().with_total_bytes(1 << 20).with_entries(1000)
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-]{1,40}(/[a-z]{1,60}){0,3}"
}

proptest! {
    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = sniff(&bytes);
        for kind in KINDS {
            let _ = drain(&bytes, kind, &tight());
        }
    }

    #[test]
    fn arbitrary_bytes_after_a_magic(bytes in proptest::collection::vec(any::<u8>(), 0..600), which in 0..6_usize) {
        let magics: [&[u8]; 6] = [b"PK\x03\x04", b"\x1f\x8b\x08\0", b"!<arch>\n", b"070701", b"BZh9", b"\xfd7zXZ\0"];
        let bytes = [magics[which], &bytes].concat();
        if let Some(kind) = sniff(&bytes) {
            let _ = drain(&bytes, kind, &tight());
        }
    }

    #[test]
    fn valid_archives_with_damage(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let files: &[(&str, &[u8])] = &[("a", b"one"), ("dir/b", &[2; 600])];
        for (mut bytes, kind) in [(tar_of(files), Kind::Tar), (zip_of(files), Kind::Zip), (gz(&tar_of(files)), Kind::Gzip)] {
            let index = at.index(bytes.len());
            bytes[index] = value;
            let _ = drain(&bytes, kind, &tight());
            bytes.truncate(cut.index(bytes.len()));
            let _ = drain(&bytes, kind, &tight());
        }
    }

    #[test]
    fn tar_headers_of_all_kinds_with_right_checksums(
        headers in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 512), 0..12_usize, 0..3000_u64, "[ -~]{0,80}"), 1..5
        )
    ) {
        let mut bytes = Vec::new();
        for (noise, flag, size, text) in &headers {
            let mut header = tar::Header::new_gnu();
            let raw = header.as_mut_bytes();
            raw.copy_from_slice(noise);
            raw[156] = b"0125SLKxg7V\0"[*flag];
            raw[257..265].copy_from_slice(b"ustar\x0000");
            header.set_size(*size);
            header.set_cksum();
            bytes.extend_from_slice(header.as_bytes());
            // Extended headers are read further if their records are framed right.
            let record = format!(" GNU.sparse.size={text}\n");
            bytes.extend_from_slice(format!("{}{record}", record.len() + 2).as_bytes());
            bytes.resize(bytes.len() + usize::try_from(*size).unwrap().next_multiple_of(512), 0);
        }
        let _ = drain(&bytes, Kind::Tar, &tight());
        let walker = Walker::new(tight()).names(Names::Layer).tolerance(Tolerance::SkipAndReport);
        let _ = collect_with(&walker, &bytes, Kind::Tar);
    }

    #[test]
    fn what_was_written_is_read(
        files in proptest::collection::btree_map(name(), proptest::collection::vec(any::<u8>(), 0..2000), 0..8)
    ) {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
        for (bytes, kind) in [(tar_of(&files), Kind::Tar), (zip_of(&files), Kind::Zip)] {
            let seen = collect(&bytes, kind).unwrap();
            let read: Vec<(&str, &[u8])> = seen.iter().map(|(head, content)| (head.path.as_str(), content.as_slice())).collect();
            prop_assert_eq!(&read, &files);
        }
    }
}
