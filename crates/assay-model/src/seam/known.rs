//! Ports of what sources say: advisories, severities, scores, and the state of feeds. Part of the metadata store like the
//! ports in [`super::meta`].

use super::matcher::StoredAdvisory;
use crate::{
    health::Ssvc,
    problem::Problem,
    score::{Epss, Kev, Scores, StatedSeverity},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

type R<T> = Result<T, Problem>;

/// What happened to a record at import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Not seen before.
    New,
    /// A new revision.
    Changed,
    /// A new revision that takes it back.
    Withdrawn,
    /// The same bytes as before.
    Unchanged,
}

/// An advisory to be kept, with what the matcher derived from it.
#[derive(Clone, Debug)]
pub struct NewAdvisory {
    /// The record with its source and revision digest.
    pub stored: StoredAdvisory,
    /// Its JSON as read.
    pub bytes: Vec<u8>,
    /// Where to file it; empty when withdrawn.
    pub keys: Vec<(String, String)>,
    /// What it states about severity; empty when withdrawn.
    pub stated: Vec<StatedSeverity>,
}

/// What happened to an advisory, and the keys its previous revision was filed under.
pub type Filed = (Change, Vec<(String, String)>);

/// Advisories: every revision is kept, the last one is filed.
pub trait Advisories {
    /// Revision digests of the current revisions of these ids of a source, to tell what changed.
    fn advisory_revisions(&mut self, source: &str, ids: &[String]) -> R<BTreeMap<String, String>>;
    /// Keeps new revisions and files them; gives, in order, what happened and the keys the previous revision was filed
    /// under.
    fn put_advisories(&mut self, advisories: &[NewAdvisory], at: Timestamp) -> R<Vec<Filed>>;
    /// Current advisories filed under any of these keys, by source and id.
    fn advisories_filed(&mut self, keys: &[(String, String)]) -> R<Vec<StoredAdvisory>>;
    /// Current advisories with these ids.
    fn advisories(&mut self, ids: &[String]) -> R<Vec<StoredAdvisory>>;
    /// Ids of the advisories of a source that are not withdrawn, in order, after this one.
    fn advisory_ids(&mut self, source: &str, after: &str, limit: usize) -> R<Vec<String>>;
    /// Number of current advisories by source.
    fn advisory_counts(&mut self) -> R<BTreeMap<String, i64>>;
}

/// What advisories say of each other and of severity, by vulnerability id.
pub trait Severities {
    /// Pairs of ids known to be the same that touch any of `ids`, directly or through others (bounded closure). Only
    /// from advisories that are not withdrawn; a single `upstream` counts as an alias, several do not.
    fn aliases_of(&mut self, ids: &[String]) -> R<Vec<(String, String)>>;
    /// Severities stated for any of these ids.
    fn stated_for(&mut self, ids: &[String]) -> R<Vec<StatedSeverity>>;
}

/// A table of what is known of CVEs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreTable {
    /// Exploit prediction.
    Epss,
    /// Known exploitation.
    Kev,
    /// Decision points.
    Ssvc,
}

/// EPSS, KEV and SSVC.
pub trait ScoreTables {
    /// Writes those scores that differ; gives what happened to each, in order. A changed date alone is no change.
    /// Replaced scores of what a finding has are remembered by their date.
    fn put_epss(&mut self, scores: &[Epss]) -> R<Vec<Change>>;
    /// Writes those entries that differ; gives what happened to each, in order. Replaced ones of what a finding has are
    /// remembered until `at`.
    fn put_kev(&mut self, entries: &[Kev], at: Timestamp) -> R<Vec<Change>>;
    /// Writes those decision points that differ; gives what happened to each, in order. A changed time alone is no change.
    fn put_ssvc(&mut self, points: &[(String, Ssvc)]) -> R<Vec<Change>>;
    /// CVEs that a table has, in order, after `after`.
    fn scored(&mut self, table: ScoreTable, after: &str, limit: usize) -> R<Vec<String>>;
    /// Removes what a table has of these CVEs, and remembers entries of KEV like [`ScoreTables::put_kev`].
    fn remove_scores(&mut self, table: ScoreTable, cves: &[String], at: Timestamp) -> R<()>;
    /// Scores of these CVEs.
    fn scores(&mut self, cves: &[String]) -> R<Scores>;
}

/// The last state of a feed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeedState {
    /// Source and part (`osv/PyPI`).
    pub feed: String,
    /// Where the next fetch goes on.
    pub cursor: String,
    /// Last success, also one that brought nothing new.
    pub synced_at: Option<Timestamp>,
    /// Last error, if the last attempt failed.
    pub error: Option<String>,
    /// Last attempt to fetch, whatever came of it.
    #[serde(default)]
    pub attempted_at: Option<Timestamp>,
    /// When it is fetched next; kept, so that a restart does not fetch all at once.
    #[serde(default)]
    pub next_at: Option<Timestamp>,
    /// Failures in a row.
    #[serde(default)]
    pub failures: u32,
    /// Whether it was last found to be stale.
    #[serde(default)]
    pub stale: bool,
}

/// A record that was set aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BadRecord {
    /// Which source.
    pub source: String,
    /// File name inside the feed.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Its first 64 KiB, lossy text.
    pub excerpt: String,
    /// When.
    pub at: Timestamp,
}

/// Feeds and what they could not give.
pub trait Feeds {
    /// State of every feed.
    fn feed_states(&mut self) -> R<Vec<FeedState>>;
    /// Keeps the state of one.
    fn put_feed_state(&mut self, state: &FeedState) -> R<()>;
    /// Keeps bad records (one per source and name; a later one replaces it).
    fn put_bad_records(&mut self, records: &[BadRecord]) -> R<()>;
    /// The newest ones.
    fn bad_records(&mut self, limit: usize) -> R<Vec<BadRecord>>;
    /// Counts an import and gives its number: the advisory snapshot that decisions name.
    fn next_import(&mut self) -> R<i64>;
    /// The number of the last import.
    fn last_import(&mut self) -> R<i64>;
}

/// What there is of each source.
pub trait SourceCounting {
    /// Records by source: advisories, scores, cards, names; counts them.
    fn source_counts(&mut self) -> R<BTreeMap<String, i64>>;
}
