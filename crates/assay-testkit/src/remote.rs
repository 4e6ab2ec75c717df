//! A remote registry whose answers a test decides: slow, broken, changed, counted. It knows no protocol.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Status; 0 means 200.
    pub status: u16,
    /// Headers besides `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// Pause before the answer.
    pub delay: Duration,
    /// Bytes after which it pauses, and for how long.
    pub stall: Option<(usize, Duration)>,
    /// Bytes after which the connection is cut.
    pub cut: Option<usize>,
}

impl Answer {
    /// A body with status 200.
    #[must_use]
    pub fn of(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }
    /// A status without body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }
    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

#[derive(Default)]
struct Script {
    answers: Mutex<BTreeMap<String, Answer>>,
    asked: Mutex<Vec<String>>,
}

/// A running one. Dropping it ends it.
pub struct Remote {
    port: u16,
    script: Arc<Script>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Remote {
    /// Listens on a free port of this machine; answers 404 until told otherwise.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let script = Arc::new(Script::default());
        let shared = script.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Ok(Self { port, script, task })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What a path gives from now on. Paths begin with a slash; their query counts.
    pub fn gives(&self, path: &str, answer: Answer) {
        self.script.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), answer);
    }

    /// The requests so far, as `METHOD PATH`, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.script.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often a path was asked for.
    #[must_use]
    pub fn times(&self, path: &str) -> usize {
        self.asked().iter().filter(|asked| asked.split(' ').nth(1) == Some(path)).count()
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Script>) {
    loop {
        let Some(head) = read_head(&mut stream).await else { return };
        let mut words = head.split_whitespace();
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        script.asked.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{method} {path}"));
        let answer = script.answers.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        let answer = answer.unwrap_or_else(|| Answer::status(404));
        let unchanged = answer.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("etag")
                && head.to_lowercase().contains(&format!("if-none-match: {}", value.to_lowercase()))
        });
        let answer = if unchanged { Answer { status: 304, body: Vec::new(), ..answer } } else { answer };
        if send(&mut stream, &answer, method == "HEAD").await.is_none() {
            return;
        }
    }
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0_u8; 1];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16 << 10 {
        stream.read_exact(&mut byte).await.ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

async fn send(stream: &mut TcpStream, answer: &Answer, head_only: bool) -> Option<()> {
    tokio::time::sleep(answer.delay).await;
    let status = if answer.status == 0 { 200 } else { answer.status };
    let mut head = format!("HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\n", answer.body.len());
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await.ok()?;
    if head_only || status == 304 {
        return Some(());
    }
    let end = answer.cut.unwrap_or(answer.body.len()).min(answer.body.len());
    let first = answer.stall.map_or(end, |(at, _)| at.min(end));
    stream.write_all(answer.body.get(..first)?).await.ok()?;
    stream.flush().await.ok()?;
    if let Some((_, pause)) = answer.stall {
        tokio::time::sleep(pause).await;
    }
    stream.write_all(answer.body.get(first..end)?).await.ok()?;
    answer.cut.is_none().then_some(())
}
