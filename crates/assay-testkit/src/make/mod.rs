//! Makers of tiny artifacts and feeds: valid by their specifications, equal bytes for equal input.

pub mod bolt;
pub mod crates;
pub mod feeds;
pub mod go_module;
pub mod npm;
pub mod oci;
pub mod sdist;
pub mod signing;
pub mod trivy_db;
pub mod wheel;

use std::io::Write;

use anyhow::Result;
use sha2::{Digest, Sha256};

/// SHA-256 in lower-case hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// SHA-512 in lower-case hex.
#[must_use]
pub fn sha512(bytes: &[u8]) -> String {
    hex::encode(sha2::Sha512::digest(bytes))
}

/// Gzip without a time or a name.
///
/// # Errors
/// Never in practice: it writes to memory.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// A tar archive of files in the given order, owned by root and dated 1970, with their parent folders.
///
/// # Errors
/// When a path is too long for tar.
pub fn tar(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut folders = std::collections::BTreeSet::new();
    for (path, bytes) in files {
        for (at, _) in path.match_indices('/') {
            if folders.insert(path[..at].to_owned()) {
                let mut header = header(0, 0o755, tar::EntryType::Directory);
                archive.append_data(&mut header, format!("{}/", &path[..at]), std::io::empty())?;
            }
        }
        let mut header = header(bytes.len() as u64, 0o644, tar::EntryType::Regular);
        archive.append_data(&mut header, path, *bytes)?;
    }
    Ok(archive.into_inner()?)
}

fn header(size: u64, mode: u32, kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(kind);
    header
}

/// A zip archive of files in the given order, dated 1980.
///
/// # Errors
/// Never in practice: it writes to memory.
pub fn zip(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    for (path, bytes) in files {
        archive.start_file(path.as_str(), options)?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    #[test]
    fn equal_input_gives_equal_bytes() -> anyhow::Result<()> {
        let files: &[(&str, &[u8])] = &[("etc/os-release", b"ID=x\n"), ("etc/a", b"")];
        assert_eq!(super::tar(files)?, super::tar(files)?);
        let names: Vec<String> = tar::Archive::new(super::tar(files)?.as_slice())
            .entries()?
            .map(|entry| Ok(entry?.path()?.display().to_string()))
            .collect::<anyhow::Result<_>>()?;
        assert_eq!(names, ["etc/", "etc/os-release", "etc/a"]);
        Ok(())
    }
}
