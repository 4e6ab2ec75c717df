//! Advisories that take effect by themselves, and what there is of each source.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, all, first, insert_many, pairs, value::params};
use assay_model::seam::meta::{Advisories, ComingAdvisories, SourceCounting};
use jiff::Timestamp;
use std::collections::BTreeMap;

impl ComingAdvisories for Session<'_> {
    fn put_advisories_due(&mut self, due: &[(String, String, Option<Timestamp>)]) -> R<()> {
        for chunk in due.chunks(KEYS_AT_ONCE) {
            let gone = chunk.iter().filter(|(_, _, due)| due.is_none());
            // primary key
            self.sql.execute(
                "DELETE FROM advisory_due WHERE (source, id) IN (SELECT k.value->>0, k.value->>1 FROM @rows($1) k)",
                &[pairs(gone.map(|(source, id, _)| (source.as_str(), id.as_str())))],
            )?;
            let mut last: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
            last.extend(chunk.iter().filter_map(|(source, id, due)| Some(((source.as_str(), id.as_str()), (*due)?))));
            insert_many(
                self.sql,
                "INSERT INTO advisory_due (source, id, due)",
                "ON CONFLICT (source, id) DO UPDATE SET due = excluded.due WHERE advisory_due.due <> excluded.due",
                last.into_iter().map(|((source, id), due)| params![source, id, due].to_vec()).collect(),
            )?;
        }
        Ok(())
    }

    fn advisories_due(&mut self, now: Timestamp, limit: usize) -> R<Vec<(String, String)>> {
        // advisory_due_by_time, in order
        all(
            self.sql,
            "SELECT source, id FROM advisory_due WHERE due <= $1 ORDER BY due, source, id LIMIT $2",
            &params![now, i64::try_from(limit).unwrap_or(i64::MAX)],
            |r| Ok((r.text()?, r.text()?)),
        )
    }

    fn next_advisory_due(&mut self) -> R<Option<Timestamp>> {
        // advisory_due_by_time, the first
        let row = first(self.sql, "SELECT due FROM advisory_due ORDER BY due LIMIT 1", &[])?;
        row.map(|mut row| row.time()).transpose()
    }
}

impl SourceCounting for Session<'_> {
    fn source_counts(&mut self) -> R<BTreeMap<String, i64>> {
        let mut counts = self.advisory_counts()?;
        for (source, table) in [
            ("epss", "epss"),
            ("kev", "kev"),
            ("ssvc", "ssvc"),
            ("scorecard", "scorecard"),
            ("popularity", "popularity"),
        ] {
            // each table has a row for each of its records
            let row = first(self.sql, &format!("SELECT COUNT(*) FROM {table}"), &[])?;
            let count = row.map_or(Ok(0), |mut row| row.int())?;
            if count > 0 {
                counts.insert(source.to_owned(), count);
            }
        }
        Ok(counts)
    }
}
