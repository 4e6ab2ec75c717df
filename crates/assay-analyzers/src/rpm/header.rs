//! RPM's tag store: an index of tags over one area of data (RPM package format, "Header"). All numbers are big-endian.
//!
//! Nothing that the index says is believed before it is held against the length of the data.

use std::borrow::Cow;

use assay_model::problem::Problem;

use crate::part::corrupt;

/// The longest store that is read; the largest of real packages have a tenth of it.
pub(super) const BYTES: usize = 64 << 20;
/// Tags of one store; rpm itself refuses more.
const TAGS: usize = 0xffff;
const ENTRY: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(pub(super) u32);

impl Tag {
    pub(super) const SIGNED_MD5: Self = Self(261);
    pub(super) const NAME: Self = Self(1000);
    pub(super) const VERSION: Self = Self(1001);
    pub(super) const RELEASE: Self = Self(1002);
    pub(super) const EPOCH: Self = Self(1003);
    pub(super) const SUMMARY: Self = Self(1004);
    pub(super) const VENDOR: Self = Self(1011);
    pub(super) const LICENSE: Self = Self(1014);
    pub(super) const ARCH: Self = Self(1022);
    pub(super) const OLD_FILE_NAMES: Self = Self(1027);
    pub(super) const SOURCE_RPM: Self = Self(1044);
    pub(super) const PROVIDES: Self = Self(1047);
    pub(super) const REQUIRE_FLAGS: Self = Self(1048);
    pub(super) const REQUIRES: Self = Self(1049);
    pub(super) const REQUIRE_VERSIONS: Self = Self(1050);
    pub(super) const DIR_INDEXES: Self = Self(1116);
    pub(super) const BASE_NAMES: Self = Self(1117);
    pub(super) const DIR_NAMES: Self = Self(1118);
    pub(super) const MODULARITY_LABEL: Self = Self(5096);
}

const INT32: u32 = 4;
const STRING: u32 = 6;
const BINARY: u32 = 7;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// A store, without the magic that precedes it in package files.
#[derive(Clone, Copy)]
pub(super) struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

/// The bytes of index and data that a store's first eight bytes announce.
pub(super) fn announced(first: [u8; 8]) -> Result<(usize, usize), Problem> {
    let number = |at: usize| u32::from_be_bytes([first[at], first[at + 1], first[at + 2], first[at + 3]]);
    let (tags, bytes) = (number(0) as usize, number(4) as usize);
    if tags == 0 || tags > TAGS || bytes > BYTES {
        return Err(corrupt(format!("a header of {tags} tags and {bytes} bytes is none")));
    }
    Ok((tags * ENTRY, bytes))
}

impl<'a> Header<'a> {
    /// Splits a store into index and data.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Problem> {
        let cut = || corrupt("a header ends early");
        let first = *bytes.first_chunk::<8>().ok_or_else(cut)?;
        let (index, data) = announced(first)?;
        let index_end = 8 + index;
        let index = bytes.get(8..index_end).ok_or_else(cut)?;
        let data = bytes.get(index_end..index_end + data).ok_or_else(cut)?;
        Ok(Self { index, data })
    }

    /// Type, data from the value's beginning, and count.
    fn find(self, tag: Tag) -> Option<(u32, &'a [u8], usize)> {
        let number = |entry: &[u8], at: usize| {
            let bytes = entry.get(at..at + 4).and_then(|bytes| bytes.first_chunk::<4>());
            bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
        };
        let entry = self.index.chunks_exact(ENTRY).find(|entry| number(entry, 0) == tag.0)?;
        let data = self.data.get(number(entry, 8) as usize..)?;
        Some((number(entry, 4), data, number(entry, 12) as usize))
    }

    /// All texts of a tag. What is no UTF-8 is replaced.
    pub(super) fn texts(self, tag: Tag) -> impl Iterator<Item = Cow<'a, str>> {
        let (mut data, count) = match self.find(tag) {
            Some((STRING, data, _)) => (data, 1),
            Some((STRING_ARRAY | I18N_STRING, data, count)) => (data, count),
            _ => (&[][..], 0),
        };
        let mut left = count;
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let end = data.iter().position(|byte| *byte == 0)?;
            let text = data.get(..end)?;
            data = data.get(end + 1..)?;
            Some(String::from_utf8_lossy(text))
        })
    }

    /// The first text of a tag; `(none)` is none.
    pub(super) fn text(self, tag: Tag) -> Option<Cow<'a, str>> {
        self.texts(tag).next().filter(|text| !text.is_empty() && text != "(none)")
    }

    /// All numbers of a tag.
    pub(super) fn numbers(self, tag: Tag) -> impl Iterator<Item = u32> {
        let (data, count) = match self.find(tag) {
            Some((INT32, data, count)) => (data, count),
            _ => (&[][..], 0),
        };
        data.chunks_exact(4).take(count).map(|bytes| bytes.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)))
    }

    pub(super) fn binary(self, tag: Tag) -> Option<&'a [u8]> {
        match self.find(tag)? {
            (BINARY, data, count) => data.get(..count),
            _ => None,
        }
    }

    /// Paths of the package's files, without a leading `/`.
    pub(super) fn files(self, each: &mut dyn FnMut(&str)) {
        for path in self.texts(Tag::OLD_FILE_NAMES) {
            each(path.trim_start_matches('/'));
        }
        let folders: Vec<_> = self.texts(Tag::DIR_NAMES).collect();
        for (name, folder) in self.texts(Tag::BASE_NAMES).zip(self.numbers(Tag::DIR_INDEXES)) {
            if let Some(folder) = folders.get(folder as usize) {
                each(&format!("{}{name}", folder.trim_start_matches('/')));
            }
        }
    }
}
