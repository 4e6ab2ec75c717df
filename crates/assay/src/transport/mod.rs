//! The network towards upstreams: one request, its redirects (each address checked anew), the token flow of registries
//! that have one, and the refusal of private addresses. Nothing is tried again here, nothing is kept but connections and
//! tokens.

mod body;
pub mod guard;
mod token;

#[cfg(test)]
mod tests;

use crate::net;
use assay_model::{
    problem::{Kind, Problem},
    seam::{
        Task,
        upstream::{Answered, Ask, Transport},
    },
    upstream::{Secrets, UpstreamSettings},
};
use futures_util::StreamExt as _;
use guard::Guard;
use hyper_util::client::proxy::matcher::Matcher;
use moka::sync::Cache;
use reqwest::{
    Certificate, Client, ClientBuilder, Response,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use std::{collections::BTreeMap, time::Duration};
use token::{Challenge, Scope, Tokens};
use url::{Origin, Url};

/// Redirects that are followed for one request.
const REDIRECTS: usize = 5;
/// Longest time until a connection stands, in seconds.
const CONNECT: u64 = 20;

/// What decides how a connection is made: requests that agree in it share connections.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Way {
    routed: bool,
    private: bool,
    timeout: u32,
    certificates: String,
}

/// Asks upstreams over HTTP and HTTPS.
pub struct HttpTransport {
    guard: Guard,
    proxies: Matcher,
    clients: Cache<Way, Client>,
    tokens: Tokens,
}

/// Headers, and the one origin that those of them may go to that are secret.
struct Words {
    open: HeaderMap,
    secret: HeaderMap,
    origin: Origin,
}

impl HttpTransport {
    /// Over the proxies that the usual variables name (`HTTPS_PROXY`, `NO_PROXY`).
    pub fn new(guard: Guard) -> Self {
        Self { guard, proxies: Matcher::from_env(), clients: Cache::new(256), tokens: Tokens::default() }
    }

    async fn answer(&self, ask: Ask<'_>) -> Result<Answered, Problem> {
        let own = parse(&ask.settings.url)?.origin();
        let url = parse(ask.url)?;
        let scope = Scope::of(&url, ask.secrets);
        let mut words = Words { open: conditions(&ask)?, secret: HeaderMap::new(), origin: own.clone() };
        if url.origin() == own {
            words.secret = credentials(ask.secrets)?;
            if let Some(token) = self.tokens.get(&scope) {
                words.secret.insert(header::AUTHORIZATION, sensitive(&format!("Bearer {token}"))?);
            }
        }
        let (at, response) = self.follow(ask.settings, url.clone(), &words).await?;
        // only the upstream itself may say who is to be asked for a token, and one that was configured is final
        let asks_again = response.status() == 401 && at.origin() == own && ask.secrets.token.is_empty();
        let challenge = asks_again.then(|| challenge(&response)).flatten();
        let Some(challenge) = challenge else { return Ok(told(response, ask.compressed)) };
        self.tokens.forget(&scope);
        let token = self.fetch_token(&ask, &challenge, scope).await?;
        words.secret.insert(header::AUTHORIZATION, sensitive(&format!("Bearer {token}"))?);
        Ok(told(self.follow(ask.settings, url, &words).await?.1, ask.compressed))
    }

    /// Asks, and goes where the answers point.
    async fn follow(
        &self,
        settings: &UpstreamSettings,
        mut url: Url,
        words: &Words,
    ) -> Result<(Url, Response), Problem> {
        for _ in 0..=REDIRECTS {
            let response = self.once(settings, &url, words).await?;
            let Some(next) = next(&url, &response)? else { return Ok((url, response)) };
            url = next;
        }
        Err(failed("too-many-redirects", format!("{} leads through more than {REDIRECTS} redirects", shown(&url))))
    }

    async fn once(&self, settings: &UpstreamSettings, url: &Url, words: &Words) -> Result<Response, Problem> {
        let routed =
            !net::is_loopback(url) && url.as_str().parse().is_ok_and(|uri| self.proxies.intercept(&uri).is_some());
        let guard = self.guard.with_private(settings.allow_private);
        if routed {
            guard.check_ahead(url).await?;
        } else {
            guard.check_literal(url)?;
        }
        let mut headers = words.open.clone();
        if url.origin() == words.origin {
            headers.extend(words.secret.clone());
        }
        let client = self.client(settings, routed, guard)?;
        client.get(url.clone()).headers(headers).send().await.map_err(|error| {
            guard::refusal(&error)
                .unwrap_or_else(|| failed("no-answer", format!("no answer from {}: {}", shown(url), reason(&error))))
        })
    }

    /// A client for this way; connections of one way are never used for another.
    fn client(&self, settings: &UpstreamSettings, routed: bool, guard: Guard) -> Result<Client, Problem> {
        let way = Way {
            routed,
            private: settings.allow_private,
            timeout: settings.timeout_seconds,
            certificates: settings.ca_certificates.clone(),
        };
        if let Some(client) = self.clients.get(&way) {
            return Ok(client);
        }
        let silence = Duration::from_secs(settings.timeout_seconds.into());
        let builder = ClientBuilder::new()
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(silence.min(Duration::from_secs(CONNECT)))
            .read_timeout(silence)
            .referer(false)
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_merge(certificates(&settings.ca_certificates)?);
        // behind a proxy, the only name that is resolved here is the proxy's, which the operator chose
        let builder = if routed { builder } else { builder.no_proxy().dns_resolver(guard) };
        let client = builder.build().map_err(|error| match settings.ca_certificates.trim() {
            "" => Problem::internal("cannot set up TLS", error),
            _ => wrong_certificates(&net::root_cause(&error)),
        })?;
        self.clients.insert(way, client.clone());
        Ok(client)
    }

    /// Gets a token from the realm that a challenge names. The realm is sent name and password, as the flow wants it, and
    /// no other secret; never unencrypted where the upstream itself is encrypted.
    async fn fetch_token(&self, ask: &Ask<'_>, challenge: &Challenge, scope: Scope) -> Result<String, Problem> {
        let url = challenge.url();
        let host = url.host_str().unwrap_or_default().to_owned();
        if !matches!(url.scheme(), "http" | "https")
            || (ask.settings.url.starts_with("https:") && url.scheme() != "https")
        {
            return Err(failed("bad-realm", format!("the upstream sends us to `{host}` for a token, unencrypted")));
        }
        let only_login = Secrets { headers: BTreeMap::new(), token: String::new(), ..ask.secrets.clone() };
        let words = Words { open: HeaderMap::new(), secret: credentials(&only_login)?, origin: url.origin() };
        let (at, response) = self.follow(ask.settings, url, &words).await?;
        if !response.status().is_success() {
            let hint = if only_login.is_empty() { "; it may want a user name and a password" } else { "" };
            return Err(failed("no-token", format!("{} gives no token: {}{hint}", shown(&at), response.status())));
        }
        let mut bytes = Vec::new();
        let mut body = body::plain(response);
        while let Some(chunk) = body.next().await {
            let chunk =
                chunk.map_err(|e| failed("no-token", format!("the answer of {} broke off: {e}", shown(&at))))?;
            if bytes.len() + chunk.len() > token::ANSWER_BYTES {
                return Err(failed("no-token", format!("{} answers more than a token", shown(&at))));
            }
            bytes.extend_from_slice(&chunk);
        }
        self.tokens.keep(scope, &at, &bytes)
    }
}

impl Transport for HttpTransport {
    fn ask<'a>(&'a self, ask: Ask<'a>) -> Task<'a, Answered> {
        Box::pin(self.answer(ask))
    }

    fn check(&self, settings: &UpstreamSettings) -> Result<(), Problem> {
        let url = parse(&settings.url).map_err(|p| Problem::invalid("bad-upstream", p.message))?;
        let guard = self.guard.with_private(settings.allow_private);
        guard.check_literal(&url).map_err(|refused| Problem::invalid(guard::REFUSED, refused.to_string()))?;
        self.client(settings, false, guard).map(|_| ())
    }
}

/// What is said to everybody who is asked on the way.
fn conditions(ask: &Ask<'_>) -> Result<HeaderMap, Problem> {
    // Bytes of artifacts must arrive as they are: they are hashed, and some servers call an archive's own compression one
    // for the way. Documents are asked for compressed and unpacked here.
    let encoding = if ask.compressed { "gzip" } else { "identity" };
    let words = [
        (header::ACCEPT, ask.accept),
        (header::ACCEPT_ENCODING, encoding),
        (header::IF_NONE_MATCH, ask.etag.unwrap_or_default()),
        (header::IF_MODIFIED_SINCE, ask.modified.unwrap_or_default()),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in words.into_iter().filter(|(_, value)| !value.is_empty()) {
        let value = HeaderValue::from_str(value)
            .map_err(|_| failed("bad-header", format!("`{name}` cannot be sent as the upstream wrote it")))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// What only the upstream itself is told.
fn credentials(secrets: &Secrets) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    for (name, value) in &secrets.headers {
        let name = HeaderName::try_from(name.as_str())
            .map_err(|_| Problem::invalid("bad-header", format!("`{name}` is no name of a header")))?;
        headers.insert(name, sensitive(value)?);
    }
    if !secrets.token.is_empty() {
        headers.insert(header::AUTHORIZATION, sensitive(&format!("Bearer {}", secrets.token))?);
    } else if !secrets.username.is_empty() || !secrets.password.is_empty() {
        use base64::Engine as _;
        let login = format!("{}:{}", secrets.username, secrets.password);
        let login = base64::engine::general_purpose::STANDARD.encode(login);
        headers.insert(header::AUTHORIZATION, sensitive(&format!("Basic {login}"))?);
    }
    Ok(headers)
}

fn sensitive(value: &str) -> Result<HeaderValue, Problem> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Problem::invalid("bad-header", "a secret of the upstream has characters that no header can carry")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Certificates of authorities, in PEM.
pub(crate) fn certificates(pem: &str) -> Result<Vec<Certificate>, Problem> {
    let all = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|e| wrong_certificates(&net::root_cause(&e)))?;
    if all.is_empty() && !pem.trim().is_empty() {
        return Err(wrong_certificates("there is no certificate in PEM in it"));
    }
    Ok(all)
}

fn wrong_certificates(why: &str) -> Problem {
    Problem::invalid("bad-certificate", format!("`ca_certificates` cannot be used: {why}"))
}

/// Where a redirect leads; nothing where the answer is none.
fn next(url: &Url, response: &Response) -> Result<Option<Url>, Problem> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(header::LOCATION) else { return Ok(None) };
    let wrong = |why: &str| failed("bad-redirect", format!("{} redirects {why}", shown(url)));
    let next = location.to_str().ok().and_then(|l| url.join(l).ok()).ok_or_else(|| wrong("to no address"))?;
    match (url.scheme(), next.scheme()) {
        ("https", "http") => Err(wrong("out of HTTPS")),
        (_, "http" | "https") => Ok(Some(bare(next))),
        _ => Err(wrong("to what is neither http nor https")),
    }
}

fn challenge(response: &Response) -> Option<Challenge> {
    let said = response.headers().get_all(header::WWW_AUTHENTICATE);
    said.iter().filter_map(|v| v.to_str().ok()).find_map(Challenge::find)
}

/// An answer as the engine reads it.
fn told(response: Response, compressed: bool) -> Answered {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|all| all.extend([", ", value.as_ref()]))
            .or_insert_with(|| value.into_owned());
    }
    headers.remove(header::SET_COOKIE.as_str());
    let status = response.status().as_u16();
    let zipped = compressed && status == 200 && headers.get("content-encoding").is_some_and(|e| is_gzip(e));
    if !zipped {
        return Answered { status, headers, body: body::plain(response) };
    }
    // both tell of the bytes on the way
    headers.remove(header::CONTENT_ENCODING.as_str());
    headers.remove(header::CONTENT_LENGTH.as_str());
    Answered { status, headers, body: body::unzipped(response) }
}

fn is_gzip(encoding: &str) -> bool {
    encoding.eq_ignore_ascii_case("gzip") || encoding.eq_ignore_ascii_case("x-gzip")
}

/// An address that can be asked, without the login that one may write into it: secrets are kept apart.
fn parse(address: &str) -> Result<Url, Problem> {
    let url = Url::parse(address).map_err(|e| failed("bad-url", format!("an address cannot be read: {e}")))?;
    match url.scheme() {
        "http" | "https" => Ok(bare(url)),
        _ => Err(failed("bad-url", format!("`{}` is neither http nor https", shown(&url)))),
    }
}

fn bare(mut url: Url) -> Url {
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url
}

/// The address without what may be secret: signed addresses have their signature in the query.
fn shown(url: &Url) -> String {
    let mut url = bare(url.clone());
    url.set_query(None);
    url.to_string()
}

fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() { "it took too long".to_owned() } else { net::root_cause(error) }
}

fn failed(code: &'static str, message: String) -> Problem {
    Problem::new(Kind::Upstream, code, message)
}
