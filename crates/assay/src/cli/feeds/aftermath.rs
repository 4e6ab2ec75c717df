//! What an import changed: the components matched and the packages decided again because of it. Counted from the tallies
//! and the event log, so that work taken by a server on the same data counts too.

use crate::cli::look::{count, seconds};
use anyhow::Result;
use assay_engine::{Drained, Engine};
use assay_model::{access::Caller, event::Seq, seam::meta::EventFilter};
use serde::Serialize;
use std::{sync::Arc, time::Instant};

const PAGE: usize = 1000;

/// Where the log and the tallies stood before.
pub(super) struct Before {
    event: Seq,
    tallies: Drained,
}

/// What came of a change.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Aftermath {
    /// Components matched again.
    pub(super) matched: u64,
    /// Packages decided again.
    pub(super) decided: u64,
    /// Of these, newly quarantined.
    pub(super) quarantined: u64,
    /// Of these, released.
    pub(super) released: u64,
    /// How long it took, after the import.
    pub(super) seconds: f64,
}

impl Before {
    pub(super) async fn note(engine: &Engine) -> Result<Self> {
        Ok(Self { event: engine.meta().head().await?, tallies: engine.drained().await? })
    }

    /// Does what the change asks for and counts it.
    pub(super) async fn settle(self, engine: &Arc<Engine>) -> Result<Aftermath> {
        let started = Instant::now();
        engine.after_import().await?;
        engine.drain().await?;
        let after = engine.drained().await?;
        let mut aftermath = Aftermath {
            matched: after.matched.saturating_sub(self.tallies.matched),
            decided: after.decided.saturating_sub(self.tallies.decided),
            ..Aftermath::default()
        };
        self.count(engine, &mut aftermath).await?;
        aftermath.seconds = started.elapsed().as_secs_f64();
        Ok(aftermath)
    }

    async fn count(&self, engine: &Engine, aftermath: &mut Aftermath) -> Result<()> {
        let mut after = self.event;
        loop {
            let filter = EventFilter { after, limit: PAGE, ..EventFilter::default() };
            let events = engine.events(&Caller::System, filter).await?;
            for event in &events {
                match event.kind.as_str() {
                    "decision.quarantined" => aftermath.quarantined += 1,
                    "decision.released" => aftermath.released += 1,
                    _ => {}
                }
                after = event.seq;
            }
            if events.len() < PAGE {
                return Ok(());
            }
        }
    }
}

impl Aftermath {
    /// One line for people.
    pub(super) fn sentence(&self) -> String {
        if self.matched == 0 && self.decided == 0 {
            return "nothing stored is touched".to_owned();
        }
        format!(
            "{} matched again, {} decided again: {} newly quarantined, {} released ({})",
            count(self.matched, "component", "components"),
            count(self.decided, "package", "packages"),
            self.quarantined,
            self.released,
            seconds(self.seconds),
        )
    }
}
