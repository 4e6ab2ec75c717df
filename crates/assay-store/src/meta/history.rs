//! Facts as they stood before they changed. The ports of findings and scores write here; a row is written only when
//! something changed, and of scores only those that a finding has.

use super::{Session, pack, unpack};
use crate::sql::{KEYS_AT_ONCE, R, Row, Value, all, first, insert_many, numbers, texts, value::params};
use assay_model::{
    Problem,
    component::ComponentId,
    finding::Finding,
    score::{Epss, Kev},
    seam::meta::{DatedFinding, FactHistory, PastKev, PastScores},
};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::BTreeSet;

impl Session<'_> {
    /// Findings of a component that end now: id, document as stored, since when.
    pub(super) fn remember_findings<'a>(
        &mut self,
        component: ComponentId,
        at: Timestamp,
        gone: impl Iterator<Item = (&'a String, &'a Value, i64)>,
    ) -> R<()> {
        let mut rows = Vec::new();
        for (id, document, since) in gone {
            let Value::Text(document) = document else { return Err(Problem::bug("a finding that is no text")) };
            rows.push(params![component, id, at, since, pack(document.as_bytes())?].to_vec());
        }
        insert_many(
            self.sql,
            "INSERT INTO finding_history (component, id, until, since, document)",
            "ON CONFLICT (component, id, until) DO NOTHING",
            rows,
        )
        .map(|_| ())
    }

    /// Scores that are about to be replaced.
    pub(super) fn remember_epss<S: AsRef<str>>(&mut self, cves: impl IntoIterator<Item = S>) -> R<()> {
        // primary key of epss, of finding_id
        self.sql
            .execute(
                "INSERT INTO epss_history (cve, date, score, percentile)
                 SELECT e.cve, e.date, e.score, e.percentile FROM epss e
                 WHERE e.cve IN (SELECT value FROM @list($1))
                   AND EXISTS (SELECT 1 FROM finding_id f WHERE f.id = e.cve)
                 ON CONFLICT (cve, date) DO NOTHING",
                &[texts(cves)],
            )
            .map(|_| ())
    }

    /// Entries that are about to be replaced or taken away.
    pub(super) fn remember_kev<S: AsRef<str>>(&mut self, cves: impl IntoIterator<Item = S>, until: Timestamp) -> R<()> {
        // primary key of kev, of finding_id
        self.sql
            .execute(
                "INSERT INTO kev_history (cve, until, date_added, due_date, ransomware, name)
                 SELECT k.cve, $2, k.date_added, k.due_date, k.ransomware, k.name FROM kev k
                 WHERE k.cve IN (SELECT value FROM @list($1))
                   AND EXISTS (SELECT 1 FROM finding_id f WHERE f.id = k.cve)
                 ON CONFLICT (cve, until) DO NOTHING",
                &[texts(cves), until.into()],
            )
            .map(|_| ())
    }
}

/// 0 stands for a time before anything was remembered.
fn since(row: &mut Row) -> R<Option<Timestamp>> {
    Ok(Some(row.time()?).filter(|at| *at != Timestamp::UNIX_EPOCH))
}

impl FactHistory for Session<'_> {
    fn dated_findings(&mut self, components: &[ComponentId], from: Timestamp) -> R<Vec<DatedFinding>> {
        let wanted: BTreeSet<i64> = components.iter().map(|c| c.0).collect();
        let wanted: Vec<i64> = wanted.into_iter().collect();
        let mut found = Vec::new();
        for chunk in wanted.chunks(KEYS_AT_ONCE) {
            // primary keys
            found.extend(all(
                self.sql,
                "SELECT component, since, document FROM finding
                 WHERE component IN (SELECT CAST(value AS BIGINT) FROM @list($1)) ORDER BY component, id",
                &[numbers(chunk.iter().copied())],
                |r| {
                    let (component, since) = (ComponentId(r.int()?), since(r)?);
                    Ok(DatedFinding { component, since, until: None, finding: r.json()? })
                },
            )?);
            found.extend(all(
                self.sql,
                "SELECT component, since, until, document FROM finding_history
                 WHERE component IN (SELECT CAST(value AS BIGINT) FROM @list($1)) AND until >= $2
                 ORDER BY component, id, until",
                &[numbers(chunk.iter().copied()), from.into()],
                |r| {
                    let (component, since, until) = (ComponentId(r.int()?), since(r)?, r.time()?);
                    let finding: Finding = serde_json::from_slice(&unpack(&r.bytes()?)?)
                        .map_err(|e| Problem::internal("a remembered finding cannot be read", e))?;
                    Ok(DatedFinding { component, since, until: Some(until), finding })
                },
            )?);
        }
        Ok(found)
    }

    fn past_scores(&mut self, cves: &[String]) -> R<PastScores> {
        let mut past = PastScores::default();
        for chunk in cves.chunks(KEYS_AT_ONCE) {
            // primary keys, in order
            past.epss.extend(all(
                self.sql,
                "SELECT cve, score, percentile, date FROM epss_history
                 WHERE cve IN (SELECT value FROM @list($1)) ORDER BY cve, date",
                &[texts(chunk)],
                |r| Ok(Epss { cve: r.text()?, score: r.real()?, percentile: r.real()?, date: r.text()? }),
            )?);
            past.kev.extend(all(
                self.sql,
                "SELECT cve, date_added, due_date, ransomware, name, until FROM kev_history
                 WHERE cve IN (SELECT value FROM @list($1)) ORDER BY cve, until",
                &[texts(chunk)],
                |r| {
                    let entry = Kev {
                        cve: r.text()?,
                        date_added: r.text()?,
                        due_date: r.text()?,
                        ransomware: r.flag()?,
                        name: r.text()?,
                    };
                    Ok(PastKev { entry, until: r.time()? })
                },
            )?);
        }
        Ok(past)
    }

    fn remembers_since(&mut self) -> R<Option<Timestamp>> {
        // primary key: remembering began when its tables were made
        first(self.sql, "SELECT applied_at FROM migration WHERE number = 13", &[])?.map(|mut r| r.time()).transpose()
    }

    fn forget_past(&mut self, before: Timestamp) -> R<u64> {
        // finding_history_by_age, epss_history_by_age, kev_history_by_age
        let day = before.to_zoned(TimeZone::UTC).date().to_string();
        let mut gone = self.sql.execute("DELETE FROM finding_history WHERE until < $1", &params![before])?;
        gone += self.sql.execute("DELETE FROM epss_history WHERE date < $1", &params![day])?;
        gone += self.sql.execute("DELETE FROM kev_history WHERE until < $1", &params![before])?;
        Ok(gone)
    }
}
