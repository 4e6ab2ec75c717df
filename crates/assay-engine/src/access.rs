//! Tokens: issued once in the clear, stored hashed, known by their hash.

use crate::{Engine, matching::decide_jobs};
use assay_model::{
    access::{Caller, Permission, Token},
    event::NewEvent,
    package::PackageId,
    policy::FactKind,
    problem::{Kind, Problem},
    repository::{Repository, RepositoryId, Settings, check_name},
    seam::meta::{self, PackageFilter, Tx},
    work::Lane,
};
use jiff::Timestamp;
use serde_json::json;
use sha2::Digest as _;
use std::{collections::BTreeMap, sync::Arc};

const PREFIX: &str = "assay_";

/// SHA-256 of a secret.
pub(crate) type SecretHash = [u8; 32];

/// A new token with its secret, which is never shown again.
#[derive(Debug)]
pub struct IssuedToken {
    /// As stored.
    pub token: Token,
    /// What the client sends.
    pub secret: String,
}

/// `n` random bytes from the operating system, in hex.
pub(crate) fn random_hex(n: usize) -> Result<String, Problem> {
    let mut bytes = vec![0_u8; n];
    getrandom::fill(&mut bytes).map_err(|e| Problem::internal("the system gives no random bytes", e.to_string()))?;
    Ok(hex::encode(bytes))
}

fn hash(secret: &str) -> SecretHash {
    sha2::Sha256::digest(secret.as_bytes()).into()
}

/// Compares without telling by time how much was equal.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0_u8, |diff, (x, y)| diff | (x ^ y)) == 0
}

/// Identity of a token whose whole secret an operator chose.
fn chosen_id(secret: &str) -> String {
    format!("x{}", hex::encode(hash(&format!("id:{secret}")).get(..8).unwrap_or_default()))
}

fn id_in(secret: &str) -> String {
    match secret.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')) {
        Some((id, _)) if !id.is_empty() => id.to_owned(),
        _ => chosen_id(secret),
    }
}

impl Engine {
    /// Who presents this secret.
    ///
    /// # Errors
    /// `Unauthenticated` when it is wrong, revoked or expired.
    pub async fn identify(&self, secret: &str) -> Result<Caller, Problem> {
        let refused = || {
            Problem::new(
                Kind::Unauthenticated,
                "bad-token",
                "the token is wrong, revoked or expired; ask an administrator for a new one",
            )
        };
        let hash = hash(secret);
        self.be_current().await?;
        let token = match self.secrets.get(&hash) {
            Some(token) => token,
            None => self.look_up(secret, &hash).await?.ok_or_else(refused)?,
        };
        let valid = token.expires_at.is_none_or(|end| end > self.now());
        if valid { Ok(Caller::Token(token)) } else { Err(refused()) }
    }

    /// The token with this secret. Kept by the hash of the whole secret, so that what is found there was proved before;
    /// only secrets that are right are kept.
    async fn look_up(&self, secret: &str, hash: &SecretHash) -> Result<Option<Arc<Token>>, Problem> {
        let epoch = self.notices.epoch();
        let id = id_in(secret);
        let Some(token) = meta::read(self.meta(), move |tx| tx.token(&id)).await? else { return Ok(None) };
        let stored = hex::decode(&token.hash).map_err(|e| Problem::internal("a stored token is damaged", e))?;
        if !same(&stored, hash) {
            return Ok(None);
        }
        let token = Arc::new(token);
        let unchanged = || self.notices.epoch() == epoch;
        self.secrets.insert_if(*hash, token.clone(), unchanged);
        self.tokens.insert_if(token.id.clone(), token.clone(), unchanged);
        Ok(Some(token))
    }

    /// The caller behind a token's id, for credentials that were derived from it.
    ///
    /// # Errors
    /// `Unauthenticated` when it is revoked or expired.
    pub async fn known_token(&self, id: &str) -> Result<Caller, Problem> {
        let wanted = id.to_owned();
        self.be_current().await?;
        let token = match self.tokens.get(id) {
            Some(known) => Some(known),
            None => meta::read(self.meta(), move |tx| tx.token(&wanted)).await?.map(Arc::new),
        };
        token
            .filter(|t| t.expires_at.is_none_or(|end| end > self.now()))
            .map(Caller::Token)
            .ok_or_else(|| Problem::new(Kind::Unauthenticated, "bad-token", "the token is revoked or expired"))
    }

    /// The key that signs short-lived credentials: made once for the installation.
    ///
    /// # Errors
    /// From the store.
    pub async fn signing_key(&self) -> Result<Vec<u8>, Problem> {
        let fresh = random_hex(32)?;
        let kept = meta::write(self.meta(), move |tx| tx.setting_or("signing-key", &fresh)).await?;
        hex::decode(kept).map_err(|e| Problem::internal("the stored signing key is damaged", e))
    }

    /// Issues a token.
    ///
    /// # Errors
    /// `Forbidden` unless the caller is an administrator.
    pub async fn issue_token(
        &self,
        caller: &Caller,
        name: &str,
        permission: Permission,
        repositories: Vec<String>,
        expires_at: Option<Timestamp>,
    ) -> Result<IssuedToken, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let id = random_hex(6)?;
        let secret = format!("{PREFIX}{id}_{}", random_hex(20)?);
        self.add_token(caller, id, &secret, name, permission, repositories, expires_at).await
    }

    /// Makes sure that a secret chosen by the operator is an administrator's token. Other chosen ones stay.
    ///
    /// # Errors
    /// When it is too short to be a secret.
    pub async fn ensure_admin_token(&self, secret: &str) -> Result<(), Problem> {
        if secret.len() < 8 {
            return Err(Problem::invalid("weak-token", "the admin token must have at least 8 characters"));
        }
        let id = id_in(secret);
        let wanted = id.clone();
        if meta::read(self.meta(), move |tx| tx.token(&wanted)).await?.is_some() {
            return Ok(());
        }
        self.add_token(&Caller::System, id, secret, "admin", Permission::Admin, vec![], None).await.map(|_| ())
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one row, from two callers")]
    async fn add_token(
        &self,
        caller: &Caller,
        id: String,
        secret: &str,
        name: &str,
        permission: Permission,
        repositories: Vec<String>,
        expires_at: Option<Timestamp>,
    ) -> Result<IssuedToken, Problem> {
        if name.is_empty() || name.len() > 100 {
            return Err(Problem::invalid("bad-token-name", "a token needs a name of 1 to 100 characters"));
        }
        let token = Token {
            id,
            name: name.to_owned(),
            hash: hex::encode(hash(secret)),
            permission,
            repositories,
            created_at: self.now(),
            expires_at,
        };
        let (kept, actor) = (token.clone(), caller.name().to_owned());
        meta::write(self.meta(), move |tx| {
            tx.add_token(&kept)?;
            let body = json!({"name": kept.name, "permission": kept.permission, "repositories": kept.repositories, "expires_at": kept.expires_at});
            let subject = kept.id.clone();
            tx.append_event(&NewEvent { at: kept.created_at, kind: "token.issued", actor: actor.clone(), subject, body })
        })
        .await?;
        self.notice().await?;
        Ok(IssuedToken { token, secret: secret.to_owned() })
    }

    /// All tokens, without their hashes.
    ///
    /// # Errors
    /// `Forbidden` unless the caller is an administrator.
    pub async fn tokens(&self, caller: &Caller) -> Result<Vec<Token>, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        meta::read(self.meta(), |tx| tx.tokens()).await
    }

    /// Ends a token at once.
    ///
    /// # Errors
    /// `NotFound`, or `Forbidden` unless the caller is an administrator.
    pub async fn revoke_token(&self, caller: &Caller, id: &str) -> Result<(), Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let (id, at, actor) = (id.to_owned(), self.now(), caller.name().to_owned());
        meta::write(self.meta(), move |tx| {
            if !tx.revoke_token(&id)? {
                return Err(Problem::not_found(format!("there is no token `{id}`")));
            }
            let (actor, subject) = (actor.clone(), id.clone());
            tx.append_event(&NewEvent { at, kind: "token.revoked", actor, subject, body: json!({}) })
        })
        .await?;
        self.notice().await
    }

    /// Makes a repository.
    ///
    /// # Errors
    /// `Conflict` when the name is taken, `Invalid` when it cannot be one.
    pub async fn create_repository(
        &self,
        caller: &Caller,
        name: &str,
        settings: Settings,
    ) -> Result<Repository, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        check_name(name)?;
        settings.check()?;
        self.check_members(name, &settings).await?;
        let (name, at, actor) = (name.to_owned(), self.now(), caller.name().to_owned());
        let made = meta::write(self.meta(), move |tx| {
            let made = tx.create_repository(&name, &settings, at)?;
            let (actor, subject, body) = (actor.clone(), name.clone(), json!({"settings": settings}));
            tx.append_event(&NewEvent { at, kind: "repository.created", actor, subject, body })?;
            Ok(made)
        })
        .await?;
        self.notice().await?;
        Ok(made)
    }

    /// Changes a repository's settings.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn update_repository(
        self: &Arc<Self>,
        caller: &Caller,
        name: &str,
        settings: Settings,
    ) -> Result<(), Problem> {
        let repository = self.repository(caller, name, Permission::Admin).await?;
        settings.check()?;
        self.check_members(name, &settings).await?;
        let (at, actor, subject) = (self.now(), caller.name().to_owned(), name.to_owned());
        let engine = self.clone();
        meta::write(self.meta(), move |tx| {
            tx.update_repository(repository.id, &settings)?;
            if told(&repository.settings) != told(&settings)
                && engine.rules(tx)?.reads().contains(&FactKind::Repository)
            {
                decide_all_of(tx, repository.id, &format!("repository {subject} changed"), at)?;
            }
            let (actor, subject, body) = (actor.clone(), subject.clone(), json!({"settings": settings}));
            tx.append_event(&NewEvent { at, kind: "repository.updated", actor, subject, body })
        })
        .await?;
        self.notice().await
    }

    /// Repositories that the caller may read.
    ///
    /// # Errors
    /// From the store.
    pub async fn readable_repositories(&self, caller: &Caller) -> Result<Vec<Repository>, Problem> {
        let all = meta::read(self.meta(), |tx| tx.repositories()).await?;
        Ok(all.into_iter().filter(|r| caller.require(Permission::Read, r).is_ok()).collect())
    }
}

/// What policies read of a repository's settings.
fn told(settings: &Settings) -> (&str, bool, &BTreeMap<String, String>) {
    (&settings.description, settings.anonymous_read, &settings.labels)
}

/// Asks for decisions about every package of a repository.
fn decide_all_of(tx: &mut dyn Tx, repository: RepositoryId, cause: &str, due: Timestamp) -> Result<(), Problem> {
    const PAGE: usize = 2000;
    let mut filter = PackageFilter { repositories: Some(vec![repository]), limit: PAGE, ..PackageFilter::default() };
    loop {
        let ids: Vec<PackageId> = tx.list_packages(&filter)?.iter().map(|package| package.id).collect();
        tx.enqueue(&decide_jobs(&ids, Lane::Change, cause, due))?;
        filter.before = ids.last().copied();
        if ids.len() < PAGE {
            return Ok(());
        }
    }
}
