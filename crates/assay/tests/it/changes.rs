//! The world changes: newer advisories and scores arrive, and only the packages they touch are decided again. Here is what
//! these stories share; each kind of change has a file of its own. Every server is a real process, and every import a
//! second one on the same data.

mod advisories;
mod live;
mod scores;
mod snapshots;
mod sync;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use assay_testkit::make::wheel::Wheel;
use assay_testkit::{Reply, TestServer, upload};
use serde_json::Value;

use crate::support::{package, settled};

/// Matches what has a CVSS score of 7 or more.
const SEVERE: &str = r#"package assay

default match := false

match if count(reason) > 0

reason contains sprintf("%s scores %v", [found.VulnerabilityID, cvss.V3Score]) if {
	some found in input.v0.security_scan.Vulnerabilities
	some _, cvss in found.CVSS
	cvss.V3Score >= 7
}
"#;

/// What `assay feeds import --json` and `assay feeds sync --json` print.
pub struct Report(Value);

impl Report {
    pub fn read(stdout: &str) -> Result<Self> {
        Ok(Self(serde_json::from_str(stdout).with_context(|| format!("not a report: {stdout}"))?))
    }

    /// New, changed, withdrawn, unchanged and bad records of a source.
    pub fn counts(&self, source: &str) -> [u64; 5] {
        ["new", "changed", "withdrawn", "unchanged", "bad"].map(|name| {
            self.0["sources"][source][name].as_u64().unwrap_or_else(|| panic!("{source} {name}: {}", self.0))
        })
    }

    /// Components matched, packages decided, newly quarantined and released because of it.
    pub fn change(&self) -> [u64; 4] {
        ["matched", "decided", "quarantined", "released"]
            .map(|name| self.0["change"][name].as_u64().unwrap_or_else(|| panic!("{name}: {}", self.0)))
    }
}

/// Puts a feed beside the server.
pub fn feed(server: &TestServer, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf> {
    let path = server.scratch().join(name);
    std::fs::write(&path, bytes)?;
    Ok(path)
}

/// Imports in a process of its own, on the data of the running server.
pub async fn import(server: &TestServer, path: &Path) -> Result<Report> {
    let ran = server.cli(["feeds", "import", "--json"])?.arg(path).succeed().await?;
    Report::read(&ran.stdout)
}

/// Saves a policy that quarantines, and waits until it is carried out.
pub async fn quarantine(server: &TestServer, name: &str, rego: &str) -> Result<()> {
    let path = feed(server, &format!("{name}.rego"), rego)?;
    server.cli(["policy", "add", "--action", "quarantine"])?.arg(path).succeed().await?;
    settled(server).await
}

/// Publishes version 1.0 of a tiny wheel of each name and waits until they are decided.
pub async fn publish(server: &TestServer, names: &[&str]) -> Result<()> {
    for name in names {
        upload::pypi(server.http(), "main", &Wheel::new(name, "1.0").build()?).await?.expect_status(200)?;
    }
    settled(server).await
}

/// Asks for a wheel as an installer does that pinned it.
pub async fn pull(server: &TestServer, name: &str) -> Result<Reply> {
    server.http().get(&format!("/pypi/main/files/{name}/{name}-1.0-py3-none-any.whl")).await
}

/// Its state and the ids of its decisions, newest first.
pub async fn seen(server: &TestServer, name: &str) -> Result<(String, Vec<String>)> {
    let detail = package(server, &format!("main/pypi/{name}@1.0")).await?;
    let state = detail["state"].as_str().context("no state")?.to_owned();
    let decisions = detail["decisions"].as_array().context("no decisions")?;
    Ok((state, decisions.iter().filter_map(|d| d["id"].as_str()).map(str::to_owned).collect()))
}

/// The states of some packages, in the order of their names here.
pub async fn states(server: &TestServer, names: &[&str]) -> Result<Vec<String>> {
    let mut states = Vec::new();
    for name in names {
        states.push(seen(server, name).await?.0);
    }
    Ok(states)
}

/// The events after a position, oldest first.
pub async fn events(server: &TestServer, after: i64) -> Result<Vec<Value>> {
    let reply = server.http().get(&format!("/api/v1/events?after={after}&limit=1000")).await?.expect_status(200)?;
    reply.json()?["events"].as_array().cloned().context("no events")
}

/// The position of the last event.
pub async fn head(server: &TestServer) -> Result<i64> {
    let reply = server.http().get("/api/v1/events?order=newest&limit=1").await?.expect_status(200)?;
    reply.json()?["events"][0]["seq"].as_i64().context("no event")
}

/// The server's own account of itself.
pub async fn status(server: &TestServer) -> Result<Value> {
    server.http().get("/api/v1/status").await?.expect_status(200)?.json()
}
