//! Decisions: documents, found by id and by package.

use super::Session;
use crate::sql::{R, all, first, value, value::json, value::params};
use assay_model::{
    Problem,
    decision::{Decision, DecisionId},
    package::PackageId,
    seam::meta::Decisions,
};

impl Decisions for Session<'_> {
    fn append_decision(&mut self, decision: &Decision) -> R<()> {
        let added = self.sql.execute(
            "INSERT INTO decision (id, package, at, document) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
            &[(&decision.id).into(), decision.package.into(), decision.at.into(), json(decision)?],
        )?;
        match added {
            0 => Err(Problem::conflict(format!("the decision {} is kept already", decision.id))),
            _ => Ok(()),
        }
    }

    fn decision(&mut self, id: &DecisionId) -> R<Option<Decision>> {
        // primary key
        first(self.sql, "SELECT document FROM decision WHERE id = $1", &params![id])?.map(|mut r| r.json()).transpose()
    }

    fn decisions_of(&mut self, package: PackageId, limit: usize) -> R<Vec<Decision>> {
        // decision_by_package, descending
        all(
            self.sql,
            "SELECT document FROM decision WHERE package = $1 ORDER BY at DESC, id DESC LIMIT $2",
            &[package.into(), value::limit(limit)],
            |r| r.json(),
        )
    }
}
