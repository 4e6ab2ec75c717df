//! A message: what changed, for whom, what to do; and its delivery to one channel. How a message looks on a channel is
//! the senders' business.

use crate::{channel::ChannelId, decision::Cited, finding::Severity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A package in a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessagePackage {
    /// Its number.
    pub id: i64,
    /// `repository/format/name@version`.
    pub subject: String,
    /// As people name it: the repository, what its format calls it, and its tags.
    #[serde(default)]
    pub name: String,
    /// Kind of what happened to it.
    pub event: String,
    /// State before, where that is known.
    pub from: String,
    /// State now, where that is known.
    pub to: String,
    /// The worst of its vulnerabilities.
    pub severity: Option<Severity>,
    /// Policies behind it.
    pub policies: Vec<String>,
    /// Their reasons.
    pub reasons: Vec<String>,
    /// Vulnerabilities behind it, worst first, with what fixes them.
    pub vulnerabilities: Vec<Cited>,
    /// What to do.
    pub advice: String,
    /// Its page.
    pub link: String,
}

/// Something in a message that is about no package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageNews {
    /// Kind of event.
    pub event: String,
    /// About what.
    pub subject: String,
    /// Who did it.
    pub actor: String,
    /// What happened, in a sentence.
    pub text: String,
    /// What to do.
    #[serde(default)]
    pub advice: String,
    /// Where to read more.
    #[serde(default)]
    pub link: String,
}

/// Who pulled the packages of a message lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// Days that are counted.
    pub days: u32,
    /// How often.
    pub pulls: u64,
    /// By whom, the most frequent first, at most twenty.
    pub callers: Vec<(String, u64)>,
    /// How many callers there are beside these.
    pub more_callers: usize,
}

/// A message as it was made; sent again in the same words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The delivery's id: the same at every attempt, so that receivers can tell a repetition.
    pub id: String,
    /// Name of the channel.
    pub channel: String,
    /// Name of the installation.
    pub workspace: String,
    /// When it was made.
    pub at: Timestamp,
    /// The kind of its events, or `summary` for several kinds.
    pub kind: String,
    /// What caused it, for people.
    pub trigger: String,
    /// One line.
    pub title: String,
    /// How many events there are, by kind.
    pub counts: BTreeMap<String, usize>,
    /// The most important packages, at most twenty.
    pub packages: Vec<MessagePackage>,
    /// How many packages there are beside these.
    pub more_packages: usize,
    /// What is about no package, at most twenty.
    pub news: Vec<MessageNews>,
    /// Who is affected.
    pub affected: Affected,
    /// Where to read more.
    pub link: String,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// More may belong to it.
    Gathering,
    /// To be sent when it is due.
    Waiting,
    /// Being sent.
    Sending,
    /// The receiver took it.
    Sent,
    /// Given up.
    Failed,
}

impl DeliveryStatus {
    /// The word, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gathering => "gathering",
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
    /// The status of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Gathering, Self::Waiting, Self::Sending, Self::Sent, Self::Failed]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// What the receiver answered, where it speaks HTTP or SMTP.
    pub code: Option<u16>,
    /// How long it took.
    pub milliseconds: u64,
    /// What went wrong, or what the receiver said.
    pub note: String,
}

/// A message to one channel and how that goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Identity.
    pub id: String,
    /// To which channel.
    pub channel: ChannelId,
    /// What its events have in common.
    pub topic: String,
    /// How far it is.
    pub status: DeliveryStatus,
    /// How many events it tells of.
    pub events: u64,
    /// How often it was tried since it was asked for last.
    pub attempts: u32,
    /// When it is sent, or tried again.
    pub due: Timestamp,
    /// The last attempts, oldest first.
    pub tries: Vec<Attempt>,
    /// The message, once it is made.
    pub message: Option<Message>,
    /// When its first event was seen.
    pub created_at: Timestamp,
    /// When it was taken.
    pub sent_at: Option<Timestamp>,
}
