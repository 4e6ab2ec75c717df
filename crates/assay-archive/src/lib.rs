//! The only place in Assay that unpacks foreign archives: zip, tar (plain, gzip, zstd, xz, bzip2), ar and cpio
//! behind one bounded walk.
//!
//! Lives here: telling an archive by its first bytes, decompression with a guard, walking entries, path rules.
//! Does not live here: what an entry means (analyzers, formats), and writing archives. Nothing is ever extracted to
//! disk and no link is ever followed; a visitor sees one entry head and a reader at a time.
//!
//! The containers are parsed here rather than by a general crate because the questions that matter for a registry
//! (do two headers disagree, do entries overlap, how large may a name be before it is read) are those that general
//! crates answer silently.

mod ar;
mod cpio;
mod decompress;
mod error;
mod fields;
mod limits;
mod names;
mod sniff;
mod tar;
mod walk;
mod zip;

pub use decompress::{Decompressed, decompress};
pub use error::ArchiveError;
pub use limits::{Budget, LimitKind, Limits, RATIO_FLOOR_BYTES};
pub use names::Names;
pub use sniff::{Kind, SNIFF_BYTES, sniff};
pub use walk::{EntryHead, EntryKind, Flow, Notice, Report, Tolerance, Walker, read_small, walk};
