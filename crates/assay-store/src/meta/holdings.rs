//! What repositories hold: kept in step with packages and files by the ports that change these.

use super::Session;
use crate::sql::{Dialect, KEYS_AT_ONCE, R, all, first, texts, value, value::params};
use assay_model::{
    Digest, Problem,
    keeping::Usage,
    package::{NewFile, PackageId},
    repository::RepositoryId,
    seam::meta::Holdings,
};
use std::collections::{BTreeMap, BTreeSet};

impl Session<'_> {
    /// Adds to a repository's count of packages.
    pub(super) fn count_package(&mut self, repository: RepositoryId, more: i64) -> R<()> {
        self.add_usage(repository, more, 0)
    }

    fn add_usage(&mut self, repository: RepositoryId, packages: i64, bytes: i64) -> R<()> {
        self.sql.execute(
            "INSERT INTO repository_usage (repository, packages, bytes) VALUES ($1, $2, $3)
             ON CONFLICT (repository) DO UPDATE SET packages = repository_usage.packages + excluded.packages,
               bytes = repository_usage.bytes + excluded.bytes",
            &params![repository, packages, bytes],
        )?;
        Ok(())
    }

    /// Makes other writers of the repository wait, so that two of them do not both count bytes that they share.
    fn lock_usage(&mut self, repository: RepositoryId) -> R<()> {
        match self.sql.dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::Postgres => self.add_usage(repository, 0, 0),
        }
    }

    fn home(&mut self, package: PackageId) -> R<(RepositoryId, bool)> {
        // primary key
        let row = first(self.sql, "SELECT repository, state FROM package WHERE id = $1", &params![package])?;
        let mut row = row.ok_or_else(|| Problem::not_found("no such package"))?;
        Ok((RepositoryId(row.int()?), row.text()? != "deleted"))
    }

    /// Those of these digests that no package of the repository but this one has.
    fn unshared(&mut self, digests: &[&str], repository: RepositoryId, but: PackageId) -> R<BTreeSet<String>> {
        let mut alone = BTreeSet::new();
        for chunk in digests.chunks(KEYS_AT_ONCE) {
            // file_by_digest, then primary key of package, until one is found
            alone.extend(all(
                self.sql,
                "SELECT l.value FROM @list($1) l WHERE NOT EXISTS (
                   SELECT 1 FROM file f JOIN package p ON p.id = f.package
                   WHERE f.digest = l.value AND f.package <> $2 AND p.repository = $3)",
                &[texts(chunk.iter().copied()), but.into(), repository.into()],
                |r| r.text(),
            )?);
        }
        Ok(alone)
    }

    /// Counts bytes that a package is about to get.
    pub(super) fn hold_files(&mut self, package: PackageId, fresh: &[&NewFile]) -> R<()> {
        let sizes: BTreeMap<&Digest, u64> = fresh.iter().map(|f| (&f.digest, f.size)).collect();
        self.hold(package, sizes.into_iter().map(|(digest, size)| (digest.as_str(), size)).collect())
    }

    pub(super) fn hold(&mut self, package: PackageId, sizes: BTreeMap<&str, u64>) -> R<()> {
        if sizes.is_empty() {
            return Ok(());
        }
        let (repository, _) = self.home(package)?;
        self.lock_usage(repository)?;
        let own = self.own_digests(package)?;
        let digests: Vec<&str> = sizes.keys().copied().filter(|d| !own.contains_key(*d)).collect();
        let alone = self.unshared(&digests, repository, package)?;
        let bytes: u64 = digests.iter().filter(|d| alone.contains(**d)).filter_map(|d| sizes.get(d)).sum();
        if bytes > 0 {
            self.add_usage(repository, 0, signed(bytes)?)?;
        }
        Ok(())
    }

    fn own_digests(&mut self, package: PackageId) -> R<BTreeMap<String, u64>> {
        // unique (package, path)
        let rows = all(self.sql, "SELECT digest, size FROM file WHERE package = $1", &params![package], |r| {
            Ok((r.text()?, r.unsigned()?))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// Takes a package and its bytes off the count, before they go.
    pub(super) fn release(&mut self, package: PackageId) -> R<()> {
        let (repository, counted) = self.home(package)?;
        self.lock_usage(repository)?;
        let own = self.own_digests(package)?;
        let digests: Vec<&str> = own.keys().map(String::as_str).collect();
        let alone = self.unshared(&digests, repository, package)?;
        let bytes: u64 = alone.iter().filter_map(|d| own.get(d)).sum();
        self.add_usage(repository, -i64::from(counted), -signed(bytes)?)
    }
}

fn signed(bytes: u64) -> R<i64> {
    match value::size(bytes)? {
        crate::sql::Value::Int(bytes) => Ok(bytes),
        _ => Err(Problem::bug("a size is an integer")),
    }
}

impl Holdings for Session<'_> {
    fn usage(&mut self, repository: RepositoryId) -> R<Usage> {
        // primary key
        let row = first(
            self.sql,
            "SELECT packages, bytes FROM repository_usage WHERE repository = $1",
            &params![repository],
        )?;
        row.map_or(Ok(Usage::default()), |mut r| Ok(Usage { packages: r.unsigned()?, bytes: r.unsigned()? }))
    }

    fn usages(&mut self) -> R<BTreeMap<RepositoryId, Usage>> {
        let rows = all(self.sql, "SELECT repository, packages, bytes FROM repository_usage", &[], |r| {
            Ok((RepositoryId(r.int()?), Usage { packages: r.unsigned()?, bytes: r.unsigned()? }))
        })?;
        Ok(rows.into_iter().collect())
    }

    fn trash_usages(&mut self) -> R<BTreeMap<RepositoryId, Usage>> {
        let rows = all(
            self.sql,
            "SELECT t.repository, COUNT(DISTINCT t.package), CAST(COALESCE(SUM(f.size), 0) AS BIGINT)
             FROM trash t LEFT JOIN trash_file f ON f.package = t.package GROUP BY t.repository",
            &[],
            |r| Ok((RepositoryId(r.int()?), Usage { packages: r.unsigned()?, bytes: r.unsigned()? })),
        )?;
        Ok(rows.into_iter().collect())
    }
}
