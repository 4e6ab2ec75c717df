//! Imports, and their names, by which one that was interrupted goes on.

use super::Session;
use crate::sql::{
    R, Row, Value, all, first,
    value::{json, limit, params, size},
};
use assay_model::{
    Problem,
    import::{Import, ImportCounts, ImportId, ImportTally, NameOutcome, NewImport, Progress},
    repository::RepositoryId,
    seam::meta::{ImportNames, Imports},
};
use jiff::Timestamp;

const COLUMNS: &str =
    "SELECT id, repository, format, plan, progress, reason, started_by, created_at, changed_at FROM import";

/// States of a name.
const WAITS: i64 = 0;
const LOOKED_AT: i64 = 1;
const HAS_FAILURES: i64 = 2;

/// Rows that one statement inserts.
const ROWS: usize = 100;

fn read(row: &mut Row) -> R<Import> {
    Ok(Import {
        id: ImportId(row.int()?),
        repository: RepositoryId(row.int()?),
        format: row.text()?,
        plan: row.json()?,
        progress: row.word(Progress::parse)?,
        reason: row.text()?,
        started_by: row.text()?,
        created_at: row.time()?,
        changed_at: row.time()?,
    })
}

fn tally(row: &mut Row) -> R<ImportTally> {
    Ok(ImportTally {
        versions: row.unsigned()?,
        versions_here: row.unsigned()?,
        failed: row.unsigned()?,
        files: row.unsigned()?,
        files_here: row.unsigned()?,
        references: row.unsigned()?,
        bytes: row.unsigned()?,
    })
}

impl Imports for Session<'_> {
    fn add_import(&mut self, new: &NewImport) -> R<Import> {
        let secrets = (!new.secrets.is_empty()).then(|| new.secrets.clone());
        let made = first(
            self.sql,
            "INSERT INTO import (repository, format, plan, secrets, progress, reason, started_by, created_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, '', $6, $7, $7)
             RETURNING id, repository, format, plan, progress, reason, started_by, created_at, changed_at",
            &[
                new.repository.into(),
                new.format.as_str().into(),
                json(&new.plan)?,
                secrets.into(),
                Progress::Listing.as_str().into(),
                new.started_by.as_str().into(),
                new.at.into(),
            ],
        )?;
        made.map(|mut row| read(&mut row)).transpose()?.ok_or_else(|| Problem::bug("an import was not stored"))
    }

    fn import(&mut self, id: ImportId) -> R<Option<Import>> {
        // primary key
        first(self.sql, &format!("{COLUMNS} WHERE id = $1"), &params![id])?.map(|mut r| read(&mut r)).transpose()
    }

    fn imports(&mut self, repository: RepositoryId, most: usize) -> R<Vec<Import>> {
        // import_by_repository
        let sql = format!("{COLUMNS} WHERE repository = $1 ORDER BY id DESC LIMIT $2");
        all(self.sql, &sql, &[repository.into(), limit(most)], read)
    }

    fn active_imports(&mut self) -> R<Vec<Import>> {
        // import_by_progress
        let sql = format!("{COLUMNS} WHERE progress IN ($1, $2) ORDER BY id");
        all(self.sql, &sql, &params![Progress::Listing.as_str(), Progress::Running.as_str()], read)
    }

    fn move_import(&mut self, id: ImportId, from: &[Progress], to: Progress, reason: &str, at: Timestamp) -> R<bool> {
        let before = first(self.sql, "SELECT progress FROM import WHERE id = $1 @lock", &params![id])?;
        let Some(before) = before.map(|mut row| row.word(Progress::parse)).transpose()? else { return Ok(false) };
        if !from.contains(&before) {
            return Ok(false);
        }
        let sql = "UPDATE import SET progress = $2, reason = $3, changed_at = $4 WHERE id = $1";
        Ok(self.sql.execute(sql, &params![id, to.as_str(), reason, at])? > 0)
    }

    fn import_secrets(&mut self, id: ImportId, sealed: Option<&[u8]>) -> R<Vec<u8>> {
        if let Some(sealed) = sealed {
            let sealed = (!sealed.is_empty()).then(|| sealed.to_vec());
            self.sql.execute("UPDATE import SET secrets = $2 WHERE id = $1", &params![id, sealed])?;
        }
        let row = first(self.sql, "SELECT secrets FROM import WHERE id = $1", &params![id])?;
        Ok(row.map(|mut r| r.bytes_or_null()).transpose()?.flatten().unwrap_or_default())
    }
}

impl ImportNames for Session<'_> {
    fn add_import_names(&mut self, id: ImportId, names: &[String]) -> R<()> {
        for some in names.chunks(ROWS) {
            let rows: Vec<String> =
                (0..some.len()).map(|n| format!("($1, ${}, 0, 0, 0, 0, 0, 0, 0, 0, '[]')", n + 2)).collect();
            let sql = format!(
                "INSERT INTO import_name (import, name, state, versions, versions_here, failed, files, files_here, refs,
                 bytes, failures) VALUES {} ON CONFLICT (import, name) DO NOTHING",
                rows.join(", ")
            );
            let values: Vec<Value> = std::iter::once(id.into()).chain(some.iter().map(Value::from)).collect();
            self.sql.execute(&sql, &values)?;
        }
        Ok(())
    }

    fn waiting_import_names(&mut self, id: ImportId, after: Option<&str>, most: usize) -> R<Vec<String>> {
        // import_name_by_state
        let sql = "SELECT name FROM import_name WHERE import = $1 AND state = $2 AND name > $3 ORDER BY name LIMIT $4";
        let values = [id.into(), WAITS.into(), after.unwrap_or_default().into(), limit(most)];
        all(self.sql, sql, &values, |row| row.text())
    }

    fn note_import_name(&mut self, id: ImportId, name: &str, outcome: &NameOutcome) -> R<()> {
        let state = if outcome.tally.failed > 0 { HAS_FAILURES } else { LOOKED_AT };
        let sum = &outcome.tally;
        let values = [
            id.into(),
            name.into(),
            state.into(),
            size(sum.versions)?,
            size(sum.versions_here)?,
            size(sum.failed)?,
            size(sum.files)?,
            size(sum.files_here)?,
            size(sum.references)?,
            size(sum.bytes)?,
            json(&outcome.failures)?,
        ];
        let sql = "UPDATE import_name SET state = $3, versions = $4, versions_here = $5, failed = $6, files = $7,
                   files_here = $8, refs = $9, bytes = $10, failures = $11 WHERE import = $1 AND name = $2";
        self.sql.execute(sql, &values).map(|_| ())
    }

    fn retry_import_names(&mut self, id: ImportId) -> R<usize> {
        let sql = "UPDATE import_name SET state = $2, versions = 0, versions_here = 0, failed = 0, files = 0,
                   files_here = 0, refs = 0, bytes = 0, failures = '[]' WHERE import = $1 AND state = $3";
        let changed = self.sql.execute(sql, &params![id, WAITS, HAS_FAILURES])?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    fn import_counts(&mut self, id: ImportId) -> R<ImportCounts> {
        // primary key, its first column
        let sum = |column: &str| format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)");
        let columns = ["versions", "versions_here", "failed", "files", "files_here", "refs", "bytes"].map(sum);
        let sql = format!(
            "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN state = 0 THEN 0 ELSE 1 END), 0) AS BIGINT), {}
             FROM import_name WHERE import = $1",
            columns.join(", ")
        );
        let row = first(self.sql, &sql, &params![id])?;
        let Some(mut row) = row else { return Ok(ImportCounts::default()) };
        Ok(ImportCounts { names: row.unsigned()?, names_done: row.unsigned()?, tally: tally(&mut row)? })
    }

    fn import_failures(&mut self, id: ImportId, after: Option<&str>, most: usize) -> R<Vec<(String, NameOutcome)>> {
        // import_name_by_state
        let sql = "SELECT name, failures, versions, versions_here, failed, files, files_here, refs, bytes
                   FROM import_name WHERE import = $1 AND state = $2 AND name > $3 ORDER BY name LIMIT $4";
        let values = [id.into(), HAS_FAILURES.into(), after.unwrap_or_default().into(), limit(most)];
        all(self.sql, sql, &values, |row| {
            let (name, failures) = (row.text()?, row.json()?);
            Ok((name, NameOutcome { failures, tally: tally(row)? }))
        })
    }
}
