//! Which source repository a package is made from, and packages by their names alone.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, all, clean, numbers, texts, value::params};
use assay_model::{package::PackageId, seam::meta::PackageSources};
use std::collections::BTreeMap;

/// Longer addresses are not kept: no index row could hold them.
const LONGEST: usize = 800;

impl PackageSources for Session<'_> {
    fn set_package_source(&mut self, package: PackageId, repository: Option<&str>) -> R<()> {
        match repository.filter(|address| address.len() <= LONGEST) {
            Some(address) => self.sql.execute(
                "INSERT INTO package_source (package, repository) VALUES ($1, $2)
                 ON CONFLICT (package) DO UPDATE SET repository = excluded.repository
                 WHERE package_source.repository <> excluded.repository",
                &params![package, clean(address).as_ref()],
            )?,
            None => self.sql.execute("DELETE FROM package_source WHERE package = $1", &params![package])?,
        };
        Ok(())
    }

    fn package_sources(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, String>> {
        let mut found = BTreeMap::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            // primary key
            found.extend(all(
                self.sql,
                "SELECT package, repository FROM package_source
                 WHERE package IN (SELECT CAST(value AS BIGINT) FROM @list($1))",
                &[numbers(chunk.iter().map(|id| id.0))],
                |r| Ok((PackageId(r.int()?), r.text()?)),
            )?);
        }
        Ok(found)
    }

    fn packages_from(&mut self, repositories: &[String]) -> R<Vec<PackageId>> {
        let mut found = Vec::new();
        for chunk in repositories.chunks(KEYS_AT_ONCE) {
            // package_source_by_repository, primary key of package
            found.extend(all(
                self.sql,
                "SELECT s.package FROM package_source s JOIN package p ON p.id = s.package
                 WHERE s.repository IN (SELECT value FROM @list($1)) AND p.state <> 'deleted' ORDER BY s.package",
                &[texts(chunk)],
                |r| Ok(PackageId(r.int()?)),
            )?);
        }
        Ok(found)
    }

    fn source_repositories(&mut self, after: &str, limit: usize) -> R<Vec<String>> {
        // package_source_by_repository, in order
        all(
            self.sql,
            "SELECT DISTINCT s.repository FROM package_source s JOIN package p ON p.id = s.package
             WHERE s.repository > $1 AND p.state <> 'deleted' ORDER BY s.repository LIMIT $2",
            &params![after, i64::try_from(limit).unwrap_or(i64::MAX)],
            |r| r.text(),
        )
    }

    fn packages_called(&mut self, format: &str, names: &[String]) -> R<Vec<PackageId>> {
        let mut found = Vec::new();
        for chunk in names.chunks(KEYS_AT_ONCE) {
            // package_by_format_name
            found.extend(all(
                self.sql,
                "SELECT id FROM package WHERE format = $1 AND name IN (SELECT value FROM @list($2))
                   AND state <> 'deleted' ORDER BY id",
                &[format.into(), texts(chunk)],
                |r| Ok(PackageId(r.int()?)),
            )?);
        }
        Ok(found)
    }

    fn names_of_format(&mut self, format: &str, after: &str, limit: usize) -> R<Vec<String>> {
        // package_by_format_name, in order
        all(
            self.sql,
            "SELECT DISTINCT name FROM package WHERE format = $1 AND name > $2 AND state <> 'deleted'
             ORDER BY name LIMIT $3",
            &params![format, after, i64::try_from(limit).unwrap_or(i64::MAX)],
            |r| r.text(),
        )
    }
}
