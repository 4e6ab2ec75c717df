//! Scorecards and catalogues of popular packages: what changed of them, and whom that touches.

use super::{
    advisories::short,
    import::Import,
    scores::{decide_touched, moved},
};
use crate::{Engine, popularity};
use assay_model::{
    health::Popularity,
    package::PackageId,
    policy::FactKind,
    problem::Problem,
    seam::meta::{Change, Tx},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Import<'_, '_> {
    pub(super) fn flush_cards(&mut self) -> Result<(), Problem> {
        let batch = std::mem::take(&mut self.cards);
        self.kept.cards.extend(batch.iter().map(|card| short(&card.repository)));
        let (engine, now, mut changes) = (self.engine, self.now, Vec::new());
        engine.meta().write_now(Box::new(|tx| {
            changes = tx.put_scorecards(&batch)?;
            let moved = moved(batch.iter().map(|card| &card.repository), &changes);
            decide_made_from(engine, tx, &moved, "scorecards changed", now)
        }))?;
        self.count_all(&changes);
        Ok(())
    }

    /// Takes back the scorecards that were not read since the last call.
    pub(super) fn whole_scorecards(&mut self) -> Result<(), Problem> {
        self.flush_cards()?;
        let kept = std::mem::take(&mut self.kept.cards);
        let (engine, now, mut there, mut gone) = (self.engine, self.now, 0, Vec::new());
        let mut after = String::new();
        loop {
            let mut page = Vec::new();
            engine.meta().write_now(Box::new(|tx| {
                page = tx.scorecards_after(&after, super::PAGE)?;
                Ok(())
            }))?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.repository);
            there += page.len();
            gone.extend(page.into_iter().map(|card| card.repository).filter(|name| !kept.contains(&short(name))));
        }
        if gone.is_empty() || !self.may_take_back(gone.len(), there, "scorecards", false)? {
            return Ok(());
        }
        for chunk in gone.chunks(super::PAGE) {
            engine.meta().write_now(Box::new(|tx| {
                tx.remove_scorecards(chunk)?;
                decide_made_from(engine, tx, chunk, "scorecards were removed", now)
            }))?;
        }
        self.count_all(&vec![Change::Withdrawn; gone.len()]);
        Ok(())
    }

    pub(super) fn flush_popular(&mut self) -> Result<(), Problem> {
        let batch = std::mem::take(&mut self.popular);
        let (engine, now, mut changes) = (self.engine, self.now, Vec::new());
        engine.meta().write_now(Box::new(|tx| {
            changes = tx.put_popularity(&batch)?;
            let mut moved: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (entry, _) in batch.iter().zip(&changes).filter(|(_, c)| **c != Change::Unchanged) {
                moved.entry(&entry.purl_type).or_default().push(&entry.name);
            }
            decide_named(engine, tx, &moved, now)
        }))?;
        for entry in batch {
            self.kept.popular.entry(entry.purl_type).or_default().insert(entry.name);
        }
        self.count_all(&changes);
        Ok(())
    }

    /// Takes back what a catalogue no longer has.
    pub(super) fn whole_catalogue(&mut self, purl_type: &str) -> Result<(), Problem> {
        self.flush_popular()?;
        let kept: BTreeSet<String> = self.kept.popular.remove(purl_type).unwrap_or_default();
        let (engine, now) = (self.engine, self.now);
        let mut there: Vec<Popularity> = Vec::new();
        engine.meta().write_now(Box::new(|tx| {
            there = tx.popularity(purl_type)?;
            Ok(())
        }))?;
        let gone: Vec<String> = there.iter().map(|p| p.name.clone()).filter(|name| !kept.contains(name)).collect();
        if gone.is_empty() || !self.may_take_back(gone.len(), there.len(), "popular packages", false)? {
            return Ok(());
        }
        engine.meta().write_now(Box::new(|tx| {
            tx.remove_popularity(purl_type, &gone)?;
            let moved = BTreeMap::from([(purl_type, gone.iter().map(String::as_str).collect())]);
            decide_named(engine, tx, &moved, now)
        }))?;
        self.count_all(&vec![Change::Withdrawn; gone.len()]);
        Ok(())
    }
}

/// Asks for decisions about packages that are made from these source repositories, if any enabled policy reads that.
fn decide_made_from(
    engine: &Engine,
    tx: &mut dyn Tx,
    repositories: &[String],
    cause: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    if repositories.is_empty() || !engine.rules(tx)?.reads().contains(&FactKind::Health) {
        return Ok(());
    }
    let packages = tx.packages_from(repositories)?;
    decide_touched(tx, &packages, cause, now)
}

/// Asks for decisions about packages with these names, and about those whose names can be confused with them.
fn decide_named(
    engine: &Engine,
    tx: &mut dyn Tx,
    moved: &BTreeMap<&str, Vec<&str>>,
    now: Timestamp,
) -> Result<(), Problem> {
    for purl_type in moved.keys() {
        popularity::revise(tx, purl_type)?;
    }
    if moved.is_empty() || !engine.rules(tx)?.reads().contains(&FactKind::Health) {
        return Ok(());
    }
    let mut packages: BTreeSet<PackageId> = BTreeSet::new();
    for format in engine.formats() {
        let spec = format.spec();
        let Some(names) = spec.ecosystem.and_then(|kind| moved.get(kind)) else { continue };
        let similar = popularity::Index::new(
            names.iter().map(|name| Popularity { name: (*name).to_owned(), ..Popularity::default() }),
        );
        let mut touched: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        // one pass over the distinct names, no package is read
        let mut after = String::new();
        loop {
            let page = tx.names_of_format(spec.id, &after, super::PAGE)?;
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            touched.extend(page.into_iter().filter(|name| !similar.near(name).is_empty()));
        }
        packages.extend(tx.packages_called(spec.id, &touched)?);
    }
    let packages: Vec<PackageId> = packages.into_iter().collect();
    decide_touched(tx, &packages, "popular packages changed", now)
}
