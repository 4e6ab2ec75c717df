//! Gathering: how many packages are in which state, their worst findings, and how fresh the facts are.

use assay_engine::{Engine, PackageRow};
use assay_model::{
    access::{Caller, Permission},
    finding::Severity,
    package::{PackageId, State},
    problem::Problem,
    repository::{Repository, RepositoryId},
    seam::meta::{self, FeedState, JobCounts, PackageFilter},
    work::Lane,
};
use std::collections::BTreeMap;

/// Packages whose state is counted, per repository; above it the page says "more than".
const COUNTED: usize = 5_000;
/// Newest packages whose findings are counted, per repository.
const LOOKED_INTO: usize = 100;

/// One repository in numbers.
pub(super) struct Summary {
    pub(super) repository: Repository,
    /// Packages that were counted.
    pub(super) total: usize,
    /// Whether there are more than that.
    pub(super) more: bool,
    /// How many are in each state.
    pub(super) states: BTreeMap<&'static str, usize>,
    /// Findings of the newest packages that count, by severity.
    pub(super) findings: BTreeMap<Severity, usize>,
    /// How many statements and waivers take away beside these.
    pub(super) suppressed: usize,
    /// How many packages that were.
    pub(super) looked_into: usize,
    /// Downloads of the packages that were counted, since ever.
    pub(super) downloads: u64,
}

impl Summary {
    /// How many are in a state.
    pub(super) fn count(&self, state: State) -> usize {
        self.states.get(state.as_str()).copied().unwrap_or_default()
    }

    /// The worst finding of the newest packages.
    pub(super) fn worst(&self) -> Option<Severity> {
        self.findings.keys().max().copied()
    }
}

/// How deep composed repositories are followed.
const DEPTH: usize = 4;

/// The repositories that hold what one shows: itself, or those that it is composed of and the caller may read.
pub(super) fn parts(of: &Repository, readable: &[Repository]) -> Vec<RepositoryId> {
    let (mut found, mut left) = (Vec::new(), vec![(of, 0)]);
    while let Some((one, depth)) = left.pop() {
        if one.settings.members.is_empty() {
            if !found.contains(&one.id) {
                found.push(one.id);
            }
        } else if depth < DEPTH {
            let inner = one.settings.members.iter().rev();
            left.extend(inner.filter_map(|name| readable.iter().find(|r| r.name == *name)).map(|r| (r, depth + 1)));
        }
    }
    found
}

/// Counts a repository that the caller may read; `here` are the places whose packages it shows.
///
/// # Errors
/// From the store.
pub(super) async fn summarise(
    engine: &Engine,
    caller: &Caller,
    repository: Repository,
    here: Vec<RepositoryId>,
) -> Result<Summary, Problem> {
    let here = Some(here);
    let filter = PackageFilter { repositories: here.clone(), limit: COUNTED + 1, ..PackageFilter::default() };
    let counted = meta::read(engine.meta(), move |tx| {
        let mut states: BTreeMap<&'static str, usize> = BTreeMap::new();
        let packages = tx.list_packages(&filter)?;
        for package in packages.iter().take(COUNTED) {
            *states.entry(package.state.as_str()).or_default() += 1;
        }
        let ids: Vec<PackageId> = packages.iter().take(COUNTED).map(|package| package.id).collect();
        let downloads = tx.downloads_of(&ids)?.values().map(|downloads| downloads.count).sum();
        Ok((states, packages.len(), downloads))
    })
    .await?;
    let newest = PackageFilter { repositories: here, limit: LOOKED_INTO, ..PackageFilter::default() };
    let newest = engine.list_packages(caller, newest).await?;
    let (states, found, downloads) = counted;
    Ok(Summary {
        repository,
        total: found.min(COUNTED),
        more: found > COUNTED,
        states,
        looked_into: newest.len(),
        findings: sum(&newest),
        suppressed: newest.iter().flat_map(|row| row.suppressed.values()).sum(),
        downloads,
    })
}

/// Findings of these packages, by severity.
pub(super) fn sum(rows: &[PackageRow]) -> BTreeMap<Severity, usize> {
    let mut all = BTreeMap::new();
    for (severity, n) in rows.iter().flat_map(|r| &r.findings) {
        *all.entry(*severity).or_default() += n;
    }
    all
}

/// How fresh the facts are and what is under way.
pub(super) struct System {
    pub(super) feeds: Vec<FeedState>,
    pub(super) advisories: BTreeMap<String, i64>,
    pub(super) jobs: BTreeMap<Lane, JobCounts>,
}

/// The state of feeds and jobs, for callers who may read everything.
///
/// # Errors
/// From the store.
pub(super) async fn system(engine: &Engine, caller: &Caller) -> Result<Option<System>, Problem> {
    if caller.require_everywhere(Permission::Read).is_err() {
        return Ok(None);
    }
    let now = engine.now();
    let read = meta::read(engine.meta(), move |tx| {
        Ok(System { feeds: tx.feed_states()?, advisories: tx.advisory_counts()?, jobs: tx.job_counts(now)? })
    });
    read.await.map(Some)
}
