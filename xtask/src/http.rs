//! One plain HTTP/1.1 request to a server on this machine: enough for readiness checks, set-up and polling.
//!
//! Load is made by `wrk`, bulk uploads by `assay-testkit`; neither belongs here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The most of an answer that is read.
const ANSWER_LIMIT: u64 = 128 << 20;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// A loopback port that was free a moment ago.
///
/// # Errors
/// When none can be bound.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Sends one request and reads the whole answer. `headers` are `Name: value` lines.
///
/// # Errors
/// When the connection fails, stalls for ten seconds, or the answer is not HTTP/1.x.
pub fn request(port: u16, method: &str, path: &str, headers: &[String], body: &[u8]) -> Result<Answer> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    read(BufReader::new(stream))
}

fn read(mut from: impl BufRead) -> Result<Answer> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.with_context(|| format!("not an HTTP answer: {line:?}"))?;
    let (mut length, mut chunked) = (None, false);
    loop {
        line.clear();
        if from.read_line(&mut line)? == 0 {
            bail!("the answer ends within its header");
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse::<u64>().ok(),
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        read_chunks(from, &mut body)?;
    } else {
        from.take(length.unwrap_or(ANSWER_LIMIT).min(ANSWER_LIMIT)).read_to_end(&mut body)?;
    }
    Ok(Answer { status, body })
}

fn read_chunks(mut from: impl BufRead, body: &mut Vec<u8>) -> Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        from.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim(), 16).with_context(|| format!("bad chunk size {line:?}"))?;
        if size == 0 || body.len() as u64 + size > ANSWER_LIMIT {
            return Ok(());
        }
        from.by_ref().take(size).read_to_end(body)?;
        line.clear();
        from.read_line(&mut line)?;
    }
}
