//! A simulation as a picture: what is blocked now, what then, and how much goes from one to the other.

use super::compare::{self, Line};
use crate::web::{
    frame::Frame,
    pieces::{StateBadge, When, readable},
    policies::action,
    query::address,
};
use askama::Template;
use assay_engine::{Changed, Edit, SetLine, SimulationReport, Tally};

/// Height of the picture of all packages, and the least height of what is there at all.
const HEIGHT: f64 = 220.0;
const LEAST: f64 = 3.0;

#[derive(Template)]
#[template(path = "simulation.html")]
pub(in crate::web) struct SimulationPage {
    frame: Frame,
    author: String,
    at: When,
    alone: bool,
    within: Option<String>,
    set: Vec<SetRow>,
    kept: usize,
    notes: Vec<String>,
    totals: Tally,
    undecided: u64,
    flow: Flow,
    repositories: Vec<Bar>,
    reasons: Vec<ReasonBar>,
    callers: Vec<(String, u64)>,
    /// Newly blocked and released packages, each under a heading.
    lists: Vec<(String, Vec<Row>)>,
}

/// A policy that was tried.
pub(super) struct SetRow {
    pub(super) slug: String,
    pub(super) what: &'static str,
    pub(super) stored: bool,
    pub(super) actions: Vec<String>,
    pub(super) rego: Option<String>,
    /// Against the stored source, where that is another.
    pub(super) changes: Vec<Line>,
}

impl SetRow {
    pub(super) fn all(set: Vec<SetLine>) -> (Vec<Self>, usize) {
        let kept = set.iter().filter(|l| l.edit == Edit::Kept).count();
        let row = |line: SetLine| Self {
            what: match line.edit {
                Edit::Kept | Edit::Added => "new",
                Edit::Replaced => "replaces the stored one",
                Edit::Enabled => "as if enabled",
                Edit::Disabled => "as if disabled",
            },
            stored: line.edit != Edit::Added,
            actions: line.actions.iter().map(action).collect(),
            changes: line
                .before
                .iter()
                .zip(&line.rego)
                .flat_map(|(before, after)| compare::lines(before, after))
                .collect(),
            slug: line.slug,
            rego: line.rego,
        };
        (set.into_iter().filter(|l| l.edit != Edit::Kept).map(row).collect(), kept)
    }
}

/// Two columns of packages, now and then, with what flows between them. Heights in units of the picture.
struct Flow {
    /// Beginning and height on the left, beginning on the right: stays available, newly blocked, released, stays blocked.
    bands: Vec<Band>,
}

struct Band {
    class: &'static str,
    path: String,
}

impl Flow {
    /// Each band begins where the one above it ends; on the right, released packages are among the available ones.
    fn of(t: &Tally) -> Self {
        let stay = t.packages.saturating_sub(t.blocked_before + t.newly_blocked);
        let held = t.blocked_before.saturating_sub(t.released);
        let counts = [stay, t.newly_blocked, t.released, held];
        let shown = counts.iter().filter(|n| **n > 0).count() as f64;
        let room = HEIGHT - shown * LEAST;
        let height = |n: u64| if n == 0 { 0.0 } else { LEAST + room * n as f64 / t.packages.max(1) as f64 };
        let [a, n, r, h] = counts.map(height);
        let band = |class, left: f64, right: f64, height: f64| Band {
            class,
            path: format!(
                "M20 {left:.1}C150 {left:.1} 150 {right:.1} 280 {right:.1}V{:.1}C150 {:.1} 150 {:.1} 20 {:.1}Z",
                right + height,
                right + height,
                left + height,
                left + height
            ),
        };
        let all = [
            (a, band("flow-available", 0.0, 0.0, a)),
            (h, band("flow-blocked", a + n + r, a + r + n, h)),
            (r, band("flow-released", a + n, a, r)),
            (n, band("flow-newly", a, a + r, n)),
        ];
        Self { bands: all.into_iter().filter(|(height, _)| *height > 0.0).map(|(_, band)| band).collect() }
    }
}

/// One repository, in thousandths of its packages.
struct Bar {
    name: String,
    tally: Tally,
    parts: Vec<(&'static str, u64, u64)>,
}

impl Bar {
    fn of((name, tally): (String, Tally)) -> Self {
        let held = tally.blocked_before.saturating_sub(tally.released);
        let counts = [("flow-blocked", held), ("flow-newly", tally.newly_blocked), ("flow-released", tally.released)];
        let (mut parts, mut x) = (Vec::new(), 0);
        for (class, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            let width = (count * 1000 / tally.packages.max(1)).max(6);
            parts.push((class, x, width));
            x += width;
        }
        parts.push(("gauge-rest", x, 1000_u64.saturating_sub(x)));
        Self { name, tally, parts }
    }
}

struct ReasonBar {
    policy: String,
    reason: String,
    newly: u64,
    released: u64,
    newly_width: u64,
    released_width: u64,
}

struct Row {
    href: String,
    address: String,
    from: StateBadge,
    to: StateBadge,
    reasons: Vec<(String, String)>,
    pulls: u64,
    callers: String,
}

impl Row {
    fn of(one: Changed) -> Self {
        let callers: Vec<String> = one.callers.iter().map(|(who, n)| format!("{who} ({n})")).collect();
        Self {
            href: address("/ui/packages/find", &[("what", Some(&one.address()))]),
            address: readable(&one.address()),
            from: StateBadge(one.from),
            to: StateBadge(one.to),
            pulls: one.pulls,
            callers: callers.join(", "),
            reasons: one.reasons,
        }
    }
}

impl SimulationPage {
    pub(super) fn of(frame: Frame, report: SimulationReport, author: String) -> Self {
        let most = report.reasons.iter().map(|r| r.newly_blocked + r.released).max().unwrap_or(1).max(1);
        let width = |n: u64| if n == 0 { 0 } else { (n * 1000 / most).max(6) };
        let reason = |line: assay_engine::ReasonLine| ReasonBar {
            newly_width: width(line.newly_blocked),
            released_width: width(line.released),
            newly: line.newly_blocked,
            released: line.released,
            policy: line.policy,
            reason: line.reason,
        };
        let list = |heading: &str, all: u64, shown: Vec<Changed>| {
            let some =
                if all > shown.len() as u64 { format!(": the {} pulled most", shown.len()) } else { String::new() };
            (format!("{heading}{some}"), shown.into_iter().map(Row::of).collect::<Vec<_>>())
        };
        let mut lists = vec![
            list("Newly blocked", report.totals.newly_blocked, report.newly_blocked),
            list("Released", report.totals.released, report.released),
        ];
        lists.retain(|(_, rows)| !rows.is_empty());
        let (set, kept) = SetRow::all(report.set);
        Self {
            frame,
            author,
            at: When(report.at),
            alone: report.alone,
            within: within(report.repository, report.query),
            set,
            kept,
            notes: report.notes,
            flow: Flow::of(&report.totals),
            totals: report.totals,
            undecided: report.undecided,
            repositories: report.repositories.into_iter().map(Bar::of).collect(),
            reasons: report.reasons.into_iter().map(reason).collect(),
            callers: report.callers,
            lists,
        }
    }
}

/// Where it looked, if not everywhere.
pub(super) fn within(repository: Option<String>, query: Option<String>) -> Option<String> {
    match (repository, query) {
        (None, None) => None,
        (Some(name), None) => Some(format!("repository {name}")),
        (None, Some(query)) => Some(format!("what `{query}` finds")),
        (Some(name), Some(query)) => Some(format!("what `{query}` finds in repository {name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_there_is_drawn_and_nothing_else() {
        let tally = |packages, blocked_before, newly_blocked, released| Tally {
            packages,
            blocked_before,
            newly_blocked,
            released,
            ..Tally::default()
        };
        let classes = |t: &Tally| Flow::of(t).bands.iter().map(|b| b.class).collect::<Vec<_>>();
        assert_eq!(classes(&tally(100_000, 3, 1, 3)), ["flow-available", "flow-released", "flow-newly"]);
        assert_eq!(classes(&tally(0, 0, 0, 0)), [] as [&str; 0]);
        let bar = Bar::of(("main".into(), tally(100_000, 3, 1, 0)));
        assert_eq!(bar.parts, [("flow-blocked", 0, 6), ("flow-newly", 6, 6), ("gauge-rest", 12, 988)]);
    }
}
