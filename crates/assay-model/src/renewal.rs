//! Renewal: inventories that a newer scanner would make otherwise are made again. What is kept of every look so that a
//! later scanner can tell, without opening anything, whether it would find more.

use crate::{digest::Digest, package::Role};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Files told in one outline; of larger trees it is not known what else is in them.
pub const OUTLINED: usize = 50_000;
/// Bytes of all paths of one outline.
const PATHS: usize = 4 << 20;
/// First bytes that are kept of files that are no text.
const HEAD: usize = 8;
/// First bytes that are kept of the artifact itself where it is text: bills of materials are told by them.
const ARTIFACT_HEAD: usize = 512;

/// Which files an artifact or layer consists of: what analyzers are asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The artifact itself; nothing for a layer, several where several files make up one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Outlined>,
    /// The files inside, as they were met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Outlined>,
    /// Whether there were more than are told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    #[serde(skip)]
    bytes: usize,
}

/// A file inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlined {
    /// Path as analyzers see it.
    #[serde(rename = "p")]
    pub path: String,
    /// Bytes; 0 where that was not known.
    #[serde(rename = "s", default, skip_serializing_if = "is_zero")]
    pub size: u64,
    /// Its first bytes where it is no text: what executables are told by.
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    pub head: Vec<u8>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(size: &u64) -> bool {
    *size == 0
}

impl Outline {
    /// Of something whose files are not told.
    pub fn unknown() -> Self {
        Self { cut: true, ..Self::default() }
    }
    /// Notes the artifact itself.
    pub fn artifact(&mut self, name: &str, head: &[u8]) {
        let kept = if is_text(head.get(..HEAD).unwrap_or(head)) { ARTIFACT_HEAD } else { HEAD };
        let head = head.get(..kept).unwrap_or(head).to_vec();
        self.artifacts.push(Outlined { path: name.to_owned(), size: 0, head });
    }
    /// Adds what another part of the same whole consists of.
    pub fn absorb(&mut self, part: Self) {
        self.cut |= part.cut || self.files.len() + part.files.len() > OUTLINED;
        if !self.cut {
            self.files.extend(part.files);
            self.artifacts.extend(part.artifacts);
        }
    }
    /// Notes a file inside.
    pub fn note(&mut self, path: &str, size: u64, head: &[u8]) {
        if self.files.len() >= OUTLINED || self.bytes + path.len() > PATHS {
            self.cut = true;
            return;
        }
        self.bytes += path.len();
        let start = head.get(..HEAD).unwrap_or(head);
        let head = if is_text(start) { Vec::new() } else { start.to_vec() };
        self.files.push(Outlined { path: path.to_owned(), size, head });
    }
}

/// A stored inventory as renewal sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its number.
    pub number: i64,
    /// What was looked into.
    pub digest: Digest,
    /// As what.
    pub role: Role,
    /// When it was made.
    pub made_at: Timestamp,
    /// Number of the scanner that would make it the same; 0 while nobody has asked.
    pub as_of: i64,
    /// Revision of that scanner, or of the one that made it while nobody has asked.
    pub revision: String,
    /// Number of the scanner that is to make it again, if any.
    pub renew: Option<i64>,
}

/// Which looks.
#[derive(Clone, Debug)]
pub enum Which {
    /// Those that hold as of this scanner and are not to be renewed yet, in order of number, at most so many.
    AsOf(i64, usize),
    /// This one.
    Number(i64),
    /// Of this digest in this role.
    Of(Digest, Role),
}

/// What became of looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// This scanner would make them the same.
    Holds(i64),
    /// This scanner is to make them again.
    Renew(i64),
}

/// How far the renewal for one scanner is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// Number of the scanner.
    pub scanner: i64,
    /// Analyzers that are new in it, or look closer than the ones that made stored inventories.
    pub newer: BTreeSet<String>,
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// When it was done.
    pub ended_at: Option<Timestamp>,
    /// Inventories that it cannot affect.
    pub kept: u64,
    /// Inventories made again.
    pub renewed: u64,
    /// Those of them that say something else than before.
    pub improved: u64,
    /// Inventories that are still to be looked at; counted when asked.
    #[serde(default)]
    pub left: i64,
    /// Inventories that are still to be made again; counted when asked.
    #[serde(default)]
    pub waiting: i64,
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| (0x20..0x7f).contains(byte) || byte.is_ascii_whitespace())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{OUTLINED, Outline};

    #[test]
    fn an_outline_keeps_what_tells_kinds_apart_and_stays_small() {
        let mut outline = Outline::default();
        outline.artifact("a.whl", &[b'P'; 2000]);
        outline.note("bin/tool", 9, b"\x7fELF\x02\x01\x01\0\0\0");
        outline.note("README", 3, b"Hello, world");
        assert_eq!(
            (outline.artifacts.first().unwrap().head.len(), outline.files.first().unwrap().head.len()),
            (512, 8)
        );
        assert!(outline.files.get(1).unwrap().head.is_empty());
        let back: Outline = serde_json::from_slice(&serde_json::to_vec(&outline).unwrap()).unwrap();
        assert_eq!((back.files, back.artifacts, back.cut), (outline.files.clone(), outline.artifacts.clone(), false));
        (0..OUTLINED).for_each(|i| outline.note(&i.to_string(), 0, b""));
        assert_eq!((outline.files.len(), outline.cut), (OUTLINED, true));
    }
}
