//! What goes on while the server is killed: uploads in every format, edits of policies, pulls of what is refused.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use assay_testkit::{
    Http, Reply, TestServer,
    make::{feeds, oci::Image, wheel::Wheel},
    upload,
};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::ledger::{Begun, Dice, Ledger};

/// Records of every feed.
pub const ADVISORIES: usize = 600;
/// Names that wheels have and advisories speak of.
const NAMES: u64 = 40;

/// The tasks of one round.
pub struct Tasks(JoinSet<Result<()>>);

impl Tasks {
    /// Ends them, and waits until nothing more is written into the ledger. An answer that none of them expected is an
    /// error; that answers stop coming is not.
    pub async fn abort_all(mut self) -> Result<()> {
        self.0.abort_all();
        while let Some(ended) = self.0.join_next().await {
            if let Ok(Err(error)) = ended
                && !error.chain().any(|cause| cause.is::<reqwest::Error>())
            {
                return Err(error.context("while the server was up"));
            }
        }
        Ok(())
    }
}

pub fn start(server: &TestServer, ledger: &Arc<Ledger>, dice: &mut Dice, round: u64) -> Tasks {
    let mut tasks = JoinSet::new();
    let mut lot = |n: u64| (server.http().clone(), ledger.clone(), Dice::new(dice.below(u64::from(u32::MAX)) + n));
    let (http, book, dice) = lot(1);
    tasks.spawn(wheels(http, book, dice, round));
    let (http, book, dice) = lot(2);
    tasks.spawn(files(http, book, dice, round));
    let (http, book, dice) = lot(3);
    tasks.spawn(images(http, book, dice, round));
    let (http, book, dice) = lot(4);
    tasks.spawn(chunks(http, book, dice, round));
    let (http, _, dice) = lot(5);
    tasks.spawn(policies(http, dice));
    let (http, book, _) = lot(6);
    tasks.spawn(pulls(http, book));
    Tasks(tasks)
}

pub async fn policy(http: &Http, name: &str, rego: &str, enabled: bool) -> Result<Reply> {
    let actions = json!([{"kind": "set_state", "params": {"state": "quarantined"}}]);
    http.post_json("/api/v1/policies", &json!({"name": name, "rego": rego, "enabled": enabled, "actions": actions}))
        .await
}

async fn wheels(http: Http, ledger: Arc<Ledger>, mut dice: Dice, round: u64) -> Result<()> {
    for n in 0_u64.. {
        let kind = ["pkg", "pkg", "banned", "churn"][usize::try_from(dice.below(4))?];
        let (name, version) = (format!("{kind}{}", dice.below(NAMES)), format!("{}.{round}.{n}", dice.below(60)));
        let filler = usize::try_from(dice.below(60_000))?;
        let wheel = Wheel::new(&name, &version).file("filler.bin", dice.bytes(filler)).build()?;
        let path = format!("/pypi/main/files/{name}/{}", wheel.file_name);
        if kind == "banned" {
            ledger.forbidden(&path);
            ledger.forbidden(&format!("{path}.metadata"));
        }
        upload::pypi(&http, "main", &wheel).await?.expect_status(200)?;
        if kind == "pkg" {
            ledger.stored(&path, &wheel.bytes);
        }
    }
    Ok(())
}

async fn files(http: Http, ledger: Arc<Ledger>, mut dice: Dice, round: u64) -> Result<()> {
    for n in 0.. {
        let length = usize::try_from(dice.below(200_000))?;
        let bytes = dice.bytes(length);
        if n % 4 == 3 {
            let path = format!("/generic/main/latest/{}.bin", dice.below(2));
            let done = ledger.rewriting(&path, &bytes);
            let reply = http.put(&path, bytes).await?;
            anyhow::ensure!(reply.status.is_success(), "{path}: {}", reply.text());
            done(&ledger);
        } else {
            let path = format!("/generic/main/files/{round}/{n}.bin");
            http.put(&path, bytes.clone()).await?.expect_status(201)?;
            ledger.stored(&path, &bytes);
        }
    }
    Ok(())
}

async fn images(http: Http, ledger: Arc<Ledger>, mut dice: Dice, round: u64) -> Result<()> {
    for n in 0.. {
        let length = usize::try_from(dice.below(100_000))?;
        let parts = Image::new().layer(&[("data.bin", &dice.bytes(length)), ("etc/hostname", b"x\n")])?.parts()?;
        let name = format!("/v2/main/image{}", dice.below(4));
        for blob in parts.layers.iter().chain([&parts.config]) {
            let path = format!("{name}/blobs/uploads/?digest={}", blob.digest);
            http.post(&path, blob.bytes.clone()).await?.expect_status(201)?;
            ledger.staged(&format!("{name}/blobs/{}", blob.digest), &blob.bytes);
        }
        let request = http.request(Method::PUT, &format!("{name}/manifests/r{round}-{n}"));
        let request = request.header("content-type", parts.manifest.media_type).body(parts.manifest.bytes.clone());
        http.send(request).await?.expect_status(201)?;
        ledger.stored(&format!("{name}/manifests/r{round}-{n}"), &parts.manifest.bytes);
        for blob in parts.layers.iter().chain([&parts.config]) {
            ledger.stored(&format!("{name}/blobs/{}", blob.digest), &blob.bytes);
        }
    }
    Ok(())
}

async fn chunks(http: Http, ledger: Arc<Ledger>, mut dice: Dice, round: u64) -> Result<()> {
    loop {
        let name = format!("/v2/main/chunked{round}");
        let begun = http.post(&format!("{name}/blobs/uploads/"), Vec::new()).await?.expect_status(202)?;
        let location = begun.header("location").unwrap_or_default().to_owned();
        let length = usize::try_from(dice.below(400_000))? + 1000;
        let bytes = dice.bytes(length);
        let upload = Begun { bytes: bytes.clone(), acknowledged: 0, ending: false };
        ledger.uploads.lock().unwrap().insert(location.clone(), upload);
        let mut at = 0;
        while at < bytes.len() {
            let end = (at + 1 + usize::try_from(dice.below(90_000))?).min(bytes.len());
            let range = format!("{at}-{}", end - 1);
            let request = http.request(Method::PATCH, &location).header("content-range", range);
            http.send(request.body(bytes[at..end].to_vec())).await?.expect_status(202)?;
            at = end;
            ledger.uploads.lock().unwrap().get_mut(&location).unwrap().acknowledged = at;
        }
        ledger.uploads.lock().unwrap().get_mut(&location).unwrap().ending = true;
        let digest = assay_testkit::make::sha256(&bytes);
        http.put(&format!("{location}?digest=sha256:{digest}"), Vec::new()).await?.expect_status(201)?;
        ledger.uploads.lock().unwrap().remove(&location);
        ledger.staged(&format!("{name}/blobs/sha256:{digest}"), &bytes);
    }
}

async fn policies(http: Http, mut dice: Dice) -> Result<()> {
    loop {
        let rego = "package cloudsmith\nimport rego.v1\nmatch if startswith(input.v0.package.name, \"churn\")\n";
        policy(&http, "churn", rego, dice.below(2) == 0).await?.expect_status(201)?;
        tokio::time::sleep(std::time::Duration::from_millis(dice.below(150))).await;
    }
}

/// Asks without end for what must be refused, in every way that could give a part of it away.
async fn pulls(http: Http, ledger: Arc<Ledger>) -> Result<()> {
    loop {
        for path in ledger.all_forbidden().iter().rev().take(20) {
            for headers in [vec![], vec![("range", "bytes=0-9")], vec![("if-none-match", "*")]] {
                // waiting for a decision must not keep the others from being asked for
                let Ok(reply) =
                    tokio::time::timeout(std::time::Duration::from_millis(300), http.get_with(path, &headers)).await
                else {
                    continue;
                };
                let status = reply?.status.as_u16();
                if matches!(status, 200..=399) {
                    ledger.leaked(format!("{path} {headers:?}: {status}"));
                }
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// The first version, of which no feed says that it is affected.
fn fixed(round: u64) -> u64 {
    round * 7 % 60
}

/// The feed of a round: always the same records, and all of them changed.
pub fn feed(server: &TestServer, round: u64) -> Result<PathBuf> {
    let modified = format!("2026-01-01T{:02}:{:02}:00Z", round / 60 % 24, round % 60);
    let records: Vec<_> = (0..ADVISORIES)
        .map(|i| {
            let (id, name) = (format!("PYSEC-2026-{i}"), format!("pkg{i}"));
            feeds::osv_record(&id, "PyPI", &name, Some(&fixed(round).to_string()), feeds::CRITICAL, &modified)
        })
        .collect();
    let path = server.scratch().join(format!("feed-{round}.zip"));
    std::fs::write(&path, feeds::osv_zip(&records)?)?;
    Ok(path)
}

/// Whether the feed of a round says that a version is affected.
pub fn affected(name: &str, version: &str, round: u64) -> bool {
    let major: u64 = version.split('.').next().and_then(|text| text.parse().ok()).unwrap_or(u64::MAX);
    name.starts_with("pkg") && major < fixed(round)
}
