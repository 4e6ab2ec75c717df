//! What people say of single packages: overrides (kept with the package), own tags, corrected licences, approvals.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, Row, Value, all, clean, first, numbers, value, value::json, value::params};
use assay_model::{
    overrides::{Approval, ApprovalStatus, LicenseCorrection},
    package::PackageId,
    seam::meta::{Approvals, Overrides, PersonalFilter},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Adds what a filter asks for to the conditions of a query over `p`, the package, and gives its limit.
fn narrow(filter: &PersonalFilter, sql: &mut String, params: &mut Vec<Value>) {
    if let Some(places) = &filter.repositories {
        params.push(numbers(places.iter().map(|r| r.0)));
        sql.push_str(&format!(" AND p.repository IN (SELECT CAST(value AS BIGINT) FROM @list(${}))", params.len()));
    }
    if let Some(before) = filter.before {
        params.push(before.into());
        sql.push_str(&format!(" AND p.id < ${}", params.len()));
    }
    params.push(value::limit(filter.limit));
}

impl Session<'_> {
    /// Forgets what was said of a package that was deleted and is published anew.
    pub(super) fn forget_overrides(&mut self, package: PackageId) -> R<()> {
        for table in ["own_tags", "license_correction", "approval"] {
            // primary key, its first column
            self.sql.execute(&format!("DELETE FROM {table} WHERE package = $1"), &params![package])?;
        }
        Ok(())
    }

    fn by_package<T>(
        &mut self,
        text: &str,
        packages: &[PackageId],
        read: impl Fn(&mut Row) -> R<T>,
    ) -> R<Vec<(PackageId, T)>> {
        let mut found = Vec::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            let text = format!("{text} WHERE package IN (SELECT CAST(value AS BIGINT) FROM @list($1))");
            found.extend(all(self.sql, &text, &[numbers(chunk.iter().map(|p| p.0))], |row| {
                Ok((PackageId(row.int()?), read(row)?))
            })?);
        }
        Ok(found)
    }
}

impl Overrides for Session<'_> {
    fn overridden(&mut self, filter: &PersonalFilter) -> R<Vec<PackageId>> {
        let mut text = "SELECT p.id FROM package p WHERE p.held IS NOT NULL AND p.state <> 'deleted'".to_owned();
        let mut params = Vec::new();
        narrow(filter, &mut text, &mut params);
        // package_overridden, descending
        text.push_str(&format!(" ORDER BY p.id DESC LIMIT ${}", params.len()));
        all(self.sql, &text, &params, |row| row.int().map(PackageId))
    }

    fn put_own_tags(&mut self, package: PackageId, tags: &BTreeSet<String>) -> R<()> {
        self.sql.execute(
            "INSERT INTO own_tags (package, tags) VALUES ($1, $2)
             ON CONFLICT (package) DO UPDATE SET tags = excluded.tags",
            &[package.into(), json(tags)?],
        )?;
        Ok(())
    }

    fn own_tags(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, BTreeSet<String>>> {
        // primary key
        Ok(self.by_package("SELECT package, tags FROM own_tags", packages, |row| row.json())?.into_iter().collect())
    }

    fn correct_license(&mut self, package: PackageId, correction: Option<&LicenseCorrection>) -> R<bool> {
        // primary key
        let there =
            first(self.sql, "SELECT 1 FROM license_correction WHERE package = $1", &params![package])?.is_some();
        match correction {
            Some(said) => self.sql.execute(
                "INSERT INTO license_correction (package, expression, reason, author, at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (package) DO UPDATE SET expression = excluded.expression, reason = excluded.reason,
                   author = excluded.author, at = excluded.at",
                &params![
                    package,
                    clean(&said.expression).as_ref(),
                    clean(&said.reason).as_ref(),
                    clean(&said.author).as_ref(),
                    said.at
                ],
            )?,
            None => self.sql.execute("DELETE FROM license_correction WHERE package = $1", &params![package])?,
        };
        Ok(there)
    }

    fn corrected_licenses(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, LicenseCorrection>> {
        let read = |row: &mut Row| {
            Ok(LicenseCorrection { expression: row.text()?, reason: row.text()?, author: row.text()?, at: row.time()? })
        };
        // primary key
        let text = "SELECT package, expression, reason, author, at FROM license_correction";
        Ok(self.by_package(text, packages, read)?.into_iter().collect())
    }

    fn deleted_by_policies(&mut self, before: Timestamp, limit: usize) -> R<Vec<PackageId>> {
        // package_by_state; what people deleted has no files, or has them in the trash
        all(
            self.sql,
            "SELECT p.id FROM package p WHERE p.state = 'deleted'
               AND EXISTS (SELECT 1 FROM file f WHERE f.package = p.id)
               AND EXISTS (SELECT 1 FROM decision d WHERE d.id = p.decision AND d.at < $1)
             ORDER BY p.id LIMIT $2",
            &[before.into(), value::limit(limit)],
            |row| row.int().map(PackageId),
        )
    }
}

const APPROVAL: &str = "a.package, a.policy, a.status, a.reason, a.author, a.expires_at, a.requested_at, a.changed_at";

fn read_approval(row: &mut Row) -> R<Approval> {
    Ok(Approval {
        package: PackageId(row.int()?),
        policy: row.text()?,
        status: row.word(ApprovalStatus::parse)?,
        reason: row.text()?,
        author: row.text()?,
        expires_at: row.time_or_null()?,
        requested_at: row.time()?,
        changed_at: row.time()?,
    })
}

impl Approvals for Session<'_> {
    fn put_approval(&mut self, approval: &Approval) -> R<()> {
        self.sql.execute(
            "INSERT INTO approval (package, policy, status, reason, author, expires_at, requested_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (package, policy) DO UPDATE SET status = excluded.status, reason = excluded.reason,
               author = excluded.author, expires_at = excluded.expires_at, requested_at = excluded.requested_at,
               changed_at = excluded.changed_at",
            &params![
                approval.package,
                approval.policy.as_str(),
                approval.status.as_str(),
                clean(&approval.reason).as_ref(),
                clean(&approval.author).as_ref(),
                approval.expires_at,
                approval.requested_at,
                approval.changed_at
            ],
        )?;
        Ok(())
    }

    fn approvals_of(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Vec<Approval>>> {
        let mut found: BTreeMap<PackageId, Vec<Approval>> = BTreeMap::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            // primary key, its first column
            let rows = all(
                self.sql,
                &format!(
                    "SELECT {APPROVAL} FROM approval a
                     WHERE a.package IN (SELECT CAST(value AS BIGINT) FROM @list($1)) ORDER BY a.package, a.policy"
                ),
                &[numbers(chunk.iter().map(|p| p.0))],
                read_approval,
            )?;
            for row in rows {
                found.entry(row.package).or_default().push(row);
            }
        }
        Ok(found)
    }

    fn approvals(&mut self, status: Option<ApprovalStatus>, filter: &PersonalFilter) -> R<Vec<Approval>> {
        let mut text =
            format!("SELECT {APPROVAL} FROM approval a JOIN package p ON p.id = a.package WHERE p.state <> 'deleted'");
        let mut params = Vec::new();
        if let Some(status) = status {
            params.push(status.as_str().into());
            text.push_str(" AND a.status = $1");
        }
        narrow(filter, &mut text, &mut params);
        // approval_by_status, descending; the primary key
        text.push_str(&format!(" ORDER BY a.package DESC, a.policy LIMIT ${}", params.len()));
        all(self.sql, &text, &params, read_approval)
    }
}
