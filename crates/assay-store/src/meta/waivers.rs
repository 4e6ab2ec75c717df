//! Waivers, their uses, and the packages that verdicts of policies stand against.

use super::Session;
use crate::sql::{
    R, Row, Value, all, first, insert_many,
    value::{json, limit, params},
};
use assay_model::{
    Problem,
    decision::DecisionId,
    package::PackageId,
    seam::meta::{UseFilter, WaiverUses, Waivers},
    waiver::{Waiver, WaiverId, WaiverStatus, WaiverUse},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The id is the row's: the document is written before it is known.
fn read(row: &mut Row) -> R<Waiver> {
    let id = WaiverId::of(row.int()?);
    Ok(Waiver { id, ..row.json()? })
}

fn number(id: &WaiverId) -> R<i64> {
    id.number().ok_or_else(|| Problem::invalid("bad-waiver", format!("`{id}` is no id of a waiver")))
}

fn read_use(row: &mut Row) -> R<WaiverUse> {
    Ok(WaiverUse {
        waiver: WaiverId::of(row.int()?),
        package: PackageId(row.int()?),
        decision: DecisionId(row.text()?),
        at: row.time()?,
    })
}

impl Waivers for Session<'_> {
    fn add_waiver(&mut self, waiver: &Waiver) -> R<Waiver> {
        let made = first(
            self.sql,
            "INSERT INTO waiver (status, expires_at, document) VALUES ($1, $2, $3) RETURNING id, document",
            &[waiver.status.as_str().into(), waiver.expires_at.into(), json(waiver)?],
        )?;
        made.map(|mut row| read(&mut row)).transpose()?.ok_or_else(|| Problem::bug("a waiver was not stored"))
    }

    fn waiver(&mut self, id: &WaiverId) -> R<Option<Waiver>> {
        let Some(number) = id.number() else { return Ok(None) };
        // primary key
        let found = first(self.sql, "SELECT id, document FROM waiver WHERE id = $1", &params![number])?;
        found.map(|mut row| read(&mut row)).transpose()
    }

    fn put_waiver(&mut self, waiver: &Waiver) -> R<bool> {
        let sql = "UPDATE waiver SET status = $2, expires_at = $3, document = $4 WHERE id = $1";
        let values =
            [number(&waiver.id)?.into(), waiver.status.as_str().into(), waiver.expires_at.into(), json(waiver)?];
        Ok(self.sql.execute(sql, &values)? > 0)
    }

    fn waivers(&mut self, status: Option<WaiverStatus>) -> R<Vec<Waiver>> {
        match status {
            // waiver_by_status, in order
            Some(status) => {
                let sql = "SELECT id, document FROM waiver WHERE status = $1 ORDER BY id DESC";
                all(self.sql, sql, &params![status.as_str()], read)
            }
            None => all(self.sql, "SELECT id, document FROM waiver ORDER BY id DESC", &[], read),
        }
    }

    fn waivers_in_force(&mut self, now: Timestamp) -> R<Vec<Waiver>> {
        // waiver_by_status, in order
        let sql = "SELECT id, document FROM waiver WHERE status = $1 AND expires_at > $2 ORDER BY id";
        all(self.sql, sql, &params![WaiverStatus::Active.as_str(), now], read)
    }
}

impl WaiverUses for Session<'_> {
    fn note_waiver_uses(&mut self, uses: &[WaiverUse]) -> R<()> {
        let mut rows = Vec::with_capacity(uses.len());
        for one in uses {
            rows.push(params![number(&one.waiver)?, one.at, one.package, &one.decision].to_vec());
        }
        let head = "INSERT INTO waiver_use (waiver, at, package, decision)";
        insert_many(self.sql, head, "ON CONFLICT (waiver, at, package, decision) DO NOTHING", rows)?;
        Ok(())
    }

    fn waiver_uses(&mut self, filter: &UseFilter) -> R<Vec<WaiverUse>> {
        let mut values: Vec<Value> = vec![limit(filter.limit)];
        let mut conditions = vec!["1 = 1".to_owned()];
        if let Some(waiver) = &filter.waiver {
            values.push(number(waiver)?.into());
            conditions.push(format!("waiver = ${}", values.len()));
        }
        if let Some(package) = filter.package {
            values.push(package.into());
            conditions.push(format!("package = ${}", values.len()));
        }
        // primary key, backwards; or waiver_use_by_package
        let sql = format!(
            "SELECT waiver, package, decision, at FROM waiver_use WHERE {} ORDER BY at DESC, package DESC LIMIT $1",
            conditions.join(" AND ")
        );
        all(self.sql, &sql, &values, read_use)
    }

    fn note_verdicts(&mut self, package: PackageId, policies: &[(&str, bool)]) -> R<()> {
        // standing_verdict_by_package
        self.sql.execute("DELETE FROM standing_verdict WHERE package = $1", &params![package])?;
        let rows =
            policies.iter().map(|(policy, failed)| params![*policy, package, i64::from(*failed)].to_vec()).collect();
        let head = "INSERT INTO standing_verdict (policy, package, failed)";
        insert_many(self.sql, head, "ON CONFLICT (policy, package) DO NOTHING", rows)?;
        Ok(())
    }

    fn failing_policies(&mut self) -> R<BTreeMap<String, u64>> {
        // standing_verdict_failed, primary key of package
        let text = "SELECT v.policy, COUNT(*) FROM standing_verdict v JOIN package p ON p.id = v.package
                    WHERE v.failed = 1 AND p.state <> 'deleted' GROUP BY v.policy";
        Ok(all(self.sql, text, &[], |row| Ok((row.text()?, row.unsigned()?)))?.into_iter().collect())
    }

    fn packages_judged_by(&mut self, policy: &str) -> R<Vec<PackageId>> {
        // primary key of standing_verdict, of package
        all(
            self.sql,
            "SELECT p.id FROM standing_verdict v JOIN package p ON p.id = v.package
             WHERE v.policy = $1 AND p.state <> 'deleted' ORDER BY p.id",
            &params![policy],
            |row| row.int().map(PackageId),
        )
    }
}
