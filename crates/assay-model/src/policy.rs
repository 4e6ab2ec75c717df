//! A policy: a Rego module with precedence and actions. Every edit is a new revision.

use crate::digest::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// A policy as stored, at one revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Name in URLs and logs: lower case, unique.
    pub slug: String,
    /// For people, up to 100 characters.
    pub name: String,
    /// Guidance for those whom it stops.
    pub description: String,
    /// Rego source, verbatim.
    pub rego: String,
    /// Order of evaluation, ascending; 0 to 32767.
    pub precedence: u16,
    /// Whether a match ends the evaluation of later policies.
    pub terminal: bool,
    /// Disabled policies are kept and not evaluated.
    pub enabled: bool,
    /// What a run-time failure means.
    pub on_failure: OnFailure,
    /// What a match does, ascending precedence.
    pub actions: Vec<PolicyAction>,
    /// Which facts its source reads; found when it is saved.
    pub reads: BTreeSet<FactKind>,
    /// Counts edits, from 1.
    pub revision: u32,
    /// First saved.
    pub created_at: Timestamp,
    /// Last edited.
    pub updated_at: Timestamp,
}

/// What a policy does on a match: an action kind and its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyAction {
    /// Id of the action kind.
    pub kind: String,
    /// Checked by the kind when the policy is saved.
    #[serde(default)]
    pub params: Value,
}

impl Policy {
    /// SHA-256 over everything of these policies that an outcome follows from: sources, order, actions.
    pub fn text_of<'a>(policies: impl IntoIterator<Item = &'a Self>) -> String {
        let mut text = String::new();
        for one in policies {
            let kept = (&one.slug, one.revision, &one.rego, one.precedence, one.terminal, one.on_failure, &one.actions);
            text.push_str(&serde_json::json!(kept).to_string());
            text.push('\n');
        }
        Digest::of(text.as_bytes()).hex().to_owned()
    }
}

/// What it means when a policy fails at run time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The package is quarantined until the policy is mended. The default: failure means hold.
    #[default]
    FailClosed,
    /// The failure is recorded and otherwise ignored.
    FailOpen,
}

/// Kinds of fact whose change can change a decision. A change of a kind that no enabled policy reads decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// Name, version, files, uploader, licence and other metadata.
    Package,
    /// Repository and its settings.
    Repository,
    /// Components.
    Inventory,
    /// Findings of any form.
    Findings,
    /// Whole advisories, beyond what findings keep of them.
    Advisories,
    /// EPSS scores.
    Epss,
    /// KEV entries.
    Kev,
    /// Exploit maturity (SSVC).
    Ssvc,
    /// Tags.
    Tags,
    /// Statements of VEX.
    Vex,
    /// Waivers.
    Waivers,
    /// Scorecards and popularity.
    Health,
    /// Signatures and attestations.
    Signatures,
    /// How fresh the sources are.
    Freshness,
    /// When it was last downloaded.
    Downloads,
    /// The clock.
    Time,
}

impl FactKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Package,
        Self::Repository,
        Self::Inventory,
        Self::Findings,
        Self::Advisories,
        Self::Epss,
        Self::Kev,
        Self::Tags,
        Self::Vex,
        Self::Waivers,
        Self::Health,
        Self::Signatures,
        Self::Freshness,
        Self::Time,
    ];
}
