//! The source of an import as a format asks it. Nothing of it is kept in the store: an import reads every document once.
//! It is patient, because nobody waits: what fails for the moment is asked for again.

use crate::{
    Engine,
    upstream::{KEPT, absolute, seconds},
};
use assay_model::{
    problem::{Kind, Problem},
    seam::{
        Task,
        upstream::{Answered, Ask, DOCUMENT_BYTES, Origin, RemoteDocument},
    },
    upstream::{Secrets, UpstreamSettings},
};
use bytes::BytesMut;
use futures_util::StreamExt;
use jiff::Timestamp;
use moka::sync::Cache;
use std::{sync::Arc, time::Duration};

/// How often something is asked for again, and how long it is waited at first; twice as long each time.
const AGAIN: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);
/// The longest that a source can ask to be left alone, in seconds.
const WAIT: i64 = 120;
/// Bytes of documents that are kept for a moment: one index may be asked for once for every name in it.
const KEEP: u64 = 64 << 20;
const LARGEST: u32 = 32 << 20;
const MOMENT: Duration = Duration::from_secs(300);

pub(super) struct Source {
    pub(super) engine: Arc<Engine>,
    pub(super) settings: UpstreamSettings,
    secrets: Secrets,
    documents: Cache<(String, String), Option<RemoteDocument>>,
}

impl Source {
    pub(super) fn new(engine: Arc<Engine>, settings: UpstreamSettings, secrets: Secrets) -> Self {
        let weigh = |_: &(String, String), document: &Option<RemoteDocument>| {
            let bytes = document.as_ref().map_or(0, |document| document.body.len()) + 256;
            u32::try_from(bytes).unwrap_or(u32::MAX).min(LARGEST)
        };
        let documents = Cache::builder().max_capacity(KEEP).weigher(weigh).time_to_live(MOMENT).build();
        Self { engine, settings, secrets, documents }
    }

    /// How the source is called in what is told of it.
    pub(super) fn name(&self) -> &str {
        &self.settings.url
    }

    /// Asks, again where it may help. Every status that says something is an answer.
    pub(super) async fn ask(&self, url: &str, accept: &str, compressed: bool) -> Result<Answered, Problem> {
        let (settings, secrets) = (&self.settings, &self.secrets);
        let ask = Ask { url, accept, compressed, etag: None, modified: None, settings, secrets };
        let mut pause = PAUSE;
        for attempt in 0..=AGAIN {
            let answered = self.engine.parts.transport.ask(ask).await;
            let told = match &answered {
                Ok(answered) if matches!(answered.status, 429 | 500 | 502..=504) => {
                    answered.headers.get("retry-after").and_then(|text| seconds(text, Timestamp::now()))
                }
                Err(problem) if problem.kind == Kind::Upstream && problem.code != "refused-address" => None,
                _ => return answered,
            };
            if attempt == AGAIN {
                return answered;
            }
            let told = told.map(|seconds| Duration::from_secs(seconds.clamp(0, WAIT).unsigned_abs()));
            tokio::time::sleep(told.unwrap_or(pause)).await;
            pause *= 2;
        }
        Err(Problem::bug("a source was never asked"))
    }

    /// What another status than those that say something means.
    pub(super) fn failure(&self, url: &str, status: u16) -> Problem {
        let place = url.split(['?', '#']).next().unwrap_or_default();
        let message = match status {
            401 | 403 => format!("{place} refuses us ({status}); check the credentials for it"),
            429 => format!("{place} limits our requests (429)"),
            _ => format!("{place} answered {status}"),
        };
        Problem::new(Kind::Upstream, "upstream-failed", message)
    }

    async fn fetch(&self, url: &str, accept: &str) -> Result<Option<RemoteDocument>, Problem> {
        let answered = self.ask(url, accept, true).await?;
        match answered.status {
            200 => {}
            404 | 410 => return Ok(None),
            status => return Err(self.failure(url, status)),
        }
        let header = |name: &str| answered.headers.get(name).cloned();
        let media_type = header("content-type").unwrap_or_default();
        let headers = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), header(name)?))).collect();
        let (mut body, mut bytes) = (answered.body, BytesMut::new());
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| {
                Problem::new(Kind::Upstream, "upstream-broke-off", format!("{url} broke off")).caused_by(error)
            })?;
            if (bytes.len() + chunk.len()) as u64 > DOCUMENT_BYTES {
                let message = format!("{url} is larger than {DOCUMENT_BYTES} bytes; no index is");
                return Err(Problem::new(Kind::Upstream, "upstream-too-large", message));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(RemoteDocument { body: bytes.freeze(), media_type, headers }))
    }
}

impl Origin for Source {
    fn base(&self) -> &str {
        &self.settings.url
    }

    fn document<'a>(&'a self, address: &'a str, accept: &'a str) -> Task<'a, Option<RemoteDocument>> {
        Box::pin(async move {
            let key = (absolute(self.base(), address), accept.to_owned());
            if let Some(kept) = self.documents.get(&key) {
                return Ok(kept);
            }
            let document = self.fetch(&key.0, accept).await?;
            self.documents.insert(key, document.clone());
            Ok(document)
        })
    }
}
