//! Decisions with their reasons and everything they were made from.

use crate::web::{
    pieces::{SeverityBadge, StateBadge, When, pretty},
    policies::action,
};
use assay_model::decision::{Cited, Decision, Outcome, Verdict};

/// One decision.
pub(super) struct DecisionView {
    pub(super) id: String,
    pub(super) at: When,
    pub(super) trigger: String,
    pub(super) state: StateBadge,
    pub(super) evaluated: usize,
    pub(super) verdicts: Vec<VerdictView>,
    /// Policy and action.
    pub(super) actions: Vec<(String, String)>,
    pub(super) tags_added: Vec<String>,
    pub(super) tags_removed: Vec<String>,
    pub(super) vulnerabilities: Vec<CitedLine>,
    pub(super) input: String,
    pub(super) policies: Vec<(String, u32)>,
    pub(super) advisories: i64,
    pub(super) scanner: String,
}

/// What one policy said.
pub(super) struct VerdictView {
    pub(super) policy: String,
    pub(super) name: String,
    pub(super) revision: u32,
    pub(super) description: String,
    pub(super) word: &'static str,
    pub(super) error: Option<String>,
    pub(super) reasons: Vec<String>,
    pub(super) output: String,
}

/// A vulnerability that a decision cites.
pub(super) struct CitedLine {
    pub(super) id: String,
    pub(super) component: String,
    pub(super) score: Option<String>,
    pub(super) severity: SeverityBadge,
    pub(super) fixed: Option<String>,
    pub(super) title: String,
}

impl CitedLine {
    pub(super) fn of(cited: Cited) -> Self {
        Self {
            id: cited.id,
            component: cited.component,
            score: cited.score.map(|s| format!("{s:.1}")),
            severity: SeverityBadge(cited.severity),
            fixed: cited.fixed,
            title: cited.title,
        }
    }
}

impl VerdictView {
    fn of(verdict: Verdict) -> Self {
        let (word, error) = match verdict.outcome {
            _ if verdict.waived_by.is_some() => ("is waived", None),
            Outcome::Match => ("matched", None),
            Outcome::NoMatch => ("did not match", None),
            Outcome::Failed(error) => ("failed", Some(error)),
        };
        Self {
            word,
            error,
            output: pretty(&verdict.output),
            policy: verdict.policy,
            name: verdict.name,
            revision: verdict.revision,
            description: verdict.description,
            reasons: verdict.reasons,
        }
    }
}

impl DecisionView {
    pub(super) fn of(decision: Decision) -> Self {
        Self {
            id: decision.id.to_string(),
            at: When(decision.at),
            trigger: decision.trigger,
            state: StateBadge(decision.state),
            evaluated: decision.evaluated,
            verdicts: decision.verdicts.into_iter().map(VerdictView::of).collect(),
            actions: decision.actions.iter().map(|(policy, a)| (policy.clone(), action(a))).collect(),
            tags_added: decision.tags_added.into_iter().collect(),
            tags_removed: decision.tags_removed.into_iter().collect(),
            vulnerabilities: decision.vulnerabilities.into_iter().map(CitedLine::of).collect(),
            input: decision.basis.input,
            policies: decision.basis.policies,
            advisories: decision.basis.advisories,
            scanner: decision.basis.scanner,
        }
    }
}
