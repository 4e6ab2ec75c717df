//! Asking upstreams that listen on this machine.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use assay_model::seam::upstream::Answered;
use std::{
    io::Write as _,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A server that answers each request with what `answer` makes of it, and keeps the requests.
struct Server {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (asked.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (kept, answer) = (kept.clone(), answer.clone());
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") && request.len() < 65536 {
                        match stream.read_u8().await {
                            Ok(byte) => request.push(byte),
                            Err(_) => return,
                        }
                    }
                    let request = String::from_utf8_lossy(&request).into_owned();
                    kept.lock().unwrap().push(request.to_lowercase());
                    let _ = stream.write_all(&answer(&request)).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { base, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The same address under the name that resolves to it.
    fn by_name(&self) -> String {
        self.base.replace("127.0.0.1", "localhost")
    }
}

fn http(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn path_of(request: &str) -> &str {
    request.split(' ').nth(1).unwrap()
}

fn transport() -> HttpTransport {
    HttpTransport::new(Guard::default())
}

fn settings(url: &str) -> UpstreamSettings {
    UpstreamSettings { url: url.to_owned(), allow_private: true, timeout_seconds: 5, ..UpstreamSettings::default() }
}

fn ask<'a>(url: &'a str, settings: &'a UpstreamSettings, secrets: &'a Secrets) -> Ask<'a> {
    Ask { url, accept: "", compressed: false, etag: None, modified: None, settings, secrets }
}

async fn body(answered: Answered) -> Result<Vec<u8>, std::io::Error> {
    let mut body = answered.body;
    let mut all = Vec::new();
    while let Some(chunk) = body.next().await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all)
}

fn login() -> Secrets {
    let headers = [("x-key".to_owned(), "sesame".to_owned())].into();
    Secrets { username: "me".into(), password: "pw".into(), headers, ..Secrets::default() }
}

#[tokio::test]
async fn an_answer_has_status_headers_and_bytes() {
    let link = [("Link", "<a>; rel=next"), ("ETag", "\"1\""), ("LINK", "<b>; rel=last"), ("Set-Cookie", "x=y")];
    let server = Server::start(move |_| http("404 Not Found", &link, b"nothing here")).await;
    let settings = settings(&server.base);
    let url = format!("{}/simple/x/", server.base);
    let secrets = Secrets::default();
    let asked =
        Ask { accept: "text/html", etag: Some("W/\"0\""), modified: Some("then"), ..ask(&url, &settings, &secrets) };
    let answered = transport().ask(asked).await.unwrap();
    assert_eq!(answered.status, 404);
    assert_eq!(answered.headers["link"], "<a>; rel=next, <b>; rel=last");
    assert!(!answered.headers.contains_key("set-cookie"));
    assert_eq!(body(answered).await.unwrap(), b"nothing here");
    let request = &server.asked()[0];
    for line in [
        "get /simple/x/ http/1.1",
        "accept: text/html",
        "accept-encoding: identity",
        "if-none-match: w/\"0\"",
        "if-modified-since: then",
        "user-agent: assay/",
    ] {
        assert!(request.contains(line), "{line} is not in {request}");
    }
    assert!(!request.contains("authorization"));
}

#[tokio::test]
async fn redirects_are_followed_and_secrets_stay_at_home() {
    let files = Server::start(|_| http("200 OK", &[], b"bytes")).await;
    let away = format!("{}/b?signature=1", files.base.replace("http://", "http://who:ever@"));
    let server = Server::start(move |request| match path_of(request) {
        "/a" => http("302 Found", &[("Location", "/a2")], b""),
        "/a2" => http("307 Temporary Redirect", &[("Location", &away)], b""),
        _ => http("301 Moved", &[("Location", path_of(request))], b""),
    })
    .await;
    let settings = settings(&server.base);
    let url = format!("{}/a", server.base);
    let answered = transport().ask(ask(&url, &settings, &login())).await.unwrap();
    assert_eq!(body(answered).await.unwrap(), b"bytes");
    assert!(server.asked().iter().all(|r| r.contains("authorization: basic bwu6chc=") && r.contains("x-key: sesame")));
    let away = &files.asked()[0];
    assert!(away.starts_with("get /b?signature=1 ") && !away.contains("authorization") && !away.contains("sesame"));
    let url = format!("{}/loop", server.base);
    let problem = transport().ask(ask(&url, &settings, &login())).await.err().unwrap();
    assert_eq!((problem.kind, problem.code), (Kind::Upstream, "too-many-redirects"));
    assert_eq!(server.asked().len(), 2 + 6, "at most 5 redirects");
    // another host by its address in the document itself
    let elsewhere = format!("{}/c", files.base);
    transport().ask(ask(&elsewhere, &settings, &login())).await.unwrap();
    assert!(!files.asked()[1].contains("sesame"));
}

#[tokio::test]
async fn private_addresses_are_refused_before_anything_is_sent() {
    let server = Server::start(|_| http("200 OK", &[], b"secret of the house")).await;
    let guarded = UpstreamSettings { allow_private: false, ..settings("https://registry.example") };
    let port = server.base.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "LOCALHOST"] {
        let url = format!("http://{host}:{port}/");
        let problem = transport().ask(ask(&url, &guarded, &Secrets::default())).await.err().unwrap();
        assert_eq!((problem.kind, problem.code), (Kind::Upstream, guard::REFUSED), "{host}: {problem}");
    }
    assert!(server.asked().is_empty());
    let operator = HttpTransport::new(Guard::new(&["127.0.0.0/8".to_owned(), "::1".to_owned()]).unwrap());
    for base in [&server.base, &server.by_name()] {
        operator.ask(ask(base, &guarded, &Secrets::default())).await.unwrap();
    }
}

#[tokio::test]
async fn a_redirect_into_a_private_network_is_refused() {
    let inside = Server::start(|_| http("200 OK", &[], b"secret of the house")).await;
    let (to, to_name) = (inside.base.replace("127.0.0.1", "127.0.0.2"), "http://169.254.169.254/latest/meta-data");
    let first = Server::start(move |request| match path_of(request) {
        "/a" => http("302 Found", &[("Location", &to)], b""),
        "/b" => http("302 Found", &[("Location", to_name)], b""),
        _ => http("302 Found", &[("Location", "file:///etc/passwd")], b""),
    })
    .await;
    // the upstream itself is in a network that the operator allows; where it points is not
    let operator = HttpTransport::new(Guard::new(&["127.0.0.1".to_owned()]).unwrap());
    let settings = UpstreamSettings { allow_private: false, ..settings(&first.base) };
    for (path, code) in [("a", guard::REFUSED), ("b", guard::REFUSED), ("c", "bad-redirect")] {
        let url = format!("{}/{path}", first.base);
        let problem = operator.ask(ask(&url, &settings, &Secrets::default())).await.err().unwrap();
        assert_eq!(problem.code, code, "{path}: {problem}");
    }
    assert!(inside.asked().is_empty());
}

#[tokio::test]
async fn connections_of_an_upstream_that_may_are_not_lent_to_one_that_may_not() {
    let server =
        Server::start(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok".to_vec()).await;
    let transport = transport();
    let base = server.by_name();
    let open = settings(&base);
    body(transport.ask(ask(&base, &open, &Secrets::default())).await.unwrap()).await.unwrap();
    let guarded = UpstreamSettings { allow_private: false, ..open };
    let problem = transport.ask(ask(&base, &guarded, &Secrets::default())).await.err().unwrap();
    assert_eq!(problem.code, guard::REFUSED);
}

/// A registry with a token flow: its realm gives a token to who logs in, and the token opens everything.
async fn registry(good_for: &'static str) -> (Server, Server) {
    let realm = Server::start(move |request| {
        let may = request.to_lowercase().contains("authorization: basic bwu6chc=");
        let token = if may { format!("{{\"token\":\"t-{good_for}\",\"expires_in\":300}}") } else { "{}".to_owned() };
        http(if may { "200 OK" } else { "401 Unauthorized" }, &[], token.as_bytes())
    })
    .await;
    let told = format!("Bearer realm=\"{}/token\",service=\"r\",scope=\"repository:a/b:pull\"", realm.base);
    let server = Server::start(move |request| {
        if request.contains("authorization: Bearer t-1") {
            http("200 OK", &[], b"{}")
        } else {
            http("401 Unauthorized", &[("WWW-Authenticate", "Basic realm=x"), ("WWW-Authenticate", &told)], b"")
        }
    })
    .await;
    (server, realm)
}

#[tokio::test]
async fn a_token_is_fetched_once_and_kept() {
    let (server, realm) = registry("1").await;
    let settings = settings(&server.base);
    let transport = transport();
    for path in ["manifests/1", "manifests/1", "blobs/sha256:00"] {
        let url = format!("{}/v2/a/b/{path}", server.base);
        assert_eq!(transport.ask(ask(&url, &settings, &login())).await.unwrap().status, 200);
    }
    assert_eq!(server.asked().len(), 4, "one was asked again with a token");
    let realm = realm.asked();
    assert_eq!(realm.len(), 1);
    assert!(realm[0].starts_with("get /token?service=r&scope=repository%3aa%2fb%3apull "), "{}", realm[0]);
    assert!(!realm[0].contains("sesame"), "other secrets are the upstream's alone");
}

#[tokio::test]
async fn without_a_login_the_realms_refusal_is_told() {
    let (server, _realm) = registry("1").await;
    let settings = settings(&server.base);
    let url = format!("{}/v2/a/b/manifests/1", server.base);
    let problem = transport().ask(ask(&url, &settings, &Secrets::default())).await.err().unwrap();
    assert!(problem.code == "no-token" && problem.message.contains("user name"), "{problem}");
}

#[tokio::test]
async fn a_token_that_does_not_help_is_not_fetched_for_ever() {
    let (server, realm) = registry("2").await;
    let settings = settings(&server.base);
    let url = format!("{}/v2/a/b/manifests/1", server.base);
    let answered = transport().ask(ask(&url, &settings, &login())).await.unwrap();
    assert_eq!((answered.status, server.asked().len(), realm.asked().len()), (401, 2, 1));
}

#[tokio::test]
async fn a_realm_in_a_private_network_is_refused() {
    let (server, realm) = registry("1").await;
    let operator = HttpTransport::new(Guard::new(&["127.0.0.1".to_owned()]).unwrap());
    let inside = realm.base.replace("127.0.0.1", "127.0.0.3");
    let told = format!("Bearer realm=\"{inside}\"");
    let cunning = Server::start(move |_| http("401 Unauthorized", &[("WWW-Authenticate", &told)], b"")).await;
    let settings = UpstreamSettings { allow_private: false, ..settings(&cunning.base) };
    let problem = operator.ask(ask(&cunning.base, &settings, &login())).await.err().unwrap();
    assert_eq!((problem.code, server.asked().len(), realm.asked().len()), (guard::REFUSED, 0, 0));
}

#[tokio::test]
async fn a_configured_token_is_sent_as_it_is() {
    let (server, realm) = registry("1").await;
    let settings = settings(&server.base);
    let secrets = Secrets { token: "t-1".into(), ..login() };
    assert_eq!(transport().ask(ask(&server.base, &settings, &secrets)).await.unwrap().status, 200);
    let wrong = Secrets { token: "t-9".into(), ..login() };
    assert_eq!(transport().ask(ask(&server.base, &settings, &wrong)).await.unwrap().status, 401);
    assert!(realm.asked().is_empty());
}

#[tokio::test]
async fn artifacts_come_as_they_are_and_documents_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"an archive, or a document").unwrap();
    let packed = packed.finish().unwrap();
    let sent = packed.clone();
    let headers = [("Content-Encoding", "gzip"), ("ETag", "\"z\"")];
    let server = Server::start(move |_| http("200 OK", &headers, &sent)).await;
    let (settings, secrets) = (settings(&server.base), Secrets::default());
    let raw = transport().ask(ask(&server.base, &settings, &secrets)).await.unwrap();
    assert_eq!(raw.headers["content-encoding"], "gzip");
    assert_eq!(body(raw).await.unwrap(), packed);
    let document = Ask { compressed: true, ..ask(&server.base, &settings, &secrets) };
    let document = transport().ask(document).await.unwrap();
    assert!(!document.headers.contains_key("content-encoding") && !document.headers.contains_key("content-length"));
    assert_eq!(body(document).await.unwrap(), b"an archive, or a document");
    assert!(server.asked()[0].contains("accept-encoding: identity"));
    assert!(server.asked()[1].contains("accept-encoding: gzip"));
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_with_an_error() {
    let server = Server::start(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello".to_vec()).await;
    let (settings, secrets) = (settings(&server.base), Secrets::default());
    let answered = transport().ask(ask(&server.base, &settings, &secrets)).await.unwrap();
    assert_eq!(answered.status, 200);
    assert!(body(answered).await.is_err());
}

#[tokio::test]
async fn a_silent_upstream_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let settings = UpstreamSettings { timeout_seconds: 1, ..settings(&base) };
    let began = std::time::Instant::now();
    let problem = transport().ask(ask(&base, &settings, &Secrets::default())).await.err().unwrap();
    assert!(began.elapsed() < Duration::from_secs(4));
    assert!(problem.code == "no-answer" && problem.message.contains("too long"), "{problem}");
    drop(listener);
    let problem = transport().ask(ask(&base, &settings, &Secrets::default())).await.err().unwrap();
    assert!(problem.code == "no-answer" && problem.message.contains("refused"), "{problem}");
}

#[tokio::test]
async fn errors_name_no_secret() {
    let settings = settings("http://127.0.0.1:1");
    let url = "http://me:hush@127.0.0.1:1/x?signature=hush#hush";
    let problem = transport().ask(ask(url, &settings, &login())).await.err().unwrap();
    assert!(!problem.message.contains("hush"), "{problem}");
    let wrong =
        Secrets { password: "line\nbreak".into(), headers: [("x-key".into(), "a\nb".into())].into(), ..login() };
    let problem = transport().ask(ask("http://127.0.0.1:1/", &settings, &wrong)).await.err().unwrap();
    assert!(problem.kind == Kind::Invalid && !problem.message.contains("a\nb"), "{problem}");
}

#[test]
fn settings_are_checked_before_they_are_kept() {
    let transport = transport();
    let with = |url: &str, pem: &str| {
        transport.check(&UpstreamSettings { allow_private: false, ca_certificates: pem.into(), ..settings(url) })
    };
    assert!(with("https://registry.example/simple", "").is_ok());
    for (url, pem) in [("http://0x7f.1/", ""), ("https://registry.example", "no certificate")] {
        assert_eq!(with(url, pem).unwrap_err().kind, Kind::Invalid, "{url} {pem}");
    }
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(with("https://registry.example", broken).is_err());
}
