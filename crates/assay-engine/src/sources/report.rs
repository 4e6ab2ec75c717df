//! What an import did, in numbers.

use assay_model::seam::meta::Change;
use serde::Serialize;
use std::collections::BTreeMap;

/// What happened to the records of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceCounts {
    /// Not seen before.
    pub new: u64,
    /// New revisions.
    pub changed: u64,
    /// Taken back.
    pub withdrawn: u64,
    /// The same as before.
    pub unchanged: u64,
    /// Set aside.
    pub bad: u64,
}

impl SourceCounts {
    pub(super) fn count(&mut self, change: Change) {
        match change {
            Change::New => self.new += 1,
            Change::Changed => self.changed += 1,
            Change::Withdrawn => self.withdrawn += 1,
            Change::Unchanged => self.unchanged += 1,
        }
    }
    /// Records read.
    pub fn total(&self) -> u64 {
        self.new + self.changed + self.withdrawn + self.unchanged + self.bad
    }
    pub(super) fn news(&self) -> u64 {
        self.new + self.changed + self.withdrawn
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ImportReport {
    /// By source.
    pub sources: BTreeMap<String, SourceCounts>,
    /// Components that the changes touch, matched again.
    pub touched: u64,
    /// Files read.
    pub files: u64,
    /// The first bad records, as `name: reason`.
    pub set_aside: Vec<String>,
    /// What was not taken back because too much was missing, with the way out.
    pub held_back: Vec<String>,
}
