//! Where a repository takes packages from, and how that goes.

use crate::web::pieces::When;
use assay_engine::{Condition, UpstreamRow};
use assay_model::upstream::{Mode, UpstreamSettings};
use jiff::Timestamp;

/// One upstream.
pub(in crate::web) struct UpstreamLine {
    pub(in crate::web) name: String,
    pub(in crate::web) format: String,
    pub(in crate::web) priority: i32,
    pub(in crate::web) url: String,
    pub(in crate::web) mode: &'static str,
    pub(in crate::web) trust: String,
    pub(in crate::web) has_secrets: bool,
    pub(in crate::web) rules: Vec<String>,
    pub(in crate::web) condition: &'static str,
    /// Class of its badge.
    pub(in crate::web) badge: &'static str,
    /// Whether anything was asked since this node started.
    pub(in crate::web) asked: bool,
    pub(in crate::web) answered: u64,
    pub(in crate::web) failed: u64,
    pub(in crate::web) answered_at: Option<When>,
    /// What went wrong last, and when.
    pub(in crate::web) error: Option<(String, Option<When>)>,
    pub(in crate::web) paused_until: Option<When>,
    pub(in crate::web) ill: bool,
}

impl UpstreamLine {
    pub(in crate::web) fn of(row: UpstreamRow, now: Timestamp) -> Self {
        let UpstreamRow { upstream, has_secrets, health } = row;
        let condition = health.condition(now);
        let paused = condition == Condition::Paused;
        Self {
            condition: condition.as_str(),
            badge: match condition {
                Condition::Answers => "state-available",
                Condition::Failing => "state-pending",
                Condition::Paused => "state-quarantined",
                Condition::Unknown => "state-hidden",
            },
            ill: condition.is_ill(),
            asked: condition != Condition::Unknown,
            answered: health.answered,
            failed: health.failed,
            answered_at: health.answered_at.map(When),
            error: health.error.map(|error| (error, health.failed_at.map(When))),
            paused_until: health.paused_until.filter(|_| paused).map(When),
            mode: mode(&upstream.settings),
            rules: rules(&upstream.settings),
            name: upstream.name,
            format: upstream.format,
            priority: upstream.priority,
            url: upstream.settings.url,
            trust: upstream.settings.trust,
            has_secrets,
        }
    }
}

fn mode(settings: &UpstreamSettings) -> &'static str {
    match (settings.enabled, settings.mode) {
        (false, _) => "off",
        (_, Mode::Hold) => "hold",
        (_, Mode::Open) => "open",
        (_, Mode::CachedOnly) => "cached-only",
    }
}

/// What differs from an upstream that is asked for everything.
fn rules(settings: &UpstreamSettings) -> Vec<String> {
    let mut all = Vec::new();
    if !settings.include.is_empty() {
        all.push(format!("only {}", settings.include.join(", ")));
    }
    if !settings.exclude.is_empty() {
        all.push(format!("not {}", settings.exclude.join(", ")));
    }
    if settings.cooldown_days > 0 {
        let unknown = if settings.cooldown_unknown { ", and those of unknown age," } else { "" };
        all.push(format!("versions younger than {} days{unknown} are left out", settings.cooldown_days));
    }
    if settings.cooldown_days > 0 && !settings.cooldown_exempt.is_empty() {
        all.push(format!("but not of {}", settings.cooldown_exempt.join(", ")));
    }
    if settings.shadow_local {
        all.push("may give names that are published here".to_owned());
    }
    if settings.allow_private {
        all.push("may lie in a private network".to_owned());
    }
    all
}
