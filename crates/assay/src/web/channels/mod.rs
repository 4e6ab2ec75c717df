//! Channels with what was told to each, and what people say of single packages: states set by hand and approvals.

use super::{
    Outcome, WebRequest,
    frame::Frame,
    pieces::{StateBadge, When, readable},
    reply,
};
use askama::Template;
use assay_engine::{ApprovalRow, ChannelRow, DeliveryRow, Engine, PackageRow};
use assay_model::{channel::Pace, notification::DeliveryStatus};
use std::sync::Arc;

/// Lines of a list.
const LINES: usize = 100;

/// A channel for people.
pub(super) struct ChannelLine {
    name: String,
    kind: &'static str,
    address: String,
    events: String,
    pace: String,
    /// Class of its badge, and its word.
    badge: (&'static str, &'static str),
    why: String,
    behind: i64,
}

impl ChannelLine {
    fn of(row: ChannelRow) -> Self {
        let settings = row.channel.settings;
        let (badge, why) = match (row.channel.paused, row.channel.failing_since) {
            (Some(pause), _) => (("state-hidden", "paused"), format!("by {}: {}", pause.by, pause.reason)),
            (None, Some(since)) => {
                (("state-quarantined", "failing"), format!("since {}", since.strftime("%Y-%m-%d %H:%M:%S UTC")))
            }
            (None, None) => (("state-available", "well"), String::new()),
        };
        Self {
            name: row.channel.name,
            kind: row.channel.kind.as_str(),
            address: settings.address,
            events: match settings.filter.events.is_empty() {
                true => "the usual ones".to_owned(),
                false => settings.filter.events.join(", "),
            },
            pace: match settings.pace {
                Pace::Daily => format!("daily at {}:00 UTC", settings.hour),
                Pace::Every(_) => format!("every {}", settings.pace),
                Pace::Immediate | Pace::Hourly => settings.pace.to_string(),
            },
            badge,
            why,
            behind: row.behind,
        }
    }
}

/// A delivery for people.
pub(super) struct DeliveryLine {
    id: String,
    created: When,
    badge: (&'static str, &'static str),
    title: String,
    events: u64,
    tries: usize,
    last: String,
    ended: bool,
}

impl DeliveryLine {
    fn of(row: DeliveryRow) -> Self {
        let delivery = row.delivery;
        let class = match delivery.status {
            DeliveryStatus::Sent => "state-available",
            DeliveryStatus::Failed => "state-quarantined",
            _ => "state-pending",
        };
        Self {
            created: When(delivery.created_at),
            badge: (class, delivery.status.as_str()),
            title: delivery.message.map(|message| readable(&message.title)).unwrap_or_default(),
            events: delivery.events,
            tries: delivery.tries.len(),
            last: delivery.tries.last().map_or_else(String::new, |one| {
                let code = one.code.map(|code| format!("{code} ")).unwrap_or_default();
                format!("{code}{} ({} ms)", one.note, one.milliseconds)
            }),
            ended: matches!(delivery.status, DeliveryStatus::Sent | DeliveryStatus::Failed),
            id: delivery.id,
        }
    }
}

#[derive(Template)]
#[template(path = "channels.html")]
struct ChannelsPage {
    frame: Frame,
    channels: Vec<ChannelLine>,
}

#[derive(Template)]
#[template(path = "channel.html")]
struct ChannelPage {
    frame: Frame,
    channel: ChannelLine,
    deliveries: Vec<DeliveryLine>,
    given_up: usize,
}

/// All channels.
///
/// # Errors
/// `Forbidden` unless the caller is an administrator.
pub(super) async fn page(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let channels = engine.channels(&request.caller).await?.into_iter().map(ChannelLine::of).collect();
    reply::html(200, &ChannelsPage { frame: Frame::of(request, "Channels", "channels"), channels })
}

/// One channel with what was told to it.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub(super) async fn one(engine: &Arc<Engine>, request: &WebRequest, name: &str) -> Outcome {
    let channel = ChannelLine::of(engine.channel(&request.caller, name).await?);
    let deliveries = engine.deliveries(&request.caller, name, None, LINES).await?;
    let given_up = deliveries.iter().filter(|row| row.delivery.status == DeliveryStatus::Failed).count();
    let deliveries = deliveries.into_iter().map(DeliveryLine::of).collect();
    let frame = Frame::of(request, format!("Channel {name}"), "channels");
    reply::html(200, &ChannelPage { frame, channel, deliveries, given_up })
}

/// Sends a delivery again.
///
/// # Errors
/// `NotFound`, `Conflict`, `Forbidden`.
pub(super) async fn redeliver(engine: &Arc<Engine>, request: &WebRequest, name: &str, id: &str) -> Outcome {
    engine.redeliver(&request.caller, name, id).await?;
    Ok(reply::see_other(&format!("/ui/channels/{name}")))
}

/// Sends all again that was given up.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub(super) async fn redeliver_failed(engine: &Arc<Engine>, request: &WebRequest, name: &str) -> Outcome {
    engine.redeliver_failed(&request.caller, name).await?;
    Ok(reply::see_other(&format!("/ui/channels/{name}")))
}

/// A state that was set by hand.
struct HeldLine {
    href: String,
    display: String,
    repository: String,
    state: StateBadge,
    author: String,
    reason: String,
    until: Option<When>,
}

/// A request for approval.
struct RequestLine {
    href: String,
    subject: String,
    policy: String,
    status: &'static str,
    asked: When,
    author: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "overrides.html")]
struct OverridesPage {
    frame: Frame,
    held: Vec<HeldLine>,
    requests: Vec<RequestLine>,
}

fn held(row: PackageRow) -> Option<HeldLine> {
    let word = row.package.held?;
    Some(HeldLine {
        href: format!("/ui/packages/{}", row.package.id.0),
        display: readable(&row.display),
        repository: row.repository_name,
        state: StateBadge(word.state),
        author: word.author,
        reason: word.reason,
        until: word.expires_at.map(When),
    })
}

fn asked(row: ApprovalRow) -> RequestLine {
    RequestLine {
        href: format!("/ui/packages/{}", row.approval.package.0),
        subject: readable(&row.subject),
        policy: row.approval.policy,
        status: row.approval.status.as_str(),
        asked: When(row.approval.requested_at),
        author: row.approval.author,
        reason: row.approval.reason,
    }
}

/// States set by hand, and requests for approval, of packages that the caller may read.
///
/// # Errors
/// From the store.
pub(super) async fn overrides(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let rows = engine.overrides(&request.caller, None, None, LINES).await?;
    let requests = engine.approvals(&request.caller, None, None, None, LINES).await?;
    let frame = Frame::of(request, "Set by hand", "overrides");
    let (held, requests) = (rows.into_iter().filter_map(held).collect(), requests.into_iter().map(asked).collect());
    reply::html(200, &OverridesPage { frame, held, requests })
}
