//! HTTP/1.1 with addresses sent as they are written: no library that would tidy them up.

use anyhow::{Context, Result, ensure};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// More than any answer here.
const BODY_BYTES: usize = 8 << 20;

/// An answer.
pub(super) struct Got {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One connection, opened again when it was closed.
pub(super) struct Wire {
    authority: String,
    token: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Wire {
    pub(super) fn new(authority: &str, token: &str) -> Self {
        Self { authority: authority.to_owned(), token: token.to_owned(), stream: None }
    }

    pub(super) async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Got> {
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (authority, token) = (&self.authority, &self.token);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\
             {more}\r\n"
        );
        let answered = tokio::time::timeout(Duration::from_secs(60), self.exchange(method, &head));
        answered.await.context("no answer within a minute")?
    }

    async fn exchange(&mut self, method: &str, head: &str) -> Result<Got> {
        // A connection may have been closed since the last answer.
        if let Some(mut stream) = self.stream.take()
            && stream.write_all(head.as_bytes()).await.is_ok()
            && let Ok(got) = read(&mut stream, method).await
        {
            return Ok(self.keep(stream, got));
        }
        let mut stream = BufReader::new(TcpStream::connect(&self.authority).await?);
        stream.write_all(head.as_bytes()).await?;
        let got = read(&mut stream, method).await?;
        Ok(self.keep(stream, got))
    }

    fn keep(&mut self, stream: BufReader<TcpStream>, got: Got) -> Got {
        self.stream = (got.header("connection") != Some("close")).then_some(stream);
        got
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await?;
    ensure!(line.ends_with(b"\n"), "the connection was closed");
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

async fn read(stream: &mut BufReader<TcpStream>, method: &str) -> Result<Got> {
    let first = line(stream).await?;
    let status: u16 = first.split(' ').nth(1).context("no status")?.parse()?;
    let mut got = Got { status, headers: Vec::new(), body: Vec::new() };
    loop {
        let line = line(stream).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        got.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if method == "HEAD" || matches!(status, 204 | 304) {
        return Ok(got);
    }
    if got.header("transfer-encoding").is_some() {
        loop {
            let size = usize::from_str_radix(line(stream).await?.trim(), 16)?;
            part(stream, size, &mut got.body).await?;
            line(stream).await?;
            if size == 0 {
                return Ok(got);
            }
        }
    }
    let size = got.header("content-length").context("no length")?.parse()?;
    part(stream, size, &mut got.body).await?;
    Ok(got)
}

async fn part(stream: &mut BufReader<TcpStream>, size: usize, body: &mut Vec<u8>) -> Result<()> {
    ensure!(body.len() + size <= BODY_BYTES, "the answer is too long");
    let at = body.len();
    body.resize(at + size, 0);
    stream.read_exact(&mut body[at..]).await?;
    Ok(())
}
