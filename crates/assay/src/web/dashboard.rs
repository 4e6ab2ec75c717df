//! The first page: repositories, findings, what happened last, and how fresh the facts are.

use super::{
    Outcome, WebRequest,
    frame::Frame,
    overview::{Summary, System, summarise, system},
    pieces::{EventLine, SEVERITIES, SeverityBadge, When, plural, size, word},
    reply,
    repository::{Gauge, UpstreamLine},
};
use askama::Template;
use assay_engine::{Engine, Holding};
use assay_model::{
    access::{Caller, Permission},
    event::Event,
    finding::Severity,
    package::State,
    problem::Problem,
    repository::Repository,
    seam::meta::EventFilter,
    work::Lane,
};
use std::{collections::BTreeMap, sync::Arc};

const RECENT: usize = 12;

#[derive(Template)]
#[template(path = "dashboard.html")]
pub(super) struct DashboardPage {
    pub(super) frame: Frame,
    repositories: Vec<RepositoryLine>,
    downloads: u64,
    ill: Vec<Ill>,
    bars: Bars,
    events: Option<Vec<EventLine>>,
    system: Option<SystemLines>,
}

impl DashboardPage {
    fn needs_care(&self) -> bool {
        !self.ill.is_empty() || self.repositories.iter().any(|r| r.gauge.as_ref().is_some_and(Gauge::is_near))
    }
}

struct RepositoryLine {
    name: String,
    description: String,
    anonymous: bool,
    packages: String,
    states: Vec<(State, usize)>,
    worst: Option<SeverityBadge>,
    members: Vec<String>,
    downloads: u64,
    holds: String,
    /// The fullest quota.
    gauge: Option<Gauge>,
}

/// An upstream that someone should look at.
pub(super) struct Ill {
    pub(super) repository: String,
    pub(super) line: UpstreamLine,
}

/// Findings by severity as a stack; the same numbers stand in a table.
pub(super) struct Bars {
    pub(super) total: usize,
    /// How many packages these are from.
    pub(super) of: String,
    pub(super) parts: Vec<Bar>,
    /// Findings beside these that statements and waivers take away.
    pub(super) suppressed: usize,
}

/// One part of the stack, in thousandths of its width.
pub(super) struct Bar {
    pub(super) badge: SeverityBadge,
    pub(super) word: &'static str,
    pub(super) count: usize,
    pub(super) x: usize,
    pub(super) width: usize,
    pub(super) percent: String,
}

impl Bars {
    pub(super) fn of(findings: &BTreeMap<Severity, usize>, suppressed: usize, packages: usize) -> Self {
        let total: usize = findings.values().sum();
        let (mut parts, mut before) = (Vec::new(), 0);
        for severity in SEVERITIES {
            let count = findings.get(&severity).copied().unwrap_or_default();
            let x = before * 1000 / total.max(1);
            before += count;
            let end = before * 1000 / total.max(1);
            let percent = format!("{:.0} %", count as f64 * 100.0 / total.max(1) as f64);
            parts.push(Bar { badge: SeverityBadge(severity), word: word(severity), count, x, width: end - x, percent });
        }
        Self { total, of: plural(packages, "package"), parts, suppressed }
    }
}

struct SystemLines {
    feeds: Vec<FeedLine>,
    advisories: Vec<(String, i64)>,
    lanes: Vec<LaneLine>,
    dead: i64,
}

struct FeedLine {
    feed: String,
    synced: Option<When>,
    error: Option<String>,
}

struct LaneLine {
    name: &'static str,
    waiting: i64,
    running: i64,
    dead: i64,
}

impl SystemLines {
    fn of(system: System) -> Self {
        let feed = |f: assay_model::seam::meta::FeedState| FeedLine {
            feed: f.feed,
            synced: f.synced_at.map(When),
            error: f.error,
        };
        let lane = |lane: Lane| {
            let n = system.jobs.get(&lane).copied().unwrap_or_default();
            LaneLine { name: lane.as_str(), waiting: n.waiting, running: n.running, dead: n.dead }
        };
        let lanes: Vec<LaneLine> = Lane::ALL.into_iter().map(lane).collect();
        Self {
            feeds: system.feeds.into_iter().map(feed).collect(),
            advisories: system.advisories.into_iter().collect(),
            dead: lanes.iter().map(|l| l.dead).sum(),
            lanes,
        }
    }
}

/// The page.
///
/// # Errors
/// From the store.
pub(super) async fn page(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let caller = &request.caller;
    let readable = engine.readable_repositories(caller).await?;
    if readable.is_empty() && *caller == Caller::Anonymous {
        return Ok(reply::see_other("/ui/login"));
    }
    let (mut summaries, mut ill) = (Vec::new(), Vec::new());
    let holdings = engine.holdings().await?;
    for repository in readable {
        ill.extend(failing(engine, caller, &repository).await?);
        let (id, held) = (repository.id, holdings.get(&repository.id).copied().unwrap_or_default());
        summaries.push((summarise(engine, caller, repository, vec![id]).await?, held));
    }
    let events = recent(engine, caller).await?;
    let system = system(engine, caller).await?;
    reply::html(200, &view(Frame::of(request, "Overview", "dashboard"), summaries, ill, events, system))
}

/// Upstreams that are failing or left alone, for those who administer the repository.
async fn failing(engine: &Engine, caller: &Caller, repository: &Repository) -> Result<Vec<Ill>, Problem> {
    if caller.permission_in(repository) != Some(Permission::Admin) {
        return Ok(Vec::new());
    }
    let (all, now) = (engine.list_upstreams(caller, &repository.name).await?, engine.now());
    let lines = all.into_iter().map(|row| UpstreamLine::of(row, now)).filter(|line| line.ill);
    Ok(lines.map(|line| Ill { repository: repository.name.clone(), line }).collect())
}

async fn recent(engine: &Engine, caller: &Caller) -> Result<Option<Vec<Event>>, Problem> {
    if caller.require_everywhere(Permission::Admin).is_err() {
        return Ok(None);
    }
    let filter = EventFilter { limit: RECENT, newest_first: true, ..EventFilter::default() };
    engine.events(caller, filter).await.map(Some)
}

pub(super) fn view(
    frame: Frame,
    summaries: Vec<(Summary, Holding)>,
    ill: Vec<Ill>,
    events: Option<Vec<Event>>,
    system: Option<System>,
) -> DashboardPage {
    let mut findings: BTreeMap<Severity, usize> = BTreeMap::new();
    for (severity, n) in summaries.iter().flat_map(|(s, _)| &s.findings) {
        *findings.entry(*severity).or_default() += n;
    }
    let sum = |of: fn(&Summary) -> usize| summaries.iter().map(|(s, _)| of(s)).sum();
    let bars = Bars::of(&findings, sum(|s| s.suppressed), sum(|s| s.looked_into));
    DashboardPage {
        frame,
        downloads: summaries.iter().map(|(s, _)| s.downloads).sum(),
        repositories: summaries.into_iter().map(line).collect(),
        ill,
        bars,
        events: events.map(|all| all.into_iter().map(EventLine::of).collect()),
        system: system.map(SystemLines::of),
    }
}

fn line((summary, holding): (Summary, Holding)) -> RepositoryLine {
    RepositoryLine {
        downloads: summary.downloads,
        holds: size(holding.usage.bytes),
        gauge: Gauge::all(&holding, &summary.repository.settings).into_iter().max_by_key(|gauge| gauge.percent),
        members: summary.repository.settings.members.clone(),
        packages: count(&summary),
        states: super::pieces::STATES.into_iter().map(|s| (s, summary.count(s))).collect(),
        worst: summary.worst().map(SeverityBadge),
        anonymous: summary.repository.settings.anonymous_read,
        description: summary.repository.settings.description,
        name: summary.repository.name,
    }
}

/// `12`, or `5000+`.
fn count(summary: &Summary) -> String {
    if summary.more { format!("{}+", summary.total) } else { summary.total.to_string() }
}

/// `12 packages`, or `more than 5000 packages`.
pub(super) fn total(summary: &Summary) -> String {
    let words = plural(summary.total, "package");
    if summary.more { format!("more than {words}") } else { words }
}
