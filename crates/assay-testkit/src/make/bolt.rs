//! Writes bbolt files (go.etcd.io/bbolt, file format 2): nested, inline and empty buckets, trees of several levels, pages
//! that overflow. Equal bytes for equal input. Uses nothing but the standard library, so that others can include it.

use std::collections::BTreeMap;

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;
const HEADER: usize = 16;
const ELEMENT: usize = 16;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const META: u16 = 0x04;
const FREELIST: u16 = 0x10;

/// What a key leads to.
#[derive(Clone, Debug)]
pub enum Node {
    /// Bytes.
    Value(Vec<u8>),
    /// More keys.
    Bucket(Bucket),
}

/// Keys in order.
#[derive(Clone, Debug, Default)]
pub struct Bucket(pub BTreeMap<Vec<u8>, Node>);

impl Bucket {
    /// The bucket of this name, made where there is none.
    pub fn bucket(&mut self, name: &str) -> &mut Self {
        let node = self.0.entry(name.as_bytes().to_vec()).or_insert_with(|| Node::Bucket(Self::default()));
        if !matches!(node, Node::Bucket(_)) {
            *node = Node::Bucket(Self::default());
        }
        match node {
            Node::Bucket(bucket) => bucket,
            Node::Value(_) => unreachable!("it was made a bucket"),
        }
    }

    /// Puts a value.
    pub fn put(&mut self, key: &str, value: impl Into<Vec<u8>>) {
        self.0.insert(key.as_bytes().to_vec(), Node::Value(value.into()));
    }

    /// The file with pages of this size, a power of two from 512 on.
    #[must_use]
    pub fn file(&self, page_size: usize) -> Vec<u8> {
        let mut writer = Writer { page_size, pages: vec![0; 3 * page_size] };
        let root = writer.tree(self);
        writer.finish(root)
    }
}

struct Writer {
    page_size: usize,
    pages: Vec<u8>,
}

struct Element {
    key: Vec<u8>,
    flags: u32,
    value: Vec<u8>,
}

impl Element {
    fn size(&self) -> usize {
        ELEMENT + self.key.len() + self.value.len()
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Writer {
    /// Writes the tree of a bucket; gives its root.
    fn tree(&mut self, bucket: &Bucket) -> u64 {
        let elements: Vec<Element> = bucket.0.iter().map(|(key, node)| self.element(key, node)).collect();
        let mut level: Vec<(Vec<u8>, u64)> = Vec::new();
        for group in groups(elements, self.page_size) {
            let first = group.first().map(|element| element.key.clone()).unwrap_or_default();
            let page = self.page(&leaf(&group));
            level.push((first, page));
        }
        while level.len() > 1 {
            let elements =
                level.drain(..).map(|(key, page)| Element { key, flags: 0, value: page.to_le_bytes().to_vec() });
            let mut above = Vec::new();
            // Branches keep the child's page in the element itself: it takes no room behind.
            for group in groups(elements.collect(), self.page_size) {
                let first = group.first().map(|element| element.key.clone()).unwrap_or_default();
                let page = self.page(&branch(&group));
                above.push((first, page));
            }
            level = above;
        }
        level.first().map_or(0, |(_, page)| *page)
    }

    fn element(&mut self, key: &[u8], node: &Node) -> Element {
        let bucket = match node {
            Node::Value(bytes) => return Element { key: key.to_vec(), flags: 0, value: bytes.clone() },
            Node::Bucket(bucket) => bucket,
        };
        let is_flat = bucket.0.values().all(|node| matches!(node, Node::Value(_)));
        let size: usize = bucket.0.iter().map(|(key, node)| ELEMENT + key.len() + len(node)).sum();
        let mut value = Vec::new();
        if is_flat && HEADER + size <= self.page_size / 4 {
            let elements: Vec<Element> = bucket.0.iter().map(|(key, node)| self.element(key, node)).collect();
            value.extend([0; 16]);
            value.extend(leaf(&elements));
        } else {
            value.extend(self.tree(bucket).to_le_bytes());
            value.extend(0_u64.to_le_bytes());
        }
        Element { key: key.to_vec(), flags: 1, value }
    }

    /// Puts a page, with what overflows from it, at the end; gives its number.
    fn page(&mut self, content: &[u8]) -> u64 {
        let id = (self.pages.len() / self.page_size) as u64;
        let count = content.len().div_ceil(self.page_size).max(1);
        let at = self.pages.len();
        self.pages.extend_from_slice(content);
        self.pages.resize(at + count * self.page_size, 0);
        self.pages[at..at + 8].copy_from_slice(&id.to_le_bytes());
        self.pages[at + 12..at + 16].copy_from_slice(&number(count - 1).to_le_bytes());
        id
    }

    fn finish(mut self, root: u64) -> Vec<u8> {
        let high = (self.pages.len() / self.page_size) as u64;
        for id in 0..2_u64 {
            let mut meta = Vec::new();
            meta.extend(MAGIC.to_le_bytes());
            meta.extend(VERSION.to_le_bytes());
            meta.extend(number(self.page_size).to_le_bytes());
            meta.extend(0_u32.to_le_bytes());
            // root and its sequence, page of the free list, high-water mark, transaction
            for n in [root, 0, 2, high, id] {
                meta.extend(n.to_le_bytes());
            }
            let sum = meta
                .iter()
                .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
            meta.extend(sum.to_le_bytes());
            let at = usize::try_from(id).unwrap_or(0) * self.page_size;
            self.pages[at..at + HEADER].copy_from_slice(&header(id, META, 0));
            self.pages[at + HEADER..at + HEADER + meta.len()].copy_from_slice(&meta);
        }
        let at = 2 * self.page_size;
        self.pages[at..at + HEADER].copy_from_slice(&header(2, FREELIST, 0));
        self.pages
    }
}

fn len(node: &Node) -> usize {
    match node {
        Node::Value(bytes) => bytes.len(),
        Node::Bucket(_) => 0,
    }
}

/// As many elements together as a page holds, one at least; no group at all makes an empty one.
fn groups(elements: Vec<Element>, page_size: usize) -> Vec<Vec<Element>> {
    let mut all: Vec<Vec<Element>> = vec![Vec::new()];
    let mut size = HEADER;
    for element in elements {
        if size + element.size() > page_size && all.last().is_some_and(|group| !group.is_empty()) {
            all.push(Vec::new());
            size = HEADER;
        }
        size += element.size();
        if let Some(group) = all.last_mut() {
            group.push(element);
        }
    }
    all
}

fn header(id: u64, flags: u16, count: usize) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(&id.to_le_bytes());
    bytes[8..10].copy_from_slice(&flags.to_le_bytes());
    bytes[10..12].copy_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes());
    bytes
}

fn leaf(elements: &[Element]) -> Vec<u8> {
    let mut bytes = header(0, LEAF, elements.len()).to_vec();
    let mut data = Vec::new();
    for (i, element) in elements.iter().enumerate() {
        // Places are counted from the element itself.
        let place = (elements.len() - i) * ELEMENT + data.len();
        for n in [element.flags, number(place), number(element.key.len()), number(element.value.len())] {
            bytes.extend(n.to_le_bytes());
        }
        data.extend_from_slice(&element.key);
        data.extend_from_slice(&element.value);
    }
    bytes.extend(data);
    bytes
}

fn branch(elements: &[Element]) -> Vec<u8> {
    let mut bytes = header(0, BRANCH, elements.len()).to_vec();
    let mut data = Vec::new();
    for (i, element) in elements.iter().enumerate() {
        let place = (elements.len() - i) * ELEMENT + data.len();
        bytes.extend(number(place).to_le_bytes());
        bytes.extend(number(element.key.len()).to_le_bytes());
        bytes.extend_from_slice(&element.value);
        data.extend_from_slice(&element.key);
    }
    bytes.extend(data);
    bytes
}
