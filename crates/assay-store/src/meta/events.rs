//! The event log. Numbers have no gaps and every entry is chained to the one before, so appenders take turns: on SQLite the
//! writer's lock does it, on PostgreSQL an advisory lock that is held from the first event of a transaction to its end.

use super::Session;
use crate::sql::{Dialect, R, Row, Value, all, clean, first, insert_many, value, value::params};
use assay_model::{
    Problem,
    event::{Event, GENESIS, NewEvent, Seq, chain_hash},
    seam::meta::{EventFilter, EventLog},
};

/// Key of the advisory lock: any number that nothing else in the database locks.
const LOCK: i64 = 0x6173_7361_7965_7674;

/// Events kept back for one INSERT.
const BUFFERED: usize = 256;

/// The end of the chain as this transaction knows it, and events that are not written yet.
#[derive(Default)]
pub(super) struct Chain {
    head: Option<(Seq, String)>,
    buffered: Vec<Vec<Value>>,
}

impl Chain {
    pub(super) fn last(&self) -> Option<Seq> {
        self.head.as_ref().map(|(seq, _)| *seq)
    }
}

pub(super) fn read(row: &mut Row) -> R<Event> {
    Ok(Event {
        seq: row.int()?,
        at: row.time()?,
        kind: row.text()?,
        actor: row.text()?,
        subject: row.text()?,
        body: row.json()?,
        previous: row.text()?,
        hash: row.text()?,
    })
}

/// The text of a body that stays the same when it is read and written again, so that whoever has read an event can check
/// its hash. Only rare floating-point numbers take a second round.
fn body_text(body: &serde_json::Value) -> R<String> {
    let mut text = body.to_string();
    for _ in 0..4 {
        let read: serde_json::Value =
            serde_json::from_str(&text).map_err(|e| Problem::internal("an event's body cannot be read again", e))?;
        let again = read.to_string();
        if again == text {
            return Ok(text);
        }
        text = again;
    }
    Err(Problem::bug("an event's body has no stable text"))
}

impl Session<'_> {
    /// The last event, with the right to append after it.
    fn chain_head(&mut self) -> R<(Seq, String)> {
        if let Some(head) = self.log.head.take() {
            return Ok(head);
        }
        if self.sql.dialect() == Dialect::Postgres {
            self.sql.execute("SELECT pg_advisory_xact_lock($1)", &params![LOCK])?;
        }
        // primary key, its last entry
        let last = first(self.sql, "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1", &[])?;
        last.map_or_else(|| Ok((0, GENESIS.to_owned())), |mut r| Ok((r.int()?, r.text()?)))
    }

    /// Writes the events that are kept back.
    pub(super) fn flush_events(&mut self) -> R<()> {
        let rows = std::mem::take(&mut self.log.buffered);
        insert_many(self.sql, "INSERT INTO event (seq, at, kind, actor, subject, body, previous, hash)", "", rows)?;
        Ok(())
    }
}

impl EventLog for Session<'_> {
    fn append_event(&mut self, event: &NewEvent) -> R<Seq> {
        let (actor, subject) = (clean(&event.actor), clean(&event.subject));
        let body = body_text(&event.body)?;
        let (last, previous) = self.chain_head()?;
        let seq = last + 1;
        let hash = chain_hash(&previous, seq, event.at, event.kind, &actor, &subject, &body);
        self.log
            .buffered
            .push(params![seq, event.at, event.kind, actor.as_ref(), subject.as_ref(), body, previous, &hash].to_vec());
        self.log.head = Some((seq, hash));
        if self.log.buffered.len() >= BUFFERED {
            self.flush_events()?;
        }
        Ok(seq)
    }

    fn events(&mut self, filter: &EventFilter) -> R<Vec<Event>> {
        self.flush_events()?;
        let mut text =
            "SELECT seq, at, kind, actor, subject, body, previous, hash FROM event WHERE seq > $1".to_owned();
        let mut params = vec![Value::from(filter.after), value::limit(filter.limit)];
        if let Some(subject) = &filter.subject {
            // event_by_subject
            text.push_str(" AND subject = $3");
            params.push(clean(subject).as_ref().into());
        }
        // primary key, in order
        text.push_str(if filter.newest_first { " ORDER BY seq DESC LIMIT $2" } else { " ORDER BY seq LIMIT $2" });
        all(self.sql, &text, &params, read)
    }

    fn last_event(&mut self) -> R<Seq> {
        if let Some(seq) = self.log.last() {
            return Ok(seq);
        }
        // primary key, its last entry
        first(self.sql, "SELECT seq FROM event ORDER BY seq DESC LIMIT 1", &[])?.map_or(Ok(0), |mut r| r.int())
    }
}
