//! What an import changed: the components matched and the packages decided again because of it, each once. Counted from the
//! store and the event log, so that work taken by a server on the same data counts too.

use crate::cli::{
    effect::Effect,
    look::{count, seconds},
};
use anyhow::Result;
use assay_engine::Engine;
use assay_model::{access::Caller, event::Seq, seam::meta::EventFilter};
use jiff::Timestamp;
use serde::Serialize;
use std::{sync::Arc, time::Instant};

const PAGE: usize = 1000;

/// When it began, and where the log stood.
pub(super) struct Before {
    event: Seq,
    since: Timestamp,
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
        Ok(Self { event: engine.meta().head().await?, since: engine.now() })
    }

    /// Does what the change asks for and counts it.
    pub(super) async fn settle(self, engine: &Arc<Engine>) -> Result<Aftermath> {
        let started = Instant::now();
        engine.after_import().await?;
        engine.drain().await?;
        let done = engine.attended_since(self.since).await?;
        let effect = self.effect(engine).await?;
        Ok(Aftermath {
            matched: done.matched,
            decided: done.decided,
            quarantined: effect.quarantined(),
            released: effect.released(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    async fn effect(&self, engine: &Engine) -> Result<Effect> {
        let (mut after, mut effect) = (self.event, Effect::default());
        loop {
            let filter = EventFilter { after, limit: PAGE, ..EventFilter::default() };
            let events = engine.events(&Caller::System, filter).await?;
            for event in &events {
                effect.add(event);
                after = event.seq;
            }
            if events.len() < PAGE {
                return Ok(effect);
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
