//! Scorecards by source repository and catalogues of popular packages. Only differences are written.

use super::{Session, scores::compare};
use crate::sql::{KEYS_AT_ONCE, R, Row, all, clean, insert_many, texts, value::params};
use assay_model::{
    Problem,
    health::{Popularity, Scorecard},
    seam::meta::{Change, PopularityTable, ScorecardTable},
};
use std::collections::BTreeMap;

const CARD: &str = "SELECT repository, score, checks, date FROM scorecard";

fn read_card(row: &mut Row) -> R<Scorecard> {
    let (repository, score, checks) = (row.text()?, row.real()?, row.text()?);
    let checks =
        serde_json::from_str(&checks).map_err(|e| Problem::internal("a stored scorecard cannot be read", e))?;
    Ok(Scorecard { repository, score, checks, date: row.text()? })
}

fn read_popularity(row: &mut Row) -> R<Popularity> {
    let (purl_type, name) = (row.text()?, row.text()?);
    let rank = u32::try_from(row.int()?).unwrap_or(u32::MAX);
    let downloads = u64::try_from(row.int()?).ok();
    Ok(Popularity { purl_type, name, rank, downloads })
}

impl Session<'_> {
    fn popular(&mut self, purl_type: &str, names: &[&Popularity]) -> R<Vec<Popularity>> {
        // primary key
        all(
            self.sql,
            "SELECT purl_type, name, rank, COALESCE(downloads, -1) FROM popularity
             WHERE purl_type = $1 AND name IN (SELECT value FROM @list($2))",
            &[purl_type.into(), texts(names.iter().map(|p| &p.name))],
            read_popularity,
        )
    }

    fn put_popular(&mut self, purl_type: &str, entries: &[&Popularity]) -> R<Vec<Change>> {
        let there = self.popular(purl_type, entries)?.into_iter().map(|p| (p.name.clone(), p)).collect();
        let items: Vec<Popularity> = entries.iter().map(|p| (*p).clone()).collect();
        let (changes, write) = compare(&items, there, |p| &p.name, |a, b| a == b);
        let row = |p: &Popularity| {
            let downloads = p.downloads.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
            params![purl_type, clean(&p.name).as_ref(), i64::from(p.rank), downloads].to_vec()
        };
        insert_many(
            self.sql,
            "INSERT INTO popularity (purl_type, name, rank, downloads)",
            "ON CONFLICT (purl_type, name) DO UPDATE SET rank = excluded.rank, downloads = excluded.downloads",
            write.into_values().map(row).collect(),
        )?;
        Ok(changes)
    }
}

impl ScorecardTable for Session<'_> {
    fn put_scorecards(&mut self, cards: &[Scorecard]) -> R<Vec<Change>> {
        let mut all_changes = Vec::with_capacity(cards.len());
        for chunk in cards.chunks(KEYS_AT_ONCE) {
            let names: Vec<String> = chunk.iter().map(|c| c.repository.clone()).collect();
            let there = self.scorecards(&names)?;
            let mut newest = there.clone();
            let mut write: BTreeMap<&String, &Scorecard> = BTreeMap::new();
            for card in chunk {
                let before = newest.get(&card.repository);
                if before.is_some_and(|b| b.date > card.date || b == card) {
                    all_changes.push(Change::Unchanged);
                    continue;
                }
                #[allow(clippy::float_cmp, reason = "a score is the same only if it is the same number")]
                let same = before.is_some_and(|b| b.score == card.score && b.checks == card.checks);
                all_changes.push(match before {
                    None => Change::New,
                    Some(_) if same => Change::Unchanged,
                    Some(_) => Change::Changed,
                });
                newest.insert(card.repository.clone(), card.clone());
                write.insert(&card.repository, card);
            }
            let row = |card: &Scorecard| -> R<Vec<crate::sql::Value>> {
                let checks = serde_json::to_string(&card.checks)
                    .map_err(|e| Problem::internal("cannot write a scorecard", e))?;
                Ok(params![clean(&card.repository).as_ref(), card.score, checks, clean(&card.date).as_ref()].to_vec())
            };
            insert_many(
                self.sql,
                "INSERT INTO scorecard (repository, score, checks, date)",
                "ON CONFLICT (repository) DO UPDATE SET score = excluded.score, checks = excluded.checks,
                   date = excluded.date",
                write.into_values().map(row).collect::<R<_>>()?,
            )?;
        }
        Ok(all_changes)
    }

    fn scorecards(&mut self, repositories: &[String]) -> R<BTreeMap<String, Scorecard>> {
        let mut found = BTreeMap::new();
        for chunk in repositories.chunks(KEYS_AT_ONCE) {
            // primary key
            let text = format!("{CARD} WHERE repository IN (SELECT value FROM @list($1))");
            let cards = all(self.sql, &text, &[texts(chunk)], read_card)?;
            found.extend(cards.into_iter().map(|card| (card.repository.clone(), card)));
        }
        Ok(found)
    }

    fn scorecards_after(&mut self, after: &str, limit: usize) -> R<Vec<Scorecard>> {
        // primary key, in order
        let text = format!("{CARD} WHERE repository > $1 ORDER BY repository LIMIT $2");
        all(self.sql, &text, &params![after, i64::try_from(limit).unwrap_or(i64::MAX)], read_card)
    }

    fn remove_scorecards(&mut self, repositories: &[String]) -> R<()> {
        for chunk in repositories.chunks(KEYS_AT_ONCE) {
            // primary key
            self.sql
                .execute("DELETE FROM scorecard WHERE repository IN (SELECT value FROM @list($1))", &[texts(chunk)])?;
        }
        Ok(())
    }
}

impl PopularityTable for Session<'_> {
    fn put_popularity(&mut self, entries: &[Popularity]) -> R<Vec<Change>> {
        let mut changes = vec![Change::Unchanged; entries.len()];
        let mut by_type: BTreeMap<&str, Vec<(usize, &Popularity)>> = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            by_type.entry(&entry.purl_type).or_default().push((place, entry));
        }
        for (purl_type, of_type) in by_type {
            for chunk in of_type.chunks(KEYS_AT_ONCE) {
                let items: Vec<&Popularity> = chunk.iter().map(|(_, p)| *p).collect();
                for ((place, _), change) in chunk.iter().zip(self.put_popular(purl_type, &items)?) {
                    if let Some(slot) = changes.get_mut(*place) {
                        *slot = change;
                    }
                }
            }
        }
        Ok(changes)
    }

    fn popularity(&mut self, purl_type: &str) -> R<Vec<Popularity>> {
        // primary key, in order: one catalogue, some ten thousand rows
        all(
            self.sql,
            "SELECT purl_type, name, rank, COALESCE(downloads, -1) FROM popularity WHERE purl_type = $1 ORDER BY name",
            &params![purl_type],
            read_popularity,
        )
    }

    fn remove_popularity(&mut self, purl_type: &str, names: &[String]) -> R<()> {
        for chunk in names.chunks(KEYS_AT_ONCE) {
            self.sql.execute(
                "DELETE FROM popularity WHERE purl_type = $1 AND name IN (SELECT value FROM @list($2))",
                &[purl_type.into(), texts(chunk)],
            )?;
        }
        Ok(())
    }
}
