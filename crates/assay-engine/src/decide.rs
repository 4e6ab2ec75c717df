//! The decide stage: facts → verdicts → fold → decision → standing. Publishing, a changed advisory, a moved score, an
//! edited policy and the clock all end here.

use crate::{Engine, analyze::blocking, fold, workers};
use assay_model::{
    component::{Component, ComponentId},
    decision::{Basis, Cited, Decision, DecisionId, Evaluated, Outcome, Verdict},
    event::NewEvent,
    facts::Facts,
    finding::Finding,
    package::{File, Package, PackageId, State},
    policy::{FactKind, Policy},
    problem::Problem,
    repository::Repository,
    score::Scores,
    seam::{
        action::{Action, Standing},
        judge::Rules,
        meta::{self, Tx},
    },
    work::{Job, Lane, NewJob, Stage},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const CITED: usize = 20;
/// How often a batch is decided anew because what it is about changed meanwhile.
const ROUNDS: usize = 5;

/// Policies as compiled last, with what they were compiled from.
pub(crate) struct CompiledRules {
    signature: Vec<(String, u32)>,
    rules: Arc<dyn Rules>,
}

/// Facts of one package with what the outcome is written against.
struct Gathered {
    facts: Facts,
    previous: Option<Decision>,
    cause: String,
}

/// What a decision comes to, ready to be written.
struct Concluded {
    package: Package,
    /// How many files it had; files are only ever added.
    files: usize,
    decision: Decision,
    tags: BTreeSet<String>,
    /// State with the operator's override in force.
    state: State,
    /// Whether it says anything that the previous decision did not.
    news: bool,
    subject: String,
    review_at: Option<Timestamp>,
    /// Whether rules of its repository may take it elsewhere.
    promotes: bool,
}

/// What a decision would come to in another repository.
pub(crate) struct Foreseen {
    pub(crate) package: PackageId,
    pub(crate) version: String,
    pub(crate) state: State,
    pub(crate) reasons: Vec<String>,
    /// Tags that the package has by itself, before policies.
    pub(crate) tags: BTreeSet<String>,
}

impl Engine {
    /// The enabled policies, compiled; compiled again only after an edit.
    pub(crate) fn rules(&self, tx: &mut dyn Tx) -> Result<Arc<dyn Rules>, Problem> {
        let policies: Vec<Policy> = tx.policies()?.into_iter().filter(|p| p.enabled).collect();
        let signature: Vec<(String, u32)> = policies.iter().map(|p| (p.slug.clone(), p.revision)).collect();
        let mut kept = self.rules.lock().map_err(|_| Problem::bug("the compiled rules are poisoned"))?;
        if let Some(compiled) = kept.as_ref().filter(|c| c.signature == signature) {
            return Ok(compiled.rules.clone());
        }
        let rules = self.parts.judge.compile(policies)?;
        *kept = Some(CompiledRules { signature, rules: rules.clone() });
        Ok(rules)
    }

    /// Decides the packages of a batch of jobs.
    pub(crate) async fn decide_batch(self: &Arc<Self>, jobs: &[Job]) -> Result<(), Problem> {
        for _ in 0..ROUNDS {
            if self.decide_once(jobs).await? {
                return self.notice().await;
            }
        }
        Err(Problem::busy("packages or policies changed whenever they were being decided", 1))
    }

    /// Decides the batch from one snapshot. Writes nothing, and says so, when a package got other files or another state,
    /// or the policies were edited, since that snapshot: the decision would be about something that is no more.
    async fn decide_once(self: &Arc<Self>, jobs: &[Job]) -> Result<bool, Problem> {
        let keys: Vec<(PackageId, String)> = jobs.iter().map(|j| (PackageId(j.key), j.cause.clone())).collect();
        let done: Vec<i64> = jobs.iter().map(|job| job.id).collect();
        let (engine, now) = (self.clone(), self.now());
        let (rules, gathered, import) = meta::read(self.meta(), move |tx| {
            let rules = engine.rules(tx)?;
            let gathering = Gathering {
                reads: rules.reads(),
                actions: engine.parts.actions,
                workspace: &engine.parts.workspace,
                now,
            };
            let gathered = gather(tx, &keys, &gathering)?;
            Ok((rules, gathered, tx.last_import()?))
        })
        .await?;
        let (engine, judged) = (self.clone(), rules.clone());
        let outcomes = blocking(move || {
            gathered.into_iter().map(|g| engine.conclude(g, judged.as_ref(), import)).collect::<Result<Vec<_>, _>>()
        })
        .await?;
        let engine = self.clone();
        meta::write(self.meta(), move |tx| {
            if !Arc::ptr_eq(&engine.rules(tx)?, &rules) || !still_so(tx, &outcomes)? {
                return Ok(false);
            }
            for outcome in &outcomes {
                enforce(tx, outcome)?;
            }
            workers::tally(tx, workers::DECIDED, outcomes.len())?;
            tx.finish(&done)?;
            Ok(true)
        })
        .await
    }

    /// Decides packages as if they were in `target`; leaves out those that are not inspected yet.
    pub(crate) async fn foresee(
        self: &Arc<Self>,
        ids: &[PackageId],
        target: &Repository,
    ) -> Result<Vec<Foreseen>, Problem> {
        let keys: Vec<(PackageId, String)> = ids.iter().map(|id| (*id, "promotion".to_owned())).collect();
        let (engine, target, now) = (self.clone(), target.clone(), self.now());
        let (rules, gathered, import) = meta::read(self.meta(), move |tx| {
            let rules = engine.rules(tx)?;
            let gathering = Gathering {
                reads: rules.reads(),
                actions: engine.parts.actions,
                workspace: &engine.parts.workspace,
                now,
            };
            let mut gathered = gather(tx, &keys, &gathering)?;
            for one in &mut gathered {
                one.facts.repository = target.clone();
                one.facts.package.repository = target.id;
                one.facts.package.held = None;
                one.previous = None;
            }
            Ok((rules, gathered, tx.last_import()?))
        })
        .await?;
        let engine = self.clone();
        blocking(move || {
            let foresee = |one: Gathered| {
                let tags = one.facts.package.tags.clone();
                let Concluded { package, decision, state, .. } = engine.conclude(one, rules.as_ref(), import)?;
                let reasons =
                    decision.verdicts.iter().flat_map(|v| v.reasons.iter().map(|r| format!("{}: {r}", v.policy)));
                Ok(Foreseen {
                    package: package.id,
                    version: package.at.version,
                    state,
                    reasons: reasons.collect(),
                    tags,
                })
            };
            gathered.into_iter().map(foresee).collect()
        })
        .await
    }

    /// Facts in, decision out; writes nothing.
    fn conclude(&self, gathered: Gathered, rules: &dyn Rules, import: i64) -> Result<Concluded, Problem> {
        let Gathered { facts, previous, cause } = gathered;
        let (evaluated, input) = rules.judge(&facts)?;
        let base = Standing { state: State::Available, tags: facts.package.tags.clone() };
        let folded = fold(&evaluated, &base, self.parts.actions);
        let basis = Basis {
            input,
            policies: evaluated.iter().map(|e| (e.verdict.policy.clone(), e.verdict.revision)).collect(),
            advisories: import,
            scanner: self.parts.inspector.revision().to_owned(),
        };
        let count = evaluated.len();
        let verdicts = said_something(evaluated);
        let decision = Decision {
            id: DecisionId(decision_id(&facts, &basis)),
            package: facts.package.id,
            at: facts.now,
            trigger: cause,
            state: folded.standing.state,
            tags_added: folded.standing.tags.difference(&base.tags).cloned().collect(),
            tags_removed: base.tags.difference(&folded.standing.tags).cloned().collect(),
            vulnerabilities: if verdicts.is_empty() { Vec::new() } else { cite(&facts.findings, &verdicts) },
            verdicts,
            evaluated: count,
            actions: folded.actions,
            basis,
        };
        let held = facts.package.held.as_ref().filter(|h| h.expires_at.is_none_or(|end| end > facts.now));
        let state = held.map_or(decision.state, |h| h.state);
        let reads_time = rules.reads().contains(&FactKind::Time);
        let hourly = reads_time.then(|| facts.now + SignedDuration::from_hours(1));
        let release = held.and_then(|h| h.expires_at);
        let (package, files) = (facts.package, facts.files.len());
        Ok(Concluded {
            news: previous.is_none_or(|p| differs(&p, &decision)),
            subject: format!(
                "{}/{}/{}@{}",
                facts.repository.name, package.at.format, package.at.name, package.at.version
            ),
            tags: folded.standing.tags,
            review_at: hourly.into_iter().chain(release).min(),
            state,
            decision,
            package,
            files,
            promotes: !facts.repository.settings.promotion.is_empty(),
        })
    }
}

/// What is the same for all packages of a batch.
struct Gathering<'a> {
    reads: &'a BTreeSet<FactKind>,
    actions: &'static [&'static dyn Action],
    workspace: &'a str,
    now: Timestamp,
}

fn gather(tx: &mut dyn Tx, keys: &[(PackageId, String)], gathering: &Gathering<'_>) -> Result<Vec<Gathered>, Problem> {
    let ids: Vec<PackageId> = keys.iter().map(|(id, _)| *id).collect();
    let causes: BTreeMap<PackageId, &String> = keys.iter().map(|(id, cause)| (*id, cause)).collect();
    let mut repositories: BTreeMap<_, Repository> = BTreeMap::new();
    let findings = Found::load(tx, &ids, gathering.reads)?;
    let mut files: BTreeMap<PackageId, Vec<File>> = BTreeMap::new();
    for file in tx.files_of(&ids)? {
        files.entry(file.package).or_default().push(file);
    }
    let mut all = Vec::new();
    for package in tx.packages(&ids)? {
        if package.state == State::Deleted {
            continue;
        }
        if !repositories.contains_key(&package.repository)
            && let Some(found) = tx.repository_by_id(package.repository)?
        {
            repositories.insert(package.repository, found);
        }
        let Some(repository) = repositories.get(&package.repository).cloned() else { continue };
        let cause = causes.get(&package.id).map(|c| (*c).clone()).unwrap_or_default();
        let files = files.remove(&package.id).unwrap_or_default();
        if let Some(one) = gather_one(tx, package, files, repository, &findings, gathering)? {
            all.push(Gathered { cause, ..one });
        }
    }
    Ok(all)
}

fn gather_one(
    tx: &mut dyn Tx,
    mut package: Package,
    files: Vec<File>,
    repository: Repository,
    found: &Found,
    gathering: &Gathering<'_>,
) -> Result<Option<Gathered>, Problem> {
    let findings = found.of(package.id);
    let mut facts = Facts {
        files,
        upstream: match &package.origin {
            Some(origin) => tx.upstream(package.repository, origin)?,
            None => None,
        },
        repository,
        workspace: gathering.workspace.to_owned(),
        components: Vec::new(),
        os: None,
        secrets: Vec::new(),
        licenses: Vec::new(),
        skipped: Vec::new(),
        inventoried: true,
        inventoried_at: None,
        scores: found.scores_of(&findings),
        findings,
        advisories: Vec::new(),
        now: gathering.now,
        package: package.clone(),
    };
    let looks_inside = package.state == State::Pending || gathering.reads.contains(&FactKind::Inventory);
    if looks_inside && !read_inventories(tx, &mut facts)? {
        return Ok(None);
    }
    if gathering.reads.contains(&FactKind::Findings) {
        let ids: BTreeSet<String> =
            facts.findings.iter().flat_map(|(_, f)| f.sources.iter().map(|s| s.advisory.clone())).collect();
        let stored = tx.advisories(&ids.into_iter().collect::<Vec<_>>())?;
        facts.advisories = stored.into_iter().map(|s| s.advisory).collect();
    }
    let previous = match package.decision.clone() {
        Some(id) => tx.decision(&id)?,
        None => None,
    };
    if let Some(previous) = &previous {
        let current = Standing { state: package.state, tags: package.tags.clone() };
        let mut own: BTreeSet<String> = package.tags.difference(&previous.tags_added).cloned().collect();
        own.extend(previous.tags_removed.iter().cloned());
        package.tags = fold::unfold(&current, &own, &previous.actions, gathering.actions).tags;
        facts.package.tags = package.tags;
    }
    Ok(Some(Gathered { facts, previous, cause: String::new() }))
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
}

impl Found {
    fn load(tx: &mut dyn Tx, packages: &[PackageId], reads: &BTreeSet<FactKind>) -> Result<Self, Problem> {
        let mut found = Self { components: BTreeMap::new(), known: BTreeMap::new(), scores: Scores::default() };
        let needed = [FactKind::Findings, FactKind::Epss, FactKind::Kev];
        if !needed.iter().any(|kind| reads.contains(kind)) {
            return Ok(found);
        }
        for (package, components) in tx.components_of(packages)? {
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
        found.scores = tx.scores(&cves.into_iter().collect::<Vec<_>>())?;
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

fn said_something(evaluated: Vec<Evaluated>) -> Vec<Verdict> {
    evaluated.into_iter().map(|e| e.verdict).filter(|v| v.outcome != Outcome::NoMatch).collect()
}

/// The vulnerabilities that the verdicts name, each once; all of the package's, worst first, where they name none.
fn cite(findings: &[(Component, Finding)], verdicts: &[Verdict]) -> Vec<Cited> {
    let text: String = verdicts.iter().flat_map(|v| v.reasons.iter().cloned().chain([v.output.to_string()])).collect();
    let named: Vec<&(Component, Finding)> =
        findings.iter().filter(|(_, f)| f.ids().any(|id| text.contains(id))).collect();
    let chosen: Vec<&(Component, Finding)> = if named.is_empty() { findings.iter().collect() } else { named };
    let cited = |(component, finding): &&(Component, Finding)| Cited {
        id: finding.id.clone(),
        component: component.purl.clone(),
        score: finding.score(),
        severity: finding.severity,
        fixed: finding.nearest_fixed.clone(),
        title: finding.title.clone(),
    };
    let mut seen = BTreeSet::new();
    chosen.iter().filter(|(_, finding)| seen.insert(&finding.id)).map(cited).take(CITED).collect()
}

/// Time-ordered, and unguessable as far as the input digest is.
fn decision_id(facts: &Facts, basis: &Basis) -> String {
    let seed = format!("{}/{}/{}", facts.package.id.0, facts.now.as_microsecond(), basis.input);
    let tail: String = assay_model::Digest::of(seed.as_bytes()).hex().chars().take(12).collect();
    format!("{:012x}{tail}", facts.now.as_millisecond())
}

fn differs(previous: &Decision, next: &Decision) -> bool {
    previous.state != next.state
        || previous.verdicts != next.verdicts
        || previous.vulnerabilities != next.vulnerabilities
        || previous.tags_added != next.tags_added
        || previous.tags_removed != next.tags_removed
        || previous.basis.policies != next.basis.policies
}

/// Whether packages are as they were when their facts were gathered.
fn still_so(tx: &mut dyn Tx, outcomes: &[Concluded]) -> Result<bool, Problem> {
    let ids: Vec<PackageId> = outcomes.iter().map(|outcome| outcome.package.id).collect();
    let now: BTreeMap<PackageId, Package> = tx.packages(&ids)?.into_iter().map(|p| (p.id, p)).collect();
    let mut files: BTreeMap<PackageId, usize> = BTreeMap::new();
    for file in tx.files_of(&ids)? {
        *files.entry(file.package).or_default() += 1;
    }
    let same = |outcome: &Concluded| {
        let then = &outcome.package;
        now.get(&then.id).is_some_and(|p| (p.state, &p.decision, &p.held) == (then.state, &then.decision, &then.held))
            && files.get(&then.id).copied().unwrap_or(0) == outcome.files
    };
    Ok(outcomes.iter().all(same))
}

/// Writes one outcome: the decision where it says something new, the standing, the event, the next look.
fn enforce(tx: &mut dyn Tx, outcome: &Concluded) -> Result<(), Problem> {
    let Concluded { package, decision, .. } = outcome;
    if let Some(due) = outcome.review_at {
        let cause = "the clock".to_owned();
        tx.enqueue(&[NewJob { lane: Lane::Backfill, stage: Stage::Decide, key: package.id.0, cause, due }])?;
    }
    if !outcome.news && package.state == outcome.state {
        return Ok(());
    }
    if outcome.promotes && outcome.state == State::Available {
        let cause = "promotion".to_owned();
        let due = decision.at;
        tx.enqueue(&[NewJob { lane: Lane::Change, stage: Stage::Promote, key: package.id.0, cause, due }])?;
    }
    if outcome.news {
        tx.append_decision(decision)?;
    }
    let id = if outcome.news { Some(&decision.id) } else { None };
    tx.set_standing(package.id, outcome.state, &outcome.tags, id, None)?;
    let body = json!({
        "decision": if outcome.news { Some(&decision.id) } else { package.decision.as_ref() },
        "from": package.state, "to": outcome.state, "trigger": decision.trigger,
        "policies": decision.verdicts.iter().map(|v| &v.policy).collect::<Vec<_>>(),
        "reasons": decision.verdicts.iter().flat_map(|v| &v.reasons).take(5).collect::<Vec<_>>(),
        "vulnerabilities": decision.vulnerabilities.iter().map(|v| &v.id).take(5).collect::<Vec<_>>(),
    });
    let kind = match (package.state, outcome.state) {
        (_, State::Quarantined) if package.state != State::Quarantined => "decision.quarantined",
        (State::Quarantined | State::Hidden, State::Available) => "decision.released",
        (from, to) if from == to => "decision.confirmed",
        _ => "decision.made",
    };
    let (at, subject) = (decision.at, outcome.subject.clone());
    tx.append_event(&NewEvent { at, kind, actor: "system".into(), subject, body }).map(|_| ())
}
