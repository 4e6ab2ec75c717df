//! Channels, with their sealed secrets read apart, and deliveries to them.

use super::{Session, pack, unpack};
use crate::sql::{R, Row, Value, all, clean, first, insert_many, texts, value, value::json, value::params};
use assay_model::{
    Digest, Problem,
    channel::{Channel, ChannelId, ChannelKind},
    clock::latest,
    event::Event,
    notification::{Delivery, DeliveryStatus},
    seam::meta::{Channels, Deliveries, DeliveryFilter, Gathered, NewChannel},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;

const CHANNEL: &str =
    "SELECT id, name, kind, settings, paused, cursor, failing_since, created_by, created_at FROM channel";

fn read(row: &mut Row) -> R<Channel> {
    Ok(Channel {
        id: ChannelId(row.int()?),
        name: row.text()?,
        kind: row.word(ChannelKind::parse)?,
        settings: row.json()?,
        paused: row.json_or_null()?,
        cursor: row.int()?,
        failing_since: row.time_or_null()?,
        created_by: row.text()?,
        created_at: row.time()?,
    })
}

fn gone() -> Problem {
    Problem::not_found("there is no such channel any more")
}

impl Channels for Session<'_> {
    fn add_channel(&mut self, new: &NewChannel) -> R<Channel> {
        let made = first(
            self.sql,
            "INSERT INTO channel (name, kind, settings, cursor, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (name) DO NOTHING
             RETURNING id, name, kind, settings, paused, cursor, failing_since, created_by, created_at",
            &[
                new.name.as_str().into(),
                new.kind.as_str().into(),
                json(&new.settings)?,
                new.cursor.into(),
                clean(&new.by).as_ref().into(),
                new.at.into(),
            ],
        )?;
        match made {
            Some(mut row) => read(&mut row),
            None => Err(Problem::conflict(format!("there is a channel `{}` already", new.name))),
        }
    }

    fn channels(&mut self) -> R<Vec<Channel>> {
        // there are few
        all(self.sql, &format!("{CHANNEL} ORDER BY name"), &[], read)
    }

    fn lock_channel(&mut self, id: ChannelId) -> R<Option<Channel>> {
        // primary key
        let row = first(self.sql, &format!("{CHANNEL} WHERE id = $1 @lock"), &params![id.0])?;
        row.map(|mut row| read(&mut row)).transpose()
    }

    fn update_channel(&mut self, channel: &Channel) -> R<()> {
        let changed = self.sql.execute(
            "UPDATE channel SET settings = $2, paused = $3, cursor = $4, failing_since = $5 WHERE id = $1",
            &[
                channel.id.0.into(),
                json(&channel.settings)?,
                channel.paused.as_ref().map_or(Ok(Value::Null), json)?,
                channel.cursor.into(),
                channel.failing_since.into(),
            ],
        )?;
        if changed == 0 { Err(gone()) } else { Ok(()) }
    }

    fn channel_secrets(&mut self, id: ChannelId, sealed: Option<&[u8]>) -> R<Vec<u8>> {
        if let Some(sealed) = sealed {
            let sealed = (!sealed.is_empty()).then(|| sealed.to_vec());
            self.sql.execute("UPDATE channel SET secrets = $2 WHERE id = $1", &params![id.0, sealed])?;
        }
        // primary key
        let row = first(self.sql, "SELECT secrets FROM channel WHERE id = $1", &params![id.0])?;
        Ok(row.map(|mut r| r.bytes_or_null()).transpose()?.flatten().unwrap_or_default())
    }

    fn delete_channel(&mut self, id: ChannelId) -> R<bool> {
        // whoever writes a delivery of it at the same time waits, and then finds it gone
        first(self.sql, "SELECT id FROM channel WHERE id = $1 @lock", &params![id.0])?;
        // primary key, its first column; delivery_by_channel
        self.sql.execute("DELETE FROM delivery_event WHERE channel = $1", &params![id.0])?;
        self.sql.execute("DELETE FROM delivery WHERE channel = $1", &params![id.0])?;
        Ok(self.sql.execute("DELETE FROM channel WHERE id = $1", &params![id.0])? > 0)
    }
}

const COLUMNS: &str = "id, channel, topic, status, events, attempts, due, tries, message, created_at, sent_at";

fn read_delivery(row: &mut Row) -> R<Delivery> {
    Ok(Delivery {
        id: row.text()?,
        channel: ChannelId(row.int()?),
        topic: row.text()?,
        status: row.word(DeliveryStatus::parse)?,
        events: row.unsigned()?,
        attempts: row.small()?,
        due: row.time()?,
        tries: row.json()?,
        message: match row.bytes_or_null()? {
            Some(packed) => Some(
                serde_json::from_slice(&unpack(&packed)?)
                    .map_err(|e| Problem::internal("a stored message cannot be read", e))?,
            ),
            None => None,
        },
        created_at: row.time()?,
        sent_at: row.time_or_null()?,
    })
}

impl Session<'_> {
    /// The delivery that gathers a topic; a new one where there is none.
    fn gathering(&mut self, channel: ChannelId, gathered: &Gathered, first_seq: i64) -> R<String> {
        let there = first(
            self.sql,
            // delivery_gathering
            "SELECT id, created_at FROM delivery
             WHERE status = 'gathering' AND channel = $1 AND topic = $2 ORDER BY created_at DESC LIMIT 1",
            &params![channel.0, clean(&gathered.topic).as_ref()],
        )?;
        if let Some(mut row) = there {
            let (id, created) = (row.text()?, row.time()?);
            if let Some(longest) = gathered.longest {
                let last = created + SignedDuration::from_secs(longest);
                self.sql
                    .execute("UPDATE delivery SET due = $2 WHERE id = $1", &params![&id, gathered.due.min(last)])?;
            }
            return Ok(id);
        }
        let seed = format!("{}/{first_seq}/{}", channel.0, gathered.at.as_microsecond());
        let id: String = Digest::of(seed.as_bytes()).hex().chars().take(32).collect();
        self.sql.execute(
            "INSERT INTO delivery (id, channel, topic, status, events, attempts, due, asked, tries, created_at)
             VALUES ($1, $2, $3, 'gathering', 0, 0, $4, $5, '[]', $5)",
            &params![&id, channel.0, clean(&gathered.topic).as_ref(), gathered.due, gathered.at],
        )?;
        Ok(id)
    }
}

impl Session<'_> {
    /// Deliveries that are due, of channels that are not paused, at most `limit`: the oldest of each channel in turn, so that
    /// none waits for what is stuck in another. Costs what `limit` says, however many there are.
    fn due_deliveries(&mut self, now: Timestamp, limit: usize) -> R<Vec<String>> {
        // there are few channels
        let channels = all(self.sql, "SELECT id FROM channel WHERE paused IS NULL ORDER BY id", &[], |r| r.int())?;
        let mut queues: Vec<VecDeque<String>> = Vec::new();
        for channel in channels {
            let of = |status: &str, due: &str| {
                format!(
                    "SELECT * FROM (SELECT due, id FROM delivery WHERE channel = $1 AND status = '{status}' AND {due} <= $2
                       ORDER BY due, id LIMIT $3) AS {status}"
                )
            };
            // delivery_due, from the oldest; what is being sent is little
            let text = [of("gathering", "due"), of("waiting", "due"), of("sending", "lease_until")].join(" UNION ALL ");
            let given = [channel.into(), now.into(), value::limit(limit)];
            let mut found = all(self.sql, &text, &given, |r| Ok((r.int()?, r.text()?)))?;
            found.sort();
            queues.push(found.into_iter().map(|(_, id)| id).collect());
        }
        for status in ["gathering", "waiting", "sending"] {
            // delivery_asked, its last entries: none, unless the clock was set back
            let text = format!(
                "SELECT id FROM delivery d WHERE status = '{status}' AND asked > $1
                   AND EXISTS (SELECT 1 FROM channel c WHERE c.id = d.channel AND c.paused IS NULL)
                 ORDER BY asked, id LIMIT $2"
            );
            let ahead = all(self.sql, &text, &[latest(now).into(), value::limit(limit)], |r| r.text())?;
            queues.push(ahead.into());
        }
        let mut due = Vec::new();
        while due.len() < limit && queues.iter().any(|queue| !queue.is_empty()) {
            due.extend(queues.iter_mut().filter_map(VecDeque::pop_front));
        }
        due.truncate(limit);
        Ok(due)
    }
}

impl Deliveries for Session<'_> {
    fn gather(&mut self, channel: ChannelId, gathered: &Gathered) -> R<()> {
        let Some(first_seq) = gathered.seqs.first() else { return Ok(()) };
        let id = self.gathering(channel, gathered, *first_seq)?;
        let rows = gathered.seqs.iter().map(|seq| params![channel.0, *seq, &id].to_vec()).collect();
        // primary key
        let new = insert_many(
            self.sql,
            "INSERT INTO delivery_event (channel, seq, delivery)",
            "ON CONFLICT (channel, seq) DO NOTHING",
            rows,
        )?;
        self.sql.execute("UPDATE delivery SET events = events + $2 WHERE id = $1", &[id.into(), value::size(new)?])?;
        Ok(())
    }

    fn claim_deliveries(&mut self, owner: &str, now: Timestamp, until: Timestamp, limit: usize) -> R<Vec<Delivery>> {
        let due = self.due_deliveries(now, limit)?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        // primary key
        let mut claimed = all(
            self.sql,
            &format!(
                "WITH picked AS MATERIALIZED (
                   SELECT d.id FROM delivery d WHERE d.id IN (SELECT value FROM @list($5))
                     AND ((d.status IN ('gathering', 'waiting') AND (d.due <= $1 OR d.asked > $2))
                       OR (d.status = 'sending' AND (d.lease_until <= $1 OR d.asked > $2)))
                   ORDER BY d.due, d.id @skip)
                 UPDATE delivery SET status = 'sending', owner = $3, lease_until = $4, asked = $1
                 WHERE id IN (SELECT id FROM picked) RETURNING {COLUMNS}"
            ),
            &[now.into(), latest(now).into(), owner.into(), until.into(), texts(&due)],
            read_delivery,
        )?;
        claimed.sort_by(|a, b| (a.due, &a.id).cmp(&(b.due, &b.id)));
        Ok(claimed)
    }

    fn put_delivery(&mut self, delivery: &Delivery) -> R<()> {
        let message = match &delivery.message {
            None => None,
            Some(message) => {
                let text =
                    serde_json::to_vec(message).map_err(|e| Problem::internal("a message cannot be written", e))?;
                Some(pack(&text)?)
            }
        };
        self.sql.execute(
            "INSERT INTO delivery
               (id, channel, topic, status, events, attempts, due, tries, message, created_at, sent_at, asked)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10)
             ON CONFLICT (id) DO UPDATE SET status = excluded.status, attempts = excluded.attempts, due = excluded.due,
               tries = excluded.tries, message = excluded.message, sent_at = excluded.sent_at",
            &[
                delivery.id.as_str().into(),
                delivery.channel.0.into(),
                clean(&delivery.topic).as_ref().into(),
                delivery.status.as_str().into(),
                value::size(delivery.events)?,
                delivery.attempts.into(),
                delivery.due.into(),
                json(&delivery.tries)?,
                message.into(),
                delivery.created_at.into(),
                delivery.sent_at.into(),
            ],
        )?;
        Ok(())
    }

    fn deliveries(&mut self, filter: &DeliveryFilter) -> R<Vec<Delivery>> {
        let mut text = format!("SELECT {COLUMNS} FROM delivery WHERE 1 = 1");
        let mut params: Vec<Value> = Vec::new();
        if let Some(now) = filter.due {
            params.push(texts(self.due_deliveries(now, filter.limit)?));
            text.push_str(" AND id IN (SELECT value FROM @list($1))");
        }
        let mut add = |column: &str, value: Value| {
            params.push(value);
            text.push_str(&format!(" AND {column} = ${}", params.len()));
        };
        if let Some(channel) = filter.channel {
            add("channel", channel.0.into());
        }
        if let Some(id) = &filter.id {
            add("id", clean(id).as_ref().into());
        }
        if let Some(status) = filter.status {
            add("status", status.as_str().into());
        }
        params.push(value::limit(filter.limit));
        // delivery_by_channel, descending; the primary key; delivery_by_age
        text.push_str(&format!(" ORDER BY created_at DESC, id DESC LIMIT ${}", params.len()));
        all(self.sql, &text, &params, read_delivery)
    }

    fn delivery_events(&mut self, id: &str, limit: usize) -> R<Vec<Event>> {
        // delivery_event_by_delivery, in order; primary key of event
        all(
            self.sql,
            "SELECT e.seq, e.at, e.kind, e.actor, e.subject, e.body, e.previous, e.hash
             FROM delivery_event d JOIN event e ON e.seq = d.seq WHERE d.delivery = $1 ORDER BY d.seq LIMIT $2",
            &[id.into(), value::limit(limit)],
            super::events::read,
        )
    }

    fn forget_deliveries(&mut self, before: Timestamp, limit: usize) -> R<u64> {
        // delivery_by_age
        let ids = all(
            self.sql,
            "SELECT id FROM delivery WHERE created_at < $1 AND status IN ('sent', 'failed') ORDER BY created_at LIMIT $2",
            &[before.into(), value::limit(limit)],
            |row| row.text(),
        )?;
        for id in &ids {
            // delivery_event_by_delivery; primary key
            self.sql.execute("DELETE FROM delivery_event WHERE delivery = $1", &params![id])?;
            self.sql.execute("DELETE FROM delivery WHERE id = $1", &params![id])?;
        }
        Ok(ids.len() as u64)
    }
}
