//! The hash of a structure as Go's `hashstructure` makes it in its second format: FNV-1 of 64 bits over types, field names
//! and values; fields that are empty count for nothing.

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(BASIS, |hash, byte| hash.wrapping_mul(PRIME) ^ u64::from(*byte))
}

fn ordered(a: u64, b: u64) -> u64 {
    let mut bytes = [0_u8; 16];
    let (first, second) = bytes.split_at_mut(8);
    first.copy_from_slice(&a.to_le_bytes());
    second.copy_from_slice(&b.to_le_bytes());
    fnv(&bytes)
}

fn finish(a: u64) -> u64 {
    fnv(&a.to_le_bytes())
}

/// Of a text.
pub(super) fn text(value: &str) -> u64 {
    fnv(value.as_bytes())
}

/// Of a list; the order counts.
pub(super) fn list(items: impl IntoIterator<Item = u64>) -> u64 {
    items.into_iter().fold(0, ordered)
}

/// Of a list of texts.
pub(super) fn texts(items: &[String]) -> u64 {
    list(items.iter().map(|item| text(item)))
}

/// Of a map; the order does not count.
pub(super) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, u64)>) -> u64 {
    finish(entries.into_iter().fold(0, |hash, (key, value)| hash ^ ordered(text(key), value)))
}

/// Of a structure, field by field.
pub(super) struct Structure(u64);

impl Structure {
    pub(super) fn new(type_name: &str) -> Self {
        Self(text(type_name))
    }
    fn add(mut self, name: &str, value: u64) -> Self {
        self.0 = finish(self.0 ^ ordered(text(name), value));
        self
    }
    pub(super) fn text(self, name: &str, value: &str) -> Self {
        if value.is_empty() { self } else { self.add(name, text(value)) }
    }
    pub(super) fn texts(self, name: &str, value: &[String]) -> Self {
        if value.is_empty() { self } else { self.add(name, texts(value)) }
    }
    pub(super) fn integer(self, name: &str, value: i64) -> Self {
        if value == 0 { self } else { self.add(name, fnv(&value.to_le_bytes())) }
    }
    pub(super) fn flag(self, name: &str, value: bool) -> Self {
        if value { self.add(name, fnv(&[1])) } else { self }
    }
    /// A field whose own hash is known; `None` where it is empty.
    pub(super) fn part(self, name: &str, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.add(name, value),
            None => self,
        }
    }
    pub(super) fn end(self) -> u64 {
        self.0
    }
}
