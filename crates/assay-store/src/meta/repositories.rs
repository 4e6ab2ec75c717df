//! Repositories.

use super::Session;
use crate::sql::{R, Row, Value, all, first, value::json, value::params};
use assay_model::{
    Problem,
    repository::{Repository, RepositoryId, Settings, check_name},
    seam::meta::Repositories,
};
use jiff::Timestamp;

const COLUMNS: &str = "SELECT id, name, settings, created_at FROM repository";

fn read(row: &mut Row) -> R<Repository> {
    Ok(Repository { id: RepositoryId(row.int()?), name: row.text()?, settings: row.json()?, created_at: row.time()? })
}

impl Repositories for Session<'_> {
    fn create_repository(&mut self, name: &str, settings: &Settings, at: Timestamp) -> R<Repository> {
        check_name(name)?;
        let made = first(
            self.sql,
            "INSERT INTO repository (name, settings, created_at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO NOTHING RETURNING id, name, settings, created_at",
            &[name.into(), json(settings)?, at.into()],
        )?;
        match made {
            Some(mut row) => read(&mut row),
            None => Err(Problem::conflict(format!("a repository named `{name}` exists already"))),
        }
    }

    fn repository(&mut self, name: &str) -> R<Option<Repository>> {
        // unique (name)
        first(self.sql, &format!("{COLUMNS} WHERE name = $1"), &params![name])?.map(|mut r| read(&mut r)).transpose()
    }

    fn repository_by_id(&mut self, id: RepositoryId) -> R<Option<Repository>> {
        // primary key
        first(self.sql, &format!("{COLUMNS} WHERE id = $1"), &params![id])?.map(|mut r| read(&mut r)).transpose()
    }

    fn repositories(&mut self) -> R<Vec<Repository>> {
        // unique (name), in order
        all(self.sql, &format!("{COLUMNS} ORDER BY name"), &[], read)
    }

    fn update_repository(&mut self, id: RepositoryId, settings: &Settings) -> R<()> {
        let params: [Value; 2] = [id.into(), json(settings)?];
        match self.sql.execute("UPDATE repository SET settings = $2 WHERE id = $1", &params)? {
            0 => Err(Problem::not_found("no such repository")),
            _ => Ok(()),
        }
    }
}
