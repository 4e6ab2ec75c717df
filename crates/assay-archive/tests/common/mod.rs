//! Archives made for the tests, and a walk that collects what it saw.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{Cursor, Read, Write};

use assay_archive::{ArchiveError, EntryHead, Flow, Kind, Limits, Report, Walker, walk};

pub type Seen = Vec<(EntryHead, Vec<u8>)>;

pub fn collect(bytes: &[u8], kind: Kind) -> Result<Seen, ArchiveError> {
    collect_with(&Walker::new(Limits::default()), bytes, kind).map(|(seen, _)| seen)
}

pub fn collect_with(walker: &Walker, bytes: &[u8], kind: Kind) -> Result<(Seen, Report), ArchiveError> {
    let mut seen = Vec::new();
    let report = walker.walk(Cursor::new(bytes), kind, |head, body| {
        let mut content = Vec::new();
        body.read_to_end(&mut content)?;
        seen.push((head.clone(), content));
        Ok::<_, ArchiveError>(Flow::Continue)
    })?;
    Ok((seen, report))
}

/// Walks without looking at any content.
pub fn skim(bytes: &[u8], kind: Kind, limits: &Limits) -> Result<Report, ArchiveError> {
    walk(Cursor::new(bytes), kind, limits, |_, _| Ok(Flow::Continue))
}

/// Walks reading every body to its end and forgetting it.
pub fn drain(bytes: &[u8], kind: Kind, limits: &Limits) -> Result<Report, ArchiveError> {
    walk(Cursor::new(bytes), kind, limits, |_, body| {
        std::io::copy(body, &mut std::io::sink())?;
        Ok(Flow::Continue)
    })
}

pub fn paths(seen: &Seen) -> Vec<&str> {
    seen.iter().map(|(head, _)| head.path.as_str()).collect()
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

/// One tar header with exactly these bytes in its name, which no well-meaning writer would put there.
pub fn raw_tar(flag: u8, name: &[u8], link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    let raw = header.as_mut_bytes();
    raw[..name.len()].copy_from_slice(name);
    raw[157..157 + link.len()].copy_from_slice(link);
    raw[156] = flag;
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub fn end_mark() -> Vec<u8> {
    vec![0; 1024]
}

pub fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        writer.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A gzip of so many zero bytes, without having them in memory.
pub fn gz_zeros(count: u64) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::repeat(0).take(count), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

pub fn replace_all(bytes: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let mut count = 0;
    let mut at = 0;
    while at + from.len() <= bytes.len() {
        if &bytes[at..at + from.len()] == from {
            bytes[at..at + to.len()].copy_from_slice(to);
            count += 1;
        }
        at += 1;
    }
    count
}
