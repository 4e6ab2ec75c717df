//! A backtest as a picture: blocked packages by day, with the policies that were tried and in fact.

use super::picture::{SetRow, within};
use crate::web::{
    frame::Frame,
    pieces::{When, readable},
    query::address,
};
use askama::Template;
use assay_engine::{BacktestReport, Crossing, Day, Knowledge};

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 200.0;

#[derive(Template)]
#[template(path = "backtest.html")]
pub(in crate::web) struct PastPage {
    frame: Frame,
    author: String,
    at: When,
    from: When,
    alone: bool,
    within: Option<String>,
    set: Vec<SetRow>,
    kept: usize,
    notes: Vec<String>,
    server: bool,
    as_if_stored: bool,
    packages: u64,
    ever_blocked: u64,
    from_the_start: u64,
    blocked: u64,
    earlier: u64,
    median: String,
    longest: String,
    never_live: u64,
    taken_back: u64,
    refused_pulls: u64,
    callers: Vec<(String, u64)>,
    chart: Chart,
    days: Vec<Day>,
    /// Packages, each list under a heading.
    lists: Vec<(&'static str, Vec<Row>)>,
}

/// An area for what was tried and a line for what was in force, on one scale; pulls that would have been refused below.
struct Chart {
    area: String,
    line: String,
    most: u64,
    first: String,
    last: String,
    pulls: Vec<(String, String, String)>,
    most_pulls: u64,
}

impl Chart {
    fn of(days: &[Day]) -> Self {
        let most = days.iter().map(|d| d.blocked.max(d.live)).max().unwrap_or(0);
        let most_pulls = days.iter().map(|d| d.refused_pulls).max().unwrap_or(0);
        let step = WIDTH / days.len().max(1) as f64;
        let y = |n: u64| HEIGHT - HEIGHT * n as f64 / most.max(1) as f64;
        // steps: a day has one value
        let steps = |value: fn(&Day) -> u64| -> String {
            days.iter().enumerate().fold(String::new(), |path, (at, day)| {
                let x = at as f64 * step;
                let start = if at == 0 { "M" } else { "L" };
                format!("{path}{start}{x:.1} {:.1}H{:.1}", y(value(day)), x + step)
            })
        };
        let area = format!("{}V{HEIGHT}H0Z", steps(|d| d.blocked));
        let pull = |(at, day): (usize, &Day)| {
            let height = 60.0 * day.refused_pulls as f64 / most_pulls.max(1) as f64;
            let x = at as f64 * step;
            (format!("{x:.1}"), format!("{:.1}", 60.0 - height), format!("{height:.1}"))
        };
        Self {
            area: if days.is_empty() { String::new() } else { area },
            line: steps(|d| d.live),
            most,
            first: days.first().map(|d| d.date.clone()).unwrap_or_default(),
            last: days.last().map(|d| d.date.clone()).unwrap_or_default(),
            pulls: days.iter().enumerate().filter(|(_, d)| d.refused_pulls > 0).map(pull).collect(),
            most_pulls,
        }
    }
    fn bar(&self, days: &[Day]) -> String {
        format!("{:.1}", (WIDTH / days.len().max(1) as f64 - 1.0).max(1.0))
    }
}

struct Row {
    href: String,
    address: String,
    blocked: When,
    from_the_start: bool,
    released: Option<When>,
    live: Option<When>,
    reasons: Vec<(String, String)>,
    gone: String,
    pulls: u64,
}

impl Row {
    fn of(one: Crossing) -> Self {
        Self {
            href: address("/ui/packages/find", &[("what", Some(&one.address))]),
            address: readable(&one.address),
            blocked: When(one.blocked_at),
            from_the_start: one.from_the_start,
            released: one.released_at.map(When),
            live: one.live_at.map(When),
            reasons: one.reasons,
            gone: one.gone.join(", "),
            pulls: one.pulls,
        }
    }
}

impl PastPage {
    pub(super) fn of(frame: Frame, report: BacktestReport, author: String) -> Self {
        let days = |lead: Option<f64>| lead.map(|n| format!("{n:.1}")).unwrap_or_default();
        let rows = |all: Vec<Crossing>| all.into_iter().map(Row::of).collect::<Vec<_>>();
        let mut lists = vec![
            ("Would have been blocked", rows(report.crossings)),
            ("Blocked for what was taken back", rows(report.wrongly)),
        ];
        lists.retain(|(_, rows)| !rows.is_empty());
        let (set, kept) = SetRow::all(report.set);
        Self {
            frame,
            author,
            at: When(report.at),
            from: When(report.from),
            alone: report.alone,
            within: within(report.repository, report.query),
            set,
            kept,
            notes: report.notes,
            server: report.knowledge == Knowledge::Server,
            as_if_stored: report.as_if_stored,
            packages: report.packages,
            ever_blocked: report.ever_blocked,
            from_the_start: report.from_the_start,
            blocked: report.blocked,
            earlier: report.earlier,
            median: days(report.median_lead),
            longest: days(report.longest_lead),
            never_live: report.never_live,
            taken_back: report.taken_back,
            refused_pulls: report.refused_pulls,
            callers: report.callers,
            chart: Chart::of(&report.days),
            days: report.days,
            lists,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_steps_on_one_scale() {
        let day = |blocked, live, refused_pulls| Day { blocked, live, refused_pulls, ..Day::default() };
        let chart = Chart::of(&[day(0, 0, 0), day(4, 1, 7)]);
        assert_eq!(chart.area, "M0.0 200.0H450.0L450.0 0.0H900.0V200H0Z");
        assert_eq!(chart.line, "M0.0 200.0H450.0L450.0 150.0H900.0");
        assert_eq!(chart.pulls, [("450.0".to_owned(), "0.0".to_owned(), "60.0".to_owned())]);
    }
}
