//! The bricks of hostile files: archives that no well-meaning writer would make.

use std::io::{Cursor, Write};

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        writer.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A zip without compression, written by hand: names and contents may be any.
pub fn zip_stored(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut records) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let offset = u32::try_from(bytes.len()).unwrap();
        let size = u32::try_from(content.len()).unwrap().to_le_bytes();
        let named = u16::try_from(name.len()).unwrap().to_le_bytes();
        let common =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &crc32(content).to_le_bytes(), &size, &size, &named, &[0, 0]]
                .concat();
        bytes.extend(b"PK\x03\x04".iter().chain(&common).chain(name.as_bytes()).chain(content));
        records.extend(
            b"PK\x01\x02\x14\0"
                .iter()
                .chain(&common)
                .chain(&[0; 10])
                .chain(&offset.to_le_bytes())
                .chain(name.as_bytes()),
        );
    }
    with_directory(&bytes, &records, u16::try_from(files.len()).unwrap_or(u16::MAX))
}

/// Local headers, records of the directory, and the end that counts them.
pub fn with_directory(locals: &[u8], records: &[u8], count: u16) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let end = [
        &b"PK\x05\x06\0\0\0\0"[..],
        &count.to_le_bytes(),
        &count.to_le_bytes(),
        &number(records.len()),
        &number(locals.len()),
        &[0, 0],
    ];
    [locals, records, &end.concat()].concat()
}

/// Where the directory of a zip begins and ends.
pub fn directory(bytes: &[u8]) -> (usize, usize) {
    let end = bytes.windows(4).rposition(|four| four == b"PK\x05\x06").unwrap();
    let begin = u32::from_le_bytes(bytes[end + 16..end + 20].try_into().unwrap());
    (usize::try_from(begin).unwrap(), end)
}

pub fn many(count: usize, content: &[u8]) -> Vec<(String, Vec<u8>)> {
    (0..count).map(|at| (format!("n{at:06}.json"), content.to_vec())).collect()
}

pub fn repeated(count: usize, content: &[u8]) -> Vec<(String, Vec<u8>)> {
    (0..count).map(|at| (format!("n{at}.zip"), content.to_vec())).collect()
}

/// Gives all entries of [`many`] the first one's name.
pub fn one_name(bytes: &[u8], count: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    let mut left = 2 * count;
    while left > 0 && at + 12 <= bytes.len() {
        if bytes[at] == b'n' && bytes[at..].get(7..12) == Some(b".json") {
            bytes[at..at + 7].copy_from_slice(b"n000000");
            left -= 1;
            at += 12;
        } else {
            at += 1;
        }
    }
    bytes
}

pub fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

pub fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// One tar entry with exactly these bytes in its header.
pub fn raw(flag: u8, name: &str, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    let bytes = header.as_mut_bytes();
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes[157..157 + link.len()].copy_from_slice(link.as_bytes());
    bytes[156] = flag;
    header.set_mode(0o755);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut out = header.as_bytes().to_vec();
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// Sums up a header again that was changed.
pub fn checksum(header: &mut [u8]) {
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header[..512].iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A PAX header with these records.
pub fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let record = |(key, value): &(&str, &str)| {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while rest + length.to_string().len() != length {
            length += 1;
        }
        format!("{length} {key}={value}\n")
    };
    raw(b'x', "PaxHeaders/x", "", records.iter().map(record).collect::<String>().as_bytes())
}

/// The checksum of zip and xz, bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// A layer with this one file, without a second copy of it.
pub fn raw_file<'a>(path: &str, content: &'a [u8]) -> impl std::io::Read + 'a {
    use std::io::Read as _;
    let mut header = raw(b'0', path, "", b"");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    checksum(&mut header);
    let padding = content.len().next_multiple_of(512) - content.len();
    Cursor::new(header).chain(content).chain(Cursor::new(vec![0; padding + 1024]))
}
