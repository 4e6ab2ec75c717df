//! An upload, a collector and a deletion over the real stores, in every order of their steps: whoever was told that the
//! bytes are kept finds them. Each order has a digest of its own, so that one database serves all.

use crate::world::{World, at, conformance};
use assay_model::{
    Digest,
    repository::RepositoryId,
    seam::{
        blob::BlobStore,
        meta::{self, Ground},
    },
};
use assay_store::blob::files::FileBlobs;

conformance!(no_order_loses_bytes);

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Upload,
    Collector,
    Deletion,
}

/// All orders of so many steps of each.
fn orders(upload: usize, collector: usize, deletion: usize) -> Vec<Vec<Who>> {
    let mut all = Vec::new();
    for (who, left) in [
        (Who::Upload, upload.checked_sub(1).map(|n| (n, collector, deletion))),
        (Who::Collector, collector.checked_sub(1).map(|n| (upload, n, deletion))),
        (Who::Deletion, deletion.checked_sub(1).map(|n| (upload, collector, n))),
    ] {
        let Some((upload, collector, deletion)) = left else { continue };
        for mut rest in orders(upload, collector, deletion) {
            rest.insert(0, who);
            all.push(rest);
        }
    }
    if all.is_empty() { vec![Vec::new()] } else { all }
}

struct Play<'w> {
    world: &'w World,
    blobs: &'w FileBlobs,
    home: &'w std::path::Path,
    repository: RepositoryId,
    content: String,
    digest: Digest,
    looked: Option<Ground>,
    put: bool,
    /// Told that the bytes are kept, and nobody deleted them since.
    kept: bool,
    done: bool,
    buried: Vec<Digest>,
    deleted: bool,
}

impl Play<'_> {
    async fn upload(&mut self) {
        match (self.looked, self.put) {
            _ if self.done => {}
            (None, _) => {
                let digest = self.digest.clone();
                let ground = self.world.read(move |tx| tx.ground(&digest)).await;
                self.looked = Some(ground).filter(|ground| !ground.buried);
            }
            (Some(_), false) => {
                let spooled = self.home.join("spooled");
                std::fs::write(&spooled, &self.content).unwrap();
                self.blobs.put(&self.digest, &spooled).await.unwrap();
                self.put = true;
            }
            (Some(before), true) => {
                let (digest, r, size) = (self.digest.clone(), self.repository, self.content.len() as u64);
                let named = meta::write(&*self.world.meta, move |tx| {
                    tx.stage_blob(r, "oci", "app", &digest, size, at(1))?;
                    let now = tx.ground(&digest)?;
                    if now == before { Ok(()) } else { Err(assay_model::Problem::busy("moved", 1)) }
                })
                .await;
                (self.looked, self.put) = (None, false);
                self.done = named.is_ok();
                self.kept = self.done;
            }
        }
    }

    async fn deletion(&mut self) {
        let (digest, r) = (self.digest.clone(), self.repository);
        self.world.write(move |tx| tx.unstage_blob(r, "oci", "app", &digest)).await;
        self.kept = false;
    }

    async fn collector(&mut self) {
        if self.buried.is_empty() {
            let (digest, size) = (self.digest.clone(), self.content.len() as u64);
            let there = self.blobs.stat(&digest).await.unwrap().is_some();
            self.buried = self
                .world
                .write(move |tx| {
                    let buried = tx.bury(std::slice::from_ref(&digest), at(9), "c", at(99))?;
                    if buried.is_empty() && there {
                        return tx.bury_unnamed(&[(digest.clone(), size)], "c", at(99));
                    }
                    Ok(buried.into_iter().map(|(digest, _)| digest).collect())
                })
                .await;
        } else if !self.deleted {
            self.blobs.delete(&self.digest).await.unwrap();
            self.deleted = true;
        } else {
            let graves = std::mem::take(&mut self.buried);
            self.world.write(move |tx| tx.close_graves(&graves, "c")).await;
            self.deleted = false;
        }
    }

    async fn check(&self, order: &[Who]) {
        let digest = self.digest.clone();
        let row = self.world.read(move |tx| tx.blob_size(&digest)).await.is_some();
        let bytes = self.blobs.stat(&self.digest).await.unwrap().is_some();
        assert!(bytes || !row, "a row without bytes after {order:?}");
        assert!(bytes || !self.kept, "bytes that are kept are gone after {order:?}");
    }
}

async fn no_order_loses_bytes(world: World) {
    let r = world.repository("main").await.id;
    let home = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(home.path()).unwrap();
    let orders = orders(3, 3, 1);
    assert_eq!(orders.len(), 140);
    let mut restarts = 0;
    for (n, order) in orders.iter().enumerate() {
        for there_before in [false, true] {
            let content = format!("{n} {there_before}");
            let mut play = Play {
                world: &world,
                blobs: &blobs,
                home: home.path(),
                repository: r,
                digest: Digest::of(content.as_bytes()),
                content,
                looked: None,
                put: false,
                kept: false,
                done: false,
                buried: Vec::new(),
                deleted: false,
            };
            if there_before {
                while !play.done {
                    play.upload().await;
                }
                play.deletion().await;
                play.done = false;
            }
            for (i, who) in order.iter().enumerate() {
                match who {
                    Who::Upload => play.upload().await,
                    Who::Collector => play.collector().await,
                    Who::Deletion => play.deletion().await,
                }
                play.check(order.get(..=i).unwrap()).await;
            }
            // whatever happened, the upload ends once the collector has
            while !play.buried.is_empty() {
                play.collector().await;
            }
            for _ in 0..6 {
                restarts += usize::from(!play.done);
                play.upload().await;
            }
            assert!(play.done, "{order:?}");
            play.check(order).await;
        }
    }
    assert!(restarts > 0, "no order made an upload start over");
}
