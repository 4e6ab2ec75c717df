//! Bundles: what they are made of, and which there were.

use super::{Session, unpack};
use crate::sql::{R, Row, all, first, value::params};
use assay_model::{
    Problem,
    seam::{
        matcher::StoredAdvisory,
        meta::{BundleRecord, Bundles, CarriedAdvisory},
    },
};
use jiff::Timestamp;

fn read_carried(row: &mut Row) -> R<CarriedAdvisory> {
    let number = row.int()?;
    let (source, revision) = (row.text()?, row.text()?);
    let bytes = unpack(&row.bytes()?)?;
    let record = row.bytes_or_null()?.map(|packed| unpack(&packed)).transpose()?;
    let advisory = serde_json::from_slice(record.as_deref().unwrap_or(&bytes))
        .map_err(|e| Problem::internal("a stored advisory cannot be read", e))?;
    Ok(CarriedAdvisory { number, stored: StoredAdvisory { advisory, source, revision }, bytes })
}

fn read_bundle(row: &mut Row) -> R<BundleRecord> {
    Ok(BundleRecord {
        digest: row.text()?,
        number: row.int()?,
        key: row.text()?,
        taken_in: row.flag()?,
        manifest: row.text()?,
        at: row.time()?,
    })
}

impl Bundles for Session<'_> {
    fn advisories_since(&mut self, since: Timestamp, after: i64, limit: usize) -> R<Vec<CarriedAdvisory>> {
        // primary key, in order; a delta looks at every row's time, which is a pass over the table
        all(
            self.sql,
            "SELECT number, source, revision, document, record FROM advisory
             WHERE number > $1 AND seen_at >= $2 ORDER BY number LIMIT $3",
            &params![after, since, i64::try_from(limit).unwrap_or(i64::MAX)],
            read_carried,
        )
    }

    fn newest_advisory(&mut self) -> R<Option<Timestamp>> {
        first(self.sql, "SELECT MAX(seen_at) FROM advisory", &[])?.map_or(Ok(None), |mut row| row.time_or_null())
    }

    fn put_bundle(&mut self, bundle: &BundleRecord) -> R<()> {
        self.sql
            .execute(
                "INSERT INTO bundle (digest, number, key, taken_in, manifest, at) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (digest) DO UPDATE SET taken_in = excluded.taken_in",
                &params![&bundle.digest, bundle.number, &bundle.key, bundle.taken_in, &bundle.manifest, bundle.at],
            )
            .map(|_| ())
    }

    fn bundle(&mut self, digest_or_number: &str) -> R<Option<BundleRecord>> {
        const FIELDS: &str = "SELECT digest, number, key, taken_in, manifest, at FROM bundle";
        let row = match digest_or_number.parse::<i64>() {
            // a handful of rows
            Ok(number) => first(
                self.sql,
                &format!("{FIELDS} WHERE number = $1 AND taken_in = $2 ORDER BY at DESC LIMIT 1"),
                &params![number, false],
            )?,
            // primary key
            Err(_) => first(self.sql, &format!("{FIELDS} WHERE digest = $1"), &params![digest_or_number])?,
        };
        row.map(|mut row| read_bundle(&mut row)).transpose()
    }

    fn last_bundle(&mut self, key: &str) -> R<Option<i64>> {
        // bundle_by_number, the last
        let row = first(
            self.sql,
            "SELECT number FROM bundle WHERE taken_in = $1 AND key = $2 ORDER BY number DESC LIMIT 1",
            &params![true, key],
        )?;
        row.map(|mut row| row.int()).transpose()
    }
}
