//! Rows of blobs and of stages. Bytes are in `crate::blob`.

use super::Session;
use crate::sql::{R, first, value, value::params};
use assay_model::{
    Digest, Problem,
    repository::RepositoryId,
    seam::meta::{Blobs, Graves as _},
};
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
        // after the row is ours: whoever buries these bytes has committed by now, or will find the stage
        if self.ground(digest)?.buried {
            let mut busy = Problem::busy("these bytes are being collected; send them once more", 1);
            busy.code = "blob-buried";
            return Err(busy);
        }
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
}
