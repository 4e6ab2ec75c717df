//! Settings and rules of a repository in words.

use crate::web::pieces::{plural, size};
use assay_model::{
    keeping::{PromotionRule, RetentionRule},
    repository::Settings,
};

/// A rule.
pub(super) struct RuleLine {
    pub(super) name: String,
    pub(super) words: String,
    pub(super) disabled: bool,
}

/// Every setting that is not shown elsewhere on the page.
pub(super) fn settings(set: &Settings) -> Vec<(&'static str, String)> {
    let reading = if set.anonymous_read { "anyone may read" } else { "reading needs a token" };
    let versions = if set.immutable {
        "neither replaced nor deleted, except by administrators"
    } else {
        "may be deleted, and replaced where their format allows it"
    };
    let trash = match set.trash_days {
        0 => "deleted packages are gone at once".to_owned(),
        days => format!("deleted packages can be restored for {}", plural(days as usize, "day")),
    };
    let warnings = match set.quota_warn_percent.as_slice() {
        [] => "none".to_owned(),
        percent => format!("at {} %", percent.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")),
    };
    let mut all = vec![
        ("Reading", reading.to_owned()),
        ("Pulls wait", format!("up to {} s for a decision", set.hold_seconds)),
        ("Published versions", versions.to_owned()),
        ("Tags", tags(set)),
        ("Trash", trash),
    ];
    if !set.reserved.is_empty() {
        all.push(("Names never taken from upstreams", set.reserved.join(", ")));
    }
    if set.quota_bytes > 0 || set.quota_packages > 0 {
        all.push(("Warnings about quotas", warnings));
    }
    all
}

fn tags(set: &Settings) -> String {
    let patterns = set.immutable_tag_patterns.join(", ");
    match (set.immutable_tags, patterns.is_empty()) {
        (true, true) => "stay where they are set".to_owned(),
        (true, false) => format!("stay where they are set; patterns: {patterns}"),
        (false, true) => "may move".to_owned(),
        (false, false) => format!("may move, except as the patterns say: {patterns}"),
    }
}

/// `python: acme-*`, or `everything`.
fn what(format: &str, names: &[String]) -> String {
    let names = if names.is_empty() { "all names".to_owned() } else { names.join(", ") };
    if format.is_empty() { names } else { format!("{format}: {names}") }
}

/// ` that fit downloads:0`.
fn found_by(query: &str) -> String {
    if query.is_empty() { String::new() } else { format!(" that fit {query}") }
}

/// Rules of retention.
pub(super) fn retention(rules: &[RetentionRule]) -> Vec<RuleLine> {
    rules
        .iter()
        .map(|rule| RuleLine { name: rule.name.clone(), words: deletes(rule), disabled: rule.disabled })
        .collect()
}

fn deletes(rule: &RetentionRule) -> String {
    let mut words = what(&rule.format, &rule.names);
    if !rule.versions.is_empty() {
        words += &format!(", versions {}", rule.versions.join(", "));
    }
    words += &found_by(&rule.query);
    let mut parts = Vec::new();
    if let Some(days) = rule.max_age_days {
        parts.push(format!("deleted after {}", plural(days as usize, "day")));
    }
    if let Some(days) = rule.unused_days {
        parts.push(format!("deleted when nobody downloaded it for {}", plural(days as usize, "day")));
    }
    if let Some(bytes) = rule.max_bytes {
        parts.push(format!("the oldest deleted until at most {} are left", size(bytes)));
    }
    match rule.keep_last {
        Some(n) if rule.deletes_by_limit() => parts.push(format!("the newest {n} of each name stay")),
        Some(n) => parts.push(format!("all but the newest {n} of each name deleted")),
        None if parts.is_empty() => parts.push("all deleted".to_owned()),
        None => {}
    }
    if !rule.keep_tags.is_empty() {
        parts.push(format!("what is tagged {} stays", rule.keep_tags.join(", ")));
    }
    format!("{words}: {}", parts.join("; "))
}

/// Rules of promotion.
pub(super) fn promotion(rules: &[PromotionRule]) -> Vec<RuleLine> {
    let line = |rule: &PromotionRule| {
        let verb = if rule.moves { "moved" } else { "copied" };
        let tagged = if rule.tags.is_empty() { String::new() } else { format!(" tagged {}", rule.tags.join(", ")) };
        RuleLine {
            name: rule.name.clone(),
            words: format!(
                "{}{tagged}{}: {verb} to {}",
                what(&rule.format, &rule.names),
                found_by(&rule.query),
                rule.target
            ),
            disabled: rule.disabled,
        }
    };
    rules.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_say_what_they_delete() {
        let rule = RetentionRule { keep_last: Some(3), ..RetentionRule::default() };
        assert_eq!(deletes(&rule), "all names: all but the newest 3 of each name deleted");
        let rule = RetentionRule {
            format: "pypi".into(),
            names: vec!["acme-*".into()],
            versions: vec!["*.dev*".into()],
            keep_tags: vec!["stable".into()],
            keep_last: Some(1),
            max_age_days: Some(1),
            unused_days: Some(30),
            max_bytes: Some(1 << 30),
            ..RetentionRule::default()
        };
        assert_eq!(
            deletes(&rule),
            "pypi: acme-*, versions *.dev*: deleted after 1 day; deleted when nobody downloaded it for 30 days; the oldest \
             deleted until at most 1.0 GiB are left; the newest 1 of each name stay; what is tagged stable stays"
        );
    }

    #[test]
    fn a_query_alone_deletes_what_it_finds() {
        let rule = RetentionRule { query: "state:quarantined".into(), ..RetentionRule::default() };
        assert_eq!(deletes(&rule), "all names that fit state:quarantined: all deleted");
        let rule = PromotionRule { query: "downloads:>9".into(), target: "release".into(), ..PromotionRule::default() };
        let line = promotion(&[rule]).remove(0);
        assert_eq!(line.words, "all names that fit downloads:>9: copied to release");
    }

    #[test]
    fn tags_are_told_with_their_patterns() {
        let set = |immutable_tags, patterns: &[&str]| Settings {
            immutable_tags,
            immutable_tag_patterns: patterns.iter().map(|p| (*p).to_owned()).collect(),
            ..Settings::default()
        };
        assert_eq!(tags(&set(false, &[])), "may move");
        assert_eq!(tags(&set(true, &["!latest"])), "stay where they are set; patterns: !latest");
        assert_eq!(tags(&set(false, &["v*"])), "may move, except as the patterns say: v*");
    }
}
