//! Renewal: a scanner that looks closer makes again what it can affect, and only that. Runs in the backfill lane, a page at
//! a time; the state is in the rows, so that it goes on after a restart, on any node, and also finds what an older node
//! made meanwhile. The old inventory stays in force until the new one is there.

mod affected;
mod again;

use crate::{Engine, matching};
use affected::Seen;
use assay_model::{
    event::NewEvent,
    problem::Problem,
    renewal::{Mark, Renewal},
    seam::meta::{self, Tx},
    work::{Due, Job, Lane, NewJob, Stage},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// Inventories that one job makes again at most, so that others of the lane have their turn.
const AT_ONCE: usize = 8;
/// Inventories that one job looks at.
const PAGE: usize = 200;
/// Where the progress is kept, in the settings table.
const PROGRESS: &str = "renewal";
/// What is for a newer node to do is looked at again after this.
const LATER: SignedDuration = SignedDuration::from_secs(60);
/// As is what still waits when everything has been looked at.
const SOON: SignedDuration = SignedDuration::from_secs(5);

fn survey_job(scanner: i64, due: Due) -> NewJob {
    NewJob { lane: Lane::Backfill, stage: Stage::Survey, key: scanner, cause: "scanner changed".into(), due }
}

fn renew_job(inventory: i64, due: Due) -> NewJob {
    NewJob { lane: Lane::Backfill, stage: Stage::Renew, key: inventory, cause: "scanner changed".into(), due }
}

/// The progress of the renewal for this scanner; a fresh one where the last was for another.
fn progress(tx: &mut dyn Tx, scanner: i64, now: Timestamp) -> Result<Renewal, Problem> {
    let kept: Option<Renewal> = tx.setting(PROGRESS)?.and_then(|text| serde_json::from_str(&text).ok());
    let fresh = || Renewal { scanner, began_at: Some(now), ..Renewal::default() };
    Ok(kept.filter(|renewal| renewal.scanner == scanner && renewal.ended_at.is_none()).unwrap_or_else(fresh))
}

fn keep_progress(tx: &mut dyn Tx, renewal: &Renewal) -> Result<(), Problem> {
    let text = serde_json::to_string(renewal).map_err(|e| Problem::internal("cannot write JSON", e))?;
    tx.put_setting(PROGRESS, &text)
}

impl Engine {
    /// Asks for a survey where stored inventories are from a scanner that this one may improve on. Called at start, and
    /// by every sweep for what nodes of an older version made since.
    ///
    /// # Errors
    /// From the store.
    pub async fn begin_renewal(&self) -> Result<(), Problem> {
        let (now, inspector) = (self.now(), self.parts.inspector.clone());
        meta::write(self.meta(), move |tx| {
            let own = tx.scanner_number(inspector.revision())?;
            if affected::origins(tx, own, inspector.as_ref())?.is_empty() {
                return Ok(());
            }
            tx.enqueue(&[survey_job(own, Due::at_once(now))])
        })
        .await
    }

    /// How far the last renewal is.
    ///
    /// # Errors
    /// From the store.
    pub async fn renewal(self: &Arc<Self>) -> Result<Option<Renewal>, Problem> {
        let engine = self.clone();
        meta::read(self.meta(), move |tx| {
            let kept: Option<Renewal> = tx.setting(PROGRESS)?.and_then(|text| serde_json::from_str(&text).ok());
            let Some(mut renewal) = kept else { return Ok(None) };
            if renewal.ended_at.is_none() {
                let origins = affected::origins(tx, renewal.scanner, engine.parts.inspector.as_ref())?;
                (renewal.left, renewal.waiting) = tx.count_looks(&origins)?;
            }
            Ok(Some(renewal))
        })
        .await
    }

    /// The number of this node's scanner.
    pub(super) async fn own_scanner(&self) -> Result<i64, Problem> {
        let inspector = self.parts.inspector.clone();
        meta::write(self.meta(), move |tx| tx.scanner_number(inspector.revision())).await
    }

    /// Looks at one page of inventories and finishes the job.
    pub(crate) async fn survey(self: &Arc<Self>, job: &Job) -> Result<(), Problem> {
        let (own, target, done, now) = (self.own_scanner().await?, job.key, job.id, self.now());
        if own != target {
            // A newer node has its own survey; what an older one does not understand waits for a newer.
            let again: Vec<NewJob> =
                (own < target).then(|| survey_job(target, Due::after(now, LATER))).into_iter().collect();
            return meta::write(self.meta(), move |tx| {
                tx.finish(&[done])?;
                tx.enqueue(&again)
            })
            .await;
        }
        let engine = self.clone();
        let seen = meta::read(self.meta(), move |tx| engine.look_at_page(tx, own)).await?;
        let engine = self.clone();
        meta::write(self.meta(), move |tx| {
            let mut renewal = progress(tx, own, now)?;
            engine.note_newer(tx, &mut renewal, &seen, now)?;
            engine.refile(tx, &seen, now)?;
            tx.mark_looks(&seen.kept, Mark::Holds(own))?;
            tx.mark_looks(&seen.affected, Mark::Renew(own))?;
            tx.enqueue(&seen.affected.iter().map(|number| renew_job(*number, Due::at_once(now))).collect::<Vec<_>>())?;
            renewal.kept += seen.kept.len() as u64;
            tx.finish(&[done])?;
            match (seen.is_last(), tx.count_looks(&[])?.1) {
                (false, _) => tx.enqueue(&[survey_job(own, Due::at_once(now))])?,
                (true, 0) => ended(tx, &mut renewal, now)?,
                (true, _) => tx.enqueue(&[survey_job(own, Due::after(now, SOON))])?,
            }
            keep_progress(tx, &renewal)
        })
        .await
    }

    /// Logs, once, in what this scanner is newer than those before.
    fn note_newer(&self, tx: &mut dyn Tx, to: &mut Renewal, seen: &Seen, at: Timestamp) -> Result<(), Problem> {
        let before = to.newer.len();
        to.newer.extend(seen.newer.iter().cloned());
        if to.newer.len() == before {
            return Ok(());
        }
        let body = json!({"scanner": to.scanner, "newer": to.newer});
        let subject = "scanner".to_owned();
        tx.append_event(&NewEvent { at, kind: "scanner.changed", actor: "system".into(), subject, body }).map(|_| ())
    }

    /// Makes searchable what is kept of inventories from before scanners had numbers; searches have learned since.
    fn refile(&self, tx: &mut dyn Tx, seen: &Seen, now: Timestamp) -> Result<(), Problem> {
        if seen.refile.is_empty() {
            return Ok(());
        }
        matching::fence(tx)?;
        for number in &seen.refile {
            let Some((stored, _)) = tx.outlined(*number)? else { continue };
            let (_, new) = tx.refile_inventory(&stored)?;
            let changed = matching::match_components(tx, self.parts.matcher.as_ref(), &new, now)?;
            let packages = tx.packages_with(&changed)?;
            tx.enqueue(&matching::decide_jobs(&packages, Lane::Change, "inventory filed anew", now))?;
        }
        Ok(())
    }
}

fn ended(tx: &mut dyn Tx, renewal: &mut Renewal, at: Timestamp) -> Result<(), Problem> {
    renewal.ended_at = Some(at);
    if renewal.newer.is_empty() {
        return Ok(());
    }
    let body = json!({
        "scanner": renewal.scanner, "newer": renewal.newer, "kept": renewal.kept, "renewed": renewal.renewed,
        "improved": renewal.improved,
    });
    let subject = "scanner".to_owned();
    tx.append_event(&NewEvent { at, kind: "renewal.ended", actor: "system".into(), subject, body }).map(|_| ())
}
