//! PAX extended headers: `length key=value` records. Only the keys that change what an entry is are kept.

use crate::error::ArchiveError;

#[derive(Default, Clone)]
pub(crate) struct Pax {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) linkpath: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    pub(crate) sparse_major: Option<u64>,
    pub(crate) sparse_name: Option<Vec<u8>>,
    pub(crate) sparse_size: Option<u64>,
    /// Offsets and lengths in turn, of the 0.0 and 0.1 forms.
    pub(crate) sparse_map: Vec<u64>,
}

impl Pax {
    /// Adds the records of one extended header.
    pub(crate) fn read(&mut self, mut records: &[u8]) -> Result<(), ArchiveError> {
        while !records.is_empty() {
            let (record, rest) = split_record(records).ok_or_else(bad)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(bad)?;
            self.take(&record[..equals], &record[equals + 1..])?;
            records = rest;
        }
        Ok(())
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), ArchiveError> {
        match key {
            b"path" => self.path = non_empty(value),
            b"linkpath" => self.linkpath = non_empty(value),
            b"size" => self.size = Some(number(value)?),
            b"GNU.sparse.major" => self.sparse_major = Some(number(value)?),
            b"GNU.sparse.name" => self.sparse_name = non_empty(value),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.sparse_size = Some(number(value)?),
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => self.sparse_map.push(number(value)?),
            b"GNU.sparse.map" => {
                self.sparse_map = value.split(|byte| *byte == b',').map(number).collect::<Result<_, _>>()?;
            }
            _ => {}
        }
        Ok(())
    }

    /// These records, with those of a global header where these say nothing.
    pub(crate) fn over(self, global: &Self) -> Self {
        Self {
            path: self.path.or_else(|| global.path.clone()),
            linkpath: self.linkpath.or_else(|| global.linkpath.clone()),
            size: self.size.or(global.size),
            ..self
        }
    }
}

/// The record's `key=value`, and what follows it.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = records.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..blank]).ok()?.parse().ok()?;
    if length <= blank + 1 || records.get(length - 1) != Some(&b'\n') {
        return None;
    }
    Some((&records[blank + 1..length - 1], &records[length..]))
}

fn non_empty(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}

fn number(value: &[u8]) -> Result<u64, ArchiveError> {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or_else(bad)
}

fn bad() -> ArchiveError {
    ArchiveError::corrupt("an extended header's record cannot be read")
}
