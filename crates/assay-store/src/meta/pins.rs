//! Pins: the bytes that were seen first under a name and path of an upstream.

use super::Session;
use crate::sql::{R, first, value::params};
use assay_model::{Digest, Problem, seam::meta::Pins, upstream::UpstreamId};
use jiff::Timestamp;

fn key(name: &str, path: &str) -> String {
    Digest::of(format!("{name}\0{path}").as_bytes()).hex().to_owned()
}

impl Pins for Session<'_> {
    fn pin(&mut self, upstream: UpstreamId, name: &str, path: &str, digest: &Digest, at: Timestamp) -> R<Digest> {
        self.require_upstream(upstream)?;
        // a name or path with NUL is refused here, so that a key stands for one pair
        self.sql.execute(
            "INSERT INTO pin (upstream, key, name, path, digest, seen_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (upstream, key) DO NOTHING",
            &params![upstream, key(name, path), name, path, digest, at],
        )?;
        let (pinned, _) =
            self.pinned(upstream, name, path)?.ok_or_else(|| Problem::bug("a pin is gone after it was written"))?;
        Ok(pinned)
    }

    fn pinned(&mut self, upstream: UpstreamId, name: &str, path: &str) -> R<Option<(Digest, Timestamp)>> {
        // primary key
        let row = first(
            self.sql,
            "SELECT digest, seen_at FROM pin WHERE upstream = $1 AND key = $2",
            &params![upstream, key(name, path)],
        )?;
        row.map(|mut r| Ok((r.digest()?, r.time()?))).transpose()
    }

    fn unpin(&mut self, upstream: UpstreamId, name: &str, path: &str) -> R<bool> {
        let gone = self
            .sql
            .execute("DELETE FROM pin WHERE upstream = $1 AND key = $2", &params![upstream, key(name, path)])?;
        Ok(gone > 0)
    }
}
