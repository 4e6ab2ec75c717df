//! Bad input and people who try their luck: each gets a clear answer in its client's own format, and nothing comes of it.

mod gate;
mod images;
mod requests;
mod secrets;
mod uploads;

use std::{collections::BTreeMap, time::Instant};

use anyhow::{Context, Result, ensure};
use assay_testkit::TestServer;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{inside, support::PATIENCE};

/// What there is, as far as anybody can see it.
struct Standing {
    packages: Vec<Vec<Value>>,
    files: Vec<Vec<Value>>,
    blobs: BTreeMap<String, u64>,
}

impl Standing {
    fn of(server: &TestServer) -> Result<Self> {
        Ok(Self {
            packages: inside::rows(&server.data(), "SELECT id, format, name, version, state FROM package ORDER BY id")?,
            files: inside::rows(&server.data(), "SELECT id, path, digest FROM file ORDER BY id")?,
            blobs: inside::blobs(&server.data())?,
        })
    }

    /// Nothing that can be seen has changed; once what nobody refers to is collected, nothing at all.
    async fn unchanged(&self, server: &mut TestServer) -> Result<()> {
        let start = Instant::now();
        // a client that went away is noticed a moment later
        while !inside::spooled(&server.data())?.is_empty() && start.elapsed() < PATIENCE {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let spooled = inside::spooled(&server.data())?;
        ensure!(spooled.is_empty(), "left in the spool: {spooled:?}");
        let now = Self::of(server)?;
        ensure!(now.packages == self.packages, "packages: {:?}", now.packages);
        ensure!(now.files == self.files, "files: {:?}", now.files);
        inside::collected(server).await?;
        let now = Self::of(server)?;
        ensure!(now.blobs == self.blobs, "blobs: {:?} instead of {:?}", now.blobs, self.blobs);
        Ok(())
    }
}

/// Sends bytes as they are and reads until the server ends the connection; `cut` ends our side after them.
async fn raw(server: &TestServer, request: &[u8], cut: bool) -> Result<String> {
    let mut stream = tokio::net::TcpStream::connect(server.authority()).await?;
    // the server may answer and end the connection before it has read all
    let _ = stream.write_all(request).await;
    if cut {
        stream.shutdown().await?;
    }
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.context("no end of the answer")?;
    if answer.is_empty() {
        read?;
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// One request with this target exactly as it is, which no client library would send.
async fn exact(server: &TestServer, method: &str, target: &str, body: &str) -> Result<(u16, String)> {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        server.authority(),
        server.token(),
        body.len()
    );
    let answer = raw(server, format!("{head}{body}").as_bytes(), false).await?;
    Ok((status(&answer), answer))
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// The most memory that the server ever had, in MiB.
fn peak(server: &TestServer) -> Result<u64> {
    let pid = server.pid().context("the server has ended")?;
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find(|line| line.starts_with("VmHWM")).context("no VmHWM")?;
    let kib: u64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib / 1024)
}
