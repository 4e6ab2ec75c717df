//! Policies: the set in force, and every revision there was.

use super::Session;
use crate::sql::{R, all, first, value::json, value::params};
use assay_model::{Problem, policy::Policy, seam::meta::Policies};

impl Session<'_> {
    fn policy_in_force(&mut self, slug: &str) -> R<Option<Policy>> {
        // primary keys
        first(
            self.sql,
            "SELECT r.document FROM policy p JOIN policy_revision r ON r.slug = p.slug AND r.revision = p.revision
             WHERE p.slug = $1",
            &params![slug],
        )?
        .map(|mut r| r.json())
        .transpose()
    }
}

impl Policies for Session<'_> {
    fn put_policy(&mut self, policy: &Policy) -> R<u32> {
        let before = self.policy_in_force(&policy.slug)?;
        // primary key; counts on after a deletion, so that a revision never means two texts
        let mut last = first(
            self.sql,
            "SELECT COALESCE(MAX(revision), 0) FROM policy_revision WHERE slug = $1",
            &params![&policy.slug],
        )?
        .ok_or_else(|| Problem::bug("an aggregate without a row"))?;
        let revision = last.small()? + 1;
        let created_at = before.map_or(policy.created_at, |p| p.created_at);
        let kept = Policy { revision, created_at, ..policy.clone() };
        self.sql.execute(
            "INSERT INTO policy_revision (slug, revision, document) VALUES ($1, $2, $3)",
            &[(&kept.slug).into(), revision.into(), json(&kept)?],
        )?;
        self.sql.execute(
            "INSERT INTO policy (slug, revision, precedence) VALUES ($1, $2, $3)
             ON CONFLICT (slug) DO UPDATE SET revision = excluded.revision, precedence = excluded.precedence",
            &params![&kept.slug, revision, i64::from(kept.precedence)],
        )?;
        Ok(revision)
    }

    fn policies(&mut self) -> R<Vec<Policy>> {
        // few rows: sorted without an index
        all(
            self.sql,
            "SELECT r.document FROM policy p JOIN policy_revision r ON r.slug = p.slug AND r.revision = p.revision
             ORDER BY p.precedence, p.slug",
            &[],
            |r| r.json(),
        )
    }

    fn policy_revision(&mut self, slug: &str, revision: u32) -> R<Option<Policy>> {
        // primary key
        first(
            self.sql,
            "SELECT document FROM policy_revision WHERE slug = $1 AND revision = $2",
            &params![slug, revision],
        )?
        .map(|mut r| r.json())
        .transpose()
    }

    fn delete_policy(&mut self, slug: &str) -> R<bool> {
        Ok(self.sql.execute("DELETE FROM policy WHERE slug = $1", &params![slug])? > 0)
    }
}
