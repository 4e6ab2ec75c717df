//! Who calls and what they may do. Tokens are stored hashed; checking a secret is the HTTP edge's work.

use crate::{
    problem::{Kind, Problem},
    repository::Repository,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a caller may do, in rising order; each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Pull, list, explain.
    Read,
    /// Push, delete what one may push.
    Write,
    /// Everything, including settings, policies and tokens.
    Admin,
}

impl Permission {
    /// The permission of that name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "read" => Some(Self::Read),
            "write" => Some(Self::Write),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
    /// Lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// A token as stored: never the secret, only its SHA-256.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Public identity, part of the secret's text.
    pub id: String,
    /// For people.
    pub name: String,
    /// SHA-256 of the secret, hex.
    #[serde(skip_serializing, default)]
    pub hash: String,
    /// What it allows.
    pub permission: Permission,
    /// Names of the repositories it is good for; empty means all.
    pub repositories: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq)]
pub enum Caller {
    /// No credentials were given.
    Anonymous,
    /// A valid token; shared, because every request has a caller.
    Token(Arc<Token>),
    /// Assay itself or the operator at its command line.
    System,
}

impl Caller {
    /// The name that the event log shows.
    pub fn name(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Token(token) => &token.name,
            Self::System => "system",
        }
    }
    /// What the caller may do in `repository`, if anything.
    pub fn permission_in(&self, repository: &Repository) -> Option<Permission> {
        match self {
            Self::System => Some(Permission::Admin),
            Self::Token(t) if t.repositories.is_empty() || t.repositories.contains(&repository.name) => {
                Some(t.permission)
            }
            _ => repository.settings.anonymous_read.then_some(Permission::Read),
        }
    }
    /// Checks that the caller may do `needed` in `repository`.
    ///
    /// # Errors
    /// `Unauthenticated` when credentials could help, `Forbidden` when they cannot.
    pub fn require(&self, needed: Permission, repository: &Repository) -> Result<(), Problem> {
        if self.permission_in(repository).is_some_and(|has| has >= needed) {
            return Ok(());
        }
        Err(self.denied(needed, &repository.name))
    }
    /// Checks that the caller may do `needed` everywhere: workspace-wide operations.
    ///
    /// # Errors
    /// As [`Caller::require`].
    pub fn require_everywhere(&self, needed: Permission) -> Result<(), Problem> {
        match self {
            Self::System => Ok(()),
            Self::Token(t) if t.repositories.is_empty() && t.permission >= needed => Ok(()),
            _ => Err(self.denied(needed, "all repositories")),
        }
    }
    /// The problem of a caller who may not do `needed` in `place`.
    pub fn denied(&self, needed: Permission, place: &str) -> Problem {
        let needed = needed.as_str();
        match self {
            Self::Anonymous => Problem::new(
                Kind::Unauthenticated,
                "unauthenticated",
                format!("authentication required: `{needed}` on {place} needs a token"),
            ),
            _ => Problem::new(
                Kind::Forbidden,
                "forbidden",
                format!("token `{}` lacks `{needed}` on {place}", self.name()),
            ),
        }
    }
}
