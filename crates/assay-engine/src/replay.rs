//! Replay: recomputes decisions from what is kept of them and says what differs. A decision is a function of its input
//! document, its policies at their revisions and its clock; nothing else is read.

use crate::{Engine, analyze::blocking, decide::said_something, fold, record::packing::unpack};
use assay_model::{
    access::{Caller, Permission},
    decision::{Cited, Decision, DecisionId, Judged, OUT_OF_TIME, Outcome, Verdict},
    package::PackageId,
    policy::Policy,
    problem::Problem,
    seam::{
        action::{Ground, Standing},
        judge::Rules,
        meta::{self, DecisionFilter, Logged, PackedInput, Tx},
    },
    sheet::Sheet,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// Decisions that are read at once: their documents are in memory together, compressed.
const CHUNK: usize = 128;
/// How long one call works before it gives where to go on.
const PATIENCE: Duration = Duration::from_secs(5);
/// Sets of policies that are kept compiled within a call.
const SETS: usize = 32;
/// Most differing decisions that one call tells.
const DIFFERING: usize = 100;

/// Which decisions to recompute.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplayScope {
    /// Only these.
    pub decisions: Vec<DecisionId>,
    /// Only about this package.
    pub package: Option<PackageId>,
    /// Only those made since.
    pub since: Option<Timestamp>,
    /// Those after this one: where the call before ended.
    pub after: Option<DecisionId>,
    /// At most this many, 1 to 5000; 2000 where nothing is said.
    pub limit: Option<usize>,
}

/// What recomputing came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Replayed {
    /// Decisions that were looked at.
    pub examined: u64,
    /// Of these, recomputed with the same outcome.
    pub same: u64,
    /// Of these, with another outcome.
    pub different: u64,
    /// Of these, those that cannot be recomputed, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// The different ones, at most 100.
    pub differing: Vec<Differing>,
    /// How many the whole scope has; told by the first call.
    pub total: Option<u64>,
    /// Where to go on; nothing at the end.
    pub next: Option<DecisionId>,
}

/// A decision that does not come out as it is recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Differing {
    /// The decision.
    pub decision: DecisionId,
    /// Number of the package.
    pub package: PackageId,
    /// `format/name@version`.
    pub about: String,
    /// When it was made.
    pub at: Timestamp,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// One thing that is not as it is recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Which part of the decision.
    pub what: String,
    /// As it is recorded.
    pub recorded: Value,
    /// As it comes out now.
    pub replayed: Value,
}

/// What became of one decision.
enum Came {
    Same,
    Different(Vec<Difference>),
    Skipped(&'static str),
}

/// Policies at the revisions of a decision.
type Revisions = Vec<(String, u32)>;

/// Compiled sets; `Err` says why a set cannot be had.
type Sets = BTreeMap<Revisions, Result<Arc<dyn Rules>, String>>;

/// Policies made ready, or why they could not be.
type Ready = Result<Arc<dyn Rules>, String>;

impl Engine {
    /// Recomputes decisions in the order of their ids, for some seconds; the answer says where to go on.
    ///
    /// # Errors
    /// `Forbidden` unless the caller is an administrator of the workspace; `NotFound` for a decision that is named and not
    /// there. A difference is a result, not an error.
    pub async fn replay(self: &Arc<Self>, caller: &Caller, scope: ReplayScope) -> Result<Replayed, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let started = Instant::now();
        let limit = scope.limit.unwrap_or(2000).clamp(1, 5000);
        let mut filter = DecisionFilter {
            packages: scope.package.map(|package| vec![package]),
            after: scope.after.clone().max(scope.since.map(DecisionId::first_at)),
            ..DecisionFilter::default()
        };
        let mut all = Replayed::default();
        if !scope.decisions.is_empty() {
            return self.replay_named(scope.decisions).await;
        }
        if scope.after.is_none() {
            let counted = filter.clone();
            all.total = Some(meta::read(self.meta(), move |tx| tx.count_decisions(&counted)).await?);
        }
        let mut sets = Sets::new();
        loop {
            let left = limit.saturating_sub(usize::try_from(all.examined).unwrap_or(limit));
            filter.limit = left.min(CHUNK);
            let asked = filter.clone();
            let found = meta::read(self.meta(), move |tx| tx.logged_decisions(&asked)).await?;
            let (ended, last) = (found.len() < filter.limit, found.last().map(|one| one.decision.id.clone()));
            self.replay_chunk(found, &mut sets, &mut all).await?;
            filter.after = last.or(filter.after);
            if ended {
                return Ok(all);
            }
            if all.examined >= limit as u64 || all.differing.len() >= DIFFERING || started.elapsed() > PATIENCE {
                all.next = filter.after;
                return Ok(all);
            }
        }
    }

    async fn replay_named(self: &Arc<Self>, ids: Vec<DecisionId>) -> Result<Replayed, Problem> {
        let found = meta::read(self.meta(), move |tx| {
            let unknown = |id: &DecisionId| Problem::not_found(format!("there is no decision `{id}`"));
            ids.iter().take(CHUNK).map(|id| tx.logged_decision(id)?.ok_or_else(|| unknown(id))).collect()
        })
        .await?;
        let mut all = Replayed::default();
        self.replay_chunk(found, &mut Sets::new(), &mut all).await?;
        all.total = Some(all.examined);
        Ok(all)
    }

    async fn replay_chunk(
        self: &Arc<Self>,
        chunk: Vec<Logged>,
        sets: &mut Sets,
        all: &mut Replayed,
    ) -> Result<(), Problem> {
        if sets.len() > SETS {
            sets.clear();
        }
        let wanted: BTreeSet<Revisions> = chunk.iter().map(|one| one.decision.basis.policies.clone()).collect();
        let wanted: Vec<Revisions> = wanted.into_iter().filter(|set| !sets.contains_key(set)).collect();
        let digests: BTreeSet<String> = chunk.iter().map(|one| one.decision.basis.input.clone()).collect();
        let digests: Vec<String> = digests.into_iter().collect();
        let (policies, inputs) = meta::read(self.meta(), move |tx| {
            let sets = wanted.iter().map(|set| Ok((set.clone(), revisions(tx, set)?)));
            Ok((sets.collect::<Result<Vec<_>, Problem>>()?, tx.inputs(&digests)?))
        })
        .await?;
        for (set, policies) in policies {
            let compiled = policies.and_then(|all| self.parts.judge.compile(all).map_err(|p| p.to_string()));
            sets.insert(set, compiled);
        }
        let inputs: Arc<BTreeMap<String, PackedInput>> =
            Arc::new(inputs.into_iter().map(|input| (input.digest.clone(), input)).collect());
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let share = chunk.len().div_ceil(workers).max(1);
        let chunk: Vec<(Logged, Ready)> = chunk
            .into_iter()
            .map(|one| {
                let rules = sets.get(&one.decision.basis.policies).cloned();
                (one, rules.unwrap_or_else(|| Err("its policies were not looked for".to_owned())))
            })
            .collect();
        let parts = chunk.chunks(share).map(|part| {
            let (engine, inputs, part) = (self.clone(), inputs.clone(), part.to_vec());
            blocking(move || {
                let one = |(logged, rules): (Logged, Result<Arc<dyn Rules>, String>)| {
                    let came = engine.recompute(&logged.decision, inputs.get(&logged.decision.basis.input), &rules);
                    (logged, came)
                };
                Ok(part.into_iter().map(one).collect::<Vec<_>>())
            })
        });
        for part in futures_util::future::try_join_all(parts).await? {
            part.into_iter().for_each(|(logged, came)| all.count(logged, came));
        }
        Ok(())
    }

    fn recompute(
        &self,
        decision: &Decision,
        input: Option<&PackedInput>,
        rules: &Result<Arc<dyn Rules>, String>,
    ) -> Came {
        let Some(input) = input else { return Came::Skipped("its input is not kept") };
        let broken = |what: &str, why: String| {
            Came::Different(vec![Difference { what: what.to_owned(), recorded: Value::Null, replayed: json!(why) }])
        };
        let rules = match rules {
            Ok(rules) => rules,
            Err(why) => return broken("policies", why.clone()),
        };
        let document = match unpack(input) {
            Ok(document) => document,
            Err(problem) => return broken("input", problem.to_string()),
        };
        let judged =
            rules.replay(&document, decision.at).and_then(|judged| Ok((judged, self.parts.judge.sheet(&document)?)));
        let (judged, sheet) = match judged {
            Ok(both) => both,
            Err(problem) => return broken("input", problem.to_string()),
        };
        let late = |v: &Verdict| matches!(&v.outcome, Outcome::Failed(why) if why.starts_with(OUT_OF_TIME));
        if decision.verdicts.iter().any(late) || judged.evaluated.iter().any(|one| late(&one.verdict)) {
            return Came::Skipped("a policy ran out of time, which depends on the machine");
        }
        let mut found = Compared(self.differences(decision, judged, &sheet));
        if let Some(text) = &decision.basis.rules {
            found.compare("text of the policies", text, &Policy::text_of(rules.policies()));
        }
        match found.0 {
            none if none.is_empty() => Came::Same,
            differences => Came::Different(differences),
        }
    }

    /// What of the decision does not come out of what was judged anew.
    fn differences(&self, decision: &Decision, judged: Judged, sheet: &Sheet) -> Vec<Difference> {
        let base = Standing::of(assay_model::package::State::Available, sheet.tags.clone());
        let basis = &decision.basis;
        let ground =
            Ground { now: decision.at, arrived: basis.arrived.unwrap_or_default(), approved: basis.approved.clone() };
        let folded = fold(&judged.evaluated, &base, self.parts.actions, &ground);
        let policies: Revisions =
            judged.evaluated.iter().map(|e| (e.verdict.policy.clone(), e.verdict.revision)).collect();
        let count = judged.evaluated.len();
        let added: BTreeSet<String> = folded.standing.tags.difference(&base.tags).cloned().collect();
        let removed: BTreeSet<String> = base.tags.difference(&folded.standing.tags).cloned().collect();
        let verdicts = said_something(judged.evaluated);
        let mut found = Compared(Vec::new());
        found.compare("input digest", &decision.basis.input, &judged.input);
        found.compare("policies", &decision.basis.policies, &policies);
        found.compare("policies evaluated", &decision.evaluated, &count);
        found.verdicts(&decision.verdicts, &verdicts);
        found.compare("actions", &decision.actions, &folded.actions);
        found.compare("state", &decision.state, &folded.standing.state);
        found.compare("tags added", &decision.tags_added, &added);
        found.compare("tags removed", &decision.tags_removed, &removed);
        found.compare("notices", &decision.notices, &folded.standing.notices);
        found.compare("approvals", &decision.awaited, &folded.standing.awaited);
        found.compare("endings", &decision.endings, &folded.standing.endings);
        found.compare("waivers", &decision.basis.waivers, &judged.waivers);
        found.cited(&decision.vulnerabilities, sheet);
        found.0
    }
}

/// The policies of a set; the inner error says which is missing.
fn revisions(tx: &mut dyn Tx, set: &Revisions) -> Result<Result<Vec<Policy>, String>, Problem> {
    let mut policies = Vec::new();
    for (slug, revision) in set {
        match tx.policy_revision(slug, *revision)? {
            // it was in force when the decision was made
            Some(policy) => policies.push(Policy { enabled: true, ..policy }),
            None => return Ok(Err(format!("revision {revision} of policy `{slug}` is not there"))),
        }
    }
    Ok(Ok(policies))
}

struct Compared(Vec<Difference>);

impl Compared {
    fn compare<T: PartialEq + Serialize>(&mut self, what: &str, recorded: &T, replayed: &T) {
        if recorded != replayed {
            self.0.push(Difference { what: what.to_owned(), recorded: json!(recorded), replayed: json!(replayed) });
        }
    }

    /// Policy by policy, so that a difference names the policy.
    fn verdicts(&mut self, recorded: &[Verdict], replayed: &[Verdict]) {
        let of = |all: &[Verdict], policy: &str| all.iter().find(|v| v.policy == policy).cloned();
        let all: BTreeSet<&str> = recorded.iter().chain(replayed).map(|v| v.policy.as_str()).collect();
        for policy in all {
            self.compare(&format!("policy {policy}"), &of(recorded, policy), &of(replayed, policy));
        }
    }

    /// What was cited is in the document, and as it is cited.
    fn cited(&mut self, recorded: &[Cited], sheet: &Sheet) {
        for one in recorded {
            let there = sheet.findings.iter().find(|f| f.id == one.id && f.component == one.component);
            let what = format!("vulnerability {}", one.id);
            let Some(there) = there else {
                self.compare(&what, &json!({"in": &one.component}), &Value::Null);
                continue;
            };
            if there.kind == "vulnerability" {
                let told = |score: Option<f64>, fixed: &Option<String>, title: &str| json!([score, fixed, title]);
                let recorded = told(one.score, &one.fixed, &one.title);
                self.compare(&what, &recorded, &told(there.score, &there.fixed, &there.title));
            }
        }
    }
}

impl Replayed {
    fn count(&mut self, logged: Logged, came: Came) {
        self.examined += 1;
        match came {
            Came::Same => self.same += 1,
            Came::Skipped(why) => *self.skipped.entry(why.to_owned()).or_default() += 1,
            Came::Different(differences) => {
                self.different += 1;
                if self.differing.len() < DIFFERING {
                    self.differing.push(Differing {
                        about: format!("{}/{}@{}", logged.at.format, logged.at.name, logged.at.version),
                        decision: logged.decision.id,
                        package: logged.decision.package,
                        at: logged.decision.at,
                        differences,
                    });
                }
            }
        }
    }
}
