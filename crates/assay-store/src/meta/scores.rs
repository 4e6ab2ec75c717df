//! EPSS, KEV and SSVC, keyed by CVE. A day's file is compared with what is there, and only differences are written.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, Row, Value, all, insert_many, texts, value::params};
use assay_model::{
    health::Ssvc,
    score::{Epss, Kev, Scores},
    seam::meta::{Change, ScoreTable, ScoreTables},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};

fn read_epss(row: &mut Row) -> R<Epss> {
    Ok(Epss { cve: row.text()?, score: row.real()?, percentile: row.real()?, date: row.text()? })
}

fn read_kev(row: &mut Row) -> R<Kev> {
    Ok(Kev {
        cve: row.text()?,
        date_added: row.text()?,
        due_date: row.text()?,
        ransomware: row.flag()?,
        name: row.text()?,
    })
}

/// Tells what each item changes, and which rows to write: the last of each key, in order of the key.
pub(super) fn compare<T>(
    items: &[T],
    mut there: HashMap<String, T>,
    key: impl Fn(&T) -> &String,
    same: impl Fn(&T, &T) -> bool,
) -> (Vec<Change>, BTreeMap<&String, &T>)
where
    T: Clone,
{
    let mut write: BTreeMap<&String, &T> = BTreeMap::new();
    let changes = items.iter().map(|item| {
        let change = match there.get(key(item)) {
            Some(before) if same(before, item) => return Change::Unchanged,
            Some(_) => Change::Changed,
            None => Change::New,
        };
        there.insert(key(item).clone(), item.clone());
        change
    });
    let changes: Vec<_> = changes.collect();
    for (item, change) in items.iter().zip(&changes) {
        if *change != Change::Unchanged {
            write.insert(key(item), item);
        }
    }
    (changes, write)
}

impl Session<'_> {
    fn epss(&mut self, cves: Value) -> R<Vec<Epss>> {
        // primary key
        all(
            self.sql,
            "SELECT cve, score, percentile, date FROM epss WHERE cve IN (SELECT value FROM @list($1))",
            &[cves],
            read_epss,
        )
    }

    fn kev(&mut self, cves: Value) -> R<Vec<Kev>> {
        // primary key
        all(
            self.sql,
            "SELECT cve, date_added, due_date, ransomware, name FROM kev WHERE cve IN (SELECT value FROM @list($1))",
            &[cves],
            read_kev,
        )
    }

    fn ssvc(&mut self, cves: Value) -> R<Vec<(String, Ssvc)>> {
        // primary key
        all(
            self.sql,
            "SELECT cve, exploitation, automatable, technical_impact, at FROM ssvc
             WHERE cve IN (SELECT value FROM @list($1))",
            &[cves],
            |r| {
                let cve = r.text()?;
                let (exploitation, automatable, technical_impact) = (r.text()?, r.text()?, r.text()?);
                Ok((cve, Ssvc { exploitation, automatable, technical_impact, at: r.text()? }))
            },
        )
    }
}

/// The table's own name.
fn name_of(table: ScoreTable) -> &'static str {
    match table {
        ScoreTable::Epss => "epss",
        ScoreTable::Kev => "kev",
        ScoreTable::Ssvc => "ssvc",
    }
}

impl ScoreTables for Session<'_> {
    fn put_epss(&mut self, scores: &[Epss]) -> R<Vec<Change>> {
        let mut all_changes = Vec::with_capacity(scores.len());
        for chunk in scores.chunks(KEYS_AT_ONCE) {
            let there = self.epss(texts(chunk.iter().map(|s| &s.cve)))?;
            let there = there.into_iter().map(|s| (s.cve.clone(), s)).collect();
            #[allow(clippy::float_cmp, reason = "a score is the same only if it is the same number")]
            let same = |a: &Epss, b: &Epss| a.score == b.score && a.percentile == b.percentile;
            let (changes, write) = compare(chunk, there, |s| &s.cve, same);
            self.remember_epss(write.keys())?;
            let rows = write.into_values().map(|s| params![&s.cve, s.score, s.percentile, &s.date].to_vec()).collect();
            insert_many(
                self.sql,
                "INSERT INTO epss (cve, score, percentile, date)",
                "ON CONFLICT (cve) DO UPDATE SET score = excluded.score, percentile = excluded.percentile,
                   date = excluded.date",
                rows,
            )?;
            all_changes.extend(changes);
        }
        Ok(all_changes)
    }

    fn put_kev(&mut self, entries: &[Kev], at: Timestamp) -> R<Vec<Change>> {
        let mut all_changes = Vec::with_capacity(entries.len());
        for chunk in entries.chunks(KEYS_AT_ONCE) {
            let there = self.kev(texts(chunk.iter().map(|k| &k.cve)))?;
            let there = there.into_iter().map(|k| (k.cve.clone(), k)).collect();
            let (changes, write) = compare(chunk, there, |k| &k.cve, |a, b| a == b);
            self.remember_kev(write.keys(), at)?;
            let row = |k: &Kev| params![&k.cve, &k.date_added, &k.due_date, k.ransomware, &k.name].to_vec();
            insert_many(
                self.sql,
                "INSERT INTO kev (cve, date_added, due_date, ransomware, name)",
                "ON CONFLICT (cve) DO UPDATE SET date_added = excluded.date_added, due_date = excluded.due_date,
                   ransomware = excluded.ransomware, name = excluded.name",
                write.into_values().map(row).collect(),
            )?;
            all_changes.extend(changes);
        }
        Ok(all_changes)
    }

    fn put_ssvc(&mut self, points: &[(String, Ssvc)]) -> R<Vec<Change>> {
        let mut all_changes = Vec::with_capacity(points.len());
        for chunk in points.chunks(KEYS_AT_ONCE) {
            let there = self.ssvc(texts(chunk.iter().map(|(cve, _)| cve)))?;
            let there = there.into_iter().map(|one| (one.0.clone(), one)).collect();
            let said = |s: &Ssvc| [s.exploitation.clone(), s.automatable.clone(), s.technical_impact.clone()];
            let (changes, write) = compare(chunk, there, |(cve, _)| cve, |a, b| said(&a.1) == said(&b.1));
            let row = |(cve, s): &(String, Ssvc)| {
                params![cve, &s.exploitation, &s.automatable, &s.technical_impact, &s.at].to_vec()
            };
            insert_many(
                self.sql,
                "INSERT INTO ssvc (cve, exploitation, automatable, technical_impact, at)",
                "ON CONFLICT (cve) DO UPDATE SET exploitation = excluded.exploitation,
                   automatable = excluded.automatable, technical_impact = excluded.technical_impact, at = excluded.at",
                write.into_values().map(row).collect(),
            )?;
            all_changes.extend(changes);
        }
        Ok(all_changes)
    }

    fn scored(&mut self, table: ScoreTable, after: &str, limit: usize) -> R<Vec<String>> {
        // primary key, in order
        let text = format!("SELECT cve FROM {} WHERE cve > $1 ORDER BY cve LIMIT $2", name_of(table));
        all(self.sql, &text, &params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |r| r.text())
    }

    fn remove_scores(&mut self, table: ScoreTable, cves: &[String], at: Timestamp) -> R<()> {
        let text = format!("DELETE FROM {} WHERE cve IN (SELECT value FROM @list($1))", name_of(table));
        for chunk in cves.chunks(KEYS_AT_ONCE) {
            match table {
                ScoreTable::Kev => self.remember_kev(chunk, at)?,
                ScoreTable::Epss => self.remember_epss(chunk)?,
                ScoreTable::Ssvc => {}
            }
            self.sql.execute(&text, &[texts(chunk)])?;
        }
        Ok(())
    }

    fn scores(&mut self, cves: &[String]) -> R<Scores> {
        let mut scores = Scores::default();
        for chunk in cves.chunks(KEYS_AT_ONCE) {
            scores.epss.extend(self.epss(texts(chunk))?.into_iter().map(|s| (s.cve.clone(), s)));
            scores.kev.extend(self.kev(texts(chunk))?.into_iter().map(|k| (k.cve.clone(), k)));
            scores.ssvc.extend(self.ssvc(texts(chunk))?);
        }
        Ok(scores)
    }
}
