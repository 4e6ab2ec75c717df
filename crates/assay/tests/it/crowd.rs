//! A thousand clients at once, half of them slow or gone midway: the others notice nothing, and what the gone ones leave
//! behind goes with them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use assay_testkit::make::sha256;
use assay_testkit::{Http, TestServer};
use futures_util::future::join_all;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::support::{PATIENCE, options, settled};

/// Clients of each of the ten sorts.
const EACH: usize = 100;
/// Bytes of the file that the slow ones pull.
const LARGE: usize = 8 << 20;
/// Bytes that the others pull and push.
const SMALL: usize = 20_000;
/// Most memory that the crowd takes at any time, in MiB. A thousand times the small buffers of a connection, and half a thousand
/// times what is on its way to one that does not read; generous, because tests are not built for release.
const MEMORY: u64 = 400;

fn bytes(seed: usize, size: usize) -> Vec<u8> {
    (0..size).map(|at| (at.wrapping_mul(31).wrapping_add(seed.wrapping_mul(7919)) >> 3) as u8).collect()
}

/// A figure of the server's process, in MiB.
fn memory(server: &TestServer, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid().context("it runs")?))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such figure")?;
    Ok(line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").trim().parse::<u64>()? / 1024)
}

/// Sends the head of a request and a part of its body by hand.
async fn begin(server: &TestServer, head: &str, part: &[u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(server.authority()).await?;
    let authority = server.authority();
    let head = format!("{head}\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\n\r\n", server.token());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(part).await?;
    Ok(stream)
}

/// Begins an upload and never ends it; gone when the others are done.
async fn breaks_an_upload(server: &TestServer, at: usize, mut done: watch::Receiver<bool>) -> Result<()> {
    let head = format!("PUT /generic/main/broken/{at} HTTP/1.1\r\nContent-Length: {LARGE}");
    let stream = begin(server, &head, &bytes(at, LARGE / 100)).await?;
    if at.is_multiple_of(2) {
        done.wait_for(|done| *done).await?;
    }
    drop(stream);
    Ok(())
}

/// Asks for a large file and reads next to nothing of it.
async fn reads_slowly(server: &TestServer, at: usize, mut done: watch::Receiver<bool>) -> Result<()> {
    let mut stream = begin(server, "GET /generic/main/large.bin HTTP/1.1", b"").await?;
    let mut some = [0; 512];
    stream.read_exact(&mut some).await?;
    ensure!(some.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&some));
    if at.is_multiple_of(2) {
        done.wait_for(|done| *done).await?;
    }
    Ok(())
}

/// Says something of a request and no more.
async fn stays_silent(server: &TestServer, mut done: watch::Receiver<bool>) -> Result<()> {
    let mut stream = TcpStream::connect(server.authority()).await?;
    stream.write_all(b"GET /generic/main/small.bin HTTP/1.1\r\nHost").await?;
    done.wait_for(|done| *done).await?;
    Ok(())
}

async fn open_session(http: &Http) -> Result<String> {
    let opened = http.post("/v2/main/crowd/blobs/uploads/", Vec::new()).await?.expect_status(202)?;
    Ok(opened.header("location").context("an upload has a place")?.to_owned())
}

async fn chunk(http: &Http, method: Method, place: &str, bytes: Vec<u8>, status: u16) -> Result<()> {
    let request = http.request(method, place).header("content-type", "application/octet-stream").body(bytes);
    http.send(request).await?.expect_status(status).map(drop)
}

/// Breaks off in the middle of a chunk; comes back, asks how far it got, and goes on from there or gives up.
async fn resumes(server: &TestServer, at: usize) -> Result<()> {
    let (http, whole) = (server.http(), bytes(at, SMALL));
    let place = open_session(http).await?;
    // says where it begins: what comes late is told from what was sent again
    let head = format!("PATCH {place} HTTP/1.1\r\nContent-Length: {SMALL}\r\nContent-Range: 0-{}", SMALL - 1);
    drop(begin(server, &head, &whole[..SMALL / 2]).await?);
    if at.is_multiple_of(2) {
        return http.delete(&place).await?.expect_status(204).map(drop);
    }
    // what was sent before it broke off may still be on its way
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let told = http.get(&place).await?.expect_status(204)?;
        let range = told.header("range").unwrap_or("0-0").trim_start_matches("0-").parse::<usize>()?;
        let there = if range == 0 { 0 } else { range + 1 };
        let rest = http.request(Method::PATCH, &place).header("content-range", format!("{there}-{}", SMALL - 1));
        let sent = http.send(rest.body(whole[there..].to_vec())).await?;
        if sent.status.as_u16() == 202 {
            let finished = format!("{place}?digest=sha256:{}", sha256(&whole));
            return chunk(http, Method::PUT, &finished, Vec::new(), 201).await;
        }
        ensure!(sent.status.as_u16() == 416, "{}: {}", sent.status, sent.text());
    }
    bail!("the upload could not be resumed")
}

async fn pulls(http: &Http, wanted: &[u8]) -> Result<()> {
    let pulled = http.get("/generic/main/small.bin").await?.expect_status(200)?;
    ensure!(pulled.body == wanted, "other bytes");
    Ok(())
}

async fn pushes(http: &Http, at: usize) -> Result<()> {
    let path = format!("/generic/main/pushed/{at}");
    http.put(&path, bytes(at, SMALL)).await?.expect_status(201).map(drop)
}

async fn pushes_chunks(http: &Http, at: usize) -> Result<()> {
    let (whole, place) = (bytes(at + EACH, SMALL), open_session(http).await?);
    for part in whole.chunks(SMALL / 2) {
        chunk(http, Method::PATCH, &place, part.to_vec(), 202).await?;
    }
    let finished = format!("{place}?digest=sha256:{}", sha256(&whole));
    chunk(http, Method::PUT, &finished, Vec::new(), 201).await
}

/// Files below the spool, where uploads wait until they are whole.
fn spooled(server: &TestServer) -> Result<Vec<String>> {
    let spool = server.data().join("spool");
    let mut names = Vec::new();
    for folder in [spool.clone(), spool.join("sessions")] {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            names.extend(entry?.file_name().into_string().ok().filter(|name| name != "sessions"));
        }
    }
    Ok(names)
}

async fn all<T>(what: &str, each: impl IntoIterator<Item = impl Future<Output = Result<T>>>) -> Result<()> {
    let failed: Vec<_> = join_all(each).await.into_iter().filter_map(Result::err).collect();
    match failed.first() {
        None => Ok(()),
        Some(first) => bail!("{} that {what} failed: {first:#}", failed.len()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_half_of_them_slow_or_gone() -> Result<()> {
    assay_testkit::process::many_files()?;
    // what is free again is given back and not kept for what comes next, so that what is seen is what was held
    let server = options().env("MIMALLOC_PURGE_DELAY", "0").start().await?;
    let small = bytes(1, SMALL);
    server.http().put("/generic/main/small.bin", small.clone()).await?.expect_status(201)?;
    server.http().put("/generic/main/large.bin", bytes(2, LARGE)).await?.expect_status(201)?;
    settled(&server).await?;
    let before = memory(&server, "VmHWM")?;
    let (ended, done) = watch::channel(false);
    let several = 0..2 * EACH;
    let bad = async {
        tokio::try_join!(
            all("broke uploads off", several.clone().map(|at| breaks_an_upload(&server, at, done.clone()))),
            all("read slowly", several.clone().map(|at| reads_slowly(&server, at, done.clone()))),
            all("stayed silent", (0..EACH).map(|_| stays_silent(&server, done.clone()))),
        )
    };
    let good = async {
        let outcome = tokio::try_join!(
            all("pulled", several.clone().map(|_| pulls(server.http(), &small))),
            all("pushed", (0..EACH).map(|at| pushes(server.http(), at))),
            all("pushed chunks", (0..EACH).map(|at| pushes_chunks(server.http(), at))),
            all("resumed", (0..EACH).map(|at| resumes(&server, at))),
        );
        ended.send_replace(true);
        outcome
    };
    let (bad, good) = tokio::join!(bad, good);
    good.and(bad)?;
    let grown = memory(&server, "VmHWM")? - before;
    eprintln!("a thousand clients took {grown} MiB beside {before}");
    ensure!(grown < MEMORY, "the server took {grown} MiB more");
    let start = Instant::now();
    while !spooled(&server)?.is_empty() {
        ensure!(start.elapsed() < PATIENCE, "these stayed behind: {:?}", spooled(&server)?);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    settled(&server).await?;
    pulls(server.http(), &small).await?;
    let broken = server.http().get("/generic/main/broken/?format=json").await?;
    ensure!(broken.status.as_u16() == 404, "half uploads are shown: {}", broken.text());
    Ok(())
}
