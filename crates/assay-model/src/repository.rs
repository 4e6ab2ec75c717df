//! A repository: a named, access-controlled place that serves many formats at once.

use crate::{
    glob,
    keeping::{self, PromotionRule, RetentionRule},
    problem::Problem,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Row identity of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RepositoryId(pub i64);

/// A repository as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    /// Identity.
    pub id: RepositoryId,
    /// Name in URLs; see [`check_name`].
    pub name: String,
    /// What an administrator can change.
    pub settings: Settings,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What an administrator can change about a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Shown on the web page and in policies.
    pub description: String,
    /// For policies: names and values that say what the repository is for (`stage: production`).
    pub labels: BTreeMap<String, String>,
    /// Whether callers without a token may read. Off by default.
    pub anonymous_read: bool,
    /// Seconds a pull waits for an undecided package before the client is told to try again later.
    pub hold_seconds: u32,
    /// Whether a tag, once set, may not point elsewhere nor be removed.
    pub immutable_tags: bool,
    /// Names that are never taken from an upstream: patterns with `*`.
    pub reserved: Vec<String>,
    /// Names of the repositories that this one is composed of, in order; empty for one that holds packages itself.
    pub members: Vec<String>,
    /// The member that takes what is published to a composed repository; empty for none.
    pub push_to: String,
    /// Patterns of tags that are immutable, whatever `immutable_tags` says; those that begin with `!` never are.
    pub immutable_tag_patterns: Vec<String>,
    /// Whether what is published may be neither replaced nor deleted, except by administrators.
    pub immutable: bool,
    /// Days that deleted packages can be restored; 0 deletes at once.
    pub trash_days: u32,
    /// Bytes that its packages may have; 0 means any number.
    pub quota_bytes: u64,
    /// How many packages it may have; 0 means any number.
    pub quota_packages: u64,
    /// Percentages of a quota that are logged when they are passed.
    pub quota_warn_percent: Vec<u8>,
    /// What is deleted by itself.
    pub retention: Vec<RetentionRule>,
    /// What is copied or moved elsewhere by itself.
    pub promotion: Vec<PromotionRule>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            description: String::new(),
            labels: BTreeMap::new(),
            anonymous_read: false,
            hold_seconds: 30,
            immutable_tags: false,
            reserved: Vec::new(),
            members: Vec::new(),
            push_to: String::new(),
            immutable_tag_patterns: Vec::new(),
            immutable: false,
            trash_days: 14,
            quota_bytes: 0,
            quota_packages: 0,
            quota_warn_percent: vec![80, 95],
            retention: Vec::new(),
            promotion: Vec::new(),
        }
    }
}

impl Settings {
    /// Whether this tag may neither point elsewhere nor be removed.
    pub fn fixes_tag(&self, tag: &str) -> bool {
        let excepted = |p: &String| p.strip_prefix('!').is_some_and(|p| glob::matches(p, tag));
        if self.immutable_tag_patterns.iter().any(excepted) {
            return false;
        }
        self.immutable_tags || glob::any(&self.immutable_tag_patterns, tag)
    }

    /// Checks what is not right by type alone.
    ///
    /// # Errors
    /// Saying what is wrong.
    pub fn check(&self) -> Result<(), Problem> {
        keeping::check_patterns(&self.immutable_tag_patterns)?;
        check_labels(&self.labels)?;
        keeping::check_retention(&self.retention)?;
        keeping::check_promotion(&self.promotion)?;
        if self.quota_warn_percent.len() > 10 || self.quota_warn_percent.iter().any(|p| *p == 0 || *p > 100) {
            return Err(Problem::invalid("bad-settings", "quota_warn_percent has at most ten numbers from 1 to 100"));
        }
        if self.trash_days > 3650 {
            return Err(Problem::invalid("bad-settings", "trash_days is at most 3650"));
        }
        Ok(())
    }
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    let named = |name: &str| (1..=63).contains(&name.len()) && name.chars().all(plain);
    let held = |value: &str| value.chars().count() <= 256 && !value.chars().any(char::is_control);
    if labels.len() > 64 || !labels.iter().all(|(name, value)| named(name) && held(value)) {
        return Err(Problem::invalid(
            "bad-settings",
            "labels are at most 64, with names of 1 to 63 of a-z A-Z 0-9 . _ - / and values of at most 256 characters",
        ));
    }
    Ok(())
}

/// Checks a repository name: 1 to 64 of `a-z0-9._-`, beginning with a letter or digit. Such a name is also a valid
/// first component of an OCI repository name.
///
/// # Errors
/// When the name breaks the rule.
pub fn check_name(name: &str) -> Result<(), Problem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ok = (1..=64).contains(&name.len())
        && name.bytes().all(|b| plain(b) || matches!(b, b'.' | b'_' | b'-'))
        && name.bytes().next().is_some_and(plain)
        && name.bytes().last().is_some_and(plain)
        && !name.contains("..");
    if ok {
        Ok(())
    } else {
        Err(Problem::invalid(
            "bad-repository-name",
            format!(
                "`{name}` cannot name a repository; use 1 to 64 of a-z 0-9 . _ - and begin and end with a letter or digit"
            ),
        ))
    }
}
