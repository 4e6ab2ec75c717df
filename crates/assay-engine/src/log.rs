//! Reading and proving the event log.

use crate::Engine;
use assay_model::{
    access::{Caller, Permission},
    event::{Event, GENESIS, Seq, chain_hash},
    problem::Problem,
    seam::meta::{self, EventFilter},
};
use serde::Serialize;

/// The outcome of a check of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogCheck {
    /// Entries checked.
    pub entries: i64,
    /// Hash of the last one: keep it elsewhere, and a later check proves that nothing before it was altered.
    pub head: String,
    /// The first entry that is wrong, and what is wrong with it.
    pub broken: Option<(Seq, String)>,
}

impl Engine {
    /// Events in order. Those of repositories that the caller may not read are only for administrators, so this needs
    /// `admin` unless a subject inside a readable repository is named.
    ///
    /// # Errors
    /// `Forbidden`, or from the store.
    pub async fn events(&self, caller: &Caller, filter: EventFilter) -> Result<Vec<Event>, Problem> {
        match filter.subject.as_deref().and_then(|s| s.split_once('/')) {
            Some((repository, _)) => {
                self.repository(caller, repository, Permission::Read).await?;
            }
            None => caller.require_everywhere(Permission::Admin)?,
        }
        meta::read(self.meta(), move |tx| tx.events(&filter)).await
    }

    /// Checks every entry's hash against the one before it.
    ///
    /// # Errors
    /// `Forbidden`, or from the store. A broken chain is a result, not an error.
    pub async fn verify_log(&self, caller: &Caller) -> Result<LogCheck, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let mut check = LogCheck { entries: 0, head: GENESIS.to_owned(), broken: None };
        loop {
            let filter = EventFilter { after: check.entries, limit: 2000, ..EventFilter::default() };
            let events = meta::read(self.meta(), move |tx| tx.events(&filter)).await?;
            if events.is_empty() {
                let last = meta::read(self.meta(), |tx| tx.last_event()).await?;
                if check.broken.is_none() && last > check.entries {
                    check.broken = Some((check.entries + 1, "the entry is missing".to_owned()));
                }
                return Ok(check);
            }
            for event in events {
                if let Some(wrong) = wrong_with(&event, &check) {
                    check.broken = Some((event.seq, wrong));
                    return Ok(check);
                }
                check.entries = event.seq;
                check.head = event.hash;
            }
        }
    }
}

fn wrong_with(event: &Event, before: &LogCheck) -> Option<String> {
    if event.seq != before.entries + 1 {
        return Some(format!("entry {} is missing", before.entries + 1));
    }
    if event.previous != before.head {
        return Some("it does not follow the entry before it".to_owned());
    }
    let body = event.body.to_string();
    let hash = chain_hash(&event.previous, event.seq, event.at, &event.kind, &event.actor, &event.subject, &body);
    (hash != event.hash).then(|| "its content does not have its hash".to_owned())
}
