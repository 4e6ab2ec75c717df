//! The network as sources see it: conditional GET into a temporary file, with limits on size and time, and retries.
//! Also the one place that says how an HTTP client of Assay is made.

use assay_model::{
    problem::{Kind, Problem},
    seam::{
        Task,
        source::{Net, NetReply, NetRequest},
    },
};
use jiff::Timestamp;
use reqwest::{Client, ClientBuilder, Response, StatusCode, header};
use std::{path::PathBuf, time::Duration};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use url::Url;

/// Largest file that is fetched, in bytes.
const MAX_BYTES: u64 = 4 << 30;
/// How often a request is tried again.
const RETRIES: u32 = 3;
/// Longest wait that a server may ask for, in seconds.
const MAX_WAIT: u64 = 120;
/// Longest time one file may take, in seconds.
const MAX_TIME: u64 = 2 * 3600;

/// Told the address, bytes so far, and how many there will be where that is known.
pub type Observer = Box<dyn Fn(&str, u64, Option<u64>) + Send + Sync>;

/// Fetches over HTTP and HTTPS. Proxies are those of the usual variables (`HTTPS_PROXY`, `NO_PROXY`), and never stand
/// between Assay and its own machine.
pub struct HttpNet {
    direct: Client,
    routed: Client,
    observer: Option<Observer>,
    max_bytes: u64,
    pause: Duration,
}

/// How one attempt failed.
enum Failure {
    /// It will fail again.
    Final(Problem),
    /// It may pass, after this time where the server named one.
    Passing(Problem, Option<Duration>),
}

/// A client with Assay's name and bounds on connecting and on silence. `routed` obeys the proxy variables.
///
/// # Errors
/// When TLS cannot be set up.
pub fn client(routed: bool, silence: Duration) -> reqwest::Result<Client> {
    let builder = ClientBuilder::new()
        .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(20))
        .read_timeout(silence)
        .redirect(reqwest::redirect::Policy::custom(|attempt| {
            let was_safe = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
            if attempt.previous().len() > 5 {
                attempt.error("too many redirects")
            } else if was_safe && attempt.url().scheme() != "https" {
                attempt.error("the redirect leaves HTTPS")
            } else {
                attempt.follow()
            }
        }));
    if routed { builder.build() } else { builder.no_proxy().build() }
}

/// Whether the address is on this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

impl HttpNet {
    /// With the limits above.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> reqwest::Result<Self> {
        let silence = Duration::from_secs(60);
        Ok(Self {
            direct: client(false, silence)?,
            routed: client(true, silence)?,
            observer: None,
            max_bytes: MAX_BYTES,
            pause: Duration::from_secs(1),
        })
    }

    /// The same, telling `observer` how far it is.
    #[must_use]
    pub fn observed(self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self }
    }

    async fn fetch(&self, wanted: NetRequest<'_>) -> Result<NetReply, Problem> {
        let url = parse(wanted.url)?;
        let mut tried = 0;
        loop {
            let failure = match self.attempt(&url, wanted).await {
                Ok(reply) => return Ok(reply),
                // what asks for more patience than that is tried again when the source is due next
                Err(Failure::Passing(problem, wait))
                    if tried < RETRIES && wait.is_none_or(|wait| wait <= Duration::from_secs(MAX_WAIT)) =>
                {
                    let wait = wait.unwrap_or(self.pause * 2_u32.pow(tried));
                    tracing::debug!(%problem, ?wait, "a fetch is tried again");
                    tokio::time::sleep(wait.min(Duration::from_secs(MAX_WAIT))).await;
                    None
                }
                Err(Failure::Final(problem) | Failure::Passing(problem, _)) => Some(problem),
            };
            if let Some(problem) = failure {
                return Err(problem);
            }
            tried += 1;
        }
    }

    async fn attempt(&self, url: &Url, wanted: NetRequest<'_>) -> Result<NetReply, Failure> {
        let client = if is_loopback(url) { &self.direct } else { &self.routed };
        let mut request = client.get(url.clone()).timeout(Duration::from_secs(MAX_TIME));
        if let Some(etag) = wanted.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        for (name, value) in wanted.headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.map_err(|e| broken(url, &e))?;
        let told = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let (tag, challenge) = (told(header::ETAG), told(header::WWW_AUTHENTICATE));
        match response.status() {
            StatusCode::NOT_MODIFIED if wanted.etag.is_some() => Ok(empty(304, tag, None)),
            StatusCode::UNAUTHORIZED if wanted.challenged && challenge.is_some() => Ok(empty(401, tag, challenge)),
            StatusCode::OK => {
                let body = self.spool(url, response).await?;
                Ok(NetReply { status: 200, etag: tag, body, challenge: None })
            }
            status => {
                let mut problem = upstream(format!("{} answered {status}", shown(url)));
                if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
                    problem.kind = Kind::NotFound;
                }
                let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                let wait = wait_of(&response);
                problem.retry_after = wait.and_then(|wait| u32::try_from(wait.as_secs()).ok());
                Err(if passing { Failure::Passing(problem, wait) } else { Failure::Final(problem) })
            }
        }
    }

    /// Writes the body to a file of its own; nothing is left behind when that fails.
    async fn spool(&self, url: &Url, mut response: Response) -> Result<PathBuf, Failure> {
        let length = response.content_length();
        let too_large = || {
            let limit = self.max_bytes;
            Failure::Final(upstream(format!(
                "{} is larger than {limit} bytes, and nothing that large is fetched",
                shown(url)
            )))
        };
        if length.is_some_and(|n| n > self.max_bytes) {
            return Err(too_large());
        }
        let unwritable = |e| Failure::Final(Problem::internal("cannot write a temporary file", e));
        let spool = NamedTempFile::with_prefix("assay-fetch-").map_err(unwritable)?;
        let mut file = tokio::fs::File::from_std(spool.reopen().map_err(unwritable)?);
        let mut done = 0;
        while let Some(chunk) = response.chunk().await.map_err(|e| broken(url, &e))? {
            done += chunk.len() as u64;
            if done > self.max_bytes {
                return Err(too_large());
            }
            file.write_all(&chunk).await.map_err(unwritable)?;
            if let Some(observer) = &self.observer {
                observer(&shown(url), done, length);
            }
        }
        file.flush().await.map_err(unwritable)?;
        spool.into_temp_path().keep().map_err(|e| unwritable(e.error))
    }
}

impl Net for HttpNet {
    fn request<'a>(&'a self, request: NetRequest<'a>) -> Task<'a, NetReply> {
        Box::pin(self.fetch(request))
    }
}

fn empty(status: u16, etag: Option<String>, challenge: Option<String>) -> NetReply {
    NetReply { status, etag, body: PathBuf::new(), challenge }
}

fn parse(address: &str) -> Result<Url, Problem> {
    let wrong =
        |why: &str| Problem::invalid("bad-url", format!("`{}` cannot be fetched: {why}", without_credentials(address)));
    let url = Url::parse(address).map_err(|e| wrong(&e.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(wrong("only http and https addresses can")),
    }
}

/// The address without user name, password and query, which may be secret.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// As [`shown`], for a text that is no address.
fn without_credentials(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, rest)| rest)
}

fn upstream(message: String) -> Problem {
    Problem::new(Kind::Upstream, "fetch-failed", message)
}

/// A connection that failed or broke off may work next time; a request that could not be built will not.
fn broken(url: &Url, error: &reqwest::Error) -> Failure {
    let passing = !(error.is_builder() || error.is_redirect());
    let problem = upstream(format!("cannot fetch {}: {}", shown(url), root_cause(error)));
    if passing { Failure::Passing(problem, None) } else { Failure::Final(problem) }
}

/// The innermost cause, which names what the machine saw (`connection refused`).
pub fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3).
pub fn wait_of(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Duration::try_from(at.duration_since(Timestamp::now())).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tokio::{io::AsyncReadExt, net::TcpListener};

    /// A server that gives these answers in turn, one a connection, and keeps the requests.
    async fn server(answers: Vec<&'static str>) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/list.csv", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = vec![0; 4096];
                let n = stream.read(&mut buffer).await.unwrap();
                kept.lock().unwrap().push(String::from_utf8_lossy(&buffer[..n]).to_lowercase());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (address, asked)
    }

    fn quick() -> HttpNet {
        HttpNet { pause: Duration::from_millis(1), ..HttpNet::new().unwrap() }
    }

    const OK: &str = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

    #[tokio::test]
    async fn what_may_pass_is_tried_again() {
        let busy =
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let cut = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\nhello";
        let (address, asked) = server(vec![busy, cut, OK]).await;
        let reply = quick().get(&address, None).await.unwrap();
        assert_eq!((reply.status, reply.etag.as_deref()), (200, Some("\"v1\"")));
        assert_eq!(std::fs::read_to_string(&reply.body).unwrap(), "hello");
        std::fs::remove_file(&reply.body).unwrap();
        assert_eq!(asked.lock().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn what_is_unchanged_is_not_fetched() {
        let same = "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nConnection: close\r\n\r\n";
        let (address, asked) = server(vec![same]).await;
        let reply = quick().get(&address, Some("\"v1\"")).await.unwrap();
        assert_eq!((reply.status, reply.body), (304, PathBuf::new()));
        assert!(asked.lock().unwrap()[0].contains("if-none-match: \"v1\""));
    }

    #[tokio::test]
    async fn what_will_fail_again_is_asked_once() {
        let gone = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let (address, asked) = server(vec![gone]).await;
        let problem = quick().get(&address, None).await.unwrap_err();
        assert!(problem.message.ends_with("answered 404 Not Found"), "{problem}");
        assert_eq!(asked.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn size_is_bounded_whether_announced_or_not() {
        let endless = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello";
        for answer in [OK, endless] {
            let (address, _) = server(vec![answer]).await;
            let net = HttpNet { max_bytes: 4, ..quick() };
            assert!(net.get(&address, None).await.unwrap_err().message.contains("larger than 4 bytes"));
        }
    }

    #[tokio::test]
    async fn errors_name_no_secret() {
        let (address, _) = server(vec!["HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"]).await;
        let address = address.replace("http://", "http://me:pass@") + "?key=word";
        let message = quick().get(&address, None).await.unwrap_err().message;
        assert!(!message.contains("pass") && !message.contains("word"), "{message}");
        assert!(quick().get("file:///etc/passwd", None).await.unwrap_err().message.contains("only http and https"));
    }
}
