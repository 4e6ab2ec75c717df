//! Collection of bytes that nothing refers to. A grave is opened in the transaction that forgets the blob and closed when
//! its bytes are gone; an upload that finds one waits, and one that sees a number of closed graves move stores its bytes
//! again. Both look after they took the blob's row, so that the database orders them.

use super::Session;
use crate::sql::{R, Value, all, first, insert_many, texts, value, value::params};
use assay_model::{
    Digest,
    seam::meta::{Graves, Ground, Walked},
};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Nothing refers to the blob under the alias or table `blob`.
const UNREFERRED: &str = "NOT EXISTS (SELECT 1 FROM file f WHERE f.digest = blob.digest)
    AND NOT EXISTS (SELECT 1 FROM blob_stage s WHERE s.digest = blob.digest)
    AND NOT EXISTS (SELECT 1 FROM trash_file t WHERE t.digest = blob.digest)";

/// Digests share counters, so that a burial seldom makes an upload of other bytes start over.
fn counter(digest: &Digest) -> String {
    format!("graves.{}", digest.hex().get(..2).unwrap_or_default())
}

impl Session<'_> {
    fn open_graves<'d>(&mut self, digests: impl Iterator<Item = &'d Digest>, owner: &str, until: Timestamp) -> R<()> {
        let rows = digests.map(|digest| vec![digest.into(), owner.into(), until.into()]).collect();
        insert_many(
            self.sql,
            "INSERT INTO blob_grave (digest, owner, until)",
            "ON CONFLICT (digest) DO UPDATE SET owner = excluded.owner, until = excluded.until",
            rows,
        )?;
        Ok(())
    }
}

impl Graves for Session<'_> {
    fn end_stages(&mut self, before: Timestamp, limit: usize) -> R<u64> {
        // blob_stage_by_age
        let stale = all(
            self.sql,
            "SELECT repository, format, name, digest FROM blob_stage WHERE staged_at < $1 ORDER BY staged_at LIMIT $2",
            &[before.into(), value::limit(limit)],
            |r| Ok([Value::from(r.int()?), r.text()?.into(), r.text()?.into(), r.text()?.into()]),
        )?;
        let mut ended = 0;
        for key in stale {
            let [repository, format, name, digest] = key;
            ended += self.sql.execute(
                "DELETE FROM blob_stage WHERE repository = $1 AND format = $2 AND name = $3 AND digest = $4
                 AND staged_at < $5",
                &[repository, format, name, digest, before.into()],
            )?;
        }
        Ok(ended)
    }

    fn walk_blobs(&mut self, after: Option<&(Timestamp, Digest)>, before: Timestamp, limit: usize) -> R<Walked> {
        let start = (Timestamp::UNIX_EPOCH, String::new());
        let (at, digest) = after.map_or(start, |(at, digest)| (*at, digest.to_string()));
        // blob_by_age, in order; then file_by_digest, blob_stage_by_digest, trash_file_by_digest
        let rows = all(
            self.sql,
            &format!(
                "SELECT blob.stored_at, blob.digest, blob.size, CASE WHEN {UNREFERRED} THEN 1 ELSE 0 END FROM blob
                 WHERE (blob.stored_at, blob.digest) > ($1, $2) AND blob.stored_at < $3
                 ORDER BY blob.stored_at, blob.digest LIMIT $4"
            ),
            &[at.into(), digest.into(), before.into(), value::limit(limit)],
            |r| Ok((r.time()?, r.digest()?, r.unsigned()?, r.flag()?)),
        )?;
        let last = rows.last().map(|(at, digest, ..)| (*at, digest.clone()));
        Ok(Walked {
            examined: rows.len(),
            next: last.filter(|_| rows.len() == limit),
            orphans: rows.into_iter().filter(|r| r.3).map(|(_, digest, size, _)| (digest, size)).collect(),
        })
    }

    fn bury(&mut self, digests: &[Digest], before: Timestamp, owner: &str, until: Timestamp) -> R<Vec<(Digest, u64)>> {
        // primary key; a reference that appears meanwhile fails the foreign key, and the transaction runs again
        let gone = all(
            self.sql,
            &format!(
                "DELETE FROM blob WHERE digest IN (SELECT value FROM @list($1)) AND stored_at < $2 AND {UNREFERRED}
                 RETURNING digest, size"
            ),
            &[texts(digests.iter().map(Digest::as_str)), before.into()],
            |r| Ok((r.digest()?, r.unsigned()?)),
        )?;
        self.open_graves(gone.iter().map(|(digest, _)| digest), owner, until)?;
        Ok(gone)
    }

    fn bury_unnamed(&mut self, digests: &[(Digest, u64)], owner: &str, until: Timestamp) -> R<Vec<Digest>> {
        let mut unnamed = Vec::new();
        for (digest, size) in digests {
            // makes an upload that is about to name it wait for this transaction
            let ours = self.sql.execute(
                "INSERT INTO blob (digest, size, stored_at) VALUES ($1, $2, 0) ON CONFLICT (digest) DO NOTHING",
                &[digest.into(), value::size(*size)?],
            )?;
            if ours > 0 {
                self.sql.execute("DELETE FROM blob WHERE digest = $1", &params![digest])?;
                unnamed.push(digest.clone());
            }
        }
        self.open_graves(unnamed.iter(), owner, until)?;
        Ok(unnamed)
    }

    fn close_graves(&mut self, digests: &[Digest], owner: &str) -> R<u64> {
        let closed = self.sql.execute(
            "DELETE FROM blob_grave WHERE digest IN (SELECT value FROM @list($1)) AND owner = $2",
            &[texts(digests.iter().map(Digest::as_str)), owner.into()],
        )?;
        for name in digests.iter().map(counter).collect::<BTreeSet<_>>() {
            self.sql.execute(
                "INSERT INTO counter (name, value) VALUES ($1, 1)
                 ON CONFLICT (name) DO UPDATE SET value = counter.value + 1",
                &params![name],
            )?;
        }
        Ok(closed)
    }

    fn take_graves(&mut self, owner: &str, now: Option<Timestamp>, until: Timestamp, limit: usize) -> R<Vec<Digest>> {
        // blob_grave_by_age
        all(
            self.sql,
            "UPDATE blob_grave SET owner = $1, until = $2 WHERE digest IN (
               SELECT digest FROM blob_grave WHERE until < $3 AND owner <> $1 ORDER BY until LIMIT $4) RETURNING digest",
            &[owner.into(), until.into(), now.unwrap_or(Timestamp::MAX).into(), value::limit(limit)],
            |r| r.digest(),
        )
    }

    fn ground(&mut self, digest: &Digest) -> R<Ground> {
        // primary keys; one statement, so that both are of one moment
        let row = first(
            self.sql,
            "SELECT (SELECT COUNT(*) FROM blob_grave WHERE digest = $1),
               COALESCE((SELECT value FROM counter WHERE name = $2), 0)",
            &params![digest, counter(digest)],
        )?;
        row.map_or(Ok(Ground::default()), |mut r| Ok(Ground { buried: r.flag()?, closed: r.int()? }))
    }

    fn graves(&mut self) -> R<u64> {
        first(self.sql, "SELECT COUNT(*) FROM blob_grave", &[])?.map_or(Ok(0), |mut r| r.unsigned())
    }
}
