//! Trying policies before they bite: the same facts, the same judge and the same fold as the live decision, and nothing
//! written. [`draft`] is what is asked, [`set`] the policies, [`tally`] the sums, [`report`] the answer; [`reach`] looks
//! whether a policy can match at all, [`backtest`] replays the past, [`kept`] keeps reports for pages.

mod backtest;
pub mod draft;
mod kept;
mod past;
mod reach;
pub mod report;
mod set;
mod tally;
mod timeline;

pub use kept::KEPT_HOURS;
pub use set::{Edit, SetLine};
pub use timeline::{BacktestReport, Crossing, Day};

use crate::{Engine, decide::Supposed, downloads::day_of};
use assay_model::{
    access::{Caller, Permission},
    package::{PackageId, State},
    problem::Problem,
    query::Query,
    repository::RepositoryId,
    seam::meta::{self, PackageFilter},
};
use draft::Trial;
use jiff::Timestamp;
use report::{Changed, DAYS, SimulationReport, SimulationStep, blocks};
use set::TrialSet;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Instant,
};
use tally::Sums;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc::Sender},
    task::JoinHandle,
};

/// Packages that are read and judged together.
const PAGE: usize = 200;
/// Pages under way at once: no more than a small machine has cores.
const ABREAST: usize = 4;

/// A simulation that was checked and waits to be run.
pub struct Simulation {
    trial: Trial,
    set: TrialSet,
    within: Within,
    author: String,
    _turn: OwnedSemaphorePermit,
}

/// Which packages are looked at.
#[derive(Clone)]
pub(crate) struct Within {
    names: Arc<BTreeMap<RepositoryId, String>>,
    only: Option<RepositoryId>,
    query: Option<Query>,
    total: Option<u64>,
}

impl Engine {
    /// Checks a trial: its policies as if they were saved, its switches, where it looks. One runs at a time.
    ///
    /// # Errors
    /// `Invalid` as from saving; `NotFound`; `Forbidden`; `Busy` while another one runs.
    pub async fn prepare_simulation(&self, caller: &Caller, trial: Trial) -> Result<Simulation, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let set = self.trial_set(&trial).await?;
        let within = self.within(&trial).await?;
        let turn = self.take_turn()?;
        Ok(Simulation { trial, set, within, author: caller.name().to_owned(), _turn: turn })
    }

    fn take_turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.simulating
            .clone()
            .try_acquire_owned()
            .map_err(|_| Problem::busy("another simulation runs on this server; they run one after the other", 5))
    }

    async fn within(&self, trial: &Trial) -> Result<Within, Problem> {
        let now = self.now();
        let query = match trial.query.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
            Some(text) => Query::parse(text, now)?,
            None => None,
        };
        let repositories = meta::read(self.meta(), |tx| tx.repositories()).await?;
        let only = match &trial.repository {
            None => None,
            Some(name) => Some(repositories.iter().find(|r| r.name == *name).map(|r| r.id).ok_or_else(|| {
                Problem::not_found(format!("there is no repository `{name}`; `assay repositories list` names all"))
            })?),
        };
        let usages = meta::read(self.meta(), |tx| tx.usages()).await?;
        let counted = usages.iter().filter(|(id, _)| only.is_none_or(|one| one == **id));
        let total = counted.map(|(_, usage)| usage.packages).sum();
        let names = repositories.into_iter().map(|r| (r.id, r.name)).collect();
        Ok(Within { names: Arc::new(names), only, total: query.is_none().then_some(total), query })
    }

    /// Runs a simulation over every stored package; steps go to `watch`, and when nobody takes them any more it ends.
    ///
    /// # Errors
    /// From the store; `Busy` with code `nobody-listens` when `watch` was dropped.
    pub async fn run_simulation(
        self: &Arc<Self>,
        simulation: Simulation,
        watch: Option<Sender<SimulationStep>>,
    ) -> Result<SimulationReport, Problem> {
        let (started, now) = (Instant::now(), self.now());
        self.write_downloads().await?;
        let Simulation { trial, set, within, author, _turn } = simulation;
        let mut sums = Sums::default();
        let (mut after, mut done) = (None, 0_u64);
        let mut under_way: VecDeque<JoinHandle<Result<Page, Problem>>> = VecDeque::new();
        let abreast = std::thread::available_parallelism().map_or(1, usize::from).min(ABREAST) + 1;
        let mut more = true;
        while more || !under_way.is_empty() {
            while more && under_way.len() < abreast {
                let ids = self.page_of(&within, after).await?;
                more = ids.len() == PAGE;
                after = ids.last().copied().or(after);
                let (engine, rules, within) = (self.clone(), set.rules.clone(), within.clone());
                under_way.push_back(tokio::spawn(async move { engine.page(ids, rules, within, now).await }));
            }
            let Some(task) = under_way.pop_front() else { break };
            let page = task.await.map_err(|e| Problem::internal("a simulation broke off", e))??;
            done += page.asked;
            sums.undecided += page.undecided;
            for one in &page.supposed {
                sums.add(one, within.name(one.package.repository));
            }
            for changed in page.changed {
                tell(watch.as_ref(), || SimulationStep::Package(Box::new(changed.clone()))).await?;
                sums.change(changed);
            }
            tell(watch.as_ref(), || SimulationStep::Progress { done, total: within.total }).await?;
        }
        let mut report = SimulationReport {
            id: None,
            at: now,
            took: 0,
            alone: trial.alone,
            repository: trial.repository,
            query: trial.query,
            set: set.lines,
            notes: set.notes,
            totals: sums.totals,
            undecided: sums.undecided,
            repositories: sums.repositories.clone(),
            policies: sums.policies.clone(),
            reasons: sums.reasons(),
            callers: sums.callers(),
            newly_blocked: Vec::new(),
            released: Vec::new(),
        };
        (report.newly_blocked, report.released) = sums.lists();
        report.took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        report.id = Some(self.keep_simulation(&author, &report).await?);
        Ok(report)
    }

    /// Packages in order of id; with a search, the other way round.
    pub(crate) async fn page_of(&self, within: &Within, after: Option<PackageId>) -> Result<Vec<PackageId>, Problem> {
        if within.query.is_none() && within.only.is_none() {
            return meta::read(self.meta(), move |tx| tx.package_ids(after, PAGE)).await;
        }
        let filter = PackageFilter {
            repositories: within.only.map(|id| vec![id]),
            query: within.query.clone(),
            before: after,
            limit: PAGE,
            ..PackageFilter::default()
        };
        let found = meta::read(self.meta(), move |tx| tx.list_packages(&filter)).await?;
        Ok(found.into_iter().map(|p| p.id).collect())
    }

    async fn page(
        self: Arc<Self>,
        ids: Vec<PackageId>,
        rules: Arc<dyn assay_model::seam::judge::Rules>,
        within: Within,
        now: Timestamp,
    ) -> Result<Page, Problem> {
        let asked = ids.len();
        let mut supposed = self.suppose(ids, rules, now).await?;
        supposed.retain(|one| one.before != State::Pending);
        let undecided = asked.saturating_sub(supposed.len()) as u64;
        let other: Vec<&Supposed> = supposed.iter().filter(|one| blocks(one.before) != blocks(one.after)).collect();
        let ids: Vec<PackageId> = other.iter().map(|one| one.package.id).collect();
        let mut pulls = self.pulls_of(ids, now).await?;
        let changed = other.iter().map(|one| changed(one, &within, pulls.remove(&one.package.id))).collect();
        Ok(Page { asked: asked as u64, undecided, supposed, changed })
    }

    /// Who pulled these packages how often in the last 30 days.
    async fn pulls_of(
        &self,
        ids: Vec<PackageId>,
        now: Timestamp,
    ) -> Result<BTreeMap<PackageId, BTreeMap<String, u64>>, Problem> {
        let mut pulls: BTreeMap<PackageId, BTreeMap<String, u64>> = BTreeMap::new();
        if ids.is_empty() {
            return Ok(pulls);
        }
        let since = day_of(now) - DAYS + 1;
        for (package, day) in meta::read(self.meta(), move |tx| tx.download_days_of(&ids, since)).await? {
            *pulls.entry(package).or_default().entry(day.who).or_default() += day.count;
        }
        Ok(pulls)
    }
}

/// What a page of packages comes to.
struct Page {
    asked: u64,
    undecided: u64,
    supposed: Vec<Supposed>,
    changed: Vec<Changed>,
}

impl Within {
    pub(crate) fn name(&self, id: RepositoryId) -> &str {
        self.names.get(&id).map_or("", String::as_str)
    }
    pub(crate) fn total(&self) -> Option<u64> {
        self.total
    }
}

fn changed(one: &Supposed, within: &Within, pulls: Option<BTreeMap<String, u64>>) -> Changed {
    let pulls = pulls.unwrap_or_default();
    let verdicts = if blocks(one.after) { &one.verdicts } else { &one.previous };
    Changed {
        id: one.package.id,
        repository: within.name(one.package.repository).to_owned(),
        format: one.package.at.format.clone(),
        name: one.package.at.name.clone(),
        version: one.package.at.version.clone(),
        from: one.before,
        to: one.after,
        reasons: tally::reasons(verdicts),
        vulnerabilities: one.vulnerabilities.clone(),
        pulls: pulls.values().sum(),
        callers: tally::most(pulls.into_iter().collect()),
    }
}

/// Sends a step, if somebody watches.
async fn tell(watch: Option<&Sender<SimulationStep>>, step: impl FnOnce() -> SimulationStep) -> Result<(), Problem> {
    let Some(watch) = watch else { return Ok(()) };
    watch.send(step()).await.map_err(|_| {
        Problem::new(
            assay_model::problem::Kind::Busy,
            "nobody-listens",
            "the simulation was given up by who asked for it",
        )
    })
}
