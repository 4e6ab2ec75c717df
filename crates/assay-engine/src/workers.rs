//! Workers: they lease jobs lane by lane and run the stage that a job names. A lane that is full never delays another;
//! a job that keeps failing ends as a dead letter that an operator can see and retry.

use crate::Engine;
use assay_model::{
    problem::Problem,
    seam::meta::{self, Tx},
    work::{Due, Job, Lane, Stage},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Jobs leased at once: few where a client waits and another worker could take them, many where one transaction serves all.
fn batch_of(lane: Lane) -> usize {
    match lane {
        Lane::Interactive | Lane::Scan => 16,
        Lane::Change | Lane::Backfill => 128,
    }
}

/// How long a lease lasts, in seconds. It is renewed while its batch runs, so this is how long the jobs of a killed
/// server wait where others share its store.
const LEASE_SECONDS: i64 = 30;
/// Renewals within one lease: a missed one is no loss.
const RENEWALS: u64 = 3;
const ATTEMPTS: u32 = 6;

/// Counts matched components, in the settings table.
pub(crate) const MATCHED: &str = "tally.matched";
/// Counts decided packages.
pub(crate) const DECIDED: &str = "tally.decided";

/// Adds to a tally; tallies only tell people how much a change cost.
pub(crate) fn tally(tx: &mut dyn Tx, key: &str, n: usize) -> Result<(), Problem> {
    if n == 0 {
        return Ok(());
    }
    let before: u64 = tx.setting(key)?.and_then(|v| v.parse().ok()).unwrap_or(0);
    tx.put_setting(key, &(before + n as u64).to_string())
}

/// What has been done so far, over all processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Drained {
    /// Components matched.
    pub matched: u64,
    /// Packages decided.
    pub decided: u64,
}

impl Engine {
    /// Starts the workers of all lanes; they end when the handle is aborted.
    pub fn start_workers(self: &Arc<Self>) -> tokio::task::JoinSet<()> {
        let mut set = tokio::task::JoinSet::new();
        for (lane, workers) in [(Lane::Interactive, 2), (Lane::Scan, 1), (Lane::Change, 2), (Lane::Backfill, 1)] {
            for _ in 0..workers {
                set.spawn(self.clone().work(lane));
            }
        }
        set.spawn(self.clone().watch());
        let counting = self.clone();
        set.spawn(async move { counting.write_downloads_regularly().await });
        set.spawn(self.clone().sweep_regularly());
        set.spawn(self.clone().work_on_imports());
        set.spawn(self.clone().awaken_in_time());
        set.spawn(self.clone().tell_regularly());
        set
    }

    /// Takes back the leases of workers that are no more. Only for a store that no other server works on: its jobs would
    /// otherwise wait until the leases of a killed process run out.
    ///
    /// # Errors
    /// From the store.
    pub async fn take_back_leases(&self) -> Result<(), Problem> {
        let (owner, now) = (self.owner.clone(), self.now());
        meta::write(self.meta(), move |tx| {
            for lane in Lane::ALL {
                tx.claim(lane, &owner, Timestamp::MAX, now, 0)?;
            }
            Ok(())
        })
        .await
    }

    async fn work(self: Arc<Self>, lane: Lane) {
        let mut commits = self.notices.subscribe();
        loop {
            match self.run_lane(lane).await {
                Ok(0) => {
                    let _ = tokio::time::timeout(Duration::from_secs(2), commits.changed()).await;
                }
                Ok(_) => {}
                Err(problem) => {
                    tracing::error!(lane = lane.as_str(), %problem, "a worker cannot reach its jobs");
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
            }
        }
    }

    /// Leases and runs one batch; says how many jobs it had.
    async fn run_lane(self: &Arc<Self>, lane: Lane) -> Result<usize, Problem> {
        let now = self.now();
        if !meta::read(self.meta(), move |tx| tx.has_due(lane, now)).await? {
            return Ok(0);
        }
        let until = now + SignedDuration::from_secs(LEASE_SECONDS);
        let owner = self.next_owner();
        let claiming = owner.clone();
        let jobs = meta::write(self.meta(), move |tx| tx.claim(lane, &claiming, now, until, batch_of(lane))).await?;
        if !jobs.is_empty() {
            tokio::select! {
                outcome = self.run_jobs(&jobs) => outcome?,
                () = self.keep_leases(lane, owner) => {}
            }
            self.notice().await?;
        }
        Ok(jobs.len())
    }

    /// A name for the holder of one batch, so that renewing its leases renews no other's.
    fn next_owner(&self) -> String {
        static BATCHES: AtomicU64 = AtomicU64::new(0);
        format!("{}-{}", self.owner, BATCHES.fetch_add(1, Ordering::Relaxed))
    }

    /// Renews the leases of a batch for as long as it is polled: it ends never.
    async fn keep_leases(&self, lane: Lane, owner: String) {
        let pause = Duration::from_secs(LEASE_SECONDS.unsigned_abs() / RENEWALS);
        loop {
            tokio::time::sleep(pause).await;
            let (now, owner) = (self.now(), owner.clone());
            let until = now + SignedDuration::from_secs(LEASE_SECONDS);
            let renewed = meta::write(self.meta(), move |tx| tx.claim(lane, &owner, now, until, 0)).await;
            if let Err(problem) = renewed {
                tracing::warn!(lane = lane.as_str(), %problem, "cannot renew the leases of running jobs");
            }
        }
    }

    async fn run_jobs(self: &Arc<Self>, jobs: &[Job]) -> Result<(), Problem> {
        let of = |stage: Stage| jobs.iter().filter(|j| j.stage == stage).cloned().collect::<Vec<Job>>();
        for job in of(Stage::Analyze) {
            let outcome = self.analyze(&job).await;
            self.settle(&[job], outcome).await?;
        }
        for job in of(Stage::Promote) {
            let outcome = self.promote_by_rules(&job).await;
            self.settle(&[job], outcome).await?;
        }
        for job in of(Stage::Waiver) {
            let outcome = self.look_at_waiver(&job).await;
            self.settle(&[job], outcome).await?;
        }
        for stage in [Stage::Match, Stage::Decide] {
            let batch = of(stage);
            if !batch.is_empty() {
                self.run_batch(stage, &batch).await?;
            }
        }
        for job in of(Stage::Renew) {
            let outcome = self.renew(&job).await;
            self.settle(&[job], outcome).await?;
        }
        for job in of(Stage::Survey) {
            let outcome = self.survey(&job).await;
            self.settle(&[job], outcome).await?;
        }
        Ok(())
    }

    /// Runs a batch as one; where that fails, one by one, so that a bad one holds up only itself.
    async fn run_batch(self: &Arc<Self>, stage: Stage, batch: &[Job]) -> Result<(), Problem> {
        if let Err(problem) = self.run_stage(stage, batch).await {
            if batch.len() == 1 {
                return self.settle(batch, Err(problem)).await;
            }
            for job in batch {
                let one = std::slice::from_ref(job);
                let outcome = self.run_stage(stage, one).await;
                self.settle(one, outcome).await?;
            }
        }
        Ok(())
    }

    async fn run_stage(self: &Arc<Self>, stage: Stage, batch: &[Job]) -> Result<(), Problem> {
        match stage {
            Stage::Match => self.match_batch(batch).await,
            Stage::Decide => self.decide_batch(batch).await,
            Stage::Analyze | Stage::Promote | Stage::Waiver | Stage::Renew | Stage::Survey => {
                Err(Problem::bug("these jobs run one by one"))
            }
        }
    }

    /// Puts failed jobs back; those that were done, their stage has finished in the transaction of its outcome.
    async fn settle(&self, jobs: &[Job], outcome: Result<(), Problem>) -> Result<(), Problem> {
        let now = self.now();
        let ids: Vec<i64> = jobs.iter().map(|job| job.id).collect();
        match outcome {
            Ok(()) => Ok(()),
            Err(problem) => {
                let attempts = jobs.iter().map(|job| job.attempts).max().unwrap_or(0);
                tracing::warn!(?ids, attempts, %problem, cause = ?std::error::Error::source(&problem).map(ToString::to_string), "a job failed");
                let backoff = SignedDuration::from_secs(1 << attempts.min(8));
                let retry = (attempts < ATTEMPTS).then(|| Due::after(now, backoff));
                let message = problem.to_string();
                meta::write(self.meta(), move |tx| ids.iter().try_for_each(|id| tx.fail(*id, &message, retry))).await
            }
        }
    }

    /// Runs jobs in this process until none is due that a change or an upload caused: for the command line. What may take
    /// long and that nobody waits for, as inventories that a newer scanner makes again, is left to servers.
    ///
    /// # Errors
    /// From the store.
    pub async fn drain(self: &Arc<Self>) -> Result<(), Problem> {
        self.drain_lanes(&[Lane::Interactive, Lane::Scan, Lane::Change]).await
    }

    /// Runs jobs of every lane in this process until none is due: for tests.
    ///
    /// # Errors
    /// From the store.
    pub async fn drain_all(self: &Arc<Self>) -> Result<(), Problem> {
        self.drain_lanes(&Lane::ALL).await
    }

    async fn drain_lanes(self: &Arc<Self>, lanes: &[Lane]) -> Result<(), Problem> {
        self.awaken().await?;
        let mut before = None;
        loop {
            let mut ran = 0;
            for lane in lanes {
                ran += self.run_lane(*lane).await?;
            }
            let counts = {
                let now = self.now();
                meta::read(self.meta(), move |tx| tx.job_counts(now)).await?
            };
            let of_these = || counts.iter().filter(|(lane, _)| lanes.contains(lane)).map(|(_, counts)| counts);
            let running: i64 = of_these().map(|c| c.running).sum();
            let waiting: i64 = of_these().map(|c| c.waiting).sum();
            let quiet = (ran == 0 && running == 0).then_some((waiting, self.drained().await?));
            // Another process may have ended a job after we looked for one and left its successor waiting: only a look
            // between two equal moments of quiet has seen everything.
            if quiet.is_some() && quiet == before {
                return Ok(());
            }
            if ran == 0 && running > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            before = quiet;
        }
    }

    /// How many different components and packages were matched and decided since a moment of the last day.
    ///
    /// # Errors
    /// From the store.
    pub async fn attended_since(&self, since: Timestamp) -> Result<Drained, Problem> {
        meta::read(self.meta(), move |tx| {
            let matched = tx.attended_since(Stage::Match, since)?;
            Ok(Drained { matched, decided: tx.attended_since(Stage::Decide, since)? })
        })
        .await
    }

    /// The tallies so far.
    ///
    /// # Errors
    /// From the store.
    pub async fn drained(&self) -> Result<Drained, Problem> {
        meta::read(self.meta(), |tx| {
            let mut read = |key| Ok::<u64, Problem>(tx.setting(key)?.and_then(|v| v.parse().ok()).unwrap_or(0));
            Ok(Drained { matched: read(MATCHED)?, decided: read(DECIDED)? })
        })
        .await
    }
}
