//! The decide stage: facts → verdicts → fold → decision → standing. Publishing, a changed advisory, a moved score, an
//! edited policy and the clock all end here. This file has the batches; [`gather`] reads the facts, [`conclude`] is the
//! pure middle that simulation and replay share, [`enforce`] writes what came of it.

mod clock;
mod conclude;
mod enforce;
mod gather;

pub(crate) use conclude::said_something;
pub(crate) use gather::worst_first;

pub(crate) use crate::{Engine, analyze::blocking, workers};
use assay_model::{
    access::{Caller, Permission},
    decision::{Judged, Outcome, Verdict},
    package::{Package, PackageId, State},
    policy::{FactKind, Policy},
    problem::Problem,
    repository::Repository,
    seam::{
        judge::Rules,
        meta::{self, Tx},
    },
    work::{Job, Stage},
};
use conclude::Concluded;
use enforce::{enforce, still_so};
pub(crate) use gather::Gathered;
use gather::{Gathering, gather};
use jiff::Timestamp;
use std::{collections::BTreeSet, sync::Arc};

/// How often a batch is decided anew because what it is about changed meanwhile.
const ROUNDS: usize = 5;

/// Policies as compiled last, with what they were compiled from.
pub(crate) struct CompiledRules {
    signature: Vec<(String, u32)>,
    rules: Arc<dyn Rules>,
}

/// What another set of policies would make of a package.
pub(crate) struct Supposed {
    pub(crate) package: Package,
    /// State as it is.
    pub(crate) before: State,
    /// State that it would have; an operator's word in force counts.
    pub(crate) after: State,
    /// Policies of that set that match or fail.
    pub(crate) verdicts: Vec<Verdict>,
    /// Ids that the decision would cite.
    pub(crate) vulnerabilities: Vec<String>,
    /// Policies behind the state as it is.
    pub(crate) previous: Vec<Verdict>,
}

/// What a decision would come to in another repository.
pub(crate) struct Foreseen {
    pub(crate) package: PackageId,
    pub(crate) name: String,
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
                engine: &engine,
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
            let conclude = |one| engine.conclude(one, judged.as_ref(), import, true);
            gathered.into_iter().map(conclude).collect::<Result<Vec<_>, _>>()
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
            let decided: Vec<i64> = outcomes.iter().map(|outcome| outcome.package.id.0).collect();
            tx.note_attended(Stage::Decide, &decided, now)?;
            tx.finish(&done)?;
            Ok(true)
        })
        .await
    }

    /// Judges packages as another set of policies would; writes nothing. Those that are not inspected yet are left out.
    pub(crate) async fn suppose(
        self: &Arc<Self>,
        ids: Vec<PackageId>,
        rules: Arc<dyn Rules>,
        now: Timestamp,
    ) -> Result<Vec<Supposed>, Problem> {
        let gathered = self.facts_of(ids, rules.clone(), now).await?;
        let engine = self.clone();
        blocking(move || {
            let suppose = |one: Gathered| {
                let previous = one.previous.as_ref().map(|p| p.verdicts.clone()).unwrap_or_default();
                let Concluded { package, decision, state, .. } = engine.conclude(one, rules.as_ref(), 0, false)?;
                Ok(Supposed {
                    before: package.state,
                    after: state,
                    package,
                    vulnerabilities: decision.vulnerabilities.into_iter().map(|v| v.id).collect(),
                    verdicts: decision.verdicts,
                    previous,
                })
            };
            gathered.into_iter().map(suppose).collect()
        })
        .await
    }

    /// What a decision about a package would be a function of now, and what its policies would say; nothing while the
    /// package is not inspected. Writes nothing.
    pub(crate) async fn judge_now(
        self: &Arc<Self>,
        id: PackageId,
    ) -> Result<Option<(Arc<dyn Rules>, Judged)>, Problem> {
        let engine = self.clone();
        let rules = meta::read(self.meta(), move |tx| engine.rules(tx)).await?;
        let Some(one) = self.facts_of(vec![id], rules.clone(), self.now()).await?.pop() else { return Ok(None) };
        blocking(move || rules.judge(&one.facts).map(|judged| Some((rules, judged)))).await
    }

    /// Facts about packages, as much as these rules read.
    pub(crate) async fn facts_of(
        self: &Arc<Self>,
        ids: Vec<PackageId>,
        rules: Arc<dyn Rules>,
        now: Timestamp,
    ) -> Result<Vec<Gathered>, Problem> {
        let keys: Vec<(PackageId, String)> = ids.into_iter().map(|id| (id, String::new())).collect();
        let engine = self.clone();
        meta::read(self.meta(), move |tx| {
            let gathering = Gathering {
                engine: &engine,
                reads: rules.reads(),
                actions: engine.parts.actions,
                workspace: &engine.parts.workspace,
                now,
            };
            gather(tx, &keys, &gathering)
        })
        .await
    }

    /// The document that policies read of a package, with all that is known, whatever the stored policies read.
    ///
    /// # Errors
    /// `NotFound`, also for a package that the caller may not read; `Busy` while it is being inspected.
    pub async fn policy_input(self: &Arc<Self>, caller: &Caller, id: PackageId) -> Result<serde_json::Value, Problem> {
        let (engine, caller, now) = (self.clone(), caller.clone(), self.now());
        let gathered = meta::read(self.meta(), move |tx| {
            let hidden = || Problem::not_found(format!("there is no package {}", id.0));
            let package = tx.packages(&[id])?.pop().ok_or_else(hidden)?;
            let repository = tx.repository_by_id(package.repository)?.ok_or_else(hidden)?;
            caller.require(Permission::Read, &repository)?;
            let reads = FactKind::ALL.iter().copied().collect();
            let gathering = Gathering {
                engine: &engine,
                reads: &reads,
                actions: engine.parts.actions,
                workspace: &engine.parts.workspace,
                now,
            };
            gather(tx, &[(id, String::new())], &gathering)
        })
        .await?;
        let one = gathered.into_iter().next();
        let one = one.ok_or_else(|| Problem::busy("the package is deleted or still being inspected", 2))?;
        let judge = self.parts.judge.clone();
        blocking(move || judge.input(&one.facts)).await
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
                engine: &engine,
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
                one.approvals.clear();
            }
            Ok((rules, gathered, tx.last_import()?))
        })
        .await?;
        let engine = self.clone();
        blocking(move || {
            let foresee = |one: Gathered| {
                let tags = one.facts.package.tags.clone();
                let Concluded { package, decision, state, .. } = engine.conclude(one, rules.as_ref(), import, false)?;
                let said = |v: &Verdict| match v.reasons.is_empty() && v.outcome == Outcome::Match {
                    true => vec![format!("policy {}", v.policy)],
                    false => v.reasons.iter().map(|reason| format!("{}: {reason}", v.policy)).collect(),
                };
                let reasons = decision.verdicts.iter().flat_map(said);
                Ok(Foreseen {
                    package: package.id,
                    name: package.at.name,
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
}
