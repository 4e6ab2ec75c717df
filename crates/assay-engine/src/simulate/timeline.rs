//! The past as a report: day by day what would have been blocked, beside what was.

use super::{
    draft::Knowledge,
    report::{CALLERS, LISTED},
    set::SetLine,
    tally::most,
};
use assay_model::package::PackageId;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The moments that are looked at: ends of days in UTC, and now.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    points: Vec<Timestamp>,
}

impl Grid {
    pub(super) fn new(now: Timestamp, days: u32, step: u32) -> Self {
        let midnight = now.to_zoned(TimeZone::UTC).date().to_zoned(TimeZone::UTC).map_or(now, |z| z.timestamp());
        let step = step.max(1);
        let mut points: Vec<Timestamp> = (0..days.div_ceil(step))
            .filter_map(|n| midnight.checked_sub(SignedDuration::from_hours(24 * i64::from(step * n))).ok())
            .filter(|at| *at < now)
            .collect();
        points.reverse();
        points.push(now);
        Self { points }
    }
    pub(super) fn len(&self) -> usize {
        self.points.len()
    }
    pub(super) fn at(&self, index: usize) -> Timestamp {
        self.points.get(index).or(self.points.last()).copied().unwrap_or_default()
    }
    /// The first look at or after a moment; nothing where that is to come.
    pub(super) fn index(&self, moment: Timestamp) -> Option<usize> {
        let index = self.points.partition_point(|at| *at < moment);
        (index < self.points.len()).then_some(index)
    }
    pub(super) fn first(&self) -> Timestamp {
        self.at(0)
    }
}

/// One day, or as many as lie between two looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Day {
    /// Its date, or the last of them; `YYYY-MM-DD` in UTC.
    pub date: String,
    /// Packages that were stored at its end.
    pub stored: u64,
    /// Of these, blocked by the set that is tried.
    pub blocked: u64,
    /// Of these, blocked by what was in force then.
    pub live: u64,
    /// Blocked by the set and not the look before.
    pub newly_blocked: u64,
    /// Blocked by the set the look before and no more.
    pub released: u64,
    /// Pulls on these days of what the set would have blocked.
    pub refused_pulls: u64,
}

/// A package that would have been blocked at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// Which.
    pub id: PackageId,
    /// `main/pypi/requests@2.6.0`.
    pub address: String,
    /// When the set would first have blocked it.
    pub blocked_at: Timestamp,
    /// Whether that is when it arrived, or the first look.
    pub from_the_start: bool,
    /// When it would have been released for good.
    pub released_at: Option<Timestamp>,
    /// When it was first blocked in fact.
    pub live_at: Option<Timestamp>,
    /// Policies with their reasons.
    pub reasons: Vec<(String, String)>,
    /// Findings that it had when it was blocked and that were taken back by the end.
    pub gone: Vec<String>,
    /// Pulls that would have been refused.
    pub pulls: u64,
    /// Who pulled, the most first.
    pub callers: Vec<(String, u64)>,
}

impl Crossing {
    /// Days by which the set would have been earlier than what was in force.
    pub fn lead(&self) -> Option<f64> {
        let live = self.live_at?;
        Some((live.as_second() - self.blocked_at.as_second()) as f64 / 86_400.0)
    }
}

/// How the past would have gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BacktestReport {
    /// Under which it is kept for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The end: now.
    pub at: Timestamp,
    /// The first look.
    pub from: Timestamp,
    /// Milliseconds that it took.
    pub took: u64,
    /// Days between two looks.
    pub step: u32,
    /// Whose knowledge counted.
    pub knowledge: Knowledge,
    /// Whether packages counted as stored since their publication.
    pub as_if_stored: bool,
    /// Since when this server remembers what facts were.
    pub remembers_since: Option<Timestamp>,
    /// Whether stored policies were left out.
    pub alone: bool,
    /// Only of this repository.
    pub repository: Option<String>,
    /// Only what this search finds.
    pub query: Option<String>,
    /// The policies.
    pub set: Vec<SetLine>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// Packages that were replayed.
    pub packages: u64,
    /// Packages that are not decided yet, and were left out.
    pub undecided: u64,
    /// Blocked at some time.
    pub ever_blocked: u64,
    /// Of these, when they arrived, or at the first look.
    pub from_the_start: u64,
    /// Blocked at the end.
    pub blocked: u64,
    /// Blocked in fact as well, and later than the set would have: packages, and the days between them.
    pub earlier: u64,
    /// Median of these days.
    pub median_lead: Option<f64>,
    /// Most of these days.
    pub longest_lead: Option<f64>,
    /// Never blocked in fact.
    pub never_live: u64,
    /// Blocked at some time for findings that were taken back, and released.
    pub taken_back: u64,
    /// Pulls that would have been refused.
    pub refused_pulls: u64,
    /// Who pulled most of it.
    pub callers: Vec<(String, u64)>,
    /// Packages that each policy would have blocked.
    pub policies: BTreeMap<String, u64>,
    /// Day by day.
    pub days: Vec<Day>,
    /// Packages that would have been blocked, the most pulled first; at most 200.
    pub crossings: Vec<Crossing>,
    /// Of those that were blocked for what was taken back; at most 200.
    pub wrongly: Vec<Crossing>,
}

/// One replayed package.
pub(super) struct Replayed {
    /// The look at which it is there first.
    pub(super) arrival: usize,
    /// Whether it is blocked, at each look from `arrival` on.
    pub(super) blocked: Vec<bool>,
    /// Whether it was in fact.
    pub(super) live: Vec<bool>,
    /// Pulls by look and caller.
    pub(super) pulls: Vec<(usize, String, u64)>,
    /// Where it was blocked at some time.
    pub(super) crossing: Option<Crossing>,
}

/// Sums over packages.
pub(super) struct Timeline {
    pub(super) days: Vec<Day>,
    pub(super) packages: u64,
    pub(super) undecided: u64,
    pub(super) from_the_start: u64,
    pub(super) ever_blocked: u64,
    pub(super) never_live: u64,
    pub(super) taken_back: u64,
    pub(super) policies: BTreeMap<String, u64>,
    leads: Vec<f64>,
    callers: BTreeMap<String, u64>,
    crossings: Vec<Crossing>,
    wrongly: Vec<Crossing>,
}

impl Timeline {
    pub(super) fn new(grid: &Grid) -> Self {
        let day = |index: usize| {
            // the end of a day is the midnight that follows it
            let within = grid.at(index).checked_sub(SignedDuration::from_nanos(1)).unwrap_or_default();
            Day { date: within.to_zoned(TimeZone::UTC).date().to_string(), ..Day::default() }
        };
        Self {
            days: (0..grid.len()).map(day).collect(),
            packages: 0,
            undecided: 0,
            from_the_start: 0,
            ever_blocked: 0,
            never_live: 0,
            taken_back: 0,
            policies: BTreeMap::new(),
            leads: Vec::new(),
            callers: BTreeMap::new(),
            crossings: Vec::new(),
            wrongly: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, one: Replayed) {
        self.packages += 1;
        let mut before = false;
        for (at, day) in self.days.iter_mut().enumerate().skip(one.arrival) {
            let index = at - one.arrival;
            let now = one.blocked.get(index).copied().unwrap_or(before);
            day.stored += 1;
            day.blocked += u64::from(now);
            day.live += u64::from(one.live.get(index).copied().unwrap_or(false));
            day.newly_blocked += u64::from(now && !before);
            day.released += u64::from(!now && before);
            before = now;
        }
        for (at, who, count) in &one.pulls {
            if let Some(day) = self.days.get_mut(*at) {
                day.refused_pulls += count;
            }
            *self.callers.entry(who.clone()).or_default() += count;
        }
        if let Some(crossing) = one.crossing {
            self.cross(crossing);
        }
    }

    fn cross(&mut self, crossing: Crossing) {
        self.ever_blocked += 1;
        self.from_the_start += u64::from(crossing.from_the_start);
        match crossing.lead() {
            None => self.never_live += 1,
            Some(lead) if lead > 0.0 => self.leads.push(lead),
            Some(_) => {}
        }
        let policies: std::collections::BTreeSet<&String> = crossing.reasons.iter().map(|(policy, _)| policy).collect();
        for policy in policies {
            *self.policies.entry(policy.clone()).or_default() += 1;
        }
        if crossing.released_at.is_some() && !crossing.gone.is_empty() {
            self.taken_back += 1;
            keep(&mut self.wrongly, crossing.clone());
        }
        keep(&mut self.crossings, crossing);
    }

    /// Puts the sums into a report.
    pub(super) fn fill(mut self, report: &mut BacktestReport) {
        self.leads.sort_by(f64::total_cmp);
        report.median_lead = self.leads.get(self.leads.len() / 2).copied();
        report.longest_lead = self.leads.last().copied();
        report.earlier = self.leads.len() as u64;
        report.packages = self.packages;
        report.undecided = self.undecided;
        report.ever_blocked = self.ever_blocked;
        report.from_the_start = self.from_the_start;
        report.never_live = self.never_live;
        report.taken_back = self.taken_back;
        report.blocked = self.days.last().map_or(0, |day| day.blocked);
        report.refused_pulls = self.days.iter().map(|day| day.refused_pulls).sum();
        report.callers = most(self.callers.into_iter().collect());
        report.callers.truncate(CALLERS);
        report.policies = self.policies;
        report.days = self.days;
        sort(&mut self.crossings);
        sort(&mut self.wrongly);
        (report.crossings, report.wrongly) = (self.crossings, self.wrongly);
    }
}

fn keep(list: &mut Vec<Crossing>, crossing: Crossing) {
    list.push(crossing);
    if list.len() >= 4 * LISTED {
        sort(list);
    }
}

fn sort(list: &mut Vec<Crossing>) {
    list.sort_by_key(|c| (std::cmp::Reverse(c.pulls), c.blocked_at, c.id));
    list.truncate(LISTED);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn days_end_at_midnight_and_the_last_one_is_not_over() {
        let grid = Grid::new("2026-03-03T15:00:00Z".parse().unwrap(), 3, 1);
        let timeline = Timeline::new(&grid);
        let dates: Vec<&str> = timeline.days.iter().map(|d| d.date.as_str()).collect();
        assert_eq!(dates, ["2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03"]);
        assert_eq!(grid.index("2026-03-02T12:00:00Z".parse().unwrap()), Some(2));
        assert_eq!(grid.index("2026-03-03T00:00:00Z".parse().unwrap()), Some(2));
        assert_eq!(grid.index("2026-03-03T16:00:00Z".parse().unwrap()), None, "to come");
        assert_eq!(Grid::new("2026-03-03T15:00:00Z".parse().unwrap(), 90, 7).len(), 14);
    }

    #[test]
    fn a_package_counts_from_its_arrival() {
        let grid = Grid::new("2026-03-03T15:00:00Z".parse().unwrap(), 3, 1);
        let mut timeline = Timeline::new(&grid);
        let (blocked, live) = (vec![false, true, false], vec![false, false, true]);
        timeline.add(Replayed { arrival: 1, blocked, live, pulls: vec![(2, "ci".into(), 4)], crossing: None });
        let days: Vec<_> =
            timeline.days.iter().map(|d| (d.stored, d.blocked, d.live, d.newly_blocked, d.released)).collect();
        assert_eq!(days, [(0, 0, 0, 0, 0), (1, 0, 0, 0, 0), (1, 1, 0, 1, 0), (1, 0, 1, 0, 1)]);
        assert_eq!(timeline.days[2].refused_pulls, 4);
    }
}
