//! The worklist: jobs that wait, run under a lease, or are dead.
//!
//! At most one job waits per stage and key; one that is written while another runs waits beside it and is taken when that
//! one is done, so no change is lost and no key is worked on twice at once. A job whose lease ran out is written anew under
//! a new id: a worker that was only slow can no longer finish, by mistake, what has been asked for since.
//!
//! `asked` is when the wait for a job began, or its lease: what is ahead of now was noted by a clock that has been set back.

use super::Session;
use crate::sql::{R, Row, Value, all, clean, first, insert_many, numbers, value, value::params};
use assay_model::{
    Problem,
    clock::latest,
    seam::meta::{Backlog, JobCounts, Worklist},
    work::{Due, Job, Lane, NewJob, Stage},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, btree_map::Entry};

/// A waiting job about to be written.
#[derive(Clone)]
struct Waiting {
    lane: i64,
    stage: String,
    key: i64,
    cause: String,
    due: i64,
    asked: i64,
    attempts: i64,
    error: Option<String>,
    created_at: i64,
}

/// Lanes are stored by rank, so that the more urgent of two is the smaller.
fn rank(lane: Lane) -> i64 {
    Lane::ALL.iter().position(|l| *l == lane).and_then(|i| i64::try_from(i).ok()).unwrap_or(i64::MAX)
}

fn lane(rank: i64) -> R<Lane> {
    let lane = usize::try_from(rank).ok().and_then(|i| Lane::ALL.get(i).copied());
    lane.ok_or_else(|| Problem::bug(format!("{rank} is no lane")))
}

const JOB: &str = "id, lane, stage, key, cause, attempts, error, created_at";

fn read_job(row: &mut Row) -> R<Job> {
    Ok(Job {
        id: row.int()?,
        lane: lane(row.int()?)?,
        stage: row.word(Stage::parse)?,
        key: row.int()?,
        cause: row.text()?,
        attempts: row.small()?,
        error: row.text_or_null()?,
        created_at: row.time()?,
    })
}

/// Nothing is asked for at the beginning of time: 0 is an appointment.
fn asked(due: Due) -> i64 {
    due.asked().map_or(0, value::micros)
}

const WAITING: &str = "lane, stage, key, cause, due, attempts, error, created_at";

fn read_waiting(row: &mut Row) -> R<Waiting> {
    Ok(Waiting {
        lane: row.int()?,
        stage: row.text()?,
        key: row.int()?,
        cause: row.text()?,
        due: row.int()?,
        asked: 0,
        attempts: row.int()?,
        error: row.text_or_null()?,
        created_at: row.int()?,
    })
}

impl Waiting {
    fn absorb(&mut self, other: &Self) {
        self.lane = self.lane.min(other.lane);
        if other.due < self.due {
            self.cause.clone_from(&other.cause);
        }
        self.due = self.due.min(other.due);
        self.asked = self.asked.max(other.asked);
        self.attempts = self.attempts.max(other.attempts);
    }
}

impl Session<'_> {
    /// Writes waiting jobs, in order of stage and key; one that waits already absorbs a new one: the earlier due time with
    /// its cause, the more urgent lane, the later beginning of the wait and the larger number of attempts win.
    fn write_waiting(&mut self, jobs: impl IntoIterator<Item = Waiting>) -> R<()> {
        let mut by_key: BTreeMap<(String, i64), Waiting> = BTreeMap::new();
        for job in jobs {
            match by_key.entry((job.stage.clone(), job.key)) {
                Entry::Occupied(mut there) => there.get_mut().absorb(&job),
                Entry::Vacant(free) => {
                    free.insert(job);
                }
            }
        }
        let row = |j: Waiting| -> Vec<Value> {
            params![j.lane, j.stage, j.key, j.cause, "waiting", j.due, j.asked, j.attempts, j.error, j.created_at]
                .to_vec()
        };
        // unique job_waiting
        insert_many(
            self.sql,
            "INSERT INTO job (lane, stage, key, cause, state, due, asked, attempts, error, created_at)",
            "ON CONFLICT (stage, key) WHERE state = 'waiting' DO UPDATE SET
               lane = CASE WHEN excluded.lane < job.lane THEN excluded.lane ELSE job.lane END,
               cause = CASE WHEN excluded.due < job.due THEN excluded.cause ELSE job.cause END,
               due = CASE WHEN excluded.due < job.due THEN excluded.due ELSE job.due END,
               asked = CASE WHEN excluded.asked > job.asked THEN excluded.asked ELSE job.asked END,
               attempts = CASE WHEN excluded.attempts > job.attempts THEN excluded.attempts ELSE job.attempts END,
               error = COALESCE(excluded.error, job.error)",
            by_key.into_values().map(row).collect(),
        )?;
        Ok(())
    }

    /// Prolongs what `owner` holds; one that ran out and that nobody took counts as held.
    fn renew(&mut self, lane: Lane, owner: &str, now: Timestamp, until: Timestamp) -> R<()> {
        // job_leased
        self.sql.execute(
            "UPDATE job SET lease_until = $3, asked = $4
             WHERE lane = $1 AND state = 'running' AND owner = $2 AND (lease_until < $3 OR asked > $5)",
            &params![rank(lane), owner, until, now, latest(now)],
        )?;
        Ok(())
    }

    /// Puts back what was leased to workers that were not heard of again.
    fn expire(&mut self, lane: Lane, now: Timestamp) -> R<()> {
        // job_leased
        let lost = all(
            self.sql,
            &format!(
                "DELETE FROM job WHERE id IN (
                   SELECT id FROM job WHERE lane = $1 AND state = 'running' AND (lease_until <= $2 OR asked > $3)
                   ORDER BY id @skip)
                 RETURNING {WAITING}"
            ),
            &params![rank(lane), now, latest(now)],
            read_waiting,
        )?;
        if lost.is_empty() {
            return Ok(());
        }
        let note = |mut job: Waiting| {
            job.error.get_or_insert_with(|| "its worker was lost: the lease ran out".to_owned());
            // it was due when it was leased
            job.asked = job.due;
            job
        };
        self.write_waiting(lost.into_iter().map(note))
    }

    /// Leases waiting jobs for which `holds` in the order of `order`.
    fn lease(
        &mut self,
        lane: Lane,
        (holds, order): (&str, &str),
        given: &Lease<'_>,
        limit: usize,
    ) -> R<Vec<(i64, Job)>> {
        // job_due or job_asked, in order; job_running
        let mut claimed = all(
            self.sql,
            &format!(
                "WITH picked AS MATERIALIZED (
                   SELECT w.id FROM job w WHERE w.lane = $1 AND w.state = 'waiting' AND {holds}
                     AND NOT EXISTS (
                       SELECT 1 FROM job r WHERE r.stage = w.stage AND r.key = w.key AND r.state = 'running')
                   ORDER BY {order}, w.id LIMIT $3 @skip)
                 UPDATE job SET state = 'running', owner = $4, lease_until = $5, asked = $2, attempts = attempts + 1
                 WHERE id IN (SELECT id FROM picked)
                 RETURNING due, {JOB}"
            ),
            &[rank(lane).into(), given.now.into(), value::limit(limit), given.owner.into(), given.until.into()],
            |r| Ok((r.int()?, read_job(r)?)),
        )?;
        claimed.sort_by_key(|(due, job)| (*due, job.id));
        Ok(claimed)
    }

    /// Whether a job waits since a moment that is still to come.
    fn waits_since_ahead(&mut self, lane: Lane, now: Timestamp) -> R<bool> {
        // job_asked, its last entry
        let text = "SELECT id FROM job WHERE lane = $1 AND state = 'waiting' AND asked > $2 LIMIT 1";
        Ok(first(self.sql, text, &params![rank(lane), now])?.is_some())
    }
}

/// Who leases, and for how long.
struct Lease<'a> {
    owner: &'a str,
    now: Timestamp,
    until: Timestamp,
}

impl Worklist for Session<'_> {
    fn enqueue(&mut self, jobs: &[NewJob]) -> R<()> {
        // for people only, so the machine's clock will do
        let created_at = value::micros(Timestamp::now());
        self.write_waiting(jobs.iter().map(|job| Waiting {
            lane: rank(job.lane),
            stage: job.stage.as_str().to_owned(),
            key: job.key,
            cause: clean(&job.cause).into_owned(),
            due: value::micros(job.due.at()),
            asked: asked(job.due),
            attempts: 0,
            error: None,
            created_at,
        }))
    }

    fn claim(&mut self, lane: Lane, owner: &str, now: Timestamp, until: Timestamp, limit: usize) -> R<Vec<Job>> {
        if limit == 0 {
            self.renew(lane, owner, now, until)?;
        }
        self.expire(lane, now)?;
        let given = Lease { owner, now, until };
        // what a clock that was ahead left behind has waited longest
        let mut claimed = match limit > 0 && self.waits_since_ahead(lane, now)? {
            true => self.lease(lane, ("w.asked > $2", "w.asked"), &given, limit)?,
            false => Vec::new(),
        };
        if claimed.len() < limit {
            claimed.extend(self.lease(lane, ("w.due <= $2", "w.due"), &given, limit - claimed.len())?);
        }
        Ok(claimed.into_iter().map(|(_, job)| job).collect())
    }

    fn finish(&mut self, ids: &[i64]) -> R<()> {
        // primary key
        self.sql.execute(
            "DELETE FROM job WHERE state = 'running' AND id IN (SELECT CAST(value AS BIGINT) FROM @list($1))",
            &[numbers(ids.iter().copied())],
        )?;
        Ok(())
    }

    fn fail(&mut self, id: i64, error: &str, retry: Option<Due>) -> R<()> {
        let error = clean(error).into_owned();
        let Some(retry) = retry else {
            self.sql.execute(
                "UPDATE job SET state = 'dead', error = $2, owner = NULL, lease_until = NULL
                 WHERE id = $1 AND state = 'running'",
                &params![id, error],
            )?;
            return Ok(());
        };
        let failed = first(
            self.sql,
            &format!("DELETE FROM job WHERE id = $1 AND state = 'running' RETURNING {WAITING}"),
            &params![id],
        )?;
        let Some(mut row) = failed else { return Ok(()) };
        let job = read_waiting(&mut row)?;
        let (due, asked) = (value::micros(retry.at()), asked(retry));
        self.write_waiting([Waiting { due, asked, error: Some(error), ..job }])
    }

    fn has_due(&mut self, lane: Lane, now: Timestamp) -> R<bool> {
        // job_due, its first entry; job_asked, its last; job_leased, of which there are few
        let found = first(
            self.sql,
            "SELECT CAST(CASE WHEN
               EXISTS (SELECT 1 FROM job WHERE lane = $1 AND state = 'waiting' AND due <= $2)
               OR EXISTS (SELECT 1 FROM job WHERE lane = $1 AND state = 'waiting' AND asked > $2)
               OR EXISTS (SELECT 1 FROM job WHERE lane = $1 AND state = 'running' AND (lease_until <= $2 OR asked > $3))
             THEN 1 ELSE 0 END AS BIGINT)",
            &params![rank(lane), now, latest(now)],
        )?;
        found.map_or(Ok(false), |mut row| Ok(row.int()? != 0))
    }
}

impl Backlog for Session<'_> {
    fn job_counts(&mut self, now: Timestamp) -> R<BTreeMap<Lane, JobCounts>> {
        // counted in the indexes alone: job_due, twice; job_asked; job_leased; job_dead
        let text = "SELECT
               (SELECT COUNT(*) FROM job WHERE lane = $1 AND state = 'waiting'),
               (SELECT COUNT(*) FROM job WHERE lane = $1 AND state = 'waiting' AND due > $2),
               (SELECT COUNT(*) FROM job WHERE lane = $1 AND state = 'waiting' AND asked > $2 AND due > $2),
               (SELECT COUNT(*) FROM job WHERE lane = $1 AND state = 'running'),
               (SELECT COUNT(*) FROM job WHERE lane = $1 AND state = 'dead')";
        let mut counts = BTreeMap::new();
        for lane in Lane::ALL {
            let row = first(self.sql, text, &params![rank(lane), now])?;
            let mut row = row.ok_or_else(|| Problem::bug("a count without a row"))?;
            let (waiting, ahead, overdue) = (row.int()?, row.int()?, row.int()?);
            // what waits since a moment that is still to come is looked at now
            let later = ahead - overdue;
            counts.insert(lane, JobCounts { waiting: waiting - later, later, running: row.int()?, dead: row.int()? });
        }
        Ok(counts)
    }

    fn dead_jobs(&mut self, revive: bool, now: Timestamp) -> R<Vec<Job>> {
        // job_dead, in order; a reader may not lock
        let lock = if revive { "@lock" } else { "" };
        let text = format!("SELECT {JOB} FROM job WHERE state = 'dead' ORDER BY id {lock}");
        let dead = all(self.sql, &text, &[], read_job)?;
        if !revive {
            return Ok(dead);
        }
        self.sql.execute(
            "DELETE FROM job WHERE state = 'dead' AND id IN (SELECT CAST(value AS BIGINT) FROM @list($1))",
            &[numbers(dead.iter().map(|j| j.id))],
        )?;
        self.write_waiting(dead.iter().map(|job| Waiting {
            lane: rank(job.lane),
            stage: job.stage.as_str().to_owned(),
            key: job.key,
            cause: job.cause.clone(),
            due: value::micros(now),
            asked: value::micros(now),
            attempts: 0,
            error: job.error.clone(),
            created_at: value::micros(job.created_at),
        }))?;
        Ok(dead)
    }
}
