//! Why a package is in its state: facts → rules → outcome, and why that differs from an earlier moment.

use super::changes::{self, Changes, Seen, details};
use crate::Engine;
use assay_model::{
    access::{Caller, Permission},
    decision::{Decision, DecisionId, Judged, Outcome, Verdict},
    package::{Override, Package, PackageId, State},
    policy::{FactKind, Policy},
    problem::Problem,
    seam::{
        action::{Applied, Ground, Standing},
        judge::Rules,
        meta::{self, DecisionFilter, Tx},
    },
    sheet::{Sheet, SheetFinding, Suppressed},
    waiver::WaiverId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeSet, sync::Arc};

/// Findings that are told of one policy.
const FINDINGS: usize = 8;
/// Other facts that are told of one policy.
const FACTS: usize = 12;
/// Decisions between the two moments that are told.
const STEPS: usize = 20;

/// Why a package is in its state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explanation {
    /// Number of the package.
    pub package: PackageId,
    /// The state in force.
    pub state: State,
    /// Set by hand over what policies say.
    pub held: Option<Override>,
    /// The decision in force; nothing before the first.
    pub decision: Option<Decision>,
    /// Every policy that was evaluated, in order.
    pub policies: Vec<PolicyStory>,
    /// How the state came about, action by action.
    pub outcome: Vec<String>,
    /// The earlier moment.
    pub since: Timestamp,
    /// The decision that was in force then.
    pub then: Option<DecisionId>,
    /// What is different since.
    pub changes: Changes,
    /// Why something cannot be compared.
    pub notes: Vec<String>,
    /// Decisions since, oldest first.
    pub steps: Vec<Step>,
}

/// What one policy had to do with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyStory {
    /// Slug.
    pub policy: String,
    /// Name at that revision.
    pub name: String,
    /// Revision.
    pub revision: u32,
    /// Matched, did not, or failed.
    pub outcome: Outcome,
    /// The waiver that took a match back.
    pub waived_by: Option<WaiverId>,
    /// Its reasons.
    pub reasons: Vec<String>,
    /// Kinds of fact that it reads.
    pub reads: BTreeSet<FactKind>,
    /// The values that it read, as far as they matter.
    pub facts: Vec<String>,
}

/// A decision on the way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The decision.
    pub decision: DecisionId,
    /// When.
    pub at: Timestamp,
    /// What caused it.
    pub trigger: String,
    /// The state that it gave.
    pub state: State,
}

/// What is stored of a package and its two moments.
struct Stored {
    package: Package,
    decision: Option<Decision>,
    document: Option<Vec<u8>>,
    policies: Vec<Policy>,
    then: Option<Moment>,
    steps: Vec<Step>,
    /// When it was first decided.
    first: Option<Timestamp>,
}

struct Moment {
    decision: Decision,
    document: Option<Vec<u8>>,
    policies: Vec<Policy>,
}

impl Engine {
    /// Why a package is in its state, and why that is not as it was at `since`.
    ///
    /// # Errors
    /// `NotFound`, also for a package that the caller may not read.
    pub async fn explain(
        self: &Arc<Self>,
        caller: &Caller,
        id: PackageId,
        since: Timestamp,
    ) -> Result<Explanation, Problem> {
        self.writable(caller, id, Permission::Read).await?;
        let stored = meta::read(self.meta(), move |tx| load(tx, id, since)).await?;
        let stored = stored.ok_or_else(|| Problem::not_found(format!("there is no package {}", id.0)))?;
        let live = self.judge_now(id).await?;
        let engine = self.clone();
        crate::analyze::blocking(move || engine.told(stored, live, since)).await
    }

    fn told(
        &self,
        stored: Stored,
        live: Option<(Arc<dyn Rules>, Judged)>,
        since: Timestamp,
    ) -> Result<Explanation, Problem> {
        let mut notes = Vec::new();
        let sheet_of = |document: &Option<Vec<u8>>| document.as_deref().map(|d| self.parts.judge.sheet(d)).transpose();
        let basis = sheet_of(&stored.document)?;
        if stored.decision.is_some() && basis.is_none() {
            notes.push("the input of the decision in force is not kept: the facts are those of now".to_owned());
        }
        let fresh = live.as_ref().map(|(_, judged)| self.parts.judge.sheet(&judged.document)).transpose()?;
        let (policies, outcome) = match &stored.decision {
            Some(decision) => {
                let sheet = basis.as_ref().or(fresh.as_ref());
                (self.stories(decision, &stored.policies, sheet)?, self.outcome(decision, &stored.package))
            }
            None => (Vec::new(), Vec::new()),
        };
        let changes = match (&stored.then, &stored.decision) {
            (Some(then), Some(now)) => self.compared(then, now, live.as_ref(), fresh.as_ref(), &mut notes)?,
            (None, Some(now)) => {
                notes.push(format!(
                    "there was no decision about it yet; the first came {}",
                    stored.first.unwrap_or(now.at)
                ));
                Changes::default()
            }
            _ => Changes::default(),
        };
        Ok(Explanation {
            package: stored.package.id,
            state: stored.package.state,
            held: stored.package.held,
            then: stored.then.map(|then| then.decision.id),
            decision: stored.decision,
            steps: stored.steps,
            policies,
            outcome,
            since,
            changes,
            notes,
        })
    }

    fn compared(
        &self,
        then: &Moment,
        now: &Decision,
        live: Option<&(Arc<dyn Rules>, Judged)>,
        fresh: Option<&Sheet>,
        notes: &mut Vec<String>,
    ) -> Result<Changes, Problem> {
        let Some((rules, judged)) = live else {
            notes.push("it is being inspected, so its facts are not compared".to_owned());
            return Ok(Changes { outcome: changes::outcome(&then.decision, now), ..Changes::default() });
        };
        let mut found = Changes {
            facts: Vec::new(),
            rules: changes::rules((&then.policies, &then.decision), rules.policies(), &judged.waivers),
            outcome: changes::outcome(&then.decision, now),
        };
        let old = then.document.as_deref().map(|document| self.parts.judge.sheet(document)).transpose()?;
        match (old, fresh) {
            (Some(old), Some(fresh)) => {
                let reads = self.parts.judge.compile(then.policies.clone()).map(|rules| rules.reads().clone())?;
                let more: Vec<String> = rules
                    .reads()
                    .difference(&reads)
                    .filter_map(|kind| Some(serde_json::to_value(kind).ok()?.as_str()?.replace('_', " ")))
                    .collect();
                if !more.is_empty() {
                    notes.push(format!("policies read {} now, and did not then", more.join(", ")));
                }
                found.facts =
                    changes::facts(&Seen { sheet: &old, reads: &reads }, &Seen { sheet: fresh, reads: rules.reads() });
            }
            _ => notes.push("the input of the earlier decision is not kept, so facts are not compared".to_owned()),
        }
        Ok(found)
    }

    fn stories(
        &self,
        decision: &Decision,
        policies: &[Policy],
        sheet: Option<&Sheet>,
    ) -> Result<Vec<PolicyStory>, Problem> {
        let mut stories = Vec::new();
        for (slug, revision) in &decision.basis.policies {
            let verdict = decision.verdicts.iter().find(|verdict| verdict.policy == *slug);
            let policy = policies.iter().find(|policy| policy.slug == *slug);
            let reads = match policy {
                Some(policy) => {
                    let checked = self.parts.judge.check(&policy.rego);
                    checked.map_or_else(|_| policy.reads.clone(), |checked| checked.reads)
                }
                None => BTreeSet::new(),
            };
            let told = sheet.zip(policy).map(|(sheet, policy)| read(sheet, policy, &reads, verdict, decision.at));
            stories.push(PolicyStory {
                policy: slug.clone(),
                name: policy.map_or_else(|| slug.clone(), |policy| policy.name.clone()),
                revision: *revision,
                outcome: verdict.map_or(Outcome::NoMatch, |verdict| verdict.outcome.clone()),
                waived_by: verdict.and_then(|verdict| verdict.waived_by.clone()),
                reasons: verdict.map(|verdict| verdict.reasons.clone()).unwrap_or_default(),
                facts: told.unwrap_or_default(),
                reads,
            });
        }
        Ok(stories)
    }

    /// The actions one after the other, as they came to the state.
    fn outcome(&self, decision: &Decision, package: &Package) -> Vec<String> {
        let mut lines = Vec::new();
        let mut standing = Standing::of(State::Available, BTreeSet::new());
        let ground = ground(decision);
        let mut set_by: Option<&str> = None;
        for (policy, action) in &decision.actions {
            let before = standing.state;
            // whether it has a word on the state, also where it says what is so already
            let mut probe = Standing::of(State::Pending, BTreeSet::new());
            if let Some(kind) = self.parts.actions.iter().find(|kind| kind.spec().id == action.kind) {
                let applied = Applied { policy, params: &action.params, ground: &ground };
                kind.apply(applied, &mut standing);
                kind.apply(applied, &mut probe);
            }
            let sets = probe.state != State::Pending;
            let did = format!("{policy}: {} {}", action.kind.replace(['_', '-'], " "), params(&action.params));
            let now = standing.state.as_str();
            lines.push(match (before == standing.state, set_by) {
                (true, _) if sets => format!("{policy} sets the state to {now}, which it was"),
                (true, _) => did.trim_end().to_owned(),
                (false, Some(by)) => format!("{policy} sets the state to {now}, over {} by {by}", before.as_str()),
                (false, None) => format!("{policy} sets the state to {now}"),
            });
            if sets || before != standing.state {
                set_by = Some(policy);
            }
        }
        for verdict in &decision.verdicts {
            match (&verdict.outcome, &verdict.waived_by) {
                (Outcome::Failed(_), _) => {
                    lines.push(format!("{} failed, which holds the package unless it fails open", verdict.policy))
                }
                (_, Some(waiver)) => lines.push(format!("{} matched and is waived by {waiver}", verdict.policy)),
                _ => {}
            }
        }
        lines.push(format!("together: {}", decision.state.as_str()));
        if let Some(held) = package.held.as_ref().filter(|_| package.state != decision.state) {
            lines.push(format!("set by hand to {}, over what the policies say", held.state.as_str()));
        }
        lines
    }
}

/// What actions knew.
fn ground(decision: &Decision) -> Ground {
    Ground {
        now: decision.at,
        arrived: decision.basis.arrived.unwrap_or(decision.at),
        approved: decision.basis.approved.clone(),
    }
}

fn params(params: &Value) -> String {
    let text = |value: &Value| match value {
        Value::Array(items) => {
            items.iter().map(|i| i.as_str().map_or_else(|| i.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match params {
        Value::Object(fields) => fields.values().map(text).collect::<Vec<_>>().join(" "),
        Value::Null => String::new(),
        other => text(other),
    }
}

/// The values that a policy read, as far as they matter: findings that it names, or else the worst, and the facts whose
/// names are in its source.
fn read(
    sheet: &Sheet,
    policy: &Policy,
    reads: &BTreeSet<FactKind>,
    verdict: Option<&Verdict>,
    at: Timestamp,
) -> Vec<String> {
    let mut lines = Vec::new();
    let kinds = [FactKind::Findings, FactKind::Epss, FactKind::Kev, FactKind::Vex, FactKind::Waivers];
    if kinds.iter().any(|kind| reads.contains(kind)) {
        let said = verdict.map(|v| format!("{} {}", v.reasons.join(" "), v.output)).unwrap_or_default();
        let named: Vec<&SheetFinding> = sheet.findings.iter().filter(|f| f.ids().any(|id| said.contains(id))).collect();
        let chosen = if named.is_empty() { sheet.findings.iter().collect() } else { named };
        lines
            .extend(chosen.iter().take(FINDINGS).map(|one| format!("{} in {}{}", one.id, one.component, details(one))));
        match chosen.len() {
            0 if sheet.suppressed.is_empty() => lines.push("no findings".to_owned()),
            n if n > FINDINGS => lines.push(format!("and {} more findings", n - FINDINGS)),
            _ => {}
        }
        let line = |one: &Suppressed| format!("{} in {} does not count: {}", one.id, one.component, one.why);
        lines.extend(sheet.suppressed.iter().take(FINDINGS).map(line));
        if let Some(more) = sheet.suppressed.len().checked_sub(FINDINGS).filter(|more| *more > 0) {
            lines.push(format!("and {more} more that do not count"));
        }
    }
    if reads.contains(&FactKind::Tags) {
        let tags: Vec<&str> = sheet.tags.iter().map(String::as_str).collect();
        lines.push(if tags.is_empty() { "no tags".to_owned() } else { format!("tags {}", tags.join(", ")) });
    }
    let words = fields(&policy.rego);
    let is_named = |path: &str| {
        let mut parts = path.split('.');
        let (first, last) = (parts.next().unwrap_or_default(), parts.next_back().unwrap_or(path));
        words.contains(first) && words.contains(last)
    };
    let facts = sheet.facts.iter().filter(|(path, _)| is_named(path));
    lines.extend(facts.take(FACTS).map(|(path, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{path} = {}", text.chars().take(100).collect::<String>())
    }));
    if reads.contains(&FactKind::Time) {
        lines.push(format!("the clock: {at}"));
    }
    lines
}

/// The words that a source has as fields: after a dot, or as texts. Rules and functions (`match`, `regex.match`) are none.
fn fields(rego: &str) -> BTreeSet<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let beginnings = rego.match_indices(['.', '"', '`']).filter_map(|(at, _)| rego.get(at + 1..));
    let words = beginnings.filter_map(|rest| rest.split_at_checked(rest.find(|c| !is_word(c)).unwrap_or(rest.len())));
    words.filter(|(word, rest)| !word.is_empty() && !rest.starts_with('(')).map(|(word, _)| word).collect()
}

fn load(tx: &mut dyn Tx, id: PackageId, since: Timestamp) -> Result<Option<Stored>, Problem> {
    let Some(package) = tx.packages(&[id])?.pop() else { return Ok(None) };
    let decision = match &package.decision {
        Some(id) => tx.decision(id)?,
        None => None,
    };
    let document = match &decision {
        Some(decision) => super::document(tx, &decision.basis.input).unwrap_or_default(),
        None => None,
    };
    let policies = match &decision {
        Some(decision) => revisions(tx, decision)?,
        None => Vec::new(),
    };
    let then = match tx.decision_in_force(id, since)? {
        Some(then) => Some(Moment {
            document: super::document(tx, &then.basis.input).unwrap_or_default(),
            policies: revisions(tx, &then)?,
            decision: then,
        }),
        None => None,
    };
    let mut steps: Vec<Step> = tx
        .decisions_of(id, STEPS)?
        .into_iter()
        .filter(|decision| decision.at > since)
        .map(|d| Step { decision: d.id, at: d.at, trigger: d.trigger, state: d.state })
        .collect();
    steps.reverse();
    let oldest = DecisionFilter { packages: Some(vec![id]), limit: 1, ..DecisionFilter::default() };
    let first = tx.logged_decisions(&oldest)?.pop().map(|logged| logged.decision.at);
    Ok(Some(Stored { package, decision, document, policies, then, steps, first }))
}

/// The policies of a decision at their revisions; those that are not there are left out.
fn revisions(tx: &mut dyn Tx, decision: &Decision) -> Result<Vec<Policy>, Problem> {
    let mut policies = Vec::new();
    for (slug, revision) in &decision.basis.policies {
        policies.extend(tx.policy_revision(slug, *revision)?.map(|policy| Policy { enabled: true, ..policy }));
    }
    Ok(policies)
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn rules_and_functions_are_no_fields() {
        let rego =
            "match if {\n\tregex.match(`^a`, input.v0.package.name)\n\tsome f in input.v1[\"files\"]\n\tf.path\n}\n";
        let found = fields(rego);
        assert!(["package", "name", "files", "path"].iter().all(|word| found.contains(word)), "{found:?}");
        assert!(!found.contains("match") && !found.contains("regex"), "{found:?}");
    }
}
