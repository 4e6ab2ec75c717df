//! What happened around a package: downloads by day, mutable names, promotions; and the commands that change it.

use super::Cut;
use crate::web::{
    pieces::{When, readable},
    query::address,
};
use assay_engine::{Explanation, PackageDetail};
use assay_model::{
    access::{Caller, Permission},
    event::Event,
    package::{PackageId, Reference, State},
    repository::Repository,
};
use jiff::{ToSpan, civil::Date};
use serde_json::Value;

/// Days of the chart.
const DAYS: i64 = 30;
/// Callers that are named.
const CALLERS: usize = 20;
/// Mutable names that are listed.
const NAMES: usize = 100;
/// Targets of a promotion for which a command is shown.
const TARGETS: usize = 5;
/// Height of the chart; a day is ten wide.
const HEIGHT: u64 = 100;

/// What the engine says around a package.
pub(in crate::web) struct Around {
    /// All mutable names of the package's name.
    pub(in crate::web) names: Vec<Reference>,
    /// Whether the caller may change the package.
    pub(in crate::web) may_write: bool,
    /// Other repositories that the caller may publish to.
    pub(in crate::web) targets: Vec<String>,
    /// The last day of the chart, UTC.
    pub(in crate::web) today: Date,
    /// Why it is in its state, and what is different since a day ago.
    pub(in crate::web) why: Option<Explanation>,
}

/// Where a caller could promote something of `from` to.
pub(super) fn targets(caller: &Caller, readable: &[Repository], from: &Repository) -> Vec<String> {
    let may = |r: &&Repository| caller.permission_in(r) >= Some(Permission::Write);
    let others = readable.iter().filter(|r| r.id != from.id && r.settings.members.is_empty());
    others.filter(may).map(|r| r.name.clone()).collect()
}

/// Downloads by day as bars; the same numbers stand in a table.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) bars: Vec<Bar>,
    /// Days with downloads, newest first.
    pub(super) days: Vec<(Date, u64)>,
    pub(super) callers: Vec<(String, u64)>,
    /// Callers that are not named.
    pub(super) others: usize,
}

/// One day.
pub(super) struct Bar {
    pub(super) x: i64,
    pub(super) y: u64,
    pub(super) height: u64,
    pub(super) some: bool,
}

impl Chart {
    /// Nothing for a package that nobody downloaded in these days.
    pub(super) fn of(detail: &PackageDetail, today: Date) -> Option<Self> {
        let first = today.saturating_sub((DAYS - 1).days());
        let days: Vec<(Date, u64)> = detail.pulls.days.range(first..=today).map(|(d, n)| (*d, *n)).collect();
        let (most_on, most) = days.iter().max_by_key(|(_, n)| *n).copied().filter(|(_, n)| *n > 0)?;
        let total: u64 = days.iter().map(|(_, n)| n).sum();
        let bar = |at: i64| {
            let day = first.saturating_add(at.days());
            let count = detail.pulls.days.get(&day).copied().unwrap_or_default();
            let height = (u128::from(count) * u128::from(HEIGHT)).div_ceil(u128::from(most));
            let height = u64::try_from(height).unwrap_or(HEIGHT).clamp(1, HEIGHT);
            Bar { x: at * 10, y: HEIGHT - height, height, some: count > 0 }
        };
        let mut callers: Vec<(String, u64)> = detail.pulls.callers.iter().map(|(who, n)| (readable(who), *n)).collect();
        callers.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let others = callers.len().saturating_sub(CALLERS);
        callers.truncate(CALLERS);
        Some(Self {
            title: format!("{total} downloads from {first} to {today}, most on {most_on}: {most}"),
            bars: (0..DAYS).map(bar).collect(),
            days: days.into_iter().rev().filter(|(_, n)| *n > 0).collect(),
            callers,
            others,
        })
    }
}

/// A mutable name.
pub(super) struct NameLine {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) href: String,
    pub(super) set: When,
    /// Whether it points to the package of the page.
    pub(super) here: bool,
}

/// Mutable names of the package's name, those that point here first.
pub(super) fn names(mut all: Vec<Reference>, this: PackageId) -> Cut<NameLine> {
    all.sort_by_key(|one| one.package != this);
    Cut::of(all, NAMES, |one| NameLine {
        here: one.package == this,
        href: format!("/ui/packages/{}", one.package.0),
        version: readable(&one.version),
        name: one.name,
        set: When(one.set_at),
    })
}

/// A promotion, or one that was refused.
pub(super) struct PromotionLine {
    pub(super) at: When,
    pub(super) words: &'static str,
    pub(super) repository: String,
    pub(super) href: String,
    pub(super) names: Vec<String>,
    pub(super) why: String,
    pub(super) by: String,
}

/// Promotions among the events of a package, newest first.
pub(super) fn promotions(events: &[Event]) -> Vec<PromotionLine> {
    events.iter().filter_map(promotion).collect()
}

fn promotion(event: &Event) -> Option<PromotionLine> {
    let text = |name: &str| event.body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (from, to, moved) = (text("from"), text("to"), text("mode") == "move");
    let (words, repository) = match (event.kind.as_str(), moved) {
        ("package.promotion-refused", _) => ("was refused by", to),
        ("package.promoted", true) if from.is_empty() => ("moved to", to),
        ("package.promoted", false) if from.is_empty() => ("copied to", to),
        ("package.promoted", true) => ("moved here from", from),
        ("package.promoted", false) => ("copied here from", from),
        _ => return None,
    };
    let names = event.body.get("references").and_then(Value::as_array).into_iter().flatten();
    // the same package in the other repository: its address differs by the first part alone
    let there = event.subject.split_once('/').map(|(_, rest)| format!("{repository}/{rest}"));
    Some(PromotionLine {
        at: When(event.at),
        words,
        href: address("/ui/packages/find", &[("what", there.as_deref())]),
        repository: repository.to_owned(),
        names: names.filter_map(Value::as_str).map(str::to_owned).collect(),
        why: text("why").to_owned(),
        by: event.actor.clone(),
    })
}

/// What to do, and the command that does it.
pub(super) type Command = (String, String);

/// Commands that change a package, by its number: names come from strangers, and a shell would obey some of them.
pub(super) fn commands(detail: &PackageDetail, around: &Around) -> Vec<Command> {
    let (id, trash) = (detail.row.package.id.0, detail.repository.settings.trash_days);
    if !around.may_write {
        return Vec::new();
    }
    if detail.row.package.state == State::Deleted {
        return vec![("Restore it".to_owned(), format!("assay trash restore {id}"))];
    }
    let promote = |to: &String| (format!("Copy it to {to} (`--move` moves it)"), format!("assay promote {id} {to}"));
    let delete = match trash {
        0 => "Delete it for good".to_owned(),
        days => format!("Delete it; for {days} days it can be restored"),
    };
    let mut all: Vec<Command> = around.targets.iter().take(TARGETS).map(promote).collect();
    all.push((delete, format!("assay delete {id}")));
    all
}
