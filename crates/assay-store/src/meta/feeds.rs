//! Feeds: where each stands, what it could not give, and the count of imports.

use super::Session;
use crate::sql::{R, Row, all, clean, first, insert_many, value, value::params};
use assay_model::{
    Problem,
    seam::meta::{BadRecord, FeedState, Feeds},
};
use std::collections::BTreeMap;

/// Bytes of a bad record that are kept.
const EXCERPT_LIMIT: usize = 64 * 1024;

fn read_bad(row: &mut Row) -> R<BadRecord> {
    Ok(BadRecord { source: row.text()?, name: row.text()?, reason: row.text()?, excerpt: row.text()?, at: row.time()? })
}

impl Feeds for Session<'_> {
    fn feed_states(&mut self) -> R<Vec<FeedState>> {
        // primary key, in order
        all(
            self.sql,
            "SELECT feed, cursor, synced_at, error, attempted_at, next_at, failures, stale FROM feed ORDER BY feed",
            &[],
            |r| {
                Ok(FeedState {
                    feed: r.text()?,
                    cursor: r.text()?,
                    synced_at: r.time_or_null()?,
                    error: r.text_or_null()?,
                    attempted_at: r.time_or_null()?,
                    next_at: r.time_or_null()?,
                    failures: u32::try_from(r.int()?).unwrap_or(u32::MAX),
                    stale: r.flag()?,
                })
            },
        )
    }

    fn put_feed_state(&mut self, state: &FeedState) -> R<()> {
        self.sql.execute(
            "INSERT INTO feed (feed, cursor, synced_at, error, attempted_at, next_at, failures, stale)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (feed) DO UPDATE SET cursor = excluded.cursor, synced_at = excluded.synced_at,
               error = excluded.error, attempted_at = excluded.attempted_at, next_at = excluded.next_at,
               failures = excluded.failures, stale = excluded.stale",
            &params![
                &state.feed,
                &state.cursor,
                state.synced_at,
                state.error.as_deref(),
                state.attempted_at,
                state.next_at,
                i64::from(state.failures),
                state.stale
            ],
        )?;
        Ok(())
    }

    fn put_bad_records(&mut self, records: &[BadRecord]) -> R<()> {
        // the last one of a name wins; in order of the key, so that two imports cannot block each other
        let last: BTreeMap<_, _> =
            records.iter().map(|r| ((clean(&r.source).into_owned(), clean(&r.name).into_owned()), r)).collect();
        let rows = last.into_iter().map(|((source, name), r)| {
            let excerpt = clean(&r.excerpt);
            let excerpt = &excerpt[..excerpt.floor_char_boundary(EXCERPT_LIMIT)];
            params![source, name, clean(&r.reason).as_ref(), excerpt, r.at].to_vec()
        });
        insert_many(
            self.sql,
            "INSERT INTO bad_record (source, name, reason, excerpt, at)",
            "ON CONFLICT (source, name) DO UPDATE SET reason = excluded.reason, excerpt = excluded.excerpt,
               at = excluded.at",
            rows.collect(),
        )?;
        Ok(())
    }

    fn bad_records(&mut self, limit: usize) -> R<Vec<BadRecord>> {
        // bad_record_by_age, descending
        all(
            self.sql,
            "SELECT source, name, reason, excerpt, at FROM bad_record ORDER BY at DESC, source, name LIMIT $1",
            &[value::limit(limit)],
            read_bad,
        )
    }

    fn next_import(&mut self) -> R<i64> {
        // primary key
        first(
            self.sql,
            "INSERT INTO counter (name, value) VALUES ('import', 1)
             ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
            &[],
        )?
        .ok_or_else(|| Problem::bug("a counter without a row"))?
        .int()
    }

    fn last_import(&mut self) -> R<i64> {
        first(self.sql, "SELECT value FROM counter WHERE name = 'import'", &[])?.map_or(Ok(0), |mut r| r.int())
    }
}
