//! Sending what is due: a lease, one attempt, and what came of it written back. A delivery that was sent and not written
//! back goes again under the same id: at least once on the way, once for a receiver that looks at ids.

use super::message::{self, From};
use crate::Engine;
use assay_model::{
    channel::{Channel, ChannelId, Pause},
    event::Seq,
    notification::{Attempt, Delivery, DeliveryStatus},
    problem::Problem,
    seam::{
        meta::{self, DeliveryFilter, Tx},
        notices::{Receipt, Target},
    },
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Seconds that a node may keep a delivery to itself; longer than an attempt may take.
const LEASE: i64 = 30;
/// Seconds that an attempt may take.
const PATIENCE: u64 = 20;
/// Attempts under way at once.
const AT_ONCE: usize = 16;
/// Between two looks, in milliseconds.
const PAUSE: u64 = 250;
/// Attempts that are kept of a delivery.
const TRIES: usize = 20;
/// Longest wait between attempts, in seconds.
const LONGEST_WAIT: i64 = 3600;
/// Events of one message that are read.
const EVENTS: usize = 20_000;

impl Engine {
    /// Tells channels what happens until the task is dropped.
    pub(crate) async fn tell_regularly(self: Arc<Self>) {
        let (mut seen, mut under_way): (HashMap<ChannelId, Seq>, JoinSet<()>) = (HashMap::new(), JoinSet::new());
        let mut forgotten = Instant::now();
        loop {
            if let Err(problem) = self.tell(&mut seen, &mut under_way).await {
                tracing::error!(%problem, "channels cannot be told");
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            if forgotten.elapsed() > Duration::from_secs(600) {
                forgotten = Instant::now();
                let before = self.now() - SignedDuration::from_hours(24 * self.parts.notices.keep_days);
                if let Err(problem) = meta::write(self.meta(), move |tx| tx.forget_deliveries(before, 1000)).await {
                    tracing::warn!(%problem, "old deliveries were not forgotten");
                }
            }
            // of a storm the next goes as soon as one has arrived
            let room = async {
                if under_way.len() < AT_ONCE {
                    return std::future::pending().await;
                }
                under_way.join_next().await;
            };
            let _ = tokio::time::timeout(Duration::from_millis(PAUSE), room).await;
        }
    }

    async fn tell(
        self: &Arc<Self>,
        seen: &mut HashMap<ChannelId, Seq>,
        under_way: &mut JoinSet<()>,
    ) -> Result<(), Problem> {
        self.collect_notices(seen).await?;
        while under_way.try_join_next().is_some() {}
        let free = AT_ONCE.saturating_sub(under_way.len());
        let (owner, now) = (self.owner.clone(), self.now());
        // nothing is written while nothing is due
        let due = DeliveryFilter { due: Some(now), limit: 1, ..DeliveryFilter::default() };
        if free == 0 || meta::read(self.meta(), move |tx| tx.deliveries(&due)).await?.is_empty() {
            return Ok(());
        }
        let until = now + SignedDuration::from_secs(LEASE);
        let claimed = meta::write(self.meta(), move |tx| tx.claim_deliveries(&owner, now, until, free)).await?;
        for delivery in claimed {
            let engine = self.clone();
            under_way.spawn(async move {
                let id = delivery.id.clone();
                if let Err(problem) = engine.deliver(delivery).await {
                    tracing::warn!(%id, %problem, "a delivery could not be worked on");
                }
            });
        }
        Ok(())
    }

    async fn deliver(self: &Arc<Self>, mut delivery: Delivery) -> Result<(), Problem> {
        let channel = self.made(&mut delivery).await?;
        delivery.attempts += 1;
        let outcome = self.attempt(&channel, &mut delivery).await;
        let now = self.now();
        let taken = outcome.as_ref().is_ok_and(|receipt| receipt.taken);
        if taken {
            (delivery.status, delivery.sent_at) = (DeliveryStatus::Sent, Some(now));
        } else if delivery.attempts >= self.parts.notices.attempts {
            delivery.status = DeliveryStatus::Failed;
        } else {
            delivery.status = DeliveryStatus::Waiting;
            let asked = outcome.ok().and_then(|receipt| receipt.retry_after);
            delivery.due = now + SignedDuration::from_millis(self.wait(delivery.attempts, asked)?);
        }
        let (engine, pause_after) = (self.clone(), self.parts.notices.pause_after);
        meta::write(self.meta(), move |tx| {
            tx.put_delivery(&delivery)?;
            engine.note_health(tx, channel.id, taken, now, pause_after)
        })
        .await?;
        self.notice().await
    }

    /// Milliseconds until the next attempt: doubling, spread by a quarter, at least what the receiver asked for.
    fn wait(&self, attempts: u32, asked: Option<i64>) -> Result<i64, Problem> {
        let seconds =
            self.parts.notices.retry.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(LONGEST_WAIT);
        let random = u8::from_str_radix(&crate::access::random_hex(1)?, 16).unwrap_or(0);
        let spread = seconds * 1000 / 4 * i64::from(random) / 255;
        Ok((seconds * 1000 + spread).max(asked.unwrap_or(0).clamp(0, 24 * 3600) * 1000))
    }

    /// The channel of a delivery; makes its message where there is none yet, and keeps that before anything is sent.
    async fn made(self: &Arc<Self>, delivery: &mut Delivery) -> Result<Channel, Problem> {
        let (engine, mut copy, now) = (self.clone(), delivery.clone(), self.now());
        let (channel, whole) = meta::write(self.meta(), move |tx| {
            let channel = tx.lock_channel(copy.channel)?.ok_or_else(|| Problem::not_found("its channel is gone"))?;
            if copy.message.is_none() {
                let events = tx.delivery_events(&copy.id, EVENTS)?;
                let (workspace, url) = (engine.parts.workspace.as_str(), engine.parts.public_url.as_str());
                let from = From { channel: &channel, workspace, url, now, formats: engine.parts.formats };
                copy.message = Some(message::make(tx, &copy.id, &from, &events)?);
                copy.events = events.len() as u64;
                copy.status = DeliveryStatus::Sending;
                tx.put_delivery(&copy)?;
            }
            Ok((channel, copy.clone()))
        })
        .await?;
        *delivery = whole;
        Ok(channel)
    }

    /// Sends once and notes how that went.
    pub(super) async fn attempt(&self, channel: &Channel, delivery: &mut Delivery) -> Result<Receipt, Problem> {
        let id = channel.id;
        let sealed = meta::read(self.meta(), move |tx| tx.channel_secrets(id, None)).await?;
        let (at, started) = (self.now(), Instant::now());
        let outcome = match (self.parts.vault.open(&sealed), &delivery.message) {
            (Ok(secrets), Some(message)) => {
                let target = Target { kind: channel.kind, settings: &channel.settings, secrets: &secrets };
                let sent = self.parts.messenger.send(target, message);
                match tokio::time::timeout(Duration::from_secs(PATIENCE), sent).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(Problem::busy(format!("no answer within {PATIENCE} seconds"), 10)),
                }
            }
            (Err(problem), _) => Err(problem),
            (_, None) => Err(Problem::bug("a delivery without a message")),
        };
        let (code, note) = match &outcome {
            Ok(receipt) => (receipt.code, receipt.note.clone()),
            Err(problem) => (None, problem.to_string()),
        };
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        delivery.tries.push(Attempt { at, code, milliseconds, note });
        let extra = delivery.tries.len().saturating_sub(TRIES);
        delivery.tries.drain(..extra);
        outcome
    }

    /// Notes since when a channel fails, and pauses one that does for long.
    fn note_health(
        &self,
        tx: &mut dyn Tx,
        id: ChannelId,
        taken: bool,
        now: Timestamp,
        pause_after: i64,
    ) -> Result<(), Problem> {
        let Some(mut channel) = tx.lock_channel(id)? else { return Ok(()) };
        let since = if taken { None } else { Some(channel.failing_since.map_or(now, |since| since.min(now))) };
        if since == channel.failing_since {
            let long = since.is_some_and(|since| now.duration_since(since).as_secs() >= pause_after);
            if !long || channel.paused.is_some() {
                return Ok(());
            }
            let reason = "nothing was taken for too long; `assay channel test` tries, `assay channel resume` goes on";
            channel.paused = Some(Pause { at: now, by: "system".to_owned(), reason: reason.to_owned() });
            tx.update_channel(&channel)?;
            return super::log(tx, self, "channel.paused", "system", &channel);
        }
        channel.failing_since = since;
        tx.update_channel(&channel)
    }
}
