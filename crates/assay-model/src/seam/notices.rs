//! Ports of channels and deliveries, and the seam of those who send. Part of the metadata store like the ports in
//! [`super::meta`].

use super::Task;
use crate::{
    channel::{Channel, ChannelId, ChannelKind, ChannelSettings},
    event::{Event, Seq},
    notification::{Delivery, DeliveryStatus, Message},
    problem::Problem,
    upstream::Secrets,
};
use jiff::Timestamp;

type R<T> = Result<T, Problem>;

/// A channel that is about to be kept.
#[derive(Clone, Debug)]
pub struct NewChannel {
    /// Its name.
    pub name: String,
    /// How it reaches.
    pub kind: ChannelKind,
    /// What is set.
    pub settings: ChannelSettings,
    /// Events from here on are told.
    pub cursor: Seq,
    /// Who makes it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Channels.
pub trait Channels {
    /// Adds one; `Conflict` when the name is taken.
    fn add_channel(&mut self, new: &NewChannel) -> R<Channel>;
    /// All, by name.
    fn channels(&mut self) -> R<Vec<Channel>>;
    /// One, which nobody else changes before this transaction ends.
    fn lock_channel(&mut self, id: ChannelId) -> R<Option<Channel>>;
    /// Writes settings, pause, cursor and failures.
    fn update_channel(&mut self, channel: &Channel) -> R<()>;
    /// Its sealed secrets; `Some` puts others in their place first.
    fn channel_secrets(&mut self, id: ChannelId, sealed: Option<&[u8]>) -> R<Vec<u8>>;
    /// Removes it with its deliveries; says whether it existed.
    fn delete_channel(&mut self, id: ChannelId) -> R<bool>;
}

/// Events of one channel that belong together.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// What they have in common.
    pub topic: String,
    /// Their numbers, rising.
    pub seqs: Vec<Seq>,
    /// When the message goes, unless more join.
    pub due: Timestamp,
    /// How long more may join and so delay it, in seconds from the first; none where it goes when it is due.
    pub longest: Option<i64>,
    /// Now.
    pub at: Timestamp,
}

/// Which deliveries to list. Empty fields do not restrict.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// To this channel.
    pub channel: Option<ChannelId>,
    /// This one.
    pub id: Option<String>,
    /// This far.
    pub status: Option<DeliveryStatus>,
    /// That a claim at this moment may give, with this limit.
    pub due: Option<Timestamp>,
    /// At most this many, newest first.
    pub limit: usize,
}

/// Deliveries.
pub trait Deliveries {
    /// Notes that events are to be told; one that was noted before is not noted again.
    fn gather(&mut self, channel: ChannelId, gathered: &Gathered) -> R<()>;
    /// Leases up to `limit` that are due, of channels that are not paused, until `until`; those whose lease ran out too, and
    /// those that wait since a moment that is still to come: the clock was set back. Every channel has its turn.
    fn claim_deliveries(&mut self, owner: &str, now: Timestamp, until: Timestamp, limit: usize) -> R<Vec<Delivery>>;
    /// Writes one back, with the message, or adds it.
    fn put_delivery(&mut self, delivery: &Delivery) -> R<()>;
    /// Lists.
    fn deliveries(&mut self, filter: &DeliveryFilter) -> R<Vec<Delivery>>;
    /// Events that one tells of, in order.
    fn delivery_events(&mut self, id: &str, limit: usize) -> R<Vec<Event>>;
    /// Forgets those that ended and are older than `before`, at most `limit`; gives how many.
    fn forget_deliveries(&mut self, before: Timestamp, limit: usize) -> R<u64>;
}

/// Where a message goes.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// How.
    pub kind: ChannelKind,
    /// Where.
    pub settings: &'a ChannelSettings,
    /// The secret address as `headers["address"]`, the signing secret as `token`, a login.
    pub secrets: &'a Secrets,
}

/// What a receiver answered.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// Whether it took the message.
    pub taken: bool,
    /// Its code.
    pub code: Option<u16>,
    /// Its words, at most a line.
    pub note: String,
    /// When it wants to be tried again, in seconds.
    pub retry_after: Option<i64>,
}

/// Sends messages. One attempt each; addresses pass the guard.
pub trait Messenger: Send + Sync {
    /// Sends.
    ///
    /// # Errors
    /// When nobody answers, or the address may not be connected to.
    fn send<'a>(&'a self, target: Target<'a>, message: &'a Message) -> Task<'a, Receipt>;
    /// Checks what can be checked without sending.
    ///
    /// # Errors
    /// `Invalid`, naming the setting.
    fn check(&self, target: Target<'_>) -> R<()>;
}

/// Sends nothing: for programs that tell nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Messenger for Silent {
    fn send<'a>(&'a self, _: Target<'a>, _: &'a Message) -> Task<'a, Receipt> {
        Box::pin(async { Err(Problem::bug("this program sends no messages")) })
    }
    fn check(&self, _: Target<'_>) -> R<()> {
        Ok(())
    }
}
