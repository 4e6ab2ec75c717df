//! Storage that fails below a running server: full, read-only, unreachable, answering nothing. Clients are told what is
//! wrong in their own words, nothing that was stored is lost, and all is well again without a restart.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use assay_testkit::faulty::{Fault, Faulty};
use assay_testkit::make::wheel::Wheel;
use assay_testkit::{Reply, TestServer, skipped, upload};

use crate::cluster::Services;
use crate::support::{options, settled};

/// How soon all must be well again. A failed look-up may be waited for before the next one is made.
const RECOVERY: Duration = Duration::from_secs(30);
/// How long a client waits at most for the answer that the storage fails.
const ANSWER: Duration = Duration::from_secs(40);

/// A small file system of its own, gone with the test.
struct Small(PathBuf);

impl Small {
    fn at(place: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(place).unwrap();
        let options = format!("size={size},mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(place).output();
        if mounted.is_ok_and(|done| done.status.success()) {
            return Some(Self(place.to_path_buf()));
        }
        skipped("no file system can be mounted here; run as root to test full and read-only disks");
        None
    }

    fn remount(&self, how: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(&self.0).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

async fn put(server: &TestServer, name: &str, size: usize) -> Result<Reply> {
    server.http().put(&format!("/generic/main/{name}"), vec![7; size]).await
}

async fn works(server: &TestServer, name: &str) -> Result<()> {
    let start = Instant::now();
    loop {
        let reply = put(server, name, 1000).await?;
        if reply.status.is_success() {
            break;
        }
        ensure!(start.elapsed() < RECOVERY, "still {}: {}", reply.status, reply.text());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    settled(server).await?;
    let pulled = server.http().get(&format!("/generic/main/{name}")).await?.expect_status(200)?;
    ensure!(pulled.body == [7; 1000], "other bytes");
    Ok(())
}

/// The answer has this status and says this; it came soon.
async fn fails(status: u16, says: &str, asked: impl Future<Output = Result<Reply>>) -> Result<()> {
    let start = Instant::now();
    let reply = asked.await?;
    ensure!(reply.status.as_u16() == status, "{}: {}", reply.status, reply.text());
    ensure!(reply.text().contains(says), "{}", reply.text());
    ensure!(start.elapsed() < ANSWER, "the answer took {:?}", start.elapsed());
    Ok(())
}

fn spool_is_empty(server: &TestServer) -> Result<()> {
    for entry in std::fs::read_dir(server.data().join("spool"))? {
        let name = entry?.file_name();
        ensure!(!name.to_string_lossy().starts_with("stage-"), "{name:?} stayed in the spool");
    }
    Ok(())
}

#[tokio::test]
async fn a_full_disk_is_told_and_room_is_used_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(small) = Small::at(&folder.path().join("data"), "32m") else { return Ok(()) };
    let server = options().data(&small.0).start().await?;
    put(&server, "before", 1000).await?.expect_status(201)?;
    settled(&server).await?;
    // a body that does not fit
    fails(507, "full", put(&server, "too-large", 40 << 20)).await?;
    spool_is_empty(&server)?;
    works(&server, "after").await?;
    // no room for anything
    let filler = small.0.join("filler");
    let _ = std::fs::write(&filler, vec![0; 40 << 20]);
    fails(507, "full", put(&server, "small", 100_000)).await?;
    let noise: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let wheel = Wheel::new("full", "1.0").file("full/data.bin", noise);
    fails(507, "full", upload::pypi(server.http(), "main", &wheel.build()?)).await?;
    let opened = server.http().post("/v2/main/full/blobs/uploads/?digest=sha256:0", vec![]).await?;
    ensure!(opened.status.is_client_error(), "{}", opened.text());
    let blob = upload::oci_blob(server.http(), "main/full", vec![9; 300_000]).await;
    let said = format!("{:#}", blob.err().map(|e| e.to_string()).unwrap_or_default());
    ensure!(said.contains("507") && said.contains("\"errors\""), "{said}");
    // what is stored is served all the same
    server.http().get("/generic/main/before").await?.expect_status(200)?;
    server.http().get("/generic/main/after").await?.expect_status(200)?;
    std::fs::remove_file(filler)?;
    works(&server, "again").await?;
    upload::pypi(server.http(), "main", &wheel.build()?).await?.expect_status(200)?;
    upload::oci_blob(server.http(), "main/full", vec![9; 300_000]).await?;
    spool_is_empty(&server)?;
    server.http().get("/generic/main/before").await?.expect_status(200)?;
    server.http().get("/api/v1/events/verify").await?.expect_status(200)?;
    Ok(())
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_read_all_the_same() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(blobs) = Small::at(&folder.path().join("data/blobs"), "16m") else { return Ok(()) };
    let server = options().data(&folder.path().join("data")).start().await?;
    put(&server, "before", 1000).await?.expect_status(201)?;
    settled(&server).await?;
    blobs.remount("ro");
    fails(503, "read-only", put(&server, "meanwhile", 1234)).await?;
    server.http().get("/generic/main/before").await?.expect_status(200)?;
    spool_is_empty(&server)?;
    blobs.remount("rw");
    works(&server, "after").await?;
    put(&server, "meanwhile", 1234).await?.expect_status(201)?;
    // the blobs' disk is full, and that of the spool is not
    fails(507, "full", put(&server, "large", 20 << 20)).await?;
    spool_is_empty(&server)?;
    works(&server, "at-last").await
}

/// A server whose database or object store is behind a connection that breaks.
async fn behind(services: &Services, name: &str, url: &str) -> Result<(TestServer, Faulty)> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (credentials, place) = rest.rsplit_once('@').map_or(("", rest), |(who, place)| (who, place));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let faulty = Faulty::before(authority).await?;
    let at = if credentials.is_empty() { "" } else { "@" };
    let slash = if path.is_empty() { "" } else { "/" };
    let through = format!("{scheme}://{credentials}{at}{}{slash}{path}", faulty.authority());
    let server = services.under(options()).env(name, &through).start().await?;
    Ok((server, faulty))
}

#[tokio::test]
async fn an_object_store_that_fails_is_told_and_comes_back() -> Result<()> {
    let Some(services) = Services::new() else { return Ok(()) };
    let (server, faulty) = behind(&services, "ASSAY_STORAGE_ENDPOINT", services.endpoint()).await?;
    works(&server, "before").await?;
    for (at, fault) in [Fault::Unavailable, Fault::Cut, Fault::Silent].into_iter().enumerate() {
        faulty.set(fault);
        fails(503, "object store", put(&server, &format!("meanwhile-{at}"), 70_000)).await?;
        // small files that were pulled before are in memory
        server.http().get("/generic/main/before").await?.expect_status(200)?;
        spool_is_empty(&server)?;
        faulty.set(Fault::None);
        works(&server, &format!("after-{at}")).await?;
        let late = put(&server, &format!("meanwhile-{at}"), 70_000).await?.expect_status(201)?;
        ensure!(late.status.is_success());
    }
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_started_anew_is_waited_for() -> Result<()> {
    let Some(services) = Services::new() else { return Ok(()) };
    let (server, faulty) = behind(&services, "ASSAY_DATABASE_URL", services.database()).await?;
    works(&server, "before").await?;
    faulty.set(Fault::Cut);
    // the first look notices that idle connections are gone
    fails(503, "database", put(&server, "meanwhile", 1000)).await?;
    fails(503, "database", server.http().get("/generic/main/never-asked-for")).await?;
    spool_is_empty(&server)?;
    // what others may have blocked meanwhile is not served from memory
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    fails(503, "database", server.http().get("/generic/main/before")).await?;
    faulty.set(Fault::None);
    works(&server, "after").await?;
    server.http().get("/generic/main/before").await?.expect_status(200)?;
    Ok(())
}
