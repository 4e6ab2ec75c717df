//! The set of policies that a trial is about: checked as if they were saved, compiled, and kept nowhere.

use super::draft::{PolicyTrial, Trial};
use crate::{Engine, PolicyDraft};
use assay_model::{
    policy::{OnFailure, Policy, PolicyAction},
    problem::Problem,
    seam::{
        judge::Rules,
        meta::{self},
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

/// The most policies of one trial.
const MOST: usize = 500;

/// How a policy of the set differs from what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edit {
    /// As it is stored.
    Kept,
    /// Not stored.
    Added,
    /// Stored with another content.
    Replaced,
    /// Stored and disabled.
    Enabled,
    /// Stored and enabled; not evaluated here.
    Disabled,
}

/// One policy of the set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetLine {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// How it differs.
    pub edit: Edit,
    /// What a match does.
    pub actions: Vec<PolicyAction>,
    /// Source, where it differs from what is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rego: Option<String>,
    /// The stored source that it takes the place of, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// A set made ready.
pub(super) struct TrialSet {
    pub(super) rules: Arc<dyn Rules>,
    pub(super) lines: Vec<SetLine>,
    pub(super) notes: Vec<String>,
}

impl Engine {
    /// Makes the set of a trial ready.
    ///
    /// # Errors
    /// As saving it would.
    pub(super) async fn trial_set(&self, trial: &Trial) -> Result<TrialSet, Problem> {
        if trial.policies.len() > MOST {
            return Err(Problem::invalid("too-many-policies", format!("a trial has at most {MOST} policies")));
        }
        let stored = meta::read(self.meta(), |tx| tx.policies()).await?;
        let now = self.now();
        let (mut lines, mut notes, mut set) = (Vec::new(), Vec::new(), Vec::new());
        let mut tried: BTreeSet<String> = BTreeSet::new();
        for one in &trial.policies {
            let policy = self.tried(one, &stored, now, &mut notes)?;
            if !tried.insert(policy.slug.clone()) {
                return Err(Problem::invalid(
                    "policy-twice",
                    format!("two of the given policies go by `{}`; give one of them another name", policy.slug),
                ));
            }
            let known = stored.iter().find(|p| p.slug == policy.slug);
            let edit = match known {
                _ if !policy.enabled => Edit::Disabled,
                None => Edit::Added,
                Some(before)
                    if !before.enabled && same_text(&before.rego, &policy.rego) && before.actions == policy.actions =>
                {
                    Edit::Enabled
                }
                Some(_) => Edit::Replaced,
            };
            let before =
                known.filter(|before| !same_text(&before.rego, &policy.rego)).map(|before| before.rego.clone());
            lines.push(SetLine { before, ..line(&policy, edit, Some(policy.rego.clone())) });
            set.push(policy);
        }
        self.switch(trial, &stored, &tried, &mut lines, &mut set)?;
        if set.iter().all(|p| !p.enabled) {
            notes.push("No policy is evaluated here: everything would be available.".to_owned());
        }
        Ok(TrialSet { rules: self.parts.judge.compile(set)?, lines, notes })
    }

    /// Adds what is stored, switched on and off as asked.
    fn switch(
        &self,
        trial: &Trial,
        stored: &[Policy],
        tried: &BTreeSet<String>,
        lines: &mut Vec<SetLine>,
        set: &mut Vec<Policy>,
    ) -> Result<(), Problem> {
        for slug in trial.enable.iter().chain(&trial.disable) {
            if !stored.iter().any(|p| p.slug == *slug) {
                return Err(Problem::not_found(format!(
                    "there is no policy `{slug}` to switch; `assay policy list` names all"
                )));
            }
        }
        for before in stored.iter().filter(|p| !tried.contains(&p.slug)) {
            let enable = trial.enable.contains(&before.slug);
            if trial.alone && !enable {
                continue;
            }
            let enabled = (before.enabled || enable) && !trial.disable.contains(&before.slug);
            let edit = match (before.enabled, enabled) {
                (false, true) => Edit::Enabled,
                (true, false) => Edit::Disabled,
                (true, true) => Edit::Kept,
                (false, false) => continue,
            };
            lines.push(line(before, edit, None));
            set.push(Policy { enabled, ..before.clone() });
        }
        Ok(())
    }

    /// A policy as it would be saved.
    fn tried(
        &self,
        one: &PolicyTrial,
        stored: &[Policy],
        now: Timestamp,
        notes: &mut Vec<String>,
    ) -> Result<Policy, Problem> {
        let slug = crate::policies::slug_of(&one.name);
        let before = stored.iter().find(|p| p.slug == slug || p.name == one.name);
        let rego = one.rego.clone().or_else(|| before.map(|p| p.rego.clone())).ok_or_else(|| {
            Problem::invalid("no-rego", format!("`{}` is not stored, so its Rego source has to be given", one.name))
        })?;
        let quarantine = || {
            notes.push(format!("No action was given for `{slug}`: a match quarantines."));
            vec![PolicyAction { kind: "set_state".to_owned(), params: json!({"state": "quarantined"}) }]
        };
        let draft = PolicyDraft {
            name: before.map_or_else(|| one.name.clone(), |p| p.name.clone()),
            description: one.description.clone().or_else(|| before.map(|p| p.description.clone())).unwrap_or_default(),
            rego,
            precedence: one.precedence.or(before.map(|p| p.precedence)).unwrap_or(100),
            terminal: one.terminal.or(before.map(|p| p.terminal)).unwrap_or(false),
            enabled: one.enabled.unwrap_or(true),
            on_failure: one.on_failure.or(before.map(|p| p.on_failure)).unwrap_or(OnFailure::FailClosed),
            actions: one.actions.clone().or_else(|| before.map(|p| p.actions.clone())).unwrap_or_else(quarantine),
        };
        let (policy, _) = self.checked_policy(draft, now)?;
        // a stored policy may go by a slug that its name does not make any more
        let (slug, revision) = before.map_or((policy.slug.clone(), 0), |p| (p.slug.clone(), p.revision));
        Ok(Policy { slug, revision, ..policy })
    }
}

fn line(policy: &Policy, edit: Edit, rego: Option<String>) -> SetLine {
    let (slug, name, actions) = (policy.slug.clone(), policy.name.clone(), policy.actions.clone());
    SetLine { slug, name, edit, actions, rego, before: None }
}

/// Forms of pages drop what is blank around a text.
fn same_text(a: &str, b: &str) -> bool {
    a.trim() == b.trim()
}
