//! What decisions leave behind: the documents that they were functions of, and their log.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, Row, Value, all, first, numbers, texts, value, value::params};
use assay_model::{
    decision::{Decision, DecisionId},
    package::{Coordinates, PackageId},
    repository::RepositoryId,
    seam::meta::{DecisionFilter, DecisionInputs, DecisionLog, Logged, PackedInput},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Session<'_> {
    /// Deletes those of these documents that no decision refers to.
    fn drop_inputs(&mut self, digests: Vec<String>) -> R<()> {
        let digests: BTreeSet<String> = digests.into_iter().collect();
        if !digests.is_empty() {
            // primary key, decision_by_input; a decision that came to refer to one meanwhile keeps it by its reference
            self.sql.execute(
                "DELETE FROM decision_input WHERE digest IN (SELECT value FROM @list($1))
                 AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.input = decision_input.digest)",
                &[texts(&digests)],
            )?;
        }
        Ok(())
    }

    /// Lets all decisions about a package that is gone forget their documents.
    pub(super) fn forget_inputs_of(&mut self, package: PackageId) -> R<()> {
        // decision_by_package
        let forgotten = all(
            self.sql,
            "SELECT input FROM decision WHERE package = $1 AND input IS NOT NULL",
            &params![package],
            Row::text,
        )?;
        if forgotten.is_empty() {
            return Ok(());
        }
        self.sql
            .execute("UPDATE decision SET input = NULL WHERE package = $1 AND input IS NOT NULL", &params![package])?;
        self.drop_inputs(forgotten)
    }
}

impl DecisionInputs for Session<'_> {
    fn keep_input(&mut self, input: &PackedInput) -> R<()> {
        self.sql.execute(
            "INSERT INTO decision_input (digest, packing, size, document) VALUES ($1, $2, $3, $4)
             ON CONFLICT (digest) DO NOTHING",
            &[(&input.digest).into(), input.packing.into(), value::size(input.size)?, input.bytes.clone().into()],
        )?;
        Ok(())
    }

    fn inputs(&mut self, digests: &[String]) -> R<Vec<PackedInput>> {
        let mut found = Vec::new();
        for chunk in digests.chunks(KEYS_AT_ONCE) {
            // primary key
            found.extend(all(
                self.sql,
                "SELECT digest, packing, size, document FROM decision_input WHERE digest IN (SELECT value FROM @list($1))",
                &[texts(chunk)],
                |r| Ok(PackedInput { digest: r.text()?, packing: r.small()?, size: r.unsigned()?, bytes: r.bytes()? }),
            )?);
        }
        Ok(found)
    }

    fn forget_inputs(&mut self, before: Timestamp, limit: usize) -> R<usize> {
        // decision_superseded, from its beginning
        let old = all(
            self.sql,
            "SELECT id, input FROM decision WHERE superseded_at < $1 AND superseded_at IS NOT NULL AND input IS NOT NULL
             ORDER BY superseded_at, id LIMIT $2",
            &[before.into(), value::limit(limit)],
            |r| Ok((r.text()?, r.text()?)),
        )?;
        let (ids, inputs): (Vec<String>, Vec<String>) = old.into_iter().unzip();
        for chunk in ids.chunks(KEYS_AT_ONCE) {
            self.sql.execute(
                "UPDATE decision SET input = NULL WHERE id IN (SELECT value FROM @list($1))",
                &[texts(chunk)],
            )?;
        }
        self.drop_inputs(inputs)?;
        Ok(ids.len())
    }
}

/// Conditions of a filter that are the same whatever index leads.
struct Conditions {
    text: Vec<String>,
    params: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, condition: &str, value: Value) {
        self.params.push(value);
        self.text.push(condition.replace("$?", &format!("${}", self.params.len())));
    }

    /// On the ids in `column`.
    fn of(filter: &DecisionFilter, column: &str) -> Self {
        let mut conditions = Self { text: Vec::new(), params: Vec::new() };
        if let Some(after) = &filter.after {
            conditions.add(&format!("{column} > $?"), after.into());
        }
        if let Some(before) = &filter.before {
            conditions.add(&format!("{column} < $?"), before.into());
        }
        conditions
    }

    fn select(mut self, what: &str, from: &str, filter: &DecisionFilter) -> (String, Vec<Value>) {
        let condition = if self.text.is_empty() { String::new() } else { format!("WHERE {}", self.text.join(" AND ")) };
        let order = if filter.newest_first { "DESC" } else { "ASC" };
        self.params.push(value::limit(filter.limit));
        let limit = self.params.len();
        (format!("SELECT {what} FROM {from} {condition} ORDER BY {what} {order} LIMIT ${limit}"), self.params)
    }
}

impl Session<'_> {
    /// The ids on a page: one index walk, or one per repository, merged.
    fn decision_ids(&mut self, filter: &DecisionFilter) -> R<Vec<String>> {
        let places = match (&filter.repositories, &filter.packages, &filter.said_by) {
            (Some(places), None, None) => places.clone(),
            _ => return self.ids_along(filter, None),
        };
        let mut ids = Vec::new();
        for place in places {
            ids.extend(self.ids_along(filter, Some(place))?);
        }
        ids.sort_unstable();
        if filter.newest_first {
            ids.reverse();
        }
        ids.truncate(filter.limit);
        Ok(ids)
    }

    /// Along the primary key of decision_verdict, decision_by_package, decision_by_repository, decision_said or the
    /// primary key of decision.
    fn ids_along(&mut self, filter: &DecisionFilter, place: Option<RepositoryId>) -> R<Vec<String>> {
        let (what, from) = match &filter.said_by {
            Some(_) if filter.packages.is_none() => ("v.decision", "decision_verdict v"),
            _ => ("d.id", "decision d"),
        };
        let mut conditions = Conditions::of(filter, what);
        match (&filter.packages, &filter.said_by) {
            (Some(packages), said_by) => {
                let list = numbers(packages.iter().map(|p| p.0));
                conditions.add("d.package IN (SELECT CAST(value AS BIGINT) FROM @list($?))", list);
                if let Some(policy) = said_by {
                    let said = "EXISTS (SELECT 1 FROM decision_verdict v WHERE v.policy = $? AND v.decision = d.id)";
                    conditions.add(said, policy.into());
                }
            }
            (None, Some(policy)) => conditions.add("v.policy = $?", policy.into()),
            (None, None) => {}
        }
        if let Some(place) = place {
            conditions.add("d.repository = $?", place.into());
        }
        if let (Some(places), None) = (&filter.repositories, place) {
            let list = numbers(places.iter().map(|p| p.0));
            conditions.add(
                match from {
                    "decision d" => "d.repository IN (SELECT CAST(value AS BIGINT) FROM @list($?))",
                    _ => {
                        "EXISTS (SELECT 1 FROM decision d WHERE d.id = v.decision
                           AND d.repository IN (SELECT CAST(value AS BIGINT) FROM @list($?)))"
                    }
                },
                list,
            );
        }
        if filter.said && from == "decision d" {
            conditions.text.push("d.said > 0".to_owned());
        }
        let (text, params) = conditions.select(what, from, filter);
        all(self.sql, &text, &params, Row::text)
    }
}

const LOGGED: &str = "d.document, p.format, p.name, p.version, p.repository, d.input, d.superseded_at";

fn read(row: &mut Row) -> R<Logged> {
    Ok(Logged {
        decision: row.json()?,
        at: Coordinates { format: row.text()?, name: row.text()?, version: row.text()? },
        repository: RepositoryId(row.int()?),
        kept: row.text_or_null()?.is_some(),
        superseded_at: row.time_or_null()?,
    })
}

impl DecisionLog for Session<'_> {
    fn logged_decisions(&mut self, filter: &DecisionFilter) -> R<Vec<Logged>> {
        let ids = self.decision_ids(filter)?;
        let mut found: BTreeMap<String, Logged> = BTreeMap::new();
        for chunk in ids.chunks(KEYS_AT_ONCE) {
            // primary keys
            let rows = all(
                self.sql,
                &format!(
                    "SELECT {LOGGED} FROM decision d JOIN package p ON p.id = d.package
                     WHERE d.id IN (SELECT value FROM @list($1))"
                ),
                &[texts(chunk)],
                read,
            )?;
            found.extend(rows.into_iter().map(|logged| (logged.decision.id.0.clone(), logged)));
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    fn logged_decision(&mut self, id: &DecisionId) -> R<Option<Logged>> {
        // primary keys
        let text = format!("SELECT {LOGGED} FROM decision d JOIN package p ON p.id = d.package WHERE d.id = $1");
        first(self.sql, &text, &params![id])?.map(|mut r| read(&mut r)).transpose()
    }

    fn decision_in_force(&mut self, package: PackageId, at: Timestamp) -> R<Option<Decision>> {
        // decision_by_package, descending
        first(
            self.sql,
            "SELECT document FROM decision WHERE package = $1 AND at <= $2 ORDER BY at DESC, id DESC LIMIT 1",
            &params![package, at],
        )?
        .map(|mut r| r.json())
        .transpose()
    }

    fn count_decisions(&mut self, filter: &DecisionFilter) -> R<u64> {
        let mut conditions = Conditions::of(filter, "d.id");
        if let Some(packages) = &filter.packages {
            let list = numbers(packages.iter().map(|p| p.0));
            conditions.add("d.package IN (SELECT CAST(value AS BIGINT) FROM @list($?))", list);
        }
        if let Some(places) = &filter.repositories {
            let list = numbers(places.iter().map(|p| p.0));
            conditions.add("d.repository IN (SELECT CAST(value AS BIGINT) FROM @list($?))", list);
        }
        let condition = match conditions.text.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", conditions.text.join(" AND ")),
        };
        let text = format!("SELECT COUNT(*) FROM decision d {condition}");
        first(self.sql, &text, &conditions.params)?.map_or(Ok(0), |mut r| r.unsigned())
    }
}
