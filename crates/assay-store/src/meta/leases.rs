//! Leases: what one node does for all.

use super::Session;
use crate::sql::{R, first, value::params};
use assay_model::{clock::latest, seam::meta::Leases};
use jiff::Timestamp;

impl Leases for Session<'_> {
    fn take_lease(&mut self, key: &str, owner: &str, now: Timestamp, until: Timestamp) -> R<bool> {
        // one that lasts much longer than it was given for was taken by a clock that has been set back
        let longest = latest(until);
        // primary key
        let taken = first(
            self.sql,
            "INSERT INTO lease (key, owner, until) VALUES ($1, $2, $3)
             ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until = excluded.until
             WHERE lease.owner = excluded.owner OR lease.until <= $4 OR lease.until > $5
             RETURNING key",
            &params![key, owner, until, now, longest],
        )?;
        Ok(taken.is_some())
    }

    fn end_lease(&mut self, key: &str, owner: &str) -> R<()> {
        self.sql.execute("DELETE FROM lease WHERE key = $1 AND owner = $2", &params![key, owner]).map(|_| ())
    }
}
