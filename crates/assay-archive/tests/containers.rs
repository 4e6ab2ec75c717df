//! Every container and compression is read back as it was written.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::io::Write;

use assay_archive::{EntryKind, Flow, Kind, Limits, Names, Walker, sniff};
use common::*;

const FILES: &[(&str, &[u8])] = &[("a.txt", b"hello"), ("dir/b.bin", &[7; 1000])];

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn assert_files(bytes: &[u8], kind: Kind) {
    let seen = collect(bytes, kind).unwrap();
    assert_eq!(seen.len(), FILES.len());
    for ((head, content), (path, expected)) in seen.iter().zip(FILES) {
        assert_eq!(head.path, *path);
        assert_eq!(head.kind, EntryKind::File);
        assert_eq!(head.size, expected.len() as u64);
        assert_eq!(content, expected);
    }
}

#[test]
fn tar_in_every_compression() {
    let plain = tar_of(FILES);
    assert_eq!(sniff(&plain), Some(Kind::Tar));
    assert_files(&plain, Kind::Tar);
    let packed = [
        (gz(&plain), Kind::Gzip),
        (zstd::encode_all(plain.as_slice(), 1).unwrap(), Kind::Zstd),
        (xz(&plain), Kind::Xz),
        (bzip2(&plain), Kind::Bzip2),
    ];
    for (bytes, kind) in packed {
        assert_eq!(sniff(&bytes), Some(kind));
        assert_files(&bytes, kind);
        assert_files(&bytes, Kind::Tar);
    }
}

#[test]
fn compressed_members_follow_each_other() {
    let plain = tar_of(FILES);
    let (first, second) = plain.split_at(700);
    assert_files(&[gz(first), gz(second)].concat(), Kind::Tar);
    assert_files(&[bzip2(first), bzip2(second)].concat(), Kind::Tar);
    assert_files(&[xz(first), xz(second)].concat(), Kind::Tar);
    let frames = [zstd::encode_all(first, 1).unwrap(), zstd::encode_all(second, 1).unwrap()];
    assert_files(&frames.concat(), Kind::Tar);
}

#[test]
fn zip_in_every_method() {
    for method in [
        zip::CompressionMethod::Stored,
        zip::CompressionMethod::Deflated,
        zip::CompressionMethod::Bzip2,
        zip::CompressionMethod::Zstd,
    ] {
        for large in [false, true] {
            let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
            let options = zip::write::SimpleFileOptions::default().compression_method(method).large_file(large);
            for (path, content) in FILES {
                writer.start_file(*path, options).unwrap();
                writer.write_all(content).unwrap();
            }
            let bytes = writer.finish().unwrap().into_inner();
            assert_eq!(sniff(&bytes), Some(Kind::Zip));
            assert_files(&bytes, Kind::Zip);
        }
    }
}

#[test]
fn zip_with_more_entries_than_sixteen_bits_count() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for index in 0..70_000 {
        writer.start_file(format!("f{index}"), zip::write::SimpleFileOptions::default()).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let report = skim(&bytes, Kind::Zip, &Limits::default()).unwrap();
    assert_eq!(report.entries, 70_000);
}

#[test]
fn ar_with_plain_and_long_names() {
    let long = "a-name-that-does-not-fit-into-sixteen-bytes";
    let mut bsd = ar::Builder::new(Vec::new());
    bsd.append(&ar::Header::new(b"debian-binary".to_vec(), 4), &b"2.0\n"[..]).unwrap();
    bsd.append(&ar::Header::new(long.into(), 3), &b"odd"[..]).unwrap();
    let bytes = bsd.into_inner().unwrap();
    assert_eq!(sniff(&bytes), Some(Kind::Ar));
    let seen = collect(&bytes, Kind::Ar).unwrap();
    assert_eq!(paths(&seen), ["debian-binary", long]);
    assert_eq!(seen[1].1, b"odd");

    let mut gnu = ar::GnuBuilder::new(Vec::new(), vec![long.into(), b"x".to_vec()]);
    gnu.append(&ar::Header::new(long.into(), 3), &b"odd"[..]).unwrap();
    gnu.append(&ar::Header::new(b"x".to_vec(), 1), &b"1"[..]).unwrap();
    let seen = collect(&gnu.into_inner().unwrap(), Kind::Ar).unwrap();
    assert_eq!(paths(&seen), [long, "x"]);
}

#[test]
fn cpio_with_a_link() {
    let mut bytes = Vec::new();
    for (name, mode, content) in
        [("./etc", 0o040_755, &b""[..]), ("./etc/a", 0o100_644, b"abc"), ("l", 0o120_777, b"etc/a")]
    {
        let mut writer =
            cpio::newc::Builder::new(name).mode(mode).write(&mut bytes, u32::try_from(content.len()).unwrap());
        writer.write_all(content).unwrap();
        writer.finish().unwrap();
    }
    cpio::newc::trailer(&mut bytes).unwrap();
    assert_eq!(sniff(&bytes), Some(Kind::Cpio));
    let seen = collect(&gz(&bytes), Kind::Cpio).unwrap();
    assert_eq!(paths(&seen), ["etc", "etc/a", "l"]);
    assert_eq!(seen[0].0.kind, EntryKind::Dir);
    assert_eq!(seen[1].1, b"abc");
    assert_eq!(seen[2].0.kind, EntryKind::Symlink("etc/a".into()));
}

#[test]
fn cpio_in_the_old_ascii_form() {
    let mut bytes = Vec::new();
    for (name, content) in [("a", "hi"), ("TRAILER!!!", "")] {
        let fields = format!(
            "070707{0}{0}{1:06o}{0}{0}{0}{0}{2:011o}{3:06o}{4:011o}{name}\0{content}",
            "000000",
            0o100_644,
            0,
            name.len() + 1,
            content.len()
        );
        bytes.extend_from_slice(fields.as_bytes());
    }
    let seen = collect(&bytes, Kind::Cpio).unwrap();
    assert_eq!(paths(&seen), ["a"]);
    assert_eq!(seen[0].1, b"hi");
}

#[test]
fn tar_long_names_and_links() {
    let long = format!("{}/end", "part".repeat(60));
    let bytes = tar_of(&[(&long, b"x")]);
    assert_eq!(paths(&collect(&bytes, Kind::Tar).unwrap()), [long.as_str()]);

    let mut builder = tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("path", long.as_bytes()), ("size", b"2"), ("comment", b"no")]).unwrap();
    let mut bytes = builder.get_ref().clone();
    bytes.extend(raw_tar(b'0', b"short", b"", b"hi"));
    bytes.extend(raw_tar(b'2', b"link", b"target", b""));
    bytes.extend(raw_tar(b'1', b"hard", b"./short", b""));
    bytes.extend(end_mark());
    let seen = collect(&bytes, Kind::Tar).unwrap();
    assert_eq!(paths(&seen), [long.as_str(), "link", "hard"]);
    assert_eq!(seen[0].1, b"hi");
    assert_eq!(seen[1].0.kind, EntryKind::Symlink("target".into()));
    assert_eq!(seen[2].0.kind, EntryKind::Hardlink("short".into()));
}

#[test]
fn tar_sparse_in_the_pax_form() {
    // Two pieces, "ab" at 3 and "c" at 600, of a file of 1000 bytes.
    let mut content = b"2\n3\n2\n600\n1\n".to_vec();
    content.resize(512, 0);
    content.extend_from_slice(b"abc");
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append_pax_extensions([
            ("GNU.sparse.major", &b"1"[..]),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"real"),
            ("GNU.sparse.realsize", b"1000"),
        ])
        .unwrap();
    let mut bytes = builder.get_ref().clone();
    bytes.extend(raw_tar(b'0', b"GNUSparseFile.0/real", b"", &content));
    bytes.extend(raw_tar(b'0', b"next", b"", b"n"));
    bytes.extend(end_mark());
    let seen = collect(&bytes, Kind::Tar).unwrap();
    assert_eq!(paths(&seen), ["real", "next"]);
    assert_eq!(seen[0].0.size, 1000);
    let mut expected = vec![0; 1000];
    expected[3..5].copy_from_slice(b"ab");
    expected[600] = b'c';
    assert_eq!(seen[0].1, expected);
}

#[test]
fn tar_sparse_in_the_old_form() {
    let mut header = raw_tar(b'S', b"old", b"", b"abc");
    header[257..265].copy_from_slice(b"ustar  \0");
    header[386..410].copy_from_slice(b"00000000003\x0000000000002\0");
    header[410..434].copy_from_slice(b"00000000010\x0000000000001\0");
    header[483..495].copy_from_slice(b"00000000020\0");
    let mut fixed = tar::Header::new_gnu();
    fixed.as_mut_bytes().copy_from_slice(&header[..512]);
    fixed.set_cksum();
    header[..512].copy_from_slice(fixed.as_bytes());
    header.extend(end_mark());
    let seen = collect(&header, Kind::Tar).unwrap();
    assert_eq!(seen[0].1, b"\0\0\0ab\0\0\0c\0\0\0\0\0\0\0");
}

#[test]
fn a_visitor_may_stop_and_may_skip() {
    let bytes = gz(&tar_of(FILES));
    let mut met = Vec::new();
    let report = Walker::new(Limits::default())
        .names(Names::Layer)
        .stream(bytes.as_slice(), Kind::Tar, |head, _| {
            met.push(head.path.clone());
            Ok::<_, assay_archive::ArchiveError>(Flow::Stop)
        })
        .unwrap();
    assert_eq!(met, ["a.txt"]);
    assert!(report.stopped);
    assert_eq!(skim(&bytes, Kind::Tar, &Limits::default()).unwrap().entries, 2);
}

#[test]
fn a_tar_without_end_mark_is_read_and_noted() {
    let mut bytes = tar_of(FILES);
    bytes.truncate(bytes.len() - 1024);
    let (seen, report) = collect_with(&Walker::new(Limits::default()), &bytes, Kind::Tar).unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(report.notices.len(), 1);
}
