//! Several servers over one PostgreSQL and one S3 service: what one of them takes or learns holds for all, and what one
//! of them leaves undone another does. `cargo xtask env -- cargo test -p assay` starts the two services.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use assay_testkit::make::feeds::{CRITICAL, osv_record, osv_zip, withdrawn};
use assay_testkit::make::oci::{Apk, Image};
use assay_testkit::make::wheel::Wheel;
use assay_testkit::skip::service;
use assay_testkit::{Http, Run, ServerOptions, TestServer, skipped, upload};
use serde_json::json;

use crate::support::{TOO_DANGEROUS, options, settled, state};
use crate::tour_oci;

/// How long one node may go on with what it has cached.
const NOTICE: Duration = Duration::from_secs(3);
/// A killed node's jobs are taken when its lease of 30 s has run out; then they have to be done.
const TAKEOVER: Duration = Duration::from_secs(90);
const PYPI: &str = "/pypi/main/files/aa/aa-1.0-py3-none-any.whl";
const IMAGE: &str = "/v2/main/base/manifests/3.10";

/// A database and a place in a bucket of their own, gone with the test.
pub struct Services {
    server: String,
    database: String,
    storage: String,
    endpoint: String,
}

impl Services {
    /// None, and a line that says so, where a service is missing.
    pub fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let (server, s3) = (service("ASSAY_TEST_POSTGRES")?, service("ASSAY_TEST_S3")?);
        let name = format!("assay_it_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        if Command::new("psql").arg("--version").output().is_err() {
            skipped("psql is not installed");
            return None;
        }
        sql(&server, &format!("CREATE DATABASE {name}")).unwrap();
        let (endpoint, bucket) = s3.rsplit_once('/').unwrap();
        let (host, _) = server.rsplit_once('/').unwrap();
        Some(Self {
            database: format!("{host}/{name}"),
            storage: format!("s3://{bucket}/{name}"),
            endpoint: endpoint.to_owned(),
            server,
        })
    }

    /// The address of the object store.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The address of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// What a server over them is told.
    fn variables(&self) -> [(&'static str, &str); 5] {
        [
            ("ASSAY_DATABASE_URL", &self.database),
            ("ASSAY_STORAGE_URL", &self.storage),
            ("ASSAY_STORAGE_ENDPOINT", &self.endpoint),
            ("ASSAY_STORAGE_ACCESS_KEY", "test"),
            ("ASSAY_STORAGE_SECRET_KEY", "test"),
        ]
    }

    /// A server that runs over them.
    pub fn under(&self, server: ServerOptions) -> ServerOptions {
        self.variables().iter().fold(server, |server, (name, value)| server.env(name, value))
    }

    /// One more server over them, with a data directory of its own.
    async fn node(&self) -> Result<TestServer> {
        self.under(options()).start().await
    }

    /// The command line at a node, for commands that work on the data themselves.
    pub fn cli(&self, node: &TestServer, arguments: &[&str]) -> Result<Run> {
        Ok(self.variables().iter().fold(node.cli(arguments)?, |run, (name, value)| run.env(name, value)))
    }

    /// The first column that a statement gives.
    pub fn ask(&self, text: &str) -> Result<String> {
        sql(&self.database, text)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        let name = self.database.rsplit('/').next().unwrap_or_default();
        if let Err(error) = sql(&self.server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")) {
            eprintln!("cannot drop a test's database: {error}");
        }
    }
}

/// Runs a statement with PostgreSQL's own client; the answer is its first column.
fn sql(url: &str, text: &str) -> Result<String> {
    let done =
        Command::new("psql").args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", text, url]).output()?;
    if !done.status.success() {
        bail!("{text}: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// Asks until the answer has this status; says how long that took.
async fn becomes(http: &Http, path: &str, status: u16) -> Result<Duration> {
    let start = Instant::now();
    loop {
        let seen = http.get(path).await?.status.as_u16();
        if seen == status {
            return Ok(start.elapsed());
        }
        if start.elapsed() > NOTICE {
            bail!("{path} still gives {seen}, not {status}, after {:?}", start.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn import(services: &Services, node: &TestServer, file: &Path) -> Result<()> {
    services.cli(node, &["feeds", "import"])?.arg(file).succeed().await?;
    Ok(())
}

/// A wheel, a file and an image.
async fn publish(node: &TestServer) -> Result<()> {
    upload::pypi(node.http(), "main", &Wheel::new("aa", "1.0").build()?).await?.expect_status(200)?;
    node.http().put("/generic/main/notes/a.txt", b"some text".to_vec()).await?.expect_status(201)?;
    let apk = Apk { name: "musl", version: "1.1.22-r3", origin: "musl", license: "MIT" };
    let parts = Image::new().alpine("3.10.9", &[apk])?.parts()?;
    tour_oci::push(node.http(), "main/base", "3.10", &parts).await
}

#[tokio::test]
async fn what_one_node_takes_or_learns_holds_for_the_other() {
    let Some(services) = Services::new() else { return };
    let one = services.node().await.unwrap();
    let two = services.node().await.unwrap();
    publish(&one).await.unwrap();
    let wheel = Wheel::new("aa", "1.0").build().unwrap();
    settled(&two).await.unwrap();
    assert_eq!(two.http().get(PYPI).await.unwrap().expect_status(200).unwrap().body, wheel.bytes);
    let text = two.http().get("/generic/main/notes/a.txt").await.unwrap().expect_status(200).unwrap();
    assert_eq!(text.body, b"some text");
    let manifest = two.http().get(IMAGE).await.unwrap().expect_status(200).unwrap().json().unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    two.http().get(&format!("/v2/main/base/blobs/{layer}")).await.unwrap().expect_status(200).unwrap();
    assert!(!one.data().join("assay.db").exists() && !two.data().join("assay.db").exists(), "nothing is kept beside");

    // A policy on one node, advisories through another: both are refused everywhere.
    let musl = osv_record("ALPINE-1", "Alpine:v3.10", "musl", Some("1.1.22-r4"), CRITICAL, "2024-01-01T00:00:00Z");
    let python = osv_record("GHSA-a", "PyPI", "aa", Some("1.1"), CRITICAL, "2024-01-01T00:00:00Z");
    let feed = one.scratch().join("all.zip");
    std::fs::write(&feed, osv_zip(&[musl, python.clone()]).unwrap()).unwrap();
    import(&services, &one, &feed).await.unwrap();
    for node in [&one, &two] {
        becomes(node.http(), PYPI, 200).await.unwrap();
        becomes(node.http(), IMAGE, 200).await.unwrap();
    }
    let policy = one.scratch().join("dangerous.rego");
    std::fs::write(&policy, TOO_DANGEROUS).unwrap();
    one.cli(["policy", "add", "--action", "quarantine"]).unwrap().arg(&policy).succeed().await.unwrap();
    let took = becomes(two.http(), PYPI, 403).await.unwrap();
    eprintln!("the other node refused {took:?} after the policy was in force");
    becomes(two.http(), IMAGE, 403).await.unwrap();
    one.http().get(PYPI).await.unwrap().expect_status(403).unwrap();
    two.http().get("/generic/main/notes/a.txt").await.unwrap().expect_status(200).unwrap();

    std::fs::write(&feed, withdrawn(python, "2024-02-01T00:00:00Z").to_string()).unwrap();
    import(&services, &two, &feed).await.unwrap();
    becomes(one.http(), PYPI, 200).await.unwrap();
    becomes(two.http(), PYPI, 200).await.unwrap();
    assert_eq!(state(&one, "main/oci/base:3.10").await.unwrap(), "quarantined");

    for node in [&one, &two] {
        let verified = node.cli(["log", "verify"]).unwrap().succeed().await.unwrap();
        assert!(verified.says("the log is whole"), "{verified}");
    }
}

#[tokio::test]
async fn a_token_that_one_node_revokes_opens_no_other() {
    let Some(services) = Services::new() else { return };
    let (one, two) = (services.node().await.unwrap(), services.node().await.unwrap());
    publish(&one).await.unwrap();
    settled(&two).await.unwrap();
    let draft = json!({"name": "reader", "permission": "read", "repositories": ["main"]});
    let made =
        one.http().post_json("/api/v1/tokens", &draft).await.unwrap().expect_status(201).unwrap().json().unwrap();
    let reader = two.http().with_token(made["secret"].as_str());
    reader.get(PYPI).await.unwrap().expect_status(200).unwrap();
    let id = &made["token"]["id"];
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    let gone = one.http().delete(&format!("/api/v1/tokens/{id}")).await.unwrap();
    assert!(gone.status.is_success(), "{}", gone.text());
    becomes(&reader, PYPI, 401).await.unwrap();
}

/// Publishes wheels at a node until its jobs run, and kills it while they do; says how many it held.
async fn die_at_work(services: &Services, node: &mut TestServer) -> Result<(usize, i64)> {
    for round in 0..20 {
        let mut uploads = Vec::new();
        for number in 0..10 {
            let built = Wheel::new(&format!("pkg{round}x{number}"), "1.0").build()?;
            let http = node.http().clone();
            uploads.push(tokio::spawn(async move { upload::pypi(&http, "main", &built).await?.expect_status(200) }));
        }
        for done in uploads {
            done.await??;
        }
        for _ in 0..20 {
            let running: i64 = services.ask("SELECT count(*) FROM job WHERE state = 'running'")?.parse()?;
            if running == 0 {
                continue;
            }
            node.kill()?;
            // What it had under way is cut off with its connections.
            tokio::time::sleep(Duration::from_millis(200)).await;
            let held = services.ask("SELECT count(*) FROM job WHERE state = 'running'")?.parse()?;
            if held > 0 {
                return Ok(((round + 1) * 10, held));
            }
            node.restart().await?;
            break;
        }
    }
    bail!("it could not be killed at work")
}

#[tokio::test]
async fn the_jobs_of_a_killed_node_are_done_by_another() {
    let Some(services) = Services::new() else { return };
    let mut one = services.node().await.unwrap();
    let (published, held) = die_at_work(&services, &mut one).await.unwrap();
    let start = Instant::now();
    let two = services.node().await.unwrap();
    let undone = "SELECT count(*) FROM job WHERE state <> 'dead'";
    while services.ask(undone).unwrap() != "0" {
        assert!(start.elapsed() < TAKEOVER, "{} jobs are left", services.ask(undone).unwrap());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    eprintln!("{held} jobs of the killed node were done {:?} later", start.elapsed());
    assert_eq!(services.ask("SELECT count(*) FROM job WHERE state = 'dead'").unwrap(), "0");
    let listed =
        two.http().get("/api/v1/packages?limit=500").await.unwrap().expect_status(200).unwrap().json().unwrap();
    let listed = listed["packages"].as_array().context("no packages").unwrap().clone();
    assert_eq!(listed.len(), published, "nothing that was acknowledged is lost");
    assert!(listed.iter().all(|package| package["state"] == "available"));
    let verified = two.cli(["log", "verify"]).unwrap().succeed().await.unwrap();
    assert!(verified.says("the log is whole"), "{verified}");
}
