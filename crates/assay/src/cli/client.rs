//! The command line as a client of a server's API. Errors end with what to do next.

use crate::net;
use anyhow::{Context as _, Result, anyhow, bail};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 512 << 20;
/// Longest silence of the server, in seconds; proving a long log takes a while.
const SILENCE: u64 = 300;

/// One server, with one identity.
pub(super) struct Client {
    base: Url,
    token: Option<String>,
    http: reqwest::Client,
}

impl Client {
    /// # Errors
    /// When the address is none.
    pub(super) fn new(url: &str, token: Option<&str>) -> Result<Self> {
        let base =
            Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()).ok_or_else(
                || anyhow!("`{url}` is not the address of a server; --url or ASSAY_URL has the form http://host:port"),
            )?;
        let http = net::client(!net::is_loopback(&base), Duration::from_secs(SILENCE))?;
        Ok(Self { base, token: token.filter(|t| !t.is_empty()).map(str::to_owned), http })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Result<T> {
        read(self.send(Method::GET, path, query, None).await?).await
    }

    /// A document that is no answer of ours to be understood, only passed on.
    pub(super) async fn get_text(&self, path: &[&str], query: &[(&str, String)]) -> Result<String> {
        let body = bytes(self.send(Method::GET, path, query, None).await?).await?;
        String::from_utf8(body).context("the server's answer is not text")
    }

    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Result<Value> {
        read(self.send(Method::POST, path, &[], Some(body)).await?).await
    }

    /// Posts bytes as they are.
    pub(super) async fn post_bytes(&self, path: &[&str], query: &[(&str, String)], body: Vec<u8>) -> Result<Value> {
        let mut request = self.http.post(self.address(path, query)).body(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return read(response).await;
        }
        Err(self.refused(response).await)
    }

    /// Sends `body` and reads an answer line by line as it comes; each line is a JSON value.
    pub(super) async fn post_lines(
        &self,
        path: &[&str],
        body: &Value,
        mut line: impl FnMut(Value) -> Result<()>,
    ) -> Result<()> {
        let mut request = self.http.request(Method::POST, self.address(path, &[]));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let sent = request.header("accept", "application/x-ndjson").json(body).send().await;
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        let mut rest: Vec<u8> = Vec::new();
        while let Some(chunk) = response.chunk().await.context("the server's answer broke off")? {
            rest.extend_from_slice(&chunk);
            while let Some(end) = rest.iter().position(|b| *b == b'\n') {
                let text: Vec<u8> = rest.drain(..=end).collect();
                line(serde_json::from_slice(&text).context("the server's answer is not JSON")?)?;
            }
            if rest.len() > MAX_ANSWER {
                bail!("a line of the server's answer is larger than {} MiB", MAX_ANSWER >> 20);
            }
        }
        Ok(())
    }

    /// The address of a page of the server.
    pub(super) fn page(&self, path: &str) -> String {
        format!("{}/ui/{path}", self.base.as_str().trim_end_matches('/'))
    }

    pub(super) async fn patch(&self, path: &[&str], body: &Value) -> Result<Value> {
        read(self.send(Method::PATCH, path, &[], Some(body)).await?).await
    }

    pub(super) async fn delete(&self, path: &[&str]) -> Result<()> {
        self.send(Method::DELETE, path, &[], None).await.map(|_| ())
    }

    /// As [`Client::delete`], with what the server says.
    pub(super) async fn remove(&self, path: &[&str]) -> Result<Value> {
        read(self.send(Method::DELETE, path, &[], None).await?).await
    }

    /// The number of the package that a person means.
    pub(super) async fn find(&self, what: &str) -> Result<i64> {
        let found: Value = self.get(&["packages", "find"], &[("what", what.to_owned())]).await?;
        found.get("id").and_then(Value::as_i64).context("the server named no package")
    }

    /// The validator of what is at an address of a format, if anything is.
    pub(super) async fn validator(&self, path: &str) -> Result<Option<String>> {
        let response = self.plain(Method::HEAD, path).send().await.map_err(|error| self.unreachable(&error))?;
        let etag = response.headers().get("etag").and_then(|etag| etag.to_str().ok());
        Ok(etag.map(|etag| etag.trim_matches('"').to_owned()))
    }

    /// Puts a file to an address of a format, as its clients do; what the server does not take is told by its words.
    pub(super) async fn put_file(&self, path: &str, file: tokio::fs::File, size: u64) -> Result<Result<(), String>> {
        let sent = self.plain(Method::PUT, path).header("content-length", size).body(reqwest::Body::from(file));
        let response = sent.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(Ok(()));
        }
        let said = String::from_utf8_lossy(&bytes(response).await?).into_owned();
        let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
        Ok(Err(if line.is_empty() { status.to_string() } else { line }))
    }

    fn plain(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let address = format!("{}/{path}", self.base.as_str().trim_end_matches('/'));
        let request = self.http.request(method, address);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Response> {
        let mut request = self.http.request(method, self.address(path, query));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refused(response).await)
    }

    fn address(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        let cause = net::root_cause(error);
        let address = self.base.as_str().trim_end_matches('/');
        if error.is_connect() {
            return anyhow!(
                "no server answers at {address}: {cause}\nstart one with `assay serve`, or name another with --url or ASSAY_URL"
            );
        }
        anyhow!("the server at {address} did not answer: {cause}")
    }

    async fn refused(&self, response: Response) -> anyhow::Error {
        let status = response.status();
        let said: Option<Value> = read(response).await.ok();
        let word = |name: &str| said.as_ref().and_then(|v| v.get("error")?.get(name)?.as_str().map(str::to_owned));
        let Some(message) = word("message") else {
            let address = self.base.as_str().trim_end_matches('/');
            return anyhow!("{address} answered {status}, and not as an Assay server does; check --url or ASSAY_URL");
        };
        let hint = match status {
            StatusCode::UNAUTHORIZED if self.token.is_none() => {
                "\nset ASSAY_TOKEN (or --token) to a token of this server"
            }
            StatusCode::UNAUTHORIZED => "\nset ASSAY_TOKEN (or --token) to a valid token of this server",
            // Not who asks is the matter, but what for.
            StatusCode::FORBIDDEN if word("code").as_deref() == Some("refused-by-policy") => "",
            StatusCode::FORBIDDEN => {
                "\nuse a token with more permission; an administrator makes one with `assay tokens create`"
            }
            StatusCode::SERVICE_UNAVAILABLE => "\ntry again in a moment",
            _ => "",
        };
        anyhow!("{message}{hint}")
    }
}

async fn bytes(mut response: Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.context("the server's answer broke off")? {
        if body.len() + chunk.len() > MAX_ANSWER {
            bail!("the server's answer is larger than {} MiB", MAX_ANSWER >> 20);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T> {
    let mut body = bytes(response).await?;
    if body.is_empty() {
        body.extend_from_slice(b"null");
    }
    let value: Value = serde_json::from_slice(&body).context("the server's answer is not JSON")?;
    serde_json::from_value(value)
        .context("the server's answer is not what this version understands; is the server another version?")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_a_prefix_and_quote_what_they_must() {
        let client = Client::new("https://host.example/assay/", None).unwrap();
        let query = [("what", "main/pypi/a b@1+2".to_owned())];
        let address = client.address(&["packages", "find"], &query);
        assert_eq!(address.as_str(), "https://host.example/assay/api/v1/packages/find?what=main%2Fpypi%2Fa+b%401%2B2");
        assert_eq!(client.address(&["policies", "a/b"], &[]).path(), "/assay/api/v1/policies/a%2Fb");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_with_a_way_out() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = Client::new(&format!("http://{free}"), None).unwrap();
        let error = client.get::<Value>(&["status"], &[]).await.unwrap_err().to_string();
        assert!(error.contains("assay serve") && error.contains("ASSAY_URL"), "{error}");
        assert!(Client::new("localhost:8080", None).is_err());
    }
}
