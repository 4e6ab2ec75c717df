//! Decisions: documents, found by id and by package. Their inputs and their log are in `record`.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, all, first, insert_many, numbers, value, value::json, value::params};
use assay_model::{
    Problem,
    decision::{Decision, DecisionId, Outcome},
    package::{PackageId, State},
    seam::meta::Decisions,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Decisions for Session<'_> {
    fn append_decision(&mut self, decision: &Decision) -> R<()> {
        let said: BTreeSet<&str> =
            decision.verdicts.iter().filter(|v| v.outcome != Outcome::NoMatch).map(|v| v.policy.as_str()).collect();
        // primary keys
        let added = self.sql.execute(
            "INSERT INTO decision (id, package, at, document, repository, input, said)
             VALUES ($1, $2, $3, $4, (SELECT p.repository FROM package p WHERE p.id = $2),
               (SELECT i.digest FROM decision_input i WHERE i.digest = $5), $6)
             ON CONFLICT (id) DO NOTHING",
            &[
                (&decision.id).into(),
                decision.package.into(),
                decision.at.into(),
                json(decision)?,
                (&decision.basis.input).into(),
                value::limit(said.len()),
            ],
        )?;
        if added == 0 {
            return Err(Problem::conflict(format!("the decision {} is kept already", decision.id)));
        }
        let rows = said.into_iter().map(|policy| vec![policy.into(), (&decision.id).into()]).collect();
        insert_many(self.sql, "INSERT INTO decision_verdict (policy, decision)", "", rows)?;
        // decision_in_force
        self.sql.execute(
            "UPDATE decision SET superseded_at = $1 WHERE package = $2 AND superseded_at IS NULL AND id <> $3",
            &params![decision.at, decision.package, &decision.id],
        )?;
        Ok(())
    }

    fn decision(&mut self, id: &DecisionId) -> R<Option<Decision>> {
        // primary key
        first(self.sql, "SELECT document FROM decision WHERE id = $1", &params![id])?.map(|mut r| r.json()).transpose()
    }

    fn decisions_in_force(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Decision>> {
        let mut found = BTreeMap::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            // primary keys
            found.extend(all(
                self.sql,
                "SELECT p.id, d.document FROM package p JOIN decision d ON d.id = p.decision
                 WHERE p.id IN (SELECT CAST(value AS BIGINT) FROM @list($1))",
                &[numbers(chunk.iter().map(|p| p.0))],
                |r| Ok((PackageId(r.int()?), r.json()?)),
            )?);
        }
        Ok(found)
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

    fn decided_states(&mut self, packages: &[PackageId]) -> R<Vec<(PackageId, Timestamp, State)>> {
        /// As much of a decision as is asked for.
        #[derive(serde::Deserialize)]
        struct Told {
            state: State,
        }
        let mut found = Vec::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            // decision_by_package, in order
            found.extend(all(
                self.sql,
                "SELECT package, at, document FROM decision
                 WHERE package IN (SELECT CAST(value AS BIGINT) FROM @list($1)) ORDER BY package, at, id",
                &[numbers(chunk.iter().map(|p| p.0))],
                |r| Ok((PackageId(r.int()?), r.time()?, r.json::<Told>()?.state)),
            )?);
        }
        Ok(found)
    }
}
