//! From the log to deliveries: which events a channel is told, and which of them belong together.

use crate::Engine;
use assay_model::{
    channel::{Channel, ChannelId, ChannelKind, Pace, USUAL_EVENTS},
    decision::Notice,
    event::{Event, Seq},
    finding::Severity,
    package::PackageId,
    problem::Problem,
    query::Query,
    seam::meta::{self, EventFilter, Gathered, PackageFilter, Tx},
    upstream::matches,
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Events that are looked at in one transaction.
const PAGE: usize = 1000;
/// Messages of one event each that people are sent at once.
const MOST_EACH: usize = 20;
/// The topic of what a channel with a pace is told.
const DIGEST: &str = "digest";

/// `repository/format/name@version`, taken apart.
pub(super) struct Subject<'a> {
    pub(super) repository: &'a str,
    pub(super) format: &'a str,
}

impl<'a> Subject<'a> {
    pub(super) fn of(event: &'a Event) -> Option<Self> {
        let (rest, _) = event.subject.rsplit_once('@')?;
        let (repository, rest) = rest.split_once('/')?;
        let (format, _) = rest.split_once('/')?;
        Some(Self { repository, format })
    }
}

/// The package that an event is about, by the number in its body.
pub(super) fn package_of(event: &Event) -> Option<PackageId> {
    event.body.get("package").and_then(serde_json::Value::as_i64).map(PackageId)
}

/// Notices of policies in an event, those that began and those that ended.
fn noticed(event: &Event) -> impl Iterator<Item = Notice> + '_ {
    let of = |name: &str| event.body.get(name).and_then(serde_json::Value::as_array).into_iter().flatten();
    of("notices").chain(of("notices_ended")).filter_map(|notice| serde_json::from_value(notice.clone()).ok())
}

pub(super) fn text<'a>(event: &'a Event, name: &str) -> &'a str {
    event.body.get(name).and_then(serde_json::Value::as_str).unwrap_or_default()
}

/// What the event has in common with others of its message; nothing where the channel is not told.
fn topic(channel: &Channel, event: &Event) -> Option<String> {
    if let Some(notice) = noticed(event).find(|notice| notice.channel == channel.name) {
        return Some(match notice.alone {
            true => format!("event/{}", event.seq),
            false => format!("policy/{}/{}", notice.policy, text(event, "trigger")),
        });
    }
    passes(channel, event).then(|| match event.kind.split_once('.') {
        Some(("decision", _)) => format!("decisions/{}", text(event, "trigger")),
        _ => event.kind.clone(),
    })
}

fn passes(channel: &Channel, event: &Event) -> bool {
    let filter = &channel.settings.filter;
    let named = match filter.events.is_empty() {
        true => USUAL_EVENTS.contains(&event.kind.as_str()),
        false => filter.events.iter().any(|pattern| matches(pattern, &event.kind)),
    };
    let subject = Subject::of(event);
    let place = subject.as_ref().map(|s| s.repository).or_else(|| event.subject.split('/').next());
    let within = filter.repositories.is_empty()
        || place.is_some_and(|place| filter.repositories.iter().any(|pattern| matches(pattern, place)));
    let format =
        filter.formats.is_empty() || subject.is_some_and(|s| filter.formats.iter().any(|format| format == s.format));
    let severe = filter.severity.is_none_or(|least| match event.body.get("severity") {
        // what has none (a secret, a licence, an approval) is not left out by how severe vulnerabilities are
        None | Some(serde_json::Value::Null) => true,
        Some(said) => serde_json::from_value::<Severity>(said.clone()).is_ok_and(|severity| severity >= least),
    });
    named && within && format && severe
}

/// When a message of this channel goes.
pub(super) fn due(channel: &Channel, now: Timestamp, quiet: i64) -> Timestamp {
    let soon = now + SignedDuration::from_secs(quiet);
    channel.settings.pace.next(now, channel.settings.hour).unwrap_or(soon)
}

/// Leaves out events whose package does not fit the channel's search.
fn searched(
    tx: &mut dyn Tx,
    channel: &Channel,
    found: &mut Vec<(Seq, String, Option<PackageId>)>,
    now: Timestamp,
) -> Result<(), Problem> {
    let Some(query) = Query::parse(&channel.settings.filter.query, now)? else { return Ok(()) };
    let ids: BTreeSet<PackageId> = found.iter().filter_map(|(_, _, package)| *package).collect();
    let limit = ids.len();
    let ids = Some(ids.into_iter().collect());
    let fitting = tx.list_packages(&PackageFilter { query: Some(query), ids, limit, ..PackageFilter::default() })?;
    let fitting: BTreeSet<PackageId> = fitting.into_iter().map(|p| p.id).collect();
    found.retain(|(_, topic, package)| topic.starts_with("policy/") || package.is_some_and(|p| fitting.contains(&p)));
    Ok(())
}

/// Events of one message each.
fn by_topic(channel: &Channel, found: Vec<(Seq, String, Option<PackageId>)>) -> BTreeMap<String, Vec<Seq>> {
    let settings = &channel.settings;
    // a person is not sent a message for each event of a storm
    let each = settings.each && (channel.kind == ChannelKind::Webhook || found.len() <= MOST_EACH);
    let mut topics: BTreeMap<String, Vec<Seq>> = BTreeMap::new();
    for (seq, topic, _) in found {
        let digest = settings.pace != Pace::Immediate && !topic.starts_with("event/");
        let topic = match (digest, each) {
            (true, _) => DIGEST.to_owned(),
            (false, true) => format!("event/{seq}"),
            (false, false) => topic,
        };
        topics.entry(topic).or_default().push(seq);
    }
    topics
}

impl Engine {
    /// Looks for what is to be told to every channel. `seen` remembers how far each log was read in vain, so that
    /// nothing is written for events that nobody is told.
    pub(super) async fn collect_notices(self: &Arc<Self>, seen: &mut HashMap<ChannelId, Seq>) -> Result<(), Problem> {
        let (channels, head) = meta::read(self.meta(), |tx| Ok((tx.channels()?, tx.last_event()?))).await?;
        for channel in channels.into_iter().filter(|c| c.paused.is_none()) {
            let from = seen.get(&channel.id).copied().unwrap_or(0).max(channel.cursor);
            if from < head {
                let upto = self.collect_for(channel.clone(), from).await?;
                seen.insert(channel.id, upto);
            }
        }
        Ok(())
    }

    async fn collect_for(self: &Arc<Self>, mut channel: Channel, mut from: Seq) -> Result<Seq, Problem> {
        loop {
            let (now, rules) = (self.now(), self.parts.notices);
            let of = channel.clone();
            let (found, last, full) = meta::read(self.meta(), move |tx| {
                let events = tx.events(&EventFilter { after: from, limit: PAGE, ..EventFilter::default() })?;
                let told = |event: &Event| Some((event.seq, topic(&of, event)?, package_of(event)));
                let mut found: Vec<(Seq, String, Option<PackageId>)> = events.iter().filter_map(told).collect();
                searched(tx, &of, &mut found, now)?;
                Ok((found, events.last().map_or(from, |e| e.seq), events.len() == PAGE))
            })
            .await?;
            if !found.is_empty() || full {
                let topics = by_topic(&channel, found);
                let (id, expected) = (channel.id, channel.cursor);
                let moved = meta::write(self.meta(), move |tx| {
                    let Some(mut now_kept) = tx.lock_channel(id)?.filter(|c| c.cursor == expected) else {
                        return Ok(false);
                    };
                    for (topic, seqs) in &topics {
                        let at_once = topic.starts_with("event/");
                        let due = if at_once { now } else { due(&now_kept, now, rules.quiet) };
                        let longest = (topic != DIGEST).then_some(rules.longest);
                        tx.gather(id, &Gathered { topic: topic.clone(), seqs: seqs.clone(), due, longest, at: now })?;
                    }
                    now_kept.cursor = last;
                    tx.update_channel(&now_kept)?;
                    Ok(true)
                })
                .await?;
                if !moved {
                    // another node was faster; the next look begins where it ended
                    return Ok(channel.cursor);
                }
                channel.cursor = last;
            }
            from = last;
            if !full {
                return Ok(last);
            }
        }
    }
}
