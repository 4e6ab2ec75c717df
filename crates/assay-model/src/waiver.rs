//! A waiver: an exception with a scope, a reason, an author and an end. One that names vulnerabilities takes findings out
//! of what policies see; one that names policies alone takes their verdicts about whole packages back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// Identity of a waiver, unique in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WaiverId(pub String);

impl fmt::Display for WaiverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a waiver is about. An empty part does not restrict; at least vulnerabilities or policies are named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WaiverScope {
    /// Ids of vulnerabilities; any alias of a finding counts.
    pub vulnerabilities: BTreeSet<String>,
    /// Which components (with vulnerabilities) or packages (without).
    pub packages: Vec<PackageRange>,
    /// Names of repositories, with `*`.
    pub repositories: Vec<String>,
    /// Slugs of the policies that it holds against.
    pub policies: BTreeSet<String>,
}

/// Versions of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PackageRange {
    /// Package URL; with a version only that one.
    pub purl: String,
    /// Which versions, in the native notation of [`vers`](https://github.com/package-url/vers-spec) constraints
    /// (`>=1.2|<1.4`); empty for all.
    pub versions: String,
}

/// How far a waiver is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaiverStatus {
    /// Waits for an approver.
    Requested,
    /// In force until it ends.
    Active,
    /// An approver said no.
    Refused,
    /// Ended by hand.
    Revoked,
    /// Ended by itself.
    Expired,
}

impl WaiverStatus {
    /// The word, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Refused => "refused",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
    /// The status of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Requested, Self::Active, Self::Refused, Self::Revoked, Self::Expired]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// A waiver as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Identity.
    pub id: WaiverId,
    /// What it is about.
    pub scope: WaiverScope,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub author: String,
    /// Who approved or refused it, where that was needed.
    pub approver: Option<String>,
    /// How far it is.
    pub status: WaiverStatus,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When its status last changed.
    pub changed_at: Timestamp,
}

impl Waiver {
    /// Whether it is in force at that moment.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.status == WaiverStatus::Active && now < self.expires_at
    }
    /// Whether it takes findings away, rather than verdicts about whole packages.
    pub fn is_about_findings(&self) -> bool {
        !self.scope.vulnerabilities.is_empty()
    }
}
