//! Replays the past: each package at the end of each day since it arrived, with the facts of that day, but only where
//! something changed that the policies read.

use super::{
    ABREAST, Simulation, Within,
    draft::{BacktestTrial, Knowledge},
    past::Past,
    report::{SimulationStep, blocks},
    tally::{most, reasons},
    tell,
    timeline::{BacktestReport, Crossing, Grid, Replayed, Timeline},
};
use crate::{
    Engine,
    analyze::blocking,
    decide::Gathered,
    downloads::{SECONDS_OF_DAY, day_of},
    fold::fold,
};
use assay_model::{
    access::Caller,
    decision::Evaluated,
    facts::Facts,
    package::{PackageId, State},
    policy::FactKind,
    problem::Problem,
    seam::{
        action::{Ground, Standing},
        judge::Rules,
        meta::{self, PullsOfDay},
    },
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Instant,
};
use tokio::{sync::mpsc::Sender, task::JoinHandle};

/// The most days back.
const DAYS: u32 = 400;

type States = BTreeMap<PackageId, Vec<(Timestamp, State)>>;
type Pulls = BTreeMap<PackageId, Vec<PullsOfDay>>;

/// What is the same for all packages.
struct Frame {
    rules: Arc<dyn Rules>,
    within: Within,
    grid: Grid,
    knowledge: Knowledge,
    as_if_stored: bool,
    now: Timestamp,
}

/// A page that is being replayed.
type Page = JoinHandle<Result<Vec<Replayed>, Problem>>;

impl Engine {
    /// Forgets facts that no backtest reaches any more.
    pub(crate) async fn forget_the_past(&self) -> Result<(), Problem> {
        let before = self.now() - jiff::SignedDuration::from_hours(24 * (i64::from(DAYS) + 1));
        meta::write(self.meta(), move |tx| tx.forget_past(before)).await.map(|_| ())
    }

    /// Checks a trial on the past, like [`Engine::prepare_simulation`].
    ///
    /// # Errors
    /// As there; `Invalid` for days that cannot be.
    pub async fn prepare_backtest(&self, caller: &Caller, trial: &BacktestTrial) -> Result<Simulation, Problem> {
        if trial.days == 0 || trial.days > DAYS || trial.step == 0 || trial.step > trial.days {
            return Err(Problem::invalid(
                "bad-days",
                format!("the past is replayed from 1 to {DAYS} days back, in steps of at least a day"),
            ));
        }
        self.prepare_simulation(caller, trial.trial.clone()).await
    }

    /// Replays the past for every stored package; steps go to `watch`.
    ///
    /// # Errors
    /// As [`Engine::run_simulation`].
    pub async fn run_backtest(
        self: &Arc<Self>,
        simulation: Simulation,
        asked: BacktestTrial,
        watch: Option<Sender<SimulationStep>>,
    ) -> Result<BacktestReport, Problem> {
        let (started, now) = (Instant::now(), self.now());
        self.write_downloads().await?;
        let remembers_since = meta::read(self.meta(), |tx| tx.remembers_since()).await?;
        let Simulation { trial, set, within, author, _turn } = simulation;
        let frame = Arc::new(Frame {
            rules: set.rules,
            within,
            grid: Grid::new(now, asked.days, asked.step),
            knowledge: asked.knowledge,
            as_if_stored: asked.as_if_stored,
            now,
        });
        let timeline = self.replay_pages(&frame, watch.as_ref()).await?;
        let mut notes = set.notes;
        notes.extend(caveats(&asked, &frame, remembers_since));
        let mut report = BacktestReport {
            id: None,
            at: now,
            from: frame.grid.first(),
            took: 0,
            step: asked.step,
            knowledge: asked.knowledge,
            as_if_stored: asked.as_if_stored,
            remembers_since,
            alone: trial.alone,
            repository: trial.repository,
            query: trial.query,
            set: set.lines,
            notes,
            packages: 0,
            undecided: 0,
            ever_blocked: 0,
            from_the_start: 0,
            blocked: 0,
            earlier: 0,
            median_lead: None,
            longest_lead: None,
            never_live: 0,
            taken_back: 0,
            refused_pulls: 0,
            callers: Vec::new(),
            policies: BTreeMap::new(),
            days: Vec::new(),
            crossings: Vec::new(),
            wrongly: Vec::new(),
        };
        timeline.fill(&mut report);
        report.took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        report.id = Some(self.keep_backtest(&author, &report).await?);
        Ok(report)
    }

    async fn replay_pages(
        self: &Arc<Self>,
        frame: &Arc<Frame>,
        watch: Option<&Sender<SimulationStep>>,
    ) -> Result<Timeline, Problem> {
        let mut timeline = Timeline::new(&frame.grid);
        let (mut after, mut done, mut more) = (None, 0_u64, true);
        let abreast = std::thread::available_parallelism().map_or(1, usize::from).min(ABREAST);
        let mut under_way: VecDeque<(u64, Page)> = VecDeque::new();
        while more || !under_way.is_empty() {
            while more && under_way.len() < abreast {
                let ids = self.page_of(&frame.within, after).await?;
                more = ids.len() == super::PAGE;
                after = ids.last().copied().or(after);
                let (engine, frame, asked) = (self.clone(), frame.clone(), ids.len() as u64);
                under_way.push_back((asked, tokio::spawn(async move { engine.replay_page(ids, frame).await })));
            }
            let Some((asked, task)) = under_way.pop_front() else { break };
            let page = task.await.map_err(|e| Problem::internal("a backtest broke off", e))??;
            timeline.undecided += asked.saturating_sub(page.len() as u64);
            page.into_iter().for_each(|one| timeline.add(one));
            done += asked;
            tell(watch, || SimulationStep::Progress { done, total: frame.within.total() }).await?;
        }
        Ok(timeline)
    }

    async fn replay_page(self: Arc<Self>, ids: Vec<PackageId>, frame: Arc<Frame>) -> Result<Vec<Replayed>, Problem> {
        let gathered = self.facts_of(ids.clone(), frame.rules.clone(), frame.now).await?;
        let asked = frame.clone();
        let (past, states, pulls) = meta::read(self.meta(), move |tx| {
            let first = asked.grid.first();
            let past = Past::load(tx, &ids, asked.rules.reads(), first, asked.knowledge)?;
            let mut states = States::new();
            for (package, at, state) in tx.decided_states(&ids)? {
                states.entry(package).or_default().push((at, state));
            }
            let mut pulls = Pulls::new();
            for (package, day) in tx.download_days_of(&ids, day_of(first))? {
                pulls.entry(package).or_default().push(day);
            }
            Ok((past, states, pulls))
        })
        .await?;
        let engine = self.clone();
        blocking(move || {
            let mut all = Vec::new();
            for one in gathered.into_iter().filter(|g| g.facts.package.state != State::Pending) {
                all.push(engine.replay_one(one, &past, &states, &pulls, &frame)?);
            }
            Ok(all)
        })
        .await
    }

    fn replay_one(
        &self,
        one: Gathered,
        past: &Past,
        states: &States,
        pulls: &Pulls,
        frame: &Frame,
    ) -> Result<Replayed, Problem> {
        let mut facts = one.facts;
        let (id, grid) = (facts.package.id, &frame.grid);
        let arrived = if frame.as_if_stored {
            facts.package.published_at.unwrap_or(Timestamp::MIN)
        } else {
            facts.package.uploaded_at
        };
        if frame.as_if_stored {
            facts.package.uploaded_at = facts.package.published_at.unwrap_or(facts.package.uploaded_at);
        }
        let last = grid.len() - 1;
        let arrival = grid.index(arrived).unwrap_or(last);
        let mut blocked = Vec::with_capacity(grid.len() - arrival);
        let (mut reason, mut first) = (Vec::new(), None);
        for index in self.looks(past, &facts, arrival, frame) {
            let at = grid.at(index);
            let evaluated = frame.rules.judge(&past.facts_at(&facts, at))?.evaluated;
            let is = blocks(self.state_of(&evaluated, &facts));
            // what did not change between two looks stays as it was
            let stays = blocked.last().copied().unwrap_or(false);
            blocked.resize(index - arrival, stays);
            blocked.push(is);
            if is && first.is_none() {
                first = Some(index);
                let verdicts: Vec<_> = evaluated.into_iter().map(|e| e.verdict).collect();
                reason = reasons(&verdicts);
            }
        }
        let stays = blocked.last().copied().unwrap_or(false);
        blocked.resize(grid.len() - arrival, stays);
        let live = live_at(states.get(&id), arrival, grid);
        let refused = refused(pulls.get(&id), &blocked, arrival, grid);
        let crossing = first.map(|first| {
            let end = (blocked.iter().rposition(|b| *b).unwrap_or(0) + arrival + 1).min(last);
            let released = !blocked.last().copied().unwrap_or(false);
            let mut callers: BTreeMap<String, u64> = BTreeMap::new();
            for (_, who, count) in &refused {
                *callers.entry(who.clone()).or_default() += count;
            }
            Crossing {
                id,
                address: facts.package.at.subject(frame.within.name(facts.package.repository)),
                blocked_at: moment(past, &facts, frame, first, arrived),
                from_the_start: first == arrival,
                released_at: released.then(|| grid.at(end)),
                live_at: first_live(states.get(&id)),
                reasons: reason,
                gone: if released {
                    past.gone(id, grid.at(first), frame.now).into_iter().collect()
                } else {
                    Vec::new()
                },
                pulls: callers.values().sum(),
                callers: most(callers.into_iter().collect()),
            }
        });
        Ok(Replayed { arrival, blocked, live, pulls: refused, crossing })
    }

    /// Looks at which something may have changed, from the first one on.
    fn looks(&self, past: &Past, facts: &Facts, arrival: usize, frame: &Frame) -> BTreeSet<usize> {
        let reads = frame.rules.reads();
        if reads.contains(&FactKind::Time) {
            return (arrival..frame.grid.len()).collect();
        }
        let mut moments = past.changes(facts.package.id, reads);
        moments.extend(facts.waivers.iter().flat_map(|w| [w.created_at, w.expires_at]));
        moments.extend(facts.statements.iter().filter_map(|s| s.statement.at));
        let mut looks: BTreeSet<usize> = moments.into_iter().filter_map(|at| frame.grid.index(at)).collect();
        looks.retain(|index| *index >= arrival);
        looks.insert(arrival);
        looks
    }

    fn state_of(&self, evaluated: &[Evaluated], facts: &Facts) -> State {
        let base = Standing::of(State::Available, facts.package.tags.clone());
        let arrived = facts.package.uploaded_at;
        let ground = Ground { now: facts.now, arrived, ..Ground::default() };
        fold(evaluated, &base, self.parts.actions, &ground).standing.state
    }
}

/// When what a look found came about: the arrival, or the first change since the look before.
fn moment(past: &Past, facts: &Facts, frame: &Frame, look: usize, arrived: Timestamp) -> Timestamp {
    let (grid, end) = (&frame.grid, frame.grid.at(look));
    let begin = look.checked_sub(1).map_or_else(|| grid.first(), |before| grid.at(before)).max(arrived);
    let changes = past.changes(facts.package.id, frame.rules.reads());
    if begin >= end || arrived == begin {
        return begin;
    }
    changes.into_iter().find(|at| *at > begin && *at <= end).unwrap_or(end)
}

/// Whether a package was blocked in fact, at each look from `arrival` on.
fn live_at(states: Option<&Vec<(Timestamp, State)>>, arrival: usize, grid: &Grid) -> Vec<bool> {
    let states = states.map(Vec::as_slice).unwrap_or_default();
    let at = |index: usize| {
        let before = states.partition_point(|(at, _)| *at <= grid.at(index));
        before.checked_sub(1).and_then(|last| states.get(last)).is_some_and(|(_, state)| blocks(*state))
    };
    (arrival..grid.len()).map(at).collect()
}

fn first_live(states: Option<&Vec<(Timestamp, State)>>) -> Option<Timestamp> {
    states.into_iter().flatten().find(|(_, state)| blocks(*state)).map(|(at, _)| *at)
}

/// Pulls on days at whose end the package would have been blocked, by look and caller.
fn refused(
    pulls: Option<&Vec<PullsOfDay>>,
    blocked: &[bool],
    arrival: usize,
    grid: &Grid,
) -> Vec<(usize, String, u64)> {
    let end = |day: i64| Timestamp::from_second((day + 1) * SECONDS_OF_DAY).ok();
    let refused = |one: &PullsOfDay| {
        let index = end(one.day).and_then(|at| grid.index(at)).unwrap_or(grid.len() - 1).max(arrival);
        let is = blocked.get(index - arrival).copied().unwrap_or(false);
        is.then(|| (index, one.who.clone(), one.count))
    };
    pulls.into_iter().flatten().filter_map(refused).collect()
}

/// What the replay could not know.
fn caveats(asked: &BacktestTrial, frame: &Frame, remembers_since: Option<Timestamp>) -> Vec<String> {
    let mut notes = Vec::new();
    let reads = frame.rules.reads();
    if let Some(since) = remembers_since.filter(|since| *since > frame.grid.first()) {
        let day = since.strftime("%Y-%m-%d");
        notes.push(match asked.knowledge {
            Knowledge::World => format!(
                "This server remembers facts since {day}; what is older counts from the day it was published, and what was taken back before is not known."
            ),
            Knowledge::Server => format!("This server remembers facts since {day}; there is nothing from before."),
        });
    }
    if !asked.as_if_stored {
        notes.push(
            "Packages count since they arrived here; --as-if-stored replays them as if they had been here since their publication."
                .to_owned(),
        );
    }
    let as_now: Vec<&str> = [
        (FactKind::Tags, "tags"),
        (FactKind::Repository, "settings of repositories"),
        (FactKind::Health, "scorecards and popularity"),
        (FactKind::Signatures, "signatures"),
        (FactKind::Freshness, "freshness of sources"),
    ]
    .into_iter()
    .filter_map(|(kind, words)| reads.contains(&kind).then_some(words))
    .collect();
    let more = if as_now.is_empty() { String::new() } else { format!(", {}", as_now.join(", ")) };
    notes.push(format!(
        "As they are now, not as they were: what is inside packages{more}. Overrides by hand are left out; waivers that were revoked meanwhile are not known."
    ));
    notes
}
