//! Saving and removing policies. Either asks for a decision about every package, in the change lane.

use crate::{Engine, analyze::blocking, matching::decide_jobs};
use assay_model::{
    access::{Caller, Permission},
    event::NewEvent,
    package::PackageId,
    policy::{OnFailure, Policy, PolicyAction},
    problem::Problem,
    seam::{
        judge::{Checked, Faults, Remark},
        meta::{self, Tx},
    },
    work::Lane,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

const PAGE: usize = 2000;

/// A policy as its author writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDraft {
    /// For people; the slug is made from it.
    pub name: String,
    /// Guidance for those whom it stops.
    #[serde(default)]
    pub description: String,
    /// Rego source.
    pub rego: String,
    /// Order, ascending.
    #[serde(default = "middle")]
    pub precedence: u16,
    /// Whether a match is the last word.
    #[serde(default)]
    pub terminal: bool,
    /// Whether it is evaluated.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What a failure means.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// What a match does.
    #[serde(default)]
    pub actions: Vec<PolicyAction>,
}

/// What is to be said of a source that is not saved.
#[derive(Clone, Debug, Serialize)]
pub struct Validation {
    /// Whether it can be saved: no finding is an error.
    pub is_valid: bool,
    /// Errors and warnings.
    pub findings: Vec<SourceFinding>,
}

/// One thing about a source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceFinding {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// Where and what.
    #[serde(flatten)]
    pub remark: Remark,
}

impl Validation {
    /// Of what a judge says.
    pub fn of(checked: Result<Checked, Faults>) -> Self {
        let finding = |severity: &'static str| move |remark| SourceFinding { severity, remark };
        let is_valid = checked.is_ok();
        let findings = match checked {
            Ok(checked) => checked.warnings.into_iter().map(finding("warning")).collect(),
            Err(faults) => faults.0.into_iter().map(finding("error")).collect(),
        };
        Self { is_valid, findings }
    }
}

/// Faults in a source, as a problem of the request that brought it: a line for each.
fn fault(faults: Faults) -> Problem {
    Problem::invalid("bad-policy", faults.to_string())
}

fn middle() -> u16 {
    100
}

fn yes() -> bool {
    true
}

/// A policy that was saved, and what is probably not meant about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedPolicy {
    /// As stored.
    #[serde(flatten)]
    pub policy: Policy,
    /// None of it kept it from being saved.
    #[serde(default)]
    pub warnings: Vec<Remark>,
}

/// Lower-case letters, digits and hyphens.
pub(crate) fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').chars().take(80).collect()
}

impl Engine {
    /// Saves a policy: checks source and actions, keeps a revision, and asks for every package to be decided again.
    ///
    /// # Errors
    /// `Invalid` with line and column for bad Rego, or naming the action; `Forbidden`.
    pub async fn save_policy(self: &Arc<Self>, caller: &Caller, draft: PolicyDraft) -> Result<SavedPolicy, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let now = self.now();
        let (policy, mut warnings) = self.checked_policy(draft, now)?;
        warnings.extend(self.reach_warnings(&policy).await?);
        let actor = caller.name().to_owned();
        let kinds = self.parts.actions;
        let saved = meta::write(self.meta(), move |tx| {
            crate::notify::check_channels(tx, kinds, &policy.actions)?;
            let before = tx.policies()?.into_iter().find(|known| known.slug == policy.slug).map(|known| known.enabled);
            let revision = tx.put_policy(&policy)?;
            let kind = if revision == 1 { "policy.added" } else { "policy.edited" };
            let verb = match (before, policy.enabled) {
                (Some(true), false) => "disabled",
                (Some(false), true) => "enabled",
                (Some(_), _) => "edited",
                (None, _) => "added",
            };
            let body = json!({"revision": revision, "enabled": policy.enabled, "actions": policy.actions, "precedence": policy.precedence});
            let (actor, subject) = (actor.clone(), policy.slug.clone());
            tx.append_event(&NewEvent { at: now, kind, actor, subject, body })?;
            // what is not in force, and was not, says nothing about any package
            if policy.enabled || before == Some(true) {
                decide_everything(tx, &format!("policy {} {verb}", policy.slug), now)?;
            }
            Ok(Policy { revision, ..policy.clone() })
        })
        .await?;
        self.notice().await?;
        Ok(SavedPolicy { policy: saved, warnings })
    }

    /// A policy as it is kept when a draft is saved, apart from its revision, and what is to be said of its source.
    ///
    /// # Errors
    /// `Invalid`, as from saving.
    pub(crate) fn checked_policy(&self, draft: PolicyDraft, now: Timestamp) -> Result<(Policy, Vec<Remark>), Problem> {
        let slug = slug_of(&draft.name);
        if slug.is_empty() || draft.name.chars().count() > 100 || draft.description.chars().count() > 250 {
            return Err(Problem::invalid(
                "bad-policy",
                "a policy needs a name of 1 to 100 characters with a letter or digit, and at most 250 characters of description",
            ));
        }
        let actions = draft.actions.iter().map(|a| self.check_action(a)).collect::<Result<Vec<_>, _>>()?;
        let Checked { reads, warnings } = self.parts.judge.check(&draft.rego).map_err(fault)?;
        let policy = Policy {
            slug,
            reads,
            name: draft.name,
            description: draft.description,
            rego: draft.rego,
            precedence: draft.precedence,
            terminal: draft.terminal,
            enabled: draft.enabled,
            on_failure: draft.on_failure,
            actions,
            revision: 0,
            created_at: now,
            updated_at: now,
        };
        self.parts.judge.compile(vec![policy.clone()])?;
        Ok((policy, warnings))
    }

    /// Says what would be said of a source when it is saved. Stores nothing.
    ///
    /// # Errors
    /// `Forbidden` for callers who may not read policies.
    pub async fn validate_policy(self: &Arc<Self>, caller: &Caller, rego: String) -> Result<Validation, Problem> {
        caller.require_everywhere(Permission::Read)?;
        let engine = self.clone();
        blocking(move || Ok(Validation::of(engine.parts.judge.check(&rego)))).await
    }

    /// JSON Schema of a version of the policies' input.
    ///
    /// # Errors
    /// `NotFound` for other versions than `v0` and `v1`.
    pub fn policy_schema(&self, version: &str) -> Result<serde_json::Value, Problem> {
        let unknown = || Problem::not_found(format!("there is no input.{version}; there are v0 and v1"));
        self.parts.judge.schema(version).ok_or_else(unknown)
    }

    fn check_action(&self, action: &PolicyAction) -> Result<PolicyAction, Problem> {
        let known = |a: &&&dyn assay_model::seam::action::Action| {
            a.spec().id == action.kind || a.spec().aliases.contains(&action.kind.as_str())
        };
        let Some(kind) = self.parts.actions.iter().find(known) else {
            let kinds: Vec<&str> = self.parts.actions.iter().map(|a| a.spec().id).collect();
            return Err(Problem::invalid(
                "unknown-action",
                format!("there is no action `{}`; known are {}", action.kind, kinds.join(", ")),
            ));
        };
        kind.check(&action.params)?;
        Ok(PolicyAction { kind: kind.spec().id.to_owned(), params: action.params.clone() })
    }

    /// Removes a policy; what it did is taken back as its packages are decided again.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn remove_policy(&self, caller: &Caller, slug: &str) -> Result<(), Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let (slug, at, actor) = (slug.to_owned(), self.now(), caller.name().to_owned());
        meta::write(self.meta(), move |tx| {
            let enabled = tx.policies()?.iter().any(|known| known.slug == slug && known.enabled);
            if !tx.delete_policy(&slug)? {
                return Err(Problem::not_found(format!("there is no policy `{slug}`")));
            }
            let (actor, subject) = (actor.clone(), slug.clone());
            tx.append_event(&NewEvent { at, kind: "policy.removed", actor, subject, body: json!({}) })?;
            if enabled { decide_everything(tx, &format!("policy {slug} removed"), at) } else { Ok(()) }
        })
        .await?;
        self.notice().await
    }

    /// All policies, in order of evaluation.
    ///
    /// # Errors
    /// `Forbidden` for callers who may not read all repositories.
    pub async fn policies(&self, caller: &Caller) -> Result<Vec<Policy>, Problem> {
        caller.require_everywhere(Permission::Read)?;
        meta::read(self.meta(), |tx| tx.policies()).await
    }

    /// Slugs of the policies that fail now, with the number of packages on which they do.
    ///
    /// # Errors
    /// `Forbidden` for callers who may not read all repositories.
    pub async fn failing_policies(&self, caller: &Caller) -> Result<BTreeMap<String, u64>, Problem> {
        caller.require_everywhere(Permission::Read)?;
        meta::read(self.meta(), |tx| tx.failing_policies()).await
    }
}

pub(crate) fn decide_everything(tx: &mut dyn Tx, cause: &str, due: Timestamp) -> Result<(), Problem> {
    let mut after: Option<PackageId> = None;
    loop {
        let ids = tx.package_ids(after, PAGE)?;
        tx.enqueue(&decide_jobs(&ids, Lane::Change, cause, due))?;
        match ids.last() {
            Some(last) if ids.len() == PAGE => after = Some(*last),
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::slug_of;

    #[test]
    fn slugs_are_plain() {
        assert_eq!(slug_of("Max CVSS  score!"), "max-cvss-score");
        assert_eq!(slug_of("--é--"), "");
    }
}
