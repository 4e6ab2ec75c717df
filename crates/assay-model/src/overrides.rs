//! What people say of single packages beside policies: corrected licences, and approvals that policies ask for. An
//! operator's word on the state itself is [`Override`](crate::package::Override).

use crate::package::PackageId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The licence of a package as an operator knows it; wins over what its publisher declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseCorrection {
    /// SPDX expression.
    pub expression: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub author: String,
    /// When.
    pub at: Timestamp,
}

/// How far a request for approval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStatus {
    /// Nobody answered yet.
    Requested,
    /// The package is let through.
    Approved,
    /// It stays held.
    Refused,
    /// The policy no longer asks.
    Withdrawn,
    /// An approval came to its end; the policy asks again.
    Expired,
}

impl ApprovalStatus {
    /// The word, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }
    /// The status of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Requested, Self::Approved, Self::Refused, Self::Withdrawn, Self::Expired]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// A request of a policy that somebody approve a package; at most one per package and policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Which package.
    pub package: PackageId,
    /// Slug of the policy that asks.
    pub policy: String,
    /// How far it is.
    pub status: ApprovalStatus,
    /// Why it was approved or refused; empty before.
    pub reason: String,
    /// Who approved or refused it; empty before.
    pub author: String,
    /// When the approval ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When the policy asked first.
    pub requested_at: Timestamp,
    /// When the status last changed.
    pub changed_at: Timestamp,
}

impl Approval {
    /// Whether it lets the package through at that moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.status == ApprovalStatus::Approved && self.expires_at.is_none_or(|end| end > now)
    }
}
