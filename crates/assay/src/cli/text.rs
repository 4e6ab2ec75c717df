//! Files that people name and that are read whole: never more of them than they can sensibly have.

use anyhow::{Context as _, Result, bail};
use std::{fs::File, io::Read as _, path::Path};

/// The largest file of certificates, in bytes.
const MAX_CERTIFICATES: u64 = 1 << 20;

/// A file of at most so many bytes; `remark` goes on about one that is larger.
pub(super) fn read(path: &Path, most: u64, remark: &str) -> Result<String> {
    let unreadable = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    File::open(path).with_context(unreadable)?.take(most + 1).read_to_end(&mut bytes).with_context(unreadable)?;
    if bytes.len() as u64 > most {
        bail!("{} is larger than {most} bytes{remark}", path.display());
    }
    String::from_utf8(bytes).with_context(unreadable)
}

/// Certificates of authorities, in PEM.
pub(super) fn certificates(path: &Path) -> Result<String> {
    read(path, MAX_CERTIFICATES, ", and no file of certificates is")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::read;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "four").unwrap();
        assert_eq!(read(file.path(), 4, "").unwrap(), "four");
        let larger = read(file.path(), 3, ", and no word is").unwrap_err().to_string();
        assert!(larger.ends_with("is larger than 3 bytes, and no word is"), "{larger}");
        std::fs::write(file.path(), [0xff]).unwrap();
        assert!(read(file.path(), 4, "").unwrap_err().to_string().starts_with("cannot read"));
    }
}
