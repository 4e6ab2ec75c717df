//! Packages, layers and images made for the tests.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{Cursor, Write};
use std::path::PathBuf;

use assay_analyzers::StandardInspector;
use assay_archive::Limits;
use assay_model::Problem;
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::seam::inspector::Inspector;

pub fn inspector() -> StandardInspector {
    StandardInspector::new(Limits::default())
}

pub fn inspect(name: &str, bytes: &[u8]) -> Result<Inventory, Problem> {
    inspector().file(name, bytes.len() as u64, &mut Cursor::new(bytes))
}

pub fn layer(bytes: &[u8]) -> Inventory {
    inspector().layer(&mut Cursor::new(bytes)).unwrap()
}

pub fn purls(inventory: &Inventory) -> Vec<&str> {
    inventory.components.iter().map(|found| found.component.purl.as_str()).collect()
}

pub fn named<'a>(inventory: &'a Inventory, name: &str) -> &'a Occurrence {
    inventory.components.iter().find(|found| found.component.name == name).unwrap()
}

pub fn metadata(name: &str, version: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nLong text\n")
}

pub fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        writer.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub fn wheel(name: &str, version: &str) -> Vec<u8> {
    zip_of(&[
        (&format!("{name}/__init__.py"), ""),
        (&format!("{name}-{version}.dist-info/METADATA"), &metadata(name, version)),
        (&format!("{name}-{version}.dist-info/RECORD"), ""),
    ])
}

pub fn tar_of<C: AsRef<[u8]>>(files: &[(&str, C)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        append(&mut builder, path, content.as_ref());
    }
    builder.into_inner().unwrap()
}

pub fn append(builder: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, path, content).unwrap();
}

pub fn append_link(builder: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, path: &str, target: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    builder.append_link(&mut header, path, target).unwrap();
}

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub const ALPINE: &str = "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.10.4\nPRETTY_NAME=\"Alpine Linux v3.10\"\n";

/// Stanzas of an apk database.
pub fn apk_db(packages: &[(&str, &str)]) -> String {
    packages
        .iter()
        .map(|(name, version)| {
            format!("C:Q1\nP:{name}\nV:{version}\nA:x86_64\nT:the {name}\nL:MIT\no:{name}-src\nD:so:libc /bin/sh\n\n")
        })
        .collect()
}

/// A file of the test corpus, or a loud word that it is missing.
pub fn corpus(path: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let root = std::env::var_os("ASSAY_CORPUS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let file = root.join(path);
    if !file.exists() {
        eprintln!("SKIPPED: {} is not there; set ASSAY_CORPUS", file.display());
        return None;
    }
    Some(file)
}
