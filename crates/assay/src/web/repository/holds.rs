//! What a repository holds: its quotas as pictures, and its trash.

use crate::web::pieces::{When, readable, size};
use assay_engine::{Holding, TrashRow};
use assay_model::repository::Settings;

/// How full one quota is: a bar in thousandths of its width, and the same in words.
pub(in crate::web) struct Gauge {
    /// For ids.
    pub(in crate::web) what: &'static str,
    pub(in crate::web) has: String,
    pub(in crate::web) may: String,
    pub(in crate::web) percent: u64,
    pub(in crate::web) width: u64,
    /// `fine`, `near` or `full`: the colour.
    pub(in crate::web) level: &'static str,
    /// Where warnings begin, in thousandths.
    pub(in crate::web) marks: Vec<u64>,
}

impl Gauge {
    fn of(what: &'static str, has: u64, may: u64, warn: &[u8], shown: impl Fn(u64) -> String) -> Option<Self> {
        if may == 0 {
            return None;
        }
        let of = |whole: u128| u64::try_from(u128::from(has) * whole / u128::from(may)).unwrap_or(u64::MAX);
        let percent = of(100);
        let near = warn.iter().min().is_some_and(|lowest| percent >= u64::from(*lowest));
        Some(Self {
            what,
            has: shown(has),
            may: shown(may),
            percent,
            width: of(1000).min(1000),
            level: if has >= may {
                "full"
            } else if near {
                "near"
            } else {
                "fine"
            },
            marks: warn.iter().map(|percent| u64::from(*percent) * 10).collect(),
        })
    }

    /// One for each quota that is set.
    pub(in crate::web) fn all(holding: &Holding, settings: &Settings) -> Vec<Self> {
        let (usage, warn) = (holding.usage, settings.quota_warn_percent.as_slice());
        let bytes = Self::of("bytes", usage.bytes, settings.quota_bytes, warn, size);
        let packages = Self::of("packages", usage.packages, settings.quota_packages, warn, |n| n.to_string());
        bytes.into_iter().chain(packages).collect()
    }

    /// Whether someone should look at it.
    pub(in crate::web) fn is_near(&self) -> bool {
        self.level != "fine"
    }
}

/// What it holds.
pub(super) struct Holds {
    pub(super) bytes: String,
    pub(super) packages: u64,
    pub(super) gauges: Vec<Gauge>,
}

impl Holds {
    pub(super) fn of(holding: &Holding, settings: &Settings) -> Self {
        Self {
            bytes: size(holding.usage.bytes),
            packages: holding.usage.packages,
            gauges: Gauge::all(holding, settings),
        }
    }
}

/// The trash.
pub(super) struct TrashView {
    pub(super) bytes: String,
    pub(super) packages: u64,
    pub(super) shown: Vec<TrashLine>,
    pub(super) more: bool,
}

/// One deleted package.
pub(super) struct TrashLine {
    pub(super) id: i64,
    pub(super) display: String,
    pub(super) format: String,
    pub(super) deleted: When,
    pub(super) by: String,
    pub(super) cause: String,
    pub(super) until: When,
    pub(super) size: String,
}

impl TrashView {
    /// One row more than `most` means that there is more.
    pub(super) fn of(rows: Vec<TrashRow>, holding: &Holding, most: usize) -> Self {
        let more = rows.len() > most;
        let line = |row: TrashRow| TrashLine {
            id: row.trashed.package.id.0,
            display: readable(&row.display),
            format: row.trashed.package.at.format,
            deleted: When(row.trashed.deleted_at),
            by: row.trashed.deleted_by,
            cause: row.trashed.cause,
            until: When(row.trashed.purge_at),
            size: size(row.trashed.bytes),
        };
        Self {
            bytes: size(holding.trash.bytes),
            packages: holding.trash.packages,
            shown: rows.into_iter().take(most).map(line).collect(),
            more,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_warns_before_it_is_full() {
        let level = |has, may| Gauge::of("bytes", has, may, &[80, 95], size).map(|g| (g.level, g.percent, g.width));
        assert_eq!(level(5, 0), None, "no quota");
        assert_eq!(level(799, 1000), Some(("fine", 79, 799)));
        assert_eq!(level(800, 1000), Some(("near", 80, 800)));
        assert_eq!(level(1000, 1000), Some(("full", 100, 1000)));
        assert_eq!(level(3000, 1000), Some(("full", 300, 1000)), "the quota was made smaller");
        let silent = Gauge::of("bytes", 990, 1000, &[], size).unwrap();
        assert!(!silent.is_near() && silent.marks.is_empty(), "warnings are off");
        assert_eq!(Gauge::of("bytes", u64::MAX, u64::MAX, &[80], size).unwrap().width, 1000);
    }
}
