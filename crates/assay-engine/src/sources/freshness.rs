//! Freshness: how old what a source said last is, when that is too old, and what follows when it becomes so.

use crate::Engine;
use assay_model::{
    event::NewEvent,
    health::Freshness,
    policy::FactKind,
    problem::Problem,
    seam::{
        meta::{self, FeedState, Tx},
        source::Source,
    },
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// When sources are fetched and when they are stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// Seconds between two fetches of any source; 0 for each source's own.
    pub cadence: u64,
    /// A source is stale when its last success is older than this many times its cadence; 0 for never.
    pub stale_after: u32,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { cadence: 0, stale_after: 4 }
    }
}

impl Rhythm {
    /// Seconds between two fetches of a source.
    pub fn cadence_of(&self, source: &dyn Source) -> i64 {
        let seconds = if self.cadence > 0 { self.cadence } else { source.spec().cadence };
        i64::try_from(seconds).unwrap_or(i64::MAX / 4).clamp(1, 400 * 24 * 3600)
    }

    /// Whether a source that stands so is stale. One that was never heard of is when it was tried in vain.
    pub fn is_stale(&self, source: &dyn Source, state: &FeedState, now: Timestamp) -> bool {
        if self.stale_after == 0 {
            return false;
        }
        let limit = self.cadence_of(source).saturating_mul(i64::from(self.stale_after));
        match state.synced_at {
            Some(at) => now.duration_since(at) > SignedDuration::from_secs(limit),
            None => state.failures > 0,
        }
    }
}

/// How one source stands, for people and machines.
#[derive(Clone, Debug, Serialize)]
pub struct SourceHealth {
    /// Its id.
    pub source: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// Licence of its data.
    pub data_license: &'static str,
    /// Seconds between two fetches.
    pub every_seconds: i64,
    /// Records that are kept of it.
    pub records: i64,
    /// Last success.
    pub synced_at: Option<Timestamp>,
    /// Seconds since.
    pub age_seconds: Option<i64>,
    /// Last attempt to fetch.
    pub attempted_at: Option<Timestamp>,
    /// Next attempt, where one is planned.
    pub next_at: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// The last one's error.
    pub error: Option<String>,
    /// Whether it is older than its limit.
    pub stale: bool,
}

impl Engine {
    /// How every source stands.
    ///
    /// # Errors
    /// From the store.
    pub async fn source_health(&self) -> Result<Vec<SourceHealth>, Problem> {
        let (states, counts) = meta::read(self.meta(), |tx| Ok((tx.feed_states()?, tx.source_counts()?))).await?;
        let (now, rhythm) = (self.now(), self.rhythm());
        let of = |source: &&'static dyn Source| {
            let spec = source.spec();
            let state = states.iter().find(|state| state.feed == spec.id).cloned().unwrap_or_default();
            SourceHealth {
                source: spec.id,
                summary: spec.summary,
                data_license: spec.data_license,
                every_seconds: rhythm.cadence_of(*source),
                records: counts.get(spec.id).copied().unwrap_or(0),
                stale: rhythm.is_stale(*source, &state, now),
                age_seconds: state.synced_at.map(|at| now.duration_since(at).as_secs().max(0)),
                synced_at: state.synced_at,
                attempted_at: state.attempted_at,
                next_at: state.next_at,
                failures: state.failures,
                error: state.error,
            }
        };
        Ok(self.sources().iter().map(of).collect())
    }

    /// What policies read of it: sources that were ever heard of or tried.
    pub(crate) fn freshness(&self, tx: &mut dyn Tx, now: Timestamp) -> Result<Vec<Freshness>, Problem> {
        let rhythm = self.rhythm();
        let mut all = Vec::new();
        for state in tx.feed_states()? {
            let Some(source) = self.sources().iter().find(|source| source.spec().id == state.feed) else { continue };
            let stale = rhythm.is_stale(*source, &state, now);
            all.push(Freshness { source: state.feed, synced_at: state.synced_at, stale });
        }
        Ok(all)
    }

    /// Notes when others last heard of sources whose facts were carried here. A moment that is older than what is known, or
    /// still to come, counts for no more than that.
    ///
    /// # Errors
    /// From the store.
    pub async fn heard_of(self: &Arc<Self>, times: BTreeMap<String, Timestamp>) -> Result<(), Problem> {
        let now = self.now();
        let known: BTreeSet<&str> = self.sources().iter().map(|source| source.spec().id).collect();
        let times: Vec<(String, Timestamp)> =
            times.into_iter().filter(|(source, _)| known.contains(source.as_str())).collect();
        meta::write(self.meta(), move |tx| {
            let states = tx.feed_states()?;
            for (source, at) in &times {
                let at = (*at).min(now);
                let mut state = states.iter().find(|state| state.feed == *source).cloned().unwrap_or_default();
                if state.synced_at.is_none_or(|before| before < at) {
                    state.feed.clone_from(source);
                    state.synced_at = Some(at);
                    tx.put_feed_state(&state)?;
                }
            }
            Ok(())
        })
        .await?;
        self.check_freshness().await
    }

    /// Notes which sources became stale or recovered since the last look: an event once, and new decisions where a policy
    /// reads it. Cheap where nothing changed.
    ///
    /// # Errors
    /// From the store.
    pub async fn check_freshness(self: &Arc<Self>) -> Result<(), Problem> {
        let states = meta::read(self.meta(), |tx| tx.feed_states()).await?;
        if self.turned(&states).is_empty() {
            return Ok(());
        }
        let (engine, now) = (self.clone(), self.now());
        meta::write(self.meta(), move |tx| {
            let states = tx.feed_states()?;
            for (state, stale) in engine.turned(&states) {
                let kind = if stale { "feed.stale" } else { "feed.recovered" };
                let body = json!({"synced_at": state.synced_at, "error": state.error});
                tx.put_feed_state(&FeedState { stale, ..state.clone() })?;
                let (actor, subject) = ("system".to_owned(), state.feed.clone());
                tx.append_event(&NewEvent { at: now, kind, actor, subject: subject.clone(), body })?;
                if engine.rules(tx)?.reads().contains(&FactKind::Freshness) {
                    let how = if stale { "stale" } else { "fresh again" };
                    crate::policies::decide_everything(tx, &format!("source {subject} is {how}"), now)?;
                }
            }
            Ok(())
        })
        .await?;
        self.notice().await
    }

    fn turned(&self, states: &[FeedState]) -> Vec<(FeedState, bool)> {
        let (now, rhythm) = (self.now(), self.rhythm());
        let of = |state: &FeedState| {
            let source = self.sources().iter().find(|source| source.spec().id == state.feed)?;
            let stale = rhythm.is_stale(*source, state, now);
            (stale != state.stale).then(|| (state.clone(), stale))
        };
        states.iter().filter_map(of).collect()
    }
}
