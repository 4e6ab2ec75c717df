//! Files of packages, and the end of a package.

use super::{Session, packages};
use crate::sql::{KEYS_AT_ONCE, R, Row, all, first, insert_many, numbers, texts, value, value::json, value::params};
use assay_model::{
    Digest, Problem,
    package::{File, FileId, NewFile, Package, PackageId, Role},
    problem::Kind,
    repository::RepositoryId,
    seam::meta::Files,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The columns of a file under the alias `f`, in the order that [`read`] reads them.
pub(super) const COLUMNS: &str =
    "f.id, f.package, f.path, f.digest, f.size, f.media_type, f.role, f.hashes, f.metadata, f.uploaded_at";

pub(super) fn read(row: &mut Row) -> R<File> {
    Ok(File {
        id: FileId(row.int()?),
        package: PackageId(row.int()?),
        path: row.text()?,
        digest: row.digest()?,
        size: row.unsigned()?,
        media_type: row.text()?,
        role: match row.text_or_null()? {
            None => None,
            Some(word) => Some(Role::parse(&word).ok_or_else(|| Problem::bug(format!("`{word}` is no role")))?),
        },
        hashes: row.json()?,
        metadata: row.json()?,
        uploaded_at: row.time()?,
    })
}

fn read_with_package(row: &mut Row) -> R<(File, Package)> {
    Ok((read(row)?, packages::read(row)?))
}

fn with_packages(condition: &str) -> String {
    format!("SELECT {COLUMNS}, {} FROM package p JOIN file f ON f.package = p.id WHERE {condition}", packages::COLUMNS)
}

impl Session<'_> {
    /// Those of `files` that the package does not have yet.
    fn new_files<'f>(&mut self, package: PackageId, files: &'f [NewFile]) -> R<Vec<&'f NewFile>> {
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for chunk in files.chunks(KEYS_AT_ONCE) {
            // unique (package, path)
            known.extend(all(
                self.sql,
                "SELECT path, digest FROM file WHERE package = $1 AND path IN (SELECT value FROM @list($2))",
                &[package.into(), texts(chunk.iter().map(|f| &f.path))],
                |r| Ok((r.text()?, r.text()?)),
            )?);
        }
        self.respect_trash(package, files)?;
        let mut fresh = Vec::new();
        for file in files {
            match known.get(&file.path) {
                Some(digest) if digest == file.digest.as_str() => {}
                Some(_) => {
                    return Err(Problem::new(
                        Kind::Conflict,
                        "file-exists",
                        format!("`{}` exists already with other content", file.path),
                    ));
                }
                None => {
                    known.insert(file.path.clone(), file.digest.to_string());
                    fresh.push(file);
                }
            }
        }
        fresh.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(fresh)
    }

    /// Fails unless the bytes of all these files are stored.
    fn require_blobs(&mut self, files: &[&NewFile]) -> R<()> {
        let wanted: BTreeSet<&Digest> = files.iter().map(|f| &f.digest).collect();
        let wanted: Vec<_> = wanted.into_iter().collect();
        for chunk in wanted.chunks(KEYS_AT_ONCE) {
            // primary key
            let there: BTreeSet<String> = all(
                self.sql,
                "SELECT digest FROM blob WHERE digest IN (SELECT value FROM @list($1))",
                &[texts(chunk.iter().map(|d| d.as_str()))],
                |r| r.text(),
            )?
            .into_iter()
            .collect();
            if let Some(missing) = chunk.iter().find(|d| !there.contains(d.as_str())) {
                return Err(Problem::new(
                    Kind::Conflict,
                    "blob-missing",
                    format!("the bytes of {missing} are not stored; upload them again"),
                ));
            }
        }
        Ok(())
    }
}

impl Files for Session<'_> {
    fn put_files(&mut self, package: PackageId, files: &[NewFile], at: Timestamp) -> R<usize> {
        let fresh = self.new_files(package, files)?;
        self.require_blobs(&fresh)?;
        self.hold_files(package, &fresh)?;
        let mut rows = Vec::with_capacity(fresh.len());
        for file in &fresh {
            rows.push(vec![
                package.into(),
                (&file.path).into(),
                (&file.digest).into(),
                value::size(file.size)?,
                (&file.media_type).into(),
                file.role.map(Role::as_str).into(),
                json(&file.hashes)?,
                json(&file.metadata)?,
                at.into(),
            ]);
        }
        insert_many(
            self.sql,
            "INSERT INTO file (package, path, digest, size, media_type, role, hashes, metadata, uploaded_at)",
            "",
            rows,
        )?;
        self.leave_trash(package, &fresh)?;
        Ok(fresh.len())
    }

    fn files_of(&mut self, packages: &[PackageId]) -> R<Vec<File>> {
        let wanted: BTreeSet<i64> = packages.iter().map(|p| p.0).collect();
        let wanted: Vec<_> = wanted.into_iter().collect();
        let mut files = Vec::new();
        for chunk in wanted.chunks(KEYS_AT_ONCE) {
            // unique (package, path), in order
            files.extend(all(
                self.sql,
                &format!(
                    "SELECT {COLUMNS} FROM file f WHERE f.package IN (SELECT CAST(value AS BIGINT) FROM @list($1))
                     ORDER BY f.package, f.path"
                ),
                &[numbers(chunk.iter().copied())],
                read,
            )?);
        }
        Ok(files)
    }

    fn file_at(
        &mut self,
        repository: RepositoryId,
        format: &str,
        name: &str,
        path: &str,
    ) -> R<Option<(File, Package)>> {
        // packages by unique (repository, format, name, version), each file by unique (package, path)
        let text = with_packages(
            "p.repository = $1 AND p.format = $2 AND p.name = $3 AND p.state NOT IN ('deleted', 'hidden') AND f.path = $4
             ORDER BY p.id DESC LIMIT 1",
        );
        first(self.sql, &text, &params![repository, format, name, path])?
            .map(|mut r| read_with_package(&mut r))
            .transpose()
    }

    fn file(&mut self, id: FileId) -> R<Option<(File, Package)>> {
        // primary keys
        first(self.sql, &with_packages("f.id = $1"), &params![id])?.map(|mut r| read_with_package(&mut r)).transpose()
    }

    fn files_with_digest(
        &mut self,
        repository: RepositoryId,
        format: &str,
        name: &str,
        digest: &Digest,
    ) -> R<Vec<(File, Package)>> {
        // file_by_digest, then primary key of package
        let text = with_packages(
            "f.digest = $4 AND p.repository = $1 AND p.format = $2 AND p.name = $3 AND p.state <> 'deleted'
             ORDER BY f.package, f.path",
        );
        all(self.sql, &text, &params![repository, format, name, digest], read_with_package)
    }

    fn delete_package(&mut self, package: PackageId) -> R<()> {
        self.release(package)?;
        self.forget_inputs_of(package)?;
        // unique (package, path); reference_by_package; primary key
        self.sql.execute("DELETE FROM file WHERE package = $1", &params![package])?;
        self.sql.execute("DELETE FROM reference WHERE package = $1", &params![package])?;
        match self.sql.execute("UPDATE package SET state = 'deleted' WHERE id = $1", &params![package])? {
            0 => Err(Problem::not_found("no such package")),
            _ => Ok(()),
        }
    }
}
