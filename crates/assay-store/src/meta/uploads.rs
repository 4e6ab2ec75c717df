//! Resumable uploads. Their bytes are in spool files.

use super::Session;
use crate::sql::{R, all, first, value::params};
use assay_model::{
    Problem,
    repository::RepositoryId,
    seam::meta::{Upload, Uploads},
};
use jiff::Timestamp;

impl Uploads for Session<'_> {
    fn open_upload(&mut self, upload: &Upload) -> R<()> {
        let opened = self.sql.execute(
            "INSERT INTO upload (id, repository, format, name, touched_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO NOTHING",
            &params![&upload.id, upload.repository, &upload.format, &upload.name, upload.touched_at],
        )?;
        match opened {
            0 => Err(Problem::conflict("an upload with this id is open already")),
            _ => Ok(()),
        }
    }

    fn upload(&mut self, id: &str) -> R<Option<Upload>> {
        // primary key
        let row =
            first(self.sql, "SELECT id, repository, format, name, touched_at FROM upload WHERE id = $1", &params![id])?;
        row.map(|mut r| {
            Ok(Upload {
                id: r.text()?,
                repository: RepositoryId(r.int()?),
                format: r.text()?,
                name: r.text()?,
                touched_at: r.time()?,
            })
        })
        .transpose()
    }

    fn touch_upload(&mut self, id: &str, at: Timestamp) -> R<()> {
        match self.sql.execute("UPDATE upload SET touched_at = $2 WHERE id = $1", &params![id, at])? {
            0 => Err(Problem::not_found("no such upload")),
            _ => Ok(()),
        }
    }

    fn close_upload(&mut self, id: &str) -> R<bool> {
        Ok(self.sql.execute("DELETE FROM upload WHERE id = $1", &params![id])? > 0)
    }

    fn stale_uploads(&mut self, before: Timestamp) -> R<Vec<String>> {
        // upload_by_age
        all(self.sql, "SELECT id FROM upload WHERE touched_at < $1 ORDER BY touched_at, id", &params![before], |r| {
            r.text()
        })
    }
}
