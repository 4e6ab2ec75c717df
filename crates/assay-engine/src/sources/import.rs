//! One import in progress: what a parser reads goes to the store in batches, each a transaction with the revisions, what
//! they touch, and the jobs that look at it again. An import that is cut off has done a whole number of batches.

use super::{
    BATCH, EXCERPT,
    advisories::{prepare, short, store_advisories},
    report::{ImportReport, SourceCounts},
};
use crate::Engine;
use assay_model::{
    advisory::Advisory,
    event::NewEvent,
    health::{Popularity, Scorecard, Ssvc},
    problem::Problem,
    score::{Epss, Kev},
    seam::{
        meta::{BadRecord, Change},
        source::{Extent, Intel},
    },
    vex::VexStatement,
};
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Keys that were read, to tell at the end what a complete file lacks. Short digests where there may be millions.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) epss: HashSet<u64>,
    pub(super) kev: HashSet<u64>,
    pub(super) ssvc: HashSet<u64>,
    pub(super) cards: HashSet<u64>,
    pub(super) popular: BTreeMap<String, BTreeSet<String>>,
    pub(super) vex: BTreeSet<String>,
}

pub(super) struct Import<'a, 'p> {
    pub(super) engine: &'a Engine,
    source: &'static str,
    pub(super) report: &'a mut ImportReport,
    progress: &'a mut (dyn FnMut(u64, Option<u64>) + Send + 'p),
    /// Whether a file may take back most of what is there.
    pub(super) force: bool,
    /// Whether it was fetched elsewhere and carried here, so that it says nothing about when the source was heard of.
    pub(super) carried: bool,
    pub(super) now: Timestamp,
    pub(super) advisories: Vec<(String, Advisory, Vec<u8>)>,
    pub(super) epss: Vec<Epss>,
    pub(super) kev: Vec<Kev>,
    pub(super) ssvc: Vec<(String, Ssvc)>,
    pub(super) cards: Vec<Scorecard>,
    pub(super) popular: Vec<Popularity>,
    pub(super) kept: Kept,
    /// Of each source the advisories that were read, as short digests of their ids.
    pub(super) seen: BTreeMap<String, HashSet<u64>>,
    bad: Vec<BadRecord>,
    before: u64,
}

impl<'a, 'p> Import<'a, 'p> {
    pub(super) fn new(
        engine: &'a Engine,
        source: &'static str,
        force: bool,
        report: &'a mut ImportReport,
        progress: &'a mut (dyn FnMut(u64, Option<u64>) + Send + 'p),
    ) -> Self {
        let before = report.sources.values().map(SourceCounts::news).sum();
        Self {
            engine,
            source,
            report,
            progress,
            force,
            carried: false,
            now: engine.now(),
            advisories: Vec::new(),
            epss: Vec::new(),
            kev: Vec::new(),
            ssvc: Vec::new(),
            cards: Vec::new(),
            popular: Vec::new(),
            kept: Kept::default(),
            seen: BTreeMap::new(),
            bad: Vec::new(),
            before,
        }
    }

    pub(super) fn counts(&mut self, source: &str) -> &mut SourceCounts {
        self.report.sources.entry(source.to_owned()).or_default()
    }

    pub(super) fn count_all(&mut self, changes: &[Change]) {
        let source = self.source;
        for change in changes {
            self.counts(source).count(*change);
        }
    }

    pub(super) fn flush_advisories(&mut self) -> Result<(), Problem> {
        let engine = self.engine;
        let matcher = engine.parts.matcher.as_ref();
        let batch = prepare(std::mem::take(&mut self.advisories), matcher);
        let mut changes = Vec::new();
        let mut touched = 0;
        engine.meta().write_now(Box::new(|tx| {
            (changes, touched) = store_advisories(tx, matcher, &batch, engine.parts.clock.as_ref())?;
            Ok(())
        }))?;
        self.report.touched += touched;
        for (source, change) in changes {
            self.counts(&source).count(change);
        }
        Ok(())
    }

    fn flush_bad(&mut self) -> Result<(), Problem> {
        let batch = std::mem::take(&mut self.bad);
        self.engine.meta().write_now(Box::new(|tx| tx.put_bad_records(&batch)))
    }

    fn flush(&mut self) -> Result<(), Problem> {
        self.flush_advisories()?;
        self.flush_epss()?;
        self.flush_kev()?;
        self.flush_ssvc()?;
        self.flush_cards()?;
        self.flush_popular()?;
        self.flush_bad()
    }

    /// Writes what is left, notes that the source was heard of, and logs the import, unless nothing changed.
    pub(super) fn finish(mut self, name: &str) -> Result<(), Problem> {
        self.flush()?;
        self.report.files += 1;
        let news: u64 = self.report.sources.values().map(SourceCounts::news).sum();
        let (at, source, changed, carried) = (self.now, self.source, news != self.before, self.carried);
        let counts = match self.report.sources.get(source) {
            Some(of_source) => json!(of_source),
            None => json!(self.report.sources),
        };
        let body = json!({"file": name, "counts": counts});
        self.engine.meta().write_now(Box::new(|tx| {
            if !carried {
                let mut state = tx.feed_states()?.into_iter().find(|s| s.feed == source).unwrap_or_default();
                source.clone_into(&mut state.feed);
                state.synced_at = Some(at);
                tx.put_feed_state(&state)?;
            }
            if !changed {
                return Ok(());
            }
            let number = tx.next_import()?;
            let mut body = body.clone();
            if let Some(map) = body.as_object_mut() {
                map.insert("import".to_owned(), json!(number));
            }
            tx.append_event(&NewEvent {
                at,
                kind: "feed.imported",
                actor: "system".into(),
                subject: source.into(),
                body,
            })
            .map(|_| ())
        }))
    }
}

impl Intel for Import<'_, '_> {
    fn advisory(&mut self, source: &str, advisory: Advisory, bytes: &[u8]) -> Result<(), Problem> {
        if !self.seen.contains_key(source) {
            self.seen.insert(source.to_owned(), HashSet::new());
        }
        if let Some(seen) = self.seen.get_mut(source) {
            seen.insert(short(&advisory.id));
        }
        self.advisories.push((source.to_owned(), advisory, bytes.to_vec()));
        if self.advisories.len() >= BATCH { self.flush_advisories() } else { Ok(()) }
    }
    fn epss(&mut self, epss: Epss) -> Result<(), Problem> {
        self.epss.push(epss);
        if self.epss.len() >= 20 * BATCH { self.flush_epss() } else { Ok(()) }
    }
    fn kev(&mut self, kev: Kev) -> Result<(), Problem> {
        self.kev.push(kev);
        if self.kev.len() >= BATCH { self.flush_kev() } else { Ok(()) }
    }
    fn ssvc(&mut self, cve: &str, ssvc: Ssvc) -> Result<(), Problem> {
        self.ssvc.push((cve.to_owned(), ssvc));
        if self.ssvc.len() >= 5 * BATCH { self.flush_ssvc() } else { Ok(()) }
    }
    fn scorecard(&mut self, card: Scorecard) -> Result<(), Problem> {
        self.cards.push(card);
        if self.cards.len() >= BATCH { self.flush_cards() } else { Ok(()) }
    }
    fn popularity(&mut self, entry: Popularity) -> Result<(), Problem> {
        // a catalogue at once where it is of usual size: whom it touches is found in one pass
        self.popular.push(entry);
        if self.popular.len() >= 50 * BATCH { self.flush_popular() } else { Ok(()) }
    }
    fn vex(&mut self, source: &str, name: &str, statements: Vec<VexStatement>, bytes: &[u8]) -> Result<(), Problem> {
        let change = self.keep_vex(source, name, statements, bytes)?;
        self.counts(source).count(change);
        Ok(())
    }
    fn bad(&mut self, source: &str, name: &str, reason: &str, bytes: &[u8]) -> Result<(), Problem> {
        self.counts(source).bad += 1;
        if self.report.set_aside.len() < 20 {
            self.report.set_aside.push(format!("{name}: {reason}"));
        }
        let excerpt = String::from_utf8_lossy(bytes.get(..EXCERPT).unwrap_or(bytes)).replace('\0', " ");
        let (source, name, reason) = (source.to_owned(), name.to_owned(), reason.to_owned());
        self.bad.push(BadRecord { source, name, reason, excerpt, at: self.now });
        if self.bad.len() >= BATCH { self.flush_bad() } else { Ok(()) }
    }
    fn whole(&mut self, extent: &Extent<'_>) -> Result<(), Problem> {
        self.take_back(extent)
    }
    fn progress(&mut self, done: u64, total: Option<u64>) {
        (self.progress)(done, total);
    }
}
