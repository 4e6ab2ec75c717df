//! Telling people and programs what happened. [`collect`] reads the event log for each channel and notes what is to be
//! told, in the transaction that moves the channel's cursor: nothing is missed, nothing told twice. [`deliver`] sends what
//! is due, [`message`] makes the words, [`deliveries`] shows and repeats them, and this file manages channels. How messages
//! look and travel is the senders'.

mod collect;
mod deliver;
mod deliveries;
mod message;
mod news;

use crate::Engine;
use assay_model::{
    access::{Caller, Permission},
    channel::{Channel, ChannelKind, ChannelSettings, Pause, check_name},
    event::NewEvent,
    notification::{Delivery, DeliveryStatus},
    policy::PolicyAction,
    problem::Problem,
    query::Query,
    seam::{
        action::Action,
        meta::{self, DeliveryFilter, NewChannel, Tx},
        notices::Target,
    },
    upstream::Secrets,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

/// Header under which a secret address is sealed.
pub const ADDRESS: &str = "address";

/// How messages are gathered and tried again.
#[derive(Clone, Copy, Debug)]
pub struct NoticeRules {
    /// Seconds of quiet after which a message goes.
    pub quiet: i64,
    /// Seconds that a message waits for more at most.
    pub longest: i64,
    /// Seconds until the second attempt; doubles with each.
    pub retry: i64,
    /// Attempts before a delivery is given up.
    pub attempts: u32,
    /// Seconds of nothing but failures after which a channel is paused.
    pub pause_after: i64,
    /// Days that deliveries are kept.
    pub keep_days: i64,
}

impl Default for NoticeRules {
    fn default() -> Self {
        Self { quiet: 3, longest: 120, retry: 10, attempts: 12, pause_after: 3 * 86_400, keep_days: 30 }
    }
}

/// A channel as it is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelDraft {
    /// Its name.
    pub name: String,
    /// How it reaches.
    pub kind: ChannelKind,
    /// What is set.
    #[serde(default)]
    pub settings: ChannelSettings,
    /// Signing secret (`token`) or login.
    #[serde(default)]
    pub secrets: Secrets,
}

/// What is to be different about a channel; what is left out stays.
#[derive(Clone, Debug, Default)]
pub struct ChannelEdit {
    /// Its settings, whole. An address of a kind whose address is a secret is the whole one, or as it is shown.
    pub settings: Option<ChannelSettings>,
    /// Its secrets, whole, but for a secret address.
    pub secrets: Option<Secrets>,
    /// Why it is told nothing for now; `Some(None)` goes on.
    pub pause: Option<Option<String>>,
}

/// A channel, for people.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelRow {
    /// The channel.
    #[serde(flatten)]
    pub channel: Channel,
    /// Whether it has a signing secret or a login.
    pub has_secrets: bool,
    /// Events that it was not told yet because it is paused or behind.
    pub behind: i64,
}

/// A delivery, for people.
#[derive(Clone, Debug, Serialize)]
pub struct DeliveryRow {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// Name of its channel.
    pub channel_name: String,
}

fn unknown(name: &str) -> Problem {
    Problem::not_found(format!("there is no channel `{name}`; `assay channel list` lists them"))
}

pub(crate) fn find(tx: &mut dyn Tx, name: &str) -> Result<Channel, Problem> {
    tx.channels()?.into_iter().find(|c| c.name == name).ok_or_else(|| unknown(name))
}

/// Checks that channels which actions name exist and are of the right kind.
///
/// # Errors
/// `Invalid`, naming the channel.
pub(crate) fn check_channels(tx: &mut dyn Tx, kinds: &[&dyn Action], actions: &[PolicyAction]) -> Result<(), Problem> {
    for action in actions {
        let kind = kinds.iter().find(|kind| kind.spec().id == action.kind);
        let Some(name) = kind.and_then(|kind| kind.channel(&action.params)) else { continue };
        let channel = find(tx, name).map_err(|problem| Problem::invalid("unknown-channel", problem.message))?;
        if action.kind == "webhook" && channel.kind != ChannelKind::Webhook {
            let message = format!("channel `{name}` is no webhook; use `notify`");
            return Err(Problem::invalid("bad-action", message));
        }
    }
    Ok(())
}

/// What waits for a channel goes at once, and what was given up since it began to fail goes again.
fn go_on(tx: &mut dyn Tx, channel: &Channel, now: Timestamp) -> Result<(), Problem> {
    let Some(pause) = &channel.paused else { return Ok(()) };
    let status = Some(DeliveryStatus::Waiting);
    let filter = DeliveryFilter { channel: Some(channel.id), status, limit: usize::MAX, ..Default::default() };
    for delivery in tx.deliveries(&filter)? {
        let due = delivery.created_at.min(now);
        tx.put_delivery(&Delivery { due, attempts: 0, ..delivery })?;
    }
    deliveries::again(tx, channel.id, channel.failing_since.unwrap_or(pause.at), now).map(|_| ())
}

fn log(tx: &mut dyn Tx, engine: &Engine, kind: &'static str, actor: &str, channel: &Channel) -> Result<(), Problem> {
    let body = json!({"kind": channel.kind, "settings": channel.settings, "paused": channel.paused});
    let (actor, subject) = (actor.to_owned(), channel.name.clone());
    tx.append_event(&NewEvent { at: engine.now(), kind, actor, subject, body }).map(|_| ())
}

/// `https://host` of an address whose rest is secret.
fn origin(address: &str) -> String {
    let end = address.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = address.split_at(end);
    format!("{scheme}{}", rest.split(['/', '?', '#']).next().unwrap_or_default())
}

fn check_settings(kind: ChannelKind, settings: &ChannelSettings) -> Result<(), Problem> {
    let wrong = |message: &str| Err(Problem::invalid("bad-channel", message));
    let filter = &settings.filter;
    let lists = [&filter.events, &filter.repositories, &filter.formats, &settings.to];
    if lists.iter().any(|list| list.len() > 100 || list.iter().any(|one| one.is_empty() || one.len() > 300)) {
        return wrong("a list of a channel has at most 100 entries of 1 to 300 characters");
    }
    if !(0..24).contains(&settings.hour) {
        return wrong("`hour` is 0 to 23 (UTC)");
    }
    if kind == ChannelKind::Email && (settings.to.is_empty() || settings.from.is_empty()) {
        return wrong("an e-mail channel needs `from` and at least one address in `to`");
    }
    Query::parse(&filter.query, Timestamp::UNIX_EPOCH).map(|_| ())
}

impl Engine {
    /// All channels.
    ///
    /// # Errors
    /// `Forbidden` unless the caller is an administrator.
    pub async fn channels(&self, caller: &Caller) -> Result<Vec<ChannelRow>, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        meta::read(self.meta(), |tx| {
            let head = tx.last_event()?;
            let mut rows = Vec::new();
            for channel in tx.channels()? {
                let has_secrets = !tx.channel_secrets(channel.id, None)?.is_empty();
                let behind = if channel.paused.is_some() { head - channel.cursor } else { 0 };
                rows.push(ChannelRow { has_secrets, behind, channel });
            }
            Ok(rows)
        })
        .await
    }

    /// One channel.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn channel(&self, caller: &Caller, name: &str) -> Result<ChannelRow, Problem> {
        self.channels(caller).await?.into_iter().find(|row| row.channel.name == name).ok_or_else(|| unknown(name))
    }

    /// Adds a channel; it is told what happens from now on.
    ///
    /// # Errors
    /// `Invalid`, naming the setting; `Conflict`; `Forbidden`.
    pub async fn add_channel(self: &Arc<Self>, caller: &Caller, draft: ChannelDraft) -> Result<Channel, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let ChannelDraft { name, kind, mut settings, mut secrets } = draft;
        check_name(&name)?;
        check_settings(kind, &settings)?;
        self.parts.messenger.check(Target { kind, settings: &settings, secrets: &secrets })?;
        if kind.has_secret_address() {
            secrets.headers = BTreeMap::from([(ADDRESS.to_owned(), settings.address.clone())]);
            settings.address = origin(&settings.address);
        }
        let sealed = self.parts.vault.seal(&secrets)?;
        let (engine, by, at) = (self.clone(), caller.name().to_owned(), self.now());
        let made = meta::write(self.meta(), move |tx| {
            let cursor = tx.last_event()?;
            let (name, settings, by) = (name.clone(), settings.clone(), by.clone());
            let channel = tx.add_channel(&NewChannel { name, kind, settings, cursor, by: by.clone(), at })?;
            tx.channel_secrets(channel.id, Some(&sealed))?;
            log(tx, &engine, "channel.added", &by, &channel)?;
            Ok(channel)
        })
        .await?;
        self.notice().await?;
        Ok(made)
    }

    /// Changes a channel. When it goes on after a pause, what waits goes at once, and so does what was given up since it
    /// began to fail.
    ///
    /// # Errors
    /// `NotFound`; `Invalid`, naming the setting; `Forbidden`.
    pub async fn change_channel(
        self: &Arc<Self>,
        caller: &Caller,
        name: &str,
        edit: ChannelEdit,
    ) -> Result<Channel, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let before = self.channel(caller, name).await?.channel;
        let id = before.id;
        let sealed = meta::read(self.meta(), move |tx| tx.channel_secrets(id, None)).await?;
        let known = self.parts.vault.open(&sealed)?;
        let (settings, secrets) = self.edited(&before, &known, &edit)?;
        let sealed = if secrets == known { None } else { Some(self.parts.vault.seal(&secrets)?) };
        let (engine, by, at) = (self.clone(), caller.name().to_owned(), self.now());
        let changed = meta::write(self.meta(), move |tx| {
            let mut channel = tx.lock_channel(id)?.ok_or_else(|| unknown(&before.name))?;
            let mut kind = "channel.updated";
            if edit.settings.is_some() {
                channel.settings = settings.clone();
            }
            if let Some(sealed) = &sealed {
                tx.channel_secrets(id, Some(sealed))?;
            }
            if let Some(pause) = &edit.pause {
                kind = if pause.is_some() { "channel.paused" } else { "channel.resumed" };
                if pause.is_none() {
                    go_on(tx, &channel, at)?;
                }
                channel.paused = pause.clone().map(|reason| Pause { at, by: by.clone(), reason });
                channel.failing_since = None;
            }
            tx.update_channel(&channel)?;
            log(tx, &engine, kind, &by, &channel)?;
            Ok(channel)
        })
        .await?;
        self.notice().await?;
        Ok(changed)
    }

    /// Settings and secrets as they will be, checked.
    fn edited(
        &self,
        before: &Channel,
        known: &Secrets,
        edit: &ChannelEdit,
    ) -> Result<(ChannelSettings, Secrets), Problem> {
        let mut settings = edit.settings.clone().unwrap_or_else(|| before.settings.clone());
        let mut secrets = edit.secrets.clone().unwrap_or_else(|| known.clone());
        secrets.headers.clone_from(&known.headers);
        if edit.settings.is_none() && edit.secrets.is_none() {
            return Ok((settings, secrets));
        }
        check_settings(before.kind, &settings)?;
        if before.kind.has_secret_address() && settings.address != before.settings.address {
            secrets.headers = BTreeMap::from([(ADDRESS.to_owned(), settings.address.clone())]);
        }
        self.parts.messenger.check(Target { kind: before.kind, settings: &settings, secrets: &secrets })?;
        if before.kind.has_secret_address() {
            settings.address = origin(&settings.address);
        }
        Ok((settings, secrets))
    }

    /// Removes a channel with what it was told.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` while a policy names it; `Forbidden`.
    pub async fn remove_channel(self: &Arc<Self>, caller: &Caller, name: &str) -> Result<(), Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let (engine, name, by) = (self.clone(), name.to_owned(), caller.name().to_owned());
        meta::write(self.meta(), move |tx| {
            let channel = find(tx, &name)?;
            let names = |action: &PolicyAction| {
                let kind = engine.parts.actions.iter().find(|kind| kind.spec().id == action.kind);
                kind.and_then(|kind| kind.channel(&action.params)) == Some(name.as_str())
            };
            if let Some(policy) = tx.policies()?.iter().find(|p| p.actions.iter().any(names)) {
                let message = format!("policy `{}` tells this channel; edit or remove it first", policy.slug);
                return Err(Problem::conflict(message));
            }
            tx.delete_channel(channel.id)?;
            log(tx, &engine, "channel.removed", &by, &channel)
        })
        .await?;
        self.notice().await
    }
}
