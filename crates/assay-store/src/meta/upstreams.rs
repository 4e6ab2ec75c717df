//! Upstreams, and their sealed secrets, which are read apart.

use super::Session;
use crate::sql::{R, Row, Value, all, first, value::json, value::params};
use assay_model::{
    Problem,
    repository::RepositoryId,
    seam::meta::{UpstreamSecrets, Upstreams},
    upstream::{NewUpstream, Upstream, UpstreamId, UpstreamSettings, check_name},
};

const COLUMNS: &str = "SELECT id, repository, format, name, priority, settings FROM upstream";

fn read(row: &mut Row) -> R<Upstream> {
    Ok(Upstream {
        id: UpstreamId(row.int()?),
        repository: RepositoryId(row.int()?),
        format: row.text()?,
        name: row.text()?,
        priority: i32::try_from(row.int()?).map_err(|_| Problem::bug("a priority outside 32 bits"))?,
        settings: row.json()?,
    })
}

fn gone() -> Problem {
    Problem::not_found("no such upstream")
}

impl Session<'_> {
    /// Fails when the upstream was removed meanwhile, so that nothing of it is left behind.
    pub(super) fn require_upstream(&mut self, id: UpstreamId) -> R<()> {
        // primary key
        first(self.sql, "SELECT id FROM upstream WHERE id = $1", &params![id])?.map(|_| ()).ok_or_else(gone)
    }
}

impl Upstreams for Session<'_> {
    fn add_upstream(&mut self, new: &NewUpstream) -> R<Upstream> {
        check_name(&new.name)?;
        let made = first(
            self.sql,
            "INSERT INTO upstream (repository, format, name, priority, settings) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (repository, name) DO NOTHING
             RETURNING id, repository, format, name, priority, settings",
            &[
                new.repository.into(),
                new.format.as_str().into(),
                new.name.as_str().into(),
                new.priority.into(),
                json(&new.settings)?,
            ],
        )?;
        match made {
            Some(mut row) => read(&mut row),
            None => Err(Problem::conflict(format!("the repository has an upstream named `{}` already", new.name))),
        }
    }

    fn upstreams(&mut self, repository: RepositoryId) -> R<Vec<Upstream>> {
        // unique (repository, name); a repository has few
        all(self.sql, &format!("{COLUMNS} WHERE repository = $1 ORDER BY priority, name"), &params![repository], read)
    }

    fn upstream(&mut self, repository: RepositoryId, name: &str) -> R<Option<Upstream>> {
        // unique (repository, name)
        let row =
            first(self.sql, &format!("{COLUMNS} WHERE repository = $1 AND name = $2"), &params![repository, name]);
        row?.map(|mut r| read(&mut r)).transpose()
    }

    fn upstream_by_id(&mut self, id: UpstreamId) -> R<Option<Upstream>> {
        // primary key
        first(self.sql, &format!("{COLUMNS} WHERE id = $1"), &params![id])?.map(|mut r| read(&mut r)).transpose()
    }

    fn update_upstream(&mut self, id: UpstreamId, priority: i32, settings: &UpstreamSettings) -> R<()> {
        let params: [Value; 3] = [id.into(), priority.into(), json(settings)?];
        match self.sql.execute("UPDATE upstream SET priority = $2, settings = $3 WHERE id = $1", &params)? {
            0 => Err(gone()),
            _ => Ok(()),
        }
    }

    fn delete_upstream(&mut self, id: UpstreamId) -> R<bool> {
        // the row first: whoever writes a document or pin of it at the same time waits, and then finds it gone
        first(self.sql, "SELECT id FROM upstream WHERE id = $1 @lock", &params![id])?;
        for table in ["remote_document", "pin"] {
            // primary key, its first column
            self.sql.execute(&format!("DELETE FROM {table} WHERE upstream = $1"), &params![id])?;
        }
        Ok(self.sql.execute("DELETE FROM upstream WHERE id = $1", &params![id])? > 0)
    }
}

impl UpstreamSecrets for Session<'_> {
    fn upstream_secrets(&mut self, id: UpstreamId) -> R<Vec<u8>> {
        // primary key
        let row = first(self.sql, "SELECT secrets FROM upstream WHERE id = $1", &params![id])?;
        Ok(row.map(|mut r| r.bytes_or_null()).transpose()?.flatten().unwrap_or_default())
    }

    fn put_upstream_secrets(&mut self, id: UpstreamId, sealed: &[u8]) -> R<()> {
        let sealed = (!sealed.is_empty()).then(|| sealed.to_vec());
        match self.sql.execute("UPDATE upstream SET secrets = $2 WHERE id = $1", &params![id, sealed])? {
            0 => Err(gone()),
            _ => Ok(()),
        }
    }
}
