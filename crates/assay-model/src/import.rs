//! An import: what a repository takes over from another registry, name by name, with what came of each. How a registry is
//! asked is in `seam/upstream.rs`; the engine does the work.

use crate::{repository::RepositoryId, upstream::UpstreamSettings};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Row identity of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImportId(pub i64);

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// The source is asked which names it has.
    Listing,
    /// Its names are taken over.
    Running,
    /// Somebody ended it; it can go on.
    Cancelled,
    /// It cannot go on by itself, see the reason.
    Stopped,
    /// Every name was looked at.
    Done,
}

impl Progress {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Running => "running",
            Self::Cancelled => "cancelled",
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }
    /// Reads what [`Progress::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Listing, Self::Running, Self::Cancelled, Self::Stopped, Self::Done]
            .into_iter()
            .find(|one| one.as_str() == text)
    }
    /// Whether some server works on it.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Listing | Self::Running)
    }
}

/// What is taken from where. Secrets are apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportPlan {
    /// Address, time-outs, certificates, patterns of names: as of an upstream.
    pub settings: UpstreamSettings,
    /// The upstream that packages count as cached from; none where they count as published here.
    pub as_cache: Option<String>,
    /// Whether only what would be taken is counted.
    pub dry_run: bool,
    /// Digest over the names that were given; none where the source lists its own.
    pub given: Option<String>,
}

/// An import as stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Import {
    /// Identity.
    pub id: ImportId,
    /// Where it goes.
    #[serde(rename = "repository_id")]
    pub repository: RepositoryId,
    /// Id of the format that the source speaks.
    pub format: String,
    /// What is taken from where.
    #[serde(flatten)]
    pub plan: ImportPlan,
    /// How far it is.
    pub progress: Progress,
    /// Why it is not going on; empty where it is.
    pub reason: String,
    /// Who started it.
    pub started_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was started, ended or went on last.
    pub changed_at: Timestamp,
}

/// An import about to be started.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// Where it goes.
    pub repository: RepositoryId,
    /// Id of the format.
    pub format: String,
    /// What is taken from where.
    pub plan: ImportPlan,
    /// Sealed credentials.
    pub secrets: Vec<u8>,
    /// Who starts it.
    pub started_by: String,
    /// When.
    pub at: Timestamp,
}

/// Something that was not taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Version or mutable name; empty where the whole name is meant.
    pub version: String,
    /// Why.
    pub reason: String,
}

/// What came of names: versions and files each counted once, as taken, as here already, or as failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportTally {
    /// Versions taken over.
    pub versions: u64,
    /// Versions that were here already with the same bytes.
    pub versions_here: u64,
    /// Versions, mutable names and whole names that could not be taken.
    pub failed: u64,
    /// Files taken over.
    pub files: u64,
    /// Files that were here already with the same bytes.
    pub files_here: u64,
    /// Mutable names set.
    pub references: u64,
    /// Bytes of the files taken over.
    pub bytes: u64,
}

impl ImportTally {
    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.versions += other.versions;
        self.versions_here += other.versions_here;
        self.failed += other.failed;
        self.files += other.files;
        self.files_here += other.files_here;
        self.references += other.references;
        self.bytes += other.bytes;
    }
}

/// How far an import is, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportCounts {
    /// Names to look at.
    pub names: u64,
    /// Names that were looked at.
    pub names_done: u64,
    /// What came of them.
    #[serde(flatten)]
    pub tally: ImportTally,
}

/// What came of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameOutcome {
    /// In numbers.
    pub tally: ImportTally,
    /// What was not taken, the first [`FAILURES`] of it.
    pub failures: Vec<Failure>,
}

/// Failures that are told of one name; the others are counted.
pub const FAILURES: usize = 200;

impl NameOutcome {
    /// Notes something that was not taken.
    pub fn fail(&mut self, version: &str, reason: impl Into<String>) {
        self.tally.failed += 1;
        if self.failures.len() < FAILURES {
            self.failures.push(Failure { version: version.to_owned(), reason: reason.into() });
        }
    }
    /// Adds another.
    pub fn add(&mut self, other: Self) {
        self.tally.add(&other.tally);
        let room = FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(other.failures.into_iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_as_it_is_written() {
        for one in [Progress::Listing, Progress::Running, Progress::Cancelled, Progress::Stopped, Progress::Done] {
            assert_eq!(Progress::parse(one.as_str()), Some(one));
        }
        assert_eq!(Progress::parse("other"), None);
    }

    #[test]
    fn failures_are_counted_beyond_those_that_are_told() {
        let mut outcome = NameOutcome::default();
        (0..FAILURES + 5).for_each(|n| outcome.fail(&n.to_string(), "no"));
        let mut sum = outcome.clone();
        sum.add(outcome);
        assert_eq!((sum.tally.failed, sum.failures.len()), (2 * (FAILURES as u64 + 5), FAILURES));
    }
}
