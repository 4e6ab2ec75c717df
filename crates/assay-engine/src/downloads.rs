//! Downloads, counted in memory where they leave and written every few seconds: a pull costs no transaction. A node that
//! is killed loses the last few seconds of its counts and nothing else.

use crate::{Engine, gate::Cleared, matching::decide_jobs};
use assay_model::{
    access::Caller,
    keeping::Downloads,
    package::{FileId, PackageId},
    policy::FactKind,
    problem::Problem,
    seam::meta::{self, Pulled, PullsOfDay, Tx},
    work::Lane,
};
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Between two writes.
const PAUSE: Duration = Duration::from_secs(5);
/// Counts of different things that are kept before they are written early.
const MANY: usize = 20_000;
/// Beyond this many nothing new is counted until the store answers again.
const MOST: usize = 200_000;
/// Rows of one transaction.
const BATCH: usize = 5_000;
/// Days that are told apart; totals stay.
const DAYS: i64 = 90;
pub(crate) const SECONDS_OF_DAY: i64 = 86_400;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    package: PackageId,
    file: FileId,
    day: i64,
    who: String,
}

/// What was counted and not written yet.
#[derive(Default)]
pub(crate) struct Counter {
    waiting: Mutex<HashMap<Key, (u64, Timestamp)>>,
    many: Notify,
    writing: tokio::sync::Mutex<()>,
}

impl Counter {
    fn add(&self, key: Key, count: u64, last: Timestamp) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sum) = waiting.get_mut(&key) {
            sum.0 += count;
            sum.1 = sum.1.max(last);
            return;
        }
        if waiting.len() >= MOST {
            return;
        }
        waiting.insert(key, (count, last));
        if waiting.len() == MANY {
            self.many.notify_one();
        }
    }

    fn take(&self) -> Vec<Pulled> {
        let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let mut taken: Vec<Pulled> = taken
            .into_iter()
            .map(|(key, (count, last))| Pulled {
                package: key.package,
                file: key.file,
                day: key.day,
                who: key.who,
                count,
                last,
            })
            .collect();
        taken.sort_by(|a, b| (a.package, a.file, a.day, &a.who).cmp(&(b.package, b.file, b.day, &b.who)));
        taken
    }

    fn put_back(&self, pulled: Vec<Pulled>) {
        for one in pulled {
            let key = Key { package: one.package, file: one.file, day: one.day, who: one.who };
            self.add(key, one.count, one.last);
        }
    }
}

/// Downloads of a package, for people.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pulls {
    /// In the last 30 days.
    pub month: u64,
    /// Who, in the last 30 days; beyond twenty a day they are not told apart.
    pub callers: BTreeMap<String, u64>,
    /// By day, up to 90 days back; days without any are left out.
    pub days: BTreeMap<Date, u64>,
    /// By file, since ever.
    pub files: BTreeMap<FileId, Downloads>,
}

pub(crate) fn day_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SECONDS_OF_DAY)
}

fn date_of(day: i64) -> Option<Date> {
    let at = Timestamp::from_second(day.checked_mul(SECONDS_OF_DAY)?).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).date())
}

pub(crate) fn pulls(tx: &mut dyn Tx, package: PackageId, now: Timestamp) -> Result<Pulls, Problem> {
    let today = day_of(now);
    let mut pulls = Pulls { files: tx.downloads_by_file(package)?, ..Pulls::default() };
    for PullsOfDay { day, who, count } in tx.download_days(package, today - DAYS)? {
        if let Some(date) = date_of(day) {
            *pulls.days.entry(date).or_default() += count;
        }
        if day > today - 30 {
            pulls.month += count;
            *pulls.callers.entry(who).or_default() += count;
        }
    }
    Ok(pulls)
}

impl Engine {
    /// Counts a download, once its first bytes are on their way. Only files that are packages' own count: layers and
    /// signatures come with their images.
    pub fn count_download(&self, cleared: &Cleared, caller: &Caller) {
        let Some((package, file)) = cleared.counted() else { return };
        let now = self.now();
        let key = Key { package, file, day: day_of(now), who: caller.name().to_owned() };
        self.downloads.add(key, 1, now);
    }

    /// Writes what was counted so far.
    ///
    /// # Errors
    /// From the store; what was not written is kept.
    pub async fn write_downloads(self: &Arc<Self>) -> Result<(), Problem> {
        let _one_at_a_time = self.downloads.writing.lock().await;
        let mut all = self.downloads.take();
        while !all.is_empty() {
            let rest = all.split_off(all.len().min(BATCH));
            let batch = all.clone();
            let (engine, now) = (self.clone(), self.now());
            let write = move |tx: &mut dyn Tx| {
                tx.add_downloads(&batch)?;
                engine.decide_downloaded(tx, &batch, now)
            };
            if let Err(problem) = meta::write(self.meta(), write).await {
                self.downloads.put_back(all);
                self.downloads.put_back(rest);
                return Err(problem);
            }
            all = rest;
        }
        Ok(())
    }

    /// Asks for decisions about what was downloaded, where a policy reads when that was.
    fn decide_downloaded(&self, tx: &mut dyn Tx, pulled: &[Pulled], now: Timestamp) -> Result<(), Problem> {
        if !self.rules(tx)?.reads().contains(&FactKind::Downloads) {
            return Ok(());
        }
        let packages: BTreeSet<PackageId> = pulled.iter().map(|one| one.package).collect();
        let packages: Vec<PackageId> = packages.into_iter().collect();
        tx.enqueue(&decide_jobs(&packages, Lane::Backfill, "downloaded", now))
    }

    pub(crate) async fn write_downloads_regularly(self: &Arc<Self>) {
        loop {
            let _ = tokio::time::timeout(PAUSE, self.downloads.many.notified()).await;
            if let Err(problem) = self.write_downloads().await {
                tracing::warn!(%problem, "cannot write how often packages were downloaded; trying again");
            }
        }
    }

    /// Forgets days that are no longer told apart.
    pub(crate) async fn forget_old_downloads(&self) -> Result<(), Problem> {
        let before = day_of(self.now()) - DAYS;
        while meta::write(self.meta(), move |tx| tx.forget_download_days(before, 1)).await? > 0 {}
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn key(n: i64) -> Key {
        Key { package: PackageId(n), file: FileId(n), day: 1, who: "ci".into() }
    }

    #[test]
    fn counts_add_up_and_survive_a_store_that_does_not_answer() {
        let (counter, later) = (Counter::default(), Timestamp::from_second(9).unwrap());
        counter.add(key(2), 1, Timestamp::UNIX_EPOCH);
        counter.add(key(1), 2, later);
        counter.add(key(2), 1, later);
        let taken = counter.take();
        assert_eq!(taken.iter().map(|p| (p.package.0, p.count)).collect::<Vec<_>>(), [(1, 2), (2, 2)]);
        counter.add(key(1), 1, Timestamp::UNIX_EPOCH);
        counter.put_back(taken);
        assert_eq!(counter.take().iter().map(|p| (p.count, p.last)).collect::<Vec<_>>(), [(3, later), (2, later)]);
        assert!(counter.take().is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let counter = Counter::default();
        for n in 0..i64::try_from(MOST).unwrap() + 10 {
            counter.add(key(n), 1, Timestamp::UNIX_EPOCH);
        }
        counter.add(key(0), 1, Timestamp::UNIX_EPOCH);
        let taken = counter.take();
        assert_eq!((taken.len(), taken[0].count), (MOST, 2), "what is known goes on");
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let at: Timestamp = "2024-02-29T23:59:59Z".parse().unwrap();
        assert_eq!(date_of(day_of(at)).unwrap().to_string(), "2024-02-29");
        assert_eq!(day_of("1969-12-31T23:00:00Z".parse().unwrap()), -1);
    }
}
