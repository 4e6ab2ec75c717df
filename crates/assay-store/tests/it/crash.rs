//! A process that is killed at any moment loses nothing that it acknowledged and leaves nothing half. The embedded stores
//! only: what PostgreSQL and S3 do when they are killed is theirs to promise.

use crate::world::{at, event, new_file, new_package};
use assay_model::{
    Digest, Problem,
    event::{GENESIS, chain_hash},
    package::PackageId,
    repository::Settings,
    seam::meta::{self, EventFilter, Tx},
};
use assay_store::{StoreConfig, Stores};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const DIRECTORY: &str = "ASSAY_TEST_CRASH_DIRECTORY";
const ROUNDS: u32 = 12;

fn content(n: i64) -> Vec<u8> {
    format!("{n}-").repeat(2000).into_bytes()
}

fn publish(tx: &mut dyn Tx, n: i64) -> Result<(), Problem> {
    let r = tx.repository("main")?.ok_or_else(|| Problem::bug("no repository"))?.id;
    let bytes = content(n);
    let mut file = new_file("f", "");
    (file.digest, file.size) = (Digest::of(&bytes), bytes.len() as u64);
    tx.stage_blob(r, "pypi", "p", &file.digest, file.size, at(1))?;
    let (id, _) = tx.put_package(&new_package(r, "p", &n.to_string()))?;
    tx.put_files(id, std::slice::from_ref(&file), at(1))?;
    tx.unstage_blob(r, "pypi", "p", &file.digest)?;
    tx.append_event(&event(&n.to_string(), serde_json::json!({"n": n})))?;
    Ok(())
}

async fn open(directory: &Path) -> Stores {
    assay_store::open(&StoreConfig::embedded(directory).unwrap()).await.unwrap()
}

/// Not a test of its own: the process that is killed. It writes until then, and says what is durable.
#[tokio::test]
#[ignore = "started by a_killed_process_loses_nothing"]
async fn writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let stores = open(Path::new(&directory)).await;
    let first = meta::write(&*stores.meta, |tx| {
        if tx.repository("main")?.is_none() {
            tx.create_repository("main", &Settings::default(), at(0))?;
        }
        tx.last_event()
    });
    let first = first.await.unwrap() + 1;
    for n in first.. {
        let bytes = content(n);
        let spooled = Path::new(&directory).join(format!("spool-{n}"));
        std::fs::write(&spooled, &bytes).unwrap();
        stores.blobs.put(&Digest::of(&bytes), &spooled).await.unwrap();
        meta::write(&*stores.meta, move |tx| publish(tx, n)).await.unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "\ndurable {n}").unwrap();
        out.flush().unwrap();
    }
}

/// Starts the writer, kills it after `patience`, and gives the last number that it called durable.
fn run_and_kill(directory: &Path, patience: Duration) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::writes_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        let numbers = lines.lines().map_while(Result::ok);
        numbers.filter_map(|l| l.strip_prefix("durable ")?.parse().ok()).last().unwrap_or(0)
    });
    std::thread::sleep(patience);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

async fn check(directory: &Path, durable: i64) -> i64 {
    let stores = open(directory).await;
    let (events, packages, files) = meta::read(&*stores.meta, |tx| {
        let ids = tx.package_ids(None, 1_000_000)?;
        let events = tx.events(&EventFilter { limit: 1_000_000, ..EventFilter::default() })?;
        Ok((events, tx.packages(&ids)?, tx.files_of(&ids)?))
    })
    .await
    .unwrap();
    let last = events.len() as i64;
    assert!(last >= durable, "{durable} were acknowledged, {last} are there");
    let mut previous = GENESIS.to_owned();
    for (e, n) in events.iter().zip(1..) {
        let hash = chain_hash(&previous, n, e.at, &e.kind, &e.actor, &e.subject, &e.body.to_string());
        assert_eq!((e.seq, &e.hash), (n, &hash));
        previous = hash;
    }
    assert_eq!((packages.len() as i64, files.len() as i64), (last, last), "each transaction whole or not at all");
    assert!(packages.iter().zip(1..).all(|(p, n)| p.at.version == n.to_string() && p.id == PackageId(n)));
    for (file, n) in files.iter().zip(1..) {
        let mut stored = Vec::new();
        stores.blobs.local(&file.digest).await.unwrap().read_to_end(&mut stored).unwrap();
        assert!(stored == content(n), "the bytes of {n}");
    }
    for (digest, size) in stores.blobs.list(None, 1_000_000).await.unwrap() {
        let mut stored = Vec::new();
        stores.blobs.local(&digest).await.unwrap().read_to_end(&mut stored).unwrap();
        assert_eq!((Digest::of(&stored), stored.len() as u64), (digest, size), "also of blobs without a row");
    }
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (begun, mut last) = (Instant::now(), 0);
    for round in 0..ROUNDS {
        // long enough to start, short enough to be cut off anywhere
        let patience = Duration::from_millis(60 + u64::from(begun.elapsed().subsec_nanos() % 173) + u64::from(round));
        let directory = home.path().to_owned();
        let durable = tokio::task::spawn_blocking(move || run_and_kill(&directory, patience)).await.unwrap();
        last = check(home.path(), durable).await;
    }
    assert!(last > 0, "something was written at all");
}
