//! Rows of blobs and of stages. Bytes are in `crate::blob`.

use super::Session;
use crate::sql::{R, all, first, value, value::params};
use assay_model::{Digest, repository::RepositoryId, seam::meta::Blobs};
use jiff::Timestamp;

impl Blobs for Session<'_> {
    fn stage_blob(
        &mut self,
        repository: RepositoryId,
        format: &str,
        name: &str,
        digest: &Digest,
        size: u64,
        at: Timestamp,
    ) -> R<()> {
        self.sql.execute(
            "INSERT INTO blob (digest, size, stored_at) VALUES ($1, $2, $3)
             ON CONFLICT (digest) DO UPDATE SET size = excluded.size,
               stored_at = CASE WHEN blob.stored_at < excluded.stored_at THEN excluded.stored_at ELSE blob.stored_at END",
            &[digest.into(), value::size(size)?, at.into()],
        )?;
        self.sql.execute(
            "INSERT INTO blob_stage (repository, format, name, digest, staged_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (repository, format, name, digest) DO UPDATE SET staged_at = excluded.staged_at",
            &params![repository, format, name, digest, at],
        )?;
        Ok(())
    }

    fn staged_blob(&mut self, repository: RepositoryId, format: &str, name: &str, digest: &Digest) -> R<Option<u64>> {
        // primary key of blob_stage, primary key of blob
        first(
            self.sql,
            "SELECT b.size FROM blob_stage s JOIN blob b ON b.digest = s.digest
             WHERE s.repository = $1 AND s.format = $2 AND s.name = $3 AND s.digest = $4",
            &params![repository, format, name, digest],
        )?
        .map(|mut r| r.unsigned())
        .transpose()
    }

    fn unstage_blob(&mut self, repository: RepositoryId, format: &str, name: &str, digest: &Digest) -> R<bool> {
        let ended = self.sql.execute(
            "DELETE FROM blob_stage WHERE repository = $1 AND format = $2 AND name = $3 AND digest = $4",
            &params![repository, format, name, digest],
        )?;
        Ok(ended > 0)
    }

    fn blob_size(&mut self, digest: &Digest) -> R<Option<u64>> {
        // primary key
        first(self.sql, "SELECT size FROM blob WHERE digest = $1", &params![digest])?
            .map(|mut r| r.unsigned())
            .transpose()
    }

    fn collect_blobs(&mut self, before: Timestamp, limit: usize) -> R<Vec<Digest>> {
        // blob_stage_by_age
        self.sql.execute("DELETE FROM blob_stage WHERE staged_at < $1", &params![before])?;
        // blob_by_age, then file_by_digest and blob_stage_by_digest; a reference that appears meanwhile fails the foreign
        // key, and the transaction runs again
        let mut gone = all(
            self.sql,
            "DELETE FROM blob WHERE digest IN (
               SELECT b.digest FROM blob b WHERE b.stored_at < $1
                 AND NOT EXISTS (SELECT 1 FROM file f WHERE f.digest = b.digest)
                 AND NOT EXISTS (SELECT 1 FROM blob_stage s WHERE s.digest = b.digest)
               ORDER BY b.stored_at, b.digest LIMIT $2)
             AND stored_at < $1
             RETURNING digest",
            &[before.into(), value::limit(limit)],
            |r| r.digest(),
        )?;
        gone.sort();
        Ok(gone)
    }
}
