//! One upstream as a format asks it: documents from the cache while they are fresh, validated when they are not, and the
//! last known ones where the upstream is slow or fails.

use super::{Known, lock_of};
use crate::Engine;
use assay_model::{
    clock::is_ahead,
    problem::{Kind, Problem},
    seam::{
        Task,
        meta::{self, DocumentKey, KeptDocument},
        upstream::{Answered, Ask, DOCUMENT_BYTES, Origin, RemoteDocument},
    },
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How long a client waits for a newer document while an older one is at hand.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a document may take.
const READING: Duration = Duration::from_secs(300);
/// Seconds for which it is believed that a document is not there, at most.
const ABSENT: i64 = 60;
/// Headers that formats read.
pub(crate) const KEPT: [&str; 4] = ["docker-content-digest", "link", "last-modified", "content-location"];

pub(super) struct EngineOrigin {
    pub(super) engine: Arc<Engine>,
    pub(super) known: Arc<Known>,
}

/// Joins an address to the upstream's.
pub(crate) fn absolute(base: &str, address: &str) -> String {
    if address.starts_with("http://") || address.starts_with("https://") {
        return address.to_owned();
    }
    let base = base.trim_end_matches('/');
    match address.strip_prefix('/') {
        Some(rest) => format!("{base}/{rest}"),
        None => format!("{base}/{address}"),
    }
}

/// What the upstream's refusal to answer well means, and how long it asks to be left alone.
pub(super) fn failure(known: &Known, url: &str, answered: &Answered) -> (Problem, Option<i64>) {
    let (name, status) = (&known.upstream.name, answered.status);
    let place = url.split(['?', '#']).next().unwrap_or_default();
    let message = match status {
        401 | 403 => format!("upstream {name} refuses us at {place} ({status}); check its credentials"),
        429 => format!("upstream {name} limits our requests (429)"),
        _ => format!("upstream {name} answered {status} at {place}"),
    };
    let wait = answered.headers.get("retry-after").and_then(|text| seconds(text, Timestamp::now()));
    let wait = wait.or((status == 429).then_some(10));
    (Problem::new(Kind::Upstream, "upstream-failed", message), wait)
}

/// `Retry-After`: seconds or a date (RFC 9110, section 10.2.3).
pub(crate) fn seconds(text: &str, now: Timestamp) -> Option<i64> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(seconds);
    }
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    Some(at.duration_since(now).as_secs())
}

fn shown(stored: KeptDocument) -> Option<RemoteDocument> {
    (stored.status == 200).then(|| RemoteDocument {
        body: stored.body,
        media_type: stored.media_type,
        headers: stored.headers,
    })
}

impl Origin for EngineOrigin {
    fn base(&self) -> &str {
        self.known.upstream.settings.url.trim_end_matches('/')
    }

    fn document<'a>(&'a self, address: &'a str, accept: &'a str) -> Task<'a, Option<RemoteDocument>> {
        Box::pin(async move {
            let question = Question {
                engine: self.engine.clone(),
                known: self.known.clone(),
                url: absolute(self.base(), address),
                accept: accept.to_owned(),
            };
            let cached = question.remembered().await?;
            let now = self.engine.now();
            if let Some(fresh) = cached.as_ref().filter(|stored| question.is_fresh(stored, now)) {
                return Ok(shown(fresh.clone()));
            }
            let mut asking = tokio::spawn(async move { question.ask(now).await });
            let answer = match &cached {
                Some(_) => match tokio::time::timeout(PATIENCE, &mut asking).await {
                    Ok(answer) => answer,
                    Err(_) => return Ok(cached.and_then(shown)),
                },
                None => asking.await,
            };
            let answer = answer.map_err(|error| Problem::internal("asking an upstream failed", error))?;
            match (answer, cached) {
                (Ok(answer), _) => Ok(answer.and_then(shown)),
                (Err(problem), Some(stored)) => {
                    tracing::debug!(%problem, "an older document is used");
                    Ok(shown(stored))
                }
                (Err(problem), None) => Err(problem),
            }
        })
    }
}

/// One document of one upstream.
struct Question {
    engine: Arc<Engine>,
    known: Arc<Known>,
    url: String,
    accept: String,
}

impl Question {
    /// From memory, or as it is kept.
    async fn remembered(&self) -> Result<Option<KeptDocument>, Problem> {
        let documents = &self.engine.upstreams.documents;
        if let Some(known) = documents.get(&self.key()) {
            return Ok(Some(known));
        }
        let cached = self.cached().await?;
        if let Some(kept) = &cached {
            documents.insert(self.key(), kept.clone());
        }
        Ok(cached)
    }

    fn key(&self) -> (i64, String, String) {
        (self.known.upstream.id.0, self.url.clone(), self.accept.clone())
    }

    async fn cached(&self) -> Result<Option<KeptDocument>, Problem> {
        let (id, url, accept) = (self.known.upstream.id, self.url.clone(), self.accept.clone());
        meta::read(self.engine.meta(), move |tx| {
            tx.remote_document(&DocumentKey { upstream: id, address: &url, accept: &accept })
        })
        .await
    }

    fn is_fresh(&self, stored: &KeptDocument, now: Timestamp) -> bool {
        let seconds = i64::from(self.known.upstream.settings.metadata_seconds);
        let seconds = SignedDuration::from_secs(if stored.status == 200 { seconds } else { seconds.min(ABSENT) });
        is_ahead(stored.checked_at + seconds, now, seconds)
    }

    /// Asks unless somebody did since `from`; of several at once, one asks.
    async fn ask(&self, from: Timestamp) -> Result<Option<KeptDocument>, Problem> {
        let lock = lock_of(&self.engine.upstreams.asking, self.key())?;
        let _one_asks = lock.lock().await;
        let cached = self.cached().await?;
        if cached.as_ref().is_some_and(|stored| stored.checked_at >= from) {
            return Ok(cached);
        }
        let answered = self.engine.ask_upstream(&self.known, &self.url, &self.accept, Some(cached.as_ref())).await?;
        let now = self.engine.now();
        let unchanged = answered.status == 304;
        let stored = match (answered.status, cached) {
            (304, Some(stored)) => KeptDocument { checked_at: now, ..stored },
            (200, _) => {
                tokio::time::timeout(READING, self.read(answered, now)).await.map_err(|_| self.too_slow(now))??
            }
            (404 | 410, _) => KeptDocument { status: 404, ..self.empty(now) },
            _ => {
                let (problem, wait) = failure(&self.known, &self.url, &answered);
                self.engine.upstreams.health.failed(self.known.upstream.id, now, &problem, wait);
                return Err(problem);
            }
        };
        self.engine.upstreams.health.answered(self.known.upstream.id, now);
        let (id, url, accept, kept) = (self.known.upstream.id, self.url.clone(), self.accept.clone(), stored.clone());
        let same = unchanged;
        meta::write(self.engine.meta(), move |tx| {
            let key = DocumentKey { upstream: id, address: &url, accept: &accept };
            match same {
                true => tx.touch_remote_document(&key, now).map(|_| ()),
                false => tx.put_remote_document(&key, &kept),
            }
        })
        .await?;
        self.engine.upstreams.documents.insert(self.key(), stored.clone());
        Ok(Some(stored))
    }

    fn empty(&self, now: Timestamp) -> KeptDocument {
        KeptDocument {
            status: 200,
            etag: None,
            last_modified: None,
            media_type: String::new(),
            headers: BTreeMap::new(),
            body: Bytes::new(),
            fetched_at: now,
            checked_at: now,
        }
    }

    fn too_slow(&self, now: Timestamp) -> Problem {
        let message = format!("upstream {} takes too long to send {}", self.known.upstream.name, self.url);
        let problem = Problem::new(Kind::Upstream, "upstream-slow", message);
        self.engine.upstreams.health.failed(self.known.upstream.id, now, &problem, None);
        problem
    }

    async fn read(&self, answered: Answered, now: Timestamp) -> Result<KeptDocument, Problem> {
        let header = |name: &str| answered.headers.get(name).cloned();
        let document = KeptDocument {
            etag: header("etag"),
            last_modified: header("last-modified"),
            media_type: header("content-type").unwrap_or_default(),
            headers: KEPT.iter().filter_map(|name| Some(((*name).to_owned(), header(name)?))).collect(),
            ..self.empty(now)
        };
        let mut body = answered.body;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| {
                let name = &self.known.upstream.name;
                let problem = Problem::new(
                    Kind::Upstream,
                    "upstream-broke-off",
                    format!("upstream {name} broke off while it sent {}", self.url),
                );
                self.engine.upstreams.health.failed(self.known.upstream.id, now, &problem, None);
                problem.caused_by(error)
            })?;
            if (bytes.len() + chunk.len()) as u64 > DOCUMENT_BYTES {
                let message = format!("{} is larger than {DOCUMENT_BYTES} bytes; no index is", self.url);
                return Err(Problem::new(Kind::Upstream, "upstream-too-large", message));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(KeptDocument { body: bytes.freeze(), ..document })
    }
}

impl Engine {
    /// Asks an upstream once, for a file or for a document with what is known of it, unless it is left alone now. Says
    /// how it fares when it gives no answer.
    pub(super) async fn ask_upstream(
        &self,
        known: &Known,
        url: &str,
        accept: &str,
        document: Option<Option<&KeptDocument>>,
    ) -> Result<Answered, Problem> {
        let (id, now) = (known.upstream.id, self.now());
        self.upstreams.health.may_ask(id, now).map_err(|until| self.paused(known, until))?;
        let cached = document.flatten().filter(|stored| stored.status == 200);
        let sealed = || {
            let name = &known.upstream.name;
            let message = format!("the credentials of upstream {name} cannot be opened; give them again");
            Problem::new(Kind::Upstream, "upstream-sealed", message)
        };
        let secrets = known.secrets.as_ref().ok_or_else(sealed)?;
        let ask = Ask {
            url,
            accept,
            compressed: document.is_some(),
            etag: cached.and_then(|stored| stored.etag.as_deref()),
            modified: cached.and_then(|stored| stored.last_modified.as_deref()),
            settings: &known.upstream.settings,
            secrets,
        };
        let answered = self.parts.transport.ask(ask).await;
        if let Err(problem) = &answered
            && problem.kind == Kind::Upstream
        {
            self.upstreams.health.failed(id, self.now(), problem, None);
        }
        answered
    }

    fn paused(&self, known: &Known, until: Timestamp) -> Problem {
        let health = self.upstreams.health.of(known.upstream.id);
        let seconds = u32::try_from(until.duration_since(self.now()).as_secs().max(1)).unwrap_or(1);
        let why = health.error.unwrap_or_else(|| "it failed repeatedly".to_owned());
        let message = format!("upstream {} is left alone for {seconds} s: {why}", known.upstream.name);
        let mut problem = Problem::new(Kind::Upstream, "upstream-paused", message);
        problem.retry_after = Some(seconds);
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_joined() {
        let base = "https://registry.example/root";
        assert_eq!(absolute(base, "a/b"), "https://registry.example/root/a/b");
        assert_eq!(absolute(base, "/a"), "https://registry.example/root/a");
        assert_eq!(absolute(base, "http://other.example/x"), "http://other.example/x");
    }

    #[test]
    fn waits_are_numbers_or_dates() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(seconds(" 7 ", now), Some(7));
        assert_eq!(seconds("Thu, 01 Jan 1970 00:01:00 GMT", now), Some(60));
        assert_eq!(seconds("soon", now), None);
    }
}
