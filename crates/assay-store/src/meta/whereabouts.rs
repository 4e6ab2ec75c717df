//! Blobs by other digests than the one they are stored by, and which names have a blob.

use super::Session;
use crate::sql::{R, all, first, value, value::params};
use assay_model::{Digest, repository::RepositoryId, seam::meta::Whereabouts};

impl Whereabouts for Session<'_> {
    fn note_alias(&mut self, alias: &Digest, digest: &Digest) -> R<()> {
        self.sql.execute(
            "INSERT INTO blob_alias (alias, digest) VALUES ($1, $2) ON CONFLICT (alias) DO NOTHING",
            &params![alias, digest],
        )?;
        Ok(())
    }

    fn alias(&mut self, alias: &Digest) -> R<Option<Digest>> {
        // primary key
        first(self.sql, "SELECT digest FROM blob_alias WHERE alias = $1", &params![alias])?
            .map(|mut r| r.digest())
            .transpose()
    }

    fn holders(&mut self, format: &str, digest: &Digest, limit: usize) -> R<Vec<(RepositoryId, String)>> {
        // file_by_digest and the primary key of package; blob_stage_by_digest
        all(
            self.sql,
            "SELECT p.repository, p.name FROM file f JOIN package p ON p.id = f.package
             WHERE f.digest = $1 AND p.format = $2 AND p.state NOT IN ('deleted', 'hidden')
             UNION SELECT s.repository, s.name FROM blob_stage s WHERE s.digest = $1 AND s.format = $2
             LIMIT $3",
            &[digest.into(), format.into(), value::limit(limit)],
            |r| Ok((RepositoryId(r.int()?), r.text()?)),
        )
    }
}
