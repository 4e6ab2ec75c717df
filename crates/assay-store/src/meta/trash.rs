//! The trash: files of deleted packages, until they are purged.

use super::{Session, files, packages};
use crate::sql::{KEYS_AT_ONCE, R, Row, Value, all, clean, first, numbers, texts, value, value::json, value::params};
use assay_model::{
    Problem,
    keeping::{Discard, Restored, Trashed},
    package::{File, NewFile, PackageId},
    problem::Kind,
    seam::meta::{Trash, TrashFilter},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

const FILE: &str = "id, package, path, digest, size, media_type, role, hashes, metadata, uploaded_at";

fn read(row: &mut Row) -> R<Trashed> {
    Ok(Trashed {
        deleted_at: row.time()?,
        deleted_by: row.text()?,
        cause: row.text()?,
        purge_at: row.time()?,
        references: row.json()?,
        files: row.unsigned()?,
        bytes: row.unsigned()?,
        package: packages::read(row)?,
    })
}

fn listing(condition: &str) -> String {
    format!(
        "SELECT t.deleted_at, t.deleted_by, t.cause, t.purge_at, t.refs,
           (SELECT COUNT(*) FROM trash_file f WHERE f.package = t.package),
           (SELECT CAST(COALESCE(SUM(f.size), 0) AS BIGINT) FROM trash_file f WHERE f.package = t.package), {}
         FROM trash t JOIN package p ON p.id = t.package WHERE {condition}",
        packages::COLUMNS
    )
}

impl Session<'_> {
    /// Fails when the trash has one of these files with other content.
    pub(super) fn respect_trash(&mut self, package: PackageId, fresh: &[NewFile]) -> R<()> {
        for chunk in fresh.chunks(KEYS_AT_ONCE) {
            // unique (package, path)
            let kept: BTreeMap<String, String> = all(
                self.sql,
                "SELECT path, digest FROM trash_file WHERE package = $1 AND path IN (SELECT value FROM @list($2))",
                &[package.into(), texts(chunk.iter().map(|f| &f.path))],
                |r| Ok((r.text()?, r.text()?)),
            )?
            .into_iter()
            .collect();
            let other = |f: &&NewFile| kept.get(&f.path).is_some_and(|digest| digest != f.digest.as_str());
            if let Some(file) = chunk.iter().find(other) {
                return Err(Problem::new(
                    Kind::Conflict,
                    "file-in-trash",
                    format!(
                        "`{}` was deleted and is in the trash: it can be published again only with the same content, \
                         or after an administrator has purged it",
                        file.path
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Takes files out of the trash that are there again.
    pub(super) fn leave_trash(&mut self, package: PackageId, fresh: &[&NewFile]) -> R<()> {
        let mut left = 0;
        for chunk in fresh.chunks(KEYS_AT_ONCE) {
            left += self.sql.execute(
                "DELETE FROM trash_file WHERE package = $1 AND path IN (SELECT value FROM @list($2))",
                &[package.into(), texts(chunk.iter().map(|f| &f.path))],
            )?;
        }
        if left > 0 {
            // primary key, unique (package, path)
            self.sql.execute(
                "DELETE FROM trash WHERE package = $1
                 AND NOT EXISTS (SELECT 1 FROM trash_file f WHERE f.package = trash.package)",
                &params![package],
            )?;
        }
        Ok(())
    }

    fn references_of(&mut self, package: PackageId) -> R<Vec<String>> {
        // reference_by_package
        all(self.sql, "SELECT reference FROM reference WHERE package = $1 ORDER BY reference", &params![package], |r| {
            r.text()
        })
    }

    /// Points references to a package again, those that point nowhere; the others are the second list.
    fn refer_again(
        &mut self,
        package: PackageId,
        references: Vec<String>,
        at: Timestamp,
    ) -> R<(Vec<String>, Vec<String>)> {
        let (mut set, mut left) = (Vec::new(), Vec::new());
        for reference in references {
            let done = self.sql.execute(
                "INSERT INTO reference (repository, format, name, reference, package, set_at)
                 SELECT p.repository, p.format, p.name, $2, p.id, $3 FROM package p WHERE p.id = $1
                 ON CONFLICT (repository, format, name, reference) DO NOTHING",
                &params![package, &reference, at],
            )?;
            if done > 0 { set.push(reference) } else { left.push(reference) }
        }
        Ok((set, left))
    }
}

impl Trash for Session<'_> {
    fn discard(&mut self, package: PackageId, how: &Discard) -> R<()> {
        self.release(package)?;
        let before = first(self.sql, "SELECT refs FROM trash WHERE package = $1 @lock", &params![package])?;
        let before: Vec<String> = before.map_or(Ok(Vec::new()), |mut r| r.json())?;
        let mut references: BTreeSet<String> = self.references_of(package)?.into_iter().collect();
        references.extend(before);
        let home = first(self.sql, "SELECT repository FROM package WHERE id = $1", &params![package])?;
        let repository = home.ok_or_else(|| Problem::not_found("no such package"))?.int()?;
        self.sql.execute(
            "INSERT INTO trash (package, repository, deleted_at, deleted_by, cause, purge_at, refs)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (package) DO UPDATE SET deleted_at = excluded.deleted_at, deleted_by = excluded.deleted_by,
               cause = excluded.cause, purge_at = excluded.purge_at, refs = excluded.refs",
            &[
                package.into(),
                repository.into(),
                how.at.into(),
                clean(&how.by).as_ref().into(),
                clean(&how.cause).as_ref().into(),
                how.purge_at.into(),
                json(&references)?,
            ],
        )?;
        let moved = format!("INSERT INTO trash_file ({FILE}) SELECT {FILE} FROM file WHERE package = $1");
        self.sql.execute(&moved, &params![package])?;
        self.sql.execute("DELETE FROM file WHERE package = $1", &params![package])?;
        self.sql.execute("DELETE FROM reference WHERE package = $1", &params![package])?;
        self.sql.execute("UPDATE package SET state = 'deleted' WHERE id = $1", &params![package])?;
        Ok(())
    }

    fn trash(&mut self, filter: &TrashFilter) -> R<Vec<Trashed>> {
        let mut conditions = vec!["1 = 1".to_owned()];
        let mut params: Vec<Value> = Vec::new();
        let mut add = |condition: &str, value: Value| {
            params.push(value);
            conditions.push(condition.replace("$?", &format!("${}", params.len())));
        };
        if let Some(places) = &filter.repositories {
            add("t.repository IN (SELECT CAST(value AS BIGINT) FROM @list($?))", numbers(places.iter().map(|r| r.0)));
        }
        if let Some(due) = filter.due {
            add("t.purge_at < $?", due.into());
        }
        if let Some(at) = &filter.at {
            add("p.format = $?", clean(&at.format).as_ref().into());
            add("p.name = $?", clean(&at.name).as_ref().into());
            add("p.version = $?", clean(&at.version).as_ref().into());
        }
        if let Some(before) = filter.before {
            add("t.package < $?", before.into());
        }
        params.push(value::limit(filter.limit));
        // trash_by_repository, trash_by_age or the primary key; each package by its key
        let order = if filter.due.is_some() { "t.purge_at, t.package" } else { "t.package DESC" };
        let text = format!("{} ORDER BY {order} LIMIT ${}", listing(&conditions.join(" AND ")), params.len());
        all(self.sql, &text, &params, read)
    }

    fn trashed(&mut self, package: PackageId) -> R<Option<Trashed>> {
        // primary keys
        first(self.sql, &listing("t.package = $1"), &params![package])?.map(|mut r| read(&mut r)).transpose()
    }

    fn trashed_files(&mut self, package: PackageId) -> R<Vec<File>> {
        // unique (package, path), in order
        let text = format!("SELECT {} FROM trash_file f WHERE f.package = $1 ORDER BY f.path", files::COLUMNS);
        all(self.sql, &text, &params![package], files::read)
    }

    fn restore(&mut self, package: PackageId, at: Timestamp) -> R<Option<Restored>> {
        let row = first(self.sql, "SELECT refs FROM trash WHERE package = $1 @lock", &params![package])?;
        let Some(mut row) = row else { return Ok(None) };
        let references: Vec<String> = row.json()?;
        let back = self.trashed_files(package)?;
        self.hold(package, back.iter().map(|f| (f.digest.as_str(), f.size)).collect())?;
        let moved = format!("INSERT INTO file ({FILE}) SELECT {FILE} FROM trash_file WHERE package = $1");
        self.sql.execute(&moved, &params![package])?;
        self.sql.execute("DELETE FROM trash_file WHERE package = $1", &params![package])?;
        self.sql.execute("DELETE FROM trash WHERE package = $1", &params![package])?;
        let woken = first(
            self.sql,
            "UPDATE package SET state = 'pending' WHERE id = $1 AND state = 'deleted' RETURNING repository",
            &params![package],
        )?;
        match woken {
            Some(mut row) => self.count_package(assay_model::repository::RepositoryId(row.int()?), 1)?,
            None => {
                self.sql.execute("UPDATE package SET state = 'pending' WHERE id = $1", &params![package])?;
            }
        }
        let (references, left) = self.refer_again(package, references, at)?;
        Ok(Some(Restored { package, files: back.len() as u64, references, left }))
    }

    fn purge(&mut self, package: PackageId) -> R<bool> {
        self.forget_inputs_of(package)?;
        self.sql.execute("DELETE FROM trash_file WHERE package = $1", &params![package])?;
        Ok(self.sql.execute("DELETE FROM trash WHERE package = $1", &params![package])? > 0)
    }
}
