//! The ports of `seam::meta`, once for both databases: one file per noun, each statement next to the type it fills.
//! Connections and transactions are in `crate::sqlite` and `crate::postgres`.

mod advisories;
mod blobs;
mod components;
mod decisions;
mod events;
mod feeds;
mod files;
mod findings;
mod inventories;
mod packages;
mod policies;
mod references;
mod repositories;
mod scores;
mod settings;
mod severities;
mod tokens;
mod uploads;
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
    zstd::stream::decode_all(bytes)
        .map_err(|e| assay_model::Problem::internal("a stored document cannot be unpacked", e))
}
