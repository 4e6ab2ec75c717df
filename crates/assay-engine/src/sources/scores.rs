//! Scores of CVEs: EPSS, KEV, SSVC. No finding is rewritten: scores join at read time, and what is decided again follows
//! from what moved and what policies read.

use super::import::Import;
use crate::{Engine, matching::decide_jobs};
use assay_model::{
    event::NewEvent,
    health::Ssvc,
    package::PackageId,
    policy::FactKind,
    problem::Problem,
    score::{Epss, Kev},
    seam::meta::{Change, ScoreTable, Tx},
    work::Lane,
};
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

impl Import<'_, '_> {
    pub(super) fn flush_epss(&mut self) -> Result<(), Problem> {
        let batch = std::mem::take(&mut self.epss);
        self.kept.epss.extend(batch.iter().map(|one: &Epss| super::advisories::short(&one.cve)));
        let (engine, now, mut changes) = (self.engine, self.now, Vec::new());
        engine.meta().write_now(Box::new(|tx| {
            let rules = engine.rules(tx)?;
            let read = rules.reads().contains(&FactKind::Epss);
            let cves: Vec<String> = batch.iter().map(|e| e.cve.clone()).collect();
            let before = if read { tx.scores(&cves)?.epss } else { BTreeMap::new() };
            changes = tx.put_epss(&batch)?;
            let concerned = |one: &Epss| read && rules.concerns(before.get(&one.cve), Some(one));
            let moved = moved(batch.iter().map(|e| &e.cve), &changes);
            let moved: BTreeSet<String> = moved.into_iter().collect();
            let moved: Vec<String> =
                batch.iter().filter(|e| moved.contains(&e.cve) && concerned(e)).map(|e| e.cve.clone()).collect();
            decide_scored(engine, tx, &moved, FactKind::Epss, "EPSS scores changed", now)
        }))?;
        self.count_all(&changes);
        Ok(())
    }

    pub(super) fn flush_kev(&mut self) -> Result<(), Problem> {
        let batch = std::mem::take(&mut self.kev);
        self.kept.kev.extend(batch.iter().map(|one: &Kev| super::advisories::short(&one.cve)));
        let (engine, now, mut changes) = (self.engine, self.now, Vec::new());
        engine.meta().write_now(Box::new(|tx| {
            changes = tx.put_kev(&batch, now)?;
            let moved = moved(batch.iter().map(|k| &k.cve), &changes);
            decide_scored(engine, tx, &moved, FactKind::Kev, "KEV entries changed", now)
        }))?;
        self.count_all(&changes);
        Ok(())
    }

    pub(super) fn flush_ssvc(&mut self) -> Result<(), Problem> {
        let batch: Vec<(String, Ssvc)> = std::mem::take(&mut self.ssvc);
        self.kept.ssvc.extend(batch.iter().map(|(cve, _)| super::advisories::short(cve)));
        let (engine, now, mut changes) = (self.engine, self.now, Vec::new());
        engine.meta().write_now(Box::new(|tx| {
            changes = tx.put_ssvc(&batch)?;
            let moved = moved(batch.iter().map(|(cve, _)| cve), &changes);
            decide_scored(engine, tx, &moved, kind_of(ScoreTable::Ssvc), "SSVC decision points changed", now)
        }))?;
        self.count_all(&changes);
        Ok(())
    }

    /// Takes scores back, some thousand at a time.
    pub(super) fn remove_scores(&mut self, table: ScoreTable, gone: &[String]) -> Result<(), Problem> {
        let cause = match table {
            ScoreTable::Epss => "EPSS scores were removed",
            ScoreTable::Kev => "KEV entries were removed",
            ScoreTable::Ssvc => "SSVC decision points were removed",
        };
        let (engine, now) = (self.engine, self.now);
        for chunk in gone.chunks(super::PAGE) {
            engine.meta().write_now(Box::new(|tx| {
                tx.remove_scores(table, chunk, now)?;
                decide_scored(engine, tx, chunk, kind_of(table), cause, now)
            }))?;
        }
        self.count_all(&vec![Change::Withdrawn; gone.len()]);
        Ok(())
    }
}

/// What a policy reads when it reads the table.
fn kind_of(table: ScoreTable) -> FactKind {
    match table {
        ScoreTable::Epss => FactKind::Epss,
        ScoreTable::Kev => FactKind::Kev,
        ScoreTable::Ssvc => FactKind::Ssvc,
    }
}

/// Those of the keys that changed.
pub(super) fn moved<'a>(keys: impl Iterator<Item = &'a String>, changes: &[Change]) -> Vec<String> {
    keys.zip(changes).filter(|(_, change)| **change != Change::Unchanged).map(|(key, _)| key.clone()).collect()
}

/// Asks for decisions about the packages with findings of these ids, if any enabled policy reads the score.
fn decide_scored(
    engine: &Engine,
    tx: &mut dyn Tx,
    moved: &[String],
    kind: FactKind,
    cause: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    if moved.is_empty() || !engine.rules(tx)?.reads().contains(&kind) {
        return Ok(());
    }
    let components = tx.components_with_ids(moved)?;
    let packages = tx.packages_with(&components)?;
    decide_touched(tx, &packages, cause, now)
}

/// Asks for decisions about these packages and logs how many they are.
pub(super) fn decide_touched(
    tx: &mut dyn Tx,
    packages: &[PackageId],
    cause: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    if packages.is_empty() {
        return Ok(());
    }
    tx.enqueue(&decide_jobs(packages, Lane::Change, cause, now))?;
    let body = json!({"packages": packages.len()});
    tx.append_event(&NewEvent { at: now, kind: "feed.touched", actor: "system".into(), subject: cause.into(), body })
        .map(|_| ())
}
