//! Policies: the list in order of evaluation, one with its source, and the ready ones.

mod library;

use super::{Outcome, WebRequest, frame::Frame, pieces::When, reply};
use askama::Template;
use assay_engine::Engine;
use assay_model::{
    policy::{FactKind, OnFailure, Policy, PolicyAction},
    problem::Problem,
};
use std::{collections::BTreeMap, sync::Arc};

pub(super) use library::page as library;

/// A policy for people.
pub(super) struct PolicyView {
    slug: String,
    name: String,
    description: String,
    precedence: u16,
    terminal: bool,
    enabled: bool,
    closed: bool,
    actions: Vec<String>,
    reads: Vec<&'static str>,
    revision: u32,
    created: When,
    updated: When,
    rego: String,
    /// Packages on which it fails at run time.
    failing: u64,
}

/// `set-state quarantined`: the kind and its parameters in one line.
pub(super) fn action(action: &PolicyAction) -> String {
    match &action.params {
        serde_json::Value::Null => action.kind.clone(),
        serde_json::Value::String(word) => format!("{} {word}", action.kind),
        serde_json::Value::Object(map) if map.is_empty() => action.kind.clone(),
        serde_json::Value::Object(map) => {
            let parts: Vec<String> = map.iter().map(|(k, v)| format!("{k}: {}", flat(v))).collect();
            format!("{} ({})", action.kind, parts.join(", "))
        }
        other => format!("{} {}", action.kind, flat(other)),
    }
}

fn flat(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(all) => all.iter().map(flat).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn fact(kind: &FactKind) -> &'static str {
    match kind {
        FactKind::Package => "package metadata",
        FactKind::Repository => "repository settings",
        FactKind::Inventory => "inventory",
        FactKind::Findings => "findings",
        FactKind::Advisories => "whole advisories",
        FactKind::Epss => "EPSS scores",
        FactKind::Kev => "known exploited vulnerabilities",
        FactKind::Ssvc => "exploit maturity",
        FactKind::Tags => "tags",
        FactKind::Vex => "VEX statements",
        FactKind::Waivers => "waivers",
        FactKind::Health => "Scorecard and popularity",
        FactKind::Signatures => "signatures",
        FactKind::Freshness => "freshness of sources",
        FactKind::Downloads => "downloads",
        FactKind::Time => "the clock",
    }
}

impl PolicyView {
    pub(super) fn of(policy: Policy, failing: &BTreeMap<String, u64>) -> Self {
        Self {
            failing: failing.get(&policy.slug).copied().unwrap_or_default(),
            actions: policy.actions.iter().map(action).collect(),
            reads: policy.reads.iter().map(fact).collect(),
            closed: policy.on_failure == OnFailure::FailClosed,
            created: When(policy.created_at),
            updated: When(policy.updated_at),
            slug: policy.slug,
            name: policy.name,
            description: policy.description,
            precedence: policy.precedence,
            terminal: policy.terminal,
            enabled: policy.enabled,
            revision: policy.revision,
            rego: policy.rego,
        }
    }
}

#[derive(Template)]
#[template(path = "policies.html")]
pub(super) struct PoliciesPage {
    pub(super) frame: Frame,
    pub(super) policies: Vec<PolicyView>,
}

#[derive(Template)]
#[template(path = "policy.html")]
pub(super) struct PolicyPage {
    pub(super) frame: Frame,
    pub(super) policy: PolicyView,
}

/// The list.
///
/// # Errors
/// `Forbidden` for callers who may not read all repositories.
pub(super) async fn page(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let failing = engine.failing_policies(&request.caller).await?;
    let policies = engine.policies(&request.caller).await?;
    let policies = policies.into_iter().map(|policy| PolicyView::of(policy, &failing)).collect();
    reply::html(200, &PoliciesPage { frame: Frame::of(request, "Policies", "policies"), policies })
}

/// One policy.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub(super) async fn one(engine: &Arc<Engine>, request: &WebRequest, slug: &str) -> Outcome {
    let policy = engine.policies(&request.caller).await?.into_iter().find(|p| p.slug == slug);
    let policy =
        policy.ok_or_else(|| Problem::not_found(format!("there is no policy `{slug}`; it may have been removed")))?;
    let failing = engine.failing_policies(&request.caller).await?;
    let frame = Frame::of(request, format!("Policy {}", policy.name), "policies");
    reply::html(200, &PolicyPage { frame, policy: PolicyView::of(policy, &failing) })
}
