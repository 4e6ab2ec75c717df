//! HTTP as a test writes it: one line a request, every answer kept whole.

use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode, header::HeaderMap};

/// Requests to one server, with one identity.
#[derive(Clone, Debug)]
pub struct Http {
    base: String,
    token: Option<String>,
    client: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status code.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Http {
    /// A client of `base` (`http://127.0.0.1:PORT`) that sends `token` as Bearer. It follows no redirects and uses no
    /// proxy.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(base: &str, token: Option<&str>) -> Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(60))
            .build()?;
        Ok(Self { base: base.to_owned(), token: token.map(str::to_owned), client })
    }

    /// The same server as somebody else; `None` is anonymous.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { base: self.base.clone(), token: token.map(str::to_owned), client: self.client.clone() }
    }

    /// A request to build on, for what the short methods do not cover. `path` may be a whole URL.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = if path.contains("://") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.client.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request that was built.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Reply> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.context("the answer's body broke off")?.to_vec();
        Ok(Reply { status, headers, body })
    }

    /// # Errors
    /// As [`Http::send`].
    pub async fn get(&self, path: &str) -> Result<Reply> {
        self.send(self.request(Method::GET, path)).await
    }

    /// GET with header fields.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Reply> {
        let request = self.request(Method::GET, path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(request).await
    }

    /// # Errors
    /// As [`Http::send`].
    pub async fn head(&self, path: &str) -> Result<Reply> {
        self.send(self.request(Method::HEAD, path)).await
    }

    /// # Errors
    /// As [`Http::send`].
    pub async fn put(&self, path: &str, body: impl Into<Vec<u8>>) -> Result<Reply> {
        self.send(self.request(Method::PUT, path).body(body.into())).await
    }

    /// # Errors
    /// As [`Http::send`].
    pub async fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Result<Reply> {
        self.send(self.request(Method::POST, path).body(body.into())).await
    }

    /// # Errors
    /// As [`Http::send`].
    pub async fn post_json(&self, path: &str, body: &serde_json::Value) -> Result<Reply> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// # Errors
    /// As [`Http::send`].
    pub async fn delete(&self, path: &str) -> Result<Reply> {
        self.send(self.request(Method::DELETE, path)).await
    }
}

impl Reply {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {}", self.text()))
    }

    /// One header field as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// This answer, if its status is `status`.
    ///
    /// # Errors
    /// When it is another; the error carries the body.
    pub fn expect_status(self, status: u16) -> Result<Self> {
        if self.status.as_u16() != status {
            bail!("expected {status}, got {}: {}", self.status, self.text());
        }
        Ok(self)
    }
}
