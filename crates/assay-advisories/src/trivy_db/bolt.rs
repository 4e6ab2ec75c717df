//! Reading a bbolt file (go.etcd.io/bbolt, file format 2) without trusting it: pages, buckets, keys in order.
//!
//! Nothing is mapped into memory: a page is read when it is walked, with those that overflow from it, and no page is
//! read more often than a tree without cycles needs. All numbers are little-endian.

use assay_model::seam::ReadSeek;
use std::io::{self, SeekFrom};

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;
/// Size of a page's header, in bytes.
const HEADER: usize = 16;
/// Size of an element of a branch and of a leaf, in bytes.
const ELEMENT: usize = 16;
/// Size of a bucket's header, in bytes: root and sequence.
const BUCKET: usize = 16;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const META: u16 = 0x04;
/// Flag of an element that is a bucket.
const IS_BUCKET: u32 = 0x01;
/// Levels of one tree; a real one has about six.
const MAX_DEPTH: usize = 48;
/// Largest page with its overflow, in bytes.
const MAX_PAGE: u64 = 64 << 20;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BoltError {
    #[error("not a bbolt file: {0}")]
    NotBolt(&'static str),
    #[error("the bbolt file is damaged: {0}")]
    Damaged(&'static str),
    #[error(transparent)]
    Io(#[from] io::Error),
}

type R<T> = Result<T, BoltError>;

/// Whether a file that begins so is one.
pub(super) fn is_bolt(head: &[u8]) -> bool {
    u16_at(head, 8).is_some_and(|flags| flags & META != 0)
        && u32_at(head, HEADER) == Some(MAGIC)
        && u32_at(head, HEADER + 4) == Some(VERSION)
}

/// An open file.
pub(super) struct Bolt<'a> {
    file: &'a mut dyn ReadSeek,
    page_size: u64,
    /// Pages in the file.
    pages: u64,
    /// Pages that may still be read: twice what the file has, for some trees are walked twice.
    budget: u64,
    root: u64,
}

/// Where a bucket's tree begins.
#[derive(Clone, Debug)]
pub(super) enum Bucket {
    /// At a page.
    Page(u64),
    /// In a page that is part of the parent's.
    Inline(Vec<u8>),
}

/// A key with what it leads to.
pub(super) struct Item {
    pub(super) key: Vec<u8>,
    pub(super) value: Value,
}

/// What a key leads to.
pub(super) enum Value {
    Bytes(Vec<u8>),
    Bucket(Bucket),
}

/// A page being walked, and the next element of it.
struct Level {
    page: Vec<u8>,
    next: usize,
    count: usize,
    is_leaf: bool,
}

/// Walks one bucket in the order of its keys. Does not borrow the file, so that buckets can be walked inside each other.
pub(super) struct Cursor {
    start: Option<Bucket>,
    levels: Vec<Level>,
}

impl<'a> Bolt<'a> {
    /// Opens a file by the newer of its two meta pages that is sound.
    pub(super) fn open(file: &'a mut dyn ReadSeek) -> R<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        let mut best: Option<Meta> = None;
        // The first page tells the page size; where it is torn, the second one lies at one of the usual sizes.
        let places = std::iter::once(0).chain((9..=16).map(|power| 1_u64 << power));
        for at in places {
            let Some(meta) = Meta::read(file, at, length)? else { continue };
            let in_place = at == 0 || at == u64::from(meta.page_size);
            if in_place && best.as_ref().is_none_or(|best| best.txid < meta.txid) {
                best = Some(meta);
            }
        }
        let meta = best.ok_or(BoltError::NotBolt("it has no sound meta page"))?;
        let page_size = u64::from(meta.page_size);
        let pages = length / page_size;
        Ok(Self { file, page_size, pages, budget: pages.saturating_mul(2), root: meta.root })
    }

    /// The bucket that holds all others.
    pub(super) fn root(&self) -> Bucket {
        Bucket::Page(self.root)
    }

    /// The bucket of this name within another, or nothing.
    pub(super) fn bucket(&mut self, parent: Bucket, name: &str) -> R<Option<Bucket>> {
        let mut cursor = Cursor::new(parent);
        while let Some(item) = cursor.next(self)? {
            if let (true, Value::Bucket(found)) = (item.key == name.as_bytes(), item.value) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn page(&mut self, id: u64) -> R<Vec<u8>> {
        if id < 2 || id >= self.pages {
            return Err(BoltError::Damaged("a page lies outside the file"));
        }
        let head = self.bytes(id, HEADER as u64)?;
        let overflow = u64::from(u32_at(&head, 12).unwrap_or(0));
        let count = overflow + 1;
        if count > self.pages - id || count.saturating_mul(self.page_size) > MAX_PAGE {
            return Err(BoltError::Damaged("a page overflows the file or the limit"));
        }
        self.budget = self.budget.checked_sub(count).ok_or(BoltError::Damaged("its pages form a circle"))?;
        if u64_at(&head, 0) != Some(id) {
            return Err(BoltError::Damaged("a page has another page's number"));
        }
        self.bytes(id, count * self.page_size)
    }

    fn bytes(&mut self, id: u64, length: u64) -> R<Vec<u8>> {
        let at = id.checked_mul(self.page_size).ok_or(BoltError::Damaged("a page lies outside the file"))?;
        let length = usize::try_from(length).map_err(|_| BoltError::Damaged("a page is too large"))?;
        let mut bytes = vec![0; length];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

struct Meta {
    page_size: u32,
    root: u64,
    txid: u64,
}

impl Meta {
    /// The meta page at this place, where there is a sound one.
    fn read(file: &mut dyn ReadSeek, at: u64, length: u64) -> R<Option<Self>> {
        const SIZE: usize = HEADER + 64;
        if at + SIZE as u64 > length {
            return Ok(None);
        }
        let mut bytes = [0; SIZE];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut bytes)?;
        if !is_bolt(&bytes) {
            return Ok(None);
        }
        let meta = &bytes[HEADER..];
        let sum = u64_at(meta, 56);
        let page_size = u32_at(meta, 8).unwrap_or(0);
        let sound =
            sum == Some(fnv1a(&meta[..56])) && page_size.is_power_of_two() && (512..=65_536).contains(&page_size);
        Ok(sound.then(|| Self { page_size, root: u64_at(meta, 16).unwrap_or(0), txid: u64_at(meta, 48).unwrap_or(0) }))
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Level {
    fn new(page: Vec<u8>) -> R<Self> {
        let flags = u16_at(&page, 8).ok_or(BoltError::Damaged("a page is shorter than its header"))?;
        let count = usize::from(u16_at(&page, 10).unwrap_or(0));
        let is_leaf = match flags {
            LEAF => true,
            BRANCH => false,
            _ => return Err(BoltError::Damaged("a page of a tree is neither branch nor leaf")),
        };
        if HEADER + count * ELEMENT > page.len() {
            return Err(BoltError::Damaged("a page has more elements than fit"));
        }
        Ok(Self { page, next: 0, count, is_leaf })
    }

    /// The child of the next element of a branch.
    fn child(&mut self) -> R<u64> {
        let at = HEADER + self.next * ELEMENT;
        self.next += 1;
        u64_at(&self.page, at + 8).ok_or(BoltError::Damaged("an element lies outside its page"))
    }

    /// The next element of a leaf.
    fn item(&mut self) -> R<Item> {
        let outside = BoltError::Damaged("an element lies outside its page");
        let at = HEADER + self.next * ELEMENT;
        self.next += 1;
        let number = |offset| u32_at(&self.page, at + offset).and_then(|n| usize::try_from(n).ok());
        let (Some(flags), Some(place), Some(key), Some(value)) =
            (u32_at(&self.page, at), number(4), number(8), number(12))
        else {
            return Err(outside);
        };
        let key_at = at.checked_add(place).ok_or(outside)?;
        let end = key_at.checked_add(key).and_then(|value_at| Some((value_at, value_at.checked_add(value)?)));
        let parts =
            end.and_then(|(value_at, end)| Some((self.page.get(key_at..value_at)?, self.page.get(value_at..end)?)));
        let (key, value) = parts.ok_or(BoltError::Damaged("an element lies outside its page"))?;
        let value = if flags & IS_BUCKET != 0 { Value::Bucket(bucket(value)?) } else { Value::Bytes(value.to_vec()) };
        Ok(Item { key: key.to_vec(), value })
    }
}

fn bucket(value: &[u8]) -> R<Bucket> {
    let root = u64_at(value, 0).filter(|_| value.len() >= BUCKET);
    match root.ok_or(BoltError::Damaged("a bucket is shorter than its header"))? {
        0 => Ok(Bucket::Inline(value.get(BUCKET..).unwrap_or_default().to_vec())),
        page => Ok(Bucket::Page(page)),
    }
}

impl Cursor {
    pub(super) fn new(bucket: Bucket) -> Self {
        Self { start: Some(bucket), levels: Vec::new() }
    }

    /// The next key, or nothing at the end. After an error the walk is over.
    pub(super) fn next(&mut self, bolt: &mut Bolt<'_>) -> R<Option<Item>> {
        match self.advance(bolt) {
            Ok(item) => Ok(item),
            Err(error) => {
                self.levels.clear();
                Err(error)
            }
        }
    }

    fn advance(&mut self, bolt: &mut Bolt<'_>) -> R<Option<Item>> {
        match self.start.take() {
            Some(Bucket::Page(page)) => self.levels.push(Level::new(bolt.page(page)?)?),
            Some(Bucket::Inline(page)) => self.levels.push(Level::new(page)?),
            None => {}
        }
        while let Some(level) = self.levels.last_mut() {
            if level.next >= level.count {
                self.levels.pop();
            } else if level.is_leaf {
                return level.item().map(Some);
            } else {
                let child = level.child()?;
                if self.levels.len() >= MAX_DEPTH {
                    return Err(BoltError::Damaged("its tree is too deep"));
                }
                self.levels.push(Level::new(bolt.page(child)?)?);
            }
        }
        Ok(None)
    }
}

fn slice<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    slice(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    slice(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    slice(bytes, at).map(u64::from_le_bytes)
}
