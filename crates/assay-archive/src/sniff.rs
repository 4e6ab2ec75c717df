//! Telling containers and compressions by their first bytes. Names and media types are never trusted.

use crate::tar::looks_like_tar;

/// How many first bytes [`sniff`] can make use of.
pub const SNIFF_BYTES: usize = 512;

/// A container or a compression that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Zip,
    /// Given to a walk, also stands for a compressed tar: the compression is told by magic.
    Tar,
    Ar,
    Cpio,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

impl Kind {
    /// True for a compression, which holds one stream rather than entries.
    #[must_use]
    pub fn is_compression(self) -> bool {
        matches!(self, Self::Gzip | Self::Zstd | Self::Xz | Self::Bzip2)
    }
}

/// The kind that these first bytes show, if any. Fewer than [`SNIFF_BYTES`] bytes are fine; a tar needs all.
#[must_use]
pub fn sniff(first: &[u8]) -> Option<Kind> {
    match first {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Kind::Zip),
        [0x1f, 0x8b, ..] => Some(Kind::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Kind::Zstd),
        // A skippable frame may come first (seekable and estargz-like variants).
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Kind::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Kind::Xz),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Kind::Bzip2),
        _ if first.starts_with(b"!<arch>\n") => Some(Kind::Ar),
        _ if first.starts_with(b"070701") || first.starts_with(b"070702") || first.starts_with(b"070707") => {
            Some(Kind::Cpio)
        }
        _ if looks_like_tar(first) => Some(Kind::Tar),
        _ => None,
    }
}
