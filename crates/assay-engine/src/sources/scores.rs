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
            let cves: Vec<String> = batch.iter().map(|e| e.cve.clone()).collect();
            let before = read_epss(engine, tx, &cves)?;
            changes = tx.put_epss(&batch)?;
            let moved: BTreeSet<String> = moved(cves.iter(), &changes).into_iter().collect();
            let after = batch.iter().filter(|one| moved.contains(&one.cve)).map(|one| (&one.cve, Some(one)));
            let moved = concerned(engine, tx, before.as_ref(), after)?;
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
                let gone = match table {
                    ScoreTable::Epss => {
                        let before = read_epss(engine, tx, chunk)?;
                        concerned(engine, tx, before.as_ref(), chunk.iter().map(|cve| (cve, None)))?
                    }
                    ScoreTable::Kev | ScoreTable::Ssvc => chunk.to_vec(),
                };
                tx.remove_scores(table, chunk, now)?;
                decide_scored(engine, tx, &gone, kind_of(table), cause, now)
            }))?;
        }
        self.count_all(&vec![Change::Withdrawn; gone.len()]);
        Ok(())
    }
}

/// Scores as they are before a change, if any enabled policy reads them.
fn read_epss(engine: &Engine, tx: &mut dyn Tx, cves: &[String]) -> Result<Option<BTreeMap<String, Epss>>, Problem> {
    if !engine.rules(tx)?.reads().contains(&FactKind::Epss) {
        return Ok(None);
    }
    Ok(Some(tx.scores(cves)?.epss))
}

/// CVEs whose move from `before` can change what a policy says.
fn concerned<'a>(
    engine: &Engine,
    tx: &mut dyn Tx,
    before: Option<&BTreeMap<String, Epss>>,
    after: impl Iterator<Item = (&'a String, Option<&'a Epss>)>,
) -> Result<Vec<String>, Problem> {
    let Some(before) = before else { return Ok(Vec::new()) };
    let rules = engine.rules(tx)?;
    Ok(after.filter(|(cve, now)| rules.concerns(before.get(*cve), *now)).map(|(cve, _)| cve.clone()).collect())
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
