//! Requests in the making, and what came back, in the terms of a client.

use super::FakeRepo;
use assay_model::seam::format::{Answer, Format, Request};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// What came back, in the terms of a client.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
    /// For snapshots: status line, headers, body.
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("{} {}\n", self.status, self.reason.as_deref().unwrap_or(""));
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\n"));
        }
        format!("{text}\n{}", self.text())
    }
    pub(super) fn of(answer: Answer) -> Self {
        let mut headers: Vec<_> = answer.headers.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
        if !answer.media_type.is_empty() {
            headers.insert(0, ("Content-Type".to_owned(), answer.media_type.to_owned()));
        }
        Self { status: answer.status, reason: answer.reason, headers, body: answer.body }
    }
}

/// A request in the making.
pub(crate) struct Ask(Request);

impl Ask {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        Self(Request {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            path: path.to_owned(),
            query,
            headers: HeaderMap::new(),
            body: Box::pin(stream::empty()),
            base_url: "http://assay.test:8080".to_owned(),
        })
    }
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        self
    }
    /// A body that arrives in pieces of a thousand bytes.
    pub(crate) fn body(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let pieces: Vec<_> = bytes.as_ref().chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        self.0.body = Box::pin(stream::iter(pieces));
        self
    }
    pub(crate) async fn send(self, format: &dyn Format, repo: &FakeRepo) -> Response {
        match format.handle(repo, self.0).await {
            Ok(reply) => repo.deliver(format, reply),
            Err(problem) => Response::of(format.problem(&problem)),
        }
    }
    pub(crate) async fn send_to_lobby(self, format: &dyn Format, lobby: &FakeRepo) -> Response {
        match format.lobby(lobby, self.0).await {
            Ok(reply) => lobby.deliver(format, reply),
            Err(problem) => Response::of(format.problem(&problem)),
        }
    }
}
