//! Fetching on schedules: each source has its own, kept in the store, so that a restart fetches nothing twice and several
//! nodes on one store take turns. Failures wait longer each time, and as long as the other side asks for.

use super::{ImportReport, open};
use crate::Engine;
use assay_model::{
    clock::SKEW,
    problem::Problem,
    seam::{
        meta::{self, FeedState},
        source::{AsksAbout, Cursor, Fetched, Net, Source},
    },
};
use jiff::{SignedDuration, Timestamp};
use std::{sync::Arc, time::Duration};

/// Longest sleep of a schedule, in seconds: others may change what is planned.
const LOOK: i64 = 30;
/// How long a fetch is another node's, in seconds; renewed while it runs.
const LEASE: i64 = 60;
/// First wait after a failure, in seconds; it doubles with each.
const FIRST_WAIT: i64 = 60;
/// Longest wait after a failure, in seconds.
const LONGEST_WAIT: i64 = 6 * 3600;
/// Things that a source is asked about one by one.
const MAX_ABOUT: usize = 1_000_000;

/// A source with its address.
#[derive(Clone)]
pub struct Watched {
    /// The source.
    pub source: &'static dyn Source,
    /// Where it is fetched from.
    pub address: String,
}

impl Engine {
    /// Fetches a source whenever it is due; ends never. `net` makes a network for one fetch.
    pub async fn keep_source(
        self: Arc<Self>,
        watched: Watched,
        net: impl Fn() -> Result<Box<dyn Net>, Problem> + Send + Sync,
    ) {
        let id = watched.source.spec().id;
        loop {
            let wait = match self.turn(&watched, &net).await {
                Ok(wait) => wait,
                Err(problem) => {
                    tracing::warn!(source = id, %problem, "cannot look when a source is due");
                    LOOK
                }
            };
            tokio::time::sleep(Duration::from_secs(wait.clamp(1, LOOK).unsigned_abs())).await;
        }
    }

    /// Looks every now and then whether a source became stale; ends never.
    pub async fn watch_freshness(self: Arc<Self>) {
        loop {
            if let Err(problem) = self.check_freshness().await {
                tracing::warn!(%problem, "cannot look how fresh the sources are");
            }
            let shortest = self.sources().iter().map(|source| self.rhythm().cadence_of(*source)).min().unwrap_or(LOOK);
            tokio::time::sleep(Duration::from_secs(shortest.clamp(1, LOOK).unsigned_abs())).await;
        }
    }

    /// Fetches the source if it is due; gives the seconds until it may be.
    async fn turn(
        self: &Arc<Self>,
        watched: &Watched,
        net: &(impl Fn() -> Result<Box<dyn Net>, Problem> + Send + Sync),
    ) -> Result<i64, Problem> {
        let id = watched.source.spec().id;
        let state = self.feed_state(id).await?;
        let due = match state.next_at {
            Some(at) => at,
            // never planned: at once, but not all sources at the same moment
            None => self.plan_fetch(id, self.now() + SignedDuration::from_millis(jitter(3_000))).await?,
        };
        let left = due.duration_since(self.now());
        if left > SignedDuration::ZERO && !planned_ahead(&state, self.now()) {
            return Ok(left.as_secs() + 1);
        }
        let net = net()?;
        match self.sync_source(watched.source, net.as_ref(), &watched.address).await {
            Ok(report) => tracing::info!(source = id, touched = report.touched, files = report.files, "source synced"),
            Err(problem) if problem.code == "feed-taken" => return Ok(LOOK),
            Err(problem) => tracing::warn!(source = id, %problem, "cannot sync a source; trying again later"),
        }
        Ok(1)
    }

    async fn feed_state(&self, id: &'static str) -> Result<FeedState, Problem> {
        meta::read(self.meta(), move |tx| {
            let known = tx.feed_states()?.into_iter().find(|s| s.feed == id);
            Ok(known.unwrap_or_else(|| FeedState { feed: id.to_owned(), ..FeedState::default() }))
        })
        .await
    }

    async fn plan_fetch(&self, id: &'static str, at: Timestamp) -> Result<Timestamp, Problem> {
        meta::write(self.meta(), move |tx| {
            let known = tx.feed_states()?.into_iter().find(|s| s.feed == id);
            let mut state = known.unwrap_or_else(|| FeedState { feed: id.to_owned(), ..FeedState::default() });
            let planned = *state.next_at.get_or_insert(at);
            tx.put_feed_state(&state)?;
            Ok(planned)
        })
        .await
    }

    /// Fetches what is new at `base` and imports it, also where it is not due.
    ///
    /// # Errors
    /// `Upstream`, kept as the feed's state, so that it is visible; `Busy` with code `feed-taken` while another process
    /// fetches the source.
    pub async fn sync_source(
        self: &Arc<Self>,
        source: &'static dyn Source,
        net: &dyn Net,
        base: &str,
    ) -> Result<ImportReport, Problem> {
        let id = source.spec().id;
        let (key, owner) = (format!("feed.{id}"), format!("{}-{}", self.owner, crate::access::random_hex(4)?));
        if !self.lease(&key, &owner).await? {
            let mut busy = Problem::busy(format!("{id} is being fetched already; wait until that is done"), 30);
            busy.code = "feed-taken";
            return Err(busy);
        }
        let since = self.feed_state(id).await?;
        let since = (!since.cursor.is_empty()).then_some(Cursor(since.cursor));
        let outcome = tokio::select! {
            outcome = self.fetch_and_import(source, net, base, since.as_ref()) => outcome,
            problem = self.keep_lease(&key, &owner) => Err(problem),
        };
        let told = self.note_outcome(source, outcome).await;
        let (ending, of) = (key.clone(), owner.clone());
        meta::write(self.meta(), move |tx| tx.end_lease(&ending, &of)).await?;
        self.check_freshness().await?;
        told
    }

    async fn lease(&self, key: &str, owner: &str) -> Result<bool, Problem> {
        let (key, owner, now) = (key.to_owned(), owner.to_owned(), self.now());
        let until = now + SignedDuration::from_secs(LEASE);
        meta::write(self.meta(), move |tx| tx.take_lease(&key, &owner, now, until)).await
    }

    /// Prolongs the lease for as long as it is polled; ends only when it is another's.
    async fn keep_lease(&self, key: &str, owner: &str) -> Problem {
        loop {
            tokio::time::sleep(Duration::from_secs(LEASE.unsigned_abs() / 3)).await;
            match self.lease(key, owner).await {
                Ok(true) => {}
                Ok(false) => return Problem::busy("another process fetches the source now", 30),
                Err(problem) => tracing::warn!(%problem, "cannot prolong the lease of a fetch"),
            }
        }
    }

    async fn note_outcome(
        &self,
        source: &'static dyn Source,
        outcome: Result<(ImportReport, Option<Cursor>), Problem>,
    ) -> Result<ImportReport, Problem> {
        let (id, now, cadence) = (source.spec().id, self.now(), self.rhythm().cadence_of(source));
        let mut state = self.feed_state(id).await?;
        state.attempted_at = Some(now);
        let told = match outcome {
            Ok((report, cursor)) => {
                (state.error, state.failures, state.synced_at) = (None, 0, Some(now));
                if let Some(cursor) = cursor {
                    state.cursor = cursor.0;
                }
                // a tenth earlier or later, so that what started together does not stay together
                let wait = cadence * 1000 + jitter(cadence * 100) - cadence * 50;
                state.next_at = Some(now + SignedDuration::from_millis(wait.max(500)));
                Ok(report)
            }
            Err(problem) => {
                state.failures = state.failures.saturating_add(1);
                state.error = Some(problem.to_string());
                let wait = back_off(state.failures, cadence, problem.retry_after);
                state.next_at = Some(now + SignedDuration::from_millis(wait * 1000 + jitter(wait * 200)));
                Err(problem)
            }
        };
        meta::write(self.meta(), move |tx| {
            // what an import or a look at the freshness wrote meanwhile stays
            let stale = tx.feed_states()?.into_iter().find(|s| s.feed == state.feed).is_some_and(|s| s.stale);
            tx.put_feed_state(&FeedState { stale, ..state.clone() })
        })
        .await?;
        told
    }

    async fn fetch_and_import(
        self: &Arc<Self>,
        source: &'static dyn Source,
        net: &dyn Net,
        base: &str,
        since: Option<&Cursor>,
    ) -> Result<(ImportReport, Option<Cursor>), Problem> {
        let about = self.about(source).await?;
        let (files, cursor) = match source.fetch_about(net, base, since, &about).await? {
            Fetched::Unchanged => return Ok((ImportReport::default(), None)),
            Fetched::Batch { files, cursor } => (files, cursor),
        };
        let engine = self.clone();
        let imported = crate::analyze::blocking(move || {
            let mut report = ImportReport::default();
            let mut failed = None;
            for (name, path) in files {
                if failed.is_none() {
                    let imported = open(&path)
                        .and_then(|mut file| engine.import_file(&name, &mut file, &mut report, &mut |_, _| {}));
                    failed = imported.err();
                }
                let _ = std::fs::remove_file(&path);
            }
            failed.map_or(Ok(report), Err)
        })
        .await;
        self.notice().await?;
        Ok((imported?, Some(cursor)))
    }

    /// What the source has to be asked about, in order.
    async fn about(&self, source: &'static dyn Source) -> Result<Vec<String>, Problem> {
        let Some(AsksAbout::Repositories) = source.asks_about() else { return Ok(Vec::new()) };
        meta::read(self.meta(), |tx| {
            let mut all: Vec<String> = Vec::new();
            loop {
                let page = tx.source_repositories(all.last().map_or("", String::as_str), super::PAGE)?;
                if page.is_empty() || all.len() >= MAX_ABOUT {
                    return Ok(all);
                }
                all.extend(page);
            }
        })
        .await
    }
}

/// Whether what is planned was planned by a clock that has been set back since.
fn planned_ahead(state: &FeedState, now: Timestamp) -> bool {
    match state.attempted_at {
        Some(attempted) => attempted.duration_since(now) > SKEW,
        None => state.next_at.is_some_and(|next| next.duration_since(now) > SKEW),
    }
}

/// Seconds to wait after this many failures in a row: doubling, no longer than the cadence asks for or half a workday,
/// and no shorter than the other side asks for.
fn back_off(failures: u32, cadence: i64, retry_after: Option<u32>) -> i64 {
    let longest = LONGEST_WAIT.min(cadence.max(1));
    let wait = FIRST_WAIT.min(longest).saturating_mul(1_i64 << failures.saturating_sub(1).min(16)).min(longest);
    wait.max(retry_after.map_or(0, i64::from).min(24 * 3600))
}

/// Up to this many milliseconds, by chance.
fn jitter(most: i64) -> i64 {
    let mut bytes = [0; 4];
    let drawn = getrandom::fill(&mut bytes).map(|()| u32::from_le_bytes(bytes)).unwrap_or_default();
    i64::from(drawn) % most.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_wait_longer_each_time_and_as_long_as_asked() {
        let waits: Vec<i64> = (1..=8).map(|failures| back_off(failures, 3600, None)).collect();
        assert_eq!(waits, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(back_off(40, 7 * 24 * 3600, None), LONGEST_WAIT);
        assert_eq!(back_off(1, 2, None), 2, "never longer than the source's own cadence");
        assert_eq!(back_off(1, 3600, Some(900)), 900);
        assert_eq!(back_off(1, 3600, Some(u32::MAX)), 24 * 3600, "nor for ever");
    }

    #[test]
    fn what_a_clock_that_was_ahead_planned_is_due() {
        let at = |seconds: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        let state = |attempted: Option<i64>, next: i64| FeedState {
            attempted_at: attempted.map(at),
            next_at: Some(at(next)),
            ..FeedState::default()
        };
        assert!(!planned_ahead(&state(Some(0), 86_400), at(10)), "a long wait is one");
        assert!(!planned_ahead(&state(Some(20), 86_400), at(10)), "another node's clock may be ahead a little");
        assert!(planned_ahead(&state(Some(3_600), 3_660), at(0)));
        assert!(planned_ahead(&state(None, 3_600), at(0)) && !planned_ahead(&state(None, 3), at(0)));
    }

    #[test]
    fn chance_stays_within_its_bounds() {
        assert!((0..200).all(|_| (0..50).contains(&jitter(50))));
        assert_eq!(jitter(0), 0);
    }
}
