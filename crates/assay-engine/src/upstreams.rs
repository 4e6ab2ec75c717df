//! Upstreams as an administrator configures them: added, changed, removed, and asked once to see whether they answer. How
//! they are taken from is in `upstream/`. Secrets go in and never come out.

use crate::{Engine, upstream::UpstreamHealth};
use assay_model::{
    access::{Caller, Permission},
    event::NewEvent,
    problem::{Kind, Problem},
    repository::Repository,
    seam::{
        meta::{self, Tx},
        upstream::{Answered, Ask},
    },
    upstream::{NewUpstream, Secrets, Upstream, UpstreamSettings, check_name},
};
use serde::Serialize;
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Longest time that a check waits, in seconds, whatever the upstream's own time-out.
const CHECK: u64 = 60;

/// An upstream as an administrator wants it.
#[derive(Clone, Debug)]
pub struct UpstreamDraft {
    /// Id of the format that it speaks.
    pub format: String,
    /// Name, unique in the repository.
    pub name: String,
    /// Asked in rising order.
    pub priority: i32,
    /// Address and rules.
    pub settings: UpstreamSettings,
    /// Credentials.
    pub secrets: Secrets,
}

/// What is to change; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct UpstreamChange {
    /// Its place in the order.
    pub priority: Option<i32>,
    /// Address and rules, all of them.
    pub settings: Option<UpstreamSettings>,
    /// Credentials in place of those that are kept; empty ones take them away.
    pub secrets: Option<Secrets>,
}

/// An upstream as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct UpstreamRow {
    /// As stored.
    #[serde(flatten)]
    pub upstream: Upstream,
    /// Whether credentials are kept for it.
    pub has_secrets: bool,
    /// How it fares, as this node saw it.
    pub health: UpstreamHealth,
}

/// What an upstream said when it was asked once.
#[derive(Clone, Debug, Serialize)]
pub struct UpstreamCheck {
    /// The address that was asked.
    pub address: String,
    /// Whether it answers, and lets us in.
    pub ok: bool,
    /// HTTP status; none where nobody answered.
    pub status: Option<u16>,
    /// In words.
    pub message: String,
    /// Milliseconds until the answer began.
    pub milliseconds: u64,
}

impl Engine {
    /// Upstreams of a repository in the order in which they are asked.
    ///
    /// # Errors
    /// `NotFound`, or `Forbidden` unless the caller administers the repository.
    pub async fn list_upstreams(&self, caller: &Caller, repository: &str) -> Result<Vec<UpstreamRow>, Problem> {
        let id = self.repository(caller, repository, Permission::Admin).await?.id;
        let kept = meta::read(self.meta(), move |tx| {
            let all = tx.upstreams(id)?;
            all.into_iter().map(|upstream| kept(tx, upstream)).collect::<Result<Vec<_>, _>>()
        });
        Ok(kept.await?.into_iter().map(|kept| self.row(kept)).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// As [`Engine::list_upstreams`].
    pub async fn show_upstream(&self, caller: &Caller, repository: &str, name: &str) -> Result<UpstreamRow, Problem> {
        let home = self.repository(caller, repository, Permission::Admin).await?;
        let name = name.to_owned();
        let kept = meta::read(self.meta(), move |tx| {
            let upstream = find(tx, &home, &name)?;
            kept(tx, upstream)
        });
        Ok(self.row(kept.await?))
    }

    /// Adds one.
    ///
    /// # Errors
    /// `Invalid` where the settings do not fit, `Conflict` where the name is taken; as [`Engine::list_upstreams`].
    pub async fn add_upstream(
        &self,
        caller: &Caller,
        repository: &str,
        draft: UpstreamDraft,
    ) -> Result<UpstreamRow, Problem> {
        let home = self.repository(caller, repository, Permission::Admin).await?;
        let UpstreamDraft { format, name, priority, mut settings, secrets } = draft;
        check_name(&name)?;
        self.check_takes(&format)?;
        settings.url = settings.url.trim_end_matches('/').to_owned();
        self.check_settings(caller, None, &settings)?;
        check_secrets(&secrets)?;
        let sealed = self.parts.vault.seal(&secrets)?;
        let (at, actor) = (self.now(), caller.name().to_owned());
        let new = NewUpstream { repository: home.id, format, name, priority, settings };
        let made = meta::write(self.meta(), move |tx| {
            let made = tx.add_upstream(&new)?;
            tx.put_upstream_secrets(made.id, &sealed)?;
            tx.append_event(&NewEvent {
                at,
                kind: "upstream.created",
                actor: actor.clone(),
                subject: subject(&home, &made.name),
                body: told(&made, !sealed.is_empty()),
            })?;
            kept(tx, made)
        })
        .await?;
        self.notice().await?;
        Ok(self.row(made))
    }

    /// Changes one. What it said so far is forgotten where its address changes; the digests seen first stay.
    ///
    /// # Errors
    /// As [`Engine::add_upstream`]; `Invalid` also where credentials would go to another host than the one they were
    /// given for.
    pub async fn change_upstream(
        &self,
        caller: &Caller,
        repository: &str,
        name: &str,
        mut change: UpstreamChange,
    ) -> Result<UpstreamRow, Problem> {
        let home = self.repository(caller, repository, Permission::Admin).await?;
        let before = self.show_upstream(caller, repository, name).await?;
        if let Some(settings) = &mut change.settings {
            settings.url = settings.url.trim_end_matches('/').to_owned();
            self.check_settings(caller, Some(&before.upstream.settings), settings)?;
        }
        if let Some(secrets) = &change.secrets {
            check_secrets(secrets)?;
        }
        let sealed = change.secrets.as_ref().map(|secrets| self.parts.vault.seal(secrets)).transpose()?;
        let (at, actor, name) = (self.now(), caller.name().to_owned(), name.to_owned());
        let changed = meta::write(self.meta(), move |tx| {
            let before = find(tx, &home, &name)?;
            let priority = change.priority.unwrap_or(before.priority);
            let settings = change.settings.clone().unwrap_or_else(|| before.settings.clone());
            let kept = !tx.upstream_secrets(before.id)?.is_empty();
            if kept && sealed.is_none() && origin(&before.settings.url) != origin(&settings.url) {
                return Err(Problem::invalid(
                    "secrets-of-another",
                    "the address changes to another host than the credentials were given for; give them again, or take them away",
                ));
            }
            if before.settings.url != settings.url {
                tx.forget_remote_documents(before.id)?;
            }
            tx.update_upstream(before.id, priority, &settings)?;
            if let Some(sealed) = &sealed {
                tx.put_upstream_secrets(before.id, sealed)?;
            }
            let after = Upstream { priority, settings, ..before };
            let has_secrets = sealed.as_ref().map_or(kept, |sealed| !sealed.is_empty());
            let mut body = told(&after, has_secrets);
            body["secrets_changed"] = json!(sealed.is_some());
            let (actor, subject) = (actor.clone(), subject(&home, &name));
            tx.append_event(&NewEvent { at, kind: "upstream.updated", actor, subject, body })?;
            Ok((after, has_secrets))
        })
        .await?;
        self.notice().await?;
        Ok(self.row(changed))
    }

    /// Removes one with all that is kept of it; what was taken from it stays.
    ///
    /// # Errors
    /// As [`Engine::list_upstreams`].
    pub async fn remove_upstream(&self, caller: &Caller, repository: &str, name: &str) -> Result<(), Problem> {
        let home = self.repository(caller, repository, Permission::Admin).await?;
        let (at, actor, name) = (self.now(), caller.name().to_owned(), name.to_owned());
        meta::write(self.meta(), move |tx| {
            let upstream = find(tx, &home, &name)?;
            tx.delete_upstream(upstream.id)?;
            let (actor, subject) = (actor.clone(), subject(&home, &name));
            let body = json!({"format": upstream.format, "url": upstream.settings.url});
            tx.append_event(&NewEvent { at, kind: "upstream.deleted", actor, subject, body })
        })
        .await?;
        self.notice().await
    }

    /// Lets other bytes come under a path whose digest is pinned.
    ///
    /// # Errors
    /// `NotFound` also where nothing is pinned there; as [`Engine::list_upstreams`].
    pub async fn unpin_upstream(
        &self,
        caller: &Caller,
        repository: &str,
        name: &str,
        package: &str,
        path: &str,
    ) -> Result<(), Problem> {
        let home = self.repository(caller, repository, Permission::Admin).await?;
        let (at, actor, name) = (self.now(), caller.name().to_owned(), name.to_owned());
        let (package, path) = (package.to_owned(), path.to_owned());
        meta::write(self.meta(), move |tx| {
            let upstream = find(tx, &home, &name)?;
            let pinned = tx.pinned(upstream.id, &package, &path)?;
            let Some((digest, _)) = pinned else {
                return Err(Problem::not_found(format!("nothing is pinned for `{path}` of `{package}`")));
            };
            tx.unpin(upstream.id, &package, &path)?;
            let (actor, subject) = (actor.clone(), subject(&home, &name));
            let body = json!({"name": package, "path": path, "digest": digest});
            tx.append_event(&NewEvent { at, kind: "upstream.unpinned", actor, subject, body })
        })
        .await?;
        self.notice().await
    }

    /// Asks an upstream once, without any cache, and says what it answered.
    ///
    /// # Errors
    /// As [`Engine::list_upstreams`]; an upstream that does not answer is no error, but an outcome.
    pub async fn check_upstream(
        &self,
        caller: &Caller,
        repository: &str,
        name: &str,
    ) -> Result<UpstreamCheck, Problem> {
        let home = self.repository(caller, repository, Permission::Admin).await?;
        let name = name.to_owned();
        let (upstream, sealed) = meta::read(self.meta(), move |tx| {
            let upstream = find(tx, &home, &name)?;
            let sealed = tx.upstream_secrets(upstream.id)?;
            Ok((upstream, sealed))
        })
        .await?;
        let remote = self.check_takes(&upstream.format)?;
        let secrets = self.parts.vault.open(&sealed)?;
        let address = remote.greeting(upstream.settings.url.trim_end_matches('/'));
        let ask = Ask {
            url: &address,
            accept: "",
            compressed: true,
            etag: None,
            modified: None,
            settings: &upstream.settings,
            secrets: &secrets,
        };
        let began = Instant::now();
        let answered = tokio::time::timeout(Duration::from_secs(CHECK), self.parts.transport.ask(ask)).await;
        let answered = answered.unwrap_or_else(|_| {
            Err(Problem::new(Kind::Upstream, "no-answer", format!("no answer within {CHECK} seconds")))
        });
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (ok, status, message) = match answered {
            Ok(answered) => verdict(&answered),
            Err(problem) => (false, None, problem.message),
        };
        Ok(UpstreamCheck { address, ok, status, message, milliseconds })
    }

    fn row(&self, (upstream, has_secrets): (Upstream, bool)) -> UpstreamRow {
        UpstreamRow { health: self.upstream_health(upstream.id), upstream, has_secrets }
    }

    pub(crate) fn check_takes(
        &self,
        format: &str,
    ) -> Result<&'static dyn assay_model::seam::upstream::Remote, Problem> {
        self.format(format).and_then(|known| known.remote()).ok_or_else(|| {
            let can: Vec<&str> = self.formats().iter().filter(|f| f.remote().is_some()).map(|f| f.spec().id).collect();
            let can = can.join(", ");
            Problem::invalid("bad-format", format!("upstreams of format `{format}` are not known; known are: {can}"))
        })
    }

    /// Private networks are the installation's matter, not one repository's: its own administrators may not open them.
    pub(crate) fn check_settings(
        &self,
        caller: &Caller,
        before: Option<&UpstreamSettings>,
        settings: &UpstreamSettings,
    ) -> Result<(), Problem> {
        settings.check()?;
        let private = |settings: &UpstreamSettings| (settings.allow_private, settings.url.clone());
        if settings.allow_private && before.map(private) != Some(private(settings)) {
            caller.require_everywhere(Permission::Admin).map_err(|problem| {
                Problem::new(problem.kind, problem.code, format!("{}, which `allow_private` needs", problem.message))
            })?;
        }
        self.parts.transport.check(settings)
    }
}

/// Limits on what is kept, and what a header can carry.
pub(crate) fn check_secrets(secrets: &Secrets) -> Result<(), Problem> {
    let wrong = |message: &str| Err(Problem::invalid("bad-secrets", message));
    let fits = |text: &str| text.len() <= 16 << 10 && !text.bytes().any(|b| b.is_ascii_control());
    let values = [&secrets.username, &secrets.password, &secrets.token];
    if secrets.headers.len() > 20 || !values.into_iter().chain(secrets.headers.values()).all(|value| fits(value)) {
        return wrong("credentials are at most 16 KiB each, without control characters, and at most 20 headers");
    }
    if secrets.username.contains(':') {
        return wrong("a user name has no colon");
    }
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    for name in secrets.headers.keys() {
        if name.is_empty() || name.len() > 100 || !name.bytes().all(is_token) {
            return wrong("a header of an upstream has a name that no header can have");
        }
        if ["host", "content-length", "transfer-encoding", "connection"].contains(&name.to_lowercase().as_str()) {
            return Err(Problem::invalid(
                "bad-secrets",
                format!("the header `{name}` is set by the connection itself"),
            ));
        }
    }
    Ok(())
}

/// Scheme, host and port of an address that was checked.
fn origin(url: &str) -> String {
    let path = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(path..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| path + at);
    url.get(..end).unwrap_or_default().to_ascii_lowercase()
}

fn verdict(answered: &Answered) -> (bool, Option<u16>, String) {
    let (ok, words) = match answered.status {
        200..=299 | 304 => (true, "it answers".to_owned()),
        // many registries have nothing to show at their own address
        404 => (true, "it answers, and has nothing under its own address".to_owned()),
        401 | 403 => (false, "it wants other credentials".to_owned()),
        407 => (false, "a proxy on the way wants credentials".to_owned()),
        429 => (false, "it asks to be left alone for a while".to_owned()),
        status => (status < 500, format!("it answers with status {status}")),
    };
    (ok, Some(answered.status), words)
}

fn subject(repository: &Repository, name: &str) -> String {
    format!("{}/upstreams/{name}", repository.name)
}

/// What the log says of an upstream: nothing that is secret.
fn told(upstream: &Upstream, has_secrets: bool) -> serde_json::Value {
    json!({
        "format": upstream.format,
        "priority": upstream.priority,
        "settings": upstream.settings,
        "has_secrets": has_secrets,
    })
}

fn find(tx: &mut dyn Tx, repository: &Arc<Repository>, name: &str) -> Result<Upstream, Problem> {
    tx.upstream(repository.id, name)?
        .ok_or_else(|| Problem::not_found(format!("`{}` has no upstream `{name}`", repository.name)))
}

/// An upstream, and whether credentials are kept for it.
fn kept(tx: &mut dyn Tx, upstream: Upstream) -> Result<(Upstream, bool), Problem> {
    let has_secrets = !tx.upstream_secrets(upstream.id)?.is_empty();
    Ok((upstream, has_secrets))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_host_and_port() {
        assert_eq!(origin("https://Registry.example:8443/simple/x"), "https://registry.example:8443");
        assert_eq!(origin("http://registry.example"), "http://registry.example");
        assert_ne!(origin("http://registry.example/x"), origin("https://registry.example/x"));
    }

    #[test]
    fn secrets_that_no_request_can_carry_are_refused() {
        let good = Secrets { username: "me".into(), password: "p:w \u{e4}".into(), ..Secrets::default() };
        check_secrets(&good).unwrap();
        let header = |name: &str| Secrets { headers: [(name.to_owned(), "x".to_owned())].into(), ..Secrets::default() };
        check_secrets(&header("X-Api-Key")).unwrap();
        for wrong in [
            Secrets { username: "a:b".into(), ..Secrets::default() },
            Secrets { token: "a\r\nHost: b".into(), ..Secrets::default() },
            Secrets { password: "x".repeat(20_000), ..Secrets::default() },
            header(""),
            header("a b"),
            header("Host"),
        ] {
            assert_eq!(check_secrets(&wrong).unwrap_err().kind, Kind::Invalid);
        }
    }
}
