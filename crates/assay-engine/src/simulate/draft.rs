//! What somebody wants to try: policies that are not saved, switches, and where to look.

use assay_model::policy::{OnFailure, PolicyAction};
use serde::{Deserialize, Serialize};

/// A policy to be tried. What is left out is taken from the stored policy of the same slug, where there is one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTrial {
    /// Name; the slug is made from it.
    pub name: String,
    /// Guidance for those whom it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Rego source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rego: Option<String>,
    /// Order, ascending; 100 for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precedence: Option<u16>,
    /// Whether a match is the last word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<bool>,
    /// Whether it is evaluated; a policy that is tried is, unless this says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What a failure means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// What a match does; quarantine for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<Vec<PolicyAction>>,
}

/// A change to the policies that is tried and not made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trial {
    /// Policies that are added, or replace stored ones of the same slug.
    pub policies: Vec<PolicyTrial>,
    /// Only these policies, without those that are stored.
    pub alone: bool,
    /// Stored policies that are enabled.
    pub enable: Vec<String>,
    /// Stored policies that are disabled.
    pub disable: Vec<String>,
    /// Only packages of this repository.
    pub repository: Option<String>,
    /// Only packages that this search finds.
    pub query: Option<String>,
}

/// Whose knowledge counts when the past is replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Knowledge {
    /// A finding counts since it was first published anywhere, or since this server had it where that is earlier.
    #[default]
    World,
    /// A finding counts since this server had it.
    Server,
}

/// A change to the policies that is tried on the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BacktestTrial {
    /// The change. With `flatten` unknown fields could not be refused, so it is a field of its own.
    pub trial: Trial,
    /// How many days back.
    pub days: u32,
    /// How many days lie between two looks.
    pub step: u32,
    /// Whose knowledge counts.
    pub knowledge: Knowledge,
    /// Packages count as stored since their authors published them, rather than since they arrived here.
    pub as_if_stored: bool,
}

impl Default for BacktestTrial {
    fn default() -> Self {
        Self { trial: Trial::default(), days: 90, step: 1, knowledge: Knowledge::default(), as_if_stored: false }
    }
}
