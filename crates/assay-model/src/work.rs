//! Jobs: rows written in the same transaction as the fact that causes them. A job says *that* something is to be looked
//! at, never *why*; the cause is kept for the log only.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Lanes have their own workers, so that a full one never delays another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// A client waits for it.
    Interactive,
    /// Inventory of what arrived.
    Scan,
    /// The world changed.
    Change,
    /// Everything that can wait.
    Backfill,
}

impl Lane {
    /// All lanes.
    pub const ALL: [Self; 4] = [Self::Interactive, Self::Scan, Self::Change, Self::Backfill];
    /// Lower-case name, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Scan => "scan",
            Self::Change => "change",
            Self::Backfill => "backfill",
        }
    }
    /// The lane of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.as_str() == text)
    }
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Make the inventories a package lacks, match them, decide. Key: package id.
    Analyze,
    /// Match the findings of a component anew. Key: component id.
    Match,
    /// Decide a package. Key: package id.
    Decide,
    /// Copy or move a package where rules of its repository say so. Key: package id.
    Promote,
    /// Give notice that a waiver ends, or end it. Key: number of the waiver.
    Waiver,
    /// Ask which inventories a newer scanner would make otherwise. Key: number of the scanner.
    Survey,
    /// Make an inventory again. Key: number of the inventory.
    Renew,
}

impl Stage {
    /// Lower-case name, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analyze => "analyze",
            Self::Match => "match",
            Self::Decide => "decide",
            Self::Promote => "promote",
            Self::Waiver => "waiver",
            Self::Survey => "survey",
            Self::Renew => "renew",
        }
    }
    /// The stage of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Analyze, Self::Match, Self::Decide, Self::Promote, Self::Waiver, Self::Survey, Self::Renew]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// When a job is to be done. Waits go by when they began as well as by when they end, so that a clock that is set back
/// makes none longer; appointments go by the clock alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    at: Timestamp,
    asked: Option<Timestamp>,
}

impl Due {
    /// As soon as somebody can. `now` is for the order.
    pub fn at_once(now: Timestamp) -> Self {
        Self { at: now, asked: Some(now) }
    }
    /// When so much time has passed.
    pub fn after(now: Timestamp, wait: SignedDuration) -> Self {
        Self { at: now.checked_add(wait).unwrap_or(Timestamp::MAX), asked: Some(now) }
    }
    /// At a moment that people or policies named.
    pub fn appointed(at: Timestamp) -> Self {
        Self { at, asked: None }
    }
    /// The moment.
    pub fn at(self) -> Timestamp {
        self.at
    }
    /// When the wait for it began; nothing for appointments.
    pub fn asked(self) -> Option<Timestamp> {
        self.asked
    }
}

/// A job to be written. One that is waiting for the same stage and key already absorbs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Whose workers take it.
    pub lane: Lane,
    /// What to do.
    pub stage: Stage,
    /// To what.
    pub key: i64,
    /// Why, for people.
    pub cause: String,
    /// Not before.
    pub due: Due,
}

/// A job as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Identity.
    pub id: i64,
    /// Whose workers take it.
    pub lane: Lane,
    /// What to do.
    pub stage: Stage,
    /// To what.
    pub key: i64,
    /// Why.
    pub cause: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The last error.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
}
