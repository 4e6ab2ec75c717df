//! References: mutable names of packages.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, Row, all, first, numbers, value::params};
use assay_model::{
    package::{PackageId, Reference},
    repository::RepositoryId,
    seam::meta::References,
};
use jiff::Timestamp;

const COLUMNS: &str =
    "SELECT r.reference, r.package, p.version, r.set_at FROM reference r JOIN package p ON p.id = r.package";

fn read(row: &mut Row) -> R<Reference> {
    Ok(Reference { name: row.text()?, package: PackageId(row.int()?), version: row.text()?, set_at: row.time()? })
}

impl References for Session<'_> {
    fn set_reference(
        &mut self,
        repository: RepositoryId,
        format: &str,
        name: &str,
        reference: &str,
        package: PackageId,
        at: Timestamp,
    ) -> R<Option<PackageId>> {
        // primary key
        let before = first(
            self.sql,
            "SELECT package FROM reference
             WHERE repository = $1 AND format = $2 AND name = $3 AND reference = $4 @lock",
            &params![repository, format, name, reference],
        )?;
        self.sql.execute(
            "INSERT INTO reference (repository, format, name, reference, package, set_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (repository, format, name, reference)
             DO UPDATE SET package = excluded.package, set_at = excluded.set_at",
            &params![repository, format, name, reference, package, at],
        )?;
        before.map(|mut r| r.int().map(PackageId)).transpose()
    }

    fn references(&mut self, repository: RepositoryId, format: &str, name: &str) -> R<Vec<Reference>> {
        // primary key, in order
        all(
            self.sql,
            &format!(
                "{COLUMNS} WHERE r.repository = $1 AND r.format = $2 AND r.name = $3 AND p.state <> 'deleted'
                 ORDER BY r.reference"
            ),
            &params![repository, format, name],
            read,
        )
    }

    fn references_to(&mut self, packages: &[PackageId]) -> R<Vec<Reference>> {
        let mut found = Vec::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            // reference_by_package
            found.extend(all(
                self.sql,
                &format!(
                    "{COLUMNS} WHERE r.package IN (SELECT CAST(value AS BIGINT) FROM @list($1))
                     ORDER BY r.package, r.reference"
                ),
                &[numbers(chunk.iter().map(|p| p.0))],
                read,
            )?);
        }
        Ok(found)
    }

    fn delete_reference(&mut self, repository: RepositoryId, format: &str, name: &str, reference: &str) -> R<bool> {
        let gone = self.sql.execute(
            "DELETE FROM reference WHERE repository = $1 AND format = $2 AND name = $3 AND reference = $4",
            &params![repository, format, name, reference],
        )?;
        Ok(gone > 0)
    }
}
