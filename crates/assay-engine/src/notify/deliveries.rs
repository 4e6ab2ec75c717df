//! Deliveries for people: a test, the log of a channel, and sending again.

use super::DeliveryRow;
use crate::Engine;
use assay_model::{
    access::Caller,
    channel::ChannelId,
    notification::{Affected, Delivery, DeliveryStatus, Message},
    problem::Problem,
    seam::{
        meta::{self, DeliveryFilter, Tx},
        notices::Receipt,
    },
};
use jiff::Timestamp;
use std::{collections::BTreeMap, sync::Arc};

/// Deliveries that are sent again at once.
const MOST_AGAIN: usize = 10_000;

/// Sends again what was given up at or after `since`; gives how many.
pub(super) fn again(tx: &mut dyn Tx, channel: ChannelId, since: Timestamp, now: Timestamp) -> Result<usize, Problem> {
    let status = Some(DeliveryStatus::Failed);
    let filter = DeliveryFilter { channel: Some(channel), status, limit: MOST_AGAIN, ..Default::default() };
    let mut again = 0;
    for mut delivery in tx.deliveries(&filter)? {
        // a test is of the moment at which it was asked for
        if delivery.events == 0 || delivery.tries.last().is_none_or(|last| last.at < since) {
            continue;
        }
        restart(&mut delivery, now);
        tx.put_delivery(&delivery)?;
        again += 1;
    }
    Ok(again)
}

fn restart(delivery: &mut Delivery, now: Timestamp) {
    delivery.status = DeliveryStatus::Waiting;
    delivery.attempts = 0;
    // at once, whatever the clock will be
    delivery.due = delivery.created_at.min(now);
}

impl Engine {
    /// Sends all again that was given up and is still kept, each in the same words and under the same id; gives how many.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn redeliver_failed(&self, caller: &Caller, name: &str) -> Result<usize, Problem> {
        let (id, now) = (self.channel(caller, name).await?.channel.id, self.now());
        meta::write(self.meta(), move |tx| again(tx, id, Timestamp::MIN, now)).await
    }

    /// Sends a message that says it is a test, at once, and notes how that went.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`. That the receiver does not take it is a result, not an error.
    pub async fn test_channel(self: &Arc<Self>, caller: &Caller, name: &str) -> Result<DeliveryRow, Problem> {
        let channel = self.channel(caller, name).await?.channel;
        let now = self.now();
        let id = crate::access::random_hex(16)?;
        let message = Message {
            id: id.clone(),
            channel: channel.name.clone(),
            workspace: self.parts.workspace.clone(),
            at: now,
            kind: "channel.test".to_owned(),
            trigger: format!("asked by {}", caller.name()),
            title: format!("A test of channel {} of {}", channel.name, self.parts.workspace),
            counts: BTreeMap::new(),
            packages: Vec::new(),
            more_packages: 0,
            news: Vec::new(),
            affected: Affected::default(),
            link: format!("{}/ui/channels/{}", self.parts.public_url, channel.name),
        };
        let mut delivery = Delivery {
            id,
            channel: channel.id,
            topic: "test".to_owned(),
            status: DeliveryStatus::Failed,
            events: 0,
            attempts: 1,
            due: now,
            tries: Vec::new(),
            message: Some(message),
            created_at: now,
            sent_at: None,
        };
        if self.attempt(&channel, &mut delivery).await.is_ok_and(|receipt: Receipt| receipt.taken) {
            delivery.status = DeliveryStatus::Sent;
            delivery.sent_at = Some(self.now());
        }
        let kept = delivery.clone();
        meta::write(self.meta(), move |tx| tx.put_delivery(&kept)).await?;
        Ok(DeliveryRow { delivery, channel_name: channel.name })
    }

    /// Deliveries of a channel, newest first.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        name: &str,
        status: Option<DeliveryStatus>,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, Problem> {
        let channel = self.channel(caller, name).await?.channel;
        let filter =
            DeliveryFilter { channel: Some(channel.id), status, limit: limit.clamp(1, 500), ..Default::default() };
        let found = meta::read(self.meta(), move |tx| tx.deliveries(&filter)).await?;
        Ok(found.into_iter().map(|delivery| DeliveryRow { delivery, channel_name: channel.name.clone() }).collect())
    }

    /// Sends a delivery again, in the same words and under the same id.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` while it is on its way; `Forbidden`.
    pub async fn redeliver(&self, caller: &Caller, name: &str, id: &str) -> Result<DeliveryRow, Problem> {
        let channel = self.channel(caller, name).await?.channel;
        let filter =
            DeliveryFilter { channel: Some(channel.id), id: Some(id.to_owned()), limit: 1, ..Default::default() };
        let now = self.now();
        let delivery = meta::write(self.meta(), move |tx| {
            let Some(mut delivery) = tx.deliveries(&filter)?.pop() else {
                return Err(Problem::not_found("the channel has no such delivery; it may be too long ago"));
            };
            if !matches!(delivery.status, DeliveryStatus::Sent | DeliveryStatus::Failed) {
                return Err(Problem::conflict("it is on its way already"));
            }
            restart(&mut delivery, now);
            tx.put_delivery(&delivery)?;
            Ok(delivery)
        })
        .await?;
        Ok(DeliveryRow { delivery, channel_name: channel.name })
    }
}
