//! Refresh: facts about the world arrive. Each batch is one transaction with the revisions, what they touch, and the
//! jobs that look at it again; an import that is cut off at any point has done a whole number of batches.

use crate::{
    Engine,
    matching::{decide_jobs, fence},
};
use assay_model::{
    access::{Caller, Permission},
    advisory::{Advisory, is_entry_id},
    component::ComponentId,
    digest::Digest,
    event::NewEvent,
    policy::FactKind,
    problem::Problem,
    score::{Epss, Kev},
    seam::{
        ReadSeek,
        matcher::{Matcher, StoredAdvisory},
        meta::{self, BadRecord, Change, NewAdvisory, Tx},
        source::{Cursor, Fetched, Intel, Net, Source},
    },
    work::{Lane, NewJob, Stage},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    hash::{Hash, Hasher},
    path::Path,
    sync::Arc,
};

const BATCH: usize = 1000;
const EXCERPT: usize = 64 << 10;
/// Ids read at once when a catalogue is compared with what is kept.
const PAGE: usize = 10_000;
/// Advisories that a cause names.
const NAMED: usize = 3;

/// What happened to the records of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceCounts {
    /// Not seen before.
    pub new: u64,
    /// New revisions.
    pub changed: u64,
    /// Taken back.
    pub withdrawn: u64,
    /// The same as before.
    pub unchanged: u64,
    /// Set aside.
    pub bad: u64,
}

impl SourceCounts {
    fn count(&mut self, change: Change) {
        match change {
            Change::New => self.new += 1,
            Change::Changed => self.changed += 1,
            Change::Withdrawn => self.withdrawn += 1,
            Change::Unchanged => self.unchanged += 1,
        }
    }
    /// Records read.
    pub fn total(&self) -> u64 {
        self.new + self.changed + self.withdrawn + self.unchanged + self.bad
    }
    fn news(&self) -> u64 {
        self.new + self.changed + self.withdrawn
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ImportReport {
    /// By source.
    pub sources: BTreeMap<String, SourceCounts>,
    /// Components that the changes touch, matched again.
    pub touched: u64,
    /// Files read.
    pub files: u64,
    /// The first bad records, as `name: reason`.
    pub set_aside: Vec<String>,
}

/// Called with records read and, where known, how many there are.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, Option<u64>) + Send);

impl Engine {
    /// Imports one file of whatever source recognises it. Runs on a blocking thread. Importing it twice changes nothing.
    ///
    /// # Errors
    /// `Invalid` when no source knows the file; otherwise only from the store: bad records are set aside.
    pub fn import_file(
        &self,
        name: &str,
        file: &mut dyn ReadSeek,
        report: &mut ImportReport,
        progress: Progress<'_>,
    ) -> Result<(), Problem> {
        let mut head = vec![0_u8; 4096];
        let unreadable = |e| Problem::invalid("unreadable", format!("cannot read {name}")).caused_by(e);
        let mut filled = 0;
        while let Some(rest) = head.get_mut(filled..).filter(|r| !r.is_empty()) {
            match file.read(rest).map_err(unreadable)? {
                0 => break,
                n => filled += n,
            }
        }
        head.truncate(filled);
        file.rewind().map_err(unreadable)?;
        let source = self.parts.sources.iter().find(|s| s.recognizes(name, &head)).ok_or_else(|| {
            Problem::invalid("unknown-feed", format!("{name} is of no known source; expected OSV (zip or JSON), EPSS (csv or csv.gz) or CISA KEV (json or json.gz)"))
        })?;
        let mut import = Import::new(self, source.spec().id, report, progress);
        source.parse(name, file, &mut import)?;
        import.finish(name)
    }

    /// Fetches what is new at `base` and imports it.
    ///
    /// # Errors
    /// `Upstream`; kept as the feed's state, so that it is visible.
    pub async fn sync_source(
        self: &Arc<Self>,
        source: &'static dyn Source,
        net: &dyn Net,
        base: &str,
    ) -> Result<ImportReport, Problem> {
        let feed = source.spec().id.to_owned();
        let states = meta::read(self.meta(), |tx| tx.feed_states()).await?;
        let mut state = states.into_iter().find(|s| s.feed == feed).unwrap_or_default();
        state.feed = feed;
        let since = (!state.cursor.is_empty()).then(|| Cursor(state.cursor.clone()));
        let outcome = self.fetch_and_import(source, net, base, since.as_ref()).await;
        match &outcome {
            Ok((_, cursor)) => {
                state.error = None;
                state.synced_at = Some(self.now());
                if let Some(cursor) = cursor {
                    state.cursor.clone_from(&cursor.0);
                }
            }
            Err(problem) => state.error = Some(problem.to_string()),
        }
        meta::write(self.meta(), move |tx| tx.put_feed_state(&state)).await?;
        outcome.map(|(report, _)| report)
    }

    async fn fetch_and_import(
        self: &Arc<Self>,
        source: &'static dyn Source,
        net: &dyn Net,
        base: &str,
        since: Option<&Cursor>,
    ) -> Result<(ImportReport, Option<Cursor>), Problem> {
        let (files, cursor) = match source.fetch(net, base, since).await? {
            Fetched::Unchanged => return Ok((ImportReport::default(), None)),
            Fetched::Batch { files, cursor } => (files, cursor),
        };
        let engine = self.clone();
        let report = crate::analyze::blocking(move || {
            let mut report = ImportReport::default();
            for (name, path) in files {
                let imported =
                    open(&path).and_then(|mut file| engine.import_file(&name, &mut file, &mut report, &mut |_, _| {}));
                let _ = std::fs::remove_file(&path);
                imported?;
            }
            Ok(report)
        })
        .await?;
        self.notice().await?;
        Ok((report, Some(cursor)))
    }

    /// Notices what an import on a blocking thread committed.
    ///
    /// # Errors
    /// From the store.
    pub async fn after_import(&self) -> Result<(), Problem> {
        self.notice().await
    }

    /// The newest records that were set aside.
    ///
    /// # Errors
    /// `Forbidden`, or from the store.
    pub async fn bad_records(&self, caller: &Caller, limit: usize) -> Result<Vec<BadRecord>, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        meta::read(self.meta(), move |tx| tx.bad_records(limit)).await
    }
}

fn open(path: &Path) -> Result<std::fs::File, Problem> {
    std::fs::File::open(path).map_err(|e| Problem::internal(format!("cannot open {}", path.display()), e))
}

struct Import<'a, 'p> {
    engine: &'a Engine,
    source: &'static str,
    report: &'a mut ImportReport,
    progress: &'a mut (dyn FnMut(u64, Option<u64>) + Send + 'p),
    now: Timestamp,
    advisories: Vec<(String, Advisory, Vec<u8>)>,
    epss: Vec<Epss>,
    kev: Vec<Kev>,
    kept_kev: BTreeSet<String>,
    /// Of each source the advisories that were read, as short digests of their ids: a catalogue may have millions.
    seen: BTreeMap<String, HashSet<u64>>,
    bad: Vec<BadRecord>,
    before: u64,
}

impl<'a, 'p> Import<'a, 'p> {
    fn new(
        engine: &'a Engine,
        source: &'static str,
        report: &'a mut ImportReport,
        progress: &'a mut (dyn FnMut(u64, Option<u64>) + Send + 'p),
    ) -> Self {
        let before = report.sources.values().map(SourceCounts::news).sum();
        Self {
            engine,
            source,
            report,
            progress,
            now: engine.now(),
            advisories: Vec::new(),
            epss: Vec::new(),
            kev: Vec::new(),
            kept_kev: BTreeSet::new(),
            seen: BTreeMap::new(),
            bad: Vec::new(),
            before,
        }
    }

    fn counts(&mut self, source: &str) -> &mut SourceCounts {
        self.report.sources.entry(source.to_owned()).or_default()
    }

    fn count_all(&mut self, changes: &[Change]) {
        let source = self.source;
        for change in changes {
            self.counts(source).count(*change);
        }
    }

    fn flush_advisories(&mut self) -> Result<(), Problem> {
        let matcher = self.engine.parts.matcher.as_ref();
        let batch = prepare(std::mem::take(&mut self.advisories), matcher);
        let mut changes = Vec::new();
        let mut touched = 0;
        let now = self.now;
        self.engine.parts.meta.write_now(Box::new(|tx| {
            (changes, touched) = store_advisories(tx, matcher, &batch, now)?;
            Ok(())
        }))?;
        self.report.touched += touched;
        for (source, change) in changes {
            self.counts(&source).count(change);
        }
        Ok(())
    }

    fn flush_epss(&mut self) -> Result<(), Problem> {
        let batch = std::mem::take(&mut self.epss);
        let mut changes = Vec::new();
        let now = self.now;
        self.engine.parts.meta.write_now(Box::new(|tx| {
            changes = tx.put_epss(&batch)?;
            let moved = batch
                .iter()
                .zip(&changes)
                .filter(|(_, c)| **c != Change::Unchanged)
                .map(|(e, _)| e.cve.clone())
                .collect();
            decide_scored(tx, moved, FactKind::Epss, "EPSS scores changed", now)
        }))?;
        self.count_all(&changes);
        Ok(())
    }

    fn flush_kev(&mut self) -> Result<(), Problem> {
        let batch = std::mem::take(&mut self.kev);
        self.kept_kev.extend(batch.iter().map(|k| k.cve.clone()));
        let mut changes = Vec::new();
        let now = self.now;
        self.engine.parts.meta.write_now(Box::new(|tx| {
            changes = tx.put_kev(&batch, now)?;
            let moved = batch
                .iter()
                .zip(&changes)
                .filter(|(_, c)| **c != Change::Unchanged)
                .map(|(k, _)| k.cve.clone())
                .collect();
            decide_scored(tx, moved, FactKind::Kev, "KEV entries changed", now)
        }))?;
        self.count_all(&changes);
        Ok(())
    }
}

impl Import<'_, '_> {
    fn flush_bad(&mut self) -> Result<(), Problem> {
        let batch = std::mem::take(&mut self.bad);
        self.engine.parts.meta.write_now(Box::new(|tx| tx.put_bad_records(&batch)))
    }

    fn see(&mut self, source: &str, id: &str) {
        if !self.seen.contains_key(source) {
            self.seen.insert(source.to_owned(), HashSet::new());
        }
        if let Some(seen) = self.seen.get_mut(source) {
            seen.insert(short(id));
        }
    }

    /// Takes back the advisories of a source that were not read, page by page.
    fn withdraw_unseen(&mut self, source: &str, seen: &HashSet<u64>) -> Result<(), Problem> {
        let mut after = String::new();
        loop {
            let mut ids = Vec::new();
            self.engine.parts.meta.write_now(Box::new(|tx| {
                ids = tx.advisory_ids(source, &after, PAGE)?;
                Ok(())
            }))?;
            let Some(last) = ids.last() else { return Ok(()) };
            after.clone_from(last);
            let gone: Vec<String> = ids.into_iter().filter(|id| !seen.contains(&short(id))).collect();
            self.withdraw(source, &gone)?;
        }
    }

    fn withdraw(&mut self, source: &str, gone: &[String]) -> Result<(), Problem> {
        for chunk in gone.chunks(BATCH) {
            let mut records = Vec::new();
            self.engine.parts.meta.write_now(Box::new(|tx| {
                records = tx.advisories(chunk)?;
                Ok(())
            }))?;
            for stored in records.into_iter().filter(|stored| stored.source == source) {
                let mut advisory = stored.advisory;
                advisory.withdrawn = Some(self.now.to_string());
                let bytes = serde_json::to_vec(&advisory).map_err(|e| Problem::internal("cannot write JSON", e))?;
                self.advisories.push((source.to_owned(), advisory, bytes));
            }
            self.flush_advisories()?;
        }
        Ok(())
    }

    /// Writes what is left and logs the import, unless nothing changed.
    fn finish(mut self, name: &str) -> Result<(), Problem> {
        self.flush_advisories()?;
        self.flush_epss()?;
        self.flush_kev()?;
        self.flush_bad()?;
        self.report.files += 1;
        let news: u64 = self.report.sources.values().map(SourceCounts::news).sum();
        if news == self.before {
            return Ok(());
        }
        let (at, source) = (self.now, self.source);
        let body = json!({"file": name, "counts": self.report.sources.get(source)});
        self.engine.parts.meta.write_now(Box::new(|tx| {
            let mut state = tx.feed_states()?.into_iter().find(|s| s.feed == source).unwrap_or_default();
            source.clone_into(&mut state.feed);
            state.synced_at = Some(at);
            tx.put_feed_state(&state)?;
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
        self.see(source, &advisory.id);
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
    fn whole(&mut self, source: &str) -> Result<(), Problem> {
        if let Some(seen) = self.seen.remove(source) {
            self.flush_advisories()?;
            return self.withdraw_unseen(source, &seen);
        }
        self.flush_kev()?;
        let keep = std::mem::take(&mut self.kept_kev);
        let (mut gone, now) = (Vec::new(), self.now);
        self.engine.parts.meta.write_now(Box::new(|tx| {
            gone = tx.retain_kev(&keep, now)?;
            decide_scored(tx, gone.clone(), FactKind::Kev, "KEV entries were removed", now)
        }))?;
        let changes = vec![Change::Withdrawn; gone.len()];
        self.count_all(&changes);
        Ok(())
    }
    fn progress(&mut self, done: u64, total: Option<u64>) {
        (self.progress)(done, total);
    }
}

fn prepare(records: Vec<(String, Advisory, Vec<u8>)>, matcher: &dyn Matcher) -> Vec<NewAdvisory> {
    let prepare = |(source, advisory, bytes): (String, Advisory, Vec<u8>)| {
        let live = advisory.withdrawn.is_none();
        NewAdvisory {
            keys: if live { matcher.filed_under(&advisory) } else { Vec::new() },
            stated: if live { matcher.stated(&advisory) } else { Vec::new() },
            stored: StoredAdvisory { revision: Digest::of(&bytes).to_string(), source, advisory },
            bytes,
        }
    };
    records.into_iter().map(prepare).collect()
}

/// A digest of an id, short enough to remember millions.
fn short(id: &str) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

type Stored = (Vec<(String, Change)>, u64);

/// Keeps what is new of a batch and asks for every component it touches to be matched: those filed under its keys, now
/// or before, and those with a finding of which it states an alias or a severity.
fn store_advisories(
    tx: &mut dyn Tx,
    matcher: &dyn Matcher,
    batch: &[NewAdvisory],
    now: Timestamp,
) -> Result<Stored, Problem> {
    let mut changes = Vec::new();
    let mut fresh = Vec::new();
    let known = known_revisions(tx, batch)?;
    for new in batch {
        let id = (new.stored.source.clone(), new.stored.advisory.id.clone());
        if known.get(&id) == Some(&new.stored.revision) {
            changes.push((id.0, Change::Unchanged));
        } else {
            fresh.push(new.clone());
        }
    }
    if fresh.is_empty() {
        return Ok((changes, 0));
    }
    fence(tx)?;
    let mut keys: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    let mut ids: BTreeSet<String> = BTreeSet::new();
    for (new, (change, before)) in fresh.iter().zip(tx.put_advisories(&fresh, now)?) {
        changes.push((new.stored.source.clone(), change));
        if change != Change::Unchanged {
            for key in new.keys.iter().cloned().chain(before) {
                keys.entry(key).or_default().insert(&new.stored.advisory.id);
            }
            ids.extend(new.stored.advisory.ids().filter(|id| !is_entry_id(id)).map(str::to_owned));
        }
    }
    let all: BTreeSet<&str> = fresh.iter().map(|new| new.stored.advisory.id.as_str()).collect();
    let cause = changed(&all);
    let mut touched: BTreeMap<ComponentId, String> = BTreeMap::new();
    let searched: BTreeSet<(String, String)> = keys.keys().flat_map(|key| matcher.searched(key)).collect();
    for named in tx.components_named(&searched.into_iter().collect::<Vec<_>>())? {
        let of: Vec<(String, String)> = matcher.keys(&named.component);
        let about: BTreeSet<&str> = of.iter().filter_map(|key| keys.get(key)).flatten().copied().collect();
        if !about.is_empty() {
            touched.insert(named.id, changed(&about));
        }
    }
    for id in tx.components_with_ids(&ids.into_iter().collect::<Vec<_>>())? {
        touched.entry(id).or_insert_with(|| cause.clone());
    }
    let job = |(id, cause): (&ComponentId, &String)| NewJob {
        lane: Lane::Change,
        stage: Stage::Match,
        key: id.0,
        cause: cause.clone(),
        due: now,
    };
    tx.enqueue(&touched.iter().map(job).collect::<Vec<_>>())?;
    if !touched.is_empty() {
        let body = json!({"components": touched.len()});
        tx.append_event(&NewEvent { at: now, kind: "feed.touched", actor: "system".into(), subject: cause, body })?;
    }
    Ok((changes, touched.len() as u64))
}

/// The advisories that changed, for people; of many only how many.
fn changed(ids: &BTreeSet<&str>) -> String {
    let named: Vec<&str> = ids.iter().copied().take(NAMED).collect();
    match (named.as_slice(), ids.len()) {
        ([one], _) => format!("advisory {one} changed"),
        (_, all) if all > NAMED => format!("{all} advisories changed"),
        (named, _) => format!("advisories {} changed", named.join(", ")),
    }
}

fn known_revisions(tx: &mut dyn Tx, batch: &[NewAdvisory]) -> Result<BTreeMap<(String, String), String>, Problem> {
    let mut by_source: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for new in batch {
        by_source.entry(&new.stored.source).or_default().push(new.stored.advisory.id.clone());
    }
    let mut known = BTreeMap::new();
    for (source, ids) in by_source {
        for (id, revision) in tx.advisory_revisions(source, &ids)? {
            known.insert((source.to_owned(), id), revision);
        }
    }
    Ok(known)
}

/// Asks for decisions about the packages with findings of these ids, if any enabled policy reads the score. No finding
/// is rewritten: scores join at read time.
fn decide_scored(
    tx: &mut dyn Tx,
    moved: Vec<String>,
    kind: FactKind,
    cause: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    if moved.is_empty() || !tx.policies()?.iter().any(|p| p.enabled && p.reads.contains(&kind)) {
        return Ok(());
    }
    let components = tx.components_with_ids(&moved)?;
    let packages = tx.packages_with(&components)?;
    tx.enqueue(&decide_jobs(&packages, Lane::Change, cause, now))?;
    if packages.is_empty() {
        return Ok(());
    }
    let body = json!({"packages": packages.len()});
    tx.append_event(&NewEvent { at: now, kind: "feed.touched", actor: "system".into(), subject: cause.into(), body })
        .map(|_| ())
}
