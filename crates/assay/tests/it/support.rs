//! Worlds to test in: a server that fetches nothing by itself, and waiting for what happens in the background.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use assay_testkit::{ServerOptions, TestServer};
use serde_json::Value;

/// The program under test.
pub const ASSAY: &str = env!("CARGO_BIN_EXE_assay");

/// How long the work in the background may take, on a machine that also compiles.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How every server here is started: nothing is fetched unless a test asks.
pub fn options() -> ServerOptions {
    ServerOptions::new(ASSAY).env("ASSAY_SOURCES_SYNC", "off")
}

/// A server on an empty data directory.
pub async fn server() -> Result<TestServer> {
    options().start().await
}

/// The id of a package, once it is known under this name (`repository/format/name@version`).
pub async fn package_id(server: &TestServer, what: &str) -> Result<i64> {
    let reply = server.http().get(&format!("/api/v1/packages/find?what={what}")).await?.expect_status(200)?;
    match reply.json()?["id"].as_i64() {
        Some(id) => Ok(id),
        None => bail!("no id in {}", reply.text()),
    }
}

/// The detail of a package as the API shows it.
pub async fn package(server: &TestServer, what: &str) -> Result<Value> {
    let id = package_id(server, what).await?;
    server.http().get(&format!("/api/v1/packages/{id}")).await?.expect_status(200)?.json()
}

/// Waits until no job waits or runs.
pub async fn settled(server: &TestServer) -> Result<()> {
    let start = Instant::now();
    loop {
        let status = server.http().get("/api/v1/status").await?.expect_status(200)?.json()?;
        let busy = status["jobs"].as_object().into_iter().flatten().any(|(_, lane)| {
            lane["waiting"].as_u64().unwrap_or_default() + lane["running"].as_u64().unwrap_or_default() > 0
        });
        if !busy {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            bail!("the work does not end: {status}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
