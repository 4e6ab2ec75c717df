//! Bombs, tricks with names and headers, and damage: each is refused with an error that says what and why.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::io::{Cursor, Read};
use std::time::Duration;

use assay_archive::{
    ArchiveError, Budget, Flow, Kind, LimitKind, Limits, Names, Tolerance, Walker, decompress, read_small, sniff,
};
use common::*;

#[track_caller]
fn assert_limit<T: std::fmt::Debug>(outcome: Result<T, ArchiveError>, expected: LimitKind) {
    match outcome {
        Err(error @ ArchiveError::Limit { which, .. }) => {
            assert_eq!(which, expected);
            assert!(error.to_string().contains(expected.key()), "{error}");
        }
        other => panic!("expected {expected:?}, got {other:?}"),
    }
}

#[test]
fn gzip_bomb() {
    let bomb = gz_zeros(200 << 20);
    assert!(bomb.len() < 300 << 10);
    assert_limit(drain(&bomb, Kind::Tar, &Limits::default()), LimitKind::Ratio);
    let limits = Limits::default().with_ratio(u64::MAX).with_total_bytes(1 << 20);
    assert_limit(drain(&bomb, Kind::Tar, &limits), LimitKind::TotalBytes);
    let mut reader = decompress(bomb.as_slice(), &limits).unwrap();
    let error = std::io::copy(&mut reader, &mut std::io::sink()).unwrap_err();
    assert_limit(Err::<(), _>(ArchiveError::from(error)), LimitKind::TotalBytes);
}

#[test]
fn zip_bomb_is_refused_by_its_directory() {
    let zeros = vec![0; 64 << 20];
    let bomb = zip_of(&[("zeros", &zeros)]);
    assert_limit(skim(&bomb, Kind::Zip, &Limits::default()), LimitKind::Ratio);
    let limits = Limits::default().with_entry_bytes(1 << 20);
    assert_limit(skim(&bomb, Kind::Zip, &limits), LimitKind::EntryBytes);
    let limits = Limits::default().with_total_bytes(1 << 20);
    assert_limit(skim(&bomb, Kind::Zip, &limits), LimitKind::TotalBytes);
}

#[test]
fn zip_entry_that_is_larger_than_it_says() {
    let mut bomb = zip_of(&[("zeros", &vec![0; 1 << 20])]);
    assert_eq!(replace_all(&mut bomb, &(1_u32 << 20).to_le_bytes(), &1000_u32.to_le_bytes()), 2);
    assert!(matches!(drain(&bomb, Kind::Zip, &Limits::default()), Err(ArchiveError::Corrupt(_))));
}

#[test]
fn zip_entries_that_share_bytes() {
    let mut bytes =
        zip_of(&[("a", b"aaaaaaaaaaaaaaaa"), ("a", b"aaaaaaaaaaaaaaaa")].map(|(_, c)| ("a", c as &[u8]))[..1]);
    // A second directory record for the same local header.
    let at = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let end = bytes.windows(4).position(|w| w == b"PK\x05\x06").unwrap();
    let record = bytes[at..end].to_vec();
    bytes.splice(end..end, record.clone());
    let end = end + record.len();
    bytes[end + 8..end + 12].copy_from_slice(&[2, 0, 2, 0]);
    let size = u32::try_from(2 * record.len()).unwrap();
    bytes[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
    let error = skim(&bytes, Kind::Zip, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("overlaps"), "{error}");
}

#[test]
fn zip_with_two_entries_of_one_name() {
    let mut bytes = zip_of(&[("name1", b"good"), ("name2", b"evil")]);
    assert_eq!(replace_all(&mut bytes, b"name2", b"name1"), 2);
    assert!(matches!(skim(&bytes, Kind::Zip, &Limits::default()), Err(ArchiveError::Corrupt(_))));
    let walker = Walker::new(Limits::default()).tolerance(Tolerance::SkipAndReport);
    let (seen, report) = collect_with(&walker, &bytes, Kind::Zip).unwrap();
    assert_eq!((seen.len(), report.notices.len()), (2, 1));
}

#[test]
fn zip_whose_headers_disagree() {
    let good = zip_of(&[("name1", b"content")]);
    for (what, at) in [("name", 30), ("method", 8), ("size", 22), ("checksum", 14)] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        let error = skim(&bytes, Kind::Zip, &Limits::default()).unwrap_err();
        assert!(error.to_string().contains(what), "{what}: {error}");
    }
}

#[test]
fn zip_with_an_entry_outside_of_its_directory() {
    let mut bytes = zip_of(&[("a", b"aaaa"), ("hidden", &[9; 40]), ("z", b"zzzz")]);
    let records: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, w)| *w == b"PK\x01\x02").map(|(at, _)| at).collect();
    let gone = records[2] - records[1];
    bytes.drain(records[1]..records[2]);
    let end = bytes.windows(4).position(|w| w == b"PK\x05\x06").unwrap();
    bytes[end + 8..end + 12].copy_from_slice(&[2, 0, 2, 0]);
    let size = u32::from_le_bytes(bytes[end + 12..end + 16].try_into().unwrap()) - u32::try_from(gone).unwrap();
    bytes[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
    let error = skim(&bytes, Kind::Zip, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("not in the directory"), "{error}");
}

#[test]
fn zip_that_is_encrypted() {
    let mut bytes = zip_of(&[("secret", b"x")]);
    let at = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    bytes[at + 8] |= 1;
    assert_eq!(skim(&bytes, Kind::Zip, &Limits::default()), Err(ArchiveError::Encrypted("secret".into())));
}

#[test]
fn zip_content_with_a_wrong_checksum() {
    let mut bytes = zip_of(&[("a", b"unpackable")]);
    let method = zip::CompressionMethod::Stored;
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("a", options).unwrap();
    std::io::Write::write_all(&mut writer, b"unpackable").unwrap();
    let stored = writer.finish().unwrap().into_inner();
    bytes.clear();
    bytes.extend_from_slice(&stored);
    assert_eq!(replace_all(&mut bytes, b"unpackable", b"unpackablE"), 1);
    let error = drain(&bytes, Kind::Zip, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[test]
fn names_that_climb_are_refused_or_reported() {
    for name in [&b"../../etc/passwd"[..], b"/etc/passwd", b"a\\..\\b", b"C:evil"] {
        let mut bytes = raw_tar(b'0', name, b"", b"evil");
        bytes.extend(raw_tar(b'0', b"good", b"", b"g"));
        bytes.extend(end_mark());
        let error = skim(&bytes, Kind::Tar, &Limits::default()).unwrap_err();
        assert!(matches!(error, ArchiveError::UnsafePath { .. }), "{error}");
        let walker = Walker::new(Limits::default()).tolerance(Tolerance::SkipAndReport);
        let (seen, report) = collect_with(&walker, &bytes, Kind::Tar).unwrap();
        assert_eq!(paths(&seen), ["good"]);
        assert_eq!(report.notices.len(), 1);
    }
}

#[test]
fn long_names_are_checked_like_short_ones() {
    let mut bytes = raw_tar(b'L', b"././@LongLink", b"", b"../../up\0");
    bytes.extend(raw_tar(b'0', b"fine", b"", b""));
    bytes.extend(end_mark());
    assert!(matches!(skim(&bytes, Kind::Tar, &Limits::default()), Err(ArchiveError::UnsafePath { .. })));
}

#[test]
fn links_that_leave_a_package_are_refused_and_those_of_a_layer_are_not_followed() {
    let mut bytes = raw_tar(b'2', b"escape", b"../../etc", b"");
    bytes.extend(raw_tar(b'0', b"escape/passwd", b"", b"evil"));
    bytes.extend(end_mark());
    assert!(matches!(skim(&bytes, Kind::Tar, &Limits::default()), Err(ArchiveError::UnsafePath { .. })));
    let walker = Walker::new(Limits::default()).names(Names::Layer);
    let (seen, _) = collect_with(&walker, &bytes, Kind::Tar).unwrap();
    assert_eq!(paths(&seen), ["escape", "escape/passwd"]);
}

#[test]
fn layers_may_have_absolute_names() {
    let mut bytes = raw_tar(b'0', b"/etc/os-release", b"", b"x");
    bytes.extend(raw_tar(b'0', b"./usr/lib/a\\x2db", b"", b"x"));
    bytes.extend(end_mark());
    let walker = Walker::new(Limits::default()).names(Names::Layer);
    let (seen, _) = collect_with(&walker, &bytes, Kind::Tar).unwrap();
    assert_eq!(paths(&seen), ["etc/os-release", "usr/lib/a\\x2db"]);
}

#[test]
fn too_many_entries() {
    let names: Vec<String> = (0..50).map(|index| format!("f{index}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let limits = Limits::default().with_entries(49);
    assert_limit(skim(&tar_of(&files), Kind::Tar, &limits), LimitKind::Entries);
    assert_limit(skim(&zip_of(&files), Kind::Zip, &limits), LimitKind::Entries);
    assert!(skim(&tar_of(&files[..20]), Kind::Tar, &limits).is_ok());
}

#[test]
fn too_long_a_name() {
    let name = "n".repeat(5000);
    for (bytes, kind) in [(tar_of(&[(&name, b"")]), Kind::Tar), (zip_of(&[(&name, b"")]), Kind::Zip)] {
        assert_limit(skim(&bytes, kind, &Limits::default()), LimitKind::PathBytes);
    }
}

#[test]
fn too_much_time() {
    let limits = Limits::default().with_deadline(Duration::ZERO);
    assert_limit(skim(&tar_of(&[("a", b"")]), Kind::Tar, &limits), LimitKind::Deadline);
}

#[test]
fn a_declared_size_is_not_believed_before_it_is_checked() {
    let mut header = tar::Header::new_gnu();
    header.set_path("huge").unwrap();
    header.set_size(1 << 50);
    header.set_cksum();
    assert_limit(skim(header.as_bytes(), Kind::Tar, &Limits::default()), LimitKind::EntryBytes);
}

#[test]
fn holes_of_a_sparse_file_are_charged() {
    let mut content = b"1\n0\n1\n".to_vec();
    content.resize(512, 0);
    content.push(b'x');
    let mut builder = tar::Builder::new(Vec::new());
    let records = [("GNU.sparse.major", &b"1"[..]), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"1073741824")];
    builder.append_pax_extensions(records).unwrap();
    let mut bytes = builder.get_ref().clone();
    bytes.extend(raw_tar(b'0', b"sparse", b"", &content));
    bytes.extend(end_mark());
    let limits = Limits::default().with_total_bytes(10 << 20);
    assert_limit(drain(&bytes, Kind::Tar, &limits), LimitKind::TotalBytes);
}

/// An archive in an archive in an archive, looked into by a visitor that always opens what it finds.
fn descend(bytes: &[u8], budget: &Budget) -> Result<(), ArchiveError> {
    let kind = sniff(bytes).unwrap();
    Walker::new(budget).walk(Cursor::new(bytes), kind, |_, body| {
        let inner = read_small(body, budget)?;
        if sniff(&inner).is_some() {
            descend(&inner, &budget.nested()?)?;
        }
        Ok::<_, ArchiveError>(Flow::Continue)
    })?;
    Ok(())
}

#[test]
fn nested_archives_share_one_budget_and_end_at_a_depth() {
    let mut bytes = tar_of(&[("core", &[1; 4000])]);
    for _ in 0..3 {
        bytes = gz(&tar_of(&[("inner", &bytes)]));
    }
    assert!(descend(&bytes, &Budget::new(Limits::default())).is_ok());
    let shallow = Budget::new(Limits::default().with_depth(3));
    assert_limit(descend(&bytes, &shallow), LimitKind::Depth);
    let poor = Budget::new(Limits::default().with_total_bytes(15_000));
    assert_limit(descend(&bytes, &poor), LimitKind::TotalBytes);
    let few = Budget::new(Limits::default().with_entries(3));
    assert_limit(descend(&bytes, &few), LimitKind::Entries);
}

#[test]
fn metadata_that_is_too_large_for_memory() {
    let bytes = tar_of(&[("big", &[1; 4000])]);
    let budget = Budget::new(Limits::default().with_metadata_bytes(1000));
    assert_limit(descend(&bytes, &budget), LimitKind::MetadataBytes);
}

#[test]
fn every_cut_of_an_archive_is_noticed() {
    let files: &[(&str, &[u8])] = &[("a", b"some content"), ("b/c", &[3; 700])];
    let tar = tar_of(files);
    let packed = gz(&tar);
    for cut in 0..packed.len() {
        assert!(drain(&packed[..cut], Kind::Gzip, &Limits::default()).is_err(), "gzip cut at {cut}");
    }
    let zstd = zstd::encode_all(tar.as_slice(), 1).unwrap();
    for cut in 0..zstd.len() {
        assert!(drain(&zstd[..cut], Kind::Zstd, &Limits::default()).is_err(), "zstd cut at {cut}");
    }
    let zip = zip_of(files);
    for cut in 0..zip.len() {
        assert!(drain(&zip[..cut], Kind::Zip, &Limits::default()).is_err(), "zip cut at {cut}");
    }
    let inside_of_b = 512 + 512 + 512 + 100;
    assert!(matches!(drain(&tar[..inside_of_b], Kind::Tar, &Limits::default()), Err(ArchiveError::Truncated(_))));
}

#[test]
fn a_body_that_fails_ends_the_walk_even_if_the_visitor_looks_away() {
    let bytes = tar_of(&[("a", &[1; 700])]);
    let outcome = Walker::new(Limits::default()).stream(&bytes[..800], Kind::Tar, |_, body| {
        let _ = std::io::copy(body, &mut std::io::sink());
        Ok::<_, ArchiveError>(Flow::Continue)
    });
    assert!(matches!(outcome, Err(ArchiveError::Truncated(_))));
}

#[test]
fn damage_is_noticed() {
    let mut bytes = tar_of(&[("a", b"x")]);
    bytes[3] ^= 0x40;
    assert!(matches!(skim(&bytes, Kind::Tar, &Limits::default()), Err(ArchiveError::Corrupt(_))));
    let mut packed = gz(&tar_of(&[("a", &[5; 3000])]));
    let last = packed.len() - 6;
    packed[last] ^= 1;
    assert!(matches!(drain(&packed, Kind::Tar, &Limits::default()), Err(ArchiveError::Corrupt(_))));
}

#[test]
fn a_failing_disk_is_not_blamed_on_the_archive() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from(std::io::ErrorKind::PermissionDenied))
        }
    }
    let packed = gz(&tar_of(&[("a", &[5; 3000])]));
    let reader = (&packed[..20]).chain(Broken);
    let outcome =
        Walker::new(Limits::default()).stream(reader, Kind::Tar, |_, _| Ok::<_, ArchiveError>(Flow::Continue));
    assert!(matches!(outcome, Err(ArchiveError::Io(std::io::ErrorKind::PermissionDenied, _))));
}
