//! Collection: bytes that nothing refers to go, while everything else goes on. Nobody waits for it but an upload of the
//! very bytes that are being deleted at that moment.
//!
//! The protocol, safe for any number of processes over one store (`model.rs` goes through all its interleavings):
//!
//! * The collector walks over blobs in small snapshots. What nothing refers to it *buries* in one transaction: the row goes,
//!   a grave comes. Then it deletes the bytes. Then it *closes* the grave, which counts up.
//! * An upload looks at the ground, stores its bytes, and names them in one transaction that looks at the ground again. A
//!   grave, or a count that moved, means that the bytes may have been deleted under it: the transaction is taken back, and
//!   the upload stores its bytes again from its own copy.
//! * A row that is there has its bytes, so whatever only refers to a row needs no more than the row.
//!
//! A killed collector leaves graves; they are taken over when their time has run out, or when their only process starts
//! again. A collector deletes nothing later than half of that time.

#[cfg(test)]
mod model;

use crate::{Engine, access::random_hex, leftovers::SPOOLED};
use assay_model::{
    digest::Digest,
    event::NewEvent,
    problem::Problem,
    seam::meta::{self, Ground, Tx},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Blobs looked at in one snapshot.
const WALK: usize = 500;
/// Graves opened in one transaction.
const BURY: usize = 100;
/// How long graves of a collector that is no more stay closed to others.
const GRAVE_SECONDS: i64 = 600;
/// Between two steps, so that a long walk leaves room.
const PAUSE: Duration = Duration::from_millis(2);
/// How often, and how long apart, an upload tries again whose bytes are being collected.
const TRIES: u32 = 200;
const AGAIN: Duration = Duration::from_millis(50);
/// Code of the problem that takes back a transaction whose bytes may be gone.
const MOVED: &str = "ground-moved";

/// How to collect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CollectOptions {
    /// Only bytes that arrived this many seconds ago; nothing means as long as uploads may stay unfinished.
    pub older_than_seconds: Option<u32>,
    /// Deletes nothing, and tells what would be deleted.
    pub dry_run: bool,
    /// Also looks through the blob store for bytes that no row names, which crashes leave.
    pub deep: bool,
}

/// A run, finished or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Whether it goes on.
    pub running: bool,
    /// Whether it only looks.
    pub dry_run: bool,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Blobs looked at.
    pub examined: u64,
    /// Blobs removed, or that would be.
    pub removed: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Stages and uploads ended that nobody came back for.
    pub ended: u64,
    /// What stopped it.
    pub error: Option<String>,
}

/// Counts since the process started, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CollectionTotals {
    /// Blobs looked at.
    pub examined: u64,
    /// Blobs removed.
    pub removed: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What is known of collection in this process.
#[derive(Default)]
pub(crate) struct Collection {
    run: Mutex<Collected>,
    busy: AtomicBool,
    stop: AtomicBool,
    examined: AtomicU64,
    removed: AtomicU64,
    bytes: AtomicU64,
}

impl Collection {
    fn update(&self, change: impl FnOnce(&mut Collected)) {
        change(&mut self.run.lock().unwrap_or_else(PoisonError::into_inner));
    }
    fn now(&self) -> Collected {
        self.run.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn count_examined(&self, n: u64) {
        self.examined.fetch_add(n, Ordering::Relaxed);
        self.update(|run| run.examined += n);
    }
    fn count_removed(&self, n: u64, bytes: u64, dry_run: bool) {
        if !dry_run {
            self.removed.fetch_add(n, Ordering::Relaxed);
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        self.update(|run| {
            run.removed += n;
            run.bytes += bytes;
        });
    }
}

/// Gives the right to run back, however the run ends.
struct Running<'c>(&'c Collection);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.update(|run| run.running = false);
        self.0.busy.store(false, Ordering::SeqCst);
    }
}

/// Runs `stage` if the bytes have a row, and nobody buried them meanwhile; says whether it did.
pub(crate) fn if_kept(
    tx: &mut dyn Tx,
    digest: &Digest,
    stage: impl FnOnce(&mut dyn Tx) -> Result<(), Problem>,
) -> Result<bool, Problem> {
    let before = tx.ground(digest)?;
    if before.buried || tx.blob_size(digest)?.is_none() {
        return Ok(false);
    }
    stage(tx)?;
    firm(tx, digest, before)?;
    Ok(true)
}

/// Fails when bytes that were stored after `before` may have been deleted since.
fn firm(tx: &mut dyn Tx, digest: &Digest, before: Ground) -> Result<(), Problem> {
    let now = tx.ground(digest)?;
    if now == before && !now.buried {
        return Ok(());
    }
    let mut moved = Problem::busy("these bytes are being collected; send them once more", 1);
    moved.code = MOVED;
    Err(moved)
}

fn is_collected(problem: &Problem) -> bool {
    problem.code == MOVED || problem.code == "blob-buried"
}

impl Engine {
    /// Stores spooled bytes and names them by `stage`, which runs in the transaction that makes them safe.
    pub(crate) async fn arrive(
        &self,
        digest: &Digest,
        spooled: &Path,
        stage: impl FnMut(&mut dyn Tx) -> Result<(), Problem> + Clone + Send + 'static,
    ) -> Result<(), Problem> {
        // Storing takes the spooled file where it can; a second name keeps the bytes for another try.
        let second = self.parts.spool.join(format!("{SPOOLED}{}", random_hex(8)?));
        let second = match tokio::fs::hard_link(spooled, &second).await {
            Ok(()) => Some(tempfile::TempPath::try_from_path(second).map_err(|e| Problem::internal("no spool", e))?),
            Err(_) => None,
        };
        let mut from = spooled.to_owned();
        for _ in 0..TRIES {
            let ground = self.look(digest).await?;
            if ground.buried {
                self.take_abandoned().await?;
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            self.parts.blobs.put(digest, &from).await?;
            match self.name(digest, ground, stage.clone()).await {
                Err(problem) if is_collected(&problem) => {}
                done => return done,
            }
            let Some(kept) = &second else { break };
            from = self.parts.spool.join(format!("{SPOOLED}{}", random_hex(8)?));
            tokio::fs::hard_link(kept, &from).await.map_err(|e| Problem::internal("cannot spool again", e))?;
        }
        Err(Problem::busy("these bytes are being collected; send them once more", 1))
    }

    async fn look(&self, digest: &Digest) -> Result<Ground, Problem> {
        let wanted = digest.clone();
        meta::read(self.meta(), move |tx| tx.ground(&wanted)).await
    }

    async fn name(
        &self,
        digest: &Digest,
        before: Ground,
        mut stage: impl FnMut(&mut dyn Tx) -> Result<(), Problem> + Send + 'static,
    ) -> Result<(), Problem> {
        let digest = digest.clone();
        meta::write(self.meta(), move |tx| {
            stage(tx)?;
            firm(tx, &digest, before)
        })
        .await
    }

    /// The run that goes on in this process, or the last one.
    pub fn collection(&self) -> Collected {
        self.collection.now()
    }

    /// Counts since this process started.
    pub fn collection_totals(&self) -> CollectionTotals {
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let c = &self.collection;
        CollectionTotals { examined: read(&c.examined), removed: read(&c.removed), bytes: read(&c.bytes) }
    }

    /// Stops a run after its current step.
    pub fn stop_collection(&self) {
        self.collection.stop.store(true, Ordering::SeqCst);
    }

    /// Ends uploads and stages that nobody came back for and deletes bytes that nothing refers to. Where a run goes on
    /// already, gives that one. It can be dropped at any point.
    ///
    /// # Errors
    /// From the stores; what was done until then stays done.
    pub async fn collect(&self, options: CollectOptions) -> Result<Collected, Problem> {
        let collection = &self.collection;
        if collection.busy.swap(true, Ordering::SeqCst) {
            return Ok(collection.now());
        }
        let running = Running(collection);
        collection.stop.store(false, Ordering::SeqCst);
        let started_at = Some(self.now());
        collection.update(|run| {
            *run = Collected { running: true, dry_run: options.dry_run, started_at, ..Default::default() }
        });
        let outcome = self.run_collection(options).await;
        let finished_at = Some(self.now());
        collection.update(|run| {
            run.finished_at = finished_at;
            run.error = outcome.as_ref().err().map(ToString::to_string);
        });
        drop(running);
        outcome.map(|()| collection.now())
    }

    async fn run_collection(&self, options: CollectOptions) -> Result<(), Problem> {
        let stale = self.now() - SignedDuration::from_secs(self.parts.limits.stage_seconds);
        let before = options.older_than_seconds.map_or(stale, |s| self.now() - SignedDuration::from_secs(s.into()));
        let owner = format!("{}-{}", self.owner, random_hex(4)?);
        if !options.dry_run {
            self.take_abandoned().await?;
            self.end_uploads(stale).await?;
        }
        self.walk(&owner, before, options.dry_run).await?;
        if options.deep && !options.dry_run {
            self.walk_store(&owner).await?;
        }
        let run = self.collection.now();
        if run.removed > 0 && !options.dry_run {
            let body = json!({"examined": run.examined, "removed": run.removed, "bytes": run.bytes});
            let event = NewEvent {
                at: self.now(),
                kind: "blob.collected",
                actor: "system".into(),
                subject: String::new(),
                body,
            };
            meta::write(self.meta(), move |tx| tx.append_event(&event)).await?;
            self.notice().await?;
        }
        Ok(())
    }

    fn stopped(&self) -> bool {
        self.collection.stop.load(Ordering::SeqCst)
    }

    async fn end_uploads(&self, before: Timestamp) -> Result<(), Problem> {
        let stale = meta::write(self.meta(), move |tx| {
            let stale = tx.stale_uploads(before)?;
            for id in &stale {
                tx.close_upload(id)?;
            }
            Ok(stale)
        })
        .await?;
        for id in &stale {
            let _ = tokio::fs::remove_file(self.session_path(id)?).await;
        }
        let mut ended = stale.len() as u64;
        loop {
            let step = meta::write(self.meta(), move |tx| tx.end_stages(before, WALK)).await?;
            ended += step;
            if step == 0 || self.stopped() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.collection.update(|run| run.ended = ended);
        Ok(())
    }

    async fn walk(&self, owner: &str, before: Timestamp, dry_run: bool) -> Result<(), Problem> {
        let mut after = None;
        loop {
            let from = after.clone();
            let walked = meta::read(self.meta(), move |tx| tx.walk_blobs(from.as_ref(), before, WALK)).await?;
            self.collection.count_examined(walked.examined as u64);
            if dry_run {
                let bytes = walked.orphans.iter().map(|(_, size)| size).sum();
                self.collection.count_removed(walked.orphans.len() as u64, bytes, true);
            } else {
                for part in walked.orphans.chunks(BURY) {
                    let digests: Vec<Digest> = part.iter().map(|(digest, _)| digest.clone()).collect();
                    self.remove(digests, before, owner).await?;
                }
            }
            after = walked.next;
            if after.is_none() || self.stopped() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn grave_ends(&self) -> Timestamp {
        self.now() + SignedDuration::from_secs(GRAVE_SECONDS)
    }

    async fn remove(&self, digests: Vec<Digest>, before: Timestamp, owner: &str) -> Result<(), Problem> {
        let (until, digger) = (self.grave_ends(), owner.to_owned());
        let buried = meta::write(self.meta(), move |tx| tx.bury(&digests, before, &digger, until)).await?;
        let bytes = buried.iter().map(|(_, size)| size).sum();
        let count = buried.len() as u64;
        self.delete_and_close(buried.into_iter().map(|(digest, _)| digest).collect(), owner, until).await?;
        self.collection.count_removed(count, bytes, false);
        Ok(())
    }

    /// Deletes the bytes of open graves and closes these.
    async fn delete_and_close(&self, buried: Vec<Digest>, owner: &str, until: Timestamp) -> Result<(), Problem> {
        if buried.is_empty() {
            return Ok(());
        }
        let deadline = until - SignedDuration::from_secs(GRAVE_SECONDS / 2);
        for digest in &buried {
            if self.now() > deadline {
                return Err(Problem::busy("the blob store deletes too slowly; collection goes on later", 60));
            }
            self.small_blobs.invalidate(digest);
            self.parts.blobs.delete(digest).await?;
        }
        let owner = owner.to_owned();
        meta::write(self.meta(), move |tx| tx.close_graves(&buried, &owner)).await?;
        Ok(())
    }

    /// Finishes graves whose collector is no more.
    async fn take_abandoned(&self) -> Result<(), Problem> {
        self.take_graves(Some(self.now())).await
    }

    /// Finishes all graves. Only for a store that no other server works on: a killed process left them.
    ///
    /// # Errors
    /// From the stores.
    pub async fn take_back_graves(&self) -> Result<(), Problem> {
        self.take_graves(None).await
    }

    async fn take_graves(&self, now: Option<Timestamp>) -> Result<(), Problem> {
        if meta::read(self.meta(), |tx| tx.graves()).await? == 0 {
            return Ok(());
        }
        let owner = format!("{}-{}", self.owner, random_hex(4)?);
        loop {
            let (until, digger) = (self.grave_ends(), owner.clone());
            let taken = meta::write(self.meta(), move |tx| tx.take_graves(&digger, now, until, BURY)).await?;
            if taken.is_empty() {
                return Ok(());
            }
            self.delete_and_close(taken, &owner, until).await?;
        }
    }

    /// Deletes bytes that a crash left between the blob store and the transaction that would have named them.
    ///
    /// # Errors
    /// From the stores.
    pub async fn collect_unnamed(&self) -> Result<u64, Problem> {
        let owner = format!("{}-{}", self.owner, random_hex(4)?);
        self.walk_store(&owner).await
    }

    async fn walk_store(&self, owner: &str) -> Result<u64, Problem> {
        let (mut after, mut removed) = (None, 0);
        loop {
            let page = self.parts.blobs.list(after.as_ref(), BURY).await?;
            let Some((last, _)) = page.last().cloned() else { return Ok(removed) };
            after = Some(last);
            let listed = page.clone();
            let unnamed = meta::read(self.meta(), move |tx| {
                let mut unnamed = Vec::new();
                for (digest, size) in &listed {
                    if tx.blob_size(digest)?.is_none() {
                        unnamed.push((digest.clone(), *size));
                    }
                }
                Ok(unnamed)
            })
            .await?;
            self.collection.count_examined(page.len() as u64);
            if !unnamed.is_empty() {
                let (until, digger) = (self.grave_ends(), owner.to_owned());
                let sizes: std::collections::BTreeMap<Digest, u64> = unnamed.iter().cloned().collect();
                let buried = meta::write(self.meta(), move |tx| tx.bury_unnamed(&unnamed, &digger, until)).await?;
                let (count, bytes) = (buried.len() as u64, buried.iter().filter_map(|d| sizes.get(d)).sum());
                self.delete_and_close(buried, owner, until).await?;
                self.collection.count_removed(count, bytes, false);
                removed += count;
            }
            if self.stopped() {
                return Ok(removed);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
