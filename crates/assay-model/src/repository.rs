//! A repository: a named, access-controlled place that serves many formats at once.

use crate::problem::Problem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// Whether callers without a token may read. Off by default.
    pub anonymous_read: bool,
    /// Seconds a pull waits for an undecided package before the client is told to try again later.
    pub hold_seconds: u32,
    /// Whether a tag, once set, may point elsewhere.
    pub immutable_tags: bool,
    /// Names that are never taken from an upstream: patterns with `*`.
    pub reserved: Vec<String>,
    /// Names of the repositories that this one is composed of, in order; empty for one that holds packages itself.
    pub members: Vec<String>,
    /// The member that takes what is published to a composed repository; empty for none.
    pub push_to: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            description: String::new(),
            anonymous_read: false,
            hold_seconds: 30,
            immutable_tags: false,
            reserved: Vec::new(),
            members: Vec::new(),
            push_to: String::new(),
        }
    }
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
