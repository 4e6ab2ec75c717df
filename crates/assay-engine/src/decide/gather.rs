//! Reads the facts about packages for a batch of decisions. Only what an enabled policy reads is loaded; what is alike
//! for many packages is loaded once.

mod answered;
mod health;
mod names;
mod said;
mod signatures;

use crate::{Engine, fold};
use answered::Answers;
use assay_model::{
    component::{Component, ComponentId},
    decision::Decision,
    facts::Facts,
    finding::Finding,
    overrides::Approval,
    package::{File, Package, PackageId, State},
    policy::FactKind,
    problem::Problem,
    repository::{Repository, RepositoryId},
    score::Scores,
    seam::{
        action::{Action, Standing},
        meta::Tx,
    },
    upstream::Upstream,
};
use jiff::Timestamp;
use names::Names;
use said::Said;
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

/// Facts of one package with what the outcome is written against.
pub(crate) struct Gathered {
    pub(crate) facts: Facts,
    pub(super) previous: Option<Decision>,
    pub(super) approvals: Vec<Approval>,
    pub(super) cause: String,
}

/// What is the same for all packages of a batch.
pub(super) struct Gathering<'a> {
    pub(super) engine: &'a Engine,
    pub(super) reads: &'a BTreeSet<FactKind>,
    pub(super) actions: &'static [&'static dyn Action],
    pub(super) workspace: &'a str,
    pub(super) now: Timestamp,
}

pub(super) fn gather(
    tx: &mut dyn Tx,
    keys: &[(PackageId, String)],
    gathering: &Gathering<'_>,
) -> Result<Vec<Gathered>, Problem> {
    let ids: Vec<PackageId> = keys.iter().map(|(id, _)| *id).collect();
    let causes: BTreeMap<PackageId, &String> = keys.iter().map(|(id, cause)| (*id, cause)).collect();
    let mut shared = Shared { previous: tx.decisions_in_force(&ids)?, ..Shared::default() };
    let findings = Found::load(tx, &ids, gathering.reads)?;
    let answers = Answers::load(tx, &findings.ids, gathering.reads, gathering.now)?;
    let said = Said::load(tx, &ids)?;
    let mut names = Names::load(tx, &ids, gathering.reads)?;
    let mut files: BTreeMap<PackageId, Vec<File>> = BTreeMap::new();
    for file in tx.files_of(&ids)? {
        files.entry(file.package).or_default().push(file);
    }
    let mut all = Vec::new();
    for package in tx.packages(&ids)? {
        let files_of_it = files.remove(&package.id).unwrap_or_default();
        // what people deleted has no files any more; what a policy deleted, it may take back
        if package.state == State::Deleted && files_of_it.is_empty() {
            continue;
        }
        let Some(repository) = shared.repository(tx, package.repository)? else { continue };
        let cause = causes.get(&package.id).map(|c| (*c).clone()).unwrap_or_default();
        if let Some(mut one) =
            gather_one(tx, package, files_of_it, repository, (&mut shared, &findings, &answers, &said), gathering)?
        {
            names.fill(&mut one.facts);
            all.push(Gathered { cause, ..one });
        }
    }
    health::load(tx, &mut all, gathering)?;
    signatures::load(tx, &mut all, gathering)?;
    Ok(all)
}

fn gather_one(
    tx: &mut dyn Tx,
    mut package: Package,
    files: Vec<File>,
    repository: Repository,
    (shared, found, answers, said): (&mut Shared, &Found, &Answers, &Said),
    gathering: &Gathering<'_>,
) -> Result<Option<Gathered>, Problem> {
    let findings = found.of(package.id);
    let mut facts = Facts {
        files,
        upstream: match &package.origin {
            Some(origin) => shared.upstream(tx, package.repository, origin)?,
            None => None,
        },
        scores: found.scores_of(&findings),
        findings,
        ..Facts::about(package.clone(), repository, gathering.workspace, gathering.now)
    };
    let looks_inside = package.state == State::Pending || gathering.reads.contains(&FactKind::Inventory);
    if looks_inside && !read_inventories(tx, &mut facts)? {
        return Ok(None);
    }
    answers.give(tx, &mut facts)?;
    said.correct(&mut facts);
    if gathering.reads.contains(&FactKind::Advisories) {
        let ids: BTreeSet<String> =
            facts.findings.iter().flat_map(|(_, f)| f.sources.iter().map(|s| s.advisory.clone())).collect();
        let stored = tx.advisories(&ids.into_iter().collect::<Vec<_>>())?;
        facts.advisories = stored.into_iter().map(|s| s.advisory).collect();
    }
    let previous = shared.previous.remove(&package.id);
    if let Some(previous) = &previous {
        let current = Standing::of(package.state, package.tags.clone());
        let mut own: BTreeSet<String> = package.tags.difference(&previous.tags_added).cloned().collect();
        own.extend(previous.tags_removed.iter().cloned());
        package.tags = fold::unfold(&current, &own, &previous.actions, gathering.actions).tags;
        facts.package.tags = package.tags;
    }
    if let Some(own) = said.own_tags(facts.package.id) {
        facts.package.tags = own.clone();
    }
    let approvals = said.approvals(facts.package.id);
    Ok(Some(Gathered { facts, previous, approvals, cause: String::new() }))
}

/// What is loaded once for a batch, or once for all of its packages that have it in common.
#[derive(Default)]
struct Shared {
    repositories: BTreeMap<RepositoryId, Option<Repository>>,
    upstreams: BTreeMap<(RepositoryId, String), Option<Upstream>>,
    previous: BTreeMap<PackageId, Decision>,
}

impl Shared {
    fn repository(&mut self, tx: &mut dyn Tx, id: RepositoryId) -> Result<Option<Repository>, Problem> {
        if let Entry::Vacant(free) = self.repositories.entry(id) {
            free.insert(tx.repository_by_id(id)?);
        }
        Ok(self.repositories.get(&id).cloned().flatten())
    }

    fn upstream(&mut self, tx: &mut dyn Tx, of: RepositoryId, name: &str) -> Result<Option<Upstream>, Problem> {
        match self.upstreams.entry((of, name.to_owned())) {
            Entry::Occupied(there) => Ok(there.get().clone()),
            Entry::Vacant(free) => Ok(free.insert(tx.upstream(of, name)?).clone()),
        }
    }
}

/// Adds what the inventories hold; says whether every file with a role has one.
fn read_inventories(tx: &mut dyn Tx, facts: &mut Facts) -> Result<bool, Problem> {
    for file in facts.files.clone() {
        let Some(role) = file.role else { continue };
        let Some(stored) = tx.inventory(&file.digest, role)? else { return Ok(false) };
        facts.inventoried_at = facts.inventoried_at.max(Some(stored.made_at));
        facts.components.extend(stored.inventory.components);
        facts.secrets.extend(stored.inventory.secrets);
        facts.licenses.extend(stored.inventory.licenses);
        facts.skipped.extend(stored.inventory.skipped);
        facts.os = facts.os.take().or(stored.inventory.os);
    }
    Ok(true)
}

/// Findings and scores of a batch, loaded together.
struct Found {
    components: BTreeMap<PackageId, Vec<ComponentId>>,
    known: BTreeMap<ComponentId, (Component, Vec<Finding>)>,
    scores: Scores,
    /// Every id of them.
    ids: BTreeSet<String>,
}

impl Found {
    fn load(tx: &mut dyn Tx, packages: &[PackageId], reads: &BTreeSet<FactKind>) -> Result<Self, Problem> {
        let mut found = Self {
            components: BTreeMap::new(),
            known: BTreeMap::new(),
            scores: Scores::default(),
            ids: BTreeSet::new(),
        };
        let needed = [FactKind::Findings, FactKind::Epss, FactKind::Kev, FactKind::Vex, FactKind::Waivers];
        if !needed.iter().any(|kind| reads.contains(kind)) {
            return Ok(found);
        }
        for (package, components) in tx.components_found(packages)? {
            found.components.insert(package, components.iter().map(|c| c.id).collect());
            found.known.extend(components.into_iter().map(|c| (c.id, (c.component, Vec::new()))));
        }
        let ids: Vec<ComponentId> = found.known.keys().copied().collect();
        let mut cves = BTreeSet::new();
        for one in tx.findings_of(&ids)? {
            cves.extend(one.finding.ids().map(str::to_owned));
            if let Some((_, findings)) = found.known.get_mut(&one.component) {
                findings.push(one.finding);
            }
        }
        found.scores = tx.scores(&cves.iter().cloned().collect::<Vec<_>>())?;
        found.ids = cves;
        Ok(found)
    }

    fn of(&self, package: PackageId) -> Vec<(Component, Finding)> {
        let ids = self.components.get(&package).into_iter().flatten();
        let mut all: Vec<(Component, Finding)> = ids
            .filter_map(|id| self.known.get(id))
            .flat_map(|(component, findings)| findings.iter().map(|f| (component.clone(), f.clone())))
            .collect();
        worst_first(&mut all);
        all
    }

    /// Those of the findings' own ids: the batch has more.
    fn scores_of(&self, findings: &[(Component, Finding)]) -> Scores {
        let ids: BTreeSet<&str> = findings.iter().flat_map(|(_, finding)| finding.ids()).collect();
        let mut scores = Scores::default();
        for id in ids {
            scores.epss.extend(self.scores.epss.get(id).map(|epss| (id.to_owned(), epss.clone())));
            scores.kev.extend(self.scores.kev.get(id).map(|kev| (id.to_owned(), kev.clone())));
            scores.ssvc.extend(self.scores.ssvc.get(id).map(|ssvc| (id.to_owned(), ssvc.clone())));
        }
        scores
    }
}

/// Sorts by severity, then score, then id and component: deterministic.
pub(crate) fn worst_first(findings: &mut [(Component, Finding)]) {
    findings.sort_by(|(ca, a), (cb, b)| {
        let (score_a, score_b) = (a.score().unwrap_or(-1.0), b.score().unwrap_or(-1.0));
        score_b.total_cmp(&score_a).then(b.severity.cmp(&a.severity)).then(a.id.cmp(&b.id)).then(ca.cmp(cb))
    });
}
