//! A channel: where messages about what happened go, which of them, and how often.

use crate::{event::Seq, finding::Severity, problem::Problem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Row identity of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelId(pub i64);

/// How a channel reaches people or programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// An HTTP endpoint that gets JSON.
    Webhook,
    /// Mail over SMTP.
    Email,
    /// An incoming webhook of Slack, or of what understands its blocks.
    Slack,
    /// A webhook of Microsoft Teams that takes adaptive cards.
    Teams,
}

impl ChannelKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Webhook, Self::Email, Self::Slack, Self::Teams];
    /// The word, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Teams => "teams",
        }
    }
    /// The kind of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }
    /// Whether the address itself lets whoever knows it send: it is kept as a secret then.
    pub fn has_secret_address(self) -> bool {
        matches!(self, Self::Slack | Self::Teams)
    }
}

/// Form of a webhook's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// CloudEvents 1.0, structured mode.
    #[default]
    CloudEvents,
    /// The message alone.
    Json,
}

/// How often messages go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pace {
    /// As soon as what belongs together is together: a few seconds.
    #[default]
    Immediate,
    /// Once an hour, on the hour.
    Hourly,
    /// Once a day.
    Daily,
    /// Every so many seconds, counted from midnight (UTC): `90s`, `15m`, `6h`.
    Every(u32),
}

impl Pace {
    /// The next moment after `now` at which a digest goes; `hour` (UTC) is that of daily ones. None for messages that go at
    /// once.
    pub fn next(self, now: Timestamp, hour: i8) -> Option<Timestamp> {
        let period = match self {
            Self::Immediate => return None,
            Self::Hourly => 3600,
            Self::Daily => DAY,
            Self::Every(seconds) => i64::from(seconds.max(1)),
        };
        let offset = if self == Self::Daily { i64::from(hour) * 3600 } else { 0 };
        let second = now.as_second();
        let midnight = second - second.rem_euclid(DAY);
        let begun = (second - midnight - offset).div_euclid(period);
        let next = midnight + offset + (begun + 1) * period;
        // a period that does not divide a day begins anew with each
        let next = if self == Self::Daily { next } else { next.min(midnight + DAY) };
        Timestamp::from_second(next).ok()
    }
}

/// Seconds of a day.
const DAY: i64 = 86_400;

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Immediate => f.write_str("immediate"),
            Self::Hourly => f.write_str("hourly"),
            Self::Daily => f.write_str("daily"),
            Self::Every(seconds) if seconds % 3600 == 0 => write!(f, "{}h", seconds / 3600),
            Self::Every(seconds) if seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            Self::Every(seconds) => write!(f, "{seconds}s"),
        }
    }
}

impl From<Pace> for String {
    fn from(pace: Pace) -> Self {
        pace.to_string()
    }
}

impl TryFrom<String> for Pace {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no pace; use immediate, hourly, daily, or a length from 5s to 24h (90s, 15m, 6h)");
        let unit = match text.as_str() {
            "immediate" => return Ok(Self::Immediate),
            "hourly" => return Ok(Self::Hourly),
            "daily" => return Ok(Self::Daily),
            other => other.chars().last().ok_or_else(wrong)?,
        };
        let unit =
            [('s', 1), ('m', 60), ('h', 3600)].into_iter().find(|(letter, _)| *letter == unit).ok_or_else(wrong)?;
        let digits = text.strip_suffix(unit.0).unwrap_or_default();
        let seconds = digits.parse::<u32>().ok().and_then(|n| n.checked_mul(unit.1));
        seconds.filter(|n| (5..=86_400).contains(n)).map(Self::Every).ok_or_else(wrong)
    }
}

/// Which events a channel is told. Empty parts do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelFilter {
    /// Kinds of event, with `*` (`decision.*`).
    pub events: Vec<String>,
    /// Names of repositories, with `*`. What belongs to no repository passes only where this is empty.
    pub repositories: Vec<String>,
    /// Ids of formats.
    pub formats: Vec<String>,
    /// What has a severity passes with at least this one.
    pub severity: Option<Severity>,
    /// Search that the package must fit.
    pub query: String,
}

/// Events that a channel is told where its filter names none.
pub const USUAL_EVENTS: &[&str] = &[
    "decision.quarantined",
    "decision.released",
    "decision.expired",
    "approval.requested",
    "waiver.ending",
    "waiver.expired",
    "package.override_ended",
    "feed.stale",
    "quota.warned",
    "upstream.changed-bytes",
];

/// What can be set of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelSettings {
    /// Where to: `https://...` for webhooks; `smtps://host:465`, `smtp://host:587` (STARTTLS) or `smtp+plain://host:25`
    /// for e-mail. For kinds whose address is a secret, only scheme and host.
    pub address: String,
    /// Form of a webhook's body.
    pub body: Body,
    /// Sender of mails.
    pub from: String,
    /// Recipients of mails.
    pub to: Vec<String>,
    /// Which events.
    pub filter: ChannelFilter,
    /// How often.
    pub pace: Pace,
    /// At which hour (UTC) a daily message goes.
    pub hour: i8,
    /// One message per event, rather than one for all of one cause.
    pub each: bool,
    /// Whether the address may lie in a private network.
    pub allow_private: bool,
    /// Certificates of authorities, in PEM, that are trusted beside those of the system.
    pub ca_certificates: String,
}

/// Why a channel is not told anything at the moment. What happens meanwhile is not lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub at: Timestamp,
    /// By whom; `system` after failures.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A channel as stored, without its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Identity.
    pub id: ChannelId,
    /// Name in URLs and policies, unique.
    pub name: String,
    /// How it reaches.
    pub kind: ChannelKind,
    /// What is set.
    pub settings: ChannelSettings,
    /// Whether it is paused.
    pub paused: Option<Pause>,
    /// The last event that was looked at for it.
    pub cursor: Seq,
    /// The first failure since the last success.
    pub failing_since: Option<Timestamp>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// Checks the name of a channel.
///
/// # Errors
/// `Invalid`, saying what a name may be.
pub fn check_name(name: &str) -> Result<(), Problem> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(fits) && !name.starts_with(['-', '.']) {
        return Ok(());
    }
    let message = "the name of a channel has 1 to 64 of a-z 0-9 . _ - and begins with a letter or digit";
    Err(Problem::invalid("bad-channel", message))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["security", "team-a", "a.b_c", "0"] {
            check_name(good).unwrap();
        }
        for bad in ["", "Team", "a b", "-a", "a/b", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_read_as_written() {
        assert!(ChannelKind::ALL.into_iter().all(|k| ChannelKind::parse(k.as_str()) == Some(k)));
        let settings: ChannelSettings =
            serde_json::from_str(r#"{"address":"https://hooks.example/","pace":"daily"}"#).unwrap();
        assert_eq!((settings.pace, settings.body), (Pace::Daily, Body::CloudEvents));
        for word in ["immediate", "hourly", "daily", "15m", "90s", "6h"] {
            assert_eq!(Pace::try_from(word.to_owned()).unwrap().to_string(), word);
        }
        for wrong in ["", "s", "1s", "25h", "weekly", "-5m", "99999999999s", "5 m"] {
            assert!(Pace::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn digests_go_at_round_times() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-03-10T14:07:31Z");
        let next = |pace: Pace, hour| pace.next(now, hour).map(|t| t.to_string()).unwrap_or_default();
        assert_eq!(next(Pace::Immediate, 0), "");
        assert_eq!(next(Pace::Hourly, 0), "2026-03-10T15:00:00Z");
        assert_eq!(next(Pace::Daily, 7), "2026-03-11T07:00:00Z");
        assert_eq!(next(Pace::Daily, 15), "2026-03-10T15:00:00Z");
        assert_eq!(next(Pace::Every(900), 0), "2026-03-10T14:15:00Z");
        assert_eq!(next(Pace::Every(7 * 3600), 0), "2026-03-10T21:00:00Z");
        let late = at("2026-03-10T23:59:59Z");
        assert_eq!(Pace::Every(7 * 3600).next(late, 0), Some(at("2026-03-11T00:00:00Z")));
        assert_eq!(Pace::Daily.next(at("2026-03-10T07:00:00Z"), 7), Some(at("2026-03-11T07:00:00Z")));
    }
}
