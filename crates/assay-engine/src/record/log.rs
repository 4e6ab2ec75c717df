//! The log of decisions: one entry per policy, package and decision, matched or not. An entry is derived from the decision
//! when it is read; an evaluation that said nothing new made no decision and has no entry.

use super::reader::{Policies, Reader};
use crate::Engine;
use assay_model::{
    access::{Caller, Permission},
    decision::{Decision, DecisionId, Outcome, Verdict},
    event::Seq,
    package::{PackageId, State},
    policy::{Policy, PolicyAction},
    problem::Problem,
    repository::{Repository, RepositoryId},
    seam::meta::{self, Logged},
    waiver::WaiverId,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// Which entries to list. Empty fields do not restrict.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntryFilter {
    /// Made at or after.
    pub created_after: Option<Timestamp>,
    /// Made before.
    pub created_before: Option<Timestamp>,
    /// Only policies that matched, or only those that did not.
    pub matched: Option<bool>,
    /// Formats, by id or by the name that policies use.
    pub formats: Vec<String>,
    /// Exact name of the package.
    pub package_name: Option<String>,
    /// Number of the package.
    pub package: Option<PackageId>,
    /// Slug of the policy.
    pub policy: Option<String>,
    /// Name of the repository.
    pub repository: Option<String>,
    /// Of one decision.
    pub correlation_id: Option<String>,
    /// State that the decision gave.
    pub state: Option<State>,
    /// Part of what caused it.
    pub trigger: Option<String>,
    /// From the newest down.
    pub newest_first: bool,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Entries of a page, 1 to 1000.
    pub page_size: usize,
}

/// One policy evaluated for one package in one decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Unique; sorts by time. The decision's id, a hyphen and the place of the policy in it.
    pub id: String,
    /// Id of the decision: groups all policies that were evaluated together.
    pub correlation_id: DecisionId,
    /// When the evaluation began; also the clock that the policy saw.
    pub started_at: Timestamp,
    /// When all policies of the decision were evaluated.
    pub ended_at: Timestamp,
    /// Whether the policy matched.
    #[serde(rename = "match")]
    pub matched: bool,
    /// Matched, did not, or failed.
    pub outcome: Outcome,
    /// Its reasons.
    pub reasons: Vec<String>,
    /// Actions by kind, with their parameters; empty unless they were carried out.
    pub actions: Map<String, Value>,
    /// The waiver that took the match back.
    pub waived_by: Option<WaiverId>,
    /// What caused the decision.
    pub trigger: String,
    /// State that all policies together gave.
    pub state: State,
    /// Number of the package.
    pub package_slug_perm: PackageId,
    /// Its name and version as one word, as policies see it.
    pub package_slug: String,
    /// Its name.
    pub package_name: String,
    /// Its format.
    pub package_format: String,
    /// Its version.
    pub package_version: String,
    /// Its repository.
    pub repository_name: String,
    /// The same, as policies see it.
    pub repository_slug: String,
    /// Number of the repository.
    pub repository_slug_perm: RepositoryId,
    /// Slug of the policy.
    pub policy_slug_perm: String,
    /// Its name at that revision.
    pub policy_name: String,
    /// Its revision.
    pub policy_version: u32,
    /// Its place in the order.
    pub policy_precedence: u16,
    /// Whether a match ends the evaluation.
    pub policy_is_terminal: bool,
}

/// A page of entries.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Entries {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where to go on; nothing at the end. A page may be short, even empty, and not the last.
    pub next: Option<String>,
    /// How far it looked: where to go on later for what is decided meanwhile.
    pub reached: Option<String>,
    /// Of those who follow: the event up to which everything was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seq>,
}

/// An entry with everything behind it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FullEntry {
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
    /// The policy at that revision, source included; only for those who may read all repositories.
    pub policy: Option<Policy>,
    /// The document that the policy saw; nothing where it is not kept any more.
    pub policy_input: Option<Value>,
    /// What the policy gave: `match`, `reason`, and every other value of its module.
    pub policy_output: Value,
    /// The actions that were carried out, in order.
    pub parsed_actions: Vec<PolicyAction>,
    /// The decision.
    pub decision: Decision,
}

impl Engine {
    /// Entries of the log about packages of repositories that the caller may read, in the order of their ids.
    ///
    /// # Errors
    /// `Invalid` for a cursor that is none; `NotFound` or `Forbidden` for a repository that is named.
    pub async fn decision_entries(self: &Arc<Self>, caller: &Caller, filter: EntryFilter) -> Result<Entries, Problem> {
        let (places, everywhere) = self.places_of_log(caller, &filter).await?;
        let engine = self.clone();
        meta::read(self.meta(), move |tx| Reader::new(&engine, &filter, &places, everywhere).page(tx)).await
    }

    /// The repositories whose decisions are asked for, and whether they are all.
    pub(super) async fn places_of_log(
        &self,
        caller: &Caller,
        filter: &EntryFilter,
    ) -> Result<(Vec<Repository>, bool), Problem> {
        let readable = self.readable_repositories(caller).await?;
        if let Some(wanted) = &filter.repository {
            // by its number too, as the log itself names it
            let numbered = readable.into_iter().find(|place| place.id.0.to_string() == *wanted);
            let place = match numbered {
                Some(place) => place,
                None => self.repository(caller, wanted, Permission::Read).await?.as_ref().clone(),
            };
            return Ok((vec![place], false));
        }
        Ok((readable, caller.require_everywhere(Permission::Read).is_ok()))
    }

    /// One entry with everything behind it, by its id; by the id of a decision, the entry of its first policy.
    ///
    /// # Errors
    /// `NotFound`, also for what the caller may not read.
    pub async fn decision_entry(self: &Arc<Self>, caller: &Caller, id: &str) -> Result<FullEntry, Problem> {
        let unknown = || Problem::not_found(format!("the log of decisions has no entry `{id}`"));
        let (decision, place) = id.split_once('-').unwrap_or((id, "0"));
        let place: usize = place.parse().map_err(|_| unknown())?;
        let (logged, repository) = self.readable_decision(caller, decision).await?;
        let sees_policies = caller.require_everywhere(Permission::Read).is_ok();
        let engine = self.clone();
        let found = meta::read(self.meta(), move |tx| {
            let mut policies = Policies::default();
            let names = BTreeMap::from([(repository.id, repository.name.clone())]);
            let Some((slug, revision)) = logged.decision.basis.policies.get(place).cloned() else { return Ok(None) };
            let policy = policies.get(tx, &slug, revision)?;
            let entry = entry(&logged, place, policy.as_ref(), &names, &engine);
            let input = super::document(tx, &logged.decision.basis.input)?;
            let Some(entry) = entry else { return Ok(None) };
            Ok(Some((entry, policy.filter(|_| sees_policies), input, logged.clone())))
        })
        .await?;
        let (entry, policy, input, logged) = found.ok_or_else(unknown)?;
        let verdict = logged.decision.verdicts.iter().find(|v| v.policy == entry.policy_slug_perm);
        let input = input.map(|input| self.parts.judge.shown(&input, &entry.policy_slug_perm)).transpose()?;
        Ok(FullEntry {
            policy_output: output(verdict),
            parsed_actions: actions_of(&logged.decision, &entry.policy_slug_perm).cloned().collect(),
            policy_input: input,
            policy,
            decision: logged.decision,
            entry,
        })
    }

    /// The document that a decision was a function of, as its policies saw it. `id` is a decision's or an entry's.
    ///
    /// # Errors
    /// `NotFound`, also for what the caller may not read and for what is not kept any more.
    pub async fn decision_input(self: &Arc<Self>, caller: &Caller, id: &str) -> Result<Value, Problem> {
        let (decision, place) = id.split_once('-').unwrap_or((id, "0"));
        let (logged, _) = self.readable_decision(caller, decision).await?;
        let policy = place.parse().ok().and_then(|place: usize| logged.decision.basis.policies.get(place));
        let policy = policy.map(|(slug, _)| slug.clone()).unwrap_or_default();
        let digest = logged.decision.basis.input;
        let document = meta::read(self.meta(), move |tx| super::document(tx, &digest)).await?;
        let gone = || {
            Problem::not_found(
                "the input of this decision is not kept: it was superseded longer ago than `decisions.input_days` says, \
                 its package was deleted for good, or an older version made it",
            )
        };
        self.parts.judge.shown(&document.ok_or_else(gone)?, &policy)
    }

    /// A decision about a package of a repository that the caller may read.
    pub(crate) async fn readable_decision(&self, caller: &Caller, id: &str) -> Result<(Logged, Repository), Problem> {
        let wanted = DecisionId(id.to_owned());
        let found = meta::read(self.meta(), move |tx| {
            let Some(logged) = tx.logged_decision(&wanted)? else { return Ok(None) };
            Ok(tx.repository_by_id(logged.repository)?.map(|place| (logged, place)))
        })
        .await?;
        let readable = found.filter(|(_, place)| caller.require(Permission::Read, place).is_ok());
        readable.ok_or_else(|| Problem::not_found(format!("there is no decision `{id}`")))
    }
}

pub(super) fn entry(
    logged: &Logged,
    place: usize,
    policy: Option<&Policy>,
    names: &BTreeMap<RepositoryId, String>,
    engine: &Engine,
) -> Option<Entry> {
    let decision = &logged.decision;
    let (slug, revision) = decision.basis.policies.get(place)?;
    let verdict = decision.verdicts.iter().find(|v| v.policy == *slug);
    let outcome = verdict.map_or(Outcome::NoMatch, |v| v.outcome.clone());
    let took = SignedDuration::from_micros(i64::try_from(decision.basis.micros).unwrap_or(0));
    let mut actions: Map<String, Value> = Map::new();
    for action in actions_of(decision, slug) {
        let spec = engine.actions().iter().map(|kind| kind.spec()).find(|spec| spec.id == action.kind);
        let name = spec.and_then(|spec| spec.aliases.first().copied()).unwrap_or(action.kind.as_str());
        actions.insert(name.to_owned(), action.params.clone());
    }
    Some(Entry {
        id: format!("{}-{place:03}", decision.id),
        correlation_id: decision.id.clone(),
        started_at: decision.at,
        ended_at: decision.at.checked_add(took).unwrap_or(decision.at),
        matched: outcome == Outcome::Match,
        outcome,
        reasons: verdict.map(|v| v.reasons.clone()).unwrap_or_default(),
        actions,
        waived_by: verdict.and_then(|v| v.waived_by.clone()),
        trigger: decision.trigger.clone(),
        state: decision.state,
        package_slug_perm: decision.package,
        package_slug: logged.at.slug(),
        package_name: logged.at.name.clone(),
        package_format: logged.at.format.clone(),
        package_version: logged.at.version.clone(),
        repository_name: names.get(&logged.repository).cloned().unwrap_or_default(),
        repository_slug: names.get(&logged.repository).cloned().unwrap_or_default(),
        repository_slug_perm: logged.repository,
        policy_slug_perm: slug.clone(),
        policy_name: policy.map_or_else(|| slug.clone(), |p| p.name.clone()),
        policy_version: *revision,
        policy_precedence: policy.map(|p| p.precedence).unwrap_or_default(),
        policy_is_terminal: policy.is_some_and(|p| p.terminal),
    })
}

fn actions_of<'a>(decision: &'a Decision, policy: &'a str) -> impl Iterator<Item = &'a PolicyAction> {
    decision.actions.iter().filter(move |(by, _)| by == policy).map(|(_, action)| action)
}

fn output(verdict: Option<&Verdict>) -> Value {
    let Some(verdict) = verdict else { return json!({"match": false, "reason": []}) };
    let mut output = verdict.output.as_object().cloned().unwrap_or_default();
    output.insert("match".to_owned(), json!(verdict.outcome == Outcome::Match));
    output.insert("reason".to_owned(), json!(verdict.reasons));
    if let Outcome::Failed(error) = &verdict.outcome {
        output.insert("error".to_owned(), json!(error));
    }
    Value::Object(output)
}
