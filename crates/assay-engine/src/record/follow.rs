//! Following the log of decisions as it grows. Decisions are told in the order of their events, which is the order in which
//! they took effect, whichever node made them: nothing is missed, nothing told twice, and nothing has to be waited for.

use super::{
    log::{Entries, EntryFilter},
    reader::Reader,
};
use crate::Engine;
use assay_model::{access::Caller, event::Seq, problem::Problem, seam::meta};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// Longest wait of one call: a server that ends waits for it.
const LONGEST: Duration = Duration::from_secs(10);

impl Engine {
    /// Entries of decisions after the event `after`, oldest first, as soon as there are any, or none after `wait`. Without
    /// `after`, only where to begin: `seen` of the answer is the next `after`.
    ///
    /// # Errors
    /// `NotFound` or `Forbidden` for a repository that is named.
    pub async fn follow_decisions(
        self: &Arc<Self>,
        caller: &Caller,
        filter: EntryFilter,
        after: Option<Seq>,
        wait: Duration,
    ) -> Result<Entries, Problem> {
        let Some(mut after) = after else {
            let seen = meta::read(self.meta(), |tx| tx.last_event()).await?;
            return Ok(Entries { seen: Some(seen), ..Entries::default() });
        };
        let deadline = Instant::now() + wait.min(LONGEST);
        let mut commits = self.notices.subscribe();
        loop {
            commits.borrow_and_update();
            let (places, everywhere) = self.places_of_log(caller, &filter).await?;
            let (engine, asked) = (self.clone(), filter.clone());
            let look = move |tx: &mut dyn meta::Tx| Reader::new(&engine, &asked, &places, everywhere).news(tx, after);
            let (page, more) = meta::read(self.meta(), look).await?;
            after = page.seen.unwrap_or(after);
            let over = Instant::now() >= deadline;
            if !page.entries.is_empty() || over || (!more && timeout_at(deadline, commits.changed()).await.is_err()) {
                return Ok(page);
            }
        }
    }
}
