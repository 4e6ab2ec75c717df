//! Reports of simulations that pages show for a while.

use super::{Session, pack, unpack};
use crate::sql::{R, Row, all, first, value, value::params};
use assay_model::{
    Problem,
    seam::meta::{KeptReport, KeptReports},
};
use jiff::Timestamp;
use serde_json::Value;

fn read(row: &mut Row) -> R<KeptReport> {
    Ok(KeptReport {
        id: row.text()?,
        kind: row.text()?,
        at: row.time()?,
        author: row.text()?,
        title: row.text()?,
        document: Value::Null,
    })
}

impl KeptReports for Session<'_> {
    fn keep_report(&mut self, report: &KeptReport) -> R<()> {
        let document =
            serde_json::to_vec(&report.document).map_err(|e| Problem::internal("cannot write a report", e))?;
        self.sql
            .execute(
                "INSERT INTO kept_report (id, kind, at, author, title, document) VALUES ($1, $2, $3, $4, $5, $6)",
                &params![&report.id, &report.kind, report.at, &report.author, &report.title, pack(&document)?],
            )
            .map(|_| ())
    }

    fn kept_report(&mut self, id: &str) -> R<Option<KeptReport>> {
        // primary key
        let row = first(
            self.sql,
            "SELECT id, kind, at, author, title, document FROM kept_report WHERE id = $1",
            &params![id],
        )?;
        row.map(|mut r| {
            let report = read(&mut r)?;
            let document = serde_json::from_slice(&unpack(&r.bytes()?)?)
                .map_err(|e| Problem::internal("a kept report cannot be read", e))?;
            Ok(KeptReport { document, ..report })
        })
        .transpose()
    }

    fn kept_reports(&mut self, limit: usize) -> R<Vec<KeptReport>> {
        // kept_report_by_age, descending
        all(
            self.sql,
            "SELECT id, kind, at, author, title FROM kept_report ORDER BY at DESC, id DESC LIMIT $1",
            &[value::limit(limit)],
            read,
        )
    }

    fn forget_reports(&mut self, before: Timestamp, most: usize) -> R<u64> {
        // kept_report_by_age; few rows
        self.sql.execute(
            "DELETE FROM kept_report WHERE at < $1
             OR id IN (SELECT o.id FROM kept_report o ORDER BY o.at DESC, o.id DESC LIMIT 1000 OFFSET $2)",
            &[before.into(), value::limit(most)],
        )
    }
}
