//! Advisories that take effect by themselves on a day that is still to come, as ends of life do. The moment is kept in the
//! store; a timer is set to the next of them.

use super::advisories::{prepare, store_advisories};
use crate::Engine;
use assay_model::{
    problem::Problem,
    seam::meta::{self, NewAdvisory, Tx},
};
use jiff::{SignedDuration, Timestamp};
use std::{sync::Arc, time::Duration};

/// Records that take effect in one transaction.
const AT_ONCE: usize = 500;
/// Longest sleep, in seconds: an import may bring something that is due sooner.
const LOOK: i64 = 60;

/// Notes when records of a batch take effect, and that they no longer will where they now say otherwise.
pub(super) fn note(tx: &mut dyn Tx, batch: &[NewAdvisory], now: Timestamp) -> Result<(), Problem> {
    let of = |new: &NewAdvisory| {
        let advisory = &new.stored.advisory;
        let due = advisory.effective_at().filter(|due| *due > now);
        (new.stored.source.clone(), advisory.id.clone(), due)
    };
    tx.put_advisories_due(&batch.iter().map(of).collect::<Vec<_>>())
}

impl Engine {
    /// Puts advisories into effect when their moment comes; ends never.
    pub(crate) async fn awaken_in_time(self: Arc<Self>) {
        loop {
            let wait = match self.awaken().await {
                Ok(Some(next)) => next.duration_since(self.now()),
                Ok(None) => SignedDuration::from_secs(LOOK),
                Err(problem) => {
                    tracing::warn!(%problem, "cannot look which advisories take effect");
                    SignedDuration::from_secs(LOOK)
                }
            };
            let wait = wait.clamp(SignedDuration::from_millis(10), SignedDuration::from_secs(LOOK));
            tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
        }
    }

    /// Puts into effect what is due; gives the moment of the next.
    pub(crate) async fn awaken(self: &Arc<Self>) -> Result<Option<Timestamp>, Problem> {
        loop {
            let next = meta::read(self.meta(), |tx| tx.next_advisory_due()).await?;
            if next.is_none_or(|next| next > self.now()) {
                return Ok(next);
            }
            let engine = self.clone();
            meta::write(self.meta(), move |tx| {
                let due = tx.advisories_due(engine.now(), AT_ONCE)?;
                let ids: Vec<String> = due.iter().map(|(_, id)| id.clone()).collect();
                let mut records = Vec::new();
                for stored in tx.advisories(&ids)? {
                    let advisory = stored.advisory.in_effect();
                    let bytes = serde_json::to_vec(&advisory).map_err(|e| Problem::internal("cannot write JSON", e))?;
                    if due.contains(&(stored.source.clone(), advisory.id.clone())) {
                        records.push((stored.source, advisory, bytes));
                    }
                }
                let matcher = engine.parts.matcher.as_ref();
                store_advisories(tx, matcher, &prepare(records, matcher), engine.parts.clock.as_ref())?;
                let gone: Vec<_> = due.iter().map(|(source, id)| (source.clone(), id.clone(), None)).collect();
                tx.put_advisories_due(&gone)
            })
            .await?;
            self.notice().await?;
        }
    }
}
