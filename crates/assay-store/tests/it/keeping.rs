//! The trash, what repositories hold, downloads, and the collection of bytes.

use crate::world::{World, at, conformance, digest, new_file, new_package, publish};
use assay_model::{
    Digest,
    keeping::{Discard, Downloads, Usage},
    package::{FileId, PackageId, State},
    problem::Kind,
    repository::RepositoryId,
    seam::meta::{self, CALLERS, OTHERS, Pulled, TrashFilter},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

conformance!(
    what_is_deleted_comes_back_as_it_was,
    what_is_in_the_trash_comes_again_only_as_the_same,
    a_part_that_came_again_leaves_the_trash,
    references_that_moved_on_are_left,
    the_trash_is_listed_and_purged,
    usage_is_what_a_count_says,
    downloads_add_up,
    callers_of_a_day_are_bounded,
    two_nodes_count_at_the_same_time,
    the_ground_tells_of_burials,
    bytes_without_a_row_are_buried_once,
    graves_are_taken_over,
);

fn how(purge_at: Timestamp) -> Discard {
    Discard { at: at(50), by: "ann".into(), cause: "deleted".into(), purge_at }
}

/// Everything that can go at `before`, as the collector does it; gives the digests, oldest first.
pub async fn collect(world: &World, before: Timestamp) -> Vec<Digest> {
    world
        .write(move |tx| {
            while tx.end_stages(before, 1)? > 0 {}
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let walked = tx.walk_blobs(after.as_ref(), before, 2)?;
                let digests: Vec<Digest> = walked.orphans.into_iter().map(|(digest, _)| digest).collect();
                let buried = tx.bury(&digests, before, "collector", at(1000))?;
                assert_eq!(buried.len(), digests.len(), "what is seen in a transaction is so");
                tx.close_graves(&digests, "collector")?;
                all.extend(digests);
                after = walked.next;
                if after.is_none() {
                    return Ok(all);
                }
            }
        })
        .await
}

async fn what_is_deleted_comes_back_as_it_was(world: World) {
    let r = world.repository("main").await.id;
    let id = world
        .write(move |tx| {
            let id = publish(tx, r, "p", "1", "one")?;
            tx.set_standing(id, State::Available, &["t".to_owned()].into(), None, None)?;
            tx.set_reference(r, "pypi", "p", "latest", id, at(1))?;
            Ok(id)
        })
        .await;
    let before = world.read(move |tx| tx.files_of(&[id])).await;
    world.write(move |tx| tx.discard(id, &how(at(99)))).await;
    let seen = world
        .read(move |tx| {
            Ok((
                tx.packages_named(r, "pypi", "p", None)?.len(),
                tx.files_of(&[id])?.len(),
                tx.references(r, "pypi", "p")?.len(),
                tx.file(before[0].id)?.is_some(),
                tx.usage(r)?,
            ))
        })
        .await;
    assert_eq!(seen, (0, 0, 0, false, Usage::default()));
    assert!(collect(&world, at(999)).await.is_empty(), "the trash keeps bytes alive");
    let restored = world.write(move |tx| tx.restore(id, at(60))).await.unwrap();
    assert_eq!((restored.files, restored.references, restored.left), (1, vec!["latest".to_owned()], vec![]));
    assert!(world.write(move |tx| tx.restore(id, at(60))).await.is_none(), "once");
    let package = world.read(move |tx| tx.packages(&[id])).await.remove(0);
    assert_eq!((package.state, package.tags.len()), (State::Pending, 1), "to be decided anew");
    let after = world.read(move |tx| tx.files_of(&[id])).await;
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].digest, digest("one"));
    assert_eq!(world.read(move |tx| tx.usage(r)).await, Usage { packages: 1, bytes: 3 });
}

async fn what_is_in_the_trash_comes_again_only_as_the_same(world: World) {
    let r = world.repository("main").await.id;
    let id = world
        .write(move |tx| {
            let id = publish(tx, r, "p", "1", "one")?;
            tx.discard(id, &how(at(99)))?;
            Ok(id)
        })
        .await;
    let other = world.fails(move |tx| publish(tx, r, "p", "1", "two")).await;
    assert_eq!((other.kind, other.code), (Kind::Conflict, "file-in-trash"));
    assert_eq!(world.write(move |tx| publish(tx, r, "p", "1", "one")).await, id);
    assert!(world.read(move |tx| tx.trashed(id)).await.is_none(), "it is no longer in the trash");
    world.write(move |tx| tx.discard(id, &how(at(99)))).await;
    assert!(world.write(move |tx| tx.purge(id)).await);
    world.write(move |tx| publish(tx, r, "p", "1", "two")).await;
    assert_eq!(world.read(move |tx| tx.files_of(&[id])).await[0].digest, digest("two"), "purged: the name is free");
}

async fn a_part_that_came_again_leaves_the_trash(world: World) {
    let r = world.repository("main").await.id;
    let id = world
        .write(move |tx| {
            let id = publish(tx, r, "p", "1", "wheel")?;
            tx.stage_blob(r, "pypi", "p", &digest("sdist"), 5, at(1))?;
            tx.put_files(id, &[new_file("p-1.tar.gz", "sdist")], at(1))?;
            tx.discard(id, &how(at(99)))?;
            publish(tx, r, "p", "1", "wheel")
        })
        .await;
    let (live, kept) = world.read(move |tx| Ok((tx.files_of(&[id])?, tx.trashed(id)?.unwrap()))).await;
    assert_eq!((live.len(), kept.files, kept.bytes), (1, 1, 5));
    world.write(move |tx| tx.restore(id, at(60))).await.unwrap();
    assert_eq!(world.read(move |tx| tx.files_of(&[id])).await.len(), 2);
    assert_eq!(world.read(move |tx| tx.usage(r)).await, Usage { packages: 1, bytes: 10 });
    // deleted, published again in part, deleted again: all of it can come back
    world
        .write(move |tx| {
            tx.discard(id, &how(at(99)))?;
            publish(tx, r, "p", "1", "wheel")?;
            tx.discard(id, &how(at(99)))
        })
        .await;
    assert_eq!(world.write(move |tx| tx.restore(id, at(60))).await.unwrap().files, 2);
}

async fn references_that_moved_on_are_left(world: World) {
    let r = world.repository("main").await.id;
    let restored = world
        .write(move |tx| {
            let (a, b) = (publish(tx, r, "p", "1", "x")?, publish(tx, r, "p", "2", "y")?);
            tx.set_reference(r, "pypi", "p", "latest", a, at(1))?;
            tx.set_reference(r, "pypi", "p", "stable", a, at(1))?;
            tx.discard(a, &how(at(99)))?;
            tx.set_reference(r, "pypi", "p", "latest", b, at(2))?;
            tx.restore(a, at(3))
        })
        .await
        .unwrap();
    assert_eq!(restored.references, ["stable"]);
    assert_eq!(restored.left, ["latest"]);
}

async fn the_trash_is_listed_and_purged(world: World) {
    let (r, other) = (world.repository("main").await.id, world.repository("other").await.id);
    let ids = world
        .write(move |tx| {
            let mut ids = Vec::new();
            for (place, version, purge) in [(r, "1", 60), (r, "2", 70), (other, "1", 80)] {
                let id = publish(tx, place, "p", version, version)?;
                tx.discard(id, &how(at(purge)))?;
                ids.push(id);
            }
            Ok(ids)
        })
        .await;
    let list = |filter: TrashFilter| {
        let store = world.meta.clone();
        async move {
            let found = meta::read(&*store, move |tx| tx.trash(&filter)).await.unwrap();
            found.into_iter().map(|t| t.package.id).collect::<Vec<_>>()
        }
    };
    let all = || TrashFilter { limit: 9, ..TrashFilter::default() };
    assert_eq!(list(all()).await, [ids[2], ids[1], ids[0]]);
    assert_eq!(list(TrashFilter { repositories: Some(vec![r]), ..all() }).await, [ids[1], ids[0]]);
    assert_eq!(list(TrashFilter { before: Some(ids[1]), ..all() }).await, [ids[0]]);
    assert_eq!(list(TrashFilter { due: Some(at(75)), ..all() }).await, [ids[0], ids[1]], "the longest due first");
    let second = ids[1];
    let place = world.read(move |tx| tx.packages(&[second])).await.remove(0).at;
    assert_eq!(list(TrashFilter { at: Some(place), repositories: Some(vec![r]), ..all() }).await, [ids[1]]);
    let (one, two) = (ids[0], ids[1]);
    assert!(world.write(move |tx| tx.purge(one)).await);
    assert!(!world.write(move |tx| tx.purge(one)).await);
    let row = world.read(move |tx| tx.trashed(two)).await.unwrap();
    assert_eq!((row.deleted_by.as_str(), row.cause.as_str(), row.purge_at, row.files), ("ann", "deleted", at(70), 1));
    assert_eq!(world.read(move |tx| tx.trash_usages()).await[&r], Usage { packages: 1, bytes: 1 });
    assert_eq!(collect(&world, at(999)).await.len(), 0, "`1` is in the other repository's trash as well");
}

/// What the counters must say, counted.
async fn counted(world: &World, r: RepositoryId) -> Usage {
    world
        .read(move |tx| {
            let every = tx.package_ids(None, 10_000)?;
            let ids: Vec<PackageId> = tx
                .packages(&every)?
                .into_iter()
                .filter(|p| p.repository == r && p.state != State::Deleted)
                .map(|p| p.id)
                .collect();
            let sizes: BTreeMap<Digest, u64> = tx.files_of(&ids)?.into_iter().map(|f| (f.digest, f.size)).collect();
            Ok(Usage { packages: ids.len() as u64, bytes: sizes.values().sum() })
        })
        .await
}

async fn usage_is_what_a_count_says(world: World) {
    let (r, other) = (world.repository("main").await.id, world.repository("other").await.id);
    let mut seed: u64 = 7;
    let mut random = move |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    for _ in 0..120 {
        let (what, place, name, content) =
            (random(6), if random(2) == 0 { r } else { other }, random(3), "x".repeat(random(4) as usize + 1));
        world
            .write(move |tx| {
                let name = format!("p{name}");
                let there = tx.packages_named(place, "pypi", &name, Some("1"))?.pop();
                match (what, there) {
                    (0 | 1, _) => {
                        let (id, _) = tx.put_package(&new_package(place, &name, "1"))?;
                        let file = new_file(&format!("{content}.whl"), &content);
                        tx.stage_blob(place, "pypi", &name, &file.digest, file.size, at(1))?;
                        let twin = new_file(&format!("{content}-again.whl"), &content);
                        tx.put_files(id, &[file, twin], at(1)).map(|_| ())
                    }
                    (2, Some(p)) => tx.delete_package(p.id),
                    (3, Some(p)) => tx.discard(p.id, &how(at(99))),
                    (4, _) => {
                        let filter =
                            TrashFilter { repositories: Some(vec![place]), limit: 1, ..TrashFilter::default() };
                        match tx.trash(&filter)?.pop() {
                            Some(kept) => tx.restore(kept.package.id, at(2)).map(|_| ()),
                            None => Ok(()),
                        }
                    }
                    _ => Ok(()),
                }
            })
            .await;
        for place in [r, other] {
            assert_eq!(world.read(move |tx| tx.usage(place)).await, counted(&world, place).await);
        }
    }
}

fn pulled(package: i64, file: i64, day: i64, who: &str, count: u64) -> Pulled {
    Pulled { package: PackageId(package), file: FileId(file), day, who: who.into(), count, last: at(day) }
}

async fn downloads_add_up(world: World) {
    let first = [pulled(1, 10, 3, "ci", 2), pulled(1, 11, 3, "ci", 1), pulled(2, 20, 4, "ann", 5)];
    world.write(move |tx| tx.add_downloads(&first)).await;
    world.write(|tx| tx.add_downloads(&[pulled(1, 10, 5, "ann", 4), pulled(1, 10, 2, "ci", 1)])).await;
    let (all, files, days) = world
        .read(|tx| {
            let ids = [PackageId(1), PackageId(2), PackageId(3)];
            Ok((tx.downloads_of(&ids)?, tx.downloads_by_file(PackageId(1))?, tx.download_days(PackageId(1), 3)?))
        })
        .await;
    assert_eq!(all[&PackageId(1)], Downloads { count: 8, last: Some(at(5)) });
    assert_eq!((all[&PackageId(2)].count, all.len()), (5, 2));
    assert_eq!(files[&FileId(10)], Downloads { count: 7, last: Some(at(5)) });
    let days: Vec<_> = days.into_iter().map(|d| (d.day, d.who, d.count)).collect();
    assert_eq!(days, [(3, "ci".to_owned(), 3), (5, "ann".to_owned(), 4)]);
    assert_eq!(world.write(|tx| tx.forget_download_days(5, 9)).await, 3);
    assert_eq!(world.read(|tx| tx.download_days(PackageId(1), 0)).await.len(), 1);
    assert_eq!(world.read(|tx| tx.downloads_of(&[PackageId(1)])).await[&PackageId(1)].count, 8, "totals stay");
}

async fn callers_of_a_day_are_bounded(world: World) {
    for round in 0..2 {
        let many: Vec<Pulled> = (0..30).map(|n| pulled(1, 1, 1, &format!("{round}-{n}"), 1)).collect();
        world.write(move |tx| tx.add_downloads(&many)).await;
    }
    let days = world.read(|tx| tx.download_days(PackageId(1), 0)).await;
    assert_eq!(days.len(), CALLERS + 1);
    assert_eq!(days.iter().map(|d| d.count).sum::<u64>(), 60, "none is lost");
    assert_eq!(days.iter().find(|d| d.who == OTHERS).unwrap().count, 40);
}

async fn two_nodes_count_at_the_same_time(world: World) {
    let other = world.again().await;
    let mut nodes = Vec::new();
    for (node, store) in [world.meta.clone(), other].into_iter().enumerate() {
        nodes.push(tokio::spawn(async move {
            for _ in 0..20 {
                let mut batch: Vec<Pulled> = (0..20).map(|n| pulled(n, n, 1, "ci", 1)).collect();
                if node == 1 {
                    batch.reverse();
                }
                meta::write(&*store, move |tx| tx.add_downloads(&batch)).await.unwrap();
            }
        }));
    }
    for node in nodes {
        node.await.unwrap();
    }
    let ids: Vec<PackageId> = (0..20).map(PackageId).collect();
    let all = world.read(move |tx| tx.downloads_of(&ids)).await;
    assert!(all.len() == 20 && all.values().all(|d| d.count == 40), "{all:?}");
}

async fn the_ground_tells_of_burials(world: World) {
    let r = world.repository("main").await.id;
    let ground = || world.read(|tx| tx.ground(&digest("x")));
    let before = ground().await;
    assert!(!before.buried);
    let stage = move |tx: &mut dyn meta::Tx| tx.stage_blob(r, "oci", "app", &digest("x"), 1, at(1));
    world.write(stage).await;
    let busy = world.write(|tx| tx.bury(&[digest("x")], at(9), "c", at(99))).await;
    assert!(busy.is_empty(), "it is staged");
    world.write(|tx| tx.end_stages(at(9), 9)).await;
    let young = world.write(|tx| tx.bury(&[digest("x")], at(1), "c", at(99))).await;
    assert!(young.is_empty(), "not older than that");
    assert_eq!(world.write(|tx| tx.bury(&[digest("x")], at(9), "c", at(99))).await, [(digest("x"), 1)]);
    assert!(ground().await.buried);
    let refused = world.fails(stage).await;
    assert_eq!((refused.kind, refused.code), (Kind::Busy, "blob-buried"));
    assert_eq!(world.write(|tx| tx.close_graves(&[digest("x")], "another")).await, 0, "whose grave it is");
    assert!(ground().await.buried);
    assert_eq!(world.write(|tx| tx.close_graves(&[digest("x")], "c")).await, 1);
    let after = ground().await;
    assert!(!after.buried && after.closed > before.closed, "the ground has moved");
    world.write(stage).await;
}

async fn bytes_without_a_row_are_buried_once(world: World) {
    let r = world.repository("main").await.id;
    world.write(move |tx| tx.stage_blob(r, "oci", "app", &digest("named"), 5, at(1))).await;
    let asked = [(digest("named"), 5), (digest("unnamed"), 7)];
    let buried = world.write(move |tx| tx.bury_unnamed(&asked, "c", at(99))).await;
    assert_eq!(buried, [digest("unnamed")]);
    assert_eq!(world.read(|tx| tx.blob_size(&digest("unnamed"))).await, None);
    assert!(world.read(|tx| tx.ground(&digest("unnamed"))).await.buried);
    assert_eq!(world.read(|tx| tx.graves()).await, 1);
}

async fn graves_are_taken_over(world: World) {
    world.write(|tx| tx.bury_unnamed(&[(digest("a"), 1), (digest("b"), 1)], "killed", at(50))).await;
    assert!(world.write(|tx| tx.take_graves("next", Some(at(50)), at(90), 9)).await.is_empty(), "not yet");
    assert_eq!(world.write(|tx| tx.take_graves("next", Some(at(51)), at(90), 1)).await.len(), 1);
    assert_eq!(world.write(|tx| tx.take_graves("third", None, at(90), 9)).await.len(), 2, "where nobody else is");
    assert_eq!(world.write(|tx| tx.close_graves(&[digest("a"), digest("b")], "third")).await, 2);
}
