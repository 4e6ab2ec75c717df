//! Archives made to cost more than they weigh, or to mean two things at once.

use std::io::{Cursor, Write};

use super::Case;
use crate::make::{self, gz, pax, raw, repeated, tar_of, zip_of, zip_stored};

const MIB: usize = 1 << 20;

pub fn cases() -> Vec<Case> {
    vec![
        Case::file("zip: one entry of zeros", "a.zip", zip_of_zeros),
        Case::file("zip: zips of zeros, many times", "a.zip", || zip_stored(&repeated(40, &zip_of_zeros()))),
        Case::file("zip: a wheel that is one", "a-1.0-py3-none-any.whl", zip_of_zeros),
        Case::file("zip: entries that share their bytes", "a.zip", overlapping),
        Case::file("zip: a cut directory", "a.zip", || cut(zip_of(&[("a", b"x"), ("b", b"y")]), 30)),
        Case::file("zip: a jar with a cut directory", "a-1.jar", || cut(zip_of(&[("a", b"x"), ("b", b"y")]), 30)),
        Case::file("zip: encrypted members", "a.zip", encrypted),
        Case::file("zip: one name many times", "a.zip", || make::one_name(&zip_stored(&make::many(3000, b"{}")), 3000)),
        Case::file("zip: many entries", "a.zip", || zip_stored(&make::many(60_000, b""))),
        Case::file("zip: a directory that promises too many", "a.zip", promises),
        Case::file("zip: names of 64 KiB", "a.zip", long_names),
        Case::file("zip: names that climb", "a.zip", climbing_zip),
        Case::file("jar in jar in jar", "a-1.jar", || nested(50, "a-1.jar")),
        Case::file("zip in zip in zip", "a.zip", || nested(200, "b.zip")),
        Case::file("tar.gz in tar.gz", "a.tar.gz", nested_tars),
        Case::file("gzip in gzip in gzip", "a.gz", || (0..60).fold(b"x".to_vec(), |inner, _| gz(&inner))),
        Case::file("gzip: zeros", "a.tar.gz", || gz(&vec![0; 300 * MIB])),
        Case::file("gzip: a tar of one large file", "a-1.0.tgz", || {
            gz(&tar_of(&[("package/package.json", &vec![b' '; 200 * MIB])]))
        }),
        Case::file("gzip: members without end", "a.tar.gz", || gz(b"").repeat(200_000)),
        Case::file("bzip2: zeros", "a-1.0-0.tar.bz2", bzip2_zeros),
        Case::file("xz: zeros", "a.tar.xz", xz_zeros),
        Case::file("xz: a dictionary of 4 GiB", "a.tar.xz", xz_dictionary),
        Case::file("zstd: zeros", "a.tar.zst", || zstd::encode_all(Cursor::new(vec![0; 300 * MIB]), 1).unwrap()),
        Case::file("zstd: a window of terabytes", "a.tar.zst", zstd_window),
        Case::layer("tar: many entries", || many_entries(60_000)),
        Case::layer("tar: a size beyond all disks", || huge_size(&[0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
        Case::layer("tar: a negative size", || huge_size(&[0xff; 8])),
        Case::layer("tar: holes of an exabyte", || sparse("1152921504606846976")),
        Case::layer("tar: a map of holes without end", sparse_map),
        Case::layer("tar: old sparse headers that go on", old_sparse),
        Case::layer("tar: a PAX header of 30 MiB", || pax_file(30 * MIB)),
        Case::layer("tar: PAX records that lie", || {
            [raw(b'x', "p", "", b"9999999999999999999 path=x\n"), raw(b'0', "a", "", b"")].concat()
        }),
        Case::layer("tar: long names upon long names", || raw(b'L', "././@LongLink", "", &[b'n'; 4000]).repeat(3000)),
        Case::layer("tar: headers for all, many times", || {
            raw(b'g', "p", "", b"30 path=../../../etc/shadow12\n").repeat(20_000)
        }),
        Case::layer("tar: names that climb", climbing_tar),
        Case::layer("tar: links in a circle", circle),
        Case::layer("tar: hard links to each other", hard_links),
        Case::layer("tar: one file by many names", || by_many_names(&[("usr/lib/app.jar", &fat_jar())])),
        Case::layer("tar: one name many times", same_name),
        Case::layer("tar: removed again and again", whiteouts),
        Case::file("ar: sizes that lie", "a_1_amd64.deb", || {
            let mut bytes = b"!<arch>\n".to_vec();
            bytes.extend(
                format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "debian-binary", 0, 0, 0, 644, 9_999_999_999_u64)
                    .as_bytes(),
            );
            bytes
        }),
        Case::file("cpio: names of 4 GiB", "a.cpio", || b"070701".iter().copied().chain([b'f'; 104]).collect()),
    ]
}

fn zip_of_zeros() -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("zeros.txt", zip::write::SimpleFileOptions::default()).unwrap();
    let piece = vec![0; MIB];
    for _ in 0..100 {
        writer.write_all(&piece).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn cut(mut bytes: Vec<u8>, gone: usize) -> Vec<u8> {
    bytes.truncate(bytes.len().saturating_sub(gone));
    bytes
}

/// Ten thousand records of the directory for one local header.
fn overlapping() -> Vec<u8> {
    let bytes = zip_of(&[("a", &[b'a'; 4 * MIB])]);
    let (at, end) = make::directory(&bytes);
    let record = &bytes[at..end];
    make::with_directory(&bytes[..at], &record.repeat(10_000), 10_000)
}

fn encrypted() -> Vec<u8> {
    let mut bytes = zip_of(&[("secret.txt", b"x"), ("requirements.txt", b"a==1\n")]);
    let marks: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).collect();
    for at in marks {
        bytes[at + 8] |= 1;
    }
    bytes
}

fn promises() -> Vec<u8> {
    let bytes = zip_of(&[("a", b"x")]);
    let (at, end) = make::directory(&bytes);
    make::with_directory(&bytes[..at], &bytes[at..end], 0xffff)
}

fn long_names() -> Vec<u8> {
    let name = "n".repeat(65_000);
    let names: Vec<String> = (0..200).map(|at| format!("{at:05}{name}")).collect();
    zip_stored(&names.into_iter().map(|name| (name, Vec::new())).collect::<Vec<_>>())
}

fn climbing_zip() -> Vec<u8> {
    make::replaced(&zip_of(&[("aaa/aaa/x.txt", b"x"), ("b.txt", b"y")]), b"aaa/aaa/", b"../../..")
}

fn nested(depth: usize, name: &str) -> Vec<u8> {
    let core = zip_of(&[("META-INF/maven/g/a/pom.properties", b"groupId=g\nartifactId=a\nversion=1\n")]);
    (0..depth).fold(core, |inner, _| zip_stored(&[(name.to_owned(), inner)]))
}

fn nested_tars() -> Vec<u8> {
    (0..100).fold(gz(&tar_of(&[("requirements.txt", b"a==1\n")])), |inner, _| gz(&tar_of(&[("a.tar.gz", &inner)])))
}

fn bzip2_zeros() -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(&vec![0; 150 * MIB]).unwrap();
    encoder.finish().unwrap()
}

fn xz_zeros() -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(&vec![0; 150 * MIB]).unwrap();
    encoder.finish().unwrap()
}

/// The block header says a dictionary of 4 GiB less one byte (xz file format 1.2, 3.1 and 5.3.1).
fn xz_dictionary() -> Vec<u8> {
    let mut bytes = xz_zeros();
    let header = 12;
    let length = (usize::from(bytes[header]) + 1) * 4;
    bytes[header + 4] = 40;
    let sum = make::crc32(&bytes[header..header + length - 4]);
    bytes[header + length - 4..header + length].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// A frame whose window descriptor is the largest (RFC 8878, 3.1.1.1.2), with a block that repeats one byte.
fn zstd_window() -> Vec<u8> {
    let block = ((128 << 10) << 3 | 0b010_u32).to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff][..], &[block[0], block[1], block[2], b'x'].repeat(10_000)].concat()
}

fn many_entries(count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for at in 0..count {
        bytes.extend(raw(b'0', &format!("d/f{at}"), "", b""));
    }
    bytes
}

fn huge_size(number: &[u8; 8]) -> Vec<u8> {
    let mut header = raw(b'0', "lib/apk/db/installed", "", b"");
    header[124] = 0x80;
    header[128..136].copy_from_slice(number);
    make::checksum(&mut header);
    header
}

fn sparse(size: &str) -> Vec<u8> {
    let records = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", size)];
    let mut content = b"1\n0\n1\n".to_vec();
    content.resize(512, 0);
    content.push(b'x');
    [pax(&records), raw(b'0', "var/lib/dpkg/status", "", &content)].concat()
}

fn sparse_map() -> Vec<u8> {
    let records = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "4194304")];
    let mut content = b"99999999999\n".to_vec();
    (0..500_000).for_each(|at| content.extend(format!("{}\n1\n", at * 2).bytes()));
    [pax(&records), raw(b'0', "var/lib/dpkg/status", "", &content)].concat()
}

fn old_sparse() -> Vec<u8> {
    let mut header = raw(b'S', "var/lib/dpkg/status", "", b"");
    header[257..265].copy_from_slice(b"ustar  \0");
    header[482] = 1;
    header[483..495].copy_from_slice(b"77777777777\0");
    make::checksum(&mut header);
    let mut more = vec![b'0'; 512];
    more[504] = 1;
    [header, more.repeat(50_000)].concat()
}

fn pax_file(size: usize) -> Vec<u8> {
    [pax(&[("comment", &"c".repeat(size))]), raw(b'0', "a", "", b"")].concat()
}

fn climbing_tar() -> Vec<u8> {
    let names = ["../../etc/passwd", "/etc/passwd", "a/../../b", "lib/apk/db/../../../lib/apk/db/installed"];
    names.iter().flat_map(|name| raw(b'0', name, "", b"P:a\nV:1\n\n")).collect()
}

fn circle() -> Vec<u8> {
    let mut bytes = Vec::new();
    for at in 0..5000 {
        bytes.extend(raw(b'2', &format!("l{at}"), &format!("l{}", (at + 1) % 5000), b""));
        bytes.extend(raw(b'2', &format!("d{at}"), ".", b""));
    }
    bytes
}

fn hard_links() -> Vec<u8> {
    let path = |at: usize| format!("node_modules/m{at}/package.json");
    (0..15_000).flat_map(|at| raw(b'1', &path(at), &path((at + 1) % 15_000), b"")).collect()
}

/// A jar with a thousand poms.
fn fat_jar() -> Vec<u8> {
    let pom = |at: usize| {
        let text = format!("groupId=g\nartifactId=a{at}\nversion=1\n");
        (format!("META-INF/maven/g/a{at}/pom.properties"), text.into_bytes())
    };
    zip_stored(&(0..2000).map(pom).collect::<Vec<_>>())
}

fn by_many_names(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes: Vec<u8> = files.iter().flat_map(|(path, content)| raw(b'0', path, "", content)).collect();
    for at in 0..18_000 {
        bytes.extend(raw(b'1', &format!("l/{at}.jar"), files[0].0, b""));
    }
    bytes
}

fn same_name() -> Vec<u8> {
    let one = raw(b'0', "node_modules/a/package.json", "", br#"{"name":"a","version":"1.0.0"}"#);
    let many: Vec<u8> = (0..4000)
        .flat_map(|at| raw(b'0', &format!("node_modules/b{at}/package.json"), "", br#"{"name":"b","version":"1.0.0"}"#))
        .collect();
    [many, one.repeat(10_000)].concat()
}

fn whiteouts() -> Vec<u8> {
    (0..15_000)
        .flat_map(|at| [raw(b'0', &format!("d/.wh.f{}", at % 7), "", b""), raw(b'0', ".wh..wh..opq", "", b"")].concat())
        .collect()
}
