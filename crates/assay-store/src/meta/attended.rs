//! What was matched and decided of late.

use super::Session;
use crate::sql::{R, first, insert_many, value::params};
use assay_model::{seam::meta::Attendance, work::Stage};
use jiff::Timestamp;
use std::collections::BTreeSet;

impl Attendance for Session<'_> {
    fn note_attended(&mut self, stage: Stage, keys: &[i64], at: Timestamp) -> R<()> {
        // in one order, so that two of them cannot wait for each other
        let keys: BTreeSet<i64> = keys.iter().copied().collect();
        insert_many(
            self.sql,
            "INSERT INTO attended (stage, key, at)",
            "ON CONFLICT (stage, key) DO UPDATE SET at = excluded.at",
            keys.into_iter().map(|key| params![stage.as_str(), key, at].to_vec()).collect(),
        )?;
        Ok(())
    }

    fn attended_since(&mut self, stage: Stage, since: Timestamp) -> R<u64> {
        // primary key
        let text = "SELECT COUNT(*) FROM attended WHERE stage = $1 AND at >= $2";
        let row = first(self.sql, text, &params![stage.as_str(), since])?;
        let count = row.map(|mut r| r.int()).transpose()?.unwrap_or(0);
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn forget_attended(&mut self, before: Timestamp) -> R<()> {
        self.sql.execute("DELETE FROM attended WHERE at < $1", &params![before])?;
        Ok(())
    }
}
