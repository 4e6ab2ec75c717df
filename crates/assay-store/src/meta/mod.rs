//! The ports of `seam::meta`, once for both databases: one file per noun, each statement next to the type it fills.
//! Connections and transactions are in `crate::sqlite` and `crate::postgres`.

mod advisories;
mod attended;
mod blobs;
mod bundles;
mod channels;
mod coming;
mod components;
mod decisions;
mod downloads;
mod events;
mod feeds;
mod files;
mod findings;
mod graves;
mod health;
mod history;
mod holdings;
mod imports;
mod inventories;
mod kept_reports;
mod leases;
mod overrides;
mod package_sources;
mod packages;
mod pins;
mod policies;
mod record;
mod references;
mod remote_documents;
mod renewals;
mod repositories;
mod scores;
mod search;
mod settings;
mod severities;
mod tokens;
mod trash;
mod trust;
mod uploads;
mod upstreams;
mod vex;
mod waivers;
mod whereabouts;
mod worklist;

use crate::sql::{R, Sql};

/// A transaction as the ports see it.
pub struct Session<'a> {
    sql: &'a mut dyn Sql,
    log: events::Chain,
}

impl<'a> Session<'a> {
    /// A session on a connection that is inside a transaction.
    pub fn new(sql: &'a mut dyn Sql) -> Self {
        Self { sql, log: events::Chain::default() }
    }

    /// Writes what is buffered, before the commit. Gives the number of the last event, if any was appended.
    pub fn finish(mut self) -> R<Option<assay_model::event::Seq>> {
        self.flush_events()?;
        Ok(self.log.last())
    }
}

/// Compresses a document.
fn pack(bytes: &[u8]) -> R<Vec<u8>> {
    zstd::bulk::compress(bytes, 3).map_err(|e| assay_model::Problem::internal("cannot compress a document", e))
}

/// Restores a document that [`pack`] made. Our own bytes: no limit but memory.
fn unpack(bytes: &[u8]) -> R<Vec<u8>> {
    let damaged = |e| assay_model::Problem::internal("a stored document cannot be unpacked", e);
    let size = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten().and_then(|n| usize::try_from(n).ok());
    let Some(size) = size else { return zstd::stream::decode_all(bytes).map_err(damaged) };
    // Making a decompressor costs more than unpacking most documents.
    thread_local!(static UNPACKER: std::cell::RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { std::cell::RefCell::new(None) });
    UNPACKER.with_borrow_mut(|kept| {
        let unpacker = match kept {
            Some(unpacker) => unpacker,
            None => kept.insert(zstd::bulk::Decompressor::new().map_err(damaged)?),
        };
        unpacker.decompress(bytes, size).map_err(damaged)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{pack, unpack};

    #[test]
    fn documents_come_back_and_damage_is_noticed() {
        for document in [vec![], vec![7; 1_000_000], (0..9000_u32).flat_map(u32::to_le_bytes).collect()] {
            let packed = pack(&document).unwrap();
            assert_eq!(unpack(&packed).unwrap(), document);
            assert!(unpack(packed.get(..packed.len() - 1).unwrap()).is_err());
            assert_eq!(unpack(&packed).unwrap(), document, "a failure leaves nothing behind");
        }
        assert!(unpack(b"not zstd").is_err());
    }
}
