//! Downloads: one row per file for good, and one per package, day and caller for a while.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, all, clean, insert_many, numbers, value, value::params};
use assay_model::{
    keeping::Downloads,
    package::{FileId, PackageId},
    seam::meta::{CALLERS, DownloadCounts, OTHERS, Pulled, PullsOfDay},
};
use std::collections::{BTreeMap, BTreeSet};

type Day = (i64, i64);

impl Session<'_> {
    /// The callers that are told apart already, by package and day.
    fn callers(&mut self, days: &BTreeSet<Day>) -> R<BTreeMap<Day, BTreeSet<String>>> {
        let mut known: BTreeMap<Day, BTreeSet<String>> = BTreeMap::new();
        let packages: BTreeSet<i64> = days.iter().map(|(package, _)| *package).collect();
        let Some(first) = days.iter().map(|(_, day)| *day).min() else { return Ok(known) };
        for chunk in packages.into_iter().collect::<Vec<_>>().chunks(KEYS_AT_ONCE) {
            // primary key: package, then day
            let rows = all(
                self.sql,
                "SELECT package, day, who FROM download_day
                 WHERE package IN (SELECT CAST(value AS BIGINT) FROM @list($1)) AND day >= $2",
                &[numbers(chunk.iter().copied()), first.into()],
                |r| Ok(((r.int()?, r.int()?), r.text()?)),
            )?;
            for (day, who) in rows {
                known.entry(day).or_default().insert(who);
            }
        }
        Ok(known)
    }

    fn add_days(&mut self, pulled: &[Pulled]) -> R<()> {
        let days: BTreeSet<Day> = pulled.iter().map(|p| (p.package.0, p.day)).collect();
        let mut known = self.callers(&days)?;
        let mut sums: BTreeMap<(Day, String), u64> = BTreeMap::new();
        for one in pulled {
            let day = (one.package.0, one.day);
            let names = known.entry(day).or_default();
            let who = clean(&one.who).into_owned();
            let who = if names.contains(&who) || names.len() < CALLERS { who } else { OTHERS.to_owned() };
            names.insert(who.clone());
            *sums.entry((day, who)).or_default() += one.count;
        }
        let mut rows = Vec::with_capacity(sums.len());
        for (((package, day), who), count) in sums {
            rows.push(vec![package.into(), day.into(), who.into(), value::size(count)?]);
        }
        insert_many(
            self.sql,
            "INSERT INTO download_day (package, day, who, count)",
            "ON CONFLICT (package, day, who) DO UPDATE SET count = download_day.count + excluded.count",
            rows,
        )?;
        Ok(())
    }
}

impl DownloadCounts for Session<'_> {
    fn add_downloads(&mut self, pulled: &[Pulled]) -> R<()> {
        let mut sums: BTreeMap<(i64, i64), Downloads> = BTreeMap::new();
        for one in pulled {
            let sum = sums.entry((one.package.0, one.file.0)).or_default();
            sum.count += one.count;
            sum.last = sum.last.max(Some(one.last));
        }
        // in the order of keys, so that two nodes that add at the same time do not wait for each other
        let mut rows = Vec::with_capacity(sums.len());
        for ((package, file), sum) in sums {
            rows.push(vec![package.into(), file.into(), value::size(sum.count)?, sum.last.unwrap_or_default().into()]);
        }
        insert_many(
            self.sql,
            "INSERT INTO download (package, file, count, last_at)",
            "ON CONFLICT (package, file) DO UPDATE SET count = download.count + excluded.count,
               last_at = CASE WHEN download.last_at < excluded.last_at THEN excluded.last_at ELSE download.last_at END",
            rows,
        )?;
        self.add_days(pulled)
    }

    fn downloads_of(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Downloads>> {
        let mut found = BTreeMap::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            // primary key
            found.extend(all(
                self.sql,
                "SELECT package, CAST(SUM(count) AS BIGINT), MAX(last_at) FROM download
                 WHERE package IN (SELECT CAST(value AS BIGINT) FROM @list($1)) GROUP BY package",
                &[numbers(chunk.iter().map(|p| p.0))],
                |r| Ok((PackageId(r.int()?), Downloads { count: r.unsigned()?, last: r.time_or_null()? })),
            )?);
        }
        Ok(found)
    }

    fn downloads_by_file(&mut self, package: PackageId) -> R<BTreeMap<FileId, Downloads>> {
        // primary key
        let rows =
            all(self.sql, "SELECT file, count, last_at FROM download WHERE package = $1", &params![package], |r| {
                Ok((FileId(r.int()?), Downloads { count: r.unsigned()?, last: r.time_or_null()? }))
            })?;
        Ok(rows.into_iter().collect())
    }

    fn download_days(&mut self, package: PackageId, since: i64) -> R<Vec<PullsOfDay>> {
        // primary key, in order
        all(
            self.sql,
            "SELECT day, who, count FROM download_day WHERE package = $1 AND day >= $2 ORDER BY day, who",
            &params![package, since],
            |r| Ok(PullsOfDay { day: r.int()?, who: r.text()?, count: r.unsigned()? }),
        )
    }

    fn download_days_of(&mut self, packages: &[PackageId], since: i64) -> R<Vec<(PackageId, PullsOfDay)>> {
        let mut found = Vec::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            // primary key
            found.extend(all(
                self.sql,
                "SELECT package, day, who, count FROM download_day
                 WHERE package IN (SELECT CAST(value AS BIGINT) FROM @list($1)) AND day >= $2
                 ORDER BY package, day, who",
                &[numbers(chunk.iter().map(|p| p.0)), since.into()],
                |r| Ok((PackageId(r.int()?), PullsOfDay { day: r.int()?, who: r.text()?, count: r.unsigned()? })),
            )?);
        }
        Ok(found)
    }

    fn forget_download_days(&mut self, day: i64, limit: usize) -> R<u64> {
        // download_day_by_day, then the primary key: all rows of the oldest days, a bounded number of days at a time
        let oldest = all(
            self.sql,
            "SELECT DISTINCT d.day FROM download_day d WHERE d.day < $1 ORDER BY d.day LIMIT $2",
            &[day.into(), value::limit(limit)],
            |r| r.int(),
        )?;
        self.sql.execute(
            "DELETE FROM download_day WHERE day IN (SELECT CAST(value AS BIGINT) FROM @list($1))",
            &[numbers(oldest)],
        )
    }
}
